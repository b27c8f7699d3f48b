# SPDX-License-Identifier: GPL-2.0-or-later
"""How long boots of each kernel package went without a hang: Kaplan and Meier's estimate, which lets boots that ended well count as long as they ran.

E. L. Kaplan, P. Meier: Nonparametric Estimation from Incomplete Observations, Journal of the American Statistical Association 53 (1958).
"""

import itertools
import xml.etree.ElementTree as ET
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from nicmedic.model.blame import ArmFigures, KernelFigures
from nicmedic.model.durations import say_duration
from nicmedic.report.blame_words import say_hours
from nicmedic.report.bug.charts_svg import MUTED, add_axes, draw_svg, label

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["MARKS_H", "MARK_NAMES", "draw_survival", "estimate_quiet", "find_quiet_share"]

MARKS_H: Final = (1 / 60, 1 / 6, 1.0, 10.0, 100.0, 1000.0)
"""Where the scale is named, and the columns of the table."""
MARK_NAMES: Final = ("1 min", "10 min", "1 h", "10 h", "100 h", "1,000 h")
_MOST: Final = 6
_MOST_TICKS: Final = 60


def estimate_quiet(figures: ArmFigures) -> tuple[tuple[float, float], ...]:
    """After how many hours which share of boots has not hung yet: a step each.

    A boot that ended at the moment of another's hang was still at risk.

    >>> estimate_quiet(ArmFigures(boots=4, boots_hung=2, hours_at_risk=10.0, first_hangs_h=(1.0, 3.0), quiet_h=(2.0, 4.0)))
    ((0.0, 1.0), (1.0, 0.75), (3.0, 0.375))
    """
    share, steps = 1.0, [(0.0, 1.0)]
    hours = sorted((*figures.first_hangs_h, *figures.quiet_h))
    for hung, group in itertools.groupby(figures.first_hangs_h):
        at_risk = len(hours) - bisect_left(hours, hung)
        share *= 1 - len(list(group)) / at_risk
        steps.append((hung, share))
    return tuple(steps)


def find_quiet_share(figures: ArmFigures, hours: float) -> float | None:
    """The share that has not hung after so long; None: no boot was watched for so long.

    >>> arm = ArmFigures(boots=2, boots_hung=1, hours_at_risk=10.0, first_hangs_h=(1.0,), quiet_h=(9.0,))
    >>> find_quiet_share(arm, 2.0), find_quiet_share(arm, 10.0)
    (0.5, None)
    """
    steps = estimate_quiet(figures)
    if steps[-1][1] > 0 and hours > max((*figures.quiet_h, *figures.first_hangs_h), default=0.0):
        return None
    return _share_at(steps, hours)


def _share_at(steps: Sequence[tuple[float, float]], hours: float) -> float:
    return steps[bisect_right(steps, (hours, 1.0)) - 1][1]


def _draw_arm(axes: "Axes", figures: ArmFigures, colour: str, name: str, *, dashed: bool) -> None:
    least, _ = axes.get_xlim()
    steps = estimate_quiet(figures)
    last = max((*figures.first_hangs_h, *figures.quiet_h))
    hours = [least, *(max(at_h, least) for at_h, _ in steps[1:]), max(last, least)]
    shares = [100 * share for _, share in steps]
    axes.step(hours, [*shares, shares[-1]], where="post", color=colour, linewidth=2, linestyle="--" if dashed else "-", label=name)
    ended = figures.quiet_h[:: max(1, len(figures.quiet_h) // _MOST_TICKS)]
    axes.plot(
        [max(at_h, least) for at_h in ended],
        [100 * _share_at(steps, at_h) for at_h in ended],
        linestyle="none",
        marker="|",
        color=colour,
        markersize=7,
    )


def _describe(kernel: KernelFigures) -> str:
    figures, name = kernel.figures, kernel.package or "not known"
    if not figures.first_hangs_h:
        return f"{name}: none of {figures.boots} boots hung; watched for up to {say_hours(max(figures.quiet_h))}"
    first, last = figures.first_hangs_h[0], figures.first_hangs_h[-1]
    return f"{name}: {figures.boots_hung} of {figures.boots} hung, after {say_duration(first * 3600)} to {say_duration(last * 3600)}"


def draw_survival(kernels: Sequence[KernelFigures], colours: Mapping[str, str]) -> ET.Element | None:
    """The chart; None: no boot was watched.

    Args:
        kernels: the most important first; only so many are drawn as can be told apart.
        colours: of each package.
    """
    shown = [kernel for kernel in kernels if kernel.figures.first_hangs_h or kernel.figures.quiet_h][:_MOST]
    if not shown:
        return None
    hours = [hour for kernel in shown for hour in (*kernel.figures.first_hangs_h, *kernel.figures.quiet_h) if hour > 0]

    def draw(figure: "Figure") -> None:
        axes = add_axes(figure, left=40, top=6 + 15 * len(shown), sides=("bottom", "left"))
        axes.set_xscale("log")
        axes.set_ylim(-4, 104)
        axes.minorticks_off()
        axes.set_xticks([*MARKS_H], labels=[*MARK_NAMES])
        axes.set_xlim(min([MARKS_H[1], *hours]) / 1.5, max([1.0, *hours]) * 1.5)  # a boot that hung at once has no place on the scale
        axes.set_xlabel("time since boot", loc="left")
        axes.set_ylabel("boots without a hang yet, %")
        for number, kernel in enumerate(shown):
            name = kernel.package or "(not known)"
            _draw_arm(axes, kernel.figures, colours.get(name, MUTED), label(name, 30), dashed=bool(number % 2))
        axes.legend(loc="lower left", bbox_to_anchor=(0, 1), frameon=False, borderaxespad=0.1)

    return draw_svg(
        "survival",
        draw,
        size=(4.2, 2.9 + 0.2 * len(shown)),
        title="Time to the first hang for each kernel package",
        description="; ".join(map(_describe, shown)),
    )
