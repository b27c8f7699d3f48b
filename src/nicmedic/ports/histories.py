# SPDX-License-Identifier: GPL-2.0-or-later
"""Where a host's past comes from."""

import datetime
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from nicmedic.evidence.history.sighting import Sighting
from nicmedic.model.errors import NicmedicError
from nicmedic.model.history import PackageChange, Source
from nicmedic.ports.logs import LogStream

__all__ = ["HistoryItem", "HistorySource", "LogChain", "LogPart"]


@dataclass(slots=True, kw_only=True)
class LogPart:
    """One file of a log."""

    stream: LogStream
    follows: bool | None = True
    """Nothing is missing between the part before and this one; None: their names do not tell."""


@dataclass(slots=True, kw_only=True)
class LogChain:
    """One kernel log with its rotations, oldest first; to be read before the next item is asked for."""

    name: str
    parts: Iterator[LogPart | NicmedicError]
    zone: datetime.tzinfo | None = None
    """Of its stamps, where they name none; None: unknown."""
    tells_end: bool = False
    """It would tell of a shutdown, as the journal does."""
    kernels_own: bool = False
    """No user can write a line of the kernel's to it."""
    boot_id: str | None = None
    """All of it is of this boot, though it does not say so: the ring buffer."""
    written_s: float | None = None
    """Seconds since 1970, when it was written at the end of a boot's beginning; it has no wall clock of its own."""
    uptime_s: float | None = None
    """On the kernel's clock, when it was read, if its last line was the last that there was to tell."""


HistoryItem = LogChain | Sighting | PackageChange | Source | NicmedicError


class HistorySource(Protocol):
    """Opens everything that tells of a host's past."""

    def read_history(self, names: Sequence[str]) -> Iterator[HistoryItem]:
        """All of it, in any order; an error in place of what cannot be read, and the rest still comes.

        Args:
            names: files, folders, snapshots, sosreports of one host; none: this machine.
        """
