# SPDX-License-Identifier: GPL-2.0-or-later
"""The simulated card and the edges around a watcher."""

import pytest

from nicmedic.model.incident import Incident, IncidentVerdict
from nicmedic.model.sample import SignalKind
from nicmedic.model.watched import Card
from nicmedic.ports.watching import Errands, Heart, Senses, Teller, Treater
from nicmedic.testing.clock import FakeClock
from nicmedic.testing.simulated import SimulatedCard
from nicmedic.testing.watching import FakeErrands, FakeHeart, FakeSenses, FakeTeller, FakeTreater

INCIDENT = Incident(
    boot_id="b",
    interface="eth0",
    verdict=IncidentVerdict.NIC_HUNG,
    reasons=("it stands",),
    began="2025-01-01T00:00:00Z",
    began_uptime_s=1.0,
    detected="2025-01-01T00:00:01Z",
    detected_uptime_s=2.0,
)


def test_healthy_card_sends_what_it_is_given() -> None:
    card = SimulatedCard()
    card.tx_rate = card.rx_rate = 100.0
    card.pass_time(1.0)
    sample = card.read_sample(1.0)
    assert (sample.tx_packets, sample.rx_packets, sample.queues[0].inflight) == (100, 100, 0)
    assert card.send_probe()


def test_hung_card_takes_frames_up_to_its_limit_and_keeps_them() -> None:
    card = SimulatedCard()
    card.tx_rate = 1000.0
    card.hang()
    card.pass_time(1.0)
    first = card.read_sample(1.0)
    card.pass_time(1.0)
    assert card.read_sample(2.0).queues == first.queues
    assert first.tx_packets == 0
    assert first.queues[0].inflight
    assert first.queues[0].inflight >= card.most_inflight
    assert not card.send_probe()
    answer = card.look_closer(2.0)
    assert answer.backlog_bytes
    assert answer.queues is not None
    assert answer.queues[0][0] == 62
    card.reset()
    card.pass_time(0.1)
    assert card.read_sample(3.0).queues[0].inflight == 0


def test_one_queue_of_several_hangs_while_the_others_go_on() -> None:
    card = SimulatedCard(Card(interface="eth0", ifindex=2, tx_queues=4))
    card.tx_rate = 10.0
    card.hang(2)
    card.pass_time(10.0)
    assert [queue.inflight for queue in card.read_sample(10.0).queues] == [0, 0, 25 * 98, 0]
    assert card.tx_packets == 75


def test_lazy_driver_keeps_the_newest_frame_until_the_next_comes() -> None:
    card = SimulatedCard()
    card.lazy = True
    card.tx_rate = 1.0
    for _ in range(3):
        card.pass_time(1.0)
    assert (card.tx_packets, card.read_sample(3.0).queues[0].inflight) == (2, 98)
    card.tx_rate = 0.0
    card.pass_time(5.0)
    assert card.tx_packets == 2
    assert card.send_probe()
    assert (card.tx_packets, card.read_sample(8.0).queues[0].inflight) == (3, 42)


def test_driver_that_counts_early_counts_what_is_stuck() -> None:
    card = SimulatedCard(has_bql=False, counts_when_handed=True)
    card.tx_rate = 10.0
    card.hang()
    card.pass_time(1.0)
    assert card.read_sample(1.0).tx_packets == 10
    assert card.read_sample(1.0).queues[0].inflight is None


def test_frames_stay_in_flight_at_load_as_far_as_the_limit_goes() -> None:
    card = SimulatedCard(keep=lambda frames: frames)
    card.tx_rate = 1000.0
    card.pass_time(1.0)
    assert card.read_sample(1.0).queues[0].inflight == 61 * 98


def test_pause_frames_hold_it_and_are_counted() -> None:
    card = SimulatedCard()
    card.pause_frames = 0
    card.paused = True
    card.tx_rate = 10.0
    card.pass_time(1.0)
    answer = card.look_closer(1.0)
    assert answer.pause_frames == {"rx_flow_control_xoff": 100}
    assert card.read_sample(1.0).queues[0].inflight == 980
    assert not card.send_probe()


