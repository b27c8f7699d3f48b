# SPDX-License-Identifier: GPL-2.0-or-later
"""A plan is carried out on a world in memory: what can go wrong at each stage, and what becomes of the card."""

import dataclasses

import pytest

from nicmedic.app.decide import undo_transaction
from nicmedic.app.treat import Stage, Wishes, carry_out
from nicmedic.model.errors import (
    BusyError,
    NoSuchInterfaceError,
    NotConfirmedError,
    ProbesFailedError,
    RefusedError,
    RolledBackError,
    StateError,
    TimeOverError,
    UndoFailedError,
    UnwritableOutputError,
)
from nicmedic.model.event import Duplex
from nicmedic.model.finding import RemedyId
from nicmedic.model.host import Host
from nicmedic.model.link import Link
from nicmedic.model.plan import Ladder, Refusal
from nicmedic.model.step import Pause, Run
from nicmedic.model.transaction import Confirm, State, Transaction, Word
from nicmedic.ports.hands import Undone
from nicmedic.testing.transactions import FakeArchives, FakeHands, FakeProber, FakeStore, WorldClock, WorldMachine, build_edges
from nicmedic.testing.world import Killed, Process, World
from tests.unit.app.treatments import AFTER, BEFORE, OPERATOR, PROBES, change, plan, set_step, state, treat, words

# All goes well ---------------------------------------------------------------------------------------------------------------


def test_probes_confirm_what_holds() -> None:
    world, seen = World(), []
    edges = build_edges(world, tell=lambda stage, _detail: seen.append(stage))
    finished = carry_out(plan(world), world.read_host(), edges, PROBES)
    assert world.settings == AFTER
    assert (finished.state, finished.judgement.good, finished.warnings) == (State.CONFIRMED, True, ())
    assert [result.probe for result in finished.results] == ["carrier", "gateway 192.0.2.1"]
    assert words(world) == [Word.PLANNED, Word.ARMED, *(Word.APPLYING, Word.APPLIED) * 2, Word.PROBED, Word.CONFIRMED]
    assert world.switches == set()
    assert world.appliers == {}
    assert list(dict.fromkeys(seen)) == [Stage.PROBING, Stage.PREPARING, Stage.ARMED, Stage.APPLYING, Stage.READING, Stage.HOLDING]
    world.pass_time(500)
    assert world.settings == AFTER


def test_it_is_held_for_as_long_as_was_asked_for() -> None:
    world = World()
    began = world.uptime_s
    treat(world, wishes=dataclasses.replace(PROBES, hold_s=7))
    assert 7 <= world.uptime_s - began < 9


def test_without_a_confirmation_the_switch_undoes() -> None:
    world = World()
    finished = treat(world, wishes=OPERATOR)
    assert (finished.state, world.settings) == (State.WAITING, AFTER)
    world.pass_time(100)
    assert world.settings == AFTER
    world.pass_time(20)
    assert (world.settings, state(world)) == (BEFORE, State.UNDONE)


def test_operators_may_keep_what_no_probe_can_judge(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FakeProber, "known", False)
    world = World()
    began = world.uptime_s
    finished = treat(world, wishes=OPERATOR)
    assert (finished.state, finished.judgement.good) == (State.WAITING, None)
    assert world.uptime_s - began < 6, "nobody waits for probes that show nothing"
    undo_transaction(build_edges(world), None)
    with pytest.raises(ProbesFailedError):
        treat(world)
    assert world.settings == BEFORE


def test_a_card_that_was_hung_is_judged_by_the_answers_that_come_now() -> None:
    world = World()
    world.cutting.add(("mtu", "1500"))
    finished = treat(world)
    assert finished.judgement.hung_before
    assert finished.state is State.CONFIRMED


