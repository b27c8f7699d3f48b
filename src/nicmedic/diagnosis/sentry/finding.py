# SPDX-License-Identifier: GPL-2.0-or-later
"""What one rule says, and words that several rules need."""

from typing import NamedTuple

from nicmedic.model.incident import IncidentVerdict

__all__ = ["Finding", "quote"]

_LONGEST = 200


class Finding(NamedTuple):
    """A rule that gives one ends the search: those after it are not asked."""

    verdict: IncidentVerdict | None
    """None: whatever stands still, there is nothing to blame the card for, or not yet."""
    reasons: tuple[str, ...] = ()
    began_s: float | None = None


def quote(text: str) -> str:
    r"""A line of a log, harmless for a terminal.

    >>> quote("eth0\x1b[2J hangs")
    'eth0\\x1b[2J hangs'
    """
    shown = "".join(char if char.isprintable() else char.encode("unicode_escape", "replace").decode("ascii") for char in text[:_LONGEST])
    return shown + (" …" if len(text) > _LONGEST else "")
