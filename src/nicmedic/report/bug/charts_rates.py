# SPDX-License-Identifier: GPL-2.0-or-later
"""How often each kernel package hung: a point and its interval of 95 %, on a logarithmic scale."""

import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from nicmedic.model.blame import Estimate, KernelFigures
from nicmedic.report.blame_words import say_interval
from nicmedic.report.bug.charts_svg import INK, MUTED, add_axes, draw_svg, label

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["draw_rates"]

_PER: Final = 1000.0


def _bounds(rates: Sequence[Estimate]) -> tuple[float, float]:
    """From where to where the scale goes: every figure but 0 and no upper bound is on it, and a power of ten."""
    told = [_PER * figure for rate in rates for figure in (rate.value, rate.low, rate.high) if figure]
    return (min(told) / 4, max(told) * 4) if told else (0.1, 10.0)


def _draw_rate(axes: "Axes", row: int, rate: Estimate, colour: str) -> None:
    """Arrows where the interval goes on beyond the scale."""
    least, most = axes.get_xlim()
    low, high = _PER * rate.low, most if rate.high is None else _PER * rate.high
    axes.plot([max(low, least), high], [row, row], color=colour, linewidth=3, solid_capstyle="butt")
    if not low:
        axes.plot([least], [row], marker="<", color=colour, markersize=7, clip_on=False)
    if rate.high is None:
        axes.plot([most], [row], marker=">", color=colour, markersize=7, clip_on=False)
    if rate.value:
        axes.plot([_PER * rate.value], [row], marker="o", color=colour, markersize=8)


def draw_rates(kernels: Sequence[KernelFigures], colours: Mapping[str, str]) -> ET.Element | None:
    """The chart; None: no kernel was watched.

    Args:
        kernels: in the order in which they are to stand.
        colours: of each package.
    """
    rated = [(kernel, kernel.figures.rate_per_h) for kernel in kernels]
    shown = [(kernel, rate) for kernel, rate in rated if rate is not None]
    if not shown:
        return None

    def draw(figure: "Figure") -> None:
        axes = add_axes(figure)
        axes.set_xscale("log")
        axes.set_xlim(*_bounds([rate for _, rate in shown]))
        axes.set_ylim(len(shown) - 0.4, -0.9)
        axes.set_yticks([])
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}" if value >= 1 else f"{value:g}")
        axes.xaxis.set_minor_formatter(lambda *_: "")
        axes.set_xlabel("first hangs per 1,000 h, with 95 % interval", loc="left")
        for row, (kernel, rate) in enumerate(shown):
            name = kernel.package or "(not known)"
            _draw_rate(axes, row, rate, colours.get(name, MUTED))
            axes.text(0, row - 0.18, f"{label(name)}\n{say_interval(rate)}", transform=axes.get_yaxis_transform(), color=INK)

    return draw_svg(
        "rates",
        draw,
        size=(4.2, 0.55 + 0.7 * len(shown)),
        title="Hangs per 1,000 hours for each kernel package",
        description="; ".join(f"{kernel.package or 'not known'}: {say_interval(rate)}" for kernel, rate in shown),
    )
