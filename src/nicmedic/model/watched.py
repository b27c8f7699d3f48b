# SPDX-License-Identifier: GPL-2.0-or-later
"""A card as the resident watcher knows it, what a closer look at it shows, and what is thought of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from nicmedic.model.incident import IncidentVerdict

__all__ = ["Answer", "Card", "Opinion", "Want"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """One interface that can be watched, as sysfs gives it; made anew when a link message says that something changed."""

    interface: str
    ifindex: int
    driver: str | None = None
    bus: str | None = None
    bus_address: str | None = None
    sysfs_path: str | None = None
    permanent_address: str | None = None
    """Only where nobody set another: ``addr_assign_type`` is 0."""
    is_real: bool = True
    """A device stands behind it, and it is not a guest's end of a pair."""
    tx_queues: int = 1
    has_bql: bool | None = None
    """Whether ``inflight`` will mean something; None: nothing was sent yet."""
    speed_mbps: int | None = None
    above: tuple[str, ...] = ()
    """What stands on it: bridge, bond, VLAN; nearest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a closer look at one card shows: asked in doubt only, in a child that can be left behind."""

    monotonic_s: float
    stuck: bool = False
    """The child did not come back in time: somebody holds the lock of networking."""
    queues: Mapping[int, tuple[int, int]] | None = None
    """By queue: packets that its discipline handed on, and bytes that wait. None: no discipline of its own."""
    holds_back: bool = False
    """A discipline that may keep packets by itself (tbf, netem, fq …)."""
    backlog_bytes: int | None = None
    dequeued: int | None = None
    pause_frames: Mapping[str, int] | None = None
    """Counters of ``ethtool -S`` for pause frames received; None: the driver counts none."""
    bus_master: bool | None = None
    lost: bool | None = None
    """The card's configuration space answers all ones."""


class Want(StrEnum):
    """What would settle a doubt."""

    CLOSER_LOOK = "closer_look"
    PROBE = "probe"


@dataclass(frozen=True, slots=True, kw_only=True)
class Opinion:
    """What is thought of one card now."""

    verdict: IncidentVerdict | None = None
    """None: it works, or is idle, as far as can be seen."""
    reasons: tuple[str, ...] = ()
    """What shows it, the strongest first; log text in it is escaped."""
    began_s: float | None = None
    """``time.monotonic`` when it was last seen to work; None: no verdict."""
    wants: frozenset[Want] = frozenset()
    """What would settle it; the opinion is not final while something is wanted."""
    flows: bool | None = None
    """Whether traffic was seen to flow since the verdict before this: True ends an incident as restored."""
    look_again_s: float
    """``time.monotonic`` at which the next sample is wanted."""
