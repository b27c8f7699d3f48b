# SPDX-License-Identifier: GPL-2.0-or-later
"""One record a command and one an option, from which the parser, the help, the man page and the completions are made."""

import argparse
from collections.abc import Callable
from typing import NamedTuple

__all__ = ["Argument", "Command", "Example", "add_arguments"]


class Argument(NamedTuple):
    """One option or positional argument."""

    names: tuple[str, ...]
    help: str
    metavar: str | None = None
    nargs: str | None = None
    flag: bool = False
    choices: tuple[str, ...] | None = None
    files: bool = False
    """Its value is a path: completions offer files."""


class Example(NamedTuple):
    """A command line and what it is for."""

    line: str
    purpose: str


class Command(NamedTuple):
    """A command, or with ``commands`` a group of them."""

    name: str
    summary: str
    """One line, for lists."""
    description: str
    arguments: tuple[Argument, ...] = ()
    examples: tuple[Example, ...] = ()
    exit_statuses: tuple[tuple[int, str], ...] = ()
    run: Callable[[argparse.Namespace], int] | None = None
    commands: "tuple[Command, ...]" = ()


def _type_of(argument: Argument) -> dict[str, object]:
    if argument.flag:
        return {"action": "store_true"}
    options = {"metavar": argument.metavar, "nargs": argument.nargs, "choices": argument.choices}
    return {name: value for name, value in options.items() if value is not None}


def _epilog(command: Command) -> str:
    lines: list[str] = []
    if command.examples:
        width = max(len(example.line) for example in command.examples)
        lines += ["examples:", *(f"  {example.line:<{width}}  {example.purpose}" for example in command.examples)]
    if command.exit_statuses:
        lines += ["", "exit status:", *(f"  {status:<4} {meaning}" for status, meaning in command.exit_statuses)]
    return "\n".join(lines)


def add_arguments(parser: argparse.ArgumentParser, command: Command) -> None:
    """Fill a parser from a command's record, with its sub-commands if it has any."""
    parser.description, parser.epilog = command.description, _epilog(command)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    for argument in command.arguments:
        parser.add_argument(*argument.names, help=argument.help, **_type_of(argument))  # type: ignore[arg-type]  # argparse's own keywords
    if command.commands:
        inner = parser.add_subparsers(metavar="COMMAND", dest=f"{command.name}_command", required=True, title="commands")
        for child in command.commands:
            add_arguments(inner.add_parser(child.name, help=child.summary, allow_abbrev=False), child)
    if command.run is not None:
        parser.set_defaults(run=command.run)
