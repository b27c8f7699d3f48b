# SPDX-License-Identifier: GPL-2.0-or-later
"""What was typed, what was said, and when: printed as it happens, and written down as a page of Markdown."""

import datetime
import textwrap
import time
from pathlib import Path

__all__ = ["Transcript"]

WIDTH = 140


class Transcript:
    """The page of one replay. Times are seconds since it began."""

    def __init__(self) -> None:
        self.began = time.time()
        self._lines: list[str] = []
        self._in_block = False

    def now_s(self) -> float:
        """Seconds since the beginning."""
        return time.time() - self.began

    def head(self, title: str) -> None:
        """A new part."""
        self._text("", f"## {title}", "")

    def tell(self, text: str) -> None:
        """A sentence of ours."""
        self._text("", text, "")

    def row(self, *cells: object) -> None:
        """A row of a table."""
        self._text("| " + " | ".join(str(cell) for cell in cells) + " |")

    def typed(self, command: str) -> None:
        """What was typed on the server's console."""
        self._block(f"{self.now_s():7.1f} s  srv4# {command}")

    def said(self, out: str, most: int) -> None:
        """The first lines of an answer, so many at most."""
        lines = out.strip("\n").splitlines()
        for line in lines[:most]:
            for part in _fold(line.replace("\t", "    ")):
                self._block(f"{'':11}{part}".rstrip())
        if len(lines) > most:
            self._block(f"{'':11}({len(lines) - most} more lines)")

    def took(self, seconds: float, status: int) -> None:
        """How an answer ended."""
        self._block(f"{'':11}[status {status} after {seconds:.1f} s]")

    def seen(self, text: str, at: float | None = None) -> None:
        """What was seen from outside, and when (seconds since the epoch; now, if it is not given)."""
        moment_s = self.now_s() if at is None else at - self.began
        self._block(f"{moment_s:7.1f} s  outside: {text}")

    def write(self, path: Path, head: str) -> None:
        """Write the page."""
        self._text("")
        day = datetime.datetime.fromtimestamp(self.began, datetime.UTC).date()
        path.write_text(head.replace("DAY", day.isoformat()) + "\n" + "\n".join(self._lines) + "\n", encoding="utf-8")

    def _text(self, *lines: str) -> None:
        self._add(lines, in_block=False)

    def _block(self, line: str) -> None:
        self._add((line,), in_block=True)

    def _add(self, lines: tuple[str, ...], *, in_block: bool) -> None:
        if in_block != self._in_block:
            self._lines.append("```")
        self._in_block = in_block
        for line in lines:
            if line or (self._lines and self._lines[-1]):
                self._lines.append(line)
                print(line, flush=True)


def _fold(line: str) -> list[str]:
    """A long line, as several."""
    return textwrap.wrap(line, WIDTH, subsequent_indent="    ", break_on_hyphens=False) if len(line) > WIDTH else [line]
