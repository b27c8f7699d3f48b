# SPDX-License-Identifier: GPL-2.0-or-later
"""A report in which nothing tells whose it is: the value is scrubbed, so that every form is."""

import dataclasses
import re
from collections.abc import Iterable, Iterator, Mapping
from enum import Enum
from typing import TypeVar, cast

from nicmedic.model.bug_report import BugReport, Excerpt
from nicmedic.report.scrub import Kind, Scrubber

__all__ = ["scrub_report"]

T = TypeVar("T")
_HOME = re.compile(r"(?:/home|/Users|/var/home)/([^/\s:]{2,32})")
"""Files are named by whoever handed them in."""


def scrub_report(report: BugReport, known: Mapping[Kind, Iterable[str]] | None = None) -> tuple[BugReport, str]:
    """The same with everything replaced that is known to tell whose it is, or looks like it; and the map, which stays with its owner.

    Args:
        report: as it was built.
        known: names that are known from elsewhere: of this host, its users, its cards.
    """
    texts = list(dict.fromkeys(_list_texts(report)))
    users = {found[1] for text in texts for found in _HOME.finditer(text)} - {"root", "runner"}
    names = {kind: set(words) for kind, words in (known or {}).items()}
    names.setdefault(Kind.HOST, set()).update(_list_hosts(report))
    names.setdefault(Kind.USER, set()).update(users)
    scrubber = Scrubber(names)
    for text in texts:
        scrubber.learn(text)
    return dataclasses.replace(_scrub(report, scrubber), scrubbed=True, made=report.made, nicmedic=report.nicmedic), scrubber.render_map()


def _list_hosts(report: BugReport) -> Iterator[str]:
    """Every place in which a host is named as such."""
    named = [
        report.history.host,
        report.blame.host,
        *(boot.host for boot in report.history.boots),
        *(twin.host for twin in report.blame.twins),
        None if report.finding is None else report.finding.host,
        None if report.host is None else report.host.hostname,
    ]
    yield from (name for name in named if name)


def _list_texts(value: object) -> Iterator[str]:
    if isinstance(value, str) and not isinstance(value, Enum):
        yield value
    elif isinstance(value, Mapping):
        yield from (text for pair in value.items() for item in pair for text in _list_texts(item))
    elif isinstance(value, tuple):
        yield from (text for item in value for text in _list_texts(item))
    elif dataclasses.is_dataclass(value):
        yield from (text for field in dataclasses.fields(value) for text in _list_texts(getattr(value, field.name)))


def _scrub_excerpt(excerpt: Excerpt, scrubber: Scrubber) -> Excerpt:
    """As one text, for a key may go over many lines."""
    lines = scrubber.scrub("\n".join(line.text for line in excerpt.lines)).split("\n")
    if len(lines) != len(excerpt.lines):  # a line of journalctl's numbers in place of text was taken out whole
        lines = [scrubber.scrub(line.text) for line in excerpt.lines]
    return dataclasses.replace(
        excerpt,
        source=scrubber.scrub(excerpt.source),
        lines=tuple(dataclasses.replace(line, text=text) for line, text in zip(excerpt.lines, lines, strict=True)),
    )


def _scrub(value: T, scrubber: Scrubber) -> T:
    """The same value with every text scrubbed; words of an enumeration are ours and stay."""
    if isinstance(value, Enum):
        return value
    if isinstance(value, Excerpt):
        return cast("T", _scrub_excerpt(value, scrubber))
    if isinstance(value, str):
        return cast("T", scrubber.scrub(value))
    if isinstance(value, Mapping):
        return cast("T", {scrubber.scrub_name(str(key)): _scrub(item, scrubber) for key, item in value.items()})
    if isinstance(value, tuple):
        return cast("T", tuple(_scrub(item, scrubber) for item in value))
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        changed = {field.name: _scrub(getattr(value, field.name), scrubber) for field in dataclasses.fields(value)}
        return cast("T", dataclasses.replace(value, **changed))
    return value
