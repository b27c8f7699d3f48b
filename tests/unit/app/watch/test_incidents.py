# SPDX-License-Identifier: GPL-2.0-or-later
"""From a verdict to its end: what is written, told and done, in which order."""

import dataclasses
import datetime
import json

import pytest

from nicmedic.model.incident import ActionState, EvidenceKind, IncidentVerdict
from nicmedic.model.policy import Match, Mode, NicPolicy, Policy
from nicmedic.model.sample import Signal, SignalKind
from nicmedic.model.watched import Card
from nicmedic.testing.simulated import SimulatedCard
from tests.unit.app.watch.world import World

RESTORE = NicPolicy(mode=Mode.RESTORE)


def test_a_card_that_works_makes_no_incident() -> None:
    world = World()
    world.run(120)
    assert world.incidents == ()
    assert world.teller.incidents == []
    assert world.heart.calls[0] == "ready"
    assert world.heart.calls[-1] == "stopping"
    assert world.heart.calls.count("beat") >= 20
    assert world.heart.told[-1] == "watching eth0"


def test_a_hang_is_written_down_with_its_evidence_before_anybody_is_told() -> None:
    world = World()
    world.senses.kernel_log = b"[ 1.0] e1000e: up\n[ 2.0] NIC link is up\n"
    world.at(100, world.card.hang)
    world.run(110)
    (incident,) = world.incidents
    assert incident.verdict is IncidentVerdict.NIC_HUNG
    assert (incident.boot_id, incident.interface, incident.driver, incident.bus) == ("boot-1", "eth0", "e1000e", "pci")
    assert (incident.kernel_release, incident.kernel_package) == ("6.1.0", "6.1.1-1")
    assert 1099 <= incident.began_uptime_s <= incident.detected_uptime_s <= 1101
    assert incident.began < incident.detected
    assert incident.restored is None
    assert incident.ended is None
    assert "was ended at" in incident.reasons[-1]
    samples, log = world.store.read_evidence(1)
    assert samples.kind is EvidenceKind.SAMPLES
    table = json.loads(samples.data)
    assert 55 <= len(table["rows"]) <= 61
    assert table["rows"][-1][0] == pytest.approx(0, abs=0.3)
    assert all(len(row) == len(table["columns"]) for row in table["rows"])
    assert (log.kind, log.data) == (EvidenceKind.KERNEL_LOG, world.senses.kernel_log)
    assert world.news == ["began"]
    assert world.teller.incidents[0][0].id == 1
    assert world.errands.kept == [1]
    assert world.treater.begun == []
    assert world.treater.warmed == []


def test_a_hang_that_ends_by_itself_is_restored() -> None:
    world = World()
    world.senses.kernel_log = b"one\ntwo\n"
    world.at(10, world.card.hang)

    def reset() -> None:
        world.senses.kernel_log += b"three\n"
        world.card.reset()

    world.at(20, reset)
    world.run(40)
    (incident,) = world.incidents
    assert incident.ended_why == "restored"
    assert incident.restored_uptime_s == pytest.approx(1020, abs=3)
    assert world.news == ["began", "restored"]
    after = world.store.read_evidence(1)[-1]
    assert (after.kind, after.data) == (EvidenceKind.KERNEL_LOG_AFTER, b"three\n")
    assert world.teller.metrics[-1]['nicmedic_hung{interface="eth0"}'] == 0.0


def test_restore_treats_it_after_it_is_on_disk() -> None:
    world = World(policy=NicPolicy(mode=Mode.RESTORE, accept_losses=True, probes=("ping:192.0.2.1", "none:tcp"), hold_s=60))
    world.at(10, world.card.hang)
    world.run(40)
    (incident,) = world.incidents
    (action,) = incident.actions
    assert (action.what, action.state, action.transactions, action.detail) == (
        "restore",
        ActionState.HELPED,
        (1,),
        "traffic flows again",
    )
    assert action.ended is not None
    assert incident.ended_why == "restored"
    ((treated, what, arguments),) = world.treater.begun
    assert (treated.id, what) == (1, "restore")
    assert arguments == ("--ladder", "restore", "--hung", "--accept-losses", "--probe=ping:192.0.2.1", "--probe=none:tcp")
    assert world.treater.warmed == ["eth0"]
    assert world.store.calls.index("add_incident") < world.store.calls.index("add_action")
    assert world.news == ["began", "action", "action", "restored"]
    assert world.errands.kept == [1]


