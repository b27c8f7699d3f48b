# SPDX-License-Identifier: GPL-2.0-or-later
"""A page as a tree of elements: text goes in as text and is escaped when the tree is written, here and nowhere else.

So no string of a log can become markup, whichever module places it. The standard library's ElementTree writes the tree as HTML.
"""

import xml.etree.ElementTree as ET  # only writes what is built here

from nicmedic.report.escape import escape_terminal

__all__ = ["Child", "tag", "write_document"]

Child = ET.Element | str | None
"""What may stand in an element; None: nothing."""


def _clean(text: str) -> str:
    """Without characters that no page may hold, that hide text or turn its direction; line feeds stay."""
    return "\n".join(escape_terminal(line) for line in text.split("\n"))


def tag(name: str, /, *children: Child, **attributes: str | int | None) -> ET.Element:
    """One element. Attributes are spelled for Python: ``class_``, ``aria_label``; None: the attribute is not there.

    >>> ET.tostring(tag("p", "x < ", tag("b", "<i>"), class_="a"), encoding="unicode", method="html")
    '<p class="a">x &lt; <b>&lt;i&gt;</b></p>'
    """
    given = {key.rstrip("_").replace("_", "-"): _clean(str(value)) for key, value in attributes.items() if value is not None}
    element = ET.Element(name, given)
    last: ET.Element | None = None
    for child in children:
        if isinstance(child, ET.Element):
            element.append(child)
            last = child
        elif child is not None and last is None:
            element.text = (element.text or "") + _clean(child)
        elif child is not None and last is not None:
            last.tail = (last.tail or "") + _clean(child)
    return element


def write_document(root: ET.Element) -> str:
    """The whole file; ends with a line feed."""
    return f"<!DOCTYPE html>\n{ET.tostring(root, encoding='unicode', method='html')}\n"
