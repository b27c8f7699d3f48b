# SPDX-License-Identifier: GPL-2.0-or-later
"""What may go wrong around the watcher: the disk, the policy, its own end, an oddity of one card."""

import dataclasses
import datetime

import pytest

from nicmedic.app.watch.records import Ledger, Record
from nicmedic.model.errors import NicmedicError, StateError
from nicmedic.model.incident import Action, ActionState, Evidence, EvidenceKind, Incident, IncidentVerdict
from nicmedic.model.policy import Mode, NicPolicy, Policy
from nicmedic.model.sample import Signal, SignalKind
from nicmedic.model.watched import Card
from nicmedic.testing.incidents import FakeIncidents
from tests.unit.app.watch.world import World

RESTORE = NicPolicy(mode=Mode.RESTORE)
INCIDENT = Incident(
    boot_id="boot-1",
    interface="eth0",
    verdict=IncidentVerdict.NIC_HUNG,
    reasons=("r",),
    began="2025-01-01T00:00:00+00:00",
    began_uptime_s=1.0,
    detected="2025-01-01T00:00:01+00:00",
    detected_uptime_s=2.0,
)
RUNNING = Action(what="restore", state=ActionState.RUNNING, began="2025-01-01T00:00:02+00:00")


def test_a_full_disk_is_told_and_nothing_is_done_before_the_incident_is_on_it() -> None:
    world = World(policy=RESTORE)
    world.store.is_full = True
    world.at(10, world.card.hang)
    world.at(60, lambda: setattr(world.store, "is_full", False))
    world.run(120)
    (bad, told), *others = world.teller.host
    assert told
    assert "cannot be written down" in bad
    assert "df -h" in bad
    assert [told for _, told in others] == [False]
    assert "can be written down again" in others[0][0]
    (incident,) = world.incidents
    assert [action.state for action in incident.actions] == [ActionState.HELD_BACK, ActionState.HELPED]
    assert "not on disk" in incident.actions[0].detail
    assert incident.detected_uptime_s < 1012
    assert incident.actions[1].began > "2025-01-01T00:01:00"
    assert incident.ended_why == "restored"
    assert world.news[0] == "began"
    assert world.teller.metrics[2]["nicmedic_watch_unwritten_incidents"] == 1.0
    assert world.teller.metrics[-1]["nicmedic_watch_unwritten_incidents"] == 0.0


def test_evidence_that_a_full_disk_never_took_is_counted_and_told() -> None:
    told: list[str] = []
    store = FakeIncidents()
    store.is_full = True
    ledger = Ledger(store, lambda text, _bad: told.append(text))
    pieces = [Evidence(kind=EvidenceKind.KERNEL_LOG, at="t", data=bytes(64 << 10))] * 2
    for _ in range(40):
        ledger.save(Record(INCIDENT, pieces), 0.0)
    store.is_full = False
    ledger.retry(100.0)
    kept = sum(len(store.read_evidence(incident.id or 0)) for incident in store.list_incidents())
    assert (kept, ledger.lost, ledger.lost_pieces) == (32, 0, 48)
    assert told[-1].endswith("; lost since the watcher began: 48 pieces of evidence")


@pytest.mark.parametrize("number", range(1, 16))
def test_whichever_write_fails_all_is_on_disk_in_the_end(number: int) -> None:
    world = World(policy=RESTORE)
    world.senses.kernel_log = b"one\n"

    def hang() -> None:
        world.senses.kernel_log += b"two\n"
        world.card.hang()

    world.store.fails_at = frozenset({number})
    world.at(10, hang)
    world.at(12, lambda: setattr(world.senses, "kernel_log", world.senses.kernel_log + b"three\n"))
    world.run(200)
    world.store.fails_at = frozenset()
    (incident,) = world.incidents
    assert incident.ended_why == "restored"
    assert [action.state for action in incident.actions][-1] is ActionState.HELPED
    assert [piece.kind for piece in world.store.read_evidence(1)] == [
        EvidenceKind.SAMPLES,
        EvidenceKind.KERNEL_LOG,
        EvidenceKind.KERNEL_LOG_AFTER,
    ]
    assert world.teller.metrics[-1]["nicmedic_watch_unwritten_incidents"] == 0.0


