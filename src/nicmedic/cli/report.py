# SPDX-License-Identifier: GPL-2.0-or-later
"""``nicmedic report``: everything that is known of a hang, in the form in which its reader takes bug reports."""

import argparse
import dataclasses
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from nicmedic.cli.declare import Argument, Command, Example, Offer

if TYPE_CHECKING:
    from nicmedic.app.bug_report.build import Material
    from nicmedic.model.bug_report import BugReport
    from nicmedic.model.explanation import Explanation
    from nicmedic.model.history import History
    from nicmedic.model.host import Host
    from nicmedic.report.bug.form import Form

__all__ = ["REPORT"]

_Tell = Callable[[str, int], None]
_NAMES = ("debian", "ubuntu", "redhat", "kernel", "github", "html", "json")


def _choose_form(name: str | None) -> "Form":
    from nicmedic.model.errors import UsageError
    from nicmedic.report.bug.forms import FORMS, find_form

    form = None if name is None else find_form(name)
    if form is None:
        message = "--for says who will read it" if name is None else f"--for {name!r}: no such form"
        raise UsageError(message, hint="\n".join(f"nicmedic report --for {one.name:<7}  # {one.summary}" for one in FORMS))
    return form


def _read_host(source: str | None) -> "Host":
    """This one's, or as it was saved.

    Raises:
        NotASnapshotError: what was named is none.
        UnreadableInputError: it cannot be read.
    """
    if source is None:
        from nicmedic.host.machine import HostMachine

        return HostMachine().read_host()
    from nicmedic.host.saved import read_saved

    return read_saved(source).host


def _read_history(files: list[str] | None, source: str | None, tell: _Tell) -> "tuple[History, tuple[str, ...]]":
    """The past, and what could not be read of it."""
    if files:
        from nicmedic.cli.blame import read_saved_history
        from nicmedic.evidence.saved_history import merge_histories

        return merge_histories([read_saved_history(path) for path in files]), ()
    from nicmedic.cli.history import read_history_of

    collected = read_history_of(() if source is None else (source,), tell)
    return collected.history, tuple(f"Not read: {error.message}." for error in collected.errors)


def _is_of_here(history: "History", seen: "Host", tell: _Tell) -> bool:
    """Whether it has a boot of this machine's; its name alone shows nothing, for many hosts are called ``debian``."""

    def name_boots(one: "History") -> "set[tuple[str | None, ...]]":
        """Of a boot without an id the moment to the second and the kernel stand for it."""
        return {(boot.boot_id,) if boot.boot_id else (boot.began, boot.kernel_release) for boot in one.boots if boot.boot_id or boot.began}

    told = name_boots(history)
    if seen.boot_id is not None and (seen.boot_id.replace("-", ""),) in told:
        return True
    return not told.isdisjoint(name_boots(_read_history(None, None, tell)[0]))


def _explain(names: tuple[str, ...], tell: _Tell, *, wanted: bool = False) -> "Explanation":
    """What the logs say.

    Raises:
        NicmedicError: they are wanted, and none of them can be read.
    """
    import os

    from nicmedic.app.explain import Request, explain
    from nicmedic.host.knowledge import read_knowledge
    from nicmedic.host.logs import HostLogs

    request = Request(names=names, workers=len(os.sched_getaffinity(0)))
    explanation = explain(HostLogs(), read_knowledge(), request, tell)
    if wanted and not explanation.sources and explanation.errors:
        raise explanation.errors[0]
    return explanation


def _find_names(arguments: argparse.Namespace, *, is_here: bool) -> tuple[str, ...] | None:
    """Which logs to explain; empty: this machine's own, None: there are none."""
    if arguments.log:
        return tuple(dict.fromkeys(arguments.log))
    if arguments.source is not None:
        return (arguments.source,)
    return () if is_here else None


def _check_name(name: str, host: "Host | None", history: "History", explanation: "Explanation | None") -> str:
    """The interface that is meant.

    Raises:
        NoSuchInterfaceError: neither the host nor its past knows it.
    """
    from nicmedic.model.errors import NoSuchInterfaceError
    from nicmedic.report.escape import escape_terminal

    nic = None if host is None else host.find_nic(name)
    if nic is not None:
        return nic.interface
    told = {hang.interface for boot in history.boots for hang in boot.hangs}
    told |= {event.interface for event in (explanation.events if explanation is not None else ())}
    if name in told:
        return name
    known = sorted({one.interface for one in (host.nics if host is not None else ())} | {one for one in told if one is not None})
    listed = f"; these are: {', '.join(map(escape_terminal, known))}" if known else ""
    raise NoSuchInterfaceError(f"{escape_terminal(name)}: neither this host nor its past knows it{listed}", hint="nicmedic check")


