# SPDX-License-Identifier: GPL-2.0-or-later
"""``nicmedic incidents``: what watch has seen standing still, with the evidence."""

import argparse
import sys
from typing import TYPE_CHECKING

from nicmedic.cli.declare import Argument, Command, Example, Offer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nicmedic.model.incident import Evidence, Incident
    from nicmedic.report.incidents_text import Moment
    from nicmedic.store import HostIncidents

__all__ = ["INCIDENTS"]

_SHOWN = 20
_LONGEST_NUMBER = 9


def _read_number(text: str | None, what: str, hint: str) -> int | None:
    from nicmedic.model.errors import UsageError  # --help must not wait for it

    if text is None:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) <= _LONGEST_NUMBER and int(text) > 0):
        raise UsageError(f"{text!r} is no {what}", hint=hint)
    return int(text)


def _read_moment() -> "Moment":
    """Which boot this is, and whether somebody watches; a machine without /proc has none of these."""
    import contextlib

    from nicmedic.host.watching.sign_of_life import is_watched, read_last_sign
    from nicmedic.report.incidents_text import Moment

    boot_id = uptime_s = None
    with contextlib.suppress(OSError, ValueError, IndexError):
        with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:  # noqa: PTH123  # the kernel's own
            boot_id = file.read(64).strip() or None
        with open("/proc/uptime", encoding="ascii") as file:  # noqa: PTH123  # the kernel's own
            uptime_s = float(file.read(64).split()[0])
    return Moment(boot_id=boot_id, uptime_s=uptime_s, is_watched=is_watched(), last_sign=read_last_sign())


def _select(known: "Sequence[Incident]", since: str | None, last: int | None) -> "Sequence[Incident]":
    """Those that were asked for."""
    import datetime

    from nicmedic.cli.since import parse_since
    from nicmedic.host.clock import read_now

    if since is not None:
        now = read_now()
        moment = parse_since(since, now)

        def is_later(incident: "Incident") -> bool:
            try:
                began = datetime.datetime.fromisoformat(incident.began)
            except ValueError:
                return True  # better one too many
            return (began if began.tzinfo else began.replace(tzinfo=now.tzinfo)) >= moment

        known = [incident for incident in known if is_later(incident)]
    return known if last is None else known[-last:]


def _find_one(store: "HostIncidents", number: int) -> "Incident":
    from nicmedic.model.errors import NoSuchIncidentError

    found = store.find_incident(number) if store.exists() else None
    if found is None:
        raise NoSuchIncidentError(f"there is no incident {number}", hint="nicmedic incidents   # all of them")
    return found


def _choose_piece(number: int, evidence: "Sequence[Evidence]", asked: str) -> "Evidence":
    """The newest of that kind, or that of that place."""
    from nicmedic.model.errors import NoSuchIncidentError, UsageError
    from nicmedic.model.incident import EvidenceKind

    hint = f"nicmedic incidents {number}   # what is there"
    if asked.isascii() and asked.isdecimal():
        chosen = evidence[int(asked) - 1 : int(asked)] if len(asked) <= _LONGEST_NUMBER and int(asked) else ()
    elif asked in set(EvidenceKind):
        chosen = [piece for piece in evidence if piece.kind == asked][-1:]
    else:
        raise UsageError(f"--evidence {asked!r}: no kind of evidence", hint=f"one of: {', '.join(EvidenceKind)}; or its place in the list")
    if not chosen:
        raise NoSuchIncidentError(f"incident {number} has no evidence {asked}", hint=hint)
    if chosen[0].thinned and not chosen[0].data:
        raise NoSuchIncidentError(f"incident {number}: its evidence {asked} was given up: there was no room for it", hint=hint)
    return chosen[0]


def _hand_out(number: int, piece: "Evidence", output: str | None) -> None:
    """Into a file, or as it is; a terminal gets text only, and that escaped."""
    import os

    from nicmedic.cli.streams import write_answer, write_data
    from nicmedic.host.files import write_file
    from nicmedic.model.errors import StateError, UnwritableOutputError, UsageError
    from nicmedic.model.incident import EvidenceKind
    from nicmedic.report.escape import escape_terminal

    if output is not None:
        try:
            write_file(output, os.fsdecode(piece.data))
        except StateError as error:
            raise UnwritableOutputError(error.message, hint=error.hint) from error
    elif not sys.stdout.isatty():
        write_data(piece.data)
    elif piece.kind is EvidenceKind.HOST:
        hint = f"nicmedic incidents {number} --evidence {piece.kind} -o incident-{number}.tar.gz"
        raise UsageError("this piece is an archive, and standard output a terminal", hint=hint)
    else:
        write_answer("".join(f"{escape_terminal(line)}\n" for line in piece.data.decode("utf-8", "replace").splitlines()))


