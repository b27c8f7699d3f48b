# SPDX-License-Identifier: GPL-2.0-or-later
"""What one source saw of one boot, before anybody compares it with what others saw."""

import datetime
from dataclasses import dataclass

from nicmedic.model.event import Event
from nicmedic.model.history import BootEnd, Gap, HangRecord

__all__ = ["ANY_ZONE_S", "Sighting", "read_time", "render_moment"]

ANY_ZONE_S = 14 * 3600.0
"""By so much a clock of an unnamed zone may differ from UTC."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """One boot in one source. Moments are seconds since 1970 in UTC; where the zone is not known, what they would be if the clock showed UTC."""

    source: str
    order: int
    """Its place among the boots of that source: two of one source are never the same boot."""
    zoned: bool = True
    """False: the source shows local time, and nobody knows of which zone."""
    kernels_own: bool = False
    """No user can write a line of the kernel's to it: the journal's kernel messages, kern.log, dmesg."""
    lists: str | None = None
    """It only lists the boots of the log of that name: it covers what that one has kernel messages of."""
    shifted: bool = False
    """Its zone was found by comparison with other sources."""
    boot_id: str | None = None
    host: str | None = None
    began: float | None = None
    within_s: float = 5.0
    """By how much ``began`` may be wrong, to either side, the zone apart."""
    seen: tuple[float, float] | None = None
    """First and last moment at which it was seen to run."""
    exact_end: bool = False
    """The last of these is good to the minute as long as the source goes on; a list of logins is not."""
    end: BootEnd = BootEnd.UNKNOWN
    kernel_release: str | None = None
    kernel_package: str | None = None
    kernel_evidence: str | None = None
    covers_uptime: tuple[tuple[float, float], ...] = ()
    """From line to line on the kernel's clock: what would tell of a hang."""
    covers_moments: tuple[tuple[float, float], ...] = ()
    """The same for a source without the kernel's clock."""
    events: tuple[Event, ...] = ()
    prints: frozenset[tuple[int, int]] = frozenset()
    """Microsecond and check sum of some messages: two logs that share them show the same boot, whatever their clocks say."""
    suspends: int | None = None
    """None: the source would not tell."""
    gaps: tuple[Gap, ...] = ()
    """Suspensions and clock jumps."""
    xen: str | None = None
    firmware: str | None = None
    command_line: str | None = None
    hangs: tuple[HangRecord, ...] = ()
    """That somebody of ours saw; the log may tell of the same."""
    circumstances: tuple[tuple[str, str], ...] = ()
    """As ``BootRecord.circumstances``."""


def read_time(text: str) -> tuple[float, bool]:
    """Seconds since 1970 of an ISO 8601 text, and whether it names its zone.

    >>> read_time("1970-01-01T00:01:00Z"), read_time("1970-01-01T00:01:00")
    ((60.0, True), (60.0, False))

    Raises:
        ValueError: it is none.
    """
    moment = datetime.datetime.fromisoformat(text)
    if moment.tzinfo is None:
        return moment.replace(tzinfo=datetime.UTC).timestamp(), False
    return moment.timestamp(), True


def render_moment(seconds: float, *, zoned: bool = True) -> str | None:
    """RFC 3339, or without a zone; None: beyond what a calendar holds.

    >>> render_moment(60.4), render_moment(60, zoned=False)
    ('1970-01-01T00:01:00Z', '1970-01-01T00:01:00')
    """
    try:
        text = datetime.datetime.fromtimestamp(round(seconds), datetime.UTC).strftime("%Y-%m-%dT%H:%M:%S")
    except (OverflowError, ValueError, OSError):
        return None
    return f"{text}Z" if zoned else text
