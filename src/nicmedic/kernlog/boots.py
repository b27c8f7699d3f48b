# SPDX-License-Identifier: GPL-2.0-or-later
"""Tell boots apart in the records of one source: by banner, boot id, separator, a falling uptime, or a boot instant that jumps.

The boot instant is wall clock less uptime. It also moves when the machine sleeps (uptime stands still), when a clock is set, and by an hour
with daylight saving; none of these is a boot.
"""

from dataclasses import dataclass, field

from nicmedic.kernlog.clock import TimeLine, Upper, find_seconds_between, render_local_time, render_time
from nicmedic.kernlog.system import SystemFacts, find_rtc_time, is_banner, is_clock_set, is_suspend, read_system_facts
from nicmedic.model.boot import Boot
from nicmedic.model.record import Record, WallTime

__all__ = ["MOST_BOOTS", "BootDraft", "BootTracker"]

_INTERLEAVED_S = 5.0
"""Two CPUs may print out of order by less than that (seen: 3.5 s in a bnx2 register dump)."""
_SAME_INSTANT_S = 120.0
MOST_BOOTS = 2000
"""Boots told apart in one source, so that memory stays bounded; a daily reboot fills it in five years."""
_EARLY_S = 5.0
_HOUR_S = 3600
_VERSION = "Linux version "
_MOST_BEFORE_VERSION = 5
_DAY_S = 86_400


@dataclass(slots=True)
class BootDraft:
    """A boot while its log is being read."""

    number: int
    started: str
    host: str | None = None
    boot_id: str | None = None
    banner: bool = False
    version: bool = False
    """The banner with the version has been seen; on Arm the line of the first CPU stands before it."""
    slept: bool = False
    clock_set: bool = False
    """A time service says that it has set the clock: the wall clock may jump, once."""
    records: int = 0
    first_wall: tuple[WallTime, int] | None = None
    last_wall: tuple[WallTime, int] | None = None
    first_uptime_s: float | None = None
    last_uptime_s: float | None = None
    uptime_wall: tuple[float, WallTime] | None = None
    """The last uptime and wall clock that stood in one record."""
    kernel_release: str | None = None
    kernel_package: str | None = None
    build_path: str | None = None
    distro: str | None = None
    virtualization: str | None = None
    hardware: str | None = None

    def is_over(self, banner: Record) -> bool:
        """Whether a banner begins another boot, and is not the second half of this one's: ``Booting Linux on physical CPU``, ``Linux version``."""
        if self.banner and not self.version and banner.text.startswith(_VERSION) and self.records <= _MOST_BEFORE_VERSION:
            return False
        without_uptimes = banner.uptime_s is None and self.first_uptime_s is None and self.records > 0
        return self.banner or (self.last_uptime_s or 0.0) > _EARLY_S or without_uptimes

    def note(self, facts: SystemFacts) -> None:
        """Keep what is told first; xen-dom0 and a package version outweigh lesser words."""
        self.kernel_release = self.kernel_release or facts.kernel_release
        self.kernel_package = self.kernel_package or facts.kernel_package
        self.build_path = self.build_path or facts.build_path
        self.distro = self.distro or facts.distro
        self.hardware = self.hardware or facts.hardware
        if self.virtualization is None or facts.virtualization == "xen-dom0":
            self.virtualization = facts.virtualization or self.virtualization


