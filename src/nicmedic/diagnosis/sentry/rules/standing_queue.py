# SPDX-License-Identifier: GPL-2.0-or-later
"""One queue of several stands while others send.

Its bytes in flight stay exactly the same. At full load that may happen to a queue in order for some samples, so only what its own
discipline (a child of mq) hands over decides: a queue that takes packets without growing is served. One frame that stays in flight while
nobody sends another over this queue may be a driver that reports late; no probe settles that, for nobody knows which queue it takes. It
is a hang when more frames join it, or packets wait behind it.
"""

from nicmedic.diagnosis.sentry.finding import Finding
from nicmedic.diagnosis.sentry.flights import Flight
from nicmedic.diagnosis.sentry.looks import Standing
from nicmedic.diagnosis.sentry.memory import Memory
from nicmedic.diagnosis.sentry.rules.evidence import list_evidence
from nicmedic.diagnosis.sentry.rules.standing_bytes import LEAST_S
from nicmedic.model.incident import IncidentVerdict

__all__ = ["judge"]

_DOUBT_S = 0.35
_DOUBT_GROWING_S = 1.2
"""Seven samples that rise by chance are rare."""
_LEAST_SAMPLES = 3
_LEAST_GROWN = 4


def judge(memory: Memory, now_s: float) -> Finding | None:
    """It hangs, if this queue alone does."""
    if memory.card.tx_queues < 2 or memory.last is None:
        return None
    for queue, flight in memory.flights.by_queue.items():
        if flight.samples < _LEAST_SAMPLES or memory.flights.none_done_since_s <= flight.since_s:
            continue
        same_s, stood_s = now_s - memory.proves_from_s(flight.same_since_s), now_s - memory.proves_from_s(flight.since_s)
        if (same_s < _DOUBT_S and stood_s < _DOUBT_GROWING_S) or stood_s < memory.queue_patience_s.get(queue, 0.0):
            continue
        found = _judge_queue(memory, queue, flight, now_s)
        if found is not None:
            return found
    return None


def _judge_queue(memory: Memory, queue: int, flight: Flight, now_s: float) -> Finding | None:
    since_s = memory.proves_from_s(flight.since_s)
    assert memory.last is not None  # noqa: S101  # asked for before
    standing = memory.looks.compare(since_s, queue, memory.last.monotonic_s, flight.inflight, least=_LEAST_GROWN)
    if standing is Standing.SERVED:
        memory.acquit_queue(queue, now_s)
        return Finding(None)
    if standing in {Standing.GROWS, Standing.BLOCKED} and now_s - since_s >= LEAST_S + memory.late.extra_s(now_s):
        why = (
            "more frames were handed over and stay there" if standing is Standing.GROWS else "packets wait behind them, and none was taken"
        )
        stood_s = now_s - flight.since_s
        text = f"{flight.inflight} bytes of queue {queue} have been in flight for {stood_s:.1f} s while other queues send, and {why}"
        return Finding(IncidentVerdict.NIC_HUNG, (text, *list_evidence(memory, now_s)), flight.since_s)
    memory.looks.want_more(now_s, since_s)
    return None