# What is refused ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "message", "hint"),
    [
        ({"refusals": (Refusal(remedy=RemedyId.RING, reasons=("no", "nay"), settle=("ethtool -g eth0",)),)}, "ring: no, nay", "ethtool -g"),
        ({"refusals": (Refusal(remedy=RemedyId.RING, reasons=("no",)),)}, "ring: no", "nicmedic plan eth0"),
        ({"changes": (change(boots=True, remedy=RemedyId.REBOOT, steps=(Run(argv=("reboot",)),)),)}, "reboot needs a boot", "reboot"),
        ({"changes": ()}, "nothing to do", "nicmedic plan eth0"),
    ],
)
def test_what_may_not_be_done_is_refused_before_anything(fields: dict[str, object], message: str, hint: str) -> None:
    world, process = World(), Process()
    with pytest.raises(RefusedError, match=message) as told:
        treat(world, process, made=dataclasses.replace(plan(world), **fields))  # type: ignore[arg-type]  # as above
    assert hint in told.value.hint
    assert process.calls == []


def test_refusals_of_a_ladder_are_left_out() -> None:
    world = World()
    made = plan(world, ladder=Ladder.RESTORE, refusals=(Refusal(remedy=RemedyId.RING, reasons=("no",)),))
    assert treat(world, made=made).state is State.CONFIRMED


def test_a_card_that_went_meanwhile_is_told() -> None:
    world = World()
    made = plan(world)
    world.present = False
    with pytest.raises(NoSuchInterfaceError):
        treat(world, made=made)


def test_one_transaction_a_card() -> None:
    world = World()
    treat(world, wishes=OPERATOR)
    with pytest.raises(BusyError):
        treat(world)
    assert list(world.transactions) == [1]


# What fails ------------------------------------------------------------------------------------------------------------------


def test_evidence_that_cannot_be_written_stops_it_before_it_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise UnwritableOutputError("full", hint="df")

    monkeypatch.setattr(FakeArchives, "write_archive", fail)
    world = World()
    with pytest.raises(StateError, match="full") as told:
        treat(world)
    assert told.value.hint == "df"
    assert world.transactions == {}


def test_a_step_that_fails_is_undone() -> None:
    world = World()
    world.refused.add("power.control")
    with pytest.raises(RolledBackError, match=r"as it was before transaction 1: runtime-pm-off: .*Operation not supported") as told:
        treat(world)
    assert type(told.value) is RolledBackError
    assert told.value.machine == "rolled back"
    assert world.settings == BEFORE
    assert words(world)[-3:] == [Word.UNDOING, Word.UNDO_FAILED, Word.UNDONE], "setting it back was refused too, but nothing had been set"


def test_what_cannot_be_read_again_is_not_called_undone_when_a_step_of_the_undo_failed() -> None:
    world = World()
    world.refused.add("mtu")
    with pytest.raises(UndoFailedError) as told:
        treat(world, made=plan(world, change(before=())))
    assert told.value.hint == "echo 1500 > set/mtu"
    assert state(world) is State.UNDO_FAILED


def test_a_step_that_is_not_needed_may_fail() -> None:
    world = World()
    made = plan(world, change(steps=(set_step("nothing", "1", needed=False), Pause(seconds=1), set_step("mtu", "1400"))))
    finished = treat(world, made=made)
    assert finished.state is State.CONFIRMED
    assert finished.warnings == ("echo 1 > set/nothing: Operation not supported",)


def test_what_reads_back_as_something_else_is_undone() -> None:
    world = World()
    world.stubborn.add("mtu")
    with pytest.raises(RolledBackError, match=r"mtu is 1500, not 1400, though every step succeeded"):
        treat(world)
    assert (world.settings, state(world)) == (BEFORE, State.UNDONE)


def test_what_settles_late_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    world, reads = World(), []

    def read(machine: WorldMachine) -> Host:
        reads.append(1)
        host = machine.world.read_host()
        return host if len(reads) > 2 else dataclasses.replace(host, nics=(dataclasses.replace(host.nics[0], mtu=1),))

    monkeypatch.setattr(WorldMachine, "read_host", read)
    assert treat(world, made=plan(world, change())).state is State.CONFIRMED


