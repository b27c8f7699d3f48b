# SPDX-License-Identifier: GPL-2.0-or-later
"""What the operator at three in the morning reads."""

import dataclasses
import re

import pytest

from nicmedic.remedy.catalog import describe_remedy, fitting_remedies
from nicmedic.remedy.target import build_target
from nicmedic.report.explain_text import render_explain_text
from nicmedic.report.style import Style
from nicmedic.report.verdict import render_verdict
from nicmedic.testing.answers import explain_bytes, explain_sample, shipped_knowledge
from nicmedic.testing.samples import SAMPLES

FOUND = [name for name in SAMPLES if name not in {"healthy", "no-log", "empty"}]


def render(name: str, *, width: int = 100, colour: bool = False, more: bool = False, one_line: bool = False) -> str:
    """The whole answer to a made-up log."""
    style = Style(width=width, colour=colour, more=more, one_line=one_line)
    return render_explain_text(explain_sample(name), shipped_knowledge(), style)


def commands(name: str, *, more: bool = True) -> list[str]:
    """The lines of an answer that are there to be pasted."""
    return [line.strip() for line in render(name, more=more).splitlines() if re.match(r" {7}\S", line) and not line.startswith("       …")]


@pytest.mark.parametrize("name", SAMPLES)
def test_the_first_line_is_the_whole_verdict_where_nobody_says_how_wide_lines_may_be(name: str) -> None:
    first, second, *_ = (render(name, width=40, one_line=True) + "\n").split("\n")
    assert first == render_verdict(explain_sample(name))
    assert first.endswith(".")
    assert not second


@pytest.mark.parametrize("width", [40, 80, 120])
@pytest.mark.parametrize("name", FOUND)
def test_only_commands_and_single_words_are_wider_than_the_terminal(name: str, width: int) -> None:
    wide = [line for line in render(name, width=width).splitlines() if len(line) > width and " " in line.strip()]
    assert [line for line in wide if not re.match(r" {7}\S", line)] == []


@pytest.mark.parametrize("name", ["debian-12-r8169", "proxmox-e1000e", "haos-e1000", "openwrt-platform", "unknown-driver", "xen-guest"])
def test_the_answer_to_a_simple_hang_fits_one_screen(name: str) -> None:
    assert len(render(name).splitlines()) <= 56


@pytest.mark.parametrize("name", FOUND)
def test_every_command_of_a_remedy_stands_whole_on_a_line_of_its_own(name: str) -> None:
    explanation, lines = explain_sample(name), render(name, width=40, more=True).splitlines()
    top = explanation.findings[0]
    target = build_target(top, explanation.boots, shipped_knowledge())
    missing = [
        command
        for remedy in fitting_remedies(top.remedies, target)
        if remedy.failed <= remedy.worked + remedy.partial
        for command in (*describe_remedy(remedy, target).commands, *describe_remedy(remedy, target).undo)
        if f"       {command}" not in lines
    ]
    assert missing == []


@pytest.mark.parametrize("name", SAMPLES)
def test_nothing_of_a_log_reaches_the_terminal_as_a_control_character(name: str) -> None:
    assert re.findall(r"[^\n -~\u00a1-\uffff]", render(name, more=True)) == []


@pytest.mark.parametrize("name", SAMPLES)
def test_colour_changes_no_word(name: str) -> None:
    coloured = render(name, colour=True)
    assert "\x1b[" in coloured
    assert re.sub(r"\x1b\[[0-9;]+m", "", coloured) == render(name)


def test_names_that_a_shell_would_act_on_stand_in_no_command() -> None:
    assert [line for line in commands("hostile-names") if re.search(r"eth0;reboot|\$\(reboot|`reboot|(?:^| )-x(?: |$)", line)] == []


def test_a_placeholder_is_explained() -> None:
    text = render("hostile-names", more=True)
    assert "IFACE" in text
    assert "in place of IFACE" in text


def test_ports_of_one_card_are_told_once() -> None:
    text = render("four-ports")
    assert render_verdict(explain_sample("four-ports")).startswith("ens1f0, ens1f1, ens1f2 and 2 more (igb) hung,")
    assert text.count("igb hangs with no other trace") == 1
    assert "What to try for ens1f0 (the others likewise)" in text


def test_hundreds_of_events_become_one_line_with_their_number() -> None:
    text = render("many-events")
    assert "(and 299 more like it, until 698.1 s)" in re.sub(r"\s+", " ", text)
    assert text.count("Detected Hardware Unit Hang") == 1
    assert render("many-events", more=True).count("eno1: Detected Hardware Unit Hang:") == 300