def test_what_waits_for_the_disk_is_bounded() -> None:
    store, told = FakeIncidents(), []
    store.is_full = True
    ledger = Ledger(store, lambda text, _bad: told.append(text))
    piece = Evidence(kind=EvidenceKind.KERNEL_LOG, at="t", data=b"x" * (64 << 10))
    records = [Record(dataclasses.replace(INCIDENT, interface=f"eth{number}"), (piece,)) for number in range(100)]
    for record in records:
        assert not ledger.save(record, 0.0)
    assert ledger.waiting == 64
    assert ledger.lost == 36
    assert sum(len(record.evidence) for record in records[36:]) == 32
    assert len(told) == 1
    store.is_full = False
    ledger.retry(5.0)
    assert ledger.waiting == 64
    ledger.retry(10.0)
    assert ledger.waiting == 0
    assert "36 incidents" in told[-1]
    assert store.list_incidents()[0].interface == "eth36"


def test_a_reboot_that_cannot_be_written_down_is_not_begun() -> None:
    world = World(policy=NicPolicy(mode=Mode.RESTORE, reboot=True, cool_down_s=1))
    world.cures["restore"] = lambda: 43

    def fail() -> int:
        if len(world.treater.begun) == 2:
            world.store.is_full = True
        return 43

    world.cures["restore"] = fail
    world.at(10, world.card.hang)
    world.run(120)
    assert "reboot" not in [what for _, what, _ in world.treater.begun]


def test_a_bad_policy_keeps_the_old_one() -> None:
    world = World(policy=RESTORE)
    world.policy_error = NicmedicError("mode 'foo' is none", hint="vi")
    world.at(10, world.watcher.ask_reload)
    world.at(20, world.card.hang)
    world.run(60)
    assert world.teller.host == [("the policy stays as it was: mode 'foo' is none", True)]
    assert [what for _, what, _ in world.treater.begun] == ["restore"]
    assert world.heart.calls.count("reloading") == 1
    assert world.heart.calls.count("ready") == 2
    assert world.taken == []


def test_a_policy_that_trips_over_a_bug_leaves_the_watcher_ready() -> None:
    """Who supervises it would end it, did it never say that it has read it."""
    world = World(policy=RESTORE)
    world.policy_error = ValueError("a bug")
    world.at(10, world.watcher.ask_reload)
    world.run(60)
    assert "a bug in nicmedic; the watcher goes on" in world.teller.host[0][0]
    assert (world.heart.calls.count("reloading"), world.heart.calls.count("ready")) == (1, 2)


def test_a_new_policy_is_in_force_at_once() -> None:
    world = World(policy=Mode.OBSERVE)

    def change() -> None:
        world.policy = Policy(default=RESTORE)
        world.watcher.ask_reload()

    world.at(10, world.card.hang)
    world.at(30, change)
    world.run(60)
    assert world.taken == [world.policy]
    (incident,) = world.incidents
    assert incident.ended_why == "restored"
    assert world.teller.host == [("the policy was read again", False)]


def test_a_card_that_is_ignored_from_now_on_is_let_go() -> None:
    world = World()

    def change() -> None:
        world.policy = Policy(default=NicPolicy(mode=Mode.IGNORE))
        world.watcher.ask_reload()

    world.at(10, world.card.hang)
    world.at(30, change)
    world.run(60)
    assert world.incidents[0].ended_why == "gone"
    assert world.news == ["began", "ended"]