def _gather(arguments: argparse.Namespace, tell: _Tell) -> "Material":
    """Read everything. What is missing is told in the report, and what was named by hand and cannot be read ends it."""
    from nicmedic.app.blame import Question, blame
    from nicmedic.app.bug_report.build import Material, choose_interface
    from nicmedic.app.bug_report.excerpt import find_meant, read_excerpt
    from nicmedic.app.bug_report.tried import Done, list_treated_spans
    from nicmedic.cli.blame import read_saved_history
    from nicmedic.cli.done import read_done
    from nicmedic.host.changelogs import find_changelog, read_changelog_file
    from nicmedic.host.logs import HostLogs

    twins = [read_saved_history(path) for path in arguments.twin or ()]
    named = _explain(tuple(dict.fromkeys(arguments.log)), tell, wanted=True) if arguments.log else None  # a mistyped name is told at once
    seen = _read_host(arguments.source)
    history, troubles = _read_history(arguments.history, arguments.source, tell)
    same_name = history.host is not None and history.host == seen.hostname
    is_here = arguments.source is None and (not arguments.history or (same_name and _is_of_here(history, seen, tell)))
    if arguments.source is None and same_name and not is_here:
        troubles += ("The history is of a host called like this one, and has no boot of this one: it is taken for another's.",)
    host = seen if is_here or arguments.source is not None else None  # else the history is another host's
    names = _find_names(arguments, is_here=is_here)
    explanation = named if named is not None or names is None else _explain(names, tell)
    if explanation is None:
        troubles += ("No kernel log was read.",)
    else:
        troubles += tuple(f"Not read: {error.message}." for error in explanation.errors)
    name = arguments.interface
    interface = choose_interface(history, host, explanation) if name is None else _check_name(name, host, history, explanation)
    done, more = read_done() if is_here else (Done(), ("What was tried on that host is not known here.",))
    answer = blame(
        history,
        Question(interface=interface, treated=list_treated_spans(history, interface, done)),
        twins=twins,
        changelog=None if arguments.changelog is None else read_changelog_file(arguments.changelog),
        find_changelog=find_changelog,
    )
    material = Material(interface=interface, history=history, blame=answer, host=host, explanation=explanation, done=done)
    if explanation is not None and names is not None:
        excerpt = read_excerpt(HostLogs(), names, explanation, find_meant(interface, history, host, explanation), answer.after)
        material = dataclasses.replace(material, excerpt=excerpt)
    return dataclasses.replace(material, troubles=(*troubles, *more))


def _scrub(report: "BugReport", host: "Host | None", arguments: argparse.Namespace) -> "tuple[BugReport, str]":
    """Replace what tells whose host it is, names of files that somebody chose too; and the map."""
    from nicmedic.host.scrub_parts import find_known_names
    from nicmedic.report.bug.scrubbing import scrub_report

    named = (*(arguments.log or ()), *(arguments.history or ()), *(arguments.twin or ()), arguments.changelog, arguments.source)
    return scrub_report(report, find_known_names(host=host), [name for name in named if name is not None])


def _write(path: str, text: str) -> None:
    """A file that only its owner may read.

    Raises:
        UnwritableOutputError: it cannot be written.
    """
    from nicmedic.host.files import write_file
    from nicmedic.model.errors import StateError, UnwritableOutputError

    try:
        write_file(path, text)
    except StateError as error:
        raise UnwritableOutputError(error.message, hint=error.hint.partition("   #")[0]) from error


def _tell_steps(form: "Form", report: "BugReport", output: str | None) -> None:
    """What to do with it, on standard error: the report itself is ready to be sent as it is."""
    from nicmedic.cli.streams import write_complaint
    from nicmedic.report.bug.words import is_hung
    from nicmedic.report.escape import escape_terminal, quote_file_name

    steps = form.list_steps(report, "REPORT" if output is None else quote_file_name(output))
    notes = [] if report.scrubbed else ["it names this host, as its log does: --scrub replaces names, addresses and serial numbers"]
    if not is_hung(report) and report.excerpt is not None:
        notes.append("the log does not name the card that hung: say in the report how you know that it is this one")
    elif not is_hung(report):
        notes.append("no hang is told by what was read: a maintainer can do little with it")
    elif report.excerpt is None:
        notes.append("no log shows the hang: --log FILE hands one in")
    if report.host is None:
        notes.append("nothing is known of the machine and its card: --from a snapshot of it, or run this there")
    lines = [*(f"nicmedic: {note}" for note in notes), *(["nicmedic: how to send it:"] if steps else []), *(f"  {step}" for step in steps)]
    write_complaint("".join(f"{escape_terminal(line)}\n" for line in lines))