def test_prevent_follows_a_restoration_and_outlasts_the_incident() -> None:
    world = World(policy=NicPolicy(mode=Mode.RESTORE_AND_PREVENT, hold_s=90))
    world.at(10, world.card.hang)
    world.run(60)
    (incident,) = world.incidents
    assert [(action.what, action.state) for action in incident.actions] == [
        ("restore", ActionState.HELPED),
        ("prevent", ActionState.HELPED),
    ]
    assert incident.ended_why == "restored"
    assert world.treater.begun[1][2] == ("--ladder", "prevent", "--hold", "90s")


def test_a_hang_while_prevent_is_at_work_is_left_to_it() -> None:
    world = World(policy=NicPolicy(mode=Mode.RESTORE_AND_PREVENT, cool_down_s=0))
    world.at(10, world.card.hang)

    def hang_again() -> None:
        world.treater.takes_s = 100.0
        world.card.hang()

    world.treater.takes_s = 3.0
    world.at(12, lambda: setattr(world.treater, "takes_s", 60.0))
    world.at(35, hang_again)
    world.run(60)
    assert [what for _, what, _ in world.treater.begun] == ["restore", "prevent"]
    second = world.incidents[1]
    assert [action.state for action in second.actions] == [ActionState.HELD_BACK]
    assert "prevent is at work" in second.actions[0].detail


def test_what_the_policy_holds_back_is_noted_once() -> None:
    world = World(policy=NicPolicy(mode=Mode.RESTORE, quiet_after_boot_s=120), uptime_s=50)
    world.at(10, world.card.hang)
    world.run(55)
    (incident,) = world.incidents
    assert [(action.what, action.state) for action in incident.actions] == [("restore", ActionState.HELD_BACK)]
    assert world.treater.begun == []


def test_and_it_is_done_when_the_time_has_come() -> None:
    world = World(policy=NicPolicy(mode=Mode.RESTORE, quiet_after_boot_s=120), uptime_s=50)
    world.at(10, world.card.hang)
    world.run(100)
    (incident,) = world.incidents
    assert [action.state for action in incident.actions] == [ActionState.HELD_BACK, ActionState.HELPED]
    assert incident.ended_why == "restored"


def test_a_treatment_that_fails_is_tried_again_after_a_while() -> None:
    world = World(policy=NicPolicy(mode=Mode.RESTORE, cool_down_s=30))
    world.cures["restore"] = lambda: 43 if len(world.treater.begun) == 1 else world.cure()
    world.treater.first_line = "nothing helped"
    world.at(10, world.card.hang)
    world.run(80)
    (incident,) = world.incidents
    states = [action.state for action in incident.actions if action.state is not ActionState.HELD_BACK]
    assert states == [ActionState.FAILED, ActionState.HELPED]
    assert incident.actions[0].detail == "nothing helped"
    assert incident.ended_why == "restored"


@pytest.mark.parametrize(
    ("status", "state"),
    [
        (22, ActionState.FAILED),
        (43, ActionState.FAILED),
        (50, ActionState.CHANGED),
        (-9, ActionState.FAILED),
        (23, ActionState.FAILED),
        (25, ActionState.HELD_BACK),
        (35, ActionState.HELD_BACK),
        (2, ActionState.HELD_BACK),
    ],
)
def test_how_a_treatment_ended_is_told_by_its_status(status: int, state: ActionState) -> None:
    world = World(policy=NicPolicy(mode=Mode.RESTORE, cool_down_s=3600))
    world.cures["restore"] = lambda: status
    world.treater.has_transaction = False
    world.at(10, world.card.hang)
    world.run(20)
    assert world.incidents[0].actions[0].state is state
    assert ("its switch undoes" in world.incidents[0].actions[0].detail) == (status < 0)


def test_a_bug_in_the_middle_of_a_treatment_is_a_failure() -> None:
    world = World(policy=NicPolicy(mode=Mode.RESTORE, cool_down_s=3600))
    world.cures["restore"] = lambda: 10
    world.at(10, world.card.hang)
    world.run(20)
    assert world.incidents[0].actions[0].state is ActionState.FAILED


def test_a_treatment_that_never_ends_keeps_no_incident_open_for_ever() -> None:
    world = World(policy=RESTORE)
    world.treater.takes_s = 10_000.0
    world.at(10, world.card.hang)
    world.at(30, world.card.reset)
    world.run(1000)
    assert world.incidents[0].ended_why == "restored"
    assert world.incidents[0].restored_uptime_s == pytest.approx(1031, abs=2)
    assert world.incidents[0].actions[0].state is ActionState.RUNNING


