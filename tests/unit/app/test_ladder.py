# SPDX-License-Identifier: GPL-2.0-or-later
"""Both ladders on a card in memory that hangs by a rule: what is tried, what is left in force, and what is as it was."""

import contextlib
import dataclasses
from collections.abc import Iterable, Mapping, Sequence

import pytest

from nicmedic.app.hang_watch import HangWatch
from nicmedic.app.ladder import Climb, Climbed, History, climb_prevent, climb_restore
from nicmedic.app.treat import Edges, Wishes
from nicmedic.model.counters import Counters, QueueCounters
from nicmedic.model.errors import LadderFailedError, NotConfirmedError, RefusedError, SwitchError, UndoFailedError
from nicmedic.model.finding import RemedyId
from nicmedic.model.host import Host
from nicmedic.model.plan import Change, Identity, Ladder, Plan, Refusal, Setting
from nicmedic.model.step import Write
from nicmedic.model.transaction import ProbeResult, ProbeState, State, Transaction, find_state
from nicmedic.remedy.ladder import Earlier, Rung
from nicmedic.testing.transactions import FakeSwitch, WorldClock, WorldMachine, build_edges
from nicmedic.testing.world import Process, World

BEFORE = {"mtu": "1500", "power.control": "auto"}
CURES = (RemedyId.LINK_BOUNCE, RemedyId.DRIVER_REBIND, RemedyId.PCI_RESET)


class HangingWorld(World):
    """Its card hangs ``after_s`` after all settings of a rule hold, and stays so until the cure."""

    def __init__(
        self, rule: Mapping[str, str] | None = None, *, after_s: float = 5.0, cure: RemedyId | None = RemedyId.LINK_BOUNCE
    ) -> None:
        super().__init__(settings={**BEFORE, **dict.fromkeys(CURES, "0")})
        self.rule, self.after_s, self.cure = rule, after_s, cure
        self.since_s = self.uptime_s
        self.timeouts = 0
        self.gone_at: float | None = None

    def pass_time(self, seconds: float) -> None:
        super().pass_time(seconds)
        self.present = self.gone_at is None or self.uptime_s < self.gone_at
        if self.rule is None or any(self.settings[name] != value for name, value in self.rule.items()):
            self.since_s = self.uptime_s
        elif self.uptime_s - self.since_s >= self.after_s:
            self.deaf = True
        self.timeouts += self.deaf

    def apply_step(self, step: object) -> object:  # type: ignore[override]  # the steps of this file are writes
        assert isinstance(step, Write)
        if step.path == f"set/{self.cure}":
            self.deaf, self.since_s = False, self.uptime_s
        return super().apply_step(step)


class Machine(WorldMachine):
    """Its transmit watchdog counts."""

    def read_counters(self, interfaces: Iterable[str]) -> tuple[Counters, ...]:
        world = self.world
        assert isinstance(world, HangingWorld)
        queue = QueueCounters(index=0, tx_timeout=world.timeouts)
        return tuple(
            Counters(interface=name, monotonic_s=world.uptime_s, ifindex=2 if world.present else None, queues=(queue,))
            for name in interfaces
        )


def build(world: World, process: Process | None = None) -> Edges:
    process = process or Process()
    return dataclasses.replace(build_edges(world, process), machine=Machine(world, process))


def setting(name: str, value: str, remedy: RemedyId) -> Change:
    return Change(
        remedy=remedy,
        argument=value,
        title=f"{name} {value}",
        steps=(Write(path=f"set/{name}", text=value),),
        undo=(Write(path=f"set/{name}", text=BEFORE[name]),),
        before=(Setting(name=name, value=BEFORE[name]),),
        wanted=(Setting(name=name, value=value),),
        settle_s=1,
    )


def cure(remedy: RemedyId, *, lasting: bool = False) -> Change:
    """``lasting``: its undo fails."""
    undo = (Write(path="set/nothing", text="0"),) if lasting else ()
    return Change(remedy=remedy, title=str(remedy), steps=(Write(path=f"set/{remedy}", text="1"),), undo=undo, settle_s=1)


MTU = setting("mtu", "1400", RemedyId.MTU)
AWAKE = setting("power.control", "on", RemedyId.RUNTIME_PM_OFF)


