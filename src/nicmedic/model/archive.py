# SPDX-License-Identifier: GPL-2.0-or-later
"""What is told of a snapshot that was written. What is in it, ``nicmedic.host.snapshot`` says."""

from dataclasses import dataclass

__all__ = ["Written"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """An archive that was written."""

    path: str
    bytes: int
    members: int
    missing: tuple[tuple[str, str], ...]
    """What could not be had, and why."""
    map_path: str | None = None
    """The private file that says what was replaced by what; None: nothing was."""
    is_in_memory: bool = False
    """It is on a file system that a reboot empties."""
