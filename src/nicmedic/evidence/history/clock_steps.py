# SPDX-License-Identifier: GPL-2.0-or-later
"""When a boot began, from pairs of wall clock and uptime; what lies between: sleep, or a clock that was set.

Uptime as the kernel prints it stands still during suspend (``local_clock()``, kernel/printk/printk.c), so the difference grows by the time slept.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from nicmedic.kernlog.clock import find_seconds_between
from nicmedic.model.history import Gap
from nicmedic.model.record import WallTime

__all__ = ["Anchor", "Course", "follow_clock"]

_STEP_S = 120.0
"""A line of syslog may be written so late after a busy boot; a smaller step changes no minute."""
_HOUR_S = 3600.0
_HOUR_WITHIN_S = 30.0
_EARLY_S = 300.0
"""Until then lines are written late, and time services set the clock."""


class Anchor(NamedTuple):
    """One line with both clocks. A NamedTuple: there are many."""

    wall: WallTime
    epoch: int
    uptime_s: float
    slept: bool
    """A suspension was told since the anchor before."""

    def is_news(self, last: "Anchor", every_s: float, off_s: float) -> bool:
        """Whether it tells more than the last one: time has passed, or the clocks have moved against each other."""
        if self.slept or self.uptime_s - last.uptime_s >= every_s:
            return True
        passed = find_seconds_between(last.wall, self.wall)
        return passed is None or abs(passed - (self.uptime_s - last.uptime_s)) >= off_s or self.uptime_s < min(last.uptime_s, 60.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """What the clocks of one boot show."""

    began: float | None = None
    within_s: float = 5.0
    gaps: tuple[Gap, ...] = ()


def follow_clock(anchors: Sequence[tuple[float, float, bool]], *, zoned: bool = True) -> Course:
    """Find the beginning from moments, their uptimes, and whether the machine slept just before.

    >>> follow_clock([(1000.0, 10.0, False), (1590.0, 600.0, False)]).began
    990.0
    >>> slept = follow_clock([(1000.0, 10.0, False), (8800.0, 610.0, True)])
    >>> slept.began, [(gap.why, gap.hours) for gap in slept.gaps]
    (990.0, [('suspended', 2.0)])

    Args:
        anchors: in the order of the log.
        zoned: the zone of these moments is known; if not, a step of an hour is one of daylight saving, and no clock was set.
    """
    if not anchors:
        return Course()
    gaps: list[Gap] = []
    lowest = anchors[0][0] - anchors[0][1]
    slept_s = summer_s = 0.0
    """Since the clock was last set; before that it would be counted in the clock's own step."""
    spread = 0.0
    before_s = anchors[0][1]
    for moment, uptime_s, slept in anchors[1:]:
        instant = moment - uptime_s - slept_s - summer_s
        step = instant - lowest
        if not zoned and not slept and abs(abs(step) - _HOUR_S) <= _HOUR_WITHIN_S:
            summer_s += step
            continue
        if slept and step > _STEP_S:
            gaps.append(Gap(began_uptime_s=before_s, hours=round(step / 3600, 4), why="suspended"))
            slept_s += step
        elif abs(step) > _STEP_S:
            gaps.append(Gap(began_uptime_s=before_s, hours=round(step / 3600, 4), why="clock jump"))
            lowest, spread = instant, 0.0
        elif step < 0:
            spread, lowest = max(spread, -step) if uptime_s > _EARLY_S else spread, instant
        before_s = uptime_s
    return Course(began=lowest, within_s=max(5.0, min(spread, 60.0)), gaps=tuple(gaps))
