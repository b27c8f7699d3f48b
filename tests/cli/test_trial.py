# SPDX-License-Identifier: GPL-2.0-or-later
"""What the commands of a kernel on trial say before they could do anything: to users, with a wrong command line, with nothing on trial."""

import io
import json
from pathlib import Path

import jsonschema
import pytest

from nicmedic.cli.main import main
from nicmedic.cli.trial import parse_traffic
from nicmedic.model.boot_trial import Traffic
from nicmedic.model.errors import UsageError
from nicmedic.testing.boot_trial import OLD, Behaviour, TrialHost, build_trial_edges, run_services

SCHEMA = json.loads((Path(__file__).parents[2] / "docs/schema/trial-1.json").read_text(encoding="utf-8"))
NEW = "6.1.0-56-amd64"
COMMANDS = (
    ("prepare",),
    ("prepare", "--install-hook"),
    ("prepare", "--remove-hook"),
    ("prepare", "--hook", "dnf"),
    ("start", NEW),
    ("status",),
    ("stop",),
    ("abort",),
    ("aba", "6.1.0-55-amd64", NEW),
    ("resume",),
)


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Of its own."""
    monkeypatch.setenv("NICMEDIC_STATE", str(tmp_path / "state"))
    return tmp_path / "state"


def take_host(host: TrialHost, monkeypatch: pytest.MonkeyPatch) -> TrialHost:
    """Commands are given on this one from now on."""
    monkeypatch.setattr("os.geteuid", lambda: 0)
    monkeypatch.setattr("nicmedic.cli.trial_edges.build_trial_edges", lambda: build_trial_edges(host))
    return host


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_only_root_may(command: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    assert main(["trial", *command]) == 24
    assert capsys.readouterr().err.startswith("nicmedic: nothing was changed: only root may ")


@pytest.mark.parametrize(
    ("command", "told"),
    [
        (["start", NEW, "--soak", "1s"], "no duration from 10 s"),
        (["start", NEW, "--reach", "x"], "--reach 'x': no duration"),
        (["start", NEW, "--traffic", "fast"], "--traffic 'fast': no rate"),
        (["aba", "6.1.0-55-amd64", NEW, "--hours", "0"], "--hours '0'"),
        (["aba", "6.1.0-55-amd64", NEW, "--hours", "nan"], "--hours 'nan'"),
        (["aba", "6.1.0-55-amd64", NEW, "--boots", "2"], "--boots '2': no number from 3 to 41"),
        (["aba", "6.1.0-55-amd64", NEW, "--boots", "x"], "--boots 'x'"),
        (["prepare", "--hook", "yum"], "it is apt or dnf"),
        (["prepare", "--hook", "apt", "--no-copy"], "one of them"),
        (["prepare", "--install-hook", "--remove-hook"], "one of them"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_wrong_command_line_is_told(
    command: list[str], told: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 0)
    assert main(["trial", *command]) == 2
    assert told in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "traffic"),
    [
        (None, Traffic()),
        ("100M", Traffic(rate_bit_s=100_000_000)),
        ("1.5G", Traffic(rate_bit_s=1_500_000_000)),
        ("500kbit@192.0.2.7", Traffic(rate_bit_s=500_000, host="192.0.2.7")),
        ("@2001:db8::1", Traffic(host="2001:db8::1")),
        ("9600@fe80::1%eth0", Traffic(rate_bit_s=9600, host="fe80::1%eth0")),
    ],
)
def test_traffic_is_a_rate_a_host_or_both(text: str | None, traffic: Traffic) -> None:
    assert parse_traffic(text) == traffic


@pytest.mark.parametrize("text", ["", "@", "100M@", "0", "0M", "-1M", "100X", "100M@-f", "100M@a b", "2000000G", "1e9", "100M@a;b"])
def test_what_is_no_traffic_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="no rate"):
        parse_traffic(text)


def test_an_upgrade_without_a_kernel_is_nothing_to_the_hook(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"VERSION 2\nA=b\n\nvim 1 < 2 /a/vim.deb\n")))
    assert main(["trial", "prepare", "--hook", "apt"]) == 0
    assert capsys.readouterr() == ("", "")


def test_with_nothing_on_trial_nothing_is_wrong(state: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 0)
    assert main(["trial", "status"]) == 0
    told = capsys.readouterr()
    assert told.out.startswith("No kernel is on trial, and nothing of nicmedic is in the boot loader.\n")
    assert "nicmedic trial prepare" in told.out
    assert main(["trial", "status", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    jsonschema.Draft202012Validator(SCHEMA).validate(document)
    assert (document["live"], document["trials"]) == (False, [])
    assert not state.exists()


@pytest.mark.parametrize("command", [["stop"], ["abort"]])
def test_what_is_not_there_cannot_be_ended(command: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 0)
    assert main(["trial", *command]) == 34
    assert "nothing was changed" in capsys.readouterr().err


START = ("trial", "start", NEW, "--soak", "30s", "--reach", "20s", "--patience", "60s")


def test_a_good_kernel_from_preparing_to_its_promotion(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    host = take_host(TrialHost(), monkeypatch)
    assert main(["trial", "prepare"]) == 0
    assert capsys.readouterr().out.startswith("Prepared: every reboot is of 6.1.0-55-amd64 (6.1.153-1, a saved copy) from now on")
    assert main([*START, "--dry-run"]) == 0
    told = capsys.readouterr().out
    assert told.startswith("6.1.0-56-amd64 (6.1.158-1) is to be booted once and watched; every reset on the way ends on 6.1.0-55-amd64")
    assert told.endswith("nothing was changed\n")
    assert host.word is None
    assert main([*START, "--yes"]) == 0
    told = capsys.readouterr().out
    assert "This host reboots now, to 6.1.0-56-amd64 (6.1.158-1), once; every other boot is of 6.1.0-55-amd64" in told
    told = " ".join(told.split())
    assert "At the latest 17 min after that boot began 6.1.0-56-amd64 (6.1.158-1) has held, or this host has rebooted by itself." in told
    assert "whoever resets it finds 6.1.0-55-amd64 (6.1.153-1, a saved copy)." in told
    assert "systemctl reboot" not in told, "it comes already"
    assert main(["trial", "status"]) == 0
    told = capsys.readouterr().out
    assert "once, and the reboot was asked for; every other one is of 6.1.0-55-amd64" in told
    assert "systemctl reboot" not in told, "it comes already"
    run_services(host)
    assert main(["trial", "status"]) == 0
    assert capsys.readouterr().out.splitlines()[0].endswith("It is the default now.")
    assert host.next_kernel.release == NEW


def test_a_kernel_that_hangs_and_what_may_be_typed_then(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    host = take_host(TrialHost(new=Behaviour(hangs_s=15.0)), monkeypatch)
    assert main([*START, "--no-reboot"]) == 0
    assert not host.rebooting
    host.boot("somebody reboots")
    run_services(host)
    capsys.readouterr()
    assert main(["trial", "status", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    jsonschema.Draft202012Validator(SCHEMA).validate(document)
    assert (document["running"], document["trials"][0]["legs"][0]["result"]["verdict"]) == (OLD.release, "hung")
    assert document["commands"] == ["nicmedic trial abort", "nicmedic trial start KERNEL", "nicmedic blame"]
    assert main(["trial", "abort"]) == 0
    told = capsys.readouterr().out
    assert "the boot loader has its own default again" in told
    assert "The next reboot boots 6.1.0-55-amd64" in told
    assert host.block is None


def test_nobody_there_is_no_yes(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    host = take_host(TrialHost(), monkeypatch)
    monkeypatch.setattr("nicmedic.cli.edges.has_terminal", lambda: False)
    assert main(START) == 32
    told = capsys.readouterr().err
    assert "nothing was changed: it would reboot this host" in told
    assert "the same with --yes" in told
    monkeypatch.setattr("nicmedic.cli.edges.has_terminal", lambda: True)
    monkeypatch.setattr("sys.stdin", io.StringIO("no\n"))
    assert main(START) == 32
    assert (host.trials, host.word, host.rebooting) == ({}, None, False)
    monkeypatch.setattr("sys.stdin", io.StringIO("yes\n"))
    assert main(START) == 0
    assert host.rebooting


def test_where_it_cannot_be_made_safe_the_reason_is_told(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    host = take_host(TrialHost(), monkeypatch)
    host.obstacles = ("GRUB cannot write its variables on btrfs, where /boot/grub is.",)
    for command in (["prepare"], ["prepare", "--install-hook"], ["start", NEW, "--yes"], ["aba", OLD.release, NEW, "--yes"]):
        assert main(["trial", *command]) == 23
        assert "nothing was changed: GRUB cannot write its variables on btrfs" in capsys.readouterr().err
    assert host.trials == {}


def test_a_plan_of_three_boots_is_shown_asked_for_and_made(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    host = take_host(TrialHost(new=Behaviour(hangs_s=15.0)), monkeypatch)
    assert main(["trial", "aba", OLD.release, NEW, "--hours", "0.0167", "--boots", "3", "--reach", "20s", "--yes"]) == 0
    told = capsys.readouterr().out
    assert told.startswith("3 boots in turn of 6.1.0-55-amd64 (6.1.153-1) and 6.1.0-56-amd64 (6.1.158-1);")
    assert "This host reboots now, and 3 times in all;" in told
    run_services(host)
    assert main(["trial", "status"]) == 0
    assert capsys.readouterr().out.startswith("3 of 3 boots done, 1 of them hung;")
    assert host.running == OLD


def test_boots_in_turn_are_asked_for_also_where_the_first_is_left_to_somebody(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """All but the first come by themselves."""
    host = take_host(TrialHost(), monkeypatch)
    monkeypatch.setattr("nicmedic.cli.edges.has_terminal", lambda: False)
    command = ["trial", "aba", OLD.release, NEW, "--hours", "0.0167", "--no-reboot"]
    assert main(command) == 32
    assert (host.trials, host.word) == ({}, None)
    assert main([*command, "--yes"]) == 0
    assert (host.word, host.rebooting) == (1, False)
    assert "systemctl reboot" in capsys.readouterr().out


def test_what_no_record_tells_of_can_be_taken_out(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    host = take_host(TrialHost(), monkeypatch)
    assert main([*START, "--no-reboot"]) == 0
    host.trials.clear()
    capsys.readouterr()
    assert main(["trial", "status"]) == 0
    told = capsys.readouterr().out
    assert told.startswith("A kernel of trial 1 is in the boot loader, and no record of it can be read.\n")
    assert "nicmedic trial abort" in told
    assert main(["trial", "abort"]) == 0
    assert "The next reboot boots 6.1.0-55-amd64" in capsys.readouterr().out
    assert (host.block, host.word, host.units) == (None, None, None)


def test_a_damaged_record_is_told_to_scripts_too(state: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    take_host(TrialHost(), monkeypatch)
    (state / "trials/3").mkdir(parents=True)
    (state / "trials/3/trial.json").write_text("{", encoding="utf-8")
    assert main(["trial", "status", "--json"]) == 0
    told = capsys.readouterr()
    document = json.loads(told.out)
    jsonschema.Draft202012Validator(SCHEMA).validate(document)
    assert "trials/3/trial.json: damaged" in document["notes"][-1]
    assert "trials/3/trial.json: damaged" in told.err


def test_on_the_kernel_on_trial_abort_asks_before_it_reboots(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    host = take_host(TrialHost(), monkeypatch)
    assert main([*START, "--yes"]) == 0
    host.boot("reboot")
    monkeypatch.setattr("nicmedic.cli.edges.has_terminal", lambda: False)
    assert main(["trial", "abort"]) == 32
    assert "The host reboots to 6.1.0-55-amd64" in " ".join(capsys.readouterr().out.split())
    assert main(["trial", "abort", "--yes"]) == 0
    assert host.rebooting
    assert "The host is about to reboot to 6.1.0-55-amd64" in capsys.readouterr().out


def test_an_upgrade_of_a_kernel_is_prepared_for(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    host = take_host(TrialHost(), monkeypatch)
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"VERSION 2\n\nlinux-image-6.1.0-56-amd64 - < 6.1.158-1 /a/linux.deb\n")))
    assert main(["trial", "prepare", "--hook", "apt"]) == 0
    told = capsys.readouterr()
    assert told.out == ""
    assert "every reboot is of 6.1.0-55-amd64 (6.1.153-1, a saved copy) until you say otherwise" in told.err
    assert host.trials[1].pinned


def test_the_service_says_what_it_did(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    take_host(TrialHost(), monkeypatch)
    assert main(["trial", "resume"]) == 0
    assert capsys.readouterr().out == "There is no trial.\n"
