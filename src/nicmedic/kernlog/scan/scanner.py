# SPDX-License-Identifier: GPL-2.0-or-later
"""What a line scanner is, and the choice of one.

Not for how it is done: ``shapes`` and ``anchors`` are plain Python, ``vectorscan`` binds Hyperscan.
All of them give the same answer to the byte, which is that of ``any(literal in line for literal in literals)``.
"""

import bisect
from collections.abc import Collection, Sequence
from functools import cached_property
from itertools import accumulate
from typing import Protocol

from nicmedic.kernlog.scan.shapes import ShapeScanner

__all__ = ["LineScanner", "build_scanner", "drop_covered", "find_texts"]

LINE_FEED = b"\n"


class LineScanner(Protocol):
    """Something that finds the lines of a block that hold a literal."""

    @property
    def name(self) -> str:
        """``python`` or ``hyperscan``: for a person who wonders about the speed."""

    @property
    def releases_gil(self) -> bool:
        """True when two threads may scan two blocks at the same time, and gain by it."""

    def find_hits(self, block: bytes) -> list[int]:
        r"""Find the lines that hold at least one literal.

        Args:
            block: lines, each ended by ``\n``, of which the last may lack it; any bytes, NUL too.

        Returns:
            Where those lines begin: byte offsets within the block, ascending, each once.
        """


class _LazyScanner:
    """Chooses and prepares a scanner when first used: that takes 10 to 30 ms, and a short log needs none."""

    def __init__(self, literals: Collection[bytes], fast: bool | None) -> None:  # noqa: FBT001  # private
        self._literals = literals
        self._fast = fast

    @cached_property
    def _chosen(self) -> LineScanner:
        literals = drop_covered(self._literals)
        if self._fast is False or not literals or b"" in literals:
            return ShapeScanner(literals)
        from nicmedic.kernlog.scan.vectorscan import UnavailableError, VectorScanner

        try:
            return VectorScanner(literals)
        except UnavailableError:
            if self._fast:
                raise
            return ShapeScanner(literals)

    @property
    def name(self) -> str:
        """See ``LineScanner``."""
        return self._chosen.name

    @property
    def releases_gil(self) -> bool:
        """See ``LineScanner``."""
        return self._chosen.releases_gil

    def find_hits(self, block: bytes) -> list[int]:
        """See ``LineScanner``."""
        return self._chosen.find_hits(block)


def drop_covered(literals: Collection[bytes]) -> tuple[bytes, ...]:
    r"""Drop what changes nothing: doubles, what holds another literal, and what holds a line feed.

    >>> drop_covered([b"Reset adapter", b"Reset adapter unexpectedly", b"two\nlines"])
    (b'Reset adapter',)
    """
    todo = sorted({literal for literal in literals if LINE_FEED not in literal}, key=lambda literal: (len(literal), literal))
    if b"" in todo:
        return (b"",)
    text = LINE_FEED.join((*todo, b""))
    ends = accumulate(len(literal) + 1 for literal in todo)
    starts = {start: number for number, start in enumerate((0, *ends))}
    kept: list[bytes] = []
    covered: set[int] = set()
    for number, literal in enumerate(todo):
        if number in covered:
            continue
        kept.append(literal)
        at = text.find(literal)
        while at >= 0:
            covered.add(starts[text.rfind(LINE_FEED, 0, at) + 1])
            at = text.find(literal, text.find(LINE_FEED, at))
    return tuple(kept)


def build_scanner(literals: Collection[bytes], *, fast: bool | None = None) -> LineScanner:
    """Make a scanner for these literals. Costs nothing: the work is done when it is first used.

    Args:
        literals: what to look for, some hundred strings of 6 to 40 bytes; anything else is found as well, only slower.
        fast: True: Hyperscan or an error; False: plain Python; None: Hyperscan where it can be had.

    Raises:
        UnavailableError: Hyperscan was asked for by ``fast=True`` and is not installed. That it cannot be used with this processor
            or these literals is raised when the scanner is first used.
    """
    if fast:
        from nicmedic.kernlog.scan.vectorscan import load_library

        load_library()
    return _LazyScanner(literals, fast)


def find_texts(texts: Sequence[str], scanner: LineScanner) -> frozenset[int]:
    """Which of some texts hold a literal, by their places; line feeds within a text count as blanks."""
    lines = [text.replace("\n", " ").encode("utf-8", "replace") for text in texts]
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line) + 1)
    return frozenset(bisect.bisect_right(starts, hit) - 1 for hit in scanner.find_hits(b"\n".join(lines)))