@pytest.mark.parametrize(("ready_s", "boots_s"), [(60.0, 60.0), (1000.0, 105.0)])
def test_a_boot_waits_for_the_picture_of_the_host_but_not_for_ever(ready_s: float, boots_s: float) -> None:
    world = World(policy=NicPolicy(mode=Mode.RESTORE, reboot=True, cool_down_s=5))
    world.cures["restore"] = lambda: 43
    world.errands.at_work = {1}
    world.at(10, world.card.hang)
    world.at(ready_s, world.errands.at_work.clear)
    world.run(200)
    (reboot,) = [action for action in world.incidents[0].actions if action.what == "reboot"]
    began_s = (datetime.datetime.fromisoformat(reboot.began) - datetime.datetime(2025, 1, 1, tzinfo=datetime.UTC)).total_seconds()
    assert began_s == pytest.approx(boots_s, abs=3)


def test_a_picture_that_nobody_has_time_for_is_counted() -> None:
    world = World()
    world.errands.is_full = True
    world.at(10, world.card.hang)
    world.run(30)
    assert world.errands.kept == []
    assert world.teller.metrics[-1]['nicmedic_watch_dropped_total{what="pictures of the host"}'] == 1.0


def test_the_host_is_booted_with_leave_and_only_after_restoring_failed_twice() -> None:
    world = World(policy=NicPolicy(mode=Mode.RESTORE, reboot=True, cool_down_s=5))
    world.cures["restore"] = lambda: 43
    world.at(10, world.card.hang)
    world.run(120)
    begun = [(what, arguments) for _, what, arguments in world.treater.begun]
    assert begun[:3] == [("restore", ("--ladder", "restore", "--hung"))] * 2 + [("reboot", ())]
    assert [what for what, _ in begun].count("reboot") == 1
    (incident,) = world.incidents
    (reboot,) = [action for action in incident.actions if action.what == "reboot"]
    assert reboot.state is ActionState.RUNNING
    assert world.errands.kept == [1]


def test_a_boot_that_cannot_be_begun_is_told_and_is_the_one_of_its_incident() -> None:
    world = World(policy=NicPolicy(mode=Mode.RESTORE, reboot=True, cool_down_s=1))
    world.treater.has_transaction = False
    world.cures = {"restore": lambda: 43, "reboot": lambda: 10}
    world.at(10, world.card.hang)
    world.run(3600)
    assert [action.state for action in world.incidents[0].actions if action.what == "reboot"] == [ActionState.FAILED]


@pytest.mark.parametrize("status", [2, 10, 15, 24, 25, 26, 27])
def test_a_treatment_that_cannot_be_begun_leads_to_no_boot(status: int) -> None:
    world = World(policy=NicPolicy(mode=Mode.RESTORE, reboot=True, cool_down_s=0))
    world.cures["restore"] = lambda: status
    world.treater.has_transaction = False
    world.at(10, world.card.hang)
    world.run(600)
    assert {what for _, what, _ in world.treater.begun} == {"restore"}
    assert len(world.treater.begun) <= 11


def test_without_leave_it_is_not() -> None:
    world = World(policy=NicPolicy(mode=Mode.RESTORE, cool_down_s=5))
    world.cures["restore"] = lambda: 43
    world.at(10, world.card.hang)
    world.run(300)
    assert {what for _, what, _ in world.treater.begun} == {"restore"}


def test_what_is_no_hang_is_not_treated() -> None:
    world = World(policy=RESTORE)

    def pull() -> tuple[Signal, ...]:
        return world.card.set_carrier(world.clock.read_monotonic_s(), carrier=False)

    def plug() -> tuple[Signal, ...]:
        return world.card.set_carrier(world.clock.read_monotonic_s(), carrier=True)

    world.at(10, pull)
    world.at(40, plug)
    world.run(80)
    (incident,) = world.incidents
    assert incident.verdict is IncidentVerdict.LINK
    assert incident.ended_why == "restored"
    assert world.treater.begun == []


def test_a_gateway_that_goes_silent_is_upstream() -> None:
    world = World(policy=RESTORE)

    def go() -> None:
        world.card.gateway_answers = False
        world.card.partner_silent = True

    def come() -> None:
        world.card.gateway_answers = True
        world.card.partner_silent = False

    world.at(10, go)
    world.at(60, come)
    world.run(90)
    assert [incident.verdict for incident in world.incidents] == [IncidentVerdict.UPSTREAM]
    assert world.incidents[0].ended_why == "restored"
    assert world.treater.begun == []


