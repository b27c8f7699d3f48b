# SPDX-License-Identifier: GPL-2.0-or-later
"""Boots of kernels on trial: told with hours, traffic and verdict, and counted by blame, whether or not a log was kept."""

import dataclasses
import json
from pathlib import Path

import pytest

from nicmedic.app.history import collect_history
from nicmedic.evidence.confounders import compare_boots_of
from nicmedic.evidence.spells import watch_boot
from nicmedic.host.histories import HostHistories
from nicmedic.model.boot_trial import BootTrial, Card, KernelChoice, Leg, LegResult, SoakFigures, TrialPhase, TrialVerdict
from nicmedic.model.history import BootEnd, BootRecord, History
from nicmedic.model.plain import to_plain
from nicmedic.model.plan import Identity
from nicmedic.report.history_text import render_history_text
from nicmedic.report.style import Style
from nicmedic.testing.answers import shipped_knowledge

OLD = KernelChoice(release="6.1.0-55-amd64", package="6.1.148-1", image="/boot/vmlinuz-6.1.0-55-amd64")
NEW = KernelChoice(release="6.1.0-56-amd64", package="6.1.153-1", image="/boot/vmlinuz-6.1.0-56-amd64")
RESULT = LegResult(
    verdict=TrialVerdict.HUNG,
    reason="bytes wait in eth0's queue, and none leaves it",
    hung="eth0",
    boot_id="0a0a0a0a-0b0b-0c0c-0d0d-0e0e0e0e0e0e",
    began="2026-11-23T06:01:00+00:00",
    ended="2026-11-23T06:10:11+00:00",
    began_uptime_s=60.0,
    ended_uptime_s=611.0,
    figures=SoakFigures(soaked_s=500, watched_s=551, rx_bytes=10**9, tx_bytes=2 * 10**9),
)
TRIAL = BootTrial(
    id=3,
    phase=TrialPhase.ENDED,
    old=OLD,
    legs=(Leg(kernel=NEW, soak_s=1800.0, result=RESULT),),
    cards=(Card(nic=Identity(interface="eth0", driver="r8169"), interface="eth0", before=()),),
    made_at="2026-11-23T06:00:00+00:00",
)


def read(folder: Path, *trials: BootTrial) -> History:
    """The history of a host that has nothing but these records."""
    (folder / "var/log").mkdir(parents=True, exist_ok=True)
    for trial in trials:
        place = folder / f"var/lib/nicmedic/trials/{trial.id}"
        place.mkdir(parents=True)
        (place / "trial.json").write_text(json.dumps({"schema": "nicmedic.trial-folder/1", "trial": to_plain(trial)}), encoding="utf-8")
    return collect_history(HostHistories(), shipped_knowledge(), [str(folder)]).history


def with_result(**changes: object) -> BootTrial:
    """The trial, its boot having ended otherwise."""
    result = dataclasses.replace(RESULT, **changes)  # type: ignore[arg-type]  # as given
    return dataclasses.replace(TRIAL, legs=(dataclasses.replace(TRIAL.legs[0], result=result),))


def test_a_boot_that_hung_is_told_and_counts_as_a_hang(tmp_path: Path) -> None:
    history = read(tmp_path, TRIAL)
    (boot,) = history.boots
    assert (boot.boot_id, boot.kernel_release, boot.kernel_package) == ("0a0a0a0a0b0b0c0c0d0d0e0e0e0e0e0e", "6.1.0-56-amd64", "6.1.153-1")
    assert (boot.began, boot.kernel_evidence) == ("2026-11-23T06:00:00Z", "trial")
    assert [(hang.interface, hang.driver, hang.uptime_s, hang.sources) for hang in boot.hangs] == [("eth0", "r8169", 611.0, ("trials",))]
    watched = watch_boot(boot)
    assert watched is not None
    assert watched.hung
    assert watched.hours == pytest.approx(611 / 3600), "a gap of a minute at the start is none"
    text = " ".join(render_history_text(history, Style()).split())
    assert "on trial 3: HUNG: bytes wait in eth0's queue" in text
    assert "1 GB received, 2 GB sent" in text


def test_a_good_boot_counts_as_hours_without_a_hang(tmp_path: Path) -> None:
    good = dataclasses.replace(with_result(verdict=TrialVerdict.GOOD, hung=None, ended_uptime_s=3660.0), promoted=True)
    (boot,) = read(tmp_path, good).boots
    watched = watch_boot(boot)
    assert watched is not None
    assert (watched.hung, watched.hours) == (False, 1.0)
    assert boot.circumstances["trial"].endswith("it became the default")