def _run(arguments: argparse.Namespace) -> int:
    from nicmedic import __version__
    from nicmedic.app.bug_report.build import build_report
    from nicmedic.cli.chart_folder import open_chart_folder
    from nicmedic.cli.output import Progress
    from nicmedic.cli.streams import write_answer
    from nicmedic.host.clock import read_now
    from nicmedic.model.errors import UsageError

    form = _choose_form(arguments.form)
    if arguments.output in {"", "-"}:
        raise UsageError(f"--output '{arguments.output}': the name of a file is wanted", hint=f"nicmedic report --for {form.name}")
    with Progress(sys.stderr) as progress:
        material = _gather(arguments, progress.show)
    report = build_report(material, made=read_now().isoformat(timespec="seconds"), version=__version__)
    told = None
    if arguments.scrub:
        report, told = _scrub(report, material.host, arguments)
    with open_chart_folder():
        text = form.render(report)
    if arguments.output is None:
        write_answer(text)
    else:
        _write(arguments.output, text)
        if told is not None:
            _write(f"{arguments.output}.map", told)
    _tell_steps(form, report, arguments.output)
    return 0


REPORT = Command(
    name="report",
    summary="write a bug report on a card that hangs, ready to be sent",
    description="""\
Puts everything that is known of the hangs of one card into the form in which its reader takes bug reports: a summary that can be judged in one \
screen, the last good and the first bad kernel package, the rates with their intervals as blame has them, the lines of the first hang, ids and \
firmware of card and machine, the remedies that were tried with nicmedic, each with how long it was in force and whether it held, what else changed, \
and what is not known.

Forms: debian, a mail to bugs.debian.org; ubuntu, a bug on Launchpad; redhat, one in Bugzilla; kernel, a mail to the kernel's developers, with \
the line for regzbot where the figures show a regression and the upstream versions are beyond doubt; github, Markdown; html, one page with a \
timeline and charts; json. How to send it is told on standard error. Nothing is sent and nothing is changed.

It reads this machine; with --from another one, as it was saved; with --history what nicmedic history --json wrote. What cannot be read is told in \
the report. A map of what --scrub replaced is written beside the file of --output, with .map at the end of its name; keep it to yourself.""",
    arguments=(
        Argument(("interface",), "the card, by its name (default: the one that hung in most boots)", "IF", "?", offer=Offer.INTERFACES),
        Argument(("--for",), f"who will read it: {', '.join(_NAMES[:-1])} or {_NAMES[-1]}", "FORM", dest="form"),
        Argument(("--scrub",), "replace addresses, names and serial numbers consistently", flag=True),
        Argument(
            ("--history",),
            "what nicmedic history --json wrote, instead of this machine's past; several files are parts of one host's",
            "FILE",
            offer=Offer.FILES,
            repeats=True,
        ),
        Argument(("--twin",), "another host's nicmedic history --json; may come several times", "FILE", offer=Offer.FILES, repeats=True),
        Argument(
            ("--changelog",), "changelog of the kernel package, Debian's or RPM's (default: the installed one)", "FILE", offer=Offer.FILES
        ),
        Argument(
            ("--log",), "a kernel log, instead of this machine's; may come several times", "FILE|DIR", offer=Offer.FILES, repeats=True
        ),
        Argument(
            ("--from",),
            "report another host: a snapshot, a sosreport, or a folder with a copy of its files",
            "FILE|DIR",
            dest="source",
            offer=Offer.FILES,
        ),
        Argument(("--output", "-o"), "the file to write (default: standard output)", "FILE", offer=Offer.FILES),
    ),
    examples=(
        Example("nicmedic report eth0 --for debian -o bug.mail", "a mail for Debian; how to send it is told"),
        Example("nicmedic report --for kernel --scrub -o bug.mail", "for the kernel's developers, without names"),
        Example("nicmedic report --for html --from snapshot.tar.gz -o bug.html", "another host, for people"),
        Example("nicmedic report --for json --history here.json --twin other.json --log kern.log", "from saved parts, for a script"),
    ),
    exit_statuses=(
        (0, "the report is written, whatever it says"),
        (2, "the command line is wrong"),
        (11, "a file that was named cannot be read"),
        (12, "the log that was named is empty"),
        (13, "no line of the log that was named is a kernel message"),
        (20, "the file cannot be written"),
        (21, "what was named after --from is neither a snapshot nor a sosreport"),
        (22, "neither the host nor its past knows such a network card"),
        (33, "what was handed in is no history"),
    ),
    run=_run,
)
