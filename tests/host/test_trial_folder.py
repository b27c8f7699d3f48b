# SPDX-License-Identifier: GPL-2.0-or-later
"""Records of trials: they are read back as they were written, one that is damaged does not hide the others, and one changes them at a time."""

import dataclasses
import json
from pathlib import Path

import pytest

from nicmedic.host.kept_folder import HostKept
from nicmedic.host.trial_folder import HostTrials, find_trials_folder
from nicmedic.model.boot_trial import (
    BootTrial,
    Card,
    KernelChoice,
    Leg,
    LegResult,
    SoakFigures,
    Traffic,
    TrialPhase,
    TrialVerdict,
    Wanted,
)
from nicmedic.model.errors import BusyError, StateError
from nicmedic.model.plan import Identity

pytestmark = pytest.mark.host

OLD = KernelChoice(release="6.1.0-56-amd64", image="/boot/nicmedic/1/vmlinuz-6.1.0-56-amd64", saved="/boot/nicmedic/1")
NEW = KernelChoice(release="6.12.117+deb12-amd64", package="6.12.117-1~deb12u1", image="/boot/vmlinuz-6.12.117+deb12-amd64")
TRIAL = BootTrial(
    id=0,
    phase=TrialPhase.ARMED,
    old=OLD,
    legs=(Leg(kernel=NEW, soak_s=1800.0), Leg(kernel=OLD, soak_s=60.0)),
    wanted=Wanted(traffic=Traffic(rate_bit_s=10**8, host="192.0.2.1"), probes=("ping:192.0.2.1",)),
    cards=(Card(nic=Identity(interface="eth0"), interface="eth0", before=()),),
    made_at="2026-11-23T12:00:00+00:00",
)
FIGURES = SoakFigures(soaked_s=12.5, watched_s=14.0, rx_bytes=1, tx_bytes=2, cured=1)


@pytest.fixture
def store(tmp_path: Path) -> HostTrials:
    return HostTrials(f"{tmp_path}/trials", f"{tmp_path}/run")


def test_what_was_written_is_read(store: HostTrials, tmp_path: Path) -> None:
    assert store.list_trials() == ()
    made = store.create_trial(TRIAL)
    assert made == dataclasses.replace(TRIAL, id=1, folder=f"{tmp_path}/trials/1")
    ended = dataclasses.replace(TRIAL.legs[0], result=LegResult(verdict=TrialVerdict.HUNG, reason="eth0 stopped"))
    changed = dataclasses.replace(made, phase=TrialPhase.SOAKING, legs=(ended, TRIAL.legs[1]), pinned=True)
    assert store.save_trial(changed) == changed
    assert store.list_trials() == (changed,)
    assert store.create_trial(TRIAL).id == 2
    text = (tmp_path / "trials/1/trial.json").read_text(encoding="utf-8")
    assert text.startswith('{\n "phase": "soaking",\n')
    assert json.loads(text)["trial"]["old"]["saved"] == "/boot/nicmedic/1"


def test_progress_is_of_this_boot_only(store: HostTrials) -> None:
    made = store.create_trial(TRIAL)
    assert store.read_progress(made) is None
    store.note_progress(made, FIGURES)
    assert store.read_progress(made) == FIGURES
    over = dataclasses.replace(TRIAL.legs[0], result=LegResult(verdict=TrialVerdict.GOOD))
    assert store.read_progress(dataclasses.replace(made, legs=(over, TRIAL.legs[1]))) is None


def test_a_torn_note_of_progress_is_none(store: HostTrials, tmp_path: Path) -> None:
    made = store.create_trial(TRIAL)
    store.note_progress(made, FIGURES)
    (tmp_path / "run/trial-1.json").write_text('{"leg": 0, "fig', encoding="utf-8")
    assert store.read_progress(made) is None


def test_a_damaged_record_does_not_hide_the_others_and_its_number_is_not_used_again(store: HostTrials, tmp_path: Path) -> None:
    for _ in range(3):
        store.create_trial(TRIAL)
    (tmp_path / "trials/2/trial.json").write_text('{"phase": "arm', encoding="utf-8")
    (tmp_path / "trials/3").rename(tmp_path / "trials/3.damaged")
    assert [trial.id for trial in store.list_trials()] == [1]
    (told,) = store.list_damaged()
    assert f"mv {tmp_path}/trials/2 {tmp_path}/trials/2.damaged" in told
    assert store.create_trial(TRIAL).id == 4


def test_what_a_crash_left_half_made_is_swept_away(store: HostTrials, tmp_path: Path) -> None:
    left = tmp_path / "trials/.new-1-0"
    left.mkdir(parents=True)
    assert store.list_trials() == ()
    assert not left.exists()


def test_old_ones_go_but_for_one_that_holds_the_boot_loader(store: HostTrials) -> None:
    first = store.create_trial(dataclasses.replace(TRIAL, phase=TrialPhase.ENDED, pinned=True))
    for _ in range(23):
        store.create_trial(dataclasses.replace(TRIAL, phase=TrialPhase.ENDED))
    assert [trial.id for trial in store.list_trials()] == [first.id, *range(5, 25)]


def test_one_changes_them_at_a_time(store: HostTrials, tmp_path: Path) -> None:
    with store.hold_lock(), pytest.raises(BusyError, match="another nicmedic changes a trial"), store.hold_lock(patience_s=0.2):
        pass
    with store.hold_lock(patience_s=0.0):
        pass
    kept = HostKept(f"{tmp_path}/trials")
    with store.hold_lock(), pytest.raises(BusyError, match="keeps or releases something"), kept.hold_lock(patience_s=0.0):
        pass


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StateError):
        HostTrials(f"{tmp_path}/file/trials").create_trial(TRIAL)


def test_they_are_where_everything_of_nicmedic_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NICMEDIC_STATE", "/srv/state")
    assert find_trials_folder() == "/srv/state/trials"
