# SPDX-License-Identifier: GPL-2.0-or-later
"""Which transaction is meant, and what a second login may do to it."""

import dataclasses
from collections.abc import Sequence

import pytest

from nicmedic.app.decide import extend_transaction, undo_transaction
from nicmedic.app.treat import Edges, Stage, Wishes, carry_out
from nicmedic.model.errors import NoSuchTransactionError, NotConfirmedError, RefusedError, UndoFailedError
from nicmedic.model.finding import RemedyId
from nicmedic.model.host import Host
from nicmedic.model.plan import Identity, Refusal
from nicmedic.model.transaction import Confirm, ProbeResult, State, Transaction, Word, find_state
from nicmedic.testing.transactions import FakeProber, FakeStore, WorldMachine, build_edges
from nicmedic.testing.world import Process, World
from tests.unit.app.treatments import AFTER, BEFORE, OPERATOR, PROBES, change, plan, treat, waiting, words

MTU, POWER = change(), change("power.control", "on")


def other_card(world: World, number: int) -> None:
    made = world.transactions[number].plan
    world.replace(number, plan=dataclasses.replace(made, nic=dataclasses.replace(made.nic, sysfs_path="/sys/devices/other")))


def test_without_a_number_only_what_was_just_confirmed_is_undone() -> None:
    world = World()
    treat(world, made=plan(world, MTU))
    other_card(world, 1)
    treat(world, made=plan(world, POWER))
    edges = build_edges(world)
    assert undo_transaction(edges, None).transaction.id == 2
    with pytest.raises(NoSuchTransactionError, match=r"in force are 1 \(eth0\): say which"):
        undo_transaction(edges, None)
    assert world.settings["mtu"] == "1400"


def test_what_could_not_be_undone_is_meant_before_what_was_confirmed() -> None:
    world = World()
    for made in (MTU, POWER):
        treat(world, made=plan(world, made))
    world.note(1, Word.UNDO_FAILED)
    assert undo_transaction(build_edges(world), None).transaction.id == 1
    world.reboot()
    with pytest.raises(NoSuchTransactionError, match="no transaction is open; the last one, 2"):
        undo_transaction(build_edges(world), None)


def test_what_a_later_one_changed_too_is_not_undone_before_that() -> None:
    world = World()
    treat(world, made=plan(world, MTU))
    treat(world, made=plan(world, change(value="1300", undo=MTU.steps, before=MTU.wanted)), wishes=OPERATOR)
    edges = build_edges(world)
    with pytest.raises(RefusedError, match="transaction 2 changed mtu after it") as caught:
        undo_transaction(edges, 1)
    assert caught.value.hint.startswith("nicmedic undo 2 ")
    undo_transaction(edges, None)
    undo_transaction(edges, 1)
    assert world.settings == BEFORE


