# SPDX-License-Identifier: GPL-2.0-or-later
"""What was tried against the hangs and how it held, as a table and as spans of the timeline."""

import xml.etree.ElementTree as ET  # only the type of an element
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Final

from nicmedic.evidence.moments import parse_moment
from nicmedic.model.bug_report import Came, Tried
from nicmedic.report.blame_words import say_hold, say_hours
from nicmedic.report.bug.html_parts import UNKNOWN, table
from nicmedic.report.bug.html_timeline import Treatment
from nicmedic.report.bug.html_tree import tag
from nicmedic.report.bug.words import say_came

__all__ = ["find_treatments", "name_tried", "table_tried"]

_WITHOUT_TIME: Final = frozenset({Came.NEVER_SET, Came.HELPED, Came.DID_NOT_HELP, Came.DONE})


def name_tried(tried: Tried) -> str:
    """Its remedies, as ``--remedy`` takes them."""
    return " + ".join(tried.remedies) or "(no remedy)"


def find_treatments(tried: Sequence[Tried], until: datetime) -> tuple[Treatment, ...]:
    """What was set for a time that is known; ``until``: where that goes on."""
    found = []
    for one in tried:
        begin = parse_moment(one.began)
        end = parse_moment(one.ended) or until
        if begin is not None and begin <= end and one.came not in _WITHOUT_TIME:
            found.append(Treatment(name=name_tried(one), begin=begin, end=end))
    return tuple(found)


def _judge(tried: Tried) -> Iterator[str]:
    if tried.hold is not None and tried.before is not None and tried.after is not None:
        yield f"{say_hold(tried.hold, tried.before, tried.after)}."
    yield from tried.notes


def _minute(moment: str) -> str:
    """Whatever zone it was written in."""
    told = parse_moment(moment)
    return f"{told.astimezone(UTC):%Y-%m-%d %H:%M}" if told is not None else moment


def _when(tried: Tried) -> str:
    began = UNKNOWN if tried.began is None else _minute(tried.began)
    ended = "" if tried.ended is None else f" to {_minute(tried.ended)}"
    return f"{began}{ended}{f', on {tried.kernel_package}' if tried.kernel_package is not None else ''}"


def _row(tried: Tried) -> tuple[ET.Element | str, ...]:
    came = f"{say_came(tried.came)}{f': {tried.detail}' if tried.detail else ''}"
    hours = UNKNOWN if tried.hours is None else say_hours(tried.hours)
    said = tag("code", "\n".join(tried.commands), class_="lines") if tried.commands else ""
    return name_tried(tried), _when(tried), came, hours, " ".join(_judge(tried)), said


def table_tried(tried: Sequence[Tried]) -> ET.Element | None:
    """The table; None: nothing was tried that is known of."""
    columns = ("Remedy", "When (UTC)", "What came of it", "Watched with it", "Did it hold?", "Commands")
    return table("What was done with nicmedic; what somebody typed by hand is not known.", columns, map(_row, tried)) if tried else None