def test_somebody_who_takes_it_down_is_the_administrator() -> None:
    world = World()
    world.at(10, lambda: world.card.set_up(world.clock.read_monotonic_s(), up=False))
    world.at(30, lambda: world.card.set_up(world.clock.read_monotonic_s(), up=True))
    world.run(60)
    assert [incident.verdict for incident in world.incidents] == [IncidentVerdict.ADMINISTRATOR]
    assert world.incidents[0].ended_why == "restored"
    assert world.errands.kept == []


def test_a_link_that_flaps_all_night_is_one_incident() -> None:
    world = World()

    def set_carrier(carrier: bool) -> tuple[Signal, ...]:
        return world.card.set_carrier(world.clock.read_monotonic_s(), carrier=carrier)

    for turn in range(20):
        world.at(10 + 30 * turn, lambda: set_carrier(False))
        world.at(15 + 30 * turn, lambda: set_carrier(True))
    world.run(700)
    (incident,) = world.incidents
    assert incident.verdict is IncidentVerdict.LINK
    assert incident.reasons[-1] == "it came back 19 times"
    assert world.news == ["began", "restored"]
    assert len(world.errands.kept) <= 1


def test_one_that_came_back_and_stays_is_told_again() -> None:
    world = World()

    def set_carrier(carrier: bool) -> tuple[Signal, ...]:
        return world.card.set_carrier(world.clock.read_monotonic_s(), carrier=carrier)

    world.at(10, lambda: set_carrier(False))
    world.at(20, lambda: set_carrier(True))
    world.at(60, lambda: set_carrier(False))
    world.run(120)
    assert len(world.incidents) == 1
    assert world.news == ["began", "restored", "began"]
    assert world.incidents[0].restored is None


def test_two_cards_are_two_cases() -> None:
    other = World.make_card(card=Card(interface="eth1", ifindex=3, driver="igb", bus_address="0000:03:00.0", has_bql=True))
    world = World(World.make_card(), other, policy=Policy(nics=((Match(interface="eth1"), RESTORE),)))
    world.at(10, world.hang_all)

    def cure() -> int:
        other.reset()
        return 0

    world.cures["restore"] = cure
    world.run(40)
    assert sorted((one.interface, one.verdict) for one in world.incidents) == [
        ("eth0", IncidentVerdict.NIC_HUNG),
        ("eth1", IncidentVerdict.NIC_HUNG),
    ]
    assert [one.interface for one, _, _ in world.treater.begun] == ["eth1"]
    assert {one.interface: one.ended_why for one in world.incidents} == {"eth0": None, "eth1": "restored"}


def test_a_card_that_is_to_be_ignored_is_not_watched() -> None:
    world = World(policy=Mode.IGNORE)
    world.at(10, world.card.hang)
    world.run(30)
    assert world.incidents == ()
    assert "read_sample" not in world.senses.calls
    assert world.heart.told[-1] == "watching no card"


def test_a_hang_seen_first_as_something_else_is_revised() -> None:
    """The kernel's word comes later than our own doubt: the carrier went first."""
    world = World()
    card = world.card

    def pull() -> tuple[Signal, ...]:
        card.hang()
        return card.set_carrier(world.clock.read_monotonic_s(), carrier=False)

    def say() -> tuple[Signal, ...]:
        card.set_carrier(world.clock.read_monotonic_s(), carrier=True)
        return card.fire_watchdog(world.clock.read_monotonic_s())

    world.at(10, pull)
    world.at(20, say)
    world.run(40)
    (incident,) = world.incidents
    assert incident.verdict is IncidentVerdict.NIC_HUNG
    (told,) = [reason for reason in incident.reasons if reason.endswith(" it was taken for link")]
    assert told.startswith("until 2025-01-01T00:00:2")
    assert world.news == ["began", "verdict"]


def test_an_interface_that_is_renamed_is_the_same_card() -> None:
    world = World()

    def rename() -> tuple[Signal, ...]:
        card = world.senses.cards.pop("eth0")
        card.card = Card(interface="lan0", ifindex=2, driver="e1000e", bus="pci", has_bql=True)
        world.senses.cards["lan0"] = card
        return (Signal(kind=SignalKind.RENAMED, monotonic_s=world.clock.read_monotonic_s(), interface="lan0", text="eth0"),)

    world.at(10, world.card.hang)
    world.at(20, rename)
    world.at(30, world.card.reset)
    world.run(50)
    (incident,) = world.incidents
    assert (incident.interface, incident.ended_why) == ("lan0", "restored")
    assert "it was called eth0 before" in incident.reasons
    assert world.news == ["began", "verdict", "restored"]
    assert world.heart.told[-1] == "watching lan0"


