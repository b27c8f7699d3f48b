# SPDX-License-Identifier: GPL-2.0-or-later
"""What the policy allows after somebody set the clock back: treatment goes on, and a reboot does not come twice."""

import dataclasses
import datetime

import pytest

from nicmedic.model.incident import Action, ActionState, Incident, IncidentVerdict
from nicmedic.model.policy import Mode, NicPolicy
from nicmedic.remedy.policy import Act, choose_act

NOW = datetime.datetime(2026, 3, 1, 3, 0, tzinfo=datetime.UTC)
POLICY = NicPolicy(mode=Mode.RESTORE, reboot=True, cool_down_s=60.0, attempts_per_hour=3)


def acted(what: str, state: ActionState, ahead_s: float) -> Action:
    moment = (NOW + datetime.timedelta(seconds=ahead_s)).isoformat()
    return Action(what=what, state=state, began=moment, ended=None if state is ActionState.RUNNING else moment)


def choose(*earlier: Action, here: tuple[Action, ...] = (), uptime_s: float = 5000.0) -> Act:
    incident = Incident(
        boot_id="b", interface="eth0", verdict=IncidentVerdict.NIC_HUNG, reasons=(), began=NOW.isoformat(), began_uptime_s=999.0,
        detected=NOW.isoformat(), detected_uptime_s=1000.0, actions=here,
    )  # fmt: skip
    return choose_act(POLICY, incident, earlier, uptime_s=uptime_s, present_s=5000.0, now=NOW)


@pytest.mark.parametrize("state", [ActionState.HELPED, ActionState.FAILED, ActionState.RUNNING])
def test_two_hours_back_stop_no_treatment(state: ActionState) -> None:
    assert choose(*[acted("restore", state, 7200.0 + number) for number in range(5)]).what == "restore"


def test_a_moment_back_holds_it_back_no_longer_than_twice_the_cool_down_and_says_why() -> None:
    for state in (ActionState.HELPED, ActionState.FAILED):
        act = choose(acted("restore", state, 40.0))
        assert (act.what, act.again_s) == (None, 100.0)
        assert act.reason == "the last treatment ended 40 s ahead of the clock (it was set back), and 60 s must lie in between"
    act = choose(acted("restore", ActionState.RUNNING, 40.0))
    assert (act.what, act.again_s) == (None, 940.0)
    assert "40 s ahead of the clock (it was set back)" in act.reason


def test_a_reboot_that_lies_ahead_still_keeps_the_next_one_back() -> None:
    failures = tuple(acted("restore", ActionState.FAILED, -ago) for ago in (400.0, 200.0))
    assert choose(here=failures).what == "reboot"
    assert choose(acted("reboot", ActionState.HELPED, 7200.0), here=failures).what == "restore"


@pytest.mark.parametrize(("uptime_s", "what"), [(5000.0, "restore"), (90_000.0, "reboot")])
def test_a_reboot_from_before_the_clock_was_set_may_have_been_right_before_this_boot(uptime_s: float, what: str) -> None:
    failures = tuple(acted("restore", ActionState.FAILED, -ago) for ago in (400.0, 200.0))
    booted = dataclasses.replace(acted("reboot", ActionState.HELPED, 0.0), began="1970-01-01T00:03:00+00:00")
    assert choose(booted, here=failures, uptime_s=uptime_s).what == what
