# SPDX-License-Identifier: GPL-2.0-or-later
"""Durations as a person types them: ``120s``, ``5m``, ``1h``, ``90``."""

from nicmedic.model.durations import parse_seconds
from nicmedic.model.errors import UsageError

__all__ = ["parse_duration"]


def parse_duration(option: str, text: str, least_s: float, most_s: float) -> float:
    """Seconds.

    Args:
        option: that it stands after.
        text: what was typed; without a unit it is seconds.
        least_s: less is refused.
        most_s: more is refused.

    Raises:
        UsageError: it is no duration, or out of bounds.
    """
    seconds = parse_seconds(text)
    if seconds is None or not least_s <= seconds <= most_s:
        message = f"{option} {text!r}: no duration from {least_s:g} s to {most_s:g} s"
        raise UsageError(message, hint=f"{option} 120s   # or: 5m, 1h")
    return seconds