@pytest.mark.parametrize("same", [True, False])
def test_a_driver_that_is_bound_anew_gives_another_name_first_and_what_is_open_goes_on(same: bool) -> None:
    """``ens9`` goes, ``eth0`` comes, and udev calls it ``ens9`` again; another card in that place is another card."""
    world = World(
        World.make_card(card=Card(interface="ens9", ifindex=2, driver="e1000e", bus="pci", bus_address="0000:00:09.0", has_bql=True))
    )

    def say(kind: SignalKind, name: str, text: str = "") -> tuple[Signal, ...]:
        return (Signal(kind=kind, monotonic_s=world.clock.read_monotonic_s(), interface=name, text=text),)

    def bind() -> tuple[Signal, ...]:
        card = world.senses.cards.pop("ens9")
        card.reset()
        address = "0000:00:09.0" if same else "0000:00:0a.0"
        card.card = Card(interface="eth0", ifindex=3, driver="e1000e", bus="pci", bus_address=address, has_bql=True)
        world.senses.cards["eth0"] = card
        return (*say(SignalKind.VANISHED, "ens9"), *say(SignalKind.APPEARED, "eth0"))

    def rename() -> tuple[Signal, ...]:
        card = world.senses.cards.pop("eth0")
        card.card = dataclasses.replace(card.card, interface="ens9")
        world.senses.cards["ens9"] = card
        return say(SignalKind.RENAMED, "ens9", "eth0")

    world.at(10, world.card.hang)
    world.at(20, bind)
    world.at(21, rename)
    world.run(60)
    assert [incident.ended_why for incident in world.incidents] == ["restored" if same else "gone"]
    assert world.heart.told[-1] == "watching ens9"


def make_two() -> tuple[SimulatedCard, SimulatedCard]:
    return (
        World.make_card(card=Card(interface="eth0", ifindex=2, driver="e1000e", bus="pci", bus_address="0000:01:00.0", has_bql=True)),
        World.make_card(card=Card(interface="eth1", ifindex=3, driver="igb", bus="pci", bus_address="0000:02:00.0", has_bql=True)),
    )


@pytest.mark.parametrize("heard", [True, False])
def test_the_card_that_hangs_is_treated_whoever_has_its_name_now(heard: bool) -> None:
    one, two = make_two()
    world = World(one, two, policy=NicPolicy(mode=Mode.RESTORE, cool_down_s=15))
    world.cures["restore"] = lambda: 43 if len(world.treater.begun) == 1 else world.cure()

    def rename(card: SimulatedCard, name: str) -> tuple[Signal, ...]:
        old = card.card.interface
        card.card = dataclasses.replace(card.card, interface=name)
        world.senses.cards = {each.card.interface: each for each in (one, two)}
        return (Signal(kind=SignalKind.RENAMED, monotonic_s=world.clock.read_monotonic_s(), interface=name, text=old),)

    def swap() -> tuple[Signal, ...]:
        said = (*rename(one, "tmp0"), *rename(two, "eth0"), *rename(one, "eth1"))
        return said if heard else (Signal(kind=SignalKind.CHANGED, monotonic_s=world.clock.read_monotonic_s(), interface="eth0"),)

    world.at(10, one.hang)
    world.at(16, swap)
    world.run(90)
    assert [(incident.interface, incident.bus_address) for incident, _, _ in world.treater.begun] == [
        ("eth0", "0000:01:00.0"),
        ("eth1", "0000:01:00.0"),
    ]
    assert {incident.bus_address for incident in world.incidents} == {"0000:01:00.0"}
    assert world.incidents[-1].ended_why == "restored"


def test_another_card_under_the_name_of_one_that_went_is_not_treated_for_it() -> None:
    one, two = make_two()
    two.card = dataclasses.replace(two.card, interface="eth0")
    two.tx_rate = two.rx_rate = 0.0
    two.carrier = False
    world = World(one, policy=NicPolicy(mode=Mode.RESTORE, cool_down_s=15))
    world.treater.takes_s = 50.0
    world.cures["restore"] = lambda: 43

    def appear() -> tuple[Signal, ...]:
        world.senses.cards = {"eth0": two}
        return (Signal(kind=SignalKind.APPEARED, monotonic_s=world.clock.read_monotonic_s(), interface="eth0"),)

    world.at(10, one.hang)
    world.at(20, lambda: one.vanish(world.clock.read_monotonic_s()))
    world.at(40, appear)
    world.run(300)
    (incident,) = world.incidents
    assert incident.ended_why == "gone"
    assert [action.state for action in incident.actions] == [ActionState.FAILED]
    assert len(world.treater.begun) == 1


