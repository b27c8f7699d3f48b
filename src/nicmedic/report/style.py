# SPDX-License-Identifier: GPL-2.0-or-later
"""How text looks: width, colour, wrapping. Nothing here knows what the text says."""

import textwrap
from dataclasses import dataclass

from nicmedic.report.escape import escape_terminal

__all__ = ["Style"]

_CODES = {"bold": "1", "red": "31", "green": "32", "yellow": "33", "blue": "34", "dim": "2"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """The reader's terminal."""

    width: int = 100
    colour: bool = False
    one_line: bool = False
    """Leave the verdict, and rows of a list, on one line each, however long: nobody reads along on a terminal, and ``head`` and ``grep`` should give
    them whole."""
    more: bool = False
    """Print everything, also what is usually left out for brevity."""

    def paint(self, text: str, *names: str) -> str:
        """Text in colour, where colour is wanted; already escaped."""
        if not self.colour or not names:
            return text
        return f"\x1b[{';'.join(_CODES[name] for name in names)}m{text}\x1b[0m"

    def line(self, text: str, *names: str, first: str = "", rest: str = "") -> str:
        """The verdict, or a row that somebody may look for; escaped. Whole where ``one_line`` says so, else wrapped."""
        if self.one_line:
            return self.paint(f"{first}{escape_terminal(text)}".rstrip(), *names)
        return self.wrap(text, first=first, rest=rest, paint=names)

    def title(self, text: str) -> str:
        """The heading of a section."""
        return self.wrap(text, rest="  ", paint=("bold",))

    def wrap(self, text: str, *, first: str = "", rest: str | None = None, paint: tuple[str, ...] = ()) -> str:
        """Escape and wrap a paragraph; words longer than the line are left whole, so that they can be copied."""
        hang = " " * len(first) if rest is None else rest
        lines = textwrap.wrap(
            escape_terminal(text), self.width, initial_indent=first, subsequent_indent=hang, break_long_words=False, break_on_hyphens=False
        )
        return "\n".join(self.paint(line, *paint) if paint else line for line in lines or [first.rstrip()])
