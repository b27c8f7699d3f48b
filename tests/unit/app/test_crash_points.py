# SPDX-License-Identifier: GPL-2.0-or-later
"""Killed at any call, or told of a failure at any call: ten seconds after the timeout the card is as before, or as was confirmed; never between.

The same on real kernels is in ``tests/lab/test_crash_points.py``.
"""

import contextlib
import itertools
from collections.abc import Callable

import pytest

from nicmedic.app.decide import confirm_transaction, extend_transaction, undo_transaction
from nicmedic.app.recover import recover_transactions
from nicmedic.app.treat import Wishes, carry_out
from nicmedic.model.errors import NicmedicError, StateError
from nicmedic.model.finding import RemedyId
from nicmedic.model.plan import Change, Plan, Setting
from nicmedic.model.step import Pause, Write
from nicmedic.model.transaction import Confirm, State, Word, find_state
from nicmedic.ports.hands import Undone
from nicmedic.testing.transactions import FakeHands, FakeStore, build_edges
from nicmedic.testing.world import Killed, Process, World

BEFORE = {"mtu": "1500", "power.control": "auto"}
AFTER = {"mtu": "1400", "power.control": "on"}
TIMEOUT_S, GRACE_S = 60, 10


def change(remedy: RemedyId, name: str) -> Change:
    return Change(
        remedy=remedy,
        title=name,
        steps=(
            Write(path=f"set/{name}", text="0" if name == "mtu" else "off"),
            Pause(seconds=0),
            Write(path=f"set/{name}", text=AFTER[name]),
        ),
        undo=(Write(path=f"set/{name}", text=BEFORE[name]),),
        before=(Setting(name=name, value=BEFORE[name]),),
        wanted=(Setting(name=name, value=AFTER[name]),),
        settle_s=1,
    )


CHANGES = (change(RemedyId.MTU, "mtu"), change(RemedyId.RUNTIME_PM_OFF, "power.control"))


def apply(world: World, process: Process) -> None:
    plan = Plan(nic=world.identity, boot_id=world.boot_id, changes=CHANGES)
    carry_out(plan, world.read_host(), build_edges(world, process), Wishes(timeout_s=TIMEOUT_S, confirm=Confirm.PROBES, hold_s=1))


def apply_to_wait(world: World, process: Process) -> None:
    plan = Plan(nic=world.identity, boot_id=world.boot_id, changes=CHANGES)
    carry_out(plan, world.read_host(), build_edges(world, process), Wishes(timeout_s=TIMEOUT_S, hold_s=1))


def apply_in_vain(world: World, process: Process) -> None:
    world.cutting.add(("power.control", "on"))
    apply(world, process)


def confirm(world: World, process: Process) -> None:
    confirm_transaction(build_edges(world, process), None, out_of_band=False)


def extend(world: World, process: Process) -> None:
    extend_transaction(build_edges(world, process), None, 20)


def undo(world: World, process: Process) -> None:
    undo_transaction(build_edges(world, process), None)


Job = Callable[[World, Process], None]
JOBS: dict[str, tuple[tuple[Job, ...], Job]] = {
    "apply, confirmed by probes": ((), apply),
    "apply, confirmed by nobody": ((), apply_to_wait),
    "apply, traffic gone": ((), apply_in_vain),
    "confirm": ((apply_to_wait,), confirm),
    "extend": ((apply_to_wait,), extend),
    "undo what waits": ((apply_to_wait,), undo),
    "undo what was confirmed": ((apply,), undo),
}


def begin(name: str) -> World:
    world = World()
    for job in JOBS[name][0]:
        job(world, Process())
    return world


def count(name: str) -> int:
    process = Process()
    with contextlib.suppress(NicmedicError):
        JOBS[name][1](begin(name), process)
    return len(process.calls)


def recover(world: World) -> None:
    edges = build_edges(world)
    recover_transactions(edges.store, edges.switch, edges.hands)


def assert_before_or_after(world: World, at: str) -> None:
    """Exactly one of the two, and the store tells which."""
    states = [find_state(transaction) for transaction in world.transactions.values()]
    if State.CONFIRMED in states:
        assert (world.settings, world.transactions[1].decided) == (AFTER, "confirmed"), at
    else:
        assert world.settings == BEFORE, at
        assert all(state in {State.UNDONE, State.ABANDONED} for state in states), (at, states)


@pytest.mark.parametrize("name", JOBS)
def test_killed_at_any_call(name: str) -> None:
    total = count(name)
    assert total > 3
    for number in range(total):
        world, process = begin(name), Process(kill_at=number)
        with pytest.raises(Killed):
            JOBS[name][1](world, process)
        world.pass_time(TIMEOUT_S + GRACE_S + (20 if name == "extend" else 0))
        assert world.settings in (BEFORE, AFTER), process.calls[-1]
        recover(world)  # the next command of any kind: it closes what was never begun
        assert_before_or_after(world, f"call {number}: {process.calls[-1]}")


