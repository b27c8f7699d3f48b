# SPDX-License-Identifier: GPL-2.0-or-later
"""Undo what mail programs, forums and grep do to a pasted log: quoting, entities, bullets, line numbers, tables, file names in front.

A repair is decided once from the first lines of a source and then applied to all of them. Line numbers never change.
"""

import html
import quopri
import re
from collections.abc import Callable, Sequence

from nicmedic.kernlog.decode import clean_line
from nicmedic.kernlog.lazy import lazy_pattern

__all__ = ["Repair", "decode_quoted_printable", "find_repairs", "is_quoted_printable"]

Repair = Callable[[str], str]

_QUOTE = lazy_pattern(r"(?:[>|] ?){1,8}")
_BULLET = lazy_pattern(r"\s{0,8}(?:[-*+•·] |#?\d{1,6}[.:)]?[ \t]+(?=\[|<|[A-Z][a-z]{2} ))")
_GREP = lazy_pattern(
    r"(?:[\w./@+-]{1,200}[:-])?(?:\d{1,9}[:-])?(?=(?:<\d{1,3}>)?\[ *\d{1,9}\.\d{6}\]|[A-Z][a-z]{2} {1,2}\d{1,2} \d\d:|(?:19|20)\d\d-\d\d-\d\dT)"
)
_MARK = lazy_pattern(r"[:|+*~'] ?(?=\S)")
_ENTITY = lazy_pattern(r"&(?:lt|gt|amp|quot|apos|nbsp|#\d{1,7}|#x[0-9a-fA-F]{1,6});")
_SOFT_BREAK = re.compile(rb"=[ \t]{0,8}\r?\n")
_BROKEN_LINE = re.compile(rb"(?m)^(?:[^\n]*=[ \t]{0,8}\r?\n)+[^\n]*")
_QP_ESCAPE = re.compile(rb"=(?:3D|20|09|2E|[CE][0-9A-F]=[89AB][0-9A-F])")
_LONGEST_CELL = 40
_MOST = 0.6
_SAMPLE_LINES = 300


def is_quoted_printable(data: bytes) -> bool:
    """Whether soft breaks and ``=3D`` show that a source's beginning is a mail body in quoted-printable (RFC 2045 §6.7)."""
    return len(_SOFT_BREAK.findall(data[:65_536])) >= 2 and _QP_ESCAPE.search(data[:65_536]) is not None  # one may be chance


def decode_quoted_printable(data: bytes) -> bytes:
    """Decode such a body; lines keep their numbers."""
    return quopri.decodestring(_BROKEN_LINE.sub(_join_broken_line, data))


def _join_broken_line(found: re.Match[bytes]) -> bytes:
    """Join a line at its soft breaks; as many empty lines follow, so that the lines after it keep their numbers."""
    joined, breaks = _SOFT_BREAK.subn(b"", found[0])
    return joined + b"\n" * breaks


def _unescape(line: str) -> str:
    """Entities, twice where a page had been quoted twice. What comes out is one line, whatever ``&#10;`` says."""
    line = html.unescape(line)
    if _ENTITY.search(line):
        line = html.unescape(line)
    return clean_line(line.replace("\n", " ").replace("\r", " "))


def _strip(pattern: re.Pattern[str]) -> Repair:
    def repair(line: str) -> str:
        found = pattern.match(line)
        return line[found.end() :] if found else line

    return repair


def _strip_backticks(line: str) -> str:
    return line.strip().strip("`") if line.lstrip().startswith("`") else line


def _is_table_rule(line: str) -> bool:
    """``-- | --`` and its like."""
    return "--" in line and not line.strip(" \t:|-")


def _join_cells(line: str) -> str:
    if _is_table_rule(line):
        return ""
    first, bar, rest = line.strip().removeprefix("|").removesuffix("|").partition("|")
    return f"{first.strip()} {rest.strip()}" if bar and 0 < len(first.strip()) <= _LONGEST_CELL else line


def _share(lines: Sequence[str], pattern: re.Pattern[str]) -> float:
    """Share of lines in which the pattern takes something from the start."""
    hits = sum(1 for line in lines if (found := pattern.match(line)) and found.end() > 0)
    return hits / len(lines)


def find_repairs(lines: Sequence[str]) -> tuple[Repair, ...]:
    """What has to be undone, judged from a source's first lines."""
    sample = [line for line in lines[:_SAMPLE_LINES] if line.strip()]
    if not sample:
        return ()
    repairs: list[Repair] = []

    def add(repair: Repair) -> None:
        repairs.append(repair)
        sample[:] = [fixed for fixed in map(repair, sample) if fixed.strip()] or [""]

    if sum(1 for line in sample if _ENTITY.search(line)) > 0:
        add(_unescape)
    if _share(sample, _QUOTE) > _MOST:
        add(_strip(_QUOTE))
    if sum(1 for line in sample if line.lstrip().startswith("`")) > _MOST * len(sample):
        add(_strip_backticks)
    for pattern in (_BULLET, _GREP, _MARK):
        if _share(sample, pattern) > _MOST:
            add(_strip(pattern))
    if any("|" in line and _is_table_rule(line) for line in sample) and sum(" | " in line for line in sample) > _MOST / 2 * len(sample):
        add(_join_cells)
    indent = min((len(line) - len(line.lstrip()) for line in sample), default=0)
    if indent:
        repairs.append(lambda line: line[indent:] if not line[:indent].strip() else line)
    return tuple(repairs)
