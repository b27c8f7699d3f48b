# SPDX-License-Identifier: GPL-2.0-or-later
"""The sentences of a report that a maintainer reads first: its title, its summary, what was tried. Not escaped."""

import re
from collections.abc import Iterator

from nicmedic.evidence.spells import find_card
from nicmedic.model.blame import Blame, KernelFigures, TwinWord, Verdict
from nicmedic.model.bug_report import BugReport, Came, Tried
from nicmedic.report.blame_words import (
    find_kernel,
    is_backwards,
    is_downgrade,
    say_arm,
    say_caveat,
    say_hold,
    say_hours,
    say_twin,
    summarize_blame,
)
from nicmedic.report.words import join_names

__all__ = [
    "find_driver",
    "find_first_bad",
    "find_reported_package",
    "is_hung",
    "is_proven_regression",
    "is_regression",
    "list_summary",
    "say_actual",
    "say_came",
    "say_title",
    "say_tried",
]

_STAMP = re.compile(r"\A(?:\[ *\d+\.\d+\] |[\d-]+ [\d:]+ )")
_LONGEST_LINE = 120
_MOST_HELD = 3
_MOST_LEFT = 3
_CAME = {
    Came.IN_FORCE: "in force",
    Came.WAITING: "set, not confirmed yet",
    Came.ENDED_BY_BOOT: "ended by a boot",
    Came.UNDONE: "taken back",
    Came.UNDO_FAILED: "taking it back failed",
    Came.NEVER_SET: "never set",
    Came.HELPED: "traffic flowed again",
    Came.DID_NOT_HELP: "traffic did not come back",
    Came.DONE: "done; nobody looked whether it helped",
    Came.KEPT: "kept over boots",
    Came.RELEASED: "was kept over boots, and is released",
    Came.LIFTED: "taken away for a trial",
    Came.SET_AGAIN: "taken away for a trial, and set again",
}


def find_driver(report: BugReport) -> str | None:
    """Of the card; else of what hung, if that is one driver only."""
    if report.nic is not None and report.nic.driver is not None:
        return report.nic.driver
    if len(report.blame.drivers) == 1:
        return report.blame.drivers[0]
    return None if report.finding is None else report.finding.driver


def is_regression(report: BugReport) -> bool:
    """Whether the figures show that a newer package hangs more: proven or likely, booted after the one without, and not the older of the two."""
    blame = report.blame
    shown = blame.comparison is not None and blame.comparison.verdict is not Verdict.NOT_SHOWN
    return shown and not is_backwards(blame) and not is_downgrade(blame)


def is_proven_regression(report: BugReport) -> bool:
    """Whether they prove it."""
    compared = report.blame.comparison
    return is_regression(report) and compared is not None and compared.verdict is Verdict.PROVEN


def find_first_bad(report: BugReport) -> KernelFigures | None:
    """The suspected package, if it is one."""
    return find_kernel(report.blame, report.blame.after) if is_regression(report) else None


def find_reported_package(report: BugReport) -> str | None:
    """The package that the report is about: the first bad one, else one that hung, else that of the log, else the running one."""
    bad = find_first_bad(report)
    if bad is not None:
        return bad.package
    hung = [kernel.package for kernel in report.blame.kernels if kernel.figures.boots_hung and kernel.package]
    told = None if report.excerpt is None else report.excerpt.kernel_package
    return hung[-1] if hung else told or (None if report.host is None else report.host.kernel_package)


def is_hung(report: BugReport) -> bool:
    """Whether anything that was read tells of a hang of this card."""
    card = find_card(report.history, report.interface)
    return (report.excerpt is not None and report.excerpt.own) or any(
        card.owns(hang) is True for boot in report.history.boots for hang in boot.hangs
    )


def say_title(report: BugReport) -> str:
    """One line: driver, card, what it does, since when."""
    driver, nic = find_driver(report), report.nic
    name = report.interface or "network card"
    chip = f" ({nic.vendor}:{nic.device}{f' rev {nic.revision}' if nic.revision else ''})" if nic and nic.vendor and nic.device else ""
    doubtful = "a hang of a card that the log does not name" if report.excerpt is not None else "no hang is known"
    bad = find_first_bad(report)
    since = "" if bad is None else f" since {bad.package}" if is_proven_regression(report) else f", probably since {bad.package}"
    what = "transmit hangs" if is_hung(report) else doubtful
    return f"{f'{driver}: ' if driver else ''}{name}{chip}: {what}{since}"


def _first_line(report: BugReport) -> str | None:
    telling = [line.text for line in (report.excerpt.lines if report.excerpt is not None else ()) if line.tells]
    return _STAMP.sub("", telling[0])[:_LONGEST_LINE] if telling else None