@dataclasses.dataclass
class Planner:
    """Plans ladders of these changes, in this order."""

    world: World
    prevent: Sequence[Change] = (AWAKE, MTU)
    restore: Sequence[Change] = tuple(cure(remedy) for remedy in CURES)
    earlier: Sequence[tuple[Identity, Earlier]] = ()
    refusals: tuple[Refusal, ...] = (Refusal(remedy=RemedyId.EEE_OFF, reasons=("it has none",)),)

    def __call__(self, host: Host, ladder: Ladder, earlier: Sequence[tuple[Identity, Earlier]]) -> tuple[Plan, tuple[Rung, ...]]:
        self.earlier = earlier
        changes = tuple(self.restore if ladder is Ladder.RESTORE else self.prevent)
        plan = Plan(
            nic=self.world.identity,
            boot_id=host.boot_id,
            ladder=ladder,
            changes=changes,
            refusals=self.refusals,
        )
        return plan, tuple(Rung(change=change, odds=0.5, seconds=5, reason="its turn") for change in changes)


def climb(world: World, planner: Planner | None = None, **fields: object) -> Climb:
    known: dict[str, object] = {"name": "eth0", "make_rungs": planner or Planner(world), "wishes": Wishes(hold_s=1.0), "hold_s": 20.0}
    return Climb(**{**known, **fields})  # type: ignore[arg-type]  # names are fields


def outcomes(climbed: Climbed) -> list[tuple[str, str]]:
    return [("+".join(attempt.names), attempt.outcome) for attempt in climbed.outcome.attempts]


def ends(world: World) -> list[State]:
    return [find_state(transaction) for transaction in world.transactions.values()]


# restore ---------------------------------------------------------------------------------------------------------------------


def test_who_has_just_seen_it_hang_has_the_probes_asked_for_a_moment_only() -> None:
    world, process = HangingWorld(), Process()
    world.deaf = True
    climb_restore(build(world, process), climb(world, wishes=Wishes(hold_s=1.0, ask_s=0.5)))
    asked = [call for call in process.calls if call.startswith("run_probes")]
    assert [call.endswith(" 0.5") for call in asked] == [True, *[False] * (len(asked) - 1)]


def test_a_card_that_works_is_left_alone() -> None:
    world = HangingWorld()
    climbed = climb_restore(build(world), climb(world))
    assert (climbed.outcome.kept, climbed.outcome.attempts, world.transactions) == ((), (), {})


def test_a_card_that_answers_now_and_expires_again_is_not_taken_for_healthy() -> None:
    world = HangingWorld({"mtu": "1500"}, after_s=0.1)
    with contextlib.suppress(LadderFailedError):
        climb_restore(build(world), climb(world))
    assert world.transactions


@pytest.mark.parametrize("helps", CURES)
def test_restore_climbs_until_traffic_flows(helps: RemedyId) -> None:
    world = HangingWorld(cure=helps)
    world.deaf = True
    climbed = climb_restore(build(world), climb(world))
    tried = CURES[: CURES.index(helps) + 1]
    assert outcomes(climbed) == [(str(remedy), "helped" if remedy is helps else "failed") for remedy in tried]
    assert climbed.outcome.kept == (str(helps),)
    assert ends(world) == [State.UNDONE] * (len(tried) - 1) + [State.CONFIRMED]
    assert climbed.finished is not None
    assert climbed.finished.transaction.id == len(tried) == climbed.outcome.attempts[-1].transaction


def test_evidence_is_kept_once_a_climb() -> None:
    world, process = HangingWorld(cure=RemedyId.PCI_RESET), Process()
    world.deaf = True
    climb_restore(build(world, process), climb(world))
    assert len(world.transactions) == 3
    assert process.calls.count("write_archive") == 1


def test_what_was_tried_before_is_remembered_with_its_result() -> None:
    world = HangingWorld(cure=RemedyId.DRIVER_REBIND)
    world.deaf = True
    climb_restore(build(world), climb(world))
    planner = Planner(world)
    climb_restore(build(world), climb(world, planner))
    assert [(card, one.remedy, one.worked) for card, one in planner.earlier] == [
        (world.identity, RemedyId.LINK_BOUNCE, False),
        (world.identity, RemedyId.DRIVER_REBIND, True),
    ]


def test_where_nothing_helps_all_is_as_before_and_what_is_left_is_told() -> None:
    world = HangingWorld(cure=None)
    world.deaf = True
    with pytest.raises(LadderFailedError, match=r"link-bounce: .*; driver-rebind: .*; pci-reset: ") as caught:
        climb_restore(build(world), climb(world))
    assert caught.value.hint.startswith("nicmedic plan eth0 --remedy reboot")
    assert ends(world) == [State.UNDONE] * 3


