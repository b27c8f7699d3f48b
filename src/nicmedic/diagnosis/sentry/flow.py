# SPDX-License-Identifier: GPL-2.0-or-later
"""Whether traffic flows again: seen, not hoped for.

Received frames alone prove nothing, for a card that cannot send may receive; nor does an empty queue, for a driver's reset empties it
(``netdev_reset_queue``). So either frames were counted as sent more than once, with nothing kept from before, and some came in; or a
probe that was sent after the verdict was answered. Of several queues without bytes in flight each of both may be another queue's: after a
sign of a hang the watchdog must have had time to tell again.
"""

from nicmedic.diagnosis.sentry.memory import NEVER, Memory
from nicmedic.diagnosis.sentry.rules.no_processor import find_standing
from nicmedic.model.incident import IncidentVerdict
from nicmedic.model.sample import Sample

__all__ = ["Flow"]

_APART_S = 0.3
_APART_UNSURE_S = 2.0
"""For a driver that may count frames before they are sent."""
_STEADY_S = 2.0
_STEADY_AFTER_FLAPPING_S = 10.0
_CALM_S = 10.0
_STANDS_S = 0.3
_WATCHDOG_S = 7.0
"""Longer than from one look of the kernel's watchdog to the next: 5 s, rounded to a whole second (net/sched/sch_generic.c ``dev_watchdog``)."""


class Flow:
    """Since the last verdict."""

    def __init__(self) -> None:
        """Nothing was seen yet, and nothing had been found."""
        self._mark_s = NEVER
        self._verdict: IncidentVerdict | None = None
        self._by_carrier = False
        self._sent, self._received = 0, 0
        self._first_s = self._last_s = NEVER

    def mark(self, now_s: float, verdict: IncidentVerdict | None, *, by_carrier: bool = False) -> None:
        """What counts is what comes after this. ``by_carrier``: the verdict was given because there was none, or no card."""
        self._mark_s, self._verdict, self._by_carrier = now_s, verdict, by_carrier
        self._sent = self._received = 0

    def see(self, memory: Memory, sample: Sample) -> None:
        """One more sample, after ``memory`` has seen it."""
        at_s, flights = sample.monotonic_s, memory.flights
        if at_s <= self._mark_s:
            return
        if flights.by_queue and not flights.works and at_s - flights.none_done_since_s >= _STANDS_S:
            self._sent = self._received = 0
            return
        if flights.works if memory.tells_flights else memory.tx_moved_s == at_s:
            self._first_s = self._first_s if self._sent else at_s
            self._last_s = at_s
            self._sent += 1
        self._received += memory.rx_moved_s == at_s

    def is_seen(self, memory: Memory, now_s: float) -> bool:
        """Whether what the verdict was about is over."""
        if memory.gone_s is not None or memory.down_s is not None or memory.carrier is False or memory.last is None:
            return False
        if self._verdict is IncidentVerdict.ADMINISTRATOR:
            return True
        if self._by_carrier:
            flapped = len(memory.drops) == memory.drops.maxlen
            return now_s - memory.back_s >= (_STEADY_AFTER_FLAPPING_S if flapped else _STEADY_S)
        if memory.keeps_from(self._mark_s) or self._may_be_told_again(memory, now_s):
            return False
        if memory.probes.answered_since(self._mark_s) is not None:
            return True
        if self._verdict is IncidentVerdict.UPSTREAM and (memory.gateway_back_s > self._mark_s or not memory.probes.is_impossible):
            return memory.gateway_back_s > self._mark_s
        if self._verdict is IncidentVerdict.HOST and now_s - self._mark_s >= _CALM_S:
            return not memory.late.is_starved(now_s) and find_standing(memory) is None
        apart_s = _APART_S if memory.counts_what_left else _APART_UNSURE_S
        return self._sent >= 2 and self._received > 0 and self._last_s - self._first_s >= apart_s

    def _may_be_told_again(self, memory: Memory, now_s: float) -> bool:
        """Whether the watchdog told of one of several queues a moment ago, and nothing but the watchdog tells of a single queue."""
        hung = self._verdict is IncidentVerdict.NIC_HUNG
        return hung and memory.card.tx_queues > 1 and not memory.tells_flights and now_s - memory.signed_s < _WATCHDOG_S
