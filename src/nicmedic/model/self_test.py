# SPDX-License-Identifier: GPL-2.0-or-later
"""What a watcher finds out about itself before it begins: what it would watch, and what it could neither see nor do."""

from dataclasses import dataclass

from nicmedic.model.policy import Mode
from nicmedic.model.watched import Card

__all__ = ["CardTest", "SelfTest"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CardTest:
    """One card."""

    card: Card
    mode: Mode
    readable: bool
    """Its counters can be read."""
    has_bql: bool | None
    """Bytes in flight are told; None: nothing was sent yet."""
    gateway: bool | None
    """A gateway behind it answered a silent question; None: there is none, or it cannot be asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SelfTest:
    """All of it."""

    policy_path: str
    policy_found: bool
    """False: there is no such file, so everything is only observed."""
    cards: tuple[CardTest, ...]
    faults: tuple[str, ...]
    """What it cannot do its work without."""
    blind_spots: tuple[str, ...]
    """What it cannot see; it does its work all the same."""
