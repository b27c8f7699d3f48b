# SPDX-License-Identifier: GPL-2.0-or-later
"""``nicmedic knowledge``: look at what is known of a driver, and check files of your own."""

import argparse
import sys
from pathlib import Path

from nicmedic.cli.declare import Argument, Command, Example

__all__ = ["KNOWLEDGE"]


def _run_lint(arguments: argparse.Namespace) -> int:
    from nicmedic.host.knowledge import OPERATOR_FOLDER, SHIPPED_FOLDER, read_knowledge, read_knowledge_file  # --help must not wait
    from nicmedic.knowledge.lint import find_line, lint_file
    from nicmedic.knowledge.values import Problem

    base = read_knowledge()
    paths = [Path(name) for name in arguments.file] or [*sorted(SHIPPED_FOLDER.glob("*.toml")), *sorted(OPERATOR_FOLDER.glob("*.toml"))]
    count = 0
    for path in paths:
        file = read_knowledge_file(path)
        found = [file] if isinstance(file, Problem) else lint_file(file.data, file.name, base)
        text = path.read_text("utf-8", "replace") if found and path.is_file() else ""
        for problem in found:
            line = problem.line or find_line(text, problem.reason)
            print(f"{path}{f':{line}' if line else ''}: {problem.reason}")
        count += len(found)
    print(
        f"{len(paths)} files, {len(base.signals)} signals known, {count} problems"
        if count or not arguments.file
        else f"{len(paths)} files, no problem"
    )
    return 1 if count else 0


def _run_show(arguments: argparse.Namespace) -> int:
    from nicmedic.cli.output import read_width, use_colour  # --help must not wait for these
    from nicmedic.host.knowledge import read_knowledge
    from nicmedic.model.errors import UsageError
    from nicmedic.report.knowledge_text import render_driver, render_driver_json, render_driver_list
    from nicmedic.report.style import Style

    base = read_knowledge()
    style = Style(width=read_width(), colour=use_colour(sys.stdout))
    if arguments.driver is None:
        sys.stdout.write(render_driver_list([base.read_file(name) for name in base.file_names], style))
        return 0
    driver = base.find_driver(arguments.driver)
    if driver is None and arguments.driver in base.file_names:
        driver = base.read_file(arguments.driver)
    if driver is None:
        message = f"nothing is known of a driver {arguments.driver!r}"
        raise UsageError(message, hint="nicmedic knowledge show   # lists what is known")
    sys.stdout.write(render_driver_json(driver) if arguments.json else render_driver(driver, style))
    return 0


def _run_literals(arguments: argparse.Namespace) -> int:
    from nicmedic.host.knowledge import read_knowledge  # --help must not wait for these
    from nicmedic.kernlog.system import LITERALS

    del arguments
    for literal in dict.fromkeys((*(item.decode() for item in read_knowledge().scan_literals), *LITERALS)):
        print(literal)
    return 0


KNOWLEDGE = Command(
    name="knowledge",
    summary="look at what is known of a driver, and check knowledge files",
    description="What nicmedic knows is data: one TOML file a driver (docs/knowledge.md). Your own go into /etc/nicmedic/knowledge.d.",
    commands=(
        Command(
            name="show",
            summary="print what is known of a driver",
            description="Prints the messages, causes, remedies and outcomes known of DRIVER; without DRIVER, the list of drivers.",
            arguments=(
                Argument(("driver",), "driver as ethtool -i and the log name it, or core, or platform", "DRIVER", "?"),
                Argument(("--json",), "print JSON", flag=True),
            ),
            examples=(Example("nicmedic knowledge show r8169", "what is known of r8169"),),
            run=_run_show,
        ),
        Command(
            name="lint",
            summary="check knowledge files",
            description="Checks that patterns compile and match their examples, that ids exist, and that every outcome has a source. "
            "Without FILE: all shipped files and those in /etc/nicmedic/knowledge.d.",
            arguments=(Argument(("file",), "a knowledge file", "FILE", "*", files=True),),
            exit_statuses=((0, "no problem"), (1, "problems were found")),
            run=_run_lint,
        ),
        Command(
            name="literals",
            summary="print the literal strings that big logs are searched for",
            description="One a line: for grep -F -f, and for benchmarks.",
            run=_run_literals,
        ),
    ),
)
