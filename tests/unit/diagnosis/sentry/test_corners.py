# SPDX-License-Identifier: GPL-2.0-or-later
"""What a simulated card does not do: samples that lack something, answers that tell of a dead card, questions that nobody asks."""

import pytest

from nicmedic.diagnosis.sentry import Sentry
from nicmedic.diagnosis.sentry.rules.table import RULES
from nicmedic.model.incident import IncidentVerdict as Verdict
from nicmedic.model.sample import QueueSample, Sample, Signal, SignalKind
from nicmedic.model.watched import Answer, Card, Opinion, Want

CARD = Card(interface="eth0", ifindex=2, driver="e1000e", has_bql=True)


def sample(at_s: float, tx_packets: int | None = 10, inflight: int | None = 98, **fields: object) -> Sample:
    usual = Sample(
        monotonic_s=at_s,
        up=True,
        carrier=True,
        tx_packets=tx_packets,
        tx_bytes=None,
        rx_packets=5,
        rx_bytes=500,
        queues=(QueueSample(inflight, 0),),
    )
    return usual._replace(**fields)  # type: ignore[arg-type]


def watch(sentry: Sentry, until_s: float, answer: Answer | None = None, *, asks: bool = True, **fields: object) -> Opinion:
    """See the same sample ten times a second, and learn the same of every look."""
    at_s = 0.1
    sentry.see(sample(0.0, **fields))  # type: ignore[arg-type]
    opinion = sentry.decide(0.0)
    while at_s < until_s and (opinion.verdict is None or opinion.wants):
        sentry.see(sample(at_s, **fields))  # type: ignore[arg-type]
        opinion = sentry.decide(at_s)
        if Want.CLOSER_LOOK in opinion.wants and answer is not None:
            sentry.learn(Answer(**{name: getattr(answer, name) for name in Answer.__slots__} | {"monotonic_s": at_s}))
        if asks and Want.PROBE in opinion.wants:
            sentry.learn_probe(answered=False, now_s=at_s)
        at_s = round(at_s + 0.1, 3)
    return opinion


def test_rules_are_in_one_visible_order() -> None:
    order = [rule.__module__.rpartition(".")[2] for rule in RULES]
    assert order.index("no_processor") < order.index("paused") < order.index("hang_sign") < order.index("standing_bytes")


def test_card_that_cannot_reach_memory_is_told_beside_what_shows_the_hang() -> None:
    sentry = Sentry(CARD)
    opinion = watch(sentry, 3.0, Answer(monotonic_s=0.0, queues={0: (7, 0)}, bus_master=False, lost=True, pause_frames={"rx_xoff": 0}))
    assert opinion.verdict is Verdict.NIC_HUNG
    assert any("bus-master bit is off" in reason for reason in opinion.reasons)
    assert any("all ones" in reason for reason in opinion.reasons)
    assert not any("pause" in reason for reason in opinion.reasons)


def test_root_discipline_counts_where_queues_have_none() -> None:
    assert watch(Sentry(CARD), 3.0, Answer(monotonic_s=0.0, dequeued=7, backlog_bytes=0)).verdict is Verdict.NIC_HUNG


@pytest.mark.parametrize("answer", [Answer(monotonic_s=0.0), Answer(monotonic_s=0.0, queues={}, backlog_bytes=None)])
def test_without_any_count_of_a_discipline_it_takes_longer(answer: Answer) -> None:
    sentry = Sentry(CARD)
    assert watch(sentry, 2.2, answer).verdict is None
    assert watch(Sentry(CARD), 4.0, answer).verdict is Verdict.NIC_HUNG


def test_probe_that_nobody_sends_does_not_come() -> None:
    answer = Answer(monotonic_s=0.0, queues={0: (7, 98)})
    assert watch(Sentry(CARD), 1.2, answer, asks=False).verdict is None
    assert watch(Sentry(CARD), 4.0, answer, asks=False).verdict is Verdict.NIC_HUNG


def test_lone_frame_that_nobody_can_be_asked_about_is_none() -> None:
    assert watch(Sentry(CARD), 30.0, Answer(monotonic_s=0.0, queues={0: (7, 0)}), asks=False).verdict is None