def _show_one(store: "HostIncidents", number: int, arguments: argparse.Namespace) -> int:
    from nicmedic.cli.output import read_style
    from nicmedic.cli.streams import write_answer
    from nicmedic.report.incidents_text import is_open, render_incident

    incident, now = _find_one(store, number), _read_moment()
    evidence, unreadable = store.read_evidence(number), store.unreadable
    store.close()
    if arguments.evidence is not None:
        _hand_out(number, _choose_piece(number, evidence, arguments.evidence), arguments.output)
        return 0
    if arguments.json:
        from nicmedic.report.incidents_json import render_incidents_json

        write_answer(render_incidents_json([incident], now.boot_id, database=store.path, evidence={number: evidence}) + "\n")
    else:
        style = read_style()
        write_answer(render_incident(incident, evidence, now, style, unreadable=unreadable))
    return int(is_open(incident, now.boot_id))


def _show_all(store: "HostIncidents", last: int | None, arguments: argparse.Namespace) -> int:
    from nicmedic.cli.output import read_style
    from nicmedic.cli.streams import write_answer
    from nicmedic.report.incidents_text import render_incidents, render_unwatched

    is_there, now = store.exists(), _read_moment()
    newest = None if arguments.since is not None else last if arguments.json else last or _SHOWN
    known, unreadable = (store.list_incidents(newest=newest), store.unreadable) if is_there else ((), 0)
    opened, count = (store.list_open(now.boot_id), store.count_incidents()) if is_there else ((), 0)
    store.close()
    if arguments.json:
        from nicmedic.report.incidents_json import render_incidents_json

        shown = _select(known, arguments.since, last)
        write_answer(render_incidents_json(shown, now.boot_id, database=store.path if is_there else None) + "\n")
    elif not is_there:
        write_answer(render_unwatched())
    else:
        shown = _select(known, arguments.since, last or (_SHOWN if arguments.since is None else None))
        every = sorted({one.id or 0: one for one in (*opened, *known)}.items())
        style = read_style()
        count = max(count - unreadable, len(shown))
        write_answer(render_incidents([one for _, one in every], now, style, shown=shown, count=count, unreadable=unreadable))
    return int(bool(opened))


def _run(arguments: argparse.Namespace) -> int:
    from nicmedic.model.errors import UsageError
    from nicmedic.store import HostIncidents

    number = _read_number(arguments.number, "number of an incident", "nicmedic incidents   # all of them")
    last = _read_number(arguments.last, "number of incidents", "nicmedic incidents --last 50")
    if arguments.evidence is not None and (number is None or arguments.json):
        raise UsageError("--evidence hands out one piece of one incident", hint="nicmedic incidents 3 --evidence kernel_log")
    if arguments.output is not None and arguments.evidence is None:
        raise UsageError("--output is for a piece of evidence", hint="nicmedic incidents 3 --evidence host -o incident-3.tar.gz")
    if number is not None and (last is not None or arguments.since is not None):
        raise UsageError("--last and --since choose among all incidents, and one was named", hint=f"nicmedic incidents {number}")
    store = HostIncidents(read_only=True)
    return _show_all(store, last, arguments) if number is None else _show_one(store, number, arguments)


INCIDENTS = Command(
    name="incidents",
    summary="show what watch has seen standing still, and the evidence of it",
    description="""\
Lists the incidents that nicmedic watch wrote down, the newest first; the first line says what is wrong now, or that nobody watches. With a \
number all of one: what shows it, when it began, was noticed and restored, what was done about it, and its evidence. --evidence hands out one \
piece of that: samples, kernel_log, \
kernel_log_after, host (an archive for nicmedic check --from) or changes, or its place in the list.

Incidents are kept for years; their evidence stays within the size that the policy allows, and the oldest is thinned first. Nothing is changed.""",
    arguments=(
        Argument(("number",), "of one incident; none: all", "N", "?"),
        Argument(("--json",), "print one JSON document, schema nicmedic.incidents/1", flag=True),
        Argument(("--last",), f"only so many, the newest (default: {_SHOWN}; with --json or --since all)", "COUNT"),
        Argument(("--since",), "only those that began later: a date, a time, 2h, yesterday", "TIME"),
        Argument(("--evidence",), "hand out one piece of evidence instead: its kind, or its place in the list", "KIND"),
        Argument(("--output", "-o"), "the file for it (default: standard output)", "FILE", offer=Offer.FILES),
    ),
    examples=(
        Example("nicmedic incidents", "is something wrong now, and what was?"),
        Example("nicmedic incidents 12", "all that is known of one"),
        Example("nicmedic incidents 12 --evidence kernel_log | nicmedic explain -", "what its kernel log says"),
        Example("nicmedic incidents 12 --evidence host -o incident-12.tar.gz", "for a bug report"),
    ),
    exit_statuses=(
        (0, "no incident is open; with --evidence: handed out"),
        (1, "an incident is open now; with a number: that one"),
        (2, "the command line is wrong"),
        (20, "the file cannot be written"),
        (27, "the incidents cannot be read"),
        (30, "no such incident, or no such evidence"),
    ),
    run=_run,
)
