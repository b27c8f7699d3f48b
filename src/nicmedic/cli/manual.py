# SPDX-License-Identifier: GPL-2.0-or-later
"""Manual pages out of the commands' records, in the macros of man(7) that groff, mandoc and BusyBox all know."""

import re
import textwrap
from collections.abc import Iterator

from nicmedic import __version__
from nicmedic.cli.declare import Argument, Command

__all__ = ["render_manual"]

_ENVIRONMENT = (
    ("COLUMNS", "the width to write for; else the terminal's, or 100 into a pipe"),
    ("NO_COLOR", "when set and not empty, no colour on a terminal either"),
    ("NICMEDIC_STATE", "the folder to keep transactions in; else /var/lib/nicmedic"),
    ("NICMEDIC_SCANNER", "python or hyperscan: what searches big logs; else the best that is installed"),
)
_FILES = (
    ("/etc/nicmedic/knowledge.d/*.toml", "your own knowledge of drivers, read after what comes with nicmedic"),
    ("/var/lib/nicmedic/transactions/N/undo.sh", "undoes transaction N, without nicmedic: sh undo.sh"),
)


def _escape(text: str) -> str:
    r"""Text as roff takes it: a backslash is \e, a hyphen that is typed is \-, and no line begins with a dot or a quote.

    >>> _escape("--json's 'x'")
    "\\-\\-json's 'x'"
    """
    text = text.replace("\\", r"\e").replace("-", r"\-")
    return re.sub(r"^([.'])", r"\\&\1", text, flags=re.MULTILINE)


def _lines(text: str) -> Iterator[str]:
    """Prose: each sentence begins a line, and no line is long, as man pages want it."""
    for sentence in re.split(r"(?<=[.:;]) (?=[A-Z])", " ".join(text.split())):
        yield from map(_escape, textwrap.wrap(sentence, 72, break_long_words=False, break_on_hyphens=False))


def _paragraphs(text: str) -> Iterator[str]:
    for number, paragraph in enumerate(text.split("\n\n")):
        if number:
            yield ".PP"
        yield from _lines(paragraph)


def _synopsis(command: Command, path: str) -> Iterator[str]:
    if command.commands:
        yield f".B {_escape(path)}"
        yield r"[\fIOPTION\fR]... \fICOMMAND\fR [\fIARGUMENT\fR]..."
        return
    yield f".B {_escape(path)}"
    for argument in command.arguments:
        name = _escape(argument.names[0])
        if not argument.is_option:
            dots = "..." if argument.nargs == "*" else ""
            shown = rf"\fI{_escape(argument.metavar or argument.names[0])}\fR"
            yield shown if argument.nargs is None else f"[{shown}]{dots}"
        else:
            dots = "..." if argument.repeats else ""
            yield rf"[\fB{name}\fR \fI{_escape(argument.metavar or '')}\fR]{dots}" if argument.takes_value else rf"[\fB{name}\fR]"


def _argument(argument: Argument) -> Iterator[str]:
    yield ".TP"
    names = ", ".join(rf"\fB{_escape(name)}\fR" for name in argument.names)
    if not argument.is_option:
        names = rf"\fI{_escape(argument.metavar or argument.names[0])}\fR"
    yield rf"{names} \fI{_escape(argument.metavar or '')}\fR" if argument.takes_value else names
    yield from _lines(argument.help)


def _table(title: str, rows: tuple[tuple[int | str, str], ...]) -> Iterator[str]:
    yield f".SH {title}"
    for name, meaning in rows:
        yield from (".TP", rf"\fB{_escape(str(name))}\fR", *_lines(meaning))


def _examples(command: Command, *, paragraph: bool) -> Iterator[str]:
    for number, example in enumerate(command.examples):
        if number or paragraph:
            yield ".PP"
        yield from (f"{_escape(example.purpose[:1].upper() + example.purpose[1:])}:", ".PP", ".nf", ".RS 4")
        yield from (_escape(example.line), ".RE", ".fi")


def _part(command: Command, path: str) -> Iterator[str]:
    """A command within the page of its group."""
    yield f'.SS "{_escape(path)}"'
    yield from _synopsis(command, path)
    yield ".PP"
    yield from _paragraphs(command.description)
    for argument in command.arguments:
        yield from _argument(argument)
    yield from _examples(command, paragraph=True)
    if command.exit_statuses:
        yield ".PP"
        yield from _lines("Exit status: " + "; ".join(f"{status} {meaning}" for status, meaning in command.exit_statuses) + ".")


def render_manual(command: Command, path: str, date: str, others: tuple[str, ...]) -> str:
    """One page.

    Args:
        command: the program, a group, or a command.
        path: as it is typed, ``nicmedic explain``.
        date: day of the last change, ``2026-01-31``.
        others: names of the other pages.
    """
    name = path.replace(" ", "-")
    lines = [
        r".\" SPDX-License-Identifier: GPL-2.0-or-later",
        r".\" Made by make docs out of the commands' records in src/nicmedic/cli; changes here get lost.",
        f'.TH {name.upper()} 1 {date} "nicmedic {__version__}" "User Commands"',
        ".SH NAME",
        rf"{_escape(name)} \- {_escape(command.summary)}",
        ".SH SYNOPSIS",
        *_synopsis(command, path),
        ".SH DESCRIPTION",
        *_paragraphs(command.description),
    ]
    if command.arguments:
        lines += [".SH OPTIONS", *(line for argument in command.arguments for line in _argument(argument))]
    if command.commands:
        lines.append(".SH COMMANDS")
        whole = path == "nicmedic"
        for child in command.commands:
            lines += [".TP", rf"\fB{_escape(child.name)}\fR", _escape(child.summary)] if whole else _part(child, f"{path} {child.name}")
    if command.exit_statuses:
        lines += _table('"EXIT STATUS"', command.exit_statuses)
    if path == "nicmedic":
        lines += [*_table("ENVIRONMENT", _ENVIRONMENT), *_table("FILES", _FILES)]
    if command.examples:
        lines += [".SH EXAMPLES", *_examples(command, paragraph=False)]
    lines += ['.SH "SEE ALSO"', ",\n".join(rf"\fB{_escape(other)}\fR(1)" for other in others)]
    return "\n".join(lines) + "\n"