def test_it_goes_on_after_it_was_killed() -> None:
    """The same boot: what was open goes on, and ends when traffic flows."""
    first = World(policy=RESTORE)
    first.treater.takes_s = 1000.0
    first.at(10, first.card.hang)
    first.run(20)
    second = World(store=first.store)
    second.card.hang()
    second.at(20, second.card.reset)
    second.run(60)
    (incident,) = second.incidents
    assert incident.ended_why == "restored"
    assert incident.actions[0].ended is not None
    assert "started anew" in incident.actions[0].detail
    assert second.news == ["restored"]


def test_started_again_when_all_is_well_it_ends_what_was_open() -> None:
    first = World()
    first.at(10, first.card.hang)
    first.run(20)
    second = World(store=first.store)
    second.run(60)
    assert second.incidents[0].ended_why == "restored"


def test_what_an_earlier_boot_left_open_ended_with_it() -> None:
    first = World(policy=RESTORE)
    first.treater.takes_s = 1000.0
    first.at(10, first.card.hang)
    first.run(20)
    first.store.add_action(1, Action(what="reboot", state=ActionState.RUNNING, began="2025-01-01T00:00:30+00:00"))
    second = World(store=first.store, boot_id="boot-2", uptime_s=10)
    second.run(60)
    (incident,) = second.incidents
    assert (incident.ended_why, incident.restored) == ("boot", None)
    assert [(action.what, action.state) for action in incident.actions] == [
        ("restore", ActionState.FAILED),
        ("reboot", ActionState.HELPED),
    ]
    assert second.news == []


def test_what_a_boot_has_cut_off_holds_nothing_back() -> None:
    store = FakeIncidents()
    store.add_incident(dataclasses.replace(INCIDENT, boot_id="boot-0", bus="pci"), ())
    store.add_action(1, dataclasses.replace(RUNNING, began="2024-12-31T23:58:00+00:00"))
    world = World(store=store, policy=RESTORE, uptime_s=200)
    world.at(10, world.card.hang)
    world.run(40)
    assert [action.state for action in world.incidents[1].actions] == [ActionState.HELPED]


def test_what_was_tried_before_it_was_killed_counts_once() -> None:
    store = FakeIncidents()
    store.add_incident(dataclasses.replace(INCIDENT, bus="pci", detected_uptime_s=990.0), ())
    for _ in range(2):
        ended = "2024-12-31T23:57:00+00:00"
        store.add_action(1, Action(what="restore", state=ActionState.FAILED, began="2024-12-31T23:56:00+00:00", ended=ended))
    world = World(store=store, policy=NicPolicy(mode=Mode.RESTORE, attempts_per_hour=3))
    world.card.hang()
    world.run(30)
    assert [action.state for action in world.incidents[0].actions][-1] is ActionState.HELPED


def test_only_the_newest_of_a_card_stays_open() -> None:
    store = FakeIncidents()
    for _ in range(3):
        store.add_incident(dataclasses.replace(INCIDENT, bus="pci"), ())
    world = World(store=store)
    world.run(30)
    assert [incident.ended_why for incident in world.incidents] == ["gone", "gone", "restored"]


def test_incidents_that_cannot_be_read_are_told_and_read_later() -> None:
    store = FakeIncidents()
    store.add_incident(dataclasses.replace(INCIDENT, boot_id="boot-0"), ())
    store.fails_at = frozenset({2, 4})
    world = World(store=store)
    world.run(200)
    assert "cannot be read" in world.teller.host[0][0]
    assert world.incidents[0].ended_why == "boot"


def test_damaged_incidents_that_were_put_aside_are_told() -> None:
    store = FakeIncidents()
    store.aside = "/var/lib/nicmedic/incidents.db.damaged-1"
    world = World(store=store)
    world.run(10)
    assert world.teller.host == [
        ("the incidents were damaged: they are kept as /var/lib/nicmedic/incidents.db.damaged-1, and new ones are begun", True)
    ]


def test_damage_that_is_found_later_is_told_too() -> None:
    world = World()
    world.at(30, lambda: setattr(world.store, "aside", "/x"))
    world.run(200)
    assert world.teller.host == [("the incidents were damaged: they are kept as /x, and new ones are begun", True)]


