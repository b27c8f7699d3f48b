# SPDX-License-Identifier: GPL-2.0-or-later
"""Sections as GitHub's Markdown; what may be folded stands in details blocks (https://docs.github.com/get-started/writing-on-github)."""

from collections.abc import Iterable, Iterator

from nicmedic.report.bug.harmless import defuse_markdown, fence
from nicmedic.report.bug.sections import Commands, Items, Log, Rows, Section

__all__ = ["render_markdown"]


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


def render_markdown(sections: Iterable[Section]) -> list[str]:
    """All of them as lines."""
    lines: list[str] = []
    for section in sections:
        title = defuse_markdown(section.title)
        lines += [f"<details><summary>{title}</summary>", ""] if section.fold else [f"## {title}", ""]
        for block in section.blocks:
            lines += [*_block(block), ""]
        lines += ["</details>", ""] if section.fold else []
    return lines
