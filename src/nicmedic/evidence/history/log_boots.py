# SPDX-License-Identifier: GPL-2.0-or-later
"""The boots of one kernel log, with all its rotations: when each began by wall clock and uptime, how it ended, when it slept, what it covers.

The boot instant is wall clock less uptime. It grows while the machine sleeps, and it steps when a clock is set; lines of the first seconds are
written late. So the least of its values since the last step is taken.
"""

import dataclasses
import datetime
import re
import zlib
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from nicmedic.evidence.history.clock_steps import Anchor, follow_clock
from nicmedic.evidence.history.sighting import Sighting
from nicmedic.kernlog.boots import BootDraft, BootTracker
from nicmedic.kernlog.clock import Upper, find_seconds_between
from nicmedic.kernlog.events import EventCollector
from nicmedic.kernlog.system import is_suspend
from nicmedic.model.event import Event
from nicmedic.model.history import BootEnd
from nicmedic.model.record import Record, WallTime

__all__ = ["LITERALS", "LogBoots"]

LITERALS = (
    "Command line: ",
    "Xen version",
    "PM: suspend",
    "PM: resume",
    "exiting on signal 15",
    "shutting down for system",
    "Switching to runlevel",
)
"""What a sparse reading must not skip, beside what any reading needs."""

_GOING_DOWN = re.compile(
    r"reboot: (?:Restarting system|Power down|System halted)"
    r"|(?:Reached target|Starting) (?:(?:shutdown|reboot|poweroff|halt)\.target|System (?:Shutdown|Reboot|Power Off)|Shutdown|Power-Off|Reboot)"
    r"|System is (?:rebooting|powering down)|shutting down for system (?:reboot|halt)|Switching to runlevel: [06]"
    r"|exiting on signal 15|Kernel log(?:ging)? \(proc\) stopped|Journal stopped"
)
_SLEEP = ("PM: suspend entry", "PM: hibernation entry", "PM: Syncing filesystems")
_SLEEP_LINES_S = 120.0
"""Between the first and the last line of a suspension, on the kernel's clock."""
_SAME_SLEEP_S = 5.0
_XEN = re.compile(r"Xen version:? (?P<version>\d\S*)")
_COMMAND_LINE = re.compile(r"(?:Kernel )?[Cc]ommand line: (?P<line>[^\n]{1,2048})")
_BIOS = re.compile(r", BIOS (?P<bios>[^\n]{1,120})")
_LAST_LINES = 400
_LAST_S = 600.0
"""A word of a shutdown further from the last line than that is of something else."""
_PRINTS = 64
_FIRST_MICROS = 1000
"""Until then a kernel says the same in every boot, within a few microseconds."""
_ANCHOR_S = 300.0
_OFF_S = 20.0
_PROCESS_LINES = 20
"""A log with so many lines of programs in a boot would tell of its shutdown."""
_WITHOUT_UPTIME_S = 120.0
"""Within so many seconds of the beginning a log daemon writes its first line."""
_SILENT_S = 20 * 3600.0
_COMPUTED_S = 600.0
"""``dmesg -T`` adds the uptime to a boot instant of its own."""
_WRITTEN_DAYS = 3


@dataclass(slots=True)
class _Notes:
    """One boot while its log is being read."""

    anchors: list[Anchor] = field(default_factory=list)
    slept_s: float | None = None
    """Uptime of the last line that tells of a suspension."""
    suspends: int = 0
    down: tuple[WallTime | None, int, float | None] | None = None
    """Wall clock, epoch and uptime of the last word of a shutdown."""
    process_lines: int = 0
    tail: deque[tuple[WallTime, int]] = field(default_factory=lambda: deque(maxlen=_LAST_LINES))
    first: tuple[WallTime, int] | None = None
    spans: list[list[float]] = field(default_factory=list)
    """Of uptimes: first and last of each stretch without a break."""
    wall_spans: list[list[tuple[WallTime, int]]] = field(default_factory=list)
    new_stretch: bool = True
    new_wall_stretch: bool = True
    prints: set[tuple[int, int]] = field(default_factory=set)
    xen: str | None = None
    firmware: str | None = None
    command_line: str | None = None