def test_a_rung_is_not_tried_again_at_once() -> None:
    world = HangingWorld(cure=None)
    world.deaf = True
    with pytest.raises(LadderFailedError):
        climb_restore(build(world), climb(world))
    for transaction in list(world.transactions):
        entries = tuple(dataclasses.replace(entry, uptime_s=world.uptime_s) for entry in world.transactions[transaction].entries)
        world.replace(transaction, entries=entries)
    with pytest.raises(RefusedError, match="tried too often or too lately: link-bounce"):
        climb_restore(build(world), climb(world))
    assert len(world.transactions) == 3
    with pytest.raises(LadderFailedError):
        climb_restore(build(world), climb(world), limits=False)
    assert len(world.transactions) == 6


def test_an_undo_that_fails_does_not_keep_the_next_rung_from_helping() -> None:
    world = HangingWorld(cure=RemedyId.DRIVER_REBIND)
    world.deaf = True
    rungs = (cure(RemedyId.LINK_BOUNCE, lasting=True), cure(RemedyId.DRIVER_REBIND))
    climbed = climb_restore(build(world), climb(world, Planner(world, restore=rungs)))
    assert outcomes(climbed) == [("link-bounce", "undo-failed"), ("driver-rebind", "helped")]


def test_where_nothing_helps_and_the_last_undo_fails_that_is_told() -> None:
    world = HangingWorld(cure=None)
    world.deaf = True
    rungs = (cure(RemedyId.LINK_BOUNCE), cure(RemedyId.DRIVER_REBIND, lasting=True))
    with pytest.raises(UndoFailedError, match="no rung of restore helped"):
        climb_restore(build(world), climb(world, Planner(world, restore=rungs)))


def test_a_ladder_without_a_possible_rung_says_why() -> None:
    world = HangingWorld()
    world.deaf = True
    with pytest.raises(RefusedError, match="nothing of the ladder restore is possible: eee-off: it has none"):
        climb_restore(build(world), climb(world, Planner(world, restore=())))


def test_where_only_losses_stand_against_it_how_to_accept_them_is_told() -> None:
    world = HangingWorld()
    world.deaf = True
    losing = Refusal(remedy=RemedyId.DRIVER_REBIND, reasons=("a tunnel would be lost",), may_be_told=True)
    with pytest.raises(RefusedError) as caught:
        climb_restore(build(world), climb(world, Planner(world, restore=(), refusals=(losing,))))
    assert caught.value.hint.splitlines()[1].startswith("nicmedic treat eth0 --ladder restore --accept-losses ")


def test_nothing_is_climbed_without_a_switch() -> None:
    class NoSwitch(FakeSwitch):
        def arm_switch(self, transaction: Transaction) -> str:
            raise SwitchError(f"no switch for {transaction.id}")

    world = HangingWorld()
    world.deaf = True
    with pytest.raises(SwitchError):
        climb_restore(dataclasses.replace(build(world), switch=NoSwitch(world, Process())), climb(world))
    assert world.settings[RemedyId.LINK_BOUNCE] == "0"


def test_a_rung_whose_time_is_over_does_not_end_the_ladder() -> None:
    world = HangingWorld(cure=None)
    world.deaf = True
    with pytest.raises(LadderFailedError, match="its time is over"):
        climb_restore(build(world), climb(world, wishes=Wishes(timeout_s=0)))
    assert len(world.transactions) == len(CURES)


def test_who_ends_a_rung_ends_the_ladder() -> None:
    world = HangingWorld(cure=None)
    world.deaf = True

    class Meddling(WorldClock):
        def wait_s(self, seconds: float) -> None:
            super().wait_s(seconds)
            if 1 in world.transactions:
                world.run_undo(1, "operator")

    with pytest.raises(NotConfirmedError):
        climb_restore(dataclasses.replace(build(world), clock=Meddling(world, Process())), climb(world))
    assert len(world.transactions) == 1


# prevent ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("rule", "kept"), [({"mtu": "1500"}, "mtu:1400"), ({"power.control": "auto"}, "runtime-pm-off:on")])
def test_prevent_ends_on_the_one_setting_that_matters(rule: dict[str, str], kept: str) -> None:
    world = HangingWorld(rule)
    climbed = climb_prevent(build(world), climb(world))
    assert climbed.outcome.kept == (kept,)
    changed = MTU if kept.startswith("mtu") else AWAKE
    assert {name: world.settings[name] for name in BEFORE} == {**BEFORE, changed.wanted[0].name: changed.wanted[0].value}
    assert ends(world)[-1] is State.CONFIRMED
    assert all(not state.is_open for state in ends(world))


