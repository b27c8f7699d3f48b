# SPDX-License-Identifier: GPL-2.0-or-later
"""Logs without the kernel's clock, logs of ``dmesg -T``, and what a boot's other lines tell."""

import dataclasses
import datetime
import re
import zoneinfo
from collections.abc import Sequence

import pytest

from nicmedic.app.history import collect_history
from nicmedic.evidence.history.clock_steps import follow_clock
from nicmedic.evidence.history.log_boots import LogBoots
from nicmedic.kernlog.events import EventCollector
from nicmedic.kernlog.match import SignalIndex
from nicmedic.kernlog.reader import LogReader
from nicmedic.model.history import BootEnd, History
from nicmedic.model.incident import Incident, IncidentVerdict
from nicmedic.testing.answers import shipped_knowledge
from nicmedic.testing.histories import FakeHistories, MadeBoot, render_syslog

BEGIN = datetime.datetime(2016, 1, 1, tzinfo=datetime.UTC).timestamp()
BOOTS = (MadeBoot(began=BEGIN, ran_s=40_000, hangs_s=(551.5,)), MadeBoot(began=BEGIN + 50_000, ran_s=9_000))


def collect(incidents: Sequence[Incident] = (), **logs: list[str]) -> History:
    data = {name: [("\n".join(lines) + "\n").encode()] for name, lines in logs.items()}
    return collect_history(FakeHistories((), data, zone=datetime.UTC), shipped_knowledge(), (), incidents=incidents).history


def without_clock(boots: Sequence[MadeBoot]) -> list[str]:
    return [re.sub(r"kernel: \[[^\]]*\] ", "kernel: ", line) for line in render_syslog(boots, rfc3339=True)]


def test_a_log_without_the_kernels_clock_goes_by_the_wall_clock() -> None:
    first, second = collect(messages=without_clock(BOOTS)).boots
    assert [boot.end for boot in (first, second)] == [BootEnd.CLEAN, BootEnd.CLEAN]
    assert first.covered_h == pytest.approx(BOOTS[0].ran_s / 3600, abs=0.1)
    assert first.hangs[0].began is not None
    assert first.hangs[0].began.startswith("2016-01-01T00:09:11")
    assert (first.hangs[0].uptime_s, first.suspends) == (None, None)


def test_one_pasted_line_is_a_boot_of_which_nothing_else_is_known() -> None:
    (boot,) = collect(paste=["NETDEV WATCHDOG: eth0 (r8169): transmit queue 0 timed out"]).boots
    assert (boot.began, boot.kernel_package, len(boot.hangs), boot.covered_h) == (None, None, 1, 0.0)


def test_what_a_log_daemon_says_before_the_kernels_first_line_is_no_boot() -> None:
    lines = without_clock(BOOTS)
    prelude = lines[0].split(" kernel:", 1)[0] + " kernel: klogd 1.4.1, log source = /proc/kmsg started."
    assert len(collect(messages=[prelude, *lines]).boots) == 2


def test_the_same_hang_in_two_such_logs_is_one() -> None:
    history = collect(messages=without_clock(BOOTS), kern=without_clock(BOOTS))
    assert [len(boot.hangs) for boot in history.boots] == [1, 0]
    assert history.boots[0].hangs[0].lines == 1
    assert history.boots[0].hangs[0].sources == ("kern", "messages")


def test_a_word_of_a_shutdown_long_before_the_end_is_of_something_else() -> None:
    lines = render_syslog(BOOTS[:1], rfc3339=True)
    moved = [lines[-1].replace(lines[-1].split(" ", 1)[0], lines[9].split(" ", 1)[0])]
    history = collect(messages=[*lines[:10], *moved, *lines[10:-1]])
    assert history.boots[0].end is BootEnd.UNKNOWN


def test_without_any_wall_clock_a_boot_has_its_hours_and_no_date() -> None:
    lines = [f"[{at:12.6f}] {text}" for at, text in BOOTS[0].messages()] + ["[40001.000001] reboot: Restarting system"]
    (boot,) = collect(dmesg=lines).boots
    assert (boot.began, boot.end) == (None, BootEnd.CLEAN)
    assert boot.ran_h == pytest.approx(40_001 / 3600, abs=0.01)
    assert boot.hangs[0].uptime_s == pytest.approx(551.5, abs=0.01)