@dataclass(slots=True)
class LogBoots:
    """Follows one log, record by record, oldest rotation first."""

    name: str
    collector: EventCollector
    zone: datetime.tzinfo | None = None
    """Of stamps that name none; None: unknown."""
    tells_end: bool = False
    """A shutdown is told in it, however few lines of programs it has."""
    tracker: BootTracker = field(default_factory=BootTracker)
    kernel_lines: int = 0
    _notes: dict[int, _Notes] = field(default_factory=dict)
    _last: tuple[WallTime, int] | None = None
    _doubts: bool = False
    _silent: bool = False

    def break_off(self) -> None:
        """Lines are missing before the next record: a rotation is gone."""
        for notes in self._notes.values():
            notes.new_stretch = notes.new_wall_stretch = True

    def doubt(self) -> None:
        """Lines may be missing before the next record: then there is a silence of nearly a day at least, for logs are not rotated more often."""
        self._doubts = True

    def was_silent(self) -> bool:
        """Whether there was such a silence since this was last asked."""
        silent, self._silent, self._doubts = self._silent, False, False
        return silent

    def add(self, record: Record, *, look: bool = True) -> None:
        """The next record. ``look``: as of ``EventCollector.add``."""
        self.collector.add(record, look=look)
        draft, _, epoch = self.tracker.track(record)
        notes = self._notes.setdefault(draft.number, _Notes())
        if self._doubts and record.wall is not None and self._last is not None:
            self._doubts = False
            passed = find_seconds_between(self._last[0], record.wall)
            if notes.first is not None and (passed is None or passed >= _SILENT_S):
                self._silent = True
                self.break_off()
        if record.wall is not None:
            self._last = (record.wall, epoch)
            notes.first = notes.first or self._last
            notes.tail.append(self._last)
            self._extend_wall(notes, self._last)
        if record.kernel is False:
            notes.process_lines += 1
        else:
            self.kernel_lines += record.kernel is True or record.uptime_s is not None or (record.wall is not None and record.wall.computed)
            self._read_text(notes, record)
        if record.uptime_s is not None and record.kernel is not False:
            self._follow(notes, record, epoch)
        if _GOING_DOWN.search(record.text):
            notes.down = (record.wall, epoch, record.uptime_s)

    @staticmethod
    def _extend_wall(notes: _Notes, stamp: tuple[WallTime, int]) -> None:
        if notes.new_wall_stretch:
            notes.wall_spans.append([stamp, stamp])
            notes.new_wall_stretch = False
        else:
            notes.wall_spans[-1][1] = stamp

    @staticmethod
    def _read_text(notes: _Notes, record: Record) -> None:
        text = record.text
        if record.uptime_s is not None and is_suspend(text):
            again = notes.slept_s is not None and record.uptime_s - notes.slept_s < _SAME_SLEEP_S
            notes.suspends += text.startswith(_SLEEP) and not (again and text.startswith(_SLEEP[-1]))
            notes.slept_s = record.uptime_s
        if notes.xen is None and (found := _XEN.search(text)):
            notes.xen = found["version"]
        if notes.command_line is None and (found := _COMMAND_LINE.match(text)):
            notes.command_line = found["line"].strip()
        if notes.firmware is None and text.startswith(("DMI:", "Hardware name:")) and (found := _BIOS.search(text)):
            notes.firmware = found["bios"].strip()

    @staticmethod
    def _follow(notes: _Notes, record: Record, epoch: int) -> None:
        uptime_s = record.uptime_s or 0.0
        if notes.new_stretch:
            notes.spans.append([uptime_s, uptime_s])
            notes.new_stretch = False
        else:
            span = notes.spans[-1]
            span[0], span[1] = min(span[0], uptime_s), max(span[1], uptime_s)
        micro = round(uptime_s * 1e6)
        if micro > _FIRST_MICROS and micro % 1_000_000 and micro % 1000 and len(notes.prints) < _PRINTS:
            notes.prints.add((micro, zlib.crc32(record.text.encode("utf-8", "replace"))))
        if record.wall is None:
            return
        slept = notes.slept_s is not None and 0 <= uptime_s - notes.slept_s <= _SLEEP_LINES_S
        anchor = Anchor(wall=record.wall, epoch=epoch, uptime_s=uptime_s, slept=slept)
        if notes.anchors and not anchor.is_news(notes.anchors[-1], _ANCHOR_S, _OFF_S):
            return
        notes.anchors.append(anchor)

    # The end of the log ------------------------------------------------------------------------------------------------------

    def finish(self, upper: Upper | None) -> tuple[Sighting, ...]:
        """What it saw. ``upper``: the day after which nothing can have been written."""
        found = self.collector.finish(0, upper)
        events: dict[int, list[Event]] = {}
        for event in found.events:
            if event.boot is not None:
                events.setdefault(event.boot, []).append(event)
        sightings: list[Sighting] = []
        later: float | None = None
        telling = self.tells_end or any(notes.down for notes in self._notes.values())
        last = max(self._notes, default=0)
        for draft in reversed(self.tracker.drafts):
            notes = self._notes.get(draft.number)
            if notes is None:
                continue
            sighting = self._freeze(draft, notes, events.get(draft.number, []), upper, later)
            if (
                sighting.end is BootEnd.UNKNOWN
                and draft.number < last
                and (self.tells_end or (telling and notes.process_lines >= _PROCESS_LINES))
            ):
                sighting = dataclasses.replace(sighting, end=BootEnd.CRASH)
            if sightings and _is_prelude(sighting, sightings[-1]):
                continue
            later = sighting.began if sighting.began is not None else later
            sightings.append(sighting)
        return tuple(reversed(sightings))

    def _seconds(self, stamp: tuple[WallTime, int], upper: Upper | None, fold: int = 0) -> tuple[float, bool] | None:
        year = self.tracker.timeline.find_year(*stamp, upper)
        return _find_seconds(stamp[0], self._find_year(stamp, upper) if year is None else year, self.zone, fold)

    def _find_year(self, stamp: tuple[WallTime, int], upper: Upper | None) -> int | None:
        """A log whose last line is of the day on which its file was last written tells its years by that."""
        if upper is None or self._last is None:
            return None
        written = datetime.date(*upper)
        for year in (written.year, written.year - 1):
            last = _find_seconds(self._last[0], year, None)
            if last is not None and 0 <= (written - datetime.datetime.fromtimestamp(last[0], datetime.UTC).date()).days <= _WRITTEN_DAYS:
                return year + stamp[1] - self._last[1]
        return None

    def _freeze(self, draft: BootDraft, notes: _Notes, events: Sequence[Event], upper: Upper | None, later: float | None) -> Sighting:
        placed: list[tuple[float, float, bool]] = []
        zoned, computed = True, False
        for anchor in notes.anchors:
            moment = self._seconds((anchor.wall, anchor.epoch), upper)
            if moment is not None:
                zoned, computed = zoned and moment[1], computed or anchor.wall.computed
                second = self._seconds((anchor.wall, anchor.epoch), upper, fold=1)
                placed.append(_choose_hour(moment[0], second[0] if second else moment[0], anchor, placed))
        course = follow_clock(placed, zoned=zoned)
        first = self._seconds(notes.first, upper) if notes.first else None
        began, within_s = course.began, course.within_s
        if began is None and first is not None and draft.banner:
            began, within_s = first[0] - _WITHOUT_UPTIME_S / 2, _WITHOUT_UPTIME_S / 2
        if first is not None:
            zoned = zoned and first[1]
        seen = self._find_seen(notes, first, upper, later)
        end, ended = self._find_end(notes, seen, upper)
        if ended is not None and seen is not None:
            seen = (seen[0], max(seen[1], ended))
        return Sighting(
            source=self.name,
            order=draft.number,
            zoned=zoned,
            boot_id=draft.boot_id,
            host=draft.host,
            began=began,
            within_s=max(within_s, _COMPUTED_S) if computed else within_s,
            seen=seen,
            exact_end=seen is not None,
            end=end,
            kernel_release=draft.kernel_release,
            kernel_package=draft.kernel_package,
            kernel_evidence="log banner" if draft.kernel_package else None,
            covers_uptime=tuple((first_s, last_s) for first_s, last_s in notes.spans),
            covers_moments=self._find_covered(notes, seen, upper) if began is not None else (),
            events=tuple(events),
            prints=frozenset(notes.prints),
            suspends=max(notes.suspends, sum(gap.why == "suspended" for gap in course.gaps)) if notes.spans else None,
            gaps=course.gaps,
            xen=notes.xen,
            firmware=notes.firmware,
            command_line=notes.command_line,
        )

    def _find_seen(
        self, notes: _Notes, first: tuple[float, bool] | None, upper: Upper | None, later: float | None
    ) -> tuple[float, float] | None:
        """First and last line; programs of the next boot may write before the kernel's first line is written."""
        if first is None:
            return None
        moments = [moment[0] for stamp in notes.tail if (moment := self._seconds(stamp, upper))]
        own = [moment for moment in moments if later is None or moment < later]
        if not moments:
            return None
        last = max(own[-50:]) if own else min(moments)
        return (min(first[0], last), last)

    def _find_end(self, notes: _Notes, seen: tuple[float, float] | None, upper: Upper | None) -> tuple[BootEnd, float | None]:
        if notes.down is None:
            return BootEnd.UNKNOWN, None
        wall, epoch, uptime_s = notes.down
        moment = self._seconds((wall, epoch), upper) if wall else None
        if moment is not None and seen is not None:
            return (BootEnd.CLEAN, moment[0]) if abs(seen[1] - moment[0]) <= _LAST_S else (BootEnd.UNKNOWN, None)
        if uptime_s is not None and notes.spans:
            return (BootEnd.CLEAN if notes.spans[-1][1] - uptime_s <= _LAST_S else BootEnd.UNKNOWN), None
        return BootEnd.UNKNOWN, None

    def _find_covered(self, notes: _Notes, seen: tuple[float, float] | None, upper: Upper | None) -> tuple[tuple[float, float], ...]:
        """From line to line; a log of programs too shows that it was being written."""
        found = []
        for first, last in notes.wall_spans:
            one, other = self._seconds(first, upper), self._seconds(last, upper)
            if one is not None and other is not None and seen is not None and one[0] <= min(other[0], seen[1]):
                found.append((one[0], min(other[0], seen[1])))
        return tuple(found)


