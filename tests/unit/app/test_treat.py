# SPDX-License-Identifier: GPL-2.0-or-later
"""A plan is carried out on a world in memory: what can go wrong at each stage, and what becomes of the card."""

import dataclasses

import pytest

from nicmedic.app.decide import confirm_transaction, extend_transaction, undo_transaction
from nicmedic.app.treat import Edges, Finished, Stage, Wishes, carry_out, settle_confirmed
from nicmedic.app.undoing import find_begun
from nicmedic.model.errors import (
    BusyError,
    NoSuchInterfaceError,
    NoSuchTransactionError,
    NotConfirmedError,
    NotProvenError,
    ProbesFailedError,
    RefusedError,
    RolledBackError,
    StateError,
    TimeOverError,
    UndoFailedError,
    UnwritableOutputError,
    UsageError,
)
from nicmedic.model.event import Duplex
from nicmedic.model.finding import RemedyId
from nicmedic.model.host import Host
from nicmedic.model.link import Link
from nicmedic.model.plan import Change, Ladder, Plan, Refusal, Setting
from nicmedic.model.step import Pause, Run, Write
from nicmedic.model.transaction import Confirm, State, Transaction, Word, find_state
from nicmedic.ports.hands import Undone
from nicmedic.ports.probes import Proof
from nicmedic.testing.transactions import FakeArchives, FakeHands, FakeProber, FakeStore, WorldClock, WorldMachine, build_edges
from nicmedic.testing.world import Killed, Process, World

BEFORE = {"mtu": "1500", "power.control": "auto"}
AFTER = {"mtu": "1400", "power.control": "on"}
PROBES = Wishes(confirm=Confirm.PROBES)
OPERATOR = Wishes()


def set_step(name: str, value: str, *, needed: bool = True) -> Write:
    return Write(path=f"set/{name}", text=value, needed=needed)


def change(name: str = "mtu", value: str = "1400", **fields: object) -> Change:
    known: dict[str, object] = {
        "remedy": RemedyId.MTU if name == "mtu" else RemedyId.RUNTIME_PM_OFF,
        "title": f"set {name} to {value}",
        "steps": (set_step(name, value),),
        "undo": (set_step(name, BEFORE[name]),),
        "before": (Setting(name=name, value=BEFORE[name]),),
        "wanted": (Setting(name=name, value=value),),
        "settle_s": 2,
    }
    return Change(**{**known, **fields})  # type: ignore[arg-type]  # names are those of the fields


def plan(world: World, *changes: Change, **fields: object) -> Plan:
    known: dict[str, object] = {
        "nic": world.identity,
        "boot_id": world.boot_id,
        "changes": changes or (change(), change("power.control", "on")),
    }
    return Plan(**{**known, **fields})  # type: ignore[arg-type]  # as above


def treat(world: World, process: Process | None = None, wishes: Wishes = PROBES, made: Plan | None = None) -> Finished:
    return carry_out(made or plan(world), world.read_host(), build_edges(world, process), wishes)


def state(world: World, number: int = 1) -> State:
    return find_state(world.transactions[number])


def words(world: World, number: int = 1) -> list[Word]:
    return [entry.word for entry in world.transactions[number].entries]


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


def test_undoing_that_fails_tells_what_is_left_to_type() -> None:
    world = World()
    world.cutting.add(("mtu", "1400"))
    world.broken_script = True
    with pytest.raises(UndoFailedError, match=r"undoing transaction 1 failed as well; mtu is 1400, not 1500") as told:
        treat(world, made=plan(world, change()))
    assert (told.value.machine, told.value.hint) == ("CHANGED", "sh undo.sh")
    assert world.switches == {1}, "the switch tries it once more"


def test_undoing_that_nobody_could_start_tells_all_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FakeHands, "undo_transaction", lambda *_: Undone(ok=False, ran=False))
    world = World()
    world.cutting.add(("mtu", "1400"))
    made = plan(world, change(takes_stack=True), put_back=(Run(argv=("ip", "link")),))
    with pytest.raises(UndoFailedError) as told:
        treat(world, made=made)
    assert told.value.hint == "echo 1500 > set/mtu\nip link"


def test_an_undo_that_reads_back_as_something_else_has_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World()
    world.cutting.add(("mtu", "1400"))
    with pytest.raises(UndoFailedError, match="mtu is 1400, not 1450"):
        treat(world, made=plan(world, change(before=(Setting(name="mtu", value="1450"),), undo=())))


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


# Deciding later --------------------------------------------------------------------------------------------------------------


def waiting(world: World) -> Edges:
    treat(world, wishes=OPERATOR)
    return build_edges(world)


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


def test_what_was_begun_stands_in_the_journal() -> None:
    world = World()
    world.refused.add("mtu")
    with pytest.raises(RolledBackError):
        treat(world)
    assert [one.remedy for one in find_begun(world.transactions[1])] == [RemedyId.MTU]


def test_the_ladder_may_confirm_for_itself() -> None:
    world = World()
    edges = build_edges(world)
    finished = carry_out(plan(world), world.read_host(), edges, OPERATOR)
    assert settle_confirmed(edges, finished).state is State.CONFIRMED
    assert world.switches == set()


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


def test_a_card_with_a_link_whose_frames_do_not_leave_is_given_up_before_its_time_to_settle() -> None:
    world = World()
    world.cutting = {("mtu", "1400")}
    process = Process()
    with pytest.raises(ProbesFailedError):
        treat(world, process, wishes=Wishes(confirm=Confirm.PROBES, probes=("tx",)), made=plan(world, change(settle_s=60)))
    assert sum(call.startswith("run_probes") for call in process.calls) == 1 + 3
    assert world.settings == BEFORE