@pytest.mark.parametrize("at", ["reading", "probing"])
def test_a_card_that_goes_in_the_middle_is_a_failure(at: str, monkeypatch: pytest.MonkeyPatch) -> None:
    world = World()

    def tell(stage: Stage, _detail: str) -> None:
        if (at == "reading" and stage is Stage.READING) or (at == "probing" and stage is Stage.HOLDING):
            world.present = False

    with pytest.raises(UndoFailedError, match="the card is gone"):
        carry_out(plan(world, change()), world.read_host(), build_edges(world, tell=tell), PROBES)
    monkeypatch.setattr(FakeProber, "known", False)
    world = World()
    with pytest.raises(UndoFailedError, match="the card is gone"):
        carry_out(plan(world, change()), world.read_host(), build_edges(world, tell=tell), OPERATOR)


@pytest.mark.parametrize("wishes", [PROBES, OPERATOR])
def test_traffic_that_does_not_come_back_is_undone(wishes: Wishes) -> None:
    world = World()
    world.cutting.add(("mtu", "1400"))
    began = world.uptime_s
    with pytest.raises(ProbesFailedError, match=r"gateway 192\.0\.2\.1"):
        treat(world, wishes=wishes)
    assert (world.settings, state(world)) == (BEFORE, State.UNDONE)
    assert world.uptime_s - began < 2 + 2 + 15 + 5
    assert "probes" in world.transactions[1].entries[-2].detail


def test_a_card_with_a_link_whose_frames_do_not_leave_is_given_up_before_its_time_to_settle() -> None:
    world = World()
    world.cutting = {("mtu", "1400")}
    process = Process()
    with pytest.raises(ProbesFailedError):
        treat(world, process, wishes=Wishes(confirm=Confirm.PROBES, probes=("tx",)), made=plan(world, change(settle_s=60)))
    assert sum(call.startswith("run_probes") for call in process.calls) == 1 + 3
    assert world.settings == BEFORE


def test_traffic_that_comes_and_goes_does_not_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World()
    monkeypatch.setattr(World, "answers", property(lambda self: int(self.uptime_s * 2) % 4 != 0 or self.uptime_s < 1001))
    with pytest.raises(ProbesFailedError):
        treat(world, wishes=dataclasses.replace(PROBES, hold_s=5))
    assert world.settings == BEFORE


def test_a_new_duplex_mismatch_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    def read(machine: WorldMachine) -> Host:
        host = machine.world.read_host()
        (nic,) = host.nics
        bad = nic.mtu == 1400
        link = Link(speed_mbps=100, duplex=Duplex.HALF if bad else Duplex.FULL, autoneg=False)
        statistics = {"tx_window_errors": 8 if bad else 7}
        return dataclasses.replace(host, nics=(dataclasses.replace(nic, link=link, statistics=statistics),))

    monkeypatch.setattr(WorldMachine, "read_host", read)
    world = World()
    edges = build_edges(world)
    with pytest.raises(RolledBackError, match="duplex mismatch"):
        carry_out(plan(world, change()), edges.machine.read_host(), edges, OPERATOR)
    assert world.settings == BEFORE


def test_too_little_time_for_the_next_change_is_a_failure() -> None:
    world = World()

    def tell(stage: Stage, _detail: str) -> None:
        if stage is Stage.READING:
            world.pass_time(95)

    with pytest.raises(TimeOverError, match=r"only 25 s are left; --timeout gives it more"):
        carry_out(plan(world), world.read_host(), build_edges(world, tell=tell), PROBES)
    assert world.settings == BEFORE


def test_time_that_is_over_while_the_probes_hold_is_a_failure() -> None:
    world = World()
    with pytest.raises(TimeOverError, match="its time is over"):
        treat(world, wishes=dataclasses.replace(PROBES, timeout_s=20, hold_s=60))
    assert world.settings == BEFORE