def test_prevent_says_how_sure_it_is_by_the_hangs_that_came_meanwhile() -> None:
    world = HangingWorld({"mtu": "1500"}, after_s=5.0)
    climbed = climb_prevent(build(world), climb(world, hold_s=95.0))
    assert outcomes(climbed) == [("runtime-pm-off:on", "hung"), ("mtu:1400", "held")]
    (hung, _) = climbed.outcome.attempts
    assert climbed.outcome.certainty == pytest.approx((1 - hung.seconds / (hung.seconds + 95.0)) ** 2), (
        "either of two may be quiet by accident"
    )
    assert climbed.outcome.hold_s == 95.0


def test_prevent_finds_two_that_are_needed_together() -> None:
    class Either(HangingWorld):
        def pass_time(self, seconds: float) -> None:
            self.rule = {} if self.settings["mtu"] == "1500" or self.settings["power.control"] == "auto" else None
            super().pass_time(seconds)

    world = Either({})
    climbed = climb_prevent(build(world), climb(world))
    assert climbed.outcome.kept == ("mtu:1400", "runtime-pm-off:on")
    assert outcomes(climbed)[-1] == ("mtu:1400+runtime-pm-off:on", "held")
    assert (world.settings["mtu"], world.settings["power.control"]) == ("1400", "on")


def test_prevent_restores_all_where_nothing_helps() -> None:
    world = HangingWorld({})
    with pytest.raises(LadderFailedError, match="not even all together help"):
        climb_prevent(build(world), climb(world))
    assert {name: world.settings[name] for name in BEFORE} == BEFORE
    assert not any(state.is_open for state in ends(world))


def test_a_factor_that_cannot_be_set_says_nothing_of_hangs() -> None:
    world = HangingWorld({"mtu": "1500"}, after_s=30.0)
    world.refused = {"power.control"}
    climbed = climb_prevent(build(world), climb(world, hold_s=60.0))
    assert outcomes(climbed) == [("runtime-pm-off:on", "broke"), ("mtu:1400", "held")]


def test_a_card_that_hangs_before_the_probes_have_passed_hangs() -> None:
    world = HangingWorld({"mtu": "1500"}, after_s=0.4)
    with pytest.raises((LadderFailedError, RefusedError)):
        climb_prevent(build(world), climb(world, Planner(world, prevent=(AWAKE,))))
    assert {name: world.settings[name] for name in BEFORE} == BEFORE


def test_what_earlier_held_is_put_in_force_again_at_the_end() -> None:
    """A milder one is tried after the one that holds, and hangs."""
    world = HangingWorld({"mtu": "1500"})
    climbed = climb_prevent(build(world), climb(world, Planner(world, prevent=(MTU, AWAKE))))
    assert outcomes(climbed) == [("mtu:1400", "held"), ("runtime-pm-off:on", "hung")]
    assert climbed.outcome.kept == ("mtu:1400",)
    assert world.settings["mtu"] == "1400"
    assert world.settings["power.control"] == "auto"


def test_the_switch_waits_as_long_as_the_ladder_lives_and_fires_when_it_dies() -> None:
    world = HangingWorld({"mtu": "1500"}, after_s=500.0)
    climbed = climb_prevent(
        build(world), climb(world, Planner(world, prevent=(MTU,)), hold_s=600.0, wishes=Wishes(timeout_s=30, hold_s=1.0))
    )
    assert climbed.outcome.kept == ("mtu:1400",)
    calls = Process()
    world = HangingWorld({"mtu": "1500"}, after_s=500.0)
    climb_prevent(build(world, calls), climb(world, Planner(world, prevent=(MTU,)), hold_s=60.0))
    for number in range(len(calls.calls)):
        world = HangingWorld({"mtu": "1500"}, after_s=500.0)
        dying = Process(kill_at=number)
        with pytest.raises(BaseException):  # noqa: B017  # killed
            climb_prevent(build(world, dying), climb(world, Planner(world, prevent=(MTU,)), hold_s=60.0))
        world.pass_time(130.0)
        confirmed = State.CONFIRMED in ends(world)
        assert world.settings["mtu"] == ("1400" if confirmed else "1500"), number


