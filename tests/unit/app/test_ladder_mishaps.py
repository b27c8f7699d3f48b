# SPDX-License-Identifier: GPL-2.0-or-later
"""Ladders when something else happens: the card goes, an undo fails, another login decides, the gateway is away, nothing can be asked."""

import dataclasses
from collections.abc import Iterable, Sequence

import pytest

from nicmedic.app.ladder import climb_prevent, climb_restore
from nicmedic.app.treat import Edges
from nicmedic.model.counters import Counters, QueueCounters
from nicmedic.model.errors import (
    BusyError,
    LadderFailedError,
    NicmedicError,
    NoSuchInterfaceError,
    NotConfirmedError,
    NotShownError,
    UndoFailedError,
)
from nicmedic.model.finding import RemedyId
from nicmedic.model.host import Host
from nicmedic.model.plan import Identity
from nicmedic.model.transaction import ProbeResult, ProbeState, State, Transaction, Word, find_state
from nicmedic.ports.hands import Undone
from nicmedic.testing.transactions import FakeProber, FakeStore, FakeSwitch
from nicmedic.testing.world import Process, World
from tests.unit.app.test_ladder import AWAKE, BEFORE, CURES, MTU, HangingWorld, Machine, Planner, build, climb, cure, ends, outcomes

GATEWAY, PASSED, FAILED, UNKNOWN = "gateway 192.0.2.1", ProbeState.PASSED, ProbeState.FAILED, ProbeState.UNKNOWN


def settings(world: World) -> dict[str, str]:
    return {name: world.settings[name] for name in BEFORE}


class Telling(FakeProber):
    """Says what it is told, in the order of the world's time."""

    states: dict[str, ProbeState] = {}  # noqa: RUF012  # set anew by each test

    def choose_probes(self, *_: object) -> tuple[str, ...]:
        return tuple(self.states)

    def run_probes(self, nic: Identity, probes: Sequence[str], within_s: float = 2.0) -> tuple[ProbeResult, ...]:
        self.process.call(f"run_probes {nic.interface} {within_s:g}")
        return tuple(ProbeResult(probe=probe, state=self.states[probe], detail="told") for probe in probes)


def build_telling(world: World, states: dict[str, ProbeState]) -> Edges:
    prober = Telling(world, Process())
    prober.states = states
    return dataclasses.replace(build(world), prober=prober)


# The card goes ---------------------------------------------------------------------------------------------------------------


class Going(HangingWorld):
    """Bouncing its link loses its interface, until its bus is searched."""

    def apply_step(self, step: object) -> object:  # type: ignore[override]  # as in the class above
        outcome = super().apply_step(step)
        path = getattr(step, "path", "")
        if path == f"set/{RemedyId.LINK_BOUNCE}":
            self.present, self.gone_at = False, 0.0
        elif path == f"set/{self.cure}":
            self.present, self.gone_at = True, None
        return outcome


RUNGS = (cure(RemedyId.LINK_BOUNCE, lasting=True), cure(RemedyId.RENEGOTIATE), cure(RemedyId.PCI_RESET))


def test_a_rung_that_makes_the_interface_anew_is_tried_on_a_card_that_has_lost_it() -> None:
    world = Going(cure=RemedyId.PCI_RESET)
    world.deaf = True
    climbed = climb_restore(build(world), climb(world, Planner(world, restore=RUNGS)))
    assert outcomes(climbed) == [("link-bounce", "undo-failed"), ("renegotiate", "skipped"), ("pci-reset", "helped")]


class Pulled(HangingWorld):
    """Somebody pulls it out once the first rung was put back, and seen to be."""

    looks = 0

    def read_host(self) -> Host:
        self.looks += any(find_state(transaction) is State.UNDONE for transaction in self.transactions.values())
        if self.looks > 1:
            self.present, self.gone_at = False, 0.0
        return super().read_host()


def test_a_card_that_goes_between_two_rungs_ends_the_climb_with_everything_put_back() -> None:
    world = Pulled(cure=None)
    world.deaf = True
    with pytest.raises(NoSuchInterfaceError, match="the card is not there any more"):
        climb_restore(build(world), climb(world, Planner(world, restore=(cure(RemedyId.LINK_BOUNCE), cure(RemedyId.RENEGOTIATE)))))
    assert [find_state(transaction) for transaction in world.transactions.values()] == [State.UNDONE]


def test_where_it_stays_away_the_machine_is_told_to_be_changed_with_what_is_left_to_type() -> None:
    world = Going(cure=None)
    world.deaf = True
    with pytest.raises(UndoFailedError, match="could not be undone") as caught:
        climb_restore(build(world), climb(world, Planner(world, restore=RUNGS[:2])))
    assert caught.value.hint == "echo 0 > set/nothing"


