# SPDX-License-Identifier: GPL-2.0-or-later
"""A host's past for a person: the first line says the essential, then a line a boot, newest first, then what changed, then what is not known."""

import itertools
from collections.abc import Iterator, Sequence

from nicmedic.model.durations import say_duration
from nicmedic.model.history import BootEnd, BootRecord, Gap, HangRecord, History, PackageChange
from nicmedic.report.style import Style
from nicmedic.report.words import name_nic, say_count, say_times

__all__ = ["name_kernel", "render_history_text"]

_MOST_BOOTS = 40
_MOST_PACKAGES = 12
_ENDS = {
    BootEnd.RUNNING: "still running",
    BootEnd.CLEAN: "shut down",
    BootEnd.CRASH: "ended without a shutdown",
    BootEnd.UNKNOWN: "end not known",
}
_ZONE_UNKNOWN_S = 12 * 3600
"""A moment that may be wrong by so much is told by its day only."""


def render_history_text(history: History, style: Style) -> str:
    """All of it; ends with a line feed."""
    lines = [_first_line(history, style)]
    if history.boots:
        lines += ["", style.title("Boots, newest first (times in UTC)"), *_boots(history.boots, style)]
    changed = list(_changed(history, style))
    if changed:
        lines += ["", style.title("Where the kernel changed"), *changed]
    unknown = list(_unknown(history))
    if unknown:
        lines += ["", style.title("Not known"), *(style.wrap(text, first="  - ") for text in unknown)]
    if not history.boots:
        lines += ["", style.title("What to type"), "  nicmedic history /var/log   # or a snapshot, a sosreport, a copy of a host's files"]
    return "\n".join([*lines, ""])


def name_kernel(boot: BootRecord) -> str:
    """The package's version; where it is not known, the release, and that it is only that."""
    if boot.kernel_package is not None:
        return boot.kernel_package
    return f"{boot.kernel_release} (package not known)" if boot.kernel_release is not None else "kernel not known"


def _first_line(history: History, style: Style) -> str:
    boots = history.boots
    if not boots:
        return style.wrap("Nothing that was kept tells of a boot.", rest="  ", paint=("bold", "yellow"))
    kernels = {name_kernel(boot) for boot in boots if boot.kernel_package or boot.kernel_release}
    first = next((boot.began for boot in boots if boot.began is not None), None)
    since = f" since {first[:10]}" if first else ""
    on = f" on {say_count(len(kernels), 'kernel')}" if kernels else ""
    host = f"{history.host}: " if history.host else ""
    hung = [boot for boot in boots if boot.hangs]
    covered = sum(boot.covered_h for boot in boots)
    if hung:
        names = list(dict.fromkeys(name_kernel(boot) for boot in hung))
        all_on = (
            f"all on {names[0]}"
            if len(names) == 1 and len(hung) > 1
            else f"on {' and '.join(names[:3])}{' and others' if len(names) > 3 else ''}"
        )
        tail, paint = f"hangs in {say_count(len(hung), 'boot')}, {all_on}", ("bold", "red")
    elif covered > 0:
        tail, paint = f"no hang in the {_hours(covered)} that a kernel log covers", ("bold", "green")
    else:
        tail, paint = "whether any of them hung is not known: no kernel log covers them", ("bold", "yellow")
    text = f"{host}{say_count(len(boots), 'boot')}{since}{on}; {tail}."
    return style.line(text, *paint, rest="  ")


def _hours(hours: float) -> str:
    return say_duration(hours * 3600)


def _moment(boot: BootRecord) -> str:
    if boot.began is None:
        return "date not known "
    if (boot.began_within_s or 0.0) >= _ZONE_UNKNOWN_S:
        return f"{boot.began[:10]} (?)  "
    return f"{boot.began[:10]} {boot.began[11:16]}"