def test_somebody_else_may_end_a_try() -> None:
    world = HangingWorld({"mtu": "1500"}, after_s=500.0)
    edges = build(world)

    class Meddling(WorldClock):
        def wait_s(self, seconds: float) -> None:
            super().wait_s(seconds)
            if world.uptime_s > 1020 and world.settings["mtu"] == "1400":
                world.run_undo(1, "operator")

    with pytest.raises(NotConfirmedError):
        climb_prevent(
            dataclasses.replace(edges, clock=Meddling(world, Process())), climb(world, Planner(world, prevent=(MTU,)), hold_s=600.0)
        )
    assert world.settings["mtu"] == "1500"


def test_an_interrupted_ladder_leaves_nothing_in_force() -> None:
    world = HangingWorld({"mtu": "1500"}, after_s=500.0)
    calls = Process()
    climb_prevent(build(world, calls), climb(world, Planner(world, prevent=(MTU,))))
    for number in range(len(calls.calls)):
        world = HangingWorld({"mtu": "1500"}, after_s=500.0)
        stopped = Process(fail_at=number, error=KeyboardInterrupt())
        with contextlib.suppress(KeyboardInterrupt, NotConfirmedError, UndoFailedError):
            climb_prevent(build(world, stopped), climb(world, Planner(world, prevent=(MTU,))))
        world.pass_time(130.0)
        confirmed = State.CONFIRMED in ends(world)
        assert world.settings["mtu"] == ("1400" if confirmed else "1500"), (number, calls.calls[number])


def test_an_undo_that_fails_ends_the_ladder() -> None:
    world = HangingWorld({"mtu": "1500"}, after_s=12.0)

    class Breaking(WorldClock):
        def wait_s(self, seconds: float) -> None:
            super().wait_s(seconds)
            world.broken_script = world.settings["power.control"] == "on"

    with pytest.raises(UndoFailedError, match="could not be undone"):
        climb_prevent(dataclasses.replace(build(world), clock=Breaking(world, Process())), climb(world))


def test_without_a_hang_nothing_tells_a_cure_from_luck() -> None:
    world = HangingWorld()
    with pytest.raises(RefusedError, match="nothing would tell a cure from luck") as caught:
        climb_prevent(build(world), climb(world, hold_s=None))
    assert "--hold" in caught.value.hint
    assert world.transactions == {}


@pytest.mark.parametrize(
    ("history", "hold_s"),
    [(History(hangs=1, hours=0.0001), 60.0), (History(hangs=3, hours=100.0), 6 * 3600.0), (History(hangs=2, hours=0.0), 600.0)],
)
def test_a_factor_is_held_as_long_as_the_hangs_of_before_ask_for_within_bounds(history: History, hold_s: float) -> None:
    world = HangingWorld({"mtu": "1500"}, after_s=1e6)
    climbed = climb_prevent(build(world), climb(world, Planner(world, prevent=(MTU,)), hold_s=None, history=history))
    assert climbed.outcome.hold_s == hold_s
    assert (climbed.outcome.certainty is None) is (history.hours == 0)


def test_prevent_without_a_possible_factor_says_why() -> None:
    world = HangingWorld()
    with pytest.raises(RefusedError, match="nothing of the ladder prevent is possible"):
        climb_prevent(build(world), climb(world, Planner(world, prevent=())))


# the watch -------------------------------------------------------------------------------------------------------------------


def watch(world: World) -> HangWatch:
    edges = build(world)
    return HangWatch(edges.machine, edges.clock, world.identity)


def results(state: ProbeState) -> tuple[ProbeResult, ...]:
    return (ProbeResult(probe="gateway 192.0.2.1", state=state),)


def test_a_card_that_goes_is_gone() -> None:
    world = HangingWorld()
    world.present = False
    assert watch(world).find_hang() == "the card is gone"
    world.present = True
    watching = watch(world)
    world.gone_at = world.uptime_s
    assert watching.find_hang() == "the card is gone"


def test_answers_that_stay_away_three_rounds_are_a_hang_and_one_lost_frame_is_none() -> None:
    watching = watch(HangingWorld())
    before = results(ProbeState.PASSED)
    answers = [ProbeState.FAILED, ProbeState.PASSED, ProbeState.FAILED, ProbeState.FAILED, ProbeState.FAILED]
    rounds = iter(answers)
    seen = [watching.look(lambda: results(next(rounds)), before) for _ in range(25)]
    assert [number for number, found in enumerate(seen) if found] == [24]
