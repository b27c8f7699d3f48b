# SPDX-License-Identifier: GPL-2.0-or-later
"""The figures of a report as tables: they say all that the charts show, and stand there without them too."""

import statistics
import xml.etree.ElementTree as ET  # only the type of an element
from collections.abc import Iterator, Sequence

from nicmedic.evidence.confounders import is_kernel
from nicmedic.model.blame import Blame, Confounder, KernelFigures
from nicmedic.model.durations import say_duration
from nicmedic.model.history import History, PackageChange
from nicmedic.report.blame_words import say_hours, say_interval
from nicmedic.report.bug.charts_survival import MARK_NAMES, MARKS_H, find_quiet_share
from nicmedic.report.bug.html_parts import UNKNOWN, table
from nicmedic.report.bug.html_periods import Period, count_periods
from nicmedic.report.bug.html_tree import tag

__all__ = ["table_changelog", "table_confounders", "table_kernels", "table_packages", "table_periods", "table_quiet", "table_sources"]

_NAMED = 6


def _name(kernel: KernelFigures) -> str:
    return kernel.package or f"({UNKNOWN})"


def _day(moment: str | None) -> str:
    return UNKNOWN if moment is None else moment[:10]


def _minute(moment: str | None) -> str:
    return UNKNOWN if moment is None else moment[:16].replace("T", " ")


def _number_of(count: int) -> ET.Element | str:
    return tag("span", str(count), class_="bad") if count else str(count)


def _kernel_row(kernel: KernelFigures) -> tuple[ET.Element | str, ...]:
    figures = kernel.figures
    unwatched = f" and {kernel.boots_unwatched} unwatched" if kernel.boots_unwatched else ""
    first = say_duration(statistics.median(figures.first_hangs_h) * 3600) if figures.first_hangs_h else "none"
    ran = UNKNOWN if kernel.ran_h is None else say_hours(kernel.ran_h)
    releases = tag("span", f" ({', '.join(kernel.releases)})", class_="small") if kernel.releases else None
    return (
        tag("span", _name(kernel), releases),
        f"{_day(kernel.first)} to {_day(kernel.last)}",
        f"{figures.boots}{unwatched}",
        _number_of(figures.boots_hung),
        say_interval(figures.share_hung, share=True),
        say_hours(figures.hours_at_risk),
        say_interval(figures.rate_per_h),
        first,
        f"{say_hours(kernel.watched_h)} of {ran}",
    )


def table_kernels(kernels: Sequence[KernelFigures]) -> ET.Element:
    """What each kernel package has seen."""
    columns = ("Package", "First and last boot", "Boots", "Hung", "Share hung (95 %)", "Hours at risk")
    more = ("First hangs per 1,000 h (95 %)", "First hang after (median)", "Watched of ran")
    caption = (
        "Kernel packages in the order of their first boots, with what uname -r says of them. "
        "At risk are watched hours of each boot up to its first hang."
    )
    return table(caption, (*columns, *more), map(_kernel_row, kernels))


def table_quiet(kernels: Sequence[KernelFigures]) -> ET.Element:
    """The curves of ``charts_survival`` at the marks of their scale."""

    def cells(kernel: KernelFigures) -> Iterator[str]:
        yield _name(kernel)
        for hours in MARKS_H:
            share = find_quiet_share(kernel.figures, hours)
            yield "not watched so long" if share is None else f"{100 * share:.0f} %"

    columns = ("Package", *MARK_NAMES)
    caption = "Share of boots without a hang after so long (Kaplan and Meier's estimate: boots that ended well count as long as they ran)."
    return table(caption, columns, map(tuple, map(cells, kernels)))


def _period_row(period: Period) -> tuple[ET.Element | str, ...]:
    firsts = period.first_hangs_s
    hung = _number_of(period.hung) if period.hung or period.covered_h > 0 else UNKNOWN
    within = f"{say_duration(firsts[0])} to {say_duration(firsts[-1])}" if len(firsts) > 1 else "".join(map(say_duration, firsts))
    when = _minute(period.first) if period.boots == 1 else f"{_day(period.first)} to {_day(period.last)}"
    ran = UNKNOWN if period.ran_h is None else say_hours(period.ran_h)
    nothing = UNKNOWN if period.hung or period.covered_h <= 0 else "none"
    return when, period.kernel, str(period.boots), hung, within or nothing, ran, say_hours(period.covered_h)


def table_periods(history: History, first: Sequence[str]) -> ET.Element:
    """The timeline in figures."""
    word, periods = count_periods(history, first)
    columns = ("Began (UTC)", "Kernel", "Boots", "Hung", "First hang after", "Ran", "Of this in a kernel log")
    caption = f"Boots, oldest first; a row is {word}. Hours in no kernel log are unknown exposure, not hours without a hang."
    return table(caption, columns, map(_period_row, periods))


def _package_row(moment: str, changes: Sequence[PackageChange]) -> tuple[str, str, str]:
    kernels = [change for change in changes if is_kernel(change.package)]
    shown = (kernels or changes)[:_NAMED]
    texts = [f"{change.package} {change.before or 'new'} → {change.after or 'removed'}" for change in shown]
    more = len(changes) - len(shown)
    return moment, str(len(changes)), "; ".join([*texts, *([f"and {more} more"] if more else [])])


def table_packages(history: History) -> ET.Element | None:
    """Changes of packages by their transactions, newest first; None: no log tells of any."""
    groups: dict[str, list[PackageChange]] = {}
    for change in history.changes:
        groups.setdefault(change.transaction or change.time[:16], []).append(change)
    rows = [_package_row(_minute(changes[0].time), changes) for changes in reversed(groups.values())]
    caption = "Packages that changed, newest first; of each transaction the kernel's, or the first few."
    return table(caption, ("When", "Packages", "Which"), rows, most=30) if rows else None


def table_sources(history: History) -> ET.Element | None:
    """What the history was put together from; None: nothing was read."""
    rows = ((one.name, _minute(one.covers_from), _minute(one.covers_to), one.trouble or "") for one in history.sources)
    return table("What was read.", ("Source", "From", "To", "Trouble"), rows) if history.sources else None


def table_confounders(caption: str, confounders: Sequence[Confounder], columns: tuple[str, str] = ("Before", "After")) -> ET.Element:
    """What differs beside the kernel."""
    missing = "not there, or not told"
    rows = ((one.what, one.before or missing, one.after or missing, one.how or "") for one in confounders)
    return table(caption, ("What", *columns, "How it came"), rows)


def table_changelog(blame: Blame) -> ET.Element | None:
    """Entries of the changelog that may matter; None: there are none."""
    caption = f"Changelog from {blame.before} to {blame.after}: what touches the driver, its bus, core networking or the hypervisor."
    rows = ((entry.version, ", ".join(entry.touches), entry.text) for entry in blame.changelog)
    return table(caption, ("Version", "Touches", "Entry"), rows) if blame.changelog else None
