# SPDX-License-Identifier: GPL-2.0-or-later
"""What the watcher is given, and moments as it writes them down."""

import datetime
from collections.abc import Callable
from dataclasses import dataclass

from nicmedic.model.policy import Policy
from nicmedic.ports.clock import Clock
from nicmedic.ports.watching import Errands, Heart, IncidentStore, Senses, Teller, Treater

__all__ = ["Boot", "Edges", "Moment", "read_moment"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Boot:
    """Of the host, as long as it runs."""

    boot_id: str
    kernel_release: str | None = None
    kernel_package: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Edges:
    """The outside."""

    senses: Senses
    store: IncidentStore
    treater: Treater
    errands: Errands
    teller: Teller
    heart: Heart
    clock: Clock
    boot: Boot
    read_uptime_s: Callable[[], float]
    """Since the boot, with the time that the host was suspended."""
    read_policy: Callable[[], Policy]
    """Raises ``NicmedicError`` for a file that cannot be understood."""
    take_policy: Callable[[Policy], None] = lambda _policy: None
    """Called with one that was read anew, for whoever else goes by it."""
    turn: Callable[[float], None] = lambda _now_s: None
    """Called about once a second, for whoever has something to look after."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """One moment by every clock."""

    monotonic_s: float
    uptime_s: float
    wall: datetime.datetime

    @property
    def at(self) -> str:
        """RFC 3339."""
        return self.wall.isoformat(timespec="milliseconds")

    def earlier(self, monotonic_s: float) -> "Moment":
        """Another one, by how long ago it was."""
        ago_s = max(0.0, self.monotonic_s - monotonic_s)
        return Moment(
            monotonic_s=self.monotonic_s - ago_s,
            uptime_s=max(0.0, self.uptime_s - ago_s),
            wall=self.wall - datetime.timedelta(seconds=ago_s),
        )


def read_moment(edges: Edges) -> Moment:
    """Now."""
    return Moment(monotonic_s=edges.clock.read_monotonic_s(), uptime_s=edges.read_uptime_s(), wall=edges.clock.read_now())