def test_dmesg_with_computed_dates_is_good_to_minutes_only() -> None:
    def ctime(moment: float) -> str:
        return datetime.datetime.fromtimestamp(moment, datetime.UTC).strftime("%a %b %e %H:%M:%S %Y")

    (boot,) = collect(dmesg=[f"[{ctime(BEGIN + at)}] {text}" for at, text in BOOTS[1].messages()]).boots
    assert boot.began is not None
    assert (boot.began_within_s or 0) >= 60


def test_hypervisor_firmware_command_line_and_link_are_told() -> None:
    lines = render_syslog(BOOTS[1:], rfc3339=True)
    told = ["Xen version: 4.1.4 (preserve-AD)", "e1000e: eth1 NIC Link is Up 1000 Mbps Full Duplex, Flow Control: None"]
    at = next(number for number, line in enumerate(lines) if "link up" in line)
    more = [re.sub(r"\[ *[\d.]+\] .*", f"[    5.{number}00001] {text}", lines[at]) for number, text in enumerate(told)]
    (boot,) = collect(messages=[*lines[: at + 1], *more, *lines[at + 1 :]]).boots
    assert (boot.xen, boot.firmware, boot.command_line) == ("4.1.4", "1.2 01/02/2011", "BOOT_IMAGE=/vmlinuz root=/dev/sda1 ro")
    assert boot.circumstances == {"link eth1": "1000 Mb/s full"}


def test_an_incident_whose_date_makes_no_sense_is_passed_over_unless_its_boot_is_known() -> None:
    wrong = Incident(
        boot_id="a" * 32, interface="eth0", verdict=IncidentVerdict.NIC_HUNG, reasons=("x",), began="?", began_uptime_s=9.0, detected="?",
        detected_uptime_s=9.0,
    )  # fmt: skip
    assert collect([wrong]).boots == ()


def test_boots_that_overlap_are_told() -> None:
    other = dataclasses.replace(BOOTS[0], began=BEGIN + 20_000, host="srv9", hangs_s=())
    notes = collect(one=render_syslog(BOOTS[:1], rfc3339=True), two=render_syslog([other], rfc3339=True)).notes
    assert any("several hosts, or a clock that was wrong" in note for note in notes)


def test_the_hour_that_comes_twice_in_autumn_is_no_clock_that_was_set() -> None:
    """The kernel runs on; Berlin's wall clock goes from 02:59 to 02:00 on 25 October 2026."""
    berlin = zoneinfo.ZoneInfo("Europe/Berlin")
    began = datetime.datetime(2026, 10, 24, 20, tzinfo=datetime.UTC)
    lines = [f"Oct 24 22:00:00 h kernel: [{0:12.6f}] Linux version 6.1.0-18-amd64 (x) (gcc) #1 SMP Debian 6.1.76-1 (2026-02-01)"]
    for uptime_s in range(300, 60_000, 300):
        local = (began + datetime.timedelta(seconds=uptime_s)).astimezone(berlin)
        lines.append(f"{local:%b %d %H:%M:%S} h kernel: [{uptime_s:5d}.000123] audit: tick")
    data = ("\n".join(lines) + "\n").encode()
    for zone in (berlin, None):
        log = LogBoots("kern.log", EventCollector(index=SignalIndex((), lambda _: ()), source="kern.log"), zone)
        reader = LogReader()
        for record in (*reader.read(data), *reader.finish()):
            log.add(record)
        (sighting,) = log.finish((2026, 10, 26))
        assert sighting.gaps == ()
        local_s = began.timestamp() + (0 if zone else 2 * 3600)
        assert sighting.began == pytest.approx(local_s, abs=1)
    steps = [(1000.0 + second, float(second), False) for second in (0, 600)] + [
        (1000.0 + 3600 + second, float(second), False) for second in (1200, 1800)
    ]
    assert [gap.why for gap in follow_clock(steps).gaps] == ["clock jump"]
    assert follow_clock(steps, zoned=False).gaps == ()
