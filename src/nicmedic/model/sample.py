# SPDX-License-Identifier: GPL-2.0-or-later
"""What a resident watcher reads of each card several times a second, and what it hears in between. Small: a minute of it stays in memory."""

from enum import StrEnum
from typing import NamedTuple

__all__ = ["QueueSample", "Sample", "Signal", "SignalKind"]


class QueueSample(NamedTuple):
    """One transmit queue."""

    inflight: int | None
    """Bytes given to the card and not reported as sent (BQL); None: the kernel keeps none."""
    tx_timeout: int | None
    """Expiries of its watchdog."""


class Sample(NamedTuple):
    """One card at one moment, out of files of sysfs that need no lock of networking."""

    monotonic_s: float
    up: bool | None
    """IFF_UP: switched on by whoever administers it."""
    carrier: bool | None
    """IFF_LOWER_UP, as the kernel's link messages tell it; None: not known."""
    tx_packets: int | None
    tx_bytes: int | None
    rx_packets: int | None
    rx_bytes: int | None
    queues: tuple[QueueSample, ...] = ()
    backlog_bytes: int | None = None
    """Waits in the root queueing discipline; asked for only where queues tell nothing; None: not asked, or no answer."""
    dequeued: int | None = None
    """Packets that the root discipline has handed on; as above."""


class SignalKind(StrEnum):
    """What happened."""

    HANG_LINE = "hang_line"
    """The kernel's watchdog, or a driver's own report of a hang, in the kernel log."""
    FAULT_LINE = "fault_line"
    """A driver's reset, a lost device, an interrupt, IOMMU, PCI or firmware fault."""
    XMIT_TIMEOUT = "xmit_timeout"
    """Tracepoint net:net_dev_xmit_timeout."""
    CARRIER = "carrier"
    """Came (value 1) or went (0)."""
    ADMIN = "admin"
    """IFF_UP was set (1) or cleared (0)."""
    APPEARED = "appeared"
    VANISHED = "vanished"
    RENAMED = "renamed"
    """``text`` is the name before."""
    CHANGED = "changed"
    """Something of it was set: its MTU, its address, its master."""
    LOG_LOST = "log_lost"
    """``value`` lines of the kernel log, or at least one, were overwritten before they were read."""
    STARVED = "starved"
    """Our own waiting took ``value`` ms longer than asked."""
    SLEPT = "slept"
    """The host was suspended, or stopped by what it runs on, for ``value`` ms."""
    RTNL_STUCK = "rtnl_stuck"
    """Somebody asked about links and got no answer: a driver holds the lock of networking."""
    GATEWAY = "gateway"
    """The kernel's own neighbour entry of a gateway: answers (1), answers over this card or another beside it (2), or failed (0)."""


class Signal(NamedTuple):
    """One thing that happened."""

    kind: SignalKind
    monotonic_s: float
    interface: str | None = None
    """None: of the host, or it could not be told which."""
    text: str = ""
    """The line as the kernel printed it, without its prefix. Hostile: to be escaped where it is shown."""
    value: int | None = None
