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
    """A paragraph, each line guarded; a word that is longer than a line stays whole."""
    hang = " " * len(first) if rest is None else rest
    lines = textwrap.wrap(
        defuse(text), WIDTH, initial_indent=first, subsequent_indent=hang, break_long_words=False, break_on_hyphens=False
    ) or [first.rstrip()]
    return [guard_line(line) for line in lines]


def _items(block: Items) -> Iterator[str]:
    for text in block.texts:
        yield from wrap(text, "- ") if block.listed else wrap(text)


def _pairs(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    width = min(_WIDEST_LABEL, max(len(row[0]) for row in rows) + 1)
    for label, *values in rows:
        yield from wrap(" ".join(values), f"  {f'{defuse(label)}:':<{width}} ")


def _table(block: Rows) -> Iterator[str]:
    """In columns where they fit; else a sentence a row."""
    rows = [[defuse(cell) for cell in row] for row in (block.head, *block.rows)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    if sum(widths) + 2 * len(widths) <= WIDTH:
        yield from ("  " + "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows)
    else:
        for text in block.said:
            yield from wrap(text, "  ", "    ")


def render_blocks(blocks: Iterable[Items | Rows | Log | Commands]) -> Iterator[str]:
    """Lines, with an empty one between blocks."""
    for number, block in enumerate(blocks):
        if number:
            yield ""
        match block:
            case Items():
                yield from _items(block)
            case Rows():
                yield from _table(block) if block.head else _pairs(block.rows)
            case Log() | Commands():
                yield from (f"  {defuse(line)}" for line in block.lines)


def render_plain(sections: Iterable[Section]) -> list[str]:
    """All of them as lines that may go into a mail."""
    lines: list[str] = []
    for section in sections:
        title = wrap(section.title)
        lines += ["", *title, "~" * max(map(len, title)), *render_blocks(section.blocks)]
    return [guard_line(line) for line in lines[1:]]