def test_samples_that_tell_what_waits_need_no_look() -> None:
    sentry = Sentry(Card(interface="eth0", ifindex=2, driver="8139too", has_bql=False))
    opinion = watch(sentry, 5.0, inflight=None, backlog_bytes=3000, dequeued=7)
    assert opinion.verdict is Verdict.NIC_HUNG
    other = Sentry(CARD)
    assert watch(other, 5.0, inflight=None, backlog_bytes=0, dequeued=7).verdict is None
    other.learn(Answer(monotonic_s=5.0, backlog_bytes=3000, dequeued=7))
    assert other.decide(5.1).verdict is None


def test_what_is_not_known_is_no_verdict() -> None:
    sentry = Sentry(CARD)
    assert watch(sentry, 5.0, tx_packets=None, up=None, carrier=None).verdict is None
    for at_s in (6.0, 6.1, 6.2):
        sentry.see(sample(at_s, tx_packets=None))
    assert sentry.decide(6.3).flows is None


def test_what_waited_without_any_counter_says_nothing() -> None:
    card = Card(interface="eth0", ifindex=2, has_bql=False)
    assert watch(Sentry(card), 5.0, inflight=None, tx_packets=None, backlog_bytes=3000).verdict is None


def test_counters_that_begin_anew_or_wrap_are_nothing() -> None:
    sentry = Sentry(CARD)
    opinion = sentry.decide(0.0)
    for step, packets in enumerate((2**32 - 5, 3, 10, 1, 20, 0, 0, 4)):
        sentry.see(sample(step * 0.2, tx_packets=packets, inflight=98))
        opinion = sentry.decide(step * 0.2)
        assert opinion.verdict is None


def test_old_faults_and_old_strays_are_not_told() -> None:
    sentry = Sentry(CARD)
    sentry.hear(Signal(SignalKind.FAULT_LINE, -100.0, "eth0", "a former reset"))
    sentry.hear(Signal(SignalKind.HANG_LINE, -100.0, None, "a former stray"))
    opinion = watch(sentry, 3.0, Answer(monotonic_s=0.0, queues={0: (7, 0)}))
    assert not any("former" in reason for reason in opinion.reasons)


def test_sample_of_the_past_counts_for_nothing_after_a_verdict() -> None:
    sentry = Sentry(CARD)
    opinion = watch(sentry, 3.0, Answer(monotonic_s=0.0, queues={0: (7, 0)}))
    assert opinion.verdict is Verdict.NIC_HUNG
    sentry.settle(100.0)
    sentry.see(sample(50.0, inflight=0, tx_packets=500))
    assert sentry.decide(100.0).flows is None


def test_answer_without_a_sample_before_is_borne() -> None:
    sentry = Sentry(CARD)
    sentry.learn(Answer(monotonic_s=0.0, backlog_bytes=5, dequeued=1))
    sentry.learn_probe(answered=None, now_s=0.0)
    sentry.hear(Signal(SignalKind.LOG_LOST, 0.0, None, "", 7))
    assert sentry.decide(0.1).verdict is None


def test_watchdog_without_any_look_is_believed_after_a_second() -> None:
    sentry = Sentry(CARD)
    sentry.see(sample(0.0, inflight=0))
    sentry.hear(Signal(SignalKind.HANG_LINE, 0.1, "eth0", "NETDEV WATCHDOG: eth0"))
    assert sentry.decide(0.2).wants == {Want.CLOSER_LOOK}
    sentry.see(sample(1.0, inflight=0))
    assert sentry.decide(1.2).verdict is Verdict.NIC_HUNG


@pytest.mark.parametrize(("away_s", "verdict"), [(5.0, Verdict.NIC_HUNG), (3 * 86400.0, None)])
def test_sign_from_before_it_was_switched_off_does_not_wait_for_days(away_s: float, verdict: Verdict | None) -> None:
    sentry = Sentry(CARD)
    sentry.see(sample(0.0, inflight=0, carrier=None))  # it carried nothing, so switching it off is no incident
    sentry.hear(Signal(SignalKind.HANG_LINE, 0.1, "eth0", "NETDEV WATCHDOG: eth0"))
    sentry.hear(Signal(SignalKind.ADMIN, 0.2, "eth0", "", 0))
    assert sentry.decide(0.3).verdict is None
    sentry.hear(Signal(SignalKind.ADMIN, 0.2 + away_s, "eth0", "", 1))
    sentry.see(sample(2.0 + away_s, inflight=0))
    assert sentry.decide(2.0 + away_s).verdict is verdict
