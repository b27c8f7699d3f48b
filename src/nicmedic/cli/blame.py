# SPDX-License-Identifier: GPL-2.0-or-later
"""``nicmedic blame``: whether hangs came with a kernel package, what else came with it, and what would prove it."""

import argparse
import dataclasses
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from nicmedic.cli.declare import Argument, Command, Example, Offer

if TYPE_CHECKING:
    from nicmedic.evidence.treated import Span
    from nicmedic.model.errors import NicmedicError
    from nicmedic.model.history import History

__all__ = ["BLAME", "read_saved_history"]

_MOST_BYTES = 64 << 20


def read_saved_history(path: str) -> "History":
    """What ``nicmedic history --json`` has written.

    Raises:
        UnreadableInputError: it cannot be read.
        NotAHistoryError: it is something else.
    """
    from nicmedic.evidence.saved_history import parse_history
    from nicmedic.model.errors import NotAHistoryError, UnreadableInputError

    try:
        with Path(path).open("rb") as file:
            data = file.read(_MOST_BYTES + 1)
    except OSError as error:
        raise UnreadableInputError(f"{path}: {error.strerror or error}", hint=f"ls -l {path}") from None
    if len(data) > _MOST_BYTES:
        raise NotAHistoryError(f"{path}: more than {_MOST_BYTES >> 20} MiB: no history is so long", hint="nicmedic history --json")
    return parse_history(data.decode("utf-8", "replace"), path)


def _read_history(paths: list[str] | None, *, debug: bool) -> "tuple[History, NicmedicError | None]":
    """The history, and why there is none."""
    if paths:
        from nicmedic.evidence.saved_history import merge_histories

        return merge_histories([read_saved_history(path) for path in paths]), None
    return _read_here(debug=debug)


def _read_here(*, debug: bool) -> "tuple[History, NicmedicError | None]":
    """This machine's; what cannot be read of it is told, and limits the answer."""
    import os

    from nicmedic.cli.history import read_history_of
    from nicmedic.cli.output import print_error

    collected = read_history_of(())
    history, errors = collected.history, collected.errors
    for error in errors:
        print_error(error, debug=debug)
    if errors and not history.boots and not history.changes:
        return history, errors[0]
    notes = [f"Not read: {error.message}" for error in errors]
    forbidden = any("may not read" in (source.trouble or "") for source in history.sources)
    if (notes or forbidden) and os.geteuid() != 0:
        notes.append("What could not be read counts for nothing, and may change the answer: sudo nicmedic blame")
    return dataclasses.replace(history, notes=(*history.notes, *notes)), None


def _find_treated(history: "History", interface: str | None) -> "tuple[History, tuple[Span, ...]]":
    """When nicmedic had something set on this machine's cards: no hours of a kernel alone; what is not known of it is noted."""
    from nicmedic.app.bug_report.tried import list_treated_spans
    from nicmedic.cli.done import read_done

    done, troubles = read_done()
    return dataclasses.replace(history, notes=(*history.notes, *troubles)), list_treated_spans(history, interface, done)


def _check_arguments(arguments: argparse.Namespace) -> None:
    from nicmedic.model.errors import UsageError

    if (arguments.before is None) != (arguments.after is None):
        raise UsageError("--before and --after: name both, or none", hint="nicmedic history")
    if arguments.before is not None and arguments.before == arguments.after:
        raise UsageError(f"--before and --after are both {arguments.before}", hint="nicmedic history")


def _run(arguments: argparse.Namespace) -> int:
    from nicmedic.app.blame import Question, blame
    from nicmedic.cli.output import is_piped, read_width, use_colour
    from nicmedic.cli.streams import write_answer
    from nicmedic.host.changelogs import find_changelog, read_changelog_file
    from nicmedic.model.blame import Verdict

    _check_arguments(arguments)
    history, failed = _read_history(arguments.history, debug=arguments.debug)
    if failed is not None:
        return failed.code
    treated: tuple[Span, ...] = ()  # of another host it is not known
    if not arguments.history:
        history, treated = _find_treated(history, arguments.interface)
    answer = blame(
        history,
        Question(interface=arguments.interface, before=arguments.before, after=arguments.after, treated=treated),
        twins=[read_saved_history(path) for path in arguments.twin or ()],
        changelog=None if arguments.changelog is None else read_changelog_file(arguments.changelog),
        find_changelog=find_changelog,
    )
    if arguments.json:
        from nicmedic.report.blame_json import render_blame_json

        write_answer(render_blame_json(answer) + "\n")
    else:
        from nicmedic.report.blame_text import render_blame_text
        from nicmedic.report.style import Style

        style = Style(width=read_width(), colour=use_colour(sys.stdout), one_line=is_piped(sys.stdout), more=arguments.all)
        write_answer(render_blame_text(answer, style))
    return 0 if answer.comparison is None or answer.comparison.verdict is Verdict.NOT_SHOWN else 1


BLAME = Command(
    name="blame",
    summary="say whether hangs came with a kernel package, and what would prove it",
    description="""\
Counts for each version of the kernel's package the hours in which a hang would have been seen, the boots, the boots with a hang and the time to the \
first one, with exact intervals, and compares before and after a change of kernel: proven, likely or not shown, with the figures in words. Boots and \
their first hangs are counted, never lines of a log; boots that ended well count for as long as they were watched; what no log covers counts for \
nothing.

Proven means that two exact tests agree at 1 %: one takes outages to come at random in time, the other takes boots to be good or bad by themselves. \
It is proven in time, not in cause: whatever else changed at the same boot is named, another host's history can speak for or against the kernel \
alone, and where it is not proven it says how many more boots and hours on which kernel would decide it, with the commands.

Without --before and --after it looks at the change that looks worst, and pays for that choice. Between the two packages it lists the entries of the \
changelog that touch the driver, its bus, core networking or the hypervisor. Nothing is changed on the machine.""",
    arguments=(
        Argument(("interface",), "count hangs of this card only, by its name (default: of all cards)", "IF", "?", offer=Offer.INTERFACES),
        Argument(("--json",), "print one JSON document, schema nicmedic.blame/1", flag=True),
        Argument(("--all",), "print every confounder, changelog entry and boot of the plan", flag=True),
        Argument(("--before",), "version of the kernel package to compare with", "VERSION"),
        Argument(("--after",), "version of the kernel package that is suspected", "VERSION"),
        Argument(
            ("--history",),
            "judge what nicmedic history --json wrote, instead of this machine; several files are parts of one host's past",
            "FILE",
            offer=Offer.FILES,
            repeats=True,
        ),
        Argument(
            ("--twin",),
            "another host's nicmedic history --json, to speak for or against the kernel alone; may come several times",
            "FILE",
            offer=Offer.FILES,
            repeats=True,
        ),
        Argument(
            ("--changelog",), "changelog of the kernel package, Debian's or RPM's (default: the installed one)", "FILE", offer=Offer.FILES
        ),
    ),
    examples=(
        Example("nicmedic blame", "this machine, the change of kernel that looks worst"),
        Example("nicmedic blame eth0 --before 6.1.147-1 --after 6.1.153-1", "one card, across one change"),
        Example("nicmedic blame --history here.json --twin other.json --json", "another host beside its twin, for a script"),
    ),
    exit_statuses=(
        (0, "no change is shown, which is no proof of the contrary"),
        (1, "proven or likely: hangs came with a kernel package"),
        (2, "the command line is wrong, names a package that ran in no boot, or this host as its own twin"),
        (11, "a file, or all that this machine keeps, cannot be read"),
        (33, "what was handed in is no history"),
    ),
    run=_run,
)