def test_what_a_boot_is_like_is_noted_after_some_minutes() -> None:
    world = World(uptime_s=10)
    world.run(400)
    assert world.errands.calls == ["note_boot"]


def test_an_oddity_of_one_card_is_told_once_and_the_others_go_on() -> None:
    other = World.make_card(card=Card(interface="eth1", ifindex=3, driver="igb", bus_address="1", has_bql=True))
    world = World(World.make_card(), other)
    read = world.senses.read_sample
    world.senses.read_sample = lambda interface: 1 / 0 if interface == "eth0" else read(interface)  # type: ignore[assignment, return-value]  # the oddity
    world.at(10, other.hang)
    world.run(60)
    assert [incident.interface for incident in world.incidents] == ["eth1"]
    (told,) = world.teller.host
    assert told[1]
    assert "ZeroDivisionError" in told[0]
    assert "a bug in nicmedic" in told[0]
    assert world.teller.metrics[-1]["nicmedic_watch_errors_total"] >= 10


def test_an_oddity_after_an_incident_began_forgets_no_incident() -> None:
    world = World()
    world.at(10, world.card.hang)
    world.at(20, lambda: setattr(world.senses, "fail_at", len(world.senses.calls) + 1))
    world.at(30, world.card.reset)
    world.run(60)
    (incident,) = world.incidents
    assert incident.ended_why == "restored"


def test_a_treater_that_fails_is_an_oddity_too() -> None:
    world = World(policy=RESTORE)
    world.treater.fail_at = 1 + 200
    world.run(60)
    assert world.heart.calls[-1] == "stopping"


def test_lost_lines_of_the_log_are_counted() -> None:
    world = World()
    world.at(5, lambda: (Signal(kind=SignalKind.LOG_LOST, monotonic_s=world.clock.read_monotonic_s(), value=7),))
    world.at(6, lambda: (Signal(kind=SignalKind.LOG_LOST, monotonic_s=world.clock.read_monotonic_s()),))
    world.run(20)
    assert world.teller.metrics[-1]['nicmedic_watch_dropped_total{what="kernel log lines"}'] == 8.0


def test_a_signal_of_a_card_that_nobody_listed_is_no_harm() -> None:
    world = World()
    world.at(5, lambda: (Signal(kind=SignalKind.CARRIER, monotonic_s=world.clock.read_monotonic_s(), interface="tap0", value=0),))
    world.run(20)
    assert world.incidents == ()


def test_an_error_of_the_store_keeps_what_was_written() -> None:
    store = FakeIncidents()
    record = Record(INCIDENT, (Evidence(kind=EvidenceKind.SAMPLES, at="t", data=b"{}"),))
    record.add_action(RUNNING)
    record.revise(dataclasses.replace(record.incident, reasons=("other",)))
    store.fails_at = frozenset({2})
    with pytest.raises(StateError):
        record.save(store)
    states = [(record.incident.id, record.is_saved)]
    record.save(store)
    states.append((record.incident.id, record.is_saved))
    assert states == [(1, False), (1, True)]
    assert store.calls == ["add_incident", "add_action", "add_action"]
    assert store.list_incidents()[0].reasons == ("other",)
    assert store.list_incidents()[0].actions == (RUNNING,)


def make_earlier(world: World, minutes: float, **changes: object) -> Incident:
    """Of another boot, which a reboot ended."""
    at = (world.clock.read_now() - datetime.timedelta(minutes=minutes)).isoformat()
    reboot = Action(what="reboot", state=ActionState.HELPED, began=at, ended=at)
    plain = dataclasses.replace(INCIDENT, boot_id="boot-0", bus="pci", began=at, detected=at, ended=at, ended_why="boot", actions=(reboot,))
    return dataclasses.replace(plain, **changes)  # type: ignore[arg-type]  # names of its fields


def list_begun(world: World) -> list[str]:
    return [what for _, what, _ in world.treater.begun]