def _boots(boots: Sequence[BootRecord], style: Style) -> Iterator[str]:
    shown = list(reversed(boots)) if style.more else list(reversed(boots))[:_MOST_BOOTS]
    width = min(32, max(len(name_kernel(boot)) for boot in shown))
    for boot in shown:
        ran = f"ran {_hours(boot.ran_h)}" if boot.ran_h is not None else "ran for a time not known"
        tried = [f"on trial {boot.circumstances['trial']}"] if "trial" in boot.circumstances else []
        parts = [ran, _ENDS[boot.end], *_covered(boot), *_asleep(boot.gaps), *map(_hang, boot.hangs[:3]), *tried]
        if len(boot.hangs) > 3:
            parts.append(f"and {len(boot.hangs) - 3} further hangs")
        text = f"{_moment(boot)}  {name_kernel(boot):<{width}}  {'; '.join(parts)}"
        yield style.wrap(text, first="  ", rest=" " * 20, paint=("bold",) if boot.hangs else ())
    if len(shown) < len(boots):
        yield f"  {len(boots) - len(shown)} older boots: nicmedic history --all"


def _covered(boot: BootRecord) -> Iterator[str]:
    """Only where it differs from what it ran."""
    if boot.covered_h == 0:
        yield "no kernel log covers it"
    elif boot.ran_h is None or boot.ran_h - boot.covered_h > max(0.1, 0.02 * boot.ran_h):
        yield f"a log covers {_hours(boot.covered_h)}"


def _asleep(gaps: Sequence[Gap]) -> Iterator[str]:
    slept = [gap.hours or 0.0 for gap in gaps if gap.why == "suspended"]
    if slept:
        yield f"suspended {say_times(len(slept))}, {_hours(sum(slept))}"


def _hang(hang: HangRecord) -> str:
    after = f" after {say_duration(hang.uptime_s)}" if hang.uptime_s is not None else ""
    return f"{name_nic(hang.interface, hang.driver)} HUNG{after}"


def _changed(history: History, style: Style) -> Iterator[str]:
    for before, after in reversed(list(itertools.pairwise(_list_telling(history.boots)))):
        one, other = name_kernel(before), name_kernel(after)
        if one == other or (before.kernel_package is None and before.kernel_release == after.kernel_release):
            continue
        yield style.wrap(f"{_moment(after).strip()}  {one} -> {other}", first="  ", rest="      ")
        told = [change for change in history.changes if _lies_between(change, before, after)]
        shown = told if style.more else told[:_MOST_PACKAGES]
        for change in shown:
            yield style.wrap(
                f"{change.time[:10]}  {change.package} {change.before or 'new'} -> {change.after or 'removed'}",
                first="      ",
                rest=" " * 18,
            )
        if len(shown) < len(told):
            yield f"      and {len(told) - len(shown)} further packages: nicmedic history --all"
        if not told and history.changes:
            yield "      no package log tells of a change between these boots"


def _list_telling(boots: Sequence[BootRecord]) -> list[BootRecord]:
    """Those whose kernel can be held against the one before: the package, or a release that is another."""
    telling: list[BootRecord] = []
    for boot in boots:
        last = telling[-1].kernel_release if telling else None
        if boot.kernel_package is not None or (boot.kernel_release is not None and boot.kernel_release != last):
            telling.append(boot)
    return telling


def _lies_between(change: PackageChange, before: BootRecord, after: BootRecord) -> bool:
    """Both are UTC, or the change has no zone: then by the day."""
    if before.began is None or after.began is None:
        return False
    length = len(after.began) if change.time.endswith("Z") else 10
    return before.began[:length] <= change.time[:length] <= after.began[:length]


def _unknown(history: History) -> Iterator[str]:
    boots = history.boots
    uncovered = [boot for boot in boots if boot.covered_h == 0]
    if boots and uncovered and len(uncovered) < len(boots):
        yield f"{say_count(len(uncovered), 'boot')} no kernel log covers: whether they hung is not known, and they count for no kernel"
    missing = sum((boot.ran_h or 0.0) - min(boot.covered_h, boot.ran_h or 0.0) for boot in boots if boot.covered_h > 0)
    if missing >= 0.1:
        of = " of the other boots" if uncovered else ""
        yield f"{_hours(missing)}{of} are in no kernel log: unknown exposure, not hours without a hang"
    nameless = sum(boot.kernel_package is None for boot in boots)
    if nameless:
        yield f"of {say_count(nameless, 'boot')} the version of the kernel's package is not told; the release stays the same over point releases"
    endless = sum(boot.end is BootEnd.UNKNOWN for boot in boots)
    if endless:
        yield f"how {say_count(endless, 'boot')} ended is not told"
    for source in history.sources:
        if source.trouble is not None:
            yield f"{source.name}: {source.trouble}"
    yield from history.notes
