# SPDX-License-Identifier: GPL-2.0-or-later
"""``nicmedic blame`` as text: the verdict first, then why it is no more than that, then what to do."""

from collections.abc import Iterator, Sequence

from nicmedic.model.blame import Blame, ChangelogEntry, Confounder, Leg, Verdict
from nicmedic.report.blame_words import is_backwards, say_caveat, say_hours, say_interval, say_number, say_p, say_twin, summarize_blame
from nicmedic.report.escape import escape_terminal
from nicmedic.report.style import Style
from nicmedic.report.words import say_count

__all__ = ["render_blame_text"]

_MOST = 12
_COLOURS = {Verdict.PROVEN: "red", Verdict.LIKELY: "yellow", Verdict.NOT_SHOWN: "green"}


def _first_line(blame: Blame, style: Style) -> str:
    verdict = blame.comparison.verdict if blame.comparison is not None else Verdict.NOT_SHOWN
    hung = any(kernel.figures.boots_hung for kernel in blame.kernels)
    paint = ("bold",) if hung and verdict is Verdict.NOT_SHOWN else ("bold", _COLOURS[verdict])
    return style.line(summarize_blame(blame), *paint, rest="  ")


def _cause(blame: Blame, style: Style) -> Iterator[str]:
    compared, caveat = blame.comparison, say_caveat(blame)
    if caveat is not None:
        yield style.wrap(caveat)
    if compared is not None and compared.verdict is not Verdict.NOT_SHOWN:
        yield _other_causes(blame, style)
    for twin in blame.twins:
        yield style.wrap(say_twin(twin, blame.before or "", blame.after or ""))


def _other_causes(blame: Blame, style: Style) -> str:
    names = [confounder.what for confounder in blame.confounders]
    with_it = f" With the kernel came also: {', '.join(names[:4])}{' and more' if len(names) > 4 else ''}." if names else ""
    unknown = f" Not known whether they changed: {', '.join(blame.unknown_factors)}." if blame.unknown_factors else ""
    return style.wrap(f"This is a change in time; the cause is whatever changed then.{with_it}{unknown}")


def _kernels(blame: Blame, style: Style) -> Iterator[str]:
    yield style.title("Kernels")
    rows = [("package", "boots", "hung", "share % (95 %)", "at risk", "first hangs / 1000 h (95 %)", "watched of ran")]
    for kernel in blame.kernels:
        figures = kernel.figures
        ran = "unknown" if kernel.ran_h is None else say_hours(kernel.ran_h)
        rows.append(
            (
                escape_terminal(kernel.package or "(not known)"),
                f"{figures.boots}{f' +{kernel.boots_unwatched} unwatched' if kernel.boots_unwatched else ''}",
                str(figures.boots_hung),
                say_interval(figures.share_hung, share=True).replace(" %", ""),
                say_hours(figures.hours_at_risk),
                say_interval(figures.rate_per_h),
                f"{say_hours(kernel.watched_h)} of {ran}",
            )
        )
    yield from _columns(rows, style)


def _columns(rows: Sequence[Sequence[str]], style: Style) -> Iterator[str]:
    """A table; on a terminal that is too narrow for it a paragraph a row."""
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    if style.one_line or 2 * len(widths) + sum(widths) <= style.width:
        for row in rows:
            yield "  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        return
    names, *others = rows
    for first, *cells in others:
        told = "; ".join(f"{name} {cell}" for name, cell in zip(names[1:], cells, strict=True))
        yield style.wrap(f"{first}: {told}", first="  ", rest="    ")


