# SPDX-License-Identifier: GPL-2.0-or-later
"""Incidents: what ``watch`` saw of one outage, what it took it for, and what was done.

An incident is written down before anything is done about it. Its evidence are pieces with names, kept beside it.
"""

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["Action", "ActionState", "Evidence", "EvidenceKind", "Incident", "IncidentVerdict"]


class IncidentVerdict(StrEnum):
    """Where the fault is."""

    NIC_HUNG = "nic_hung"
    """The card or its driver: it takes frames and sends none, its watchdog fired, its driver says so, or it is gone from the bus."""
    LINK = "link"
    """No carrier, or the partner holds it with pause frames."""
    UPSTREAM = "upstream"
    """Our frames leave, and the gateway does not answer."""
    HOST = "host"
    """No processor for it: starved, stopped, suspended."""
    ADMINISTRATOR = "administrator"
    """Somebody took the interface down, or its driver away."""
    UNSURE = "unsure"
    """Something stands still, and what is seen does not tell why."""


class ActionState(StrEnum):
    """How something that was done about an incident ended."""

    RUNNING = "running"
    """Begun, and not known to have ended: also what a crash leaves."""
    HELPED = "helped"
    FAILED = "failed"
    """It did not help, or was rolled back; the card is as it was."""
    CHANGED = "changed"
    """It failed, and could not be undone."""
    HELD_BACK = "held_back"
    """The policy did not allow it now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """One thing that was done about an incident, or was not."""

    what: str
    """``restore``, ``prevent``, ``reboot``."""
    state: ActionState
    began: str
    """RFC 3339."""
    ended: str | None = None
    transactions: tuple[int, ...] = ()
    """Of ``nicmedic transactions``."""
    detail: str = ""
    """What the command said first, or the reason; fit for a terminal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """One outage, or what looked like one."""

    id: int | None = None
    """None: not written down yet."""
    boot_id: str
    interface: str
    """Its name; of one that is open, as it is called now."""
    driver: str | None = None
    bus: str | None = None
    bus_address: str | None = None
    permanent_address: str | None = None
    verdict: IncidentVerdict
    reasons: tuple[str, ...]
    """What shows it, the strongest first; fit for a terminal."""
    began: str
    """RFC 3339: the last moment at which it was seen to work, as far as that was seen; else the first sign."""
    began_uptime_s: float
    detected: str
    detected_uptime_s: float
    restored: str | None = None
    """When traffic was seen to flow again; None: not yet, or not seen."""
    restored_uptime_s: float | None = None
    ended: str | None = None
    """When it was over in whatever way: restored, the card went, the host was shut down; None: it goes on, or nobody saw its end."""
    ended_why: str | None = None
    """``restored``, ``gone``, ``boot``: a later boot found it open."""
    kernel_release: str | None = None
    kernel_package: str | None = None
    """With its version, as ``uname -v`` gives it."""
    actions: tuple[Action, ...] = ()


class EvidenceKind(StrEnum):
    """What a piece of evidence holds."""

    SAMPLES = "samples"
    """Counters of the minute before, one a second: JSON."""
    KERNEL_LOG = "kernel_log"
    """Before and at the moment: text as of ``dmesg``."""
    KERNEL_LOG_AFTER = "kernel_log_after"
    HOST = "host"
    """All that is known of host and card: a snapshot, tar.gz."""
    CHANGES = "changes"
    """What is not as it was at the last healthy boot: JSON."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """One piece."""

    kind: EvidenceKind
    at: str
    """RFC 3339: when it was kept."""
    data: bytes
    thinned: bool = False
    """Part of it was given up to stay within the size."""
