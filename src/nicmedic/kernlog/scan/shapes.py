# SPDX-License-Identifier: GPL-2.0-or-later
r"""Skip what was seen before: the lines of a kernel log differ in numbers, hardly in words.

Take the digits, the small hex letters and some punctuation out of a block (``bytes.translate``), and a million lines become a few
hundred *shapes*. A literal that stands in a line leaves its own shape in the line's shape, so a shape in which no literal's shape
stands is clean for good, and all its lines with it. New shapes are looked through once; lines of a shape that is not clean are
looked through as they are.
A literal of which too little is left (``e1000e``) is looked for in the full text.
When too much is new (text without repeats) or not clean, the next pieces are looked through at once, without this.

Not for finding literals: ``anchors`` does that, for what is left here.

What it brings (Python 3.11, one core, the log of ``bench/make_kern_log.py``): translate 0.7, split 0.3, set 0.3 ns a byte, together
750 MB/s, where ``anchors`` alone does 150 to 250 MB/s. With real sets of literals 600 MB/s (211 literals, all with a shape, hits rare),
300 MB/s (622 literals, 6 % of the lines not clean), 200 MB/s (as before, and 8 literals without a shape: these cost 0.3 to 0.4 ns a byte each).
"""

from collections.abc import Collection
from itertools import accumulate

from nicmedic.kernlog.scan.anchors import AnchorScanner

__all__ = ["ShapeScanner"]

PIECE = 1 << 18
"""Bytes looked through at a time, up to the end of a line."""
DROPPED = b"0123456789abcdef.: "
SHORTEST_SHAPE = 3
"""A literal of which less is left is looked for in the full text."""
KNOWN_BYTES_MAX = 8 << 20
"""Bytes of clean shapes that are kept before all are forgotten."""
WORK_SHARE_MAX = 0.25
"""Share of a full piece that may be new, or not clean, before shapes are given up for a while."""
PAUSE_PIECES = 64
"""Pieces that are then looked through without this."""
LINE_FEED = b"\n"


def _shape(text: bytes) -> bytes:
    return text.translate(None, DROPPED)


class ShapeScanner:
    """Finds lines by the shapes of lines; see the module's text. Implements ``LineScanner``, for one thread at a time."""

    name = "python"
    releases_gil = False

    def __init__(self, literals: Collection[bytes]) -> None:
        """Take the literals, of any length."""
        usable = [literal for literal in literals if LINE_FEED not in literal]
        shapes = {literal: _shape(literal) for literal in usable}
        shapeless = [literal for literal in usable if len(shapes[literal]) < SHORTEST_SHAPE]
        self._everywhere = AnchorScanner(usable)
        self._picked = AnchorScanner(usable)  # another one, for it learns from other text
        self._shapes = AnchorScanner({shape for shape in shapes.values() if len(shape) >= SHORTEST_SHAPE})
        self._shapeless = AnchorScanner(shapeless) if shapeless else None
        self._clean: set[bytes] = set()
        self._clean_bytes = 0
        self._pause = 0

    def find_hits(self, block: bytes) -> list[int]:
        """See ``LineScanner``."""
        hits: list[int] = []
        start = 0
        while start < len(block):
            end = len(block)
            if end - start > PIECE:
                end = block.rfind(LINE_FEED, start, start + PIECE) + 1 or block.find(LINE_FEED, start) + 1 or len(block)
            hits += [start + hit for hit in self._find_in_piece(block[start:end])]
            start = end
        return hits

    def _find_in_piece(self, piece: bytes) -> list[int]:
        if self._pause:
            self._pause -= 1
            return self._everywhere.find_hits(piece)
        shapes = _shape(piece).split(LINE_FEED)
        dirty = self._find_dirty(shapes)
        hits = self._find_in_lines(piece, [number for number, shape in enumerate(shapes) if shape in dirty]) if dirty else []
        if self._shapeless is None:
            return hits
        return sorted({*hits, *self._shapeless.find_hits(piece)})

    def _find_dirty(self, shapes: list[bytes]) -> set[bytes]:
        """Find the shapes that a line with a literal may have; learn the others as clean."""
        new = set(shapes)
        new -= self._clean
        if not new:
            return new
        text = LINE_FEED.join(new) + LINE_FEED
        if len(text) > WORK_SHARE_MAX * PIECE and self._clean:
            self._pause = PAUSE_PIECES
        dirty = {text[start : text.find(LINE_FEED, start)] for start in self._shapes.find_hits(text)}
        new -= dirty
        self._clean_bytes += len(text)
        if self._clean_bytes > KNOWN_BYTES_MAX:
            self._clean = new
            self._clean_bytes = len(text)
        else:
            self._clean |= new
        return dirty

    def _find_in_lines(self, piece: bytes, numbers: list[int]) -> list[int]:
        """Look through some lines of a piece, by their numbers."""
        lines = piece.split(LINE_FEED)
        lengths = list(accumulate(map(len, lines), initial=0))  # of all lines before the n-th; n line feeds come to that
        picked = [lines[number] for number in numbers]
        text = LINE_FEED.join(picked) + LINE_FEED
        if len(text) > WORK_SHARE_MAX * PIECE:
            self._pause = PAUSE_PIECES
        begins = (length + number for number, length in enumerate(accumulate(map(len, picked), initial=0)))
        where = dict(zip(begins, (lengths[number] + number for number in numbers), strict=False))
        return [where[hit] for hit in self._picked.find_hits(text)]
