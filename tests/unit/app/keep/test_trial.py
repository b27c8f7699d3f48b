# SPDX-License-Identifier: GPL-2.0-or-later
"""A kept remedy is lifted under the switch: it holds, it hangs again, it is interrupted, we die; the remedy is in force wherever it did not hold."""

import contextlib
import dataclasses

import pytest

from nicmedic.app.decide import confirm_transaction, undo_transaction
from nicmedic.app.keep.trial import Lifted, Trial, try_without
from nicmedic.model.errors import NoSuchInterfaceError, NotConfirmedError, ProbesFailedError, RefusedError, UndoFailedError
from nicmedic.model.keeping import Kept, KeptState, MadeFor, OnDrift
from nicmedic.model.transaction import State, find_state
from nicmedic.testing.transactions import build_edges
from nicmedic.testing.world import Killed, Process, World
from tests.unit.app.keep.keeping import mtu_wish, power_wish

KEPT_SETTINGS = {"mtu": "1400", "power.control": "on"}
LIFTED = {"mtu": "1500", "power.control": "auto"}
SOAK = Trial(soak_s=300)


class Moody(World):
    """Does something at a moment."""

    def __init__(self, at_s: float | None = None, what: str = "hang") -> None:
        super().__init__(settings=KEPT_SETTINGS)
        self.at_s = None if at_s is None else self.uptime_s + at_s
        self.what = what

    def pass_time(self, seconds: float) -> None:
        super().pass_time(seconds)
        if self.at_s is None or self.uptime_s < self.at_s:
            return
        self.at_s = None
        if self.what == "hang":
            self.cutting.add(("mtu", "1500"))
        elif self.what == "ctrl-c":
            raise KeyboardInterrupt
        elif self.what == "bug":
            raise ZeroDivisionError
        elif self.what == "confirm":
            confirm_transaction(build_edges(self), 1, out_of_band=True)
        elif self.what == "undo":
            undo_transaction(build_edges(self), 1)


def kept_of(world: World) -> Kept:
    return Kept(
        id=1,
        nic=world.identity,
        wishes=(mtu_wish(), power_wish()),
        placements=(),
        made_for=MadeFor(),
        on_drift=OnDrift.ALARM,
        kept_at="2026-01-01T00:00:00+00:00",
        state=KeptState.KEPT,
    )


def lift(world: World, process: Process | None = None, trial: Trial = SOAK) -> Lifted:
    return try_without(build_edges(world, process), kept_of(world), world.read_host(), trial)


def test_what_holds_without_it_is_confirmed() -> None:
    world = Moody()
    began = world.uptime_s
    lifted = lift(world)
    assert world.settings == LIFTED
    assert world.uptime_s - began >= 300
    assert lifted.finished.state is State.CONFIRMED
    assert lifted.finished.transaction.plan.lifts == 1
    world.pass_time(500)
    assert world.settings == LIFTED


def test_what_hangs_again_is_set_again() -> None:
    world = Moody(60)
    with pytest.raises(ProbesFailedError, match=r"without it the card hangs: .*; the remedy is in force again, and 1 stays kept"):
        lift(world)
    assert world.settings == KEPT_SETTINGS


@pytest.mark.parametrize(("what", "told"), [("ctrl-c", "interrupted"), ("bug", "ZeroDivisionError"), ("undo", "somebody else ended it")])
def test_whatever_interrupts_it_the_remedy_is_set_again(what: str, told: str) -> None:
    world = Moody(60, what)
    with pytest.raises(NotConfirmedError, match=told):
        lift(world)
    assert world.settings == KEPT_SETTINGS


def test_another_login_may_decide_that_it_stays_lifted() -> None:
    world = Moody(60, "confirm")
    with pytest.raises(NotConfirmedError, match="lifted until the next boot; it is still kept"):
        lift(world)
    assert world.settings == LIFTED


def test_what_cannot_be_set_again_is_told() -> None:
    world = Moody(60)
    world.broken_script = True
    with pytest.raises(UndoFailedError, match="setting the remedy again failed"):
        lift(world)


def test_killed_anywhere_the_switch_sets_it_again_unless_it_held() -> None:
    calls = Process()
    lift(Moody(), calls, Trial(soak_s=20))
    for call in range(len(calls.calls) + 1):
        world = Moody()
        with contextlib.suppress(Killed):
            lift(world, Process(kill_at=call), Trial(soak_s=20))
        world.pass_time(200)
        confirmed = any(find_state(one) is State.CONFIRMED for one in world.transactions.values())
        assert world.settings == (LIFTED if confirmed else KEPT_SETTINGS)


def test_what_cannot_be_lifted_is_refused() -> None:
    world = Moody()
    edges, host, kept = build_edges(world), world.read_host(), kept_of(world)
    of_boot = dataclasses.replace(kept, wishes=(dataclasses.replace(mtu_wish(), lift=()),))
    with pytest.raises(RefusedError, match="mtu:1400 cannot be lifted on the running host"):
        try_without(edges, of_boot, host, SOAK)
    with pytest.raises(RefusedError, match=r"not in force now \(mtu is 1400, not 1300\)") as caught:
        try_without(edges, dataclasses.replace(kept, wishes=(mtu_wish("1300"),)), host, SOAK)
    assert caught.value.hint == "nicmedic release 1   # without a trial"
    world.present = False
    with pytest.raises(NoSuchInterfaceError, match="the card is not there"):
        try_without(edges, kept, world.read_host(), SOAK)


def test_a_silence_beyond_the_card_does_not_count_and_ends_it_at_last(monkeypatch: pytest.MonkeyPatch) -> None:
    from nicmedic.app import hang_watch

    monkeypatch.setattr(hang_watch, "frames_leave", lambda _results: True)
    world = Moody(60)
    with pytest.raises(NotConfirmedError, match="the fault may be beyond the card"):
        lift(world)
    assert world.settings == KEPT_SETTINGS