@pytest.mark.parametrize("error", [BusyError("held"), KeyboardInterrupt()])
def test_an_undo_that_failed_is_not_forgotten_by_what_ends_the_ladder(error: BaseException) -> None:
    class Refusing(FakeSwitch):
        def arm_switch(self, transaction: Transaction) -> str:
            if transaction.id > 1:
                raise error
            return super().arm_switch(transaction)

    world = HangingWorld(cure=None)
    world.deaf = True
    edges = dataclasses.replace(build(world), switch=Refusing(world, Process()))
    with pytest.raises(UndoFailedError, match="ended early") as caught:
        climb_restore(edges, climb(world, Planner(world, restore=RUNGS[:2])))
    assert caught.value.hint.startswith("echo 0")


def test_who_interrupts_between_two_rungs_hears_that_it_is_as_it_was() -> None:
    class Interrupting(FakeSwitch):
        def arm_switch(self, transaction: Transaction) -> str:
            if transaction.id > 1:
                raise KeyboardInterrupt
            return super().arm_switch(transaction)

    world = HangingWorld(cure=None)
    world.deaf = True
    with pytest.raises(NotConfirmedError, match="interrupted; it is as it was"):
        climb_restore(dataclasses.replace(build(world), switch=Interrupting(world, Process())), climb(world))


def test_a_rung_that_was_not_begun_put_nothing_back() -> None:
    class Slow(FakeStore):
        def read_seconds_left(self, transaction: Transaction) -> float | None:
            return 0.0 if transaction.id > 1 else super().read_seconds_left(transaction)

    world = HangingWorld(cure=None)
    world.deaf = True
    with pytest.raises(UndoFailedError, match="something could not be undone"):
        climb_restore(dataclasses.replace(build(world), store=Slow(world, Process())), climb(world, Planner(world, restore=RUNGS[::2])))


# What is shown ---------------------------------------------------------------------------------------------------------------


def test_a_card_of_which_nothing_is_shown_is_let_alone() -> None:
    world = HangingWorld()
    for states in ({"carrier": PASSED, "tx": UNKNOWN}, {"carrier": PASSED, "tx": PASSED, "neighbour 10.0.0.9": FAILED}):
        with pytest.raises(NotShownError, match="not shown that it hangs") as caught:
            climb_restore(build_telling(world, states), climb(world))
        assert "--probe" in caught.value.hint
    assert world.transactions == {}


def test_what_the_user_asks_for_must_flow() -> None:
    world = HangingWorld(cure=None)
    with pytest.raises(LadderFailedError):
        climb_restore(build_telling(world, {"carrier": PASSED, GATEWAY: PASSED, "tcp 10.0.0.5:22": FAILED}), climb(world))


def test_one_queue_that_stands_is_not_taken_for_cured_by_answers_over_another() -> None:
    world = HangingWorld(cure=None)
    with pytest.raises(LadderFailedError):
        climb_restore(build_telling(world, {"carrier": PASSED, "tx": FAILED, GATEWAY: PASSED}), climb(world))
    assert ends(world) == [State.UNDONE] * len(CURES)


def test_a_card_whose_watchdog_expires_again_is_not_taken_for_cured() -> None:
    class Expiring(Machine):
        def read_counters(self, interfaces: Iterable[str]) -> tuple[Counters, ...]:
            queue = QueueCounters(index=0, tx_timeout=int(self.world.uptime_s))
            return tuple(Counters(interface=name, monotonic_s=self.world.uptime_s, ifindex=2, queues=(queue,)) for name in interfaces)

    world = HangingWorld(cure=None)
    edges = dataclasses.replace(build(world), machine=Expiring(world, Process()))
    with pytest.raises(LadderFailedError, match="answers come, and its transmit watchdog expired"):
        climb_restore(edges, climb(world))


# The wall clock --------------------------------------------------------------------------------------------------------------


def test_a_wall_clock_that_was_set_back_does_not_lock_the_ladder_out() -> None:
    world = HangingWorld(cure=None)
    world.deaf = True
    with pytest.raises(LadderFailedError):
        climb_restore(build(world), climb(world))
    for number in world.transactions:
        entries = tuple(
            dataclasses.replace(entry, time="2031-01-01T00:00:00+00:00", boot_id="another") for entry in world.transactions[number].entries
        )
        world.replace(number, entries=entries)
    with pytest.raises(LadderFailedError):
        climb_restore(build(world), climb(world))
    assert len(world.transactions) == 6


# Another login ---------------------------------------------------------------------------------------------------------------


class Meddling(HangingWorld):
    """Somebody decides while the first try is held."""

    what = "confirmed"

    def pass_time(self, seconds: float) -> None:
        super().pass_time(seconds)
        if 1 in self.transactions and self.uptime_s > 1013 and self.transactions[1].decided is None:
            if self.what == "confirmed":
                self.replace(1, decided="confirmed")
                self.note(1, Word.CONFIRMED)
            else:
                self.run_undo(1, "operator")


class Confirming(HangingWorld):
    """Somebody confirms right before the undo."""

    def run_undo(self, number: int, why: str, caller: Process | None = None) -> Undone:
        self.replace(1, decided="confirmed")
        self.note(1, Word.CONFIRMED)
        return super().run_undo(number, why, caller)


