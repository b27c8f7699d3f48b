# SPDX-License-Identifier: GPL-2.0-or-later
"""A cheap second look at what moves in a NIC, to be held against an earlier one."""

from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["Counters", "Looks", "QueueCounters"]


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueCounters:
    """One transmit queue."""

    index: int
    tx_timeout: int | None = None
    inflight: int | None = None
    """BQL; stays 0 with a driver that has none."""
    packets: int | None = None
    """Dequeued by this queue's discipline; None: no discipline of its own, as with ``noqueue``."""
    backlog_bytes: int | None = None
    qlen: int | None = None
    drops: int | None = None
    requeues: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Counters:
    """One NIC at one moment. All None but the name: it is gone."""

    interface: str
    monotonic_s: float
    """When it was read, on a clock that never steps; only differences mean something."""
    ifindex: int | None = None
    """Another index than before: another interface of the same name."""
    carrier: bool | None = None
    carrier_changes: int | None = None
    operstate: str | None = None
    tx_packets: int | None = None
    tx_bytes: int | None = None
    rx_packets: int | None = None
    rx_bytes: int | None = None
    tx_errors: int | None = None
    rx_errors: int | None = None
    tx_dropped: int | None = None
    rx_dropped: int | None = None
    queues: tuple[QueueCounters, ...] = ()
    backlog_bytes: int | None = None
    """Of the root discipline, which counts those below it too; None: it has none."""
    qlen: int | None = None
    interrupts: Mapping[int, int] | None = None
    """Number to count over all CPUs."""
    bus_master: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Looks:
    """Several looks at the same NICs, a second or two apart."""

    by_name: Mapping[str, tuple[Counters, ...]] = field(default_factory=dict)
    """Oldest first; two, or three where the first two had to be confirmed."""
    late_s: float = 0.0
    """By how much the waits between them took longer than asked: the host had no processor to spare."""
    later_statistics: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    """``ethtool -S`` after the last look, of all NICs, where one of them stood still; else empty."""

    @property
    def seconds(self) -> float | None:
        """Between the first and the last look; None: there were not two."""
        return max((looks[-1].monotonic_s - looks[0].monotonic_s for looks in self.by_name.values() if len(looks) > 1), default=None)
