# SPDX-License-Identifier: GPL-2.0-or-later
"""Bytes are in flight, and nothing at all is reported as sent, over all queues.

``flights`` has the reasoning. What could still be a card in order, and what acquits it:

- counters that are renewed once a second or two (tg3 gets them by DMA, e1000 from its watchdog task) at a load that fills the queue: two
  closer looks show that the discipline hands packets over, and bytes in flight do not grow by them;
- a driver that reports the last frame only when the next one comes, or late: a silent probe is the next one, and its answer shows that it
  left;
- pause frames, a starved host, a link that went: rules before this one.

Where nobody can be asked, a frame that stays alone is no verdict: some more must join it, or packets wait behind it. A driver must free what it took
in finite time, even if no other frame comes (Documentation/networking/driver.rst), but not all do.
"""

from nicmedic.diagnosis.sentry.finding import Finding
from nicmedic.diagnosis.sentry.looks import Asked, Standing
from nicmedic.diagnosis.sentry.memory import Memory
from nicmedic.diagnosis.sentry.rules.evidence import list_evidence
from nicmedic.model.incident import IncidentVerdict

__all__ = ["LEAST_S", "judge"]

LEAST_S = 0.45
"""Looks less far apart prove nothing. A frame of 9000 bytes leaves within 8 ms even at 10 Mb/s."""
_DOUBT_S = 0.15
_LEAST_SAMPLES = 4
_LEAST_GROWN = 4
_STUCK_S = 1.5
_UNKNOWN_S = 2.5
"""Longer than any driver takes to renew its counters."""


def judge(memory: Memory, now_s: float) -> Finding | None:
    """It hangs, if nothing acquits it."""
    flights = memory.flights
    if not flights.by_queue or memory.last is None:
        return None
    began_s = max(flights.none_done_since_s, min(flight.since_s for flight in flights.by_queue.values()))
    since_s = memory.proves_from_s(began_s)
    if now_s - since_s < max(_DOUBT_S, memory.patience_s):
        return None
    memory.doubted_s = since_s
    memory.looks.want_more(now_s, since_s)
    asked = memory.probes.ask(since_s, now_s)
    least = _LEAST_GROWN if asked is Asked.IMPOSSIBLE else 1
    standing = memory.looks.compare(since_s, None, memory.last.monotonic_s, flights.total, least=least)
    if standing is Standing.SERVED:
        memory.acquit(now_s, now_s - since_s)
        return None
    if asked is Asked.ANSWERED and standing is not Standing.BLOCKED:
        if standing is not Standing.OPEN:
            memory.acquit(now_s, now_s - since_s)
        return Finding(None)
    samples = max(flight.samples for flight in flights.by_queue.values())
    is_open = Asked.OPEN is asked or Standing.OPEN is standing or (Asked.IMPOSSIBLE is asked and Standing.IDLE is standing)
    if is_open or samples < _LEAST_SAMPLES or now_s - since_s < _find_need_s(memory, since_s, standing) + memory.late.extra_s(now_s):
        return Finding(None)
    seconds = now_s - began_s
    reasons = [f"{flights.total} bytes are in flight, and nothing was reported as sent for {seconds:.1f} s"]
    look = memory.looks.last
    if look is not None and look.waits(None):
        reasons.append(f"{look.waits(None)} bytes more wait in the queueing discipline")
    if asked is Asked.SILENT:
        reasons.append("the gateway did not answer over it")
    return Finding(IncidentVerdict.NIC_HUNG, (*reasons, *list_evidence(memory, now_s)), began_s)


def _find_need_s(memory: Memory, since_s: float, standing: Standing) -> float:
    """For how long it must stand."""
    if standing is Standing.UNKNOWN:
        return _STUCK_S if any(look.answer.stuck for look in memory.looks.since(since_s)) else _UNKNOWN_S
    return LEAST_S