@pytest.mark.parametrize("world", [Meddling({"mtu": "1500"}, after_s=500.0), Confirming({"mtu": "1500"}, after_s=12.0)])
def test_what_another_login_confirms_while_it_is_held_stays(world: HangingWorld) -> None:
    climbed = climb_prevent(build(world), climb(world, hold_s=200.0))
    assert (climbed.outcome.kept, world.settings["power.control"]) == (("runtime-pm-off:on",), "on")
    assert climbed.outcome.certainty is None
    assert "another login confirmed it" in climbed.outcome.reason
    assert ends(world) == [State.CONFIRMED]


def test_what_another_login_undoes_in_the_last_seconds_was_not_held() -> None:
    world = Meddling({"mtu": "x"})
    world.what = "undo"
    with pytest.raises(NotConfirmedError, match="somebody else ended it"):
        climb_prevent(build(world), climb(world, hold_s=15.0))
    assert settings(world) == BEFORE


class Interrupting(HangingWorld):
    """Ctrl-C in the middle of a hold."""

    breaks = False

    def pass_time(self, seconds: float) -> None:
        super().pass_time(seconds)
        if self.uptime_s > 1030 and self.transactions and not self.settings["mtu"].startswith("interrupted"):
            self.uptime_s, self.broken_script = 1000.0, self.breaks
            raise KeyboardInterrupt


def test_who_interrupts_a_hold_hears_that_it_is_as_it_was() -> None:
    world = Interrupting({"mtu": "1500"}, after_s=500.0)
    with pytest.raises(NotConfirmedError, match="interrupted; it is as it was"):
        climb_prevent(build(world), climb(world, hold_s=200.0))
    assert settings(world) == BEFORE
    planner = Planner(world)
    with pytest.raises(NicmedicError):
        climb_prevent(build(world), climb(world, planner, hold_s=200.0))
    assert planner.earlier == (), "an interruption says nothing of a remedy"


def test_who_interrupts_a_hold_hears_that_it_could_not_be_undone() -> None:
    world = Interrupting({"mtu": "1500"}, after_s=500.0)
    world.breaks = True
    with pytest.raises(UndoFailedError, match="could not be undone") as caught:
        climb_prevent(build(world), climb(world, hold_s=200.0))
    assert caught.value.hint == "sh undo.sh"


def test_what_held_and_what_hung_is_remembered() -> None:
    world = HangingWorld({"mtu": "1500"}, after_s=12.0)
    climb_prevent(build(world), climb(world, hold_s=40.0))
    planner = Planner(world)
    world.deaf, world.rule = False, None
    climb_prevent(build(world), climb(world, planner, hold_s=40.0))
    known = [(one.remedy, one.worked) for _, one in planner.earlier if one.ladder == "prevent"]
    assert known == [(RemedyId.RUNTIME_PM_OFF, False), (RemedyId.MTU, True)]


def test_a_factor_that_could_not_be_set_is_not_remembered() -> None:
    world = HangingWorld({"mtu": "1500"}, after_s=30.0)
    world.refused = {"power.control"}
    climb_prevent(build(world), climb(world, hold_s=60.0))
    planner = Planner(world)
    climb_prevent(build(world), climb(world, planner, hold_s=60.0))
    assert RemedyId.RUNTIME_PM_OFF not in {one.remedy for _, one in planner.earlier}


# The gateway is away ---------------------------------------------------------------------------------------------------------


class Away(FakeProber):
    """Frames leave, and for a while no answer comes."""

    until_s = 1060.0

    def choose_probes(self, *_: object) -> tuple[str, ...]:
        return "carrier", "tx", GATEWAY

    def run_probes(self, nic: Identity, probes: Sequence[str], within_s: float = 2.0) -> tuple[ProbeResult, ...]:
        self.process.call(f"run_probes {nic.interface} {within_s:g}")
        away = 1030 < self.world.uptime_s < self.until_s
        return tuple(ProbeResult(probe=probe, state=FAILED if away and probe == GATEWAY else PASSED) for probe in probes)


def build_away(world: World, until_s: float) -> Edges:
    prober = Away(world, Process())
    prober.until_s = until_s
    return dataclasses.replace(build(world), prober=prober)


def test_a_gateway_that_is_started_anew_is_no_hang_and_its_time_does_not_count() -> None:
    world = HangingWorld()
    climbed = climb_prevent(build_away(world, 1060.0), climb(world, Planner(world, prevent=(MTU,)), hold_s=100.0))
    assert outcomes(climbed) == [("mtu:1400", "held")]
    assert climbed.outcome.attempts[0].seconds > 120
    assert world.settings[RemedyId.LINK_BOUNCE] == "0"


@pytest.mark.parametrize("until_s", [1e9])
def test_a_gateway_that_stays_away_is_not_held_against_the_card(until_s: float) -> None:
    world = HangingWorld()
    with pytest.raises(LadderFailedError) as caught:
        climb_prevent(build_away(world, until_s), climb(world, Planner(world, prevent=(MTU, AWAKE)), hold_s=3000.0))
    assert "the fault may be beyond the card" in caught.value.message
    assert settings(world) == BEFORE
    assert world.settings[RemedyId.LINK_BOUNCE] == "0", "the card is not taken down"
