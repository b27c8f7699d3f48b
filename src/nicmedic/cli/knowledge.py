# SPDX-License-Identifier: GPL-2.0-or-later
"""``nicmedic knowledge``: look at what is known of a driver, and check files of your own."""

import argparse
from dataclasses import replace
from pathlib import Path

from nicmedic.cli.declare import Argument, Command, Example, Offer
from nicmedic.cli.streams import write_answer

__all__ = ["KNOWLEDGE"]


def _run_lint(arguments: argparse.Namespace) -> int:
    from nicmedic.cli.output import read_knowledge_text  # --help must not wait for these
    from nicmedic.host.knowledge import OPERATOR_FOLDER, SHIPPED_FOLDER, read_knowledge, read_knowledge_file
    from nicmedic.knowledge.lint import lint_file
    from nicmedic.knowledge.values import Problem
    from nicmedic.report.problems import render_problem
    from nicmedic.report.words import say_count

    base = read_knowledge()
    paths = [Path(name) for name in arguments.file] or [*sorted(SHIPPED_FOLDER.glob("*.toml")), *sorted(OPERATOR_FOLDER.glob("*.toml"))]
    count = 0
    for path in paths:
        file = read_knowledge_file(path)
        found = [file] if isinstance(file, Problem) else lint_file(file.data, file.name, base)
        text = read_knowledge_text(path) if found else ""
        for problem in found:
            write_answer(render_problem(replace(problem, file=str(path)), text) + "\n")
        count += len(found)
    known = "" if arguments.file else f", {say_count(len(base.signals), 'signal')}"
    write_answer(f"{say_count(len(paths), 'file')}{known}, {say_count(count, 'problem') if count else 'no problem'}\n")
    return 1 if count else 0


def _run_show(arguments: argparse.Namespace) -> int:
    from nicmedic.cli.output import print_problem, read_style  # --help must not wait for these
    from nicmedic.host.knowledge import read_knowledge
    from nicmedic.model.errors import UsageError
    from nicmedic.report import knowledge_text

    base = read_knowledge()
    style = read_style()
    if arguments.driver is None:
        drivers = [base.read_file(name) for name in base.file_names]
        answer = knowledge_text.render_driver_list_json(drivers) if arguments.json else knowledge_text.render_driver_list(drivers, style)
    else:
        driver = base.find_driver(arguments.driver)
        if driver is None and arguments.driver in base.file_names:
            driver = base.read_file(arguments.driver)
        if driver is None:
            message = f"nothing is known of a driver {arguments.driver!r}"
            raise UsageError(message, hint="nicmedic knowledge show   # lists what is known")
        answer = knowledge_text.render_driver_json(driver) if arguments.json else knowledge_text.render_driver(driver, style)
    for problem in base.problems:
        print_problem(problem)
    write_answer(answer)
    return 0


def _run_literals(arguments: argparse.Namespace) -> int:
    from nicmedic.host.knowledge import read_knowledge  # --help must not wait for these
    from nicmedic.kernlog.system import LITERALS

    del arguments
    literals = dict.fromkeys((*(item.decode() for item in read_knowledge().scan_literals), *LITERALS))
    write_answer("".join(f"{literal}\n" for literal in literals))
    return 0


_ALWAYS = ((0, "done"), (2, "the command line is wrong, or nothing is known of the driver"))

KNOWLEDGE = Command(
    name="knowledge",
    summary="show what is known of a driver, and check knowledge files",
    description="""\
What nicmedic knows is data: one TOML file a driver, described in docs/knowledge.md. Your own files go into /etc/nicmedic/knowledge.d; one that is \
named like a shipped file adds to it. What cannot be used of a file is reported with line and reason, and the rest still works.""",
    commands=(
        Command(
            name="show",
            summary="print what is known of a driver",
            description="Prints the messages, causes, remedies and outcomes known of DRIVER; without DRIVER, the list of drivers.",
            arguments=(
                Argument(("driver",), "driver as ethtool -i and the log name it, or core, or platform", "DRIVER", "?", offer=Offer.DRIVERS),
                Argument(("--json",), "print one JSON document, schema nicmedic.knowledge-show/1", flag=True),
            ),
            examples=(
                Example("nicmedic knowledge show", "the list of drivers"),
                Example("nicmedic knowledge show r8169", "what is known of r8169"),
            ),
            exit_statuses=_ALWAYS,
            run=_run_show,
        ),
        Command(
            name="lint",
            summary="check knowledge files",
            description="""\
Checks that patterns compile and match their examples, that ids exist, and that every outcome has a source; prints file:line: reason for each problem.

Without FILE it checks all shipped files and those in /etc/nicmedic/knowledge.d.""",
            arguments=(Argument(("file",), "a knowledge file", "FILE", "*", offer=Offer.FILES),),
            examples=(Example("nicmedic knowledge lint mynic.toml", "before it goes into /etc/nicmedic/knowledge.d"),),
            exit_statuses=((0, "no problem"), (1, "problems were found"), (2, "the command line is wrong")),
            run=_run_lint,
        ),
        Command(
            name="literals",
            summary="print the literal strings that big logs are searched for",
            description="Prints them one a line: for grep -F -f, and for benchmarks.",
            examples=(
                Example("nicmedic knowledge literals | grep -F -f - huge.log > small.log", "cut a huge log down before it is copied"),
            ),
            exit_statuses=((0, "done"),),
            run=_run_literals,
        ),
    ),
)
