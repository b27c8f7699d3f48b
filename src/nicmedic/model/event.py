# SPDX-License-Identifier: GPL-2.0-or-later
"""What happened to a network card, as one kernel message tells it."""

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["HANG_KINDS", "Duplex", "Event", "EventKind"]


class EventKind(StrEnum):
    """The kinds of ``nicmedic.explain/1``; the words stand in JSON."""

    TX_TIMEOUT = "tx_timeout"
    """The kernel's transmit watchdog, net/sched/sch_generic.c:dev_watchdog()."""
    HW_HANG = "hw_hang"
    """A driver's own report that its transmitter stands still."""
    RESET = "reset"
    """A driver resets the card, or tells how that went."""
    LINK_UP = "link_up"
    LINK_DOWN = "link_down"
    DEVICE_LOST = "device_lost"
    IRQ_FAULT = "irq_fault"
    IOMMU_FAULT = "iommu_fault"
    PCI_ERROR = "pci_error"
    CPU_STALL = "cpu_stall"
    MEMORY_FAULT = "memory_fault"
    FIRMWARE_FAULT = "firmware_fault"
    USB_FAULT = "usb_fault"
    OTHER = "other"


HANG_KINDS = frozenset({EventKind.TX_TIMEOUT, EventKind.HW_HANG, EventKind.RESET})
"""Kinds that mean, unless their signal says otherwise, that traffic stood still."""


class Duplex(StrEnum):
    """Duplex of a link, as ethtool spells it in lower case."""

    HALF = "half"
    FULL = "full"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One message that means something for a NIC. Unknown is None, never a guess."""

    kind: EventKind
    signal: str
    """The knowledge signal that matched, ``file/id``."""
    hang: bool
    """Whether this kind of message means that traffic stood still."""
    interface: str | None
    driver: str | None
    bus: str | None
    """Bus address as the log spells it: ``0000:02:00.0``, ``2-1:1.0``, ``30be0000.ethernet``."""
    queue: int | None
    stall_ms: int | None
    """Age of the stall in ms, as the kernel printed it (since Linux 6.4)."""
    uptime_s: float | None
    """Seconds on the kernel's clock since boot; stands still during suspend."""
    time: str | None
    """RFC 3339 with offset; None where the log does not say year and zone."""
    local_time: str | None
    """Wall clock as the log has it, without zone: ``2025-04-01T12:00:00``, or ``--04-01T12:00:00`` where the year is unknown."""
    boot: int | None
    source: str
    line: int
    """1-based line of the source as it was handed in."""
    text: str
    """The message, cleaned of containers; may hold hostile bytes as ``\\xNN``."""
    repeated: int = 0
    """Further copies that a ``last message repeated N times`` stands for."""
    same_as: int | None = None
    """Index of an earlier event that this one is another copy of (dmesg and syslog in one upload)."""
    speed_mbps: int | None = None
    duplex: Duplex | None = None
    process: str | None = None
    """Task on the CPU when the watchdog fired, from the ``Comm:`` of the WARNING block."""
    dump: frozenset[str] = frozenset()
    """What a register dump below the message says: ``head_eq_tail``, ``head_ne_tail``, ``status_done``, ``all_ones``, ``address_above_4g``."""
