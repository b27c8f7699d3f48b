# SPDX-License-Identifier: GPL-2.0-or-later
"""A plan that was carried out waits: it is confirmed, given more time, or undone, and each of these may come too late or fail."""

import dataclasses

import pytest

from nicmedic.app.decide import confirm_transaction, extend_transaction, undo_transaction
from nicmedic.app.treat import Stage, carry_out, settle_confirmed
from nicmedic.model.errors import (
    BusyError,
    NoSuchTransactionError,
    NotConfirmedError,
    NotProvenError,
    StateError,
    UndoFailedError,
    UsageError,
)
from nicmedic.model.transaction import State, Transaction, Word
from nicmedic.ports.probes import Proof
from nicmedic.testing.transactions import FakeProber, FakeStore, build_edges
from nicmedic.testing.world import Process, World
from tests.unit.app.treatments import AFTER, BEFORE, OPERATOR, PROBES, plan, state, treat, waiting, words


def test_a_confirmation_that_is_proven_stays() -> None:
    world = World()
    decided = confirm_transaction(waiting(world), None, out_of_band=False)
    assert decided.state is State.CONFIRMED
    assert "64 bytes were acknowledged" in decided.detail
    assert (words(world)[-1], world.transactions[1].entries[-1].detail) == (Word.CONFIRMED, decided.detail)
    world.pass_time(500)
    assert world.settings == AFTER


@pytest.mark.parametrize(("through", "message"), [(None, "cannot be known"), (False, "does not come")])
def test_what_is_not_proven_is_not_confirmed(through: bool | None, message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FakeProber, "proof", Proof(through=through, detail="a console"))
    world = World()
    edges = waiting(world)
    with pytest.raises(NotProvenError, match=f"{message}.*eth0: a console") as told:
        confirm_transaction(edges, 1, out_of_band=False)
    assert "nicmedic confirm 1 --out-of-band" in told.value.hint
    assert state(world) is State.WAITING
    assert confirm_transaction(edges, 1, out_of_band=True).detail == "out of band"


def test_only_what_waits_can_be_confirmed() -> None:
    world = World()
    edges = build_edges(world)
    with pytest.raises(NoSuchTransactionError, match=r"no transaction is open$"):
        confirm_transaction(edges, None, out_of_band=True)
    with pytest.raises(NoSuchTransactionError, match="there is no transaction 7"):
        confirm_transaction(edges, 7, out_of_band=True)
    treat(world)
    with pytest.raises(NoSuchTransactionError, match=r"the last one, 1 \(eth0\), is confirmed"):
        confirm_transaction(edges, None, out_of_band=True)
    with pytest.raises(NoSuchTransactionError, match="transaction 1 on eth0 waits for nobody: it is confirmed"):
        confirm_transaction(edges, 1, out_of_band=True)


def test_what_is_still_being_carried_out_cannot_be_confirmed() -> None:
    world, refusals = World(), []

    def tell(stage: Stage, _detail: str) -> None:
        if stage in {Stage.APPLYING, Stage.READING}:
            with pytest.raises(BusyError):
                confirm_transaction(build_edges(world), None, out_of_band=True)
            refusals.append(stage)

    carry_out(plan(world), world.read_host(), build_edges(world, tell=tell), PROBES)
    assert refusals == [Stage.APPLYING, Stage.READING] * 2


def test_of_several_open_ones_somebody_must_say_which() -> None:
    world = World()
    edges = waiting(world)
    other = dataclasses.replace(world.identity, interface="eth1", sysfs_path="/sys/devices/pci0/0000:03:00.0", bus_address="0000:03:00.0")
    first = world.transactions[1]
    world.transactions[2] = dataclasses.replace(first, id=2, plan=dataclasses.replace(first.plan, nic=other))
    with pytest.raises(NoSuchTransactionError, match=r"1 \(eth0\), 2 \(eth1\); say which"):
        confirm_transaction(edges, None, out_of_band=True)


def test_a_confirmation_that_comes_too_late_sees_to_the_end_of_the_undo(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World()
    edges = waiting(world)
    monkeypatch.setattr(FakeStore, "decide", lambda *_: False)
    with pytest.raises(NotConfirmedError, match="its time was over"):
        confirm_transaction(edges, 1, out_of_band=True)
    assert (world.settings, state(world)) == (BEFORE, State.UNDONE)


def test_a_journal_that_cannot_be_written_does_not_take_a_confirmation_back() -> None:
    world = World()
    waiting(world)
    process = Process(fail_at=3)
    decided = confirm_transaction(build_edges(world, process), 1, out_of_band=True)
    assert decided.warnings == ("No space left on device",), process.calls
    assert decided.state is State.CONFIRMED
    world.pass_time(500)
    assert world.settings == AFTER


def test_more_time_is_added_to_what_is_left() -> None:
    world = World()
    edges = waiting(world)
    assert extend_transaction(edges, None, 300).state is State.WAITING
    world.pass_time(400)
    assert world.settings == AFTER
    world.pass_time(30)
    assert world.settings == BEFORE


def test_a_switch_that_is_gone_is_armed_again_with_the_extension() -> None:
    world = World()
    edges = waiting(world)
    world.switches.clear()
    extend_transaction(edges, 1, 60)
    assert world.switches == {1}


def test_a_day_is_the_most() -> None:
    world = World()
    with pytest.raises(UsageError, match="a day is the most"):
        extend_transaction(waiting(world), 1, 86_400)


def test_an_extension_that_comes_too_late_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World()
    edges = waiting(world)
    append = FakeStore.append_entry

    def late(store: FakeStore, transaction: Transaction, word: Word, detail: str = "") -> Transaction:
        store.world.run_undo(1, "switch")
        return append(store, transaction, word, detail)

    monkeypatch.setattr(FakeStore, "append_entry", late)
    with pytest.raises(NotConfirmedError):
        extend_transaction(edges, 1, 60)
    assert world.settings == BEFORE


def test_what_was_confirmed_can_be_undone_in_the_same_boot() -> None:
    world = World()
    treat(world)
    edges = build_edges(world)
    decided = undo_transaction(edges, None)
    assert (decided.state, world.settings) == (State.UNDONE, BEFORE)
    with pytest.raises(NoSuchTransactionError, match="it is undone"):
        undo_transaction(edges, 1)
    treat(world)
    world.reboot()
    with pytest.raises(NoSuchTransactionError, match="it is rebooted"):
        undo_transaction(edges, 2)


def test_an_undo_that_fails_tells_what_is_left() -> None:
    world = World()
    edges = waiting(world)
    world.broken_script = True
    with pytest.raises(UndoFailedError, match="mtu is 1400, not 1500") as told:
        undo_transaction(edges, None)
    assert told.value.hint == "sh undo.sh"


def test_a_host_that_cannot_be_read_after_an_undo_is_told() -> None:
    world = World()
    waiting(world)
    process = Process(fail_at=6, error=StateError("no"))
    with pytest.raises(UndoFailedError, match="cannot be read again: no"):
        undo_transaction(build_edges(world, process), 1)
    assert process.calls[6] == "read_host"


def test_the_ladder_may_confirm_for_itself() -> None:
    world = World()
    edges = build_edges(world)
    finished = carry_out(plan(world), world.read_host(), edges, OPERATOR)
    assert settle_confirmed(edges, finished).state is State.CONFIRMED
    assert world.switches == set()