def test_an_extension_does_not_undo_what_another_login_has_confirmed(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World()
    edges = waiting(world)
    original = FakeStore.set_deadline

    def set_deadline(store: FakeStore, transaction: Transaction, seconds: int) -> Transaction:
        made = original(store, transaction, seconds)
        world.replace(1, decided="confirmed")
        world.note(1, Word.CONFIRMED)
        return made

    monkeypatch.setattr(FakeStore, "set_deadline", set_deadline)
    with pytest.raises(NoSuchTransactionError, match="it is confirmed"):
        extend_transaction(edges, None, 60)
    assert (world.settings, words(world)[-1]) == (AFTER, Word.CONFIRMED)


class Probing(FakeProber):
    """In the last round somebody else decides."""

    what = "undo"

    def run_probes(self, nic: Identity, probes: Sequence[str], within_s: float = 2.0) -> tuple[ProbeResult, ...]:
        if 1 in self.world.transactions and self.world.transactions[1].decided is None:
            if self.what == "undo":
                self.world.run_undo(1, "operator")
            else:
                self.world.replace(1, decided="confirmed")
                self.world.note(1, Word.CONFIRMED)
        return super().run_probes(nic, probes, within_s)


def build_probing(world: World, what: str) -> Edges:
    prober = Probing(world, Process())
    prober.what = what
    return dataclasses.replace(build_edges(world), prober=prober)


@pytest.mark.parametrize("confirm", Confirm)
def test_who_undoes_in_the_last_round_of_probes_is_told_of(confirm: Confirm) -> None:
    world = World()
    with pytest.raises(NotConfirmedError, match="somebody else ended it"):
        carry_out(plan(world), world.read_host(), build_probing(world, "undo"), Wishes(confirm=confirm, hold_s=0.0))
    assert (world.settings, words(world)[-1]) == (BEFORE, Word.UNDONE), "nothing is written behind the end"


@pytest.mark.parametrize("confirm", Confirm)
def test_who_confirms_in_the_last_round_of_probes_has_confirmed(confirm: Confirm) -> None:
    world = World()
    finished = carry_out(plan(world), world.read_host(), build_probing(world, "confirmed"), Wishes(confirm=confirm, hold_s=0.0))
    assert (finished.state, world.settings) == (State.CONFIRMED, AFTER)
    assert Word.PROBED not in words(world)


def test_who_undoes_after_the_last_look_is_told_of() -> None:
    world = World()

    class Late(WorldMachine):
        def read_host(self) -> Host:
            if Word.PROBED in words(world) and world.transactions[1].decided is None:
                world.run_undo(1, "operator")
            return super().read_host()

    edges = dataclasses.replace(build_edges(world), machine=Late(world, Process()))
    with pytest.raises(NotConfirmedError, match="somebody else ended it"):
        carry_out(plan(world), world.read_host(), edges, OPERATOR)
    assert world.settings == BEFORE


@pytest.mark.parametrize(("times", "error"), [(1, NotConfirmedError), (3, UndoFailedError)])
def test_who_interrupts_the_look_after_an_undo_hears_how_it_ended(times: int, error: type[Exception]) -> None:
    world, left = World(), [times]

    class Interrupted(WorldMachine):
        def read_host(self) -> Host:
            if 1 in world.transactions and find_state(world.transactions[1]) is State.UNDONE and left[0]:
                left[0] -= 1
                raise KeyboardInterrupt
            return super().read_host()

    def tell(stage: Stage, _detail: str) -> None:
        if stage is Stage.HOLDING:
            raise KeyboardInterrupt

    edges = dataclasses.replace(build_edges(world, tell=tell), machine=Interrupted(world, Process()))
    with pytest.raises(error, match="interrupted"):
        carry_out(plan(world), world.read_host(), edges, PROBES)
    assert world.settings == BEFORE


def test_what_the_operator_undoes_is_undone_though_that_could_not_be_written() -> None:
    world = World()
    treat(world)

    class Stale(FakeStore):
        def read_transaction(self, number: int) -> Transaction | None:
            found = super().read_transaction(number)
            return None if found is None else dataclasses.replace(found, decided="confirmed")

    edges = dataclasses.replace(build_edges(world), store=Stale(world, Process()))
    assert undo_transaction(edges, 1).state is State.UNDONE


def test_an_undo_after_a_confirmation_says_what_it_leaves() -> None:
    world = World()
    treat(world, made=plan(world, change(takes_stack=True), POWER))
    assert "were left as they are now" in undo_transaction(build_edges(world), None).detail
    treat(world, made=plan(world, change(takes_stack=True)), wishes=OPERATOR)
    assert undo_transaction(build_edges(world), None).detail == "", "what waits is put back with all that stood on it"


def test_what_can_be_accepted_is_named_and_each_command_has_a_line_of_its_own() -> None:
    world = World()
    refusals = (
        Refusal(remedy=RemedyId.DRIVER_REBIND, reasons=("eth1 goes along",), settle=("lspci   # both", "ip link"), may_be_told=True),
    )
    with pytest.raises(RefusedError) as caught:
        treat(world, made=plan(world, MTU, refusals=refusals))
    assert caught.value.hint.splitlines() == [
        "lspci   # both",
        "ip link",
        "nicmedic treat eth0 --remedy mtu --remedy driver-rebind --accept-losses   # if you can bear that",
    ]
