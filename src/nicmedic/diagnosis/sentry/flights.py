# SPDX-License-Identifier: GPL-2.0-or-later
"""Bytes in flight, queue by queue, sample by sample: since when has nothing been reported as sent?

``inflight`` is what the driver was given less what it reported as sent (lib/dynamic_queue_limits.c, ``num_queued - num_completed``, shown
by net/core/net-sysfs.c ``bql_show_inflight``). Each completion lowers it, each frame that is handed over raises it. So a number that is
above 0 and never falls between samples *may* mean that nothing was completed, and one that falls proves that something was, or that the
driver emptied its rings in a reset. At load it rarely stays the same for two samples, and over half a second practically never rises all
the time.
"""

from dataclasses import dataclass

from nicmedic.model.sample import Sample

__all__ = ["SHORTEST_FRAME", "Flight", "Flights"]

SHORTEST_FRAME = 42
"""Bytes of the shortest frame as the stack knows it: ARP, before padding."""
_PADDING = 22
"""A driver may count a frame with its padding and its checksum, which ``inflight`` is without."""
_TRUSTED = 0.9
"""Some count segments of a large frame with a header each, ``inflight`` with one: at most a tenth less."""


@dataclass(slots=True)
class Flight:
    """One queue that has had bytes in flight since then, never less than before."""

    since_s: float
    same_since_s: float
    """Exactly this number."""
    inflight: int
    samples: int = 1


class Flights:
    """Of all queues of a card."""

    def __init__(self) -> None:
        """Nothing is in flight."""
        self.by_queue: dict[int, Flight] = {}
        self.total = 0
        self.none_done_since_s = float("-inf")
        """Since then everything that was seen fits a card that completes nothing, over all queues."""
        self.works = False
        """The last sample shows that something was completed: frames were counted, and no queue looks as if it kept them."""
        self.seen = False
        """There were bytes in flight once: the kernel keeps the count for this driver."""

    def restart(self, now_s: float) -> None:
        """Whatever is in flight, judge it from now on only."""
        self.none_done_since_s = now_s
        for flight in self.by_queue.values():
            flight.since_s = flight.same_since_s = now_s
            flight.samples = 1

    def see(self, before: Sample | None, sample: Sample) -> None:
        """One more sample."""
        grown, fell = self._follow(sample)
        if before is None:
            self.none_done_since_s = sample.monotonic_s
            return
        sent = None if sample.tx_packets is None or before.tx_packets is None else sample.tx_packets - before.tx_packets
        none_done = not fell and sent is not None and (sent == 0 or (sent > 0 and self._are_kept(sent, grown, before, sample)))
        if not none_done:
            self.none_done_since_s = sample.monotonic_s
        self.works = sent is not None and sent > 0 and (not none_done or not self.by_queue)

    @staticmethod
    def _are_kept(sent: int, grown: int, before: Sample, sample: Sample) -> bool:
        """Whether frames that were counted meanwhile may all be in flight still: a driver that counts them when it is handed them."""
        if grown < SHORTEST_FRAME * sent:
            return False
        return (
            sample.tx_bytes is None or before.tx_bytes is None or grown >= _TRUSTED * (sample.tx_bytes - before.tx_bytes) - _PADDING * sent
        )

    def _follow(self, sample: Sample) -> tuple[int, bool]:
        """By how many bytes all queues together grew, and whether one fell."""
        fell, total = False, 0
        for index, queue in enumerate(sample.queues):
            inflight = queue.inflight
            flight = self.by_queue.get(index)
            if not inflight:
                if flight is not None:
                    del self.by_queue[index]
                    fell = True
                continue
            total += inflight
            if flight is None:
                self.by_queue[index] = Flight(sample.monotonic_s, sample.monotonic_s, inflight)
                continue
            if inflight < flight.inflight:
                fell = True
                flight.since_s = flight.same_since_s = sample.monotonic_s
                flight.samples = 0
            elif inflight > flight.inflight:
                flight.same_since_s = sample.monotonic_s
            flight.inflight = inflight
            flight.samples += 1
        grown, self.total = total - self.total, total
        self.seen = self.seen or total > 0
        return grown, fell
