# SPDX-License-Identifier: GPL-2.0-or-later
"""What became of a ladder and of each of its rungs."""

from dataclasses import dataclass
from enum import StrEnum

from nicmedic.model.plan import Ladder

__all__ = ["Ascent", "Attempt", "Came"]


class Came(StrEnum):
    """How a rung ended."""

    HELPED = "helped"
    """Traffic flows since."""
    FAILED = "failed"
    """It did not, and what was changed is undone."""
    SKIPPED = "skipped"
    """It was tried too often or too lately."""
    UNDO_FAILED = "undo-failed"
    HELD = "held"
    """No hang came as long as it was in force."""
    HUNG = "hung"
    """The card hung all the same."""
    BROKE = "broke"
    """It could not be set, or traffic did not survive it: that says nothing of hangs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One rung, and how it ended."""

    names: tuple[str, ...]
    """As ``--remedy`` takes them."""
    outcome: Came
    reason: str
    """Why it was its turn."""
    detail: str = ""
    """What was seen."""
    seconds: float = 0.0
    transaction: int | None = None
    """Its number; None: none was begun, or it is told in ``detail``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ascent:
    """How a ladder ended well: with what is in force now, or because nothing was to be done."""

    ladder: Ladder
    kept: tuple[str, ...] = ()
    """In force and confirmed, as ``--remedy`` takes them; empty: nothing needed to be changed."""
    attempts: tuple[Attempt, ...] = ()
    hold_s: float | None = None
    """How long each factor of *prevent* was held."""
    certainty: float | None = None
    """Chance that the quiet is no accident; None: nothing is known of the time before, or it was no matter of waiting."""
    reason: str = ""
    """Why it ended there."""