REBOOT = NicPolicy(mode=Mode.RESTORE, reboot=True, cool_down_s=5)


@pytest.mark.parametrize("fails_at", [frozenset(), frozenset({2}), frozenset({3}), frozenset({2, 4, 6, 8, 10, 12, 14, 16, 18, 20})])
def test_the_host_is_not_booted_twice_within_a_day_whenever_incidents_can_be_read(fails_at: frozenset[int]) -> None:
    store = FakeIncidents()
    store.add_incident(make_earlier(World(), 5, interface="other0", bus_address="0000:09:00.0"), ())
    store.calls.clear()
    store.fails_at = fails_at
    world = World(store=store, policy=REBOOT)
    world.cures["restore"] = lambda: 43
    world.at(20, world.card.hang)
    world.run(600)
    assert set(list_begun(world)) == {"restore"}


def test_the_host_is_not_booted_while_incidents_cannot_be_read_and_that_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(policy=REBOOT)

    def fail(**_: object) -> None:
        raise StateError("no", hint="x")

    monkeypatch.setattr(world.store, "list_incidents", fail)
    world.cures["restore"] = lambda: 43
    world.at(20, world.card.hang)
    world.run(300)
    monkeypatch.undo()
    assert set(list_begun(world)) == {"restore"}
    assert [action.state for action in world.incidents[0].actions if action.what == "reboot"] == [ActionState.HELD_BACK]


def test_a_reboot_counts_however_much_was_done_since() -> None:
    store = FakeIncidents()
    store.add_incident(make_earlier(World(), 60), ())
    helped = dataclasses.replace(RUNNING, state=ActionState.HELPED, began="2024-12-31T23:30:00+00:00", ended="2024-12-31T23:30:00+00:00")
    for _ in range(120):
        store.add_incident(make_earlier(World(), 30, actions=(helped,)), ())
    world = World(store=store, policy=dataclasses.replace(REBOOT, attempts_per_hour=200))
    world.cures["restore"] = lambda: 43
    world.at(20, world.card.hang)
    world.run(120)
    assert set(list_begun(world)) == {"restore"}


def test_a_boot_that_was_begun_and_did_not_come_counts_for_every_card() -> None:
    other = World.make_card(card=Card(interface="eth1", ifindex=3, driver="igb", bus="pci", bus_address="1", has_bql=True))
    world = World(World.make_card(), other, policy=REBOOT)
    world.cures["restore"] = lambda: 43
    world.at(20, world.hang_all)
    world.run(1000)
    assert list_begun(world).count("reboot") == 1


def test_the_host_is_not_booted_while_somebody_is_at_a_transaction() -> None:
    world = World(policy=dataclasses.replace(REBOOT, attempts_per_hour=20))
    world.cures["restore"] = lambda: 43
    world.treater.undecided = (7,)
    world.at(20, world.card.hang)
    world.at(200, lambda: setattr(world.treater, "undecided", ()))
    world.run(300)
    assert list_begun(world).index("reboot") >= 5
    held, begun = [action for action in world.incidents[0].actions if action.what == "reboot"]
    assert (held.state, begun.state) == (ActionState.HELD_BACK, ActionState.RUNNING)
    assert "transaction 7" in held.detail


def test_what_is_open_goes_on_when_it_can_be_read_at_last() -> None:
    store = FakeIncidents()
    store.add_incident(dataclasses.replace(INCIDENT, bus="pci"), ())
    store.fails_at = frozenset({3})
    world = World(store=store)
    world.run(200)
    (incident,) = world.incidents
    assert incident.ended_why == "restored"


def test_what_began_before_the_others_could_be_read_is_not_taken_for_one_of_them() -> None:
    store = FakeIncidents()
    store.add_incident(dataclasses.replace(INCIDENT, bus="pci"), ())
    store.fails_at = frozenset({3})
    world = World(store=store, policy=RESTORE)
    world.treater.takes_s = 100.0
    world.at(10, world.card.hang)
    world.run(200)
    old, new = world.incidents
    assert (old.ended_why, new.ended_why) == ("gone", "restored")
    assert [(action.state, action.detail) for action in new.actions] == [(ActionState.HELPED, "traffic flows again")]