@pytest.mark.parametrize("name", JOBS)
def test_killed_at_any_call_and_the_undo_at_any_step_of_its_own(name: str) -> None:
    """Nobody is left then but the next command, or the next boot."""
    for number, after in itertools.product(range(count(name)), range(2)):
        for next_thing in ("command", "boot"):
            world, process = begin(name), Process(kill_at=number)
            world.script_dies_after = after
            with pytest.raises(Killed):
                JOBS[name][1](world, process)
            world.pass_time(TIMEOUT_S + GRACE_S + (20 if name == "extend" else 0))
            if next_thing == "boot":
                world.reboot()
                recover(world)
                assert world.settings == BEFORE, (number, after)
                continue
            world.script_dies_after = None
            recover(world)
            assert_before_or_after(world, f"call {number}: {process.calls[-1]}; undo step {after}")


@pytest.mark.parametrize("name", JOBS)
@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), StateError("read-only")])
def test_any_call_may_fail(name: str, error: Exception) -> None:
    for number in range(count(name)):
        world, process = begin(name), Process(fail_at=number, error=error)
        with contextlib.suppress(NicmedicError, OSError):
            JOBS[name][1](world, process)
        world.pass_time(TIMEOUT_S + GRACE_S + 20)
        process.dead = True
        recover(world)
        assert_before_or_after(world, f"call {number}: {process.calls[number]}")


@pytest.mark.parametrize("name", JOBS)
def test_a_power_cut_at_any_call(name: str) -> None:
    for number in range(count(name)):
        world, process = begin(name), Process(kill_at=number)
        with pytest.raises(Killed):
            JOBS[name][1](world, process)
        world.reboot()
        recover(world)
        assert world.settings == BEFORE
        states = {find_state(transaction) for transaction in world.transactions.values()}
        assert states <= {State.REBOOTED, State.CONFIRMED, State.UNDONE}, (number, process.calls[-1], states)


# Recovery alone --------------------------------------------------------------------------------------------------------------


def test_what_is_watched_is_let_alone() -> None:
    world = World()
    apply_to_wait(world, Process())
    recover(world)
    assert find_state(world.transactions[1]) is State.WAITING
    world.undoers[1] = Process()
    world.switches.clear()
    recover(world)
    assert find_state(world.transactions[1]) is State.WAITING


def test_what_was_confirmed_ends_with_the_boot_and_that_is_told_once() -> None:
    world = World()
    apply_to_wait(world, Process())
    edges = build_edges(world)
    confirm_transaction(edges, None, out_of_band=True)
    assert recover_transactions(edges.store, edges.switch, edges.hands) == ()
    world.reboot()
    (found,) = recover_transactions(edges.store, edges.switch, edges.hands)
    assert (found.word, find_state(world.transactions[1])) == (Word.REBOOTED, State.REBOOTED)
    assert recover_transactions(edges.store, edges.switch, edges.hands) == ()


def test_what_nobody_watches_any_more_is_undone() -> None:
    world = World()
    apply_to_wait(world, Process())
    world.switches.clear()
    edges = build_edges(world)
    (found,) = recover_transactions(edges.store, edges.switch, edges.hands)
    assert (found.word, found.reason, world.settings) == (Word.UNDONE, "its switch was gone, and who began it too", BEFORE)


def test_what_is_long_overdue_is_undone_though_somebody_seems_to_watch() -> None:
    world = World()
    apply_to_wait(world, Process())
    world.switches.clear()
    world.pass_time(TIMEOUT_S + GRACE_S + 1)
    world.switches.add(1)
    edges = build_edges(world)
    (found,) = recover_transactions(edges.store, edges.switch, edges.hands)
    assert (found.reason, world.settings, world.switches) == ("its time was over", BEFORE, set())


def test_an_undo_that_fails_is_told_with_what_is_left() -> None:
    world = World()
    apply_to_wait(world, Process())
    world.switches.clear()
    world.broken_script = True
    edges = build_edges(world)
    (found,) = recover_transactions(edges.store, edges.switch, edges.hands)
    assert (found.word, found.failed) == (Word.UNDO_FAILED, ("sh undo.sh",))


def test_what_was_decided_meanwhile_is_not_told(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World()
    apply_to_wait(world, Process())
    world.switches.clear()
    monkeypatch.setattr(FakeHands, "undo_transaction", lambda *_: Undone(ok=True, ran=False))
    edges = build_edges(world)
    assert recover_transactions(edges.store, edges.switch, edges.hands) == ()


def test_what_went_meanwhile_is_nobodys_concern(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World()
    apply_to_wait(world, Process())
    known = FakeStore.list_transactions

    def listed(store: FakeStore) -> object:
        found = known(store)
        store.world.transactions.clear()
        return found

    monkeypatch.setattr(FakeStore, "list_transactions", listed)
    edges = build_edges(world)
    assert recover_transactions(edges.store, edges.switch, edges.hands) == ()


def test_a_boot_that_cannot_be_written_down_is_told() -> None:
    world = World()
    apply_to_wait(world, Process())
    world.reboot()
    edges = build_edges(world, Process(fail_at=2))
    (found,) = recover_transactions(edges.store, edges.switch, edges.hands)
    assert found.word is Word.REBOOTED
    assert found.reason == "its changes ended with the boot; that cannot be written down: No space left on device"
