# SPDX-License-Identifier: GPL-2.0-or-later
"""``nicmedic explain``: what the log says happened, why, and what to try."""

import argparse
import os
import sys

from nicmedic.cli.declare import Argument, Command, Example, Offer

__all__ = ["EXPLAIN"]


def _run(arguments: argparse.Namespace) -> int:
    from nicmedic.app.explain import Request, explain  # --help must not wait for these
    from nicmedic.cli.output import Progress, print_error, print_problem, read_style
    from nicmedic.cli.since import parse_since
    from nicmedic.cli.streams import write_answer
    from nicmedic.host.clock import read_now
    from nicmedic.host.knowledge import read_knowledge
    from nicmedic.host.logs import HostLogs

    scanner = os.environ.get("NICMEDIC_SCANNER", "")
    request = Request(
        names=tuple(dict.fromkeys(arguments.file)),
        interface=arguments.interface,
        since=parse_since(arguments.since, read_now()) if arguments.since else None,
        workers=len(os.sched_getaffinity(0)),
        fast={"python": False, "hyperscan": True}.get(scanner),
    )
    knowledge = read_knowledge()
    with Progress(sys.stderr) as progress:
        explanation = explain(HostLogs(), knowledge, request, progress.show)
    for error in explanation.errors:
        print_error(error, debug=arguments.debug)
    for problem in knowledge.problems:
        print_problem(problem)
    if arguments.json:
        from nicmedic.report.explain_json import render_explain_json

        write_answer(render_explain_json(explanation, knowledge) + "\n")
    else:
        from nicmedic.report.explain_text import render_explain_text

        style = read_style(more=arguments.all)
        write_answer(render_explain_text(explanation, knowledge, style))
    if not explanation.sources and explanation.errors:
        return explanation.errors[0].code
    return 1 if explanation.findings else 0


EXPLAIN = Command(
    name="explain",
    summary="say from a kernel log why a NIC hung, and what to try",
    description="""\
Reads kernel logs in whatever form they come (dmesg, syslog, journal, netconsole, pstore, serial captures, JSON, pasted mail, sos and supportconfig \
archives; compressed or not), and tells what happened to which network card, what is probably behind it, and what to try, best first, with the exact \
command, its undo and its risk.

With no FILE it reads this machine's own kernel log: the journal of all boots, else /dev/kmsg, else dmesg. Nothing is changed on the machine.

When several logs are named and some cannot be read, the others are still explained; the exit status then tells of the findings.""",
    arguments=(
        Argument(("file",), "a log, a folder or an archive of logs, or - for standard input", "FILE|DIR|-", "*", offer=Offer.FILES),
        Argument(("--json",), "print one JSON document, schema nicmedic.explain/1", flag=True),
        Argument(("--interface",), "tell only what concerns this interface or the whole host", "IF", offer=Offer.INTERFACES),
        Argument(("--since",), "leave out what is known to be older: 2026-01-31, '2026-01-31 12:00', 2h, '3 days ago', yesterday", "T"),
        Argument(("--all",), "print every event of the timeline and every remedy", flag=True),
    ),
    examples=(
        Example("nicmedic explain", "this machine"),
        Example("nicmedic explain /var/log/kern.log*", "files, rotated and compressed ones too"),
        Example("ssh host dmesg | nicmedic explain -", "another host that still answers"),
        Example("nicmedic explain sosreport-host.tar.xz --json", "a support archive, for a script"),
    ),
    exit_statuses=(
        (0, "nothing wrong was found"),
        (1, "findings"),
        (2, "the command line is wrong"),
        (11, "no log could be read: missing, forbidden, damaged"),
        (12, "the log is empty"),
        (13, "no line of it is a kernel message"),
        (14, "this user may not read this machine's kernel log"),
        (15, "a program is missing that reads such a file"),
    ),
    run=_run,
)