def test_a_card_that_comes_back_later_has_not_lost_its_history() -> None:
    world = World(policy=NicPolicy(mode=Mode.RESTORE, cool_down_s=0, attempts_per_hour=1))
    world.at(10, world.card.hang)
    world.at(100, lambda: world.card.set_up(world.clock.read_monotonic_s(), up=False))
    world.at(101, lambda: world.card.vanish(world.clock.read_monotonic_s()))
    world.at(102, lambda: setattr(world.card, "up", True))
    world.at(4000, lambda: None)
    world.at(300, lambda: world.card.appear(world.clock.read_monotonic_s()))
    world.at(500, world.card.hang)
    world.run(700)
    assert len(world.treater.begun) == 1


def test_cards_come_and_go() -> None:
    others = [
        World.make_card(card=Card(interface=f"eth{number}", ifindex=number + 2, driver="igb", bus_address=str(number), has_bql=True))
        for number in range(1, 8)
    ]
    for other in others:
        other.is_there = False
    world = World(World.make_card(), *others)
    for other in others:
        world.at(10, lambda other=other: other.appear(world.clock.read_monotonic_s()))  # type: ignore[misc]  # a default binds it
        world.at(60, lambda other=other: other.vanish(world.clock.read_monotonic_s()))  # type: ignore[misc]  # as above
    world.run(400)
    assert not [incident for incident in world.incidents if incident.verdict is IncidentVerdict.NIC_HUNG]
    assert world.teller.metrics[1]["nicmedic_watch_cards"] == 8.0
    assert world.heart.told[-1].startswith("watching eth0")


def test_a_driver_that_is_loaded_again_is_no_hang() -> None:
    world = World(policy=RESTORE)
    world.at(10, lambda: world.card.set_up(world.clock.read_monotonic_s(), up=False))
    world.at(11, lambda: world.card.vanish(world.clock.read_monotonic_s()))

    def load() -> tuple[Signal, ...]:
        world.card.card = Card(interface="eth0", ifindex=9, driver="e1000e", bus="pci", has_bql=True)
        world.card.up = True
        return world.card.appear(world.clock.read_monotonic_s())

    world.at(14, load)
    world.run(60)
    assert {incident.verdict for incident in world.incidents} <= {IncidentVerdict.ADMINISTRATOR}
    assert all(incident.ended_why == "restored" for incident in world.incidents)
    assert world.treater.begun == []


def test_doubts_that_come_to_nothing_wake_nobody_all_the_time() -> None:
    card = World.make_card()
    card.lazy = True
    world = World(card, policy=RESTORE)
    card.tx_rate = 0.2
    world.run(600)
    assert world.incidents == ()
    assert len(world.treater.warmed) <= 7


def test_one_closer_look_serves_all_while_networking_is_stuck() -> None:
    cards = [
        World.make_card(card=Card(interface=f"eth{number}", ifindex=number + 2, driver="e100", bus_address=str(number), has_bql=True))
        for number in range(8)
    ]
    world = World(*cards)
    world.senses.stuck = True
    world.at(10, world.hang_all)
    world.run(20)
    assert world.senses.calls.count("look_closer") <= 6
    assert len(world.incidents) >= 8


def test_a_simulated_card_without_a_line_is_told_in_the_status() -> None:
    world = World(SimulatedCard())
    world.card.tx_rate = world.card.rx_rate = 50.0
    world.at(10, world.card.hang)
    world.run(30)
    assert "open: eth0: nic_hung" in world.heart.told[-1]


def test_a_treatment_that_sees_no_hang_never_leads_to_a_boot() -> None:
    world = World(policy=NicPolicy(mode=Mode.RESTORE, reboot=True, cool_down_s=1, attempts_per_hour=2))
    world.cures["restore"] = lambda: 35
    world.treater.has_transaction = False
    world.at(10, world.card.hang)
    world.run(3600)
    assert len(world.treater.begun) > 2
    assert {what for _, what, _ in world.treater.begun} == {"restore"}