def test_what_is_open_of_a_card_that_does_not_come_back_ends() -> None:
    store = FakeIncidents()
    store.add_incident(dataclasses.replace(INCIDENT, interface="usb0", bus_address="1-2"), ())
    world = World(store=store)
    world.run(3700)
    assert world.incidents[0].ended_why == "gone"
    assert world.news == ["ended"]


def test_what_cannot_be_begun_is_tried_ever_more_rarely_and_told_once() -> None:
    world = World(policy=dataclasses.replace(REBOOT, cool_down_s=60))
    world.cures["restore"] = lambda: 25
    world.treater.has_transaction = False
    world.at(20, world.card.hang)
    world.run(4 * 3600)
    (incident,) = world.incidents
    (action,) = incident.actions
    assert action.state is ActionState.HELD_BACK
    assert action.began < "2025-01-01T00:01"
    assert (action.ended or "") > "2025-01-01T03:00"
    assert len(list_begun(world)) <= 9
    assert world.news == ["began", "action", "action"]


def test_a_watcher_that_is_started_anew_does_not_tell_it_again() -> None:
    policy = NicPolicy(mode=Mode.RESTORE, quiet_after_boot_s=5000)
    first = World(policy=policy)
    first.at(10, first.card.hang)
    first.run(20)
    second = World(policy=policy, store=first.store)
    second.card.hang()
    second.run(60)
    assert [action.state for action in second.incidents[0].actions] == [ActionState.HELD_BACK]
    assert second.news == []


def test_other_reasons_are_told_too_and_what_helps_at_last_stands_by_itself() -> None:
    world = World(policy=RESTORE)
    world.treater.has_transaction = False
    said = ["transaction 3 is open", "transaction 4 is open", "no room", "transaction 5 is open", "no room", ""]

    def cure() -> int:
        world.treater.first_line = said[len(world.treater.begun) - 1]
        return 25 if world.treater.first_line else world.cure()

    world.cures["restore"] = cure
    world.at(20, world.card.hang)
    world.run(4 * 3600)
    (incident,) = world.incidents
    assert incident.ended_why == "restored"
    assert [action.state for action in incident.actions][-1] is ActionState.HELPED
    assert len(incident.actions) <= 6
    held = [
        one.detail for one, news in ((one.actions[-1], news) for one, news in world.teller.incidents if one.actions) if news == "action"
    ]
    assert held.count("no room") == 1


def test_an_incident_that_goes_on_for_ever_has_so_many_actions_and_no_more() -> None:
    world = World(policy=NicPolicy(mode=Mode.RESTORE, cool_down_s=30, attempts_per_hour=200))
    world.cures["restore"] = lambda: 43
    world.at(20, world.card.hang)
    world.run(3 * 3600)
    assert len(list_begun(world)) > 150
    (incident,) = world.incidents
    assert len(incident.actions) == 100
    assert (incident.actions[-1].ended or "") > "2025-01-01T02:50"


@pytest.mark.parametrize(("age_s", "boots"), [(60.0, 0), (-60.0, 0), (90_000.0, 1), (None, 1)])
def test_a_host_that_may_have_been_booted_by_us_before_the_damage_is_not_booted(age_s: float | None, boots: int) -> None:
    world = World(policy=NicPolicy(mode=Mode.RESTORE, reboot=True, cool_down_s=5))
    world.cures["restore"] = lambda: 43
    world.store.damage_age_s = age_s
    world.at(10, world.card.hang)
    world.run(200)
    assert [what for _, what, _ in world.treater.begun].count("reboot") == boots
    held = [action.detail for action in world.incidents[0].actions if action.what == "reboot" and action.state is ActionState.HELD_BACK]
    assert [("damaged within the last day" in detail) for detail in held] == [True] * (1 - boots)