def _say_hang(report: BugReport) -> str:
    who = report.interface or "A network card"
    driver = find_driver(report)
    first = _first_line(report)
    said = f"; the kernel says: {first}" if first else ""
    if not is_hung(report):
        if report.excerpt is not None:
            return f"{who}: the log tells of a hang and does not name the card{said}"
        return f"{who}: no hang is told by what was read."
    return f"{who}{f' (driver {driver})' if driver else ''} stops transmitting{said or '.'}"


def say_actual(report: BugReport) -> str:
    """What goes wrong, for forms that ask for it."""
    log = "; see the log below." if report.excerpt is not None else "; no log of it is at hand."
    if is_hung(report):
        return f"The card stops transmitting{log}"
    return (
        "Not known: the log below tells of a hang, and not of which card." if report.excerpt is not None else "Not known: no hang is told."
    )


def _say_rest(blame: Blame) -> Iterator[str]:
    """Kernels that the comparison leaves out, where it shows nothing: they may tell more."""
    if blame.comparison is None or blame.comparison.verdict is not Verdict.NOT_SHOWN:
        return
    left = [one for one in blame.kernels if one.package not in (None, blame.before, blame.after) and one.figures.boots]
    left.sort(key=lambda one: (-one.figures.boots_hung, -one.figures.hours_at_risk))
    if left:
        yield f"Not in that comparison: {'; '.join(f'{one.package}: {say_arm(one.figures)}' for one in left[:_MOST_LEFT])}."


def _say_span(blame: Blame) -> Iterator[str]:
    """Last good and first bad, where the figures show it."""
    good, bad = find_kernel(blame, blame.before), find_kernel(blame, blame.after)
    if good is None or bad is None:
        return
    word = "Last good" if not good.figures.boots_hung else "Last better"
    yield f"{word}: {good.package}{_releases(good)}. First bad: {bad.package}{_releases(bad)}."


def _releases(kernel: KernelFigures) -> str:
    return f" ({join_names(list(kernel.releases))})" if kernel.releases else ""


def list_summary(report: BugReport) -> tuple[str, ...]:
    """What a maintainer needs to judge it, a sentence each."""
    return tuple(_summary(report))


def _summary(report: BugReport) -> Iterator[str]:
    blame = report.blame
    yield _say_hang(report)
    yield summarize_blame(blame)
    caveat = say_caveat(blame)
    if caveat is not None:
        yield caveat
    yield from _say_rest(blame)
    if is_regression(report):
        yield from _say_span(blame)
    if blame.confounders:
        yield f"That is in time, not in cause: with it came also {join_names([one.what for one in blame.confounders])}."
    for twin in blame.twins:
        if twin.word is not TwinWord.SILENT and blame.before is not None and blame.after is not None:
            yield f"Another host: {say_twin(twin, blame.before, blame.after)}"
    held = [one for one in report.tried if one.hold is not None]
    for one in held[-_MOST_HELD:]:
        yield f"Tried: {join_names(list(one.remedies))}: {_say_judged(one)}"
    yield from _say_machine(report)


def _say_machine(report: BugReport) -> Iterator[str]:
    host = report.host
    if host is None:
        return
    machine = " ".join(filter(None, (host.vendor, host.product))) or host.board
    bios = f"BIOS {host.bios_version}" if host.bios_version else None
    guest = None if host.virtualization in (None, "none") else host.virtualization
    told = ", ".join(filter(None, (machine, bios, guest, host.distro)))
    if told:
        yield f"Machine: {told}."


def _say_judged(one: Tried) -> str:
    if one.hold is None or one.before is None or one.after is None:
        return ""
    return f"{say_hold(one.hold, one.before, one.after)}."


def _say_when(one: Tried) -> str:
    if one.began is None:
        return ""
    return f", from {one.began}" + (f" to {one.ended}" if one.ended else "")


def say_came(came: Came) -> str:
    """How something that was tried stands.

    >>> say_came(Came.UNDONE)
    'taken back'
    """
    return _CAME[came]


def say_tried(one: Tried) -> str:
    """One thing that was tried: what, when, how it stands, whether it held, what limits that."""
    what = "; ".join(one.commands[:3]) + (f"; and {len(one.commands) - 3} more" if len(one.commands) > 3 else "")
    kernel = f" on {one.kernel_package}" if one.kernel_package else ""
    parts = [f"{join_names(list(one.remedies)) or 'nothing'}{kernel}{_say_when(one)}: {say_came(one.came)}."]
    if one.hold is not None:
        parts.append(f"Judged: {_say_judged(one)}")
    elif one.hours is not None:
        parts.append(f"Watched for {say_hours(one.hours)}" + (f": {say_arm(one.after)}." if one.after is not None else "."))
    parts += one.notes
    if what:
        parts.append(f"Commands: {what}")
    return " ".join(parts)
