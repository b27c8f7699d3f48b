# SPDX-License-Identifier: GPL-2.0-or-later
"""Sections as GitHub's Markdown; what may be folded stands in details blocks (https://docs.github.com/get-started/writing-on-github)."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from nicmedic.report.bug.harmless import defuse_markdown, fence
from nicmedic.report.bug.sections import Commands, Items, Log, Rows, Section

__all__ = ["render_markdown"]

_CUT = "The rest is left out: GitHub takes no longer texts."


def _cells(row: Iterable[str]) -> str:
    return f"| {' | '.join(defuse_markdown(cell) for cell in row)} |"


def _block(block: Items | Rows | Log | Commands) -> Iterator[str]:
    match block:
        case Items():
            for text in block.texts:
                yield f"- {defuse_markdown(text)}" if block.listed else defuse_markdown(text)
        case Rows():
            head = block.head or ("", "")
            yield _cells(head)
            yield f"|{'---|' * len(head)}"
            yield from (_cells(row) for row in block.rows)
        case Log() | Commands():
            yield from fence(list(block.lines))


def render_markdown(section: Section, most: int | None = None) -> list[str]:
    """One of them as lines.

    Args:
        section: what it says.
        most: letters that it may have, ends of lines included; its blocks are cut where it has more, and it says so.
    """
    title = defuse_markdown(section.title)
    head = [f"<details><summary>{title}</summary>", ""] if section.fold else [f"## {title}", ""]
    tail = ["</details>", ""] if section.fold else []
    left = None if most is None else most - _count([*head, *tail, _CUT, ""])
    lines: list[str] = []
    for block in section.blocks:
        shown = [*_block(block), ""]
        if left is not None and _count([*lines, *shown]) > left:
            return [*head, *lines, *_shorten(block, left - _count(lines)), _CUT, "", *tail]
        lines += shown
    return [*head, *lines, *tail]


def _count(lines: Iterable[str]) -> int:
    return sum(len(line) + 1 for line in lines)


def _shorten(block: Items | Rows | Log | Commands, most: int) -> list[str]:
    """As much of its beginning as there is room for."""
    parts = _parts(block)
    fits = bisect_right(range(1, len(parts) + 1), most, key=lambda count: _count([*_block(_cut(block, count)), ""]))
    return [*_block(_cut(block, fits)), ""] if fits else []


def _parts(block: Items | Rows | Log | Commands) -> Sequence[object]:
    match block:
        case Items():
            return block.texts
        case Rows():
            return block.rows
        case Log() | Commands():
            return block.lines


def _cut(block: Items | Rows | Log | Commands, count: int) -> Items | Rows | Log | Commands:
    match block:
        case Items():
            return replace(block, texts=block.texts[:count])
        case Rows():
            return replace(block, rows=block.rows[:count])
        case Log() | Commands():
            return replace(block, lines=block.lines[:count])