def test_a_soak_that_reached_late_or_was_taken_up_again_began_with_its_boot(tmp_path: Path) -> None:
    """``began`` is when its service came up, ``began_uptime_s`` when that which goes on now began to watch: hours may lie between."""
    (boot,) = read(tmp_path, with_result(began_uptime_s=500.0)).boots
    assert boot.began == "2026-11-23T06:00:00Z"
    watched = watch_boot(boot)
    assert watched is not None
    assert watched.hours == pytest.approx(111 / 3600, rel=0.01)


def test_a_boot_that_ended_without_a_word_tells_no_hours(tmp_path: Path) -> None:
    crash = with_result(verdict=TrialVerdict.CRASHED, hung=None, began_uptime_s=None, ended_uptime_s=None)
    (boot,) = read(tmp_path, crash).boots
    assert (boot.end, boot.covered_h, boot.hangs) == (BootEnd.UNKNOWN, 0.0, ()), "somebody may have rebooted it in good order"
    assert watch_boot(boot) is None


def test_what_was_not_booted_or_goes_on_is_no_boot_of_it(tmp_path: Path) -> None:
    going = dataclasses.replace(TRIAL, id=4, legs=(Leg(kernel=NEW, soak_s=1.0),))
    nameless = dataclasses.replace(with_result(boot_id=None), id=5)
    assert read(tmp_path, with_result(verdict=TrialVerdict.NOT_BOOTED), going, nameless).boots == ()


def test_a_log_of_the_same_boot_tells_the_same_hang(tmp_path: Path) -> None:
    log = tmp_path / "var/log/kern.log"
    log.parent.mkdir(parents=True)
    lines = [
        (
            "2026-11-23T06:00:00.000000+00:00 srv4 kernel: [    0.000000] Linux version 6.1.0-56-amd64 (debian-kernel@lists.debian.org) "
            "(gcc-12 (Debian 12.2.0-14+deb12u1) 12.2.0) #1 SMP PREEMPT_DYNAMIC Debian 6.1.153-1 (2026-09-20)"
        ),
        "2026-11-23T06:00:00.100000+00:00 srv4 kernel: [    0.000000] Command line: BOOT_IMAGE=/vmlinuz ro quiet nicmedic.trial=3 panic=30",
        "2026-11-23T06:10:08.000000+00:00 srv4 kernel: [  608.000000] NETDEV WATCHDOG: eth0 (r8169): transmit queue 0 timed out",
    ]
    log.write_text("\n".join(lines) + "\n", encoding="utf-8")
    (boot,) = read(tmp_path, TRIAL).boots
    (hang,) = boot.hangs
    assert hang.uptime_s == 608.0
    assert len(hang.sources) == 2


def test_words_of_a_trial_are_no_other_command_line() -> None:
    before = BootRecord(command_line="BOOT_IMAGE=/vmlinuz-a root=/dev/md0 ro quiet nicmedic.saved=1")
    after = BootRecord(
        command_line="BOOT_IMAGE=/vmlinuz-b root=/dev/md0 ro quiet nicmedic.trial=3 panic=30 oops=panic softlockup_panic=1 nmi_watchdog=panic",
        circumstances={"trial": "3: HUNG"},
    )
    assert list(compare_boots_of(before, after, "")) == []
    other = dataclasses.replace(after, command_line=f"{after.command_line} pcie_aspm=off")
    assert [one.after for one in compare_boots_of(before, other, "")] == ["root=/dev/md0 ro quiet pcie_aspm=off"]
    plain = BootRecord(command_line="ro panic=10"), BootRecord(command_line="ro")
    assert [one.before for one in compare_boots_of(*plain, "")] == ["ro panic=10"]


def test_a_damaged_record_is_told_and_the_others_still_count(tmp_path: Path) -> None:
    broken = tmp_path / "var/lib/nicmedic/trials/1"
    broken.mkdir(parents=True)
    (broken / "trial.json").write_text("{", encoding="utf-8")
    (tmp_path / "var/lib/nicmedic/trials/5").mkdir()
    (tmp_path / "var/lib/nicmedic/trials/5/trial.json").write_text("[]", encoding="utf-8")
    (tmp_path / "var/lib/nicmedic/trials/2").mkdir()
    history = read(tmp_path, TRIAL)
    assert len(history.boots) == 1
    (trouble,) = [source.trouble or "" for source in history.sources if source.name == "trials"]
    assert "trials/1/trial.json" in trouble
    assert "trials/5/trial.json: no record of a trial" in trouble
