# SPDX-License-Identifier: GPL-2.0-or-later
"""One record a command and one an option, from which the parser, the help, the manual pages and the completions are made (``cli/reference.py``)."""

import argparse
import shutil
import textwrap
from collections.abc import Callable
from enum import StrEnum
from typing import NamedTuple

__all__ = ["Argument", "Command", "Example", "Offer", "add_arguments"]

_NARROWEST, _WIDEST = 40, 100


class Offer(StrEnum):
    """What a completion offers for a value."""

    NOTHING = "nothing"
    FILES = "files"
    DRIVERS = "drivers"
    INTERFACES = "interfaces"


class Argument(NamedTuple):
    """One option or positional argument."""

    names: tuple[str, ...]
    help: str
    metavar: str | None = None
    nargs: str | None = None
    flag: bool = False
    offer: Offer = Offer.NOTHING
    version: str | None = None
    """Not an option with a value: prints this text and ends."""
    dest: str | None = None
    """The name of the value, where that of the option is a word of Python's."""
    repeats: bool = False
    """May come several times; the values are a list, None where it never came."""

    @property
    def is_option(self) -> bool:
        """Whether it begins with a hyphen."""
        return self.names[0].startswith("-")

    @property
    def takes_value(self) -> bool:
        """Whether a value follows the option."""
        return self.is_option and not self.flag and self.version is None


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
    """Paragraphs, with an empty line between two; wrapped where they are shown."""
    arguments: tuple[Argument, ...] = ()
    examples: tuple[Example, ...] = ()
    exit_statuses: tuple[tuple[int | str, str], ...] = ()
    run: Callable[[argparse.Namespace], int] | None = None
    commands: "tuple[Command, ...]" = ()


def _type_of(argument: Argument) -> dict[str, object]:
    if argument.version is not None:
        return {"action": "version", "version": argument.version}
    if argument.flag:
        return {"action": "store_true"}
    action = "append" if argument.repeats else None
    options = {"metavar": argument.metavar, "nargs": argument.nargs, "dest": argument.dest, "action": action}
    return {name: value for name, value in options.items() if value is not None}


def _wrap(text: str, first: str = "", rest: str = "") -> str:
    width = max(_NARROWEST, min(_WIDEST, shutil.get_terminal_size((80, 24)).columns - 2))
    return textwrap.fill(text, width, initial_indent=first, subsequent_indent=rest, break_long_words=False, break_on_hyphens=False)


def _epilog(command: Command) -> str:
    parts: list[str] = []
    if command.examples:
        # Commands are never wrapped: they are there to be copied.
        shown = [f"  {example.line}\n{_wrap(example.purpose, '      ', '      ')}" for example in command.examples]
        parts.append("\n".join(["examples:", *shown]))
    if command.exit_statuses:
        shown = [_wrap(meaning, f"  {status:<6} ", " " * 9) for status, meaning in command.exit_statuses]
        parts.append("\n".join(["exit status:", *shown]))
    return "\n\n".join(parts)


def add_arguments(parser: argparse.ArgumentParser, command: Command) -> None:
    """Fill a parser from a command's record, with its sub-commands if it has any."""
    parser.description = "\n\n".join(_wrap(paragraph) for paragraph in command.description.split("\n\n"))
    parser.epilog = _epilog(command)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    for argument in command.arguments:
        parser.add_argument(*argument.names, help=argument.help, **_type_of(argument))  # type: ignore[arg-type]  # argparse's own keywords
    if command.commands:
        inner = parser.add_subparsers(metavar="COMMAND", dest=f"{command.name}_command", required=True, title="commands")
        for child in command.commands:
            add_arguments(inner.add_parser(child.name, help=child.summary, allow_abbrev=False), child)
    if command.run is not None:
        parser.set_defaults(run=command.run)
