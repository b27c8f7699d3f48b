# SPDX-License-Identifier: GPL-2.0-or-later
"""What sections of the page are made of: headings, tables, lists, facts, commands."""

import xml.etree.ElementTree as ET  # only the type of an element
from collections.abc import Iterable, Sequence

from nicmedic.report.bug.html_tree import Child, tag

__all__ = ["UNKNOWN", "bullets", "commands", "facts", "paragraph", "section", "subsection", "table"]

UNKNOWN = "not known"
_MOST = 60


def section(name: str, title: str, *children: Child) -> ET.Element:
    """A part of the page with its heading; ``name`` is what links point to."""
    return tag("section", tag("h2", title, id=f"{name}-heading"), *children, id=name, aria_labelledby=f"{name}-heading")


def subsection(title: str, *children: Child) -> ET.Element:
    """A part of a section."""
    return tag("div", tag("h3", title), *children)


def paragraph(text: str, kind: str | None = None) -> ET.Element:
    """One paragraph."""
    return tag("p", text, class_=kind)


def bullets(items: Iterable[str]) -> ET.Element | None:
    """A list; of a very long one the beginning, and how much was left out; None: there is nothing."""
    texts = list(items)
    more = [f"and {len(texts) - _MOST} more: nicmedic report --for json has them all"] if len(texts) > _MOST else []
    return tag("ul", *(tag("li", text) for text in [*texts[:_MOST], *more])) if texts else None


def facts(pairs: Iterable[tuple[str, str | None]]) -> ET.Element:
    """Names and values. What is not known is said to be."""
    children = ((tag("dt", name), tag("dd", value or UNKNOWN, class_=None if value else "small")) for name, value in pairs)
    return tag("dl", *(child for pair in children for child in pair))


def commands(lines: Sequence[str]) -> ET.Element | None:
    """Commands to paste; None: there are none."""
    return tag("pre", tag("code", "\n".join(lines))) if lines else None


def _cell(column: str, content: Child) -> ET.Element:
    return tag("td", tag("span", content), role="cell", data_label=column, class_="empty" if content == "" else None)


def table(caption: str, columns: Sequence[str], rows: Iterable[Sequence[Child]], *, most: int = _MOST) -> ET.Element:
    """A table whose first column names its rows. On a narrow screen each row becomes a block, with the columns' names in it.

    The roles stand there in full, for a browser takes a table that is shown as blocks for none.
    """
    head = tag("tr", *(tag("th", name, scope="col", role="columnheader") for name in columns), role="row")
    every = list(rows)
    body = [
        tag(
            "tr",
            tag("th", first, scope="row", role="rowheader"),
            *(_cell(name, cell) for name, cell in zip(columns[1:], rest, strict=True)),
            role="row",
        )
        for first, *rest in every[:most]
    ]
    if len(every) > most:
        caption = f"{caption} The first {most} of {len(every)}: nicmedic report --for json has them all."
    parts = (tag("caption", caption), tag("thead", head, role="rowgroup"), tag("tbody", *body, role="rowgroup"))
    return tag("table", *parts, role="table")
