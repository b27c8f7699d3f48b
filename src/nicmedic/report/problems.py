# SPDX-License-Identifier: GPL-2.0-or-later
"""Problems of knowledge files for the person who wrote the file: where it stands, and what would have been right."""

import re
from enum import StrEnum

from nicmedic.knowledge.lint import find_line
from nicmedic.knowledge.values import Problem
from nicmedic.model.event import EventKind
from nicmedic.model.finding import Blame, RemedyId, TrialResult
from nicmedic.model.signal import Where
from nicmedic.report.escape import escape_terminal

__all__ = ["render_problem"]

_WORDS: tuple[type[StrEnum], ...] = (Blame, EventKind, RemedyId, TrialResult, Where)
_NOT_VALID = re.compile(r"(?P<value>'[^']*') is not a valid (?P<name>\w+)")
_TABLE = re.compile(r"\[\[(?P<kind>tried|caution|signal|cause)\]\] (?:number (?P<number>\d+)|(?P<name>[\w.-]+))")
_KEY = re.compile(r"(?:unknown key |no signal |no cause |schema is |literal )'(?P<word>[^']+)'")


def _line_of_table(text: str, table: re.Match[str]) -> int | None:
    """Line of a table without an id: the numbered one, or the first that names the remedy."""
    heads = [found.start() for found in re.finditer(rf"^\[\[{table['kind']}\]\]", text, re.MULTILINE)]
    if table["number"]:
        place = int(table["number"]) - 1
        return text.count("\n", 0, heads[place]) + 1 if place < len(heads) else None
    found = re.search(rf'^remedy\s*=\s*"{re.escape(table["name"])}', text, re.MULTILINE)
    return text.count("\n", 0, found.start()) + 1 if found else None


def _line(text: str, reason: str) -> int | None:
    line = find_line(text, reason)
    table = _TABLE.match(reason)
    if line is None and table is not None:
        line = _line_of_table(text, table)
    if line is not None:
        return line
    if "end of document" in reason:
        return text.rstrip("\n").count("\n") + 1
    word = _KEY.search(reason)
    found = re.search(rf"^.*{re.escape(word['word'])}", text, re.MULTILINE) if word else None
    return text.count("\n", 0, found.start()) + 1 if found else None


def _reason(reason: str) -> str:
    """What Python says of an enumeration, with the words that would be right."""
    found = _NOT_VALID.search(reason)
    words = next((kind for kind in _WORDS if found is not None and kind.__name__ == found["name"]), None)
    if found is None or words is None:
        return reason
    return f"{reason[: found.start()]}{found['value']} is none of {', '.join(words)}{reason[found.end() :]}"


def render_problem(problem: Problem, text: str) -> str:
    """``file:line: reason``; ``text`` is the file's content as far as it could be read, to find the line."""
    line = problem.line or (_line(text, problem.reason) if text else None)
    return escape_terminal(f"{problem.file}{f':{line}' if line else ''}: {_reason(problem.reason)}")