def test_a_deadline_that_cannot_be_read_is_taken_for_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FakeStore, "read_seconds_left", lambda *_: None)
    world = World()
    with pytest.raises(TimeOverError, match="its time is over"):
        treat(world)
    assert world.settings == BEFORE


def test_somebody_elses_undo_in_the_middle_is_told() -> None:
    world = World()

    def tell(stage: Stage, _detail: str) -> None:
        if stage is Stage.HOLDING:
            undo_transaction(build_edges(world), None)

    with pytest.raises(NotConfirmedError, match="somebody else ended it"):
        carry_out(plan(world), world.read_host(), build_edges(world, tell=tell), PROBES)
    assert (world.settings, state(world)) == (BEFORE, State.UNDONE)


def test_who_decides_to_undo_right_before_the_confirmation_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FakeStore, "decide", lambda *_: False)
    world = World()
    with pytest.raises(NotConfirmedError, match="somebody else ended it"):
        treat(world)
    assert world.settings == BEFORE


def test_somebody_elses_confirmation_while_the_probes_hold_counts() -> None:
    world = World()

    def tell(stage: Stage, _detail: str) -> None:
        if stage is Stage.HOLDING:
            world.replace(1, decided="confirmed")

    finished = carry_out(plan(world), world.read_host(), build_edges(world, tell=tell), PROBES)
    assert (finished.state, world.settings) == (State.CONFIRMED, AFTER)


def test_a_bug_of_ours_is_undone_too() -> None:
    world = World()

    def tell(stage: Stage, _detail: str) -> None:
        if stage is Stage.HOLDING:
            raise ZeroDivisionError("oops")

    with pytest.raises(RolledBackError, match="ZeroDivisionError: oops"):
        carry_out(plan(world), world.read_host(), build_edges(world, tell=tell), PROBES)
    assert world.settings == BEFORE


# Interruptions ---------------------------------------------------------------------------------------------------------------


def count_calls(wishes: Wishes) -> int:
    process = Process()
    treat(World(), process, wishes)
    return len(process.calls)


def test_an_interruption_at_any_call_leaves_it_as_it_was_or_confirmed() -> None:
    for number in range(count_calls(PROBES)):
        world = World()
        process = Process(fail_at=number, error=KeyboardInterrupt())
        try:
            finished = treat(world, process)
            assert finished.state is State.CONFIRMED, process.calls[number]
            assert world.settings == AFTER, process.calls[number]
        except (KeyboardInterrupt, NotConfirmedError):
            assert world.settings == BEFORE, process.calls[number]
            assert not world.transactions or state(world) in {State.UNDONE, State.ABANDONED}, process.calls[number]


def test_who_interrupts_an_undo_hears_how_it_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    world, interruptions = World(), [KeyboardInterrupt(), OSError("what")]
    undo = FakeHands.undo_transaction

    def interrupted(hands: FakeHands, transaction: Transaction, why: str) -> Undone:
        if interruptions:
            raise interruptions.pop()
        return undo(hands, transaction, why)

    monkeypatch.setattr(FakeHands, "undo_transaction", interrupted)
    world.cutting.add(("mtu", "1400"))
    with pytest.raises(ProbesFailedError):
        treat(world)
    interruptions[:] = [KeyboardInterrupt(), KeyboardInterrupt(), KeyboardInterrupt()]
    with pytest.raises(UndoFailedError):
        treat(world)


# The world in memory --------------------------------------------------------------------------------------------------------


def test_a_clock_of_a_world_tells_the_time() -> None:
    world = World()
    clock = WorldClock(world, Process())
    before = clock.read_now()
    clock.wait_s(5)
    assert (clock.read_now() - before).total_seconds() == 5


def test_the_dead_call_nobody() -> None:
    process = Process(kill_at=0)
    for _ in range(2):
        with pytest.raises(Killed):
            process.call("x")
