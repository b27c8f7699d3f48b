# SPDX-License-Identifier: GPL-2.0-or-later
"""Terminal manners: width, colour, progress, errors."""

import os
import shutil
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self, TextIO

from nicmedic.cli.streams import write_complaint
from nicmedic.knowledge.values import Problem
from nicmedic.model.errors import NicmedicError
from nicmedic.report.escape import escape_terminal

if TYPE_CHECKING:
    from nicmedic.report.style import Style

__all__ = ["Progress", "is_piped", "print_error", "print_problem", "read_knowledge_text", "read_style", "read_width", "use_colour"]

_NARROWEST, _WIDEST = 40, 120
_PATIENCE_S = 1.0
_STEP_S = 0.2


def read_width() -> int:
    """Columns to write for: the terminal's, COLUMNS, or 100 into a pipe."""
    return max(_NARROWEST, min(_WIDEST, shutil.get_terminal_size((100, 24)).columns))


def is_piped(stream: TextIO) -> bool:
    """Whether nobody says how wide lines may be: neither a terminal nor COLUMNS."""
    return not stream.isatty() and not os.environ.get("COLUMNS")


def use_colour(stream: TextIO) -> bool:
    """Whether to colour: a terminal that can, and NO_COLOR (https://no-color.org) not set."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM", "dumb") != "dumb"


def read_style(*, more: bool = False) -> "Style":
    """Of what is written to standard output; ``more``: all of it is wanted."""
    from nicmedic.report.style import Style  # --help must not wait for it

    return Style(width=read_width(), colour=use_colour(sys.stdout), one_line=is_piped(sys.stdout), more=more)


def print_error(error: NicmedicError, *, debug: bool = False) -> None:
    """One line what became of the machine and what is wrong, a line for each command to type next."""
    if debug:
        import traceback  # rarely wanted

        write_complaint("".join(traceback.format_exception(error)))
    became = f"{error.machine}: " if error.machine else ""
    write_complaint(f"nicmedic: {became}{escape_terminal(error.message)}\n")
    if error.hint:
        write_complaint("".join(f"          {escape_terminal(line)}\n" for line in error.hint.splitlines()))


def read_knowledge_text(path: Path) -> str:
    """A knowledge file as text, to find lines in; empty when it cannot be read."""
    try:
        return path.read_text("utf-8", "replace")
    except OSError:
        return ""


def print_problem(problem: Problem) -> None:
    """What cannot be used of a knowledge file, with its line."""
    from nicmedic.report.problems import render_problem  # most runs have none

    write_complaint(f"nicmedic: knowledge: {render_problem(problem, read_knowledge_text(Path(problem.file)))}\n")


class Progress:
    """One line on a terminal that is written over, shown when reading takes more than a second; nothing into a pipe."""

    def __init__(self, stream: TextIO) -> None:
        """Begin to count."""
        self._stream = stream
        self._began = self._last = time.monotonic()
        self._shown = False

    def __enter__(self) -> Self:
        """Nothing is shown yet."""
        return self

    def show(self, name: str, size: int) -> None:
        """So much of a source has been read."""
        now = time.monotonic()
        if now - self._began < _PATIENCE_S or now - self._last < _STEP_S or not self._stream.isatty():
            return
        self._last, self._shown = now, True
        self._stream.write(f"\r\x1b[Kreading {escape_terminal(name)[:60]}: {size / 1e6:.0f} MB")
        self._stream.flush()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Wipe the line."""
        if self._shown:
            self._stream.write("\r\x1b[K")
            self._stream.flush()
