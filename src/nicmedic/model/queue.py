# SPDX-License-Identifier: GPL-2.0-or-later
"""Transmit and receive queues, their queueing disciplines and interrupts: where a hang shows itself."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

__all__ = ["Bql", "Interrupt", "InterruptKind", "Qdisc", "RxQueue", "Spread", "TxQueue"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bql:
    """Byte queue limits, ``queues/tx-N/byte_queue_limits`` (since Linux 3.3). A driver without BQL leaves ``inflight`` at 0 for ever."""

    inflight: int | None = None
    """Bytes handed to the card and not yet reported as sent."""
    limit: int | None = None
    limit_max: int | None = None
    limit_min: int | None = None
    hold_time_ms: int | None = None
    stall_threshold_ms: int | None = None
    """``stall_thrs``, ``stall_cnt``, ``stall_max``: since Linux 6.9."""
    stalls: int | None = None
    stall_max_ms: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TxQueue:
    """``/sys/class/net/IF/queues/tx-N``."""

    index: int
    tx_timeout: int | None = None
    """Expiries of the transmit watchdog, logged or not (since Linux 3.3; commit ccf5ff69fbbd)."""
    bql: Bql | None = None
    """None: a kernel without BQL (CONFIG_BQL)."""
    xps_cpus: str | None = None
    """The mask as sysfs has it; None too where there is one queue only."""
    xps_rxqs: str | None = None
    tx_maxrate_mbps: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RxQueue:
    """``/sys/class/net/IF/queues/rx-N``."""

    index: int
    rps_cpus: str | None = None
    rps_flow_cnt: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Qdisc:
    """One line of ``tc -s qdisc show dev IF``."""

    kind: str
    handle: str | None = None
    """``8001:`` as tc writes it; None: ``0:``, made by the kernel itself."""
    parent: str | None = None
    """``root``, ``ingress``, ``clsact``, or a class as tc writes it: ``:1``, ``8001:a``."""
    queue: int | None = None
    """Index of the transmit queue below ``mq`` or ``mqprio``; None: not one queue's."""
    bytes: int | None = None
    packets: int | None = None
    drops: int | None = None
    overlimits: int | None = None
    requeues: int | None = None
    backlog_bytes: int | None = None
    qlen: int | None = None
    """Packets waiting."""
    options: Mapping[str, int] | None = None
    """Its settings by the kernel's attribute names in lower case (``fq_codel_limit``), as far as they are plain numbers; None: not decoded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """How received packets are spread over the queues, ``ethtool -x IF``. The hash key is not read."""

    rings: int
    table: tuple[int, ...]
    """The queue of each slot."""


class InterruptKind(StrEnum):
    """How a device interrupts."""

    MSIX = "msix"
    MSI = "msi"
    INTX = "intx"
    """A line, perhaps shared."""
    OTHER = "other"
    """Not of a PCI device: xen event channels, platform lines."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Interrupt:
    """One line of ``/proc/interrupts`` that belongs to a NIC."""

    number: int
    kind: InterruptKind | None = None
    per_cpu: tuple[int, ...] | None = None
    """Counts of the CPUs that are online, in their order; None: the line is not in /proc/interrupts (not requested by the driver)."""
    chip: str | None = None
    """Controller and hardware number: ``PCI-MSI 524288-edge``."""
    name: str | None = None
    """Actions: ``eth0-tx-0``; several for a shared line."""
    affinity: str | None = None
    """``smp_affinity_list``."""
    effective_affinity: str | None = None

    @property
    def total(self) -> int | None:
        """Interrupts since boot, over all CPUs."""
        return None if self.per_cpu is None else sum(self.per_cpu)
