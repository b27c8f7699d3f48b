# SPDX-License-Identifier: GPL-2.0-or-later
"""Sections as plain text for mail and trackers: prose within 72 columns; log lines and commands stay whole, for who copies them needs them so.

Documentation/process/email-clients.rst asks for both: text that is not wrapped on its way, and lines that fit 75 columns.
"""

import textwrap
from collections.abc import Iterable, Iterator, Sequence

from nicmedic.report.bug.harmless import defuse, guard_line
from nicmedic.report.bug.sections import Commands, Items, Log, Rows, Section

__all__ = ["WIDTH", "render_blocks", "render_plain", "wrap"]

WIDTH = 72
_WIDEST_LABEL = 22


def wrap(text: str, first: str = "", rest: str | None = None) -> list[str]:
    """A paragraph; a word that is longer than a line stays whole."""
    hang = " " * len(first) if rest is None else rest
    return textwrap.wrap(
        defuse(text), WIDTH, initial_indent=first, subsequent_indent=hang, break_long_words=False, break_on_hyphens=False
    ) or [first.rstrip()]


def _items(block: Items) -> Iterator[str]:
    for text in block.texts:
        yield from wrap(text, "- ") if block.listed else wrap(text)


def _pairs(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    width = min(_WIDEST_LABEL, max(len(row[0]) for row in rows) + 1)
    for label, *values in rows:
        yield from wrap(" ".join(values), f"  {f'{defuse(label)}:':<{width}} ")


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """In columns where they fit; else a paragraph a row."""
    cells = [[defuse(cell) for cell in row] for row in rows]
    widths = [max(len(row[column]) for row in [head, *cells]) for column in range(len(head))]
    if sum(widths) + 2 * len(widths) <= WIDTH:
        for row in [head, *cells]:
            yield "  " + "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()
        return
    for row in cells:
        yield from wrap(f"{row[0]}:", "  ")
        yield from wrap("; ".join(f"{name} {cell}" for name, cell in zip(head[1:], row[1:], strict=True)), "    ")


def render_blocks(blocks: Iterable[Items | Rows | Log | Commands]) -> Iterator[str]:
    """Lines, with an empty one between blocks."""
    for number, block in enumerate(blocks):
        if number:
            yield ""
        match block:
            case Items():
                yield from _items(block)
            case Rows():
                yield from _table(block.head, block.rows) if block.head else _pairs(block.rows)
            case Log() | Commands():
                yield from (f"  {defuse(line)}" for line in block.lines)


def render_plain(sections: Iterable[Section]) -> list[str]:
    """All of them as lines that may go into a mail."""
    lines: list[str] = []
    for section in sections:
        title = wrap(section.title)
        lines += ["", *title, "~" * max(map(len, title)), *render_blocks(section.blocks)]
    return [guard_line(line) for line in lines[1:]]
