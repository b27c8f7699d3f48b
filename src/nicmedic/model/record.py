# SPDX-License-Identifier: GPL-2.0-or-later
"""One kernel message, freed from the container it came in."""

from typing import NamedTuple

__all__ = ["Record", "WallTime"]


class WallTime(NamedTuple):
    """A wall-clock reading with what the container left out. A NamedTuple: there may be millions."""

    year: int | None
    month: int
    day: int
    hour: int
    minute: int
    second: int
    microsecond: int = 0
    offset_minutes: int | None = None
    """Offset from UTC in minutes; None: local time of an unnamed zone."""
    computed: bool = False
    """True for ``dmesg -T`` and its like: uptime added to a boot time, wrong by every suspend and clock step."""


class Record(NamedTuple):
    """One kernel message. A NamedTuple, the one hot value of the program."""

    line: int
    """1-based line of the source where the message begins."""
    text: str
    """The message; further lines of a multi-line message follow after newlines."""
    wall: WallTime | None = None
    uptime_s: float | None = None
    host: str | None = None
    level: int | None = None
    kernel: bool | None = None
    """True: the container says that the kernel wrote it. False: a process did. None: the container does not say."""
    boot_id: str | None = None
    new_boot: bool = False
    """A separator before this record says that a boot begins (``-- Boot …``, ``-- Reboot --``, another section)."""
    gap: bool = False
    """Lines may be missing before this record (a grep, a sparse reading, a loss message)."""
    device: str | None = None
    """Bus address from the record's dictionary (``_KERNEL_DEVICE=+pci:0000:02:00.0``)."""
    repeated: int = 0
    container: str = ""
    release: str | None = None
    """Kernel release, where the container names it (extended netconsole)."""
