# SPDX-License-Identifier: GPL-2.0-or-later
"""What a container tells about one line, and the kernel's own prefix inside it (``<6>[  551.326415][    C0] ``)."""

from collections.abc import Callable
from typing import NamedTuple

from nicmedic.kernlog.lazy import lazy_pattern
from nicmedic.model.record import WallTime

__all__ = ["Head", "LineFormat", "find_level", "is_kernel_tag", "parse_kernel_prefix"]


class Head(NamedTuple):
    """A line without its container. Fields as in ``nicmedic.model.record.Record``."""

    text: str
    wall: WallTime | None = None
    uptime_s: float | None = None
    host: str | None = None
    level: int | None = None
    kernel: bool | None = None
    boot_id: str | None = None
    device: str | None = None
    delta_s: float | None = None
    """Seconds since the line before, where a container gives only that (``dmesg --time-format delta``)."""
    fragment: tuple[str, int, int] | None = None
    """Key, offset and total bytes of a piece of a message (netconsole's ncfrag; CRI's and Docker's parts have total 0 until the last)."""
    repeated: int = 0
    release: str | None = None
    """Kernel release, where the container names it."""


class LineFormat(NamedTuple):
    """A container whose lines can be told by themselves. ``parse`` returns None for a line of another container."""

    name: str
    parse: Callable[[str], Head | None]


_LEVELS = {
    "emerg": 0, "panic": 0, "alert": 1, "crit": 2, "err": 3, "error": 3, "warn": 4, "warning": 4, "notice": 5, "info": 6, "debug": 7,
}  # fmt: skip
_KERNEL_TAGS = frozenset({"kernel", "vmunix", "vmkernel", "kern"})
_LEVELS_A_FACILITY = 8
_PREFIX = lazy_pattern(
    r"(?:<(?P<pri>\d{1,3})> ?)?"
    r"(?:\[\s*(?P<up>\d{1,9}[.,]\d{3,9})(?:\s*<\s*[-+*\d.,]*\s*>)?\s*\] ?)?"
    r"(?:\[\s*[TC]\d{1,9}\] ?)?"
    r"(?:<(?P<inner>[0-7])>(?=[^.\s]))?"
    r"(?:(?:<\d>\.)?\(\d{1,3}\)\[\d+:[^\]\n]{1,32}\] ?)?"
)


def find_level(word: str | None) -> int | None:
    """Number of a syslog level's name."""
    return _LEVELS.get(word.lower()) if word else None


def is_kernel_tag(tag: str) -> bool:
    """Whether a syslog tag is the one under which kernel messages are filed."""
    return tag.lower() in _KERNEL_TAGS


def parse_kernel_prefix(text: str) -> Head:
    """Take level, stamp and caller id from the start of a kernel line; what is absent stays None.

    >>> parse_kernel_prefix("<6>[  551.326415][    C0] NETDEV WATCHDOG: eth0")[:5]
    ('NETDEV WATCHDOG: eth0', None, 551.326415, None, 6)
    """
    found = _PREFIX.match(text)
    if found is None or found.end() == 0:
        return Head(text)
    priority = int(found["pri"]) if found["pri"] else None
    level = priority % _LEVELS_A_FACILITY if priority is not None else int(found["inner"]) if found["inner"] else None
    uptime = float(found["up"].replace(",", ".")) if found["up"] else None
    return Head(
        text[found.end() :],
        uptime_s=uptime,
        level=level,
        kernel=None if priority is None else priority < _LEVELS_A_FACILITY,
    )
