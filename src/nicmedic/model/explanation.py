# SPDX-License-Identifier: GPL-2.0-or-later
"""The answer of ``nicmedic explain``: what was read, what happened, and what is probably behind it."""

from dataclasses import dataclass

from nicmedic.model.boot import Boot
from nicmedic.model.errors import NicmedicError
from nicmedic.model.event import Event
from nicmedic.model.finding import Finding, Hang

__all__ = ["Explanation", "SourceReport", "Unknown"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceReport:
    """What came of one log."""

    name: str
    container: str | None
    """The container of most of its lines; None: there were none."""
    containers: tuple[str, ...]
    records: int | None
    """Messages; None for a log that was too big to read whole (only the parts that matter were)."""
    boots: int
    unread_lines: int | None
    """Lines in no container known; None as for ``records``."""
    lines: int
    cut_lines: int
    sparse: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Unknown:
    """Something that the logs do not say, and the command that would settle it (empty: nothing would)."""

    text: str
    command: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Everything that ``explain`` tells, before it becomes text or JSON."""

    interface: str | None
    """The only interface that was asked for; None: all."""
    sources: tuple[SourceReport, ...]
    boots: tuple[Boot, ...]
    events: tuple[Event, ...]
    hangs: tuple[Hang, ...]
    findings: tuple[Finding, ...]
    unknowns: tuple[Unknown, ...]
    notes: tuple[str, ...]
    """What limits the answer: lines lost, levels filtered, counts that are lower bounds, years unknown."""
    errors: tuple[NicmedicError, ...]
    knowledge_problems: tuple[str, ...]