@dataclass(slots=True)
class BootTracker:
    """Follows one source, record by record; several hosts in one log have boots of their own."""

    timeline: TimeLine = field(default_factory=TimeLine)
    drafts: list[BootDraft] = field(default_factory=list)
    uncounted: int = 0
    """Times a boot began after there were too many of them."""
    _current: dict[str | None, BootDraft] = field(default_factory=dict)
    _by_id: dict[str, BootDraft] = field(default_factory=dict)
    _last_host: str | None = None

    def track(self, record: Record) -> tuple[BootDraft, SystemFacts | None, int]:
        """The boot a record belongs to, what it tells of the system, and the epoch of its stamp."""
        host = record.host or self._last_host
        self._last_host = host
        current = self._current.get(host) or (self._current.pop(None, None) if record.host else None)
        draft = self._choose(record, current)
        draft.host = draft.host or record.host
        self._current[host] = draft
        epoch = self.timeline.follow(record.wall) if record.wall is not None else self.timeline.epoch
        facts = None
        draft.kernel_release = draft.kernel_release or record.release
        if record.kernel is not False:
            facts = self._note_text(draft, record)
        elif is_clock_set(record.text):
            draft.clock_set = True
        self._note_times(draft, record, epoch)
        return draft, facts, epoch

    def _choose(self, record: Record, current: BootDraft | None) -> BootDraft:
        if record.boot_id is not None:
            known = self._by_id.get(record.boot_id)
            if known is not None:
                return known
        reason = self._find_reason(record, current)
        if current is not None and reason is None:
            if record.boot_id is not None:
                current.boot_id = record.boot_id
                self._by_id[record.boot_id] = current
            return current
        if len(self.drafts) >= MOST_BOOTS:
            self.uncounted += 1
            return current or self.drafts[-1]
        draft = BootDraft(number=len(self.drafts), started=reason or "first", boot_id=record.boot_id)
        if record.boot_id is not None:
            self._by_id[record.boot_id] = draft
        self.drafts.append(draft)
        return draft

    def _find_reason(self, record: Record, current: BootDraft | None) -> str | None:
        """Why a record begins a new boot; None: it does not."""
        if current is None:
            return "first"
        if record.boot_id is not None and current.boot_id is not None and record.boot_id != current.boot_id:
            return "boot-id"
        if record.new_boot and current.records:
            return "separator"
        if record.kernel is False:
            return None
        if is_banner(record.text) and current.is_over(record):
            return "banner"
        return _compare_clocks(record, current)

    def _note_text(self, draft: BootDraft, record: Record) -> SystemFacts | None:
        if is_banner(record.text):
            draft.banner, draft.version = True, draft.version or record.text.startswith(_VERSION)
        draft.slept = draft.slept or is_suspend(record.text)
        rtc = find_rtc_time(record.text)
        if rtc is not None:
            self.timeline.note_year(rtc[0], rtc[1])
        facts = read_system_facts(record.text)
        if facts is not None:
            draft.note(facts)
            if facts.built is not None:
                self.timeline.note_built(facts.built)
        return facts

    @staticmethod
    def _note_times(draft: BootDraft, record: Record, epoch: int) -> None:
        draft.records += 1
        if record.wall is not None:
            draft.first_wall = draft.first_wall or (record.wall, epoch)
            draft.last_wall = (record.wall, epoch)
        if record.uptime_s is not None:
            draft.first_uptime_s = record.uptime_s if draft.first_uptime_s is None else min(draft.first_uptime_s, record.uptime_s)
            draft.last_uptime_s = record.uptime_s if draft.last_uptime_s is None else max(draft.last_uptime_s, record.uptime_s)
            if record.wall is not None:
                draft.uptime_wall = (record.uptime_s, record.wall)

    def finish(self, first_index: int, upper: Upper | None) -> list[Boot]:
        """The boots, numbered from ``first_index``; ``upper``: day after which nothing can have been written."""
        return [self._freeze(draft, first_index, upper) for draft in self.drafts]

    def _freeze(self, draft: BootDraft, first_index: int, upper: Upper | None) -> Boot:
        def time_of(stamp: tuple[WallTime, int] | None) -> str | None:
            return render_time(stamp[0], self.timeline.find_year(*stamp, upper)) if stamp else None

        return Boot(
            index=first_index + draft.number,
            host=draft.host,
            kernel_release=draft.kernel_release,
            kernel_package=draft.kernel_package or draft.build_path,
            distro=draft.distro,
            virtualization=draft.virtualization,
            hardware=draft.hardware,
            boot_id=draft.boot_id,
            first_time=time_of(draft.first_wall),
            last_time=time_of(draft.last_wall),
            first_uptime_s=draft.first_uptime_s,
            last_uptime_s=draft.last_uptime_s,
            started=draft.started,
        )

    def render_times(self, wall: WallTime | None, epoch: int, upper: Upper | None) -> tuple[str | None, str | None]:
        """RFC 3339 time and local time of a stamp."""
        if wall is None:
            return None, None
        year = self.timeline.find_year(wall, epoch, upper)
        return render_time(wall, year), render_local_time(wall, year)


def _compare_clocks(record: Record, current: BootDraft) -> str | None:
    """Uptime against the boot's last, and against the wall clock where both are there."""
    if record.uptime_s is None or current.last_uptime_s is None:
        return None
    passed_s = record.uptime_s - current.last_uptime_s
    wall_s: int | None = None
    if record.wall is not None and current.uptime_wall is not None and not record.wall.computed:
        wall_s = find_seconds_between(current.uptime_wall[1], record.wall)
        passed_s = record.uptime_s - current.uptime_wall[0]
    if wall_s is None:
        return "uptime" if passed_s < -_INTERLEAVED_S else None
    shift_s = wall_s - passed_s
    if passed_s < -_INTERLEAVED_S:
        return "uptime" if abs(shift_s) > _SAME_INSTANT_S and not _is_daylight_saving(shift_s) else None
    if abs(passed_s) <= _SAME_INSTANT_S or current.slept or current.clock_set or current.banner:
        return None  # a clock was set, or the machine slept; a log that shows the first lines of boots would show this boot's too
    if (shift_s > 0 and wall_s < record.uptime_s - _SAME_INSTANT_S) or -_DAY_S < shift_s < 0:
        return None  # the machine was up before the other line was written: a clock was set
    return "clock" if abs(shift_s) > _SAME_INSTANT_S and not _is_daylight_saving(shift_s) else None


def _is_daylight_saving(shift_s: float) -> bool:
    return abs(abs(shift_s) - _HOUR_S) <= 2  # stamps of whole seconds
