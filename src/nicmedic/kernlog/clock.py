# SPDX-License-Identifier: GPL-2.0-or-later
"""Wall-clock arithmetic without a machine's clock: differences of incomplete stamps, years that a log leaves out, RFC 3339 where it is honest."""

import datetime
from typing import NamedTuple

from nicmedic.model.record import WallTime

__all__ = ["TimeLine", "Upper", "find_seconds_between", "render_local_time", "render_time"]

Upper = tuple[int, int, int]
"""Year, month, day after which nothing in a source can have been written: its file's or archive's own date."""

_HALF_YEAR_MONTHS = 6
_MOST_BOUNDS = 64
_DAY_S = 86_400
_ASSUMED_YEAR = 2000
"""Stands for an unknown year in differences; a leap year, so that Feb 29 exists."""


def _seconds(wall: WallTime, year: int) -> int:
    day = datetime.date(year, wall.month, min(wall.day, 28)).toordinal() + max(0, wall.day - 28)
    return day * _DAY_S + wall.hour * 3600 + wall.minute * 60 + wall.second - (wall.offset_minutes or 0) * 60


def find_seconds_between(first: WallTime, second: WallTime) -> int | None:
    """Seconds from one stamp to a later one of the same container; None where they cannot be compared.

    Without years the shorter way round the year is taken.
    """
    if (first.offset_minutes is None) != (second.offset_minutes is None) or (first.year is None) != (second.year is None):
        return None
    if first.year is not None and second.year is not None:
        return _seconds(second, second.year) - _seconds(first, first.year)
    difference = _seconds(second, _ASSUMED_YEAR) - _seconds(first, _ASSUMED_YEAR)
    year = 366 * _DAY_S
    return difference - year if difference > year // 2 else difference + year if difference < -year // 2 else difference


class _Anchor(NamedTuple):
    epoch: int
    year: int


class _Lower(NamedTuple):
    """A stamp, and a day that it is not older than."""

    built: tuple[int, int, int]
    epoch: int
    month: int
    day: int


class TimeLine:
    """Follows the stamps of one source and finds their years at the end."""

    def __init__(self) -> None:
        """Nothing seen yet."""
        self.epoch = 0
        """Counts turns of the year, from 0; one more at each step from December to January."""
        self._month: int | None = None
        self._anchor: _Anchor | None = None
        self._last: tuple[int, WallTime] | None = None
        self._built: tuple[int, int, int] | None = None
        self._lower: list[_Lower] = []

    def follow(self, wall: WallTime) -> int:
        """Take the next stamp in file order and return its epoch."""
        if self._month is not None:
            step = wall.month - self._month
            self.epoch += 1 if step < -_HALF_YEAR_MONTHS else -1 if step > _HALF_YEAR_MONTHS else 0
        self._month = wall.month
        if wall.year is not None and self._anchor is None:
            self._anchor = _Anchor(self.epoch, wall.year)
        self._last = (self.epoch, wall)
        if self._built is not None:
            self.note_built(self._built)
        return self.epoch

    def note_year(self, year: int, month: int) -> None:
        """A message names the year (the hardware clock's line at boot), near the last stamp."""
        if self._last is None:
            return
        epoch, wall = self._last
        step = wall.month - month
        self._anchor = _Anchor(epoch, year + (1 if step < -_HALF_YEAR_MONTHS else -1 if step > _HALF_YEAR_MONTHS else 0))

    def note_built(self, day: tuple[int, int, int]) -> None:
        """The kernel that speaks at the last stamp, or else at the next one, was built on that day: that stamp is not older."""
        self._built = day if self._last is None else None
        if self._last is not None and len(self._lower) < _MOST_BOUNDS:
            epoch, wall = self._last
            self._lower.append(_Lower(day, epoch, wall.month, wall.day))

    def find_year(self, wall: WallTime, epoch: int, upper: Upper | None) -> int | None:
        """Year of a stamp; None where several are possible."""
        if wall.year is not None:
            return wall.year
        if self._anchor is not None:
            return self._anchor.year + epoch - self._anchor.epoch
        if not self._lower or upper is None or self._last is None:
            return None
        last_epoch, last = self._last
        candidates = [
            year
            for year in range(min(bound.built[0] for bound in self._lower), upper[0] + 1)
            if (year, last.month, last.day) <= upper
            and all((year + bound.epoch - last_epoch, bound.month, bound.day) >= bound.built for bound in self._lower)
        ]
        return candidates[0] + epoch - last_epoch if len(candidates) == 1 else None


def render_time(wall: WallTime, year: int | None) -> str | None:
    """RFC 3339; None where year or zone is not known."""
    if year is None or wall.offset_minutes is None:
        return None
    sign, minutes = ("-" if wall.offset_minutes < 0 else "+"), abs(wall.offset_minutes)
    zone = "Z" if wall.offset_minutes == 0 else f"{sign}{minutes // 60:02d}:{minutes % 60:02d}"
    return render_local_time(wall, year) + zone


def render_local_time(wall: WallTime, year: int | None) -> str:
    """Date and clock as the log has them; ``--`` in place of a year that is not known (ISO 8601:2000)."""
    fraction = f".{wall.microsecond:06d}".rstrip("0") if wall.microsecond else ""
    date = f"{year:04d}-" if year is not None else "--"
    return f"{date}{wall.month:02d}-{wall.day:02d}T{wall.hour:02d}:{wall.minute:02d}:{wall.second:02d}{fraction}"
