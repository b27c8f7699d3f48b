# SPDX-License-Identifier: GPL-2.0-or-later
"""The charts of a page with their captions; without matplotlib a word on how to have them."""

import xml.etree.ElementTree as ET  # only the type of an element
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from nicmedic.evidence.moments import parse_moment
from nicmedic.model.blame import Blame, KernelFigures
from nicmedic.model.bug_report import BugReport
from nicmedic.report.bug.charts_rates import draw_rates
from nicmedic.report.bug.charts_survival import draw_survival
from nicmedic.report.bug.charts_svg import KERNELS, has_library
from nicmedic.report.bug.charts_timeline import draw_timeline
from nicmedic.report.bug.html_parts import paragraph
from nicmedic.report.bug.html_timeline import Timeline, Treatment, choose_kernels, list_hangs, plan_timeline
from nicmedic.report.bug.html_tree import tag
from nicmedic.report.bug.html_tried import find_treatments
from nicmedic.report.words import say_count

__all__ = ["NO_CHARTS", "build_rate_figures", "build_timeline_figures", "find_suspects"]

NO_CHARTS: Final = (
    "The charts are missing, for matplotlib could not be loaded when this report was made. To have them, make the report where it can, here or on "
    "another machine (Debian, Ubuntu: apt install --no-install-recommends python3-matplotlib; elsewhere: pip install 'nicmedic[charts]'). "
    "The tables have the same figures."
)
_MOST_RATES: Final = 12
_MOST_REMEDIES: Final = 6
_CLOSE: Final = 8
"""The hangs fill less than such a part of the time: then they have a chart of their own."""
_LEGEND: Final = (
    "Bars: the kernel ran and a log covers it; slanted lines: no kernel log tells of that time; level lines: of a part of it none does; "
    "red triangles: hangs; dashed lines: packages were changed (of many, the kernel's); thin green bars: remedies in force. "
    "What lies too close together is drawn as one. Times are UTC."
)


def find_suspects(blame: Blame) -> tuple[str, ...]:
    """The packages that are compared."""
    return tuple(name for name in (blame.before, blame.after) if name is not None)


def _choose_colours(report: BugReport) -> Mapping[str, str]:
    """The compared ones have the first two in every report."""
    names = dict.fromkeys([*find_suspects(report.blame), *choose_kernels(report.history.boots, find_suspects(report.blame))])
    return dict(zip(names, KERNELS, strict=False))


def _rank(blame: Blame) -> list[KernelFigures]:
    """The compared ones, then those that were watched longest."""
    suspects = find_suspects(blame)
    return sorted(blame.kernels, key=lambda kernel: (kernel.package not in suspects, -kernel.figures.hours_at_risk))


def _figure(caption: str, *drawings: ET.Element | None) -> ET.Element | None:
    drawn = [one for one in drawings if one is not None]
    return tag("figure", *drawn, tag("figcaption", caption)) if drawn else None


def build_rate_figures(report: BugReport) -> ET.Element | None:
    """Rates and times to the first hang; None: nothing was watched."""
    if not has_library():
        return paragraph(NO_CHARTS, "small")
    colours, ranked = _choose_colours(report), _rank(report.blame)
    shown = set(map(id, ranked[:_MOST_RATES]))
    rates = draw_rates([kernel for kernel in report.blame.kernels if id(kernel) in shown], colours)
    rate_caption = "How often each kernel package hung. An arrow: the interval goes on to zero, or without bound."
    quiet_caption = "How many boots went on for how long without a hang. A tick on a line: a boot that ended, or still runs, without one."
    figures = (_figure(rate_caption, rates), _figure(quiet_caption, draw_survival(ranked, colours)))
    return tag("div", *figures, class_="charts") if any(one is not None for one in figures) else None


def _find_close(report: BugReport, whole: Timeline) -> tuple[datetime, datetime] | None:
    """From when to when to look closer; None: the hangs are spread over the whole time, or there are none."""
    hangs = list_hangs(report.history)
    if not hangs:
        return None
    hung = [begin for boot in report.history.boots if boot.hangs and (begin := parse_moment(boot.began)) is not None]
    first, last = min([*hung, *hangs]), max(hangs)
    margin = max((last - first) / 4, timedelta(hours=1))
    first, last = max(first, whole.begin) - margin, last + margin
    return (first, last) if (last - first) * _CLOSE < whole.end - whole.begin else None


def _within(remedies: Sequence[Treatment], timeline: Timeline) -> list[Treatment]:
    """The newest of them that were in force in that time, cut to it."""
    cut = (Treatment(name=one.name, begin=max(one.begin, timeline.begin), end=min(one.end, timeline.end)) for one in remedies)
    return [one for one in cut if one.begin <= one.end][-_MOST_REMEDIES:]


def _draw_both(name: str, timeline: Timeline, report: BugReport) -> tuple[ET.Element, ET.Element]:
    """For a phone and for a desk: one of them is shown."""
    made = parse_moment(report.made) or timeline.end
    remedies, colours = _within(find_treatments(report.tried, made), timeline), _choose_colours(report)
    return (
        tag("div", draw_timeline(f"{name}-narrow", timeline, remedies, colours, width=4.2), class_="narrow"),
        tag("div", draw_timeline(f"{name}-wide", timeline, remedies, colours, width=11.5), class_="wide"),
    )


def build_timeline_figures(report: BugReport) -> ET.Element | None:
    """The whole time, and the time of the hangs if that is a small part of it; None: no boot has a date."""
    if not has_library():
        return paragraph(NO_CHARTS, "small")
    suspects = find_suspects(report.blame)
    whole = plan_timeline(report.history, suspects)
    if whole is None:
        return None
    undated = f" {say_count(whole.undated, 'boot')} without a date cannot be drawn." if whole.undated else ""
    dates = f"{whole.begin:%Y-%m-%d} to {whole.end:%Y-%m-%d}"
    figures = [_figure(f"{dates}. {_LEGEND}{undated}", *_draw_both("timeline", whole, report))]
    near = _find_close(report, whole)
    close = None if near is None else plan_timeline(report.history, suspects, since=near[0], until=near[1])
    if close is not None:
        caption = f"The same, closer: the time of the hangs, {close.begin:%Y-%m-%d %H:%M} to {close.end:%Y-%m-%d %H:%M}."
        figures.append(_figure(caption, *_draw_both("close", close, report)))
    return tag("div", *figures)
