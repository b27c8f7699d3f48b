# SPDX-License-Identifier: GPL-2.0-or-later
"""What is done about a trial that is found: the whole table."""

import dataclasses
import itertools

import pytest

from nicmedic.app.boot_trial.acts import TABLE, Act, choose_act
from nicmedic.model.boot_trial import BootTrial, Leg, LegResult, TrialPhase, TrialVerdict
from nicmedic.testing.boot_trial import NEW, OLD

HERE, ELSEWHERE = "boot-2", "boot-1"


def make(phase: TrialPhase, written: str, *, ended: int = 0, legs: int = 1) -> BootTrial:
    result = LegResult(verdict=TrialVerdict.GOOD)
    return BootTrial(
        id=7,
        phase=phase,
        old=OLD,
        legs=tuple(Leg(kernel=NEW, soak_s=30.0, result=result if number < ended else None) for number in range(legs)),
        made_at="2025-01-01T00:00:00+00:00",
        armed_boot_id=written if phase is TrialPhase.ARMED else "boot-0",
        soak_boot_id=None if phase is TrialPhase.ARMED else written,
    )


def test_every_case_has_its_line() -> None:
    assert set(TABLE) == set(itertools.product(TrialPhase, [True, False], [True, False]))


@pytest.mark.parametrize(("phase", "on_trial", "here"), list(TABLE))
def test_what_is_done_is_what_the_table_says(phase: TrialPhase, on_trial: bool, here: bool) -> None:
    trial = make(phase, HERE if here else ELSEWHERE, ended=1, legs=2)
    assert choose_act(trial, HERE, 7 if on_trial else None) is TABLE[phase, on_trial, here]


def test_the_word_of_another_trial_is_none_of_ours() -> None:
    assert choose_act(make(TrialPhase.ARMED, ELSEWHERE), HERE, 6) is Act.NOTE_MISSED


def test_the_first_boot_waits_for_whoever_armed_it() -> None:
    assert choose_act(make(TrialPhase.ARMED, HERE, legs=3), HERE, None) is Act.LEAVE


def test_a_host_is_rebooted_only_in_the_boot_that_wrote_so() -> None:
    """Else a menu that does not do as told would boot for ever."""
    reboots = {key for key, act in TABLE.items() if act in {Act.REBOOT, Act.GO_ON}}
    assert all(here for _, _, here in reboots)


def test_only_a_boot_that_was_asked_for_and_is_new_begins_a_soak() -> None:
    assert [key for key, act in TABLE.items() if act is Act.SOAK] == [(TrialPhase.ARMED, True, False)]


@pytest.mark.parametrize("phase", list(TrialPhase))
def test_nothing_on_disk_says_which_boot_it_was_and_that_is_not_this_one(phase: TrialPhase) -> None:
    trial = dataclasses.replace(make(phase, HERE), armed_boot_id=None, soak_boot_id=None)
    assert choose_act(trial, HERE, None) is TABLE[phase, False, False]
