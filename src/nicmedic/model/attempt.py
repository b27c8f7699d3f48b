# SPDX-License-Identifier: GPL-2.0-or-later
"""What became of one rung of a ladder."""

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["Attempt", "Came"]


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