def test_of_many_boots_the_first_and_the_last_are_shown_and_the_others_counted() -> None:
    text = render("many-boots")
    assert render_verdict(explain_sample("many-boots")).startswith("eth0 (r8169) hung in all 6 boots, first 500 s after boot.")
    assert [line.split(",")[0].strip() for line in text.splitlines() if line.startswith("  boot ")] == [
        "boot 1",
        "boot 2",
        "boot 3",
        "boot 6",
    ]
    assert "… 2 more boots with events" in text


def test_usb_adapters_get_the_path_of_the_whole_device() -> None:
    assert "echo on > /sys/bus/usb/devices/1-1.1/power/control" in commands("raspberry-usb")


def test_chips_on_the_board_get_paths_of_the_platform_bus() -> None:
    driver = "/sys/bus/platform/drivers/mtk_soc_eth"
    assert f"echo 15100000.ethernet > {driver}/unbind; sleep 2; echo 15100000.ethernet > {driver}/bind" in commands("openwrt-platform")


@pytest.mark.parametrize("name", ["xen-guest", "virtio-guest", "openwrt-platform", "raspberry-usb"])
def test_what_is_on_no_pci_bus_gets_no_pci_commands(name: str) -> None:
    assert [line for line in commands(name) if "/sys/bus/pci" in line or "_aspm" in line] == []


def test_home_assistant_os_gets_networkmanager_in_place_of_ethtool() -> None:
    shown = commands("haos-e1000", more=False)
    assert any("ethtool.feature-tso off" in line and line.startswith("c=$(nmcli ") for line in shown)
    assert [line for line in shown if line.startswith("ethtool -K")] == []


def test_openwrt_is_told_where_ethtool_comes_from() -> None:
    assert "opkg update && opkg install ethtool" in re.sub(r"\s+", " ", render("openwrt-platform"))


def test_a_host_in_trouble_is_no_hang_of_a_nic() -> None:
    assert render_verdict(explain_sample("host-only")).startswith("No transmit hang of a NIC, but the host is in trouble.")


def test_an_unknown_driver_is_not_blamed() -> None:
    assert render_verdict(explain_sample("unknown-driver")) == "eth0 (nosuchnic) hung 551 s after boot. The log does not show why."


def test_experience_with_other_drivers_is_not_told_as_experience_with_this_one() -> None:
    assert "[reports, all drivers: " in re.sub(r"\s+", " ", render("unknown-driver"))
    assert "all drivers" not in render("debian-12-r8169")


def test_nothing_found_is_told_with_what_was_read() -> None:
    assert render("healthy") == "No hang found in 3 messages of 1 boot.\n"


def test_of_a_log_too_big_to_read_whole_lines_are_counted() -> None:
    explanation = explain_sample("healthy")
    source = explanation.sources[0]
    big = dataclasses.replace(source, records=None, unread_lines=None, lines=90_000, sparse=True)
    both = dataclasses.replace(explanation, sources=(source, big))
    assert render_verdict(both) == f"No hang found in {90_000 + source.lines} lines of 1 boot."


@pytest.mark.parametrize("name", ["empty", "no-log"])
def test_a_log_that_could_not_be_read_is_no_healthy_log(name: str) -> None:
    assert render(name) == "Nothing was read: 1 source could not be read.\n"


def test_an_undo_that_comes_by_itself_is_offered_before_the_link_is_touched() -> None:
    shown = commands("many-boots", more=False)
    assert "nohup sh -c 'sleep 180; ethtool -s eth0 autoneg on' >/dev/null 2>&1 &" in shown
    assert "kill $!" in shown


def test_the_interface_asked_for_is_the_one_that_is_told() -> None:
    explanation = explain_bytes(SAMPLES["four-ports"], interface="ens1f3")
    assert {finding.interface for finding in explanation.findings} == {"ens1f3"}
    assert render_verdict(explanation).startswith("ens1f3 (igb) hung 600 s after boot.")


def test_the_verdict_names_the_hosts_where_the_logs_are_of_several() -> None:
    lines = (
        b"Apr  1 12:00:00 web1 kernel: NETDEV WATCHDOG: eth0 (r8169): transmit queue 0 timed out\n"
        b"Apr  1 12:30:00 db1 kernel: NETDEV WATCHDOG: eth0 (r8169): transmit queue 0 timed out\n"
    )
    verdict = render_verdict(explain_bytes(lines))
    assert "on db1 hung" in verdict
    assert "eth0 (r8169) on web1" in verdict
    assert " boots" not in verdict