def _tests(blame: Blame, style: Style) -> Iterator[str]:
    compared = blame.comparison
    if compared is None:
        return
    yield style.title("Tests")
    ratio = (
        "" if compared.ratio is None else f", at least {say_number(compared.ratio.low)} times as often" if compared.ratio.low > 1 else ""
    )
    where = f"on {blame.before}" if is_backwards(blame) else "before"
    outages = f"{say_count(compared.outages_suspect, 'outage')} against {compared.outages_control} {where}"
    yield style.wrap(f"outages per hour at risk: {outages}{ratio}; exact, {say_p(compared.p_rate)}", first="  ")
    yield style.wrap(f"time to the first hang: log-rank test over all ways to deal out the boots, {say_p(compared.p_survival)}", first="  ")
    within = "" if compared.horizon_h is None else f" (hung within {say_hours(compared.horizon_h)} or not)"
    yield style.wrap(f"if boots are good or bad by themselves{within}: exact, {say_p(compared.p_boots)}", first="  ")
    yield style.wrap("The larger of the first and the last counts; proven is up to 0.01, likely up to 0.05.", first="  ")


def _say_change(one: Confounder) -> str:
    before, after = one.before or "not there or not told", one.after or "not there or not told"
    return f"{one.what}: {before} -> {after}{f' ({one.how})' if one.how else ''}"


def _listed(items: Sequence[str], style: Style) -> Iterator[str]:
    most = len(items) if style.more else _MOST
    for item in items[:most]:
        yield style.wrap(item, first="  - ", rest="    ")
    if len(items) > most:
        yield f"  and {len(items) - most} more: --json has them all"


def _confounders(blame: Blame, style: Style) -> Iterator[str]:
    if blame.confounders:
        yield style.title(f"What else changed with {blame.after}")
        yield from _listed([_say_change(one) for one in blame.confounders], style)
    for twin in blame.twins:
        if twin.differences:
            yield style.title(f"Where {twin.host or 'the twin'} differs from this host")
            yield from _listed([_say_change(one) for one in twin.differences], style)


def _say_entry(entry: ChangelogEntry) -> str:
    return f"{entry.version}: {entry.text} [{', '.join(entry.touches)}]"


def _changelog(blame: Blame, style: Style) -> Iterator[str]:
    if blame.before is None or blame.after is None or (not blame.changelog and blame.changelog_trouble is None):
        return
    yield style.title(f"Changelog from {blame.before} to {blame.after}: what touches driver, bus, core networking or hypervisor")
    if blame.changelog_trouble is not None:
        yield style.wrap(blame.changelog_trouble, first="  ")
    yield from _listed([_say_entry(entry) for entry in blame.changelog], style)


def _leg(number: int, leg: Leg, style: Style) -> Iterator[str]:
    yield style.wrap(f"{leg.package}: {say_count(leg.boots, 'boot')} of {leg.hours:g} h; expected: {leg.expect}", first=f"  {number}. ")
    for command in leg.commands:
        yield f"       {escape_terminal(command)}"


def _next(blame: Blame, style: Style) -> Iterator[str]:
    yield style.title("What to do next")
    yield style.wrap(blame.next_steps.summary, first="  ", rest="  ")
    if blame.next_steps.command is not None:
        yield style.wrap(
            "All of it, with both kernels installed, coming back by itself from each boot; it shows the plan and asks first:", first="  "
        )
        yield f"       {escape_terminal(blame.next_steps.command)}"
        yield style.wrap("Or by hand:", first="  ")
    for number, leg in enumerate(blame.next_steps.legs[: None if style.more else 5], 1):
        yield from _leg(number, leg, style)
    if len(blame.next_steps.legs) > 5 and not style.more:
        yield f"  and so on, {len(blame.next_steps.legs)} boots in all"


def render_blame_text(blame: Blame, style: Style) -> str:
    """Everything, most important first."""
    parts = [
        [_first_line(blame, style), *_cause(blame, style)],
        list(_kernels(blame, style)) if blame.kernels else [],
        list(_tests(blame, style)),
        list(_confounders(blame, style)),
        list(_changelog(blame, style)),
        list(_next(blame, style)),
    ]
    if blame.notes:
        parts.append([style.title("What limits this"), *_listed(blame.notes, style)])
    return "\n\n".join("\n".join(part) for part in parts if part) + "\n"
