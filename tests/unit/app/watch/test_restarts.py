# SPDX-License-Identifier: GPL-2.0-or-later
"""A watcher, or a driver, that begins anew in the middle of an incident: nothing is done about what was not seen, and what is over ends."""

import dataclasses
import datetime
from collections.abc import Iterable

import pytest

from nicmedic.model.incident import ActionState, IncidentVerdict
from nicmedic.model.policy import Mode, NicPolicy
from nicmedic.model.sample import Signal
from nicmedic.model.watched import Card
from nicmedic.testing.incidents import FakeIncidents
from tests.unit.app.watch.world import World

RESTORE = NicPolicy(mode=Mode.RESTORE)
REBOOT = NicPolicy(mode=Mode.RESTORE, reboot=True, cool_down_s=10)


def fail_twice() -> FakeIncidents:
    """What a watcher left that had tried twice and would boot the host next."""
    store = FakeIncidents()
    world = World(policy=REBOOT, store=store)
    world.cures["restore"] = lambda: 43
    world.at(5, world.card.hang)
    world.run(26)
    (incident,) = world.incidents
    assert [action.state for action in incident.actions if action.state is not ActionState.HELD_BACK] == [ActionState.FAILED] * 2
    return store


def begin_again(*, is_silent: bool = False) -> World:
    """The next watcher, minutes later; ``is_silent``: nothing is sent over the card, and nobody can be asked."""
    world = World(policy=REBOOT, store=fail_twice(), uptime_s=1200)
    world.clock.wait_s(200)
    if is_silent:
        world.card.tx_rate = world.card.rx_rate = 0.0
        world.senses.has_gateway = False
    return world


def begun(world: World) -> list[str]:
    return [what for _, what, _ in world.treater.begun]


def test_a_card_that_was_mended_meanwhile_is_let_alone() -> None:
    world = begin_again()
    world.run(20)
    assert begun(world) == []
    assert world.incidents[0].ended_why == "restored"


def test_one_that_still_hangs_is_seen_again_before_the_host_is_booted() -> None:
    world = begin_again()
    world.card.hang()
    world.run(20)
    assert begun(world) == ["reboot"]


@pytest.mark.parametrize("status", [22, 35, -9])
def test_of_one_that_shows_nothing_nobody_boots_the_host(status: int) -> None:
    world = begin_again(is_silent=True)
    world.cures["restore"] = lambda: status
    world.treater.has_transaction = False
    world.run(600)
    assert set(begun(world)) == {"restore"}
    assert "has not seen the card stand still" in " ".join(action.detail for action in world.incidents[0].actions)


def test_unless_whoever_treats_it_has_seen_it_hang() -> None:
    world = begin_again(is_silent=True)
    world.cures["restore"] = lambda: 43
    world.run(100)
    assert begun(world)[:2] == ["restore", "reboot"]


def test_an_idle_card_that_works_is_asked_over_and_its_incident_ends() -> None:
    store = FakeIncidents()
    world = World(store=store)
    world.at(5, world.card.hang)
    world.run(20)
    second = World(store=store, policy=RESTORE)
    second.card.tx_rate = second.card.rx_rate = 0.0
    second.run(60)
    assert begun(second) == []
    assert second.incidents[0].ended_why == "restored"
    assert second.senses.calls.count("begin_probe") >= 1


def test_a_driver_that_was_bound_anew_and_works_ends_the_incident_though_nothing_is_sent() -> None:
    world = World(policy=RESTORE)
    card = world.card

    def vanish() -> Iterable[Signal]:
        return card.vanish(world.clock.read_monotonic_s())

    def appear() -> Iterable[Signal]:
        card.card = dataclasses.replace(card.card, ifindex=card.card.ifindex + 1)
        heard = card.appear(world.clock.read_monotonic_s())
        card.tx_rate = card.rx_rate = 0.0
        return heard

    def cure() -> int:
        world.at(0.1, vanish)
        world.at(0.6, appear)
        return 0

    world.cures["restore"] = cure
    world.at(20, card.hang)
    world.run(600)
    assert begun(world) == ["restore"]
    assert [incident.ended_why for incident in world.incidents] == ["restored"]


def test_what_was_taken_for_a_dead_link_ends_when_the_link_is_back() -> None:
    store = FakeIncidents()
    world = World(store=store)
    world.at(5, lambda: world.card.set_carrier(world.clock.read_monotonic_s(), carrier=False))
    world.run(20)
    assert world.incidents[0].verdict is IncidentVerdict.LINK
    second = World(store=store)
    second.card.tx_rate = second.card.rx_rate = 0.0
    second.run(30)
    assert second.incidents[0].ended_why == "restored"


def test_a_card_that_is_new_has_its_quiet_time() -> None:
    card = Card(interface="eth1", ifindex=9, driver="r8152", bus="usb", has_bql=True, permanent_address="52:54:00:00:00:01")
    new = World.make_card(card=card)
    new.is_there = False
    world = World(World.make_card(), new, policy=NicPolicy(mode=Mode.RESTORE, quiet_after_boot_s=120))

    def appear() -> Iterable[Signal]:
        heard = new.appear(world.clock.read_monotonic_s())
        new.tx_rate = new.rx_rate = 100.0
        return heard

    def cure() -> int:
        new.reset()
        return 0

    world.cures["restore"] = cure
    world.at(100, appear)
    world.at(101.5, new.hang)
    world.run(130)
    (incident,) = world.incidents
    assert [action.state for action in incident.actions] == [ActionState.HELD_BACK, ActionState.HELPED]
    assert "appeared only" in incident.actions[0].detail
    assert incident.actions[1].began >= "2025-01-01T00:01:52"


def test_a_card_that_was_gone_without_a_word_is_back_when_it_has_a_link_though_nothing_is_sent() -> None:
    world = World()
    card = world.card
    world.senses.has_gateway = False

    def appear() -> Iterable[Signal]:
        card.card = dataclasses.replace(card.card, ifindex=card.card.ifindex + 1)
        card.tx_rate = card.rx_rate = 0.0
        return card.appear(world.clock.read_monotonic_s())

    card.lost = None
    world.at(20, lambda: card.vanish(world.clock.read_monotonic_s()))
    world.at(60, appear)
    world.run(100)
    (incident,) = world.incidents
    assert (incident.verdict, incident.ended_why) == (IncidentVerdict.UNSURE, "restored")
    assert "2025-01-01T00:01:02" <= str(incident.ended) < "2025-01-01T00:01:05"


@pytest.mark.parametrize(("undecided", "begins_s"), [((), 120.0), ((3,), 900.0)])
def test_a_treatment_whose_watcher_was_ended_holds_back_the_next_while_it_may_be_at_work(
    undecided: tuple[int, ...], begins_s: float
) -> None:
    store = FakeIncidents()
    world = World(policy=RESTORE, store=store)
    world.treater.takes_s = 1000.0
    world.at(5, world.card.hang)
    world.run(10)
    began = datetime.datetime.fromisoformat(world.incidents[0].actions[0].began)
    second = World(policy=RESTORE, store=store, uptime_s=1010)
    second.clock.wait_s(10)
    second.card.hang()
    second.treater.undecided = undecided
    second.run(1000)
    assert begun(second)[0] == "restore"
    next_one = next(action for action in second.incidents[0].actions if action.state is ActionState.HELPED)
    assert (datetime.datetime.fromisoformat(next_one.began) - began).total_seconds() == pytest.approx(begins_s, abs=11)