def test_card_without_carrier_silent_partner_or_switch_says_so() -> None:
    card = SimulatedCard()
    card.rx_rate = 10.0
    card.partner_silent = True
    card.pass_time(1.0)
    assert card.rx_packets == 0
    assert not card.send_probe()
    assert card.set_carrier(1.0, carrier=False)[0].value == 0
    assert card.read_sample(1.0).carrier is False
    assert card.set_up(2.0, up=False)[0].kind is SignalKind.ADMIN
    card.pass_time(1.0)
    assert not card.send_probe()
    card.lost = True
    assert card.vanish(3.0)[0].kind is SignalKind.VANISHED
    assert card.look_closer(3.0).lost
    assert card.appear(4.0)[0].kind is SignalKind.APPEARED


def test_waiting_lets_time_pass_for_cards_and_for_the_script() -> None:
    clock, card = FakeClock(), SimulatedCard()
    card.tx_rate = 10.0
    fake = FakeSenses(clock, [card])
    senses: Senses = fake
    began_s = clock.read_monotonic_s()
    fake.at(2.0, lambda: card.fire_watchdog(clock.read_monotonic_s(), 0))
    fake.at(1.0, card.hang)
    (signal,) = senses.wait_signals(began_s + 5.0)
    assert (signal.kind, signal.monotonic_s) == (SignalKind.HANG_LINE, began_s + 2.0)
    assert senses.wait_signals(began_s + 5.0) == ()
    assert clock.read_monotonic_s() == began_s + 5.0
    sample = senses.read_sample("eth0")
    assert sample is not None
    assert (sample.tx_packets, sample.queues) == (10, ((40 * 98, 1),))
    assert senses.list_cards() == (card.card,)


def test_senses_tell_of_what_is_not_there_and_of_what_is_stuck() -> None:
    clock, card = FakeClock(), SimulatedCard()
    fake = FakeSenses(clock, [card])
    assert fake.begin_probe("eth0")
    assert fake.read_probe("eth0") is True
    assert fake.look_closer("eth0").lost is False
    fake.stuck = True
    assert fake.look_closer("eth0").stuck
    assert clock.waits[-1] == 1.0
    fake.stuck, fake.has_gateway = False, False
    assert not fake.begin_probe("eth0")
    card.vanish(1.0)
    assert fake.read_sample("eth0") is None
    assert fake.list_cards() == ()
    assert fake.look_closer("eth7") == fake.look_closer("eth7")
    fake.kernel_log = b"abc"
    assert fake.read_kernel_log(2) == b"bc"
    assert fake.find_blind_spots() == ()
    assert fake.read_probe("eth7") is None


def test_treatment_takes_its_time_and_then_cures() -> None:
    clock, card = FakeClock(), SimulatedCard()
    card.hang()

    def cure(_incident: Incident, _what: str) -> int:
        card.reset()
        return 0

    fake = FakeTreater(clock, cure)
    treater: Treater = fake
    treater.warm_up("eth0")
    assert treater.begin(INCIDENT, "restore", ("--yes",)) == 1
    assert treater.read_ended() == ()
    clock.wait_s(3.0)
    assert treater.read_ended() == ((1, 0, "traffic flows again", (1,)),)
    assert treater.read_ended() == ()
    assert not card.queues[0].hung
    assert FakeTreater(clock, takes_s=0.0).begin(INCIDENT, "restore", ()) == 1


def test_edges_remember_and_fail_at_the_call_that_was_named() -> None:
    teller, heart, errands = FakeTeller(), FakeHeart(), FakeErrands()
    tells: Teller = teller
    beats: Heart = heart
    runs: Errands = errands
    tells.tell_incident(INCIDENT, "began")
    tells.tell_host("deaf", bad=True)
    tells.write_metrics({"a": 1.0})
    assert (teller.incidents, teller.host, teller.metrics) == ([(INCIDENT, "began")], [("deaf", True)], [{"a": 1.0}])
    beats.ready("1 card")
    beats.beat("fine")
    beats.reloading()
    beats.stopping()
    assert heart.calls == ["ready", "beat", "reloading", "stopping"]
    assert heart.told == ["1 card", "fine"]
    runs.keep_evidence(7)
    runs.note_boot()
    assert errands.kept == [7]
    failing = FakeHeart(fail_at=1)
    failing.beat("one")
    with pytest.raises(OSError, match="failed as asked"):
        failing.beat("two")


def test_cure_without_words_is_a_good_one() -> None:
    clock = FakeClock()
    treater = FakeTreater(clock, takes_s=0.0)
    treater.begin(INCIDENT, "restore", ())
    assert treater.read_ended()[0][1] == 0
