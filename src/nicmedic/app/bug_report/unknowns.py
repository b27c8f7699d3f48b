# SPDX-License-Identifier: GPL-2.0-or-later
"""What a report does not know: facts that are missing, hours that nobody watched, what could as well be the cause. A sentence each."""

import re
from collections.abc import Iterator

from nicmedic.model.blame import Blame, TwinWord
from nicmedic.model.bug_report import BugReport, NicFacts
from nicmedic.report.blame_words import say_hours
from nicmedic.report.words import join_names, say_count

__all__ = ["list_unknowns"]

_MOST_NOTES = 12
_TAINT = re.compile(r"\b(?:Not tainted|Tainted:)")
"""In the second line of every trace."""


def list_unknowns(report: BugReport, troubles: tuple[str, ...]) -> tuple[str, ...]:
    """Most important first.

    Args:
        report: all but its ``unknowns``.
        troubles: what could not be read, a sentence each.
    """
    told = (
        *troubles,
        *_confounders(report.blame),
        *_hours(report.blame),
        *_notes(report),
        *_facts(report),
        "The kernel is the distribution's; whether a vanilla one hangs as well was not tried.",
        "What was typed by hand, without nicmedic, is not in the list of what was tried.",
    )
    return tuple(dict.fromkeys(told))


def _confounders(blame: Blame) -> Iterator[str]:
    if blame.confounders:
        names = join_names([one.what for one in blame.confounders])
        yield f"Other things changed with {blame.after}: {names}. The figures alone cannot tell them from the kernel."
    if blame.unknown_factors and blame.after is not None:
        yield f"No source tells whether these changed as well: {', '.join(blame.unknown_factors)}."
    if blame.after is not None and not any(twin.word is not TwinWord.SILENT for twin in blame.twins):
        yield "No other host with such a card says anything for or against the kernel alone."
    if blame.changelog_trouble is not None:
        yield f"The changelog was not looked at: {blame.changelog_trouble.partition('; ')[0]}."


def _hours(blame: Blame) -> Iterator[str]:
    unwatched = sum(kernel.boots_unwatched for kernel in blame.kernels)
    if unwatched:
        yield f"Of {say_count(unwatched, 'boot')} no log is left: whether the card hung in them is not known, and they count for nothing."
    dark = sum(kernel.ran_h - kernel.watched_h for kernel in blame.kernels if kernel.ran_h is not None and kernel.ran_h > kernel.watched_h)
    if dark >= 1:
        yield f"{say_hours(dark)} in which the host ran are covered by no log, and count for nothing."
    for kernel in blame.kernels:
        if kernel.ran_h is None and kernel.package is not None:
            yield f"How long {kernel.package} ran in all is not known."


def _notes(report: BugReport) -> Iterator[str]:
    """What blame says of its own limits; what is untold of the sources themselves."""
    notes = report.blame.notes
    yield from notes[:_MOST_NOTES]
    if len(notes) > _MOST_NOTES:
        yield f"{len(notes) - _MOST_NOTES} further notes: nicmedic blame --all"
    failed = [source.name for source in report.history.sources if source.trouble]
    if failed:
        yield f"Not read, or with gaps: {join_names(failed)}."


def _facts(report: BugReport) -> Iterator[str]:
    if report.host is None:
        yield "Nothing is known of the machine itself: only logs or histories were handed in."
    else:
        missing = [
            name
            for name, value in (
                ("the machine's model", report.host.product or report.host.board),
                ("its firmware (BIOS)", report.host.bios_version),
                ("the version of the kernel's package that runs now", report.host.kernel_package),
            )
            if value is None
        ]
        if missing:
            yield f"Not known of the machine: {join_names(missing)}."
    if report.nic is None:
        if report.host is not None:
            yield (
                f"The card {report.interface or ''}".rstrip()
                + " could not be looked at: there is none of that name now, or none was named."
            )
    elif missing := _missing(report.nic):
        yield f"Not known of the card: {join_names(missing)}."
    if report.excerpt is None:
        yield "No line of a kernel log shows the hang."
    elif not report.excerpt.own:
        yield "The log does not name the card that hung; its lines may be another card's."
    if not any(_TAINT.search(line.text) for line in (report.excerpt.lines if report.excerpt is not None else ())):
        yield "Whether the kernel was tainted, for instance by a driver that is not its own, is not known: cat /proc/sys/kernel/tainted"
    if report.finding is None:
        yield "The log gives no cause."


def _missing(nic: NicFacts) -> list[str]:
    asked = [("driver", nic.driver), ("vendor and device id", nic.device), ("firmware version", nic.firmware_version)]
    if nic.bus == "pci":
        asked += [("subsystem id", nic.subsystem_device), ("revision", nic.revision)]
    return [name for name, value in asked if value is None]
