# SPDX-License-Identifier: GPL-2.0-or-later
"""Boots, hangs, package changes and remedies over the calendar: a lane for each kernel package, hatched where no kernel log covers what ran."""

import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from nicmedic.report.bug.charts_svg import HANG, INK, MUTED, PAPER, TREATED, add_axes, draw_svg, label
from nicmedic.report.bug.html_timeline import Cover, Lane, Timeline, Treatment
from nicmedic.report.words import say_count

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["draw_timeline"]

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_HEIGHT: Final = 0.26
_LEAST: Final = 1 / 250
"""Of the whole width: a shorter boot would not be seen."""
_HATCHES: Final = {Cover.WATCHED: None, Cover.PARTLY: "-----", Cover.UNWATCHED: "/////"}


def _to_days(moment: datetime) -> float:
    """As matplotlib counts time."""
    return (moment - _EPOCH) / timedelta(days=1)


def _name_dates(axes: "Axes", most: int) -> None:
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

    locator = AutoDateLocator(tz=UTC, minticks=3, maxticks=max(4, most))  # type: ignore[no-untyped-call]  # matplotlib.dates has no types
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator, tz=UTC))  # type: ignore[no-untyped-call]  # as above


def _draw_name(axes: "Axes", row: int, name: str) -> None:
    axes.text(0, row - 0.36, label(name), transform=axes.get_yaxis_transform(), color=INK, verticalalignment="bottom")


def _draw_lane(axes: "Axes", row: int, lane: Lane, colour: str, least: timedelta) -> None:
    for span in lane.spans:
        width = max(span.end - span.begin, least) / timedelta(days=1)
        face, hatch = colour if span.cover is Cover.WATCHED else PAPER, _HATCHES[span.cover]
        axes.barh(row, width, left=_to_days(span.begin), height=_HEIGHT, facecolor=face, edgecolor=colour, linewidth=0.8, hatch=hatch)
    hung = [_to_days(moment) for moment in lane.hangs]
    axes.plot(hung, [row - 0.24] * len(hung), linestyle="none", marker="v", color=HANG, markersize=6, clip_on=False)
    _draw_name(axes, row, lane.kernel)


def _draw_remedy(axes: "Axes", row: int, remedy: Treatment, least: timedelta) -> None:
    width = max(remedy.end - remedy.begin, least) / timedelta(days=1)
    axes.barh(row, width, left=_to_days(remedy.begin), height=_HEIGHT / 2, facecolor=TREATED, edgecolor=TREATED)
    _draw_name(axes, row, remedy.name)


def _describe(timeline: Timeline, remedies: Sequence[Treatment]) -> str:
    lanes = (f"{lane.kernel}, {say_count(len(lane.hangs), 'mark')} of hangs" for lane in timeline.lanes)
    tried = f" Remedies in force: {', '.join(remedy.name for remedy in remedies)}." if remedies else ""
    return f"From {timeline.begin:%Y-%m-%d} to {timeline.end:%Y-%m-%d}: {'; '.join(lanes)}.{tried} The table below has the same figures."


def draw_timeline(name: str, timeline: Timeline, remedies: Sequence[Treatment], colours: Mapping[str, str], *, width: float) -> ET.Element:
    """The chart.

    Args:
        name: for ids: a page may hold several.
        timeline: what to draw.
        remedies: remedies that were in force within it.
        colours: of each kernel.
        width: in inches; letters keep their size.
    """
    rows = len(timeline.lanes) + len(remedies)
    whole = max(timeline.end - timeline.begin, timedelta(minutes=1))

    def draw(figure: "Figure") -> None:
        axes = add_axes(figure)
        axes.set_xlim(_to_days(timeline.begin - whole / 50), _to_days(timeline.end + whole / 50))
        axes.set_ylim(rows - 0.65, -0.75)
        axes.set_yticks([])
        _name_dates(axes, round(width * 1.1))
        for moment in timeline.changes:
            axes.axvline(_to_days(moment), color=MUTED, linewidth=0.9, linestyle=(0, (4, 2)), zorder=0.5)
        for row, lane in enumerate(timeline.lanes):
            _draw_lane(axes, row, lane, colours.get(lane.kernel, MUTED), whole * _LEAST)
        for row, remedy in enumerate(remedies, len(timeline.lanes)):
            _draw_remedy(axes, row, remedy, whole * _LEAST)

    height = 0.55 + 0.6 * rows
    return draw_svg(name, draw, size=(width, height), title="Boots, hangs and changes over time", description=_describe(timeline, remedies))
