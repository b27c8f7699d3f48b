# SPDX-License-Identifier: GPL-2.0-or-later
"""A history as what a timeline shows: a lane for each kernel package, with few enough pieces to be read.

Of thousands of boots, spans that nobody could tell apart on paper become one. The table beside it is made by ``html_periods``.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final

from nicmedic.evidence.confounders import is_kernel
from nicmedic.evidence.moments import parse_moment
from nicmedic.model.history import BootRecord, History, PackageChange
from nicmedic.report.history_text import name_kernel

__all__ = ["OTHERS", "Cover", "Lane", "Span", "Timeline", "Treatment", "choose_kernels", "list_hangs", "plan_timeline"]

_PIECES: Final = 300
"""So many can be told apart over the width of a page."""
_MOST_LANES: Final = 8
_MOST_LINES: Final = 24
_ROUGH_S: Final = 12 * 3600
"""A boot whose start may be wrong by so much has no place on an axis."""
_EARLIEST: Final = datetime(1992, 1, 1, tzinfo=UTC)
_LATEST: Final = datetime(2200, 1, 1, tzinfo=UTC)
"""Nothing ran Linux before, and a clock that lost its battery says 1970."""
_MOST_S: Final = 200 * 365 * 86_400
OTHERS: Final = "other kernels"
"""The lane of those that have none of their own."""


class Cover(StrEnum):
    """Whether a hang in this time would be known of."""

    WATCHED = "watched"
    PARTLY = "partly"
    """A part of it is in no kernel log, and nothing tells which."""
    UNWATCHED = "unwatched"


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A time in which a kernel ran."""

    begin: datetime
    end: datetime
    cover: Cover = Cover.WATCHED

    @property
    def length(self) -> timedelta:
        """From begin to end."""
        return self.end - self.begin


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """One kernel package."""

    kernel: str
    spans: tuple[Span, ...]
    hangs: tuple[datetime, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Treatment:
    """A time in which a remedy was in force."""

    name: str
    begin: datetime
    end: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """Everything that has a date."""

    lanes: tuple[Lane, ...]
    begin: datetime
    end: datetime
    changes: tuple[datetime, ...]
    """When packages were changed; of too many, when the kernel's were."""
    undated: int
    """Boots that cannot be drawn, for nothing tells well enough when they were."""


def _begin(boot: BootRecord) -> datetime | None:
    return None if (boot.began_within_s or 0.0) >= _ROUGH_S else _parse(boot.began)


def _parse(text: str | None) -> datetime | None:
    """A moment that can be true."""
    moment = parse_moment(text)
    return moment if moment is not None and _EARLIEST <= moment < _LATEST else None


def _end(boot: BootRecord, begin: datetime) -> datetime:
    """The last moment at which it was seen to run; at least its start."""
    ended = _parse(boot.ended)
    if ended is None:
        ended = _later(begin, (boot.ran_h or 0.0) * 3600)
    return max(begin, ended)


def _later(moment: datetime, seconds: float) -> datetime:
    return min(_LATEST, moment + timedelta(seconds=min(seconds, _MOST_S)))


def _spans(boot: BootRecord, begin: datetime) -> list[Span]:
    """A boot in pieces, one after the other: what a log covers, what none does."""
    end = _end(boot, begin)
    if boot.covered_h <= 0:
        return [Span(begin=begin, end=end, cover=Cover.UNWATCHED)]
    told = [gap for gap in boot.gaps if gap.why == "no log" and gap.began_uptime_s is not None and gap.hours is not None]
    holes = sorted((_later(begin, gap.began_uptime_s or 0.0), (gap.hours or 0.0) * 3600) for gap in told)
    lost_h = (boot.ran_h or 0.0) - boot.covered_h - sum(seconds for _, seconds in holes) / 3600
    rest = Cover.PARTLY if lost_h > max(0.1, 0.02 * (boot.ran_h or 0.0)) else Cover.WATCHED
    spans: list[Span] = []
    for first, seconds in holes:
        if begin < first < end:
            spans.append(Span(begin=begin, end=first, cover=rest))
        begin = max(begin, min(end, first))
        spans.append(Span(begin=begin, end=max(begin, min(end, _later(first, seconds))), cover=Cover.UNWATCHED))
        begin = spans[-1].end
    return [*spans, *([Span(begin=begin, end=end, cover=rest)] if begin < end or not spans else [])]


def _hangs(boot: BootRecord, begin: datetime) -> list[datetime]:
    told = (_parse(hang.began) or (None if hang.uptime_s is None else _later(begin, hang.uptime_s)) for hang in boot.hangs)
    return [moment for moment in told if moment is not None]


def _merge(spans: Iterable[Span], near: timedelta) -> tuple[Span, ...]:
    """Those that lie so near to each other as one, if they are of one kind, or both too short to be told apart."""
    merged: list[Span] = []
    for span in sorted(spans, key=lambda one: one.begin):
        last = merged[-1] if merged else None
        if last is None or span.begin - last.end > near or (last.cover is not span.cover and max(span.length, last.length) >= near):
            merged.append(span)
        else:
            cover = last.cover if last.cover is span.cover else Cover.PARTLY
            merged[-1] = Span(begin=last.begin, end=max(last.end, span.end), cover=cover)
    return tuple(merged)


def _thin(moments: Iterable[datetime], near: timedelta) -> tuple[datetime, ...]:
    """Of marks that would cover each other the first."""
    kept: list[datetime] = []
    for moment in sorted(moments):
        if not kept or moment - kept[-1] > near:
            kept.append(moment)
    return tuple(kept)


def _choose_changes(changes: Sequence[PackageChange], begin: datetime, end: datetime) -> tuple[datetime, ...]:
    """All of them, if that are few."""
    dated = [
        (moment, is_kernel(change.package)) for change in changes if (moment := _parse(change.time)) is not None and begin <= moment <= end
    ]
    every = _thin((moment for moment, _ in dated), (end - begin) / _PIECES)
    return every if len(every) <= _MOST_LINES else _thin((moment for moment, kernel in dated if kernel), (end - begin) / _MOST_LINES)


def choose_kernels(boots: Sequence[BootRecord], first: Sequence[str]) -> list[str]:
    """Kernels in the order of their first boots; of too many those that matter, then those with the most boots."""
    counts: dict[str, int] = {}
    for boot in boots:
        counts[name_kernel(boot)] = counts.get(name_kernel(boot), 0) + 1
    most = _MOST_LANES if len(counts) <= _MOST_LANES else _MOST_LANES - 1
    wanted = sorted(counts, key=lambda name: (name not in first, -counts[name]))[:most]
    return [name for name in counts if name in wanted]


def list_hangs(history: History) -> list[datetime]:
    """When it hung, of every hang of which that is known."""
    return [moment for boot in history.boots if (begin := _begin(boot)) is not None for moment in _hangs(boot, begin)]


def plan_timeline(
    history: History, first: Sequence[str] = (), *, since: datetime | None = None, until: datetime | None = None
) -> Timeline | None:
    """What to draw; None: nothing has a date.

    Args:
        history: whose boots.
        first: kernels that must have a lane of their own.
        since: only what comes after; None: everything.
        until: only what comes before; None: everything.
    """
    dated = [(boot, begin) for boot in history.boots if (begin := _begin(boot)) is not None]
    shown = [(boot, begin) for boot, begin in dated if (since is None or _end(boot, begin) >= since) and (until is None or begin <= until)]
    if not shown:
        return None
    begin, end = min(one for _, one in shown), max(_end(boot, one) for boot, one in shown)
    begin, end = max(begin, since or begin), min(end, until or end)
    near = max((end - begin) / _PIECES, timedelta(seconds=1))
    own = choose_kernels([boot for boot, _ in shown], first)
    names = [*own, *([OTHERS] if any(name_kernel(boot) not in own for boot, _ in shown) else [])]
    spans: dict[str, list[Span]] = {name: [] for name in names}
    hangs: dict[str, list[datetime]] = {name: [] for name in names}
    for boot, began in shown:
        lane = name_kernel(boot) if name_kernel(boot) in own else OTHERS
        spans[lane] += _spans(boot, began)
        hangs[lane] += [moment for moment in _hangs(boot, began) if begin <= moment <= end]
    return Timeline(
        lanes=tuple(Lane(kernel=name, spans=_merge(spans[name], near), hangs=_thin(hangs[name], near)) for name in names),
        begin=begin,
        end=end,
        changes=_choose_changes(history.changes, begin, end),
        undated=len(history.boots) - len(dated),
    )