def _is_prelude(sighting: Sighting, later: Sighting) -> bool:
    """What a log daemon writes before it passes on the kernel's first line, where nothing older is in the log."""
    if sighting.began is not None or sighting.order > 0 or sighting.events or sighting.seen is None or later.seen is None:
        return False
    return 0 <= later.seen[0] - sighting.seen[0] <= _WITHOUT_UPTIME_S


def _choose_hour(first: float, second: float, anchor: Anchor, before: Sequence[tuple[float, float, bool]]) -> tuple[float, float, bool]:
    """An hour comes twice when summer time ends: of the two moments the one that goes on with what was before."""
    if first != second and before:
        expected = before[-1][0] + anchor.uptime_s - before[-1][1]
        first = min(first, second, key=lambda moment: abs(moment - expected))
    return first, anchor.uptime_s, anchor.slept


def _find_seconds(wall: WallTime, year: int | None, zone: datetime.tzinfo | None, fold: int = 0) -> tuple[float, bool] | None:
    """Seconds since 1970, and whether the zone is known; None: the year is not, or there is no such day.

    ``fold``: of an hour that comes twice at the end of summer time the first or the second.
    """
    if year is None:
        return None
    try:
        moment = datetime.datetime(year, wall.month, wall.day, wall.hour, wall.minute, min(wall.second, 59), wall.microsecond)  # noqa: DTZ001  # below
        if wall.offset_minutes is not None:
            return moment.replace(tzinfo=datetime.UTC).timestamp() - wall.offset_minutes * 60, True
        return moment.replace(tzinfo=zone or datetime.UTC, fold=fold).timestamp(), zone is not None
    except (ValueError, OverflowError):
        return None
