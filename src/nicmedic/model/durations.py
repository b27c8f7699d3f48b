# SPDX-License-Identifier: GPL-2.0-or-later
"""Durations as people say and type them."""

import re

__all__ = ["parse_seconds", "say_duration"]

_TYPED = re.compile(r"(?P<count>\d{1,6}(?:\.\d{1,3})?) ?(?P<unit>s|sec|seconds?|m|min|minutes?|h|hours?)?\Z", re.ASCII)
_SECONDS = {"s": 1, "m": 60, "h": 3600}


def parse_seconds(text: str) -> float | None:
    """A duration as a person types it, without a unit in seconds; None: it is none.

    >>> parse_seconds("120s"), parse_seconds("5 min"), parse_seconds("1h"), parse_seconds("0.5"), parse_seconds("5d")
    (120.0, 300.0, 3600.0, 0.5, None)
    """
    match = _TYPED.match(text.strip().lower())
    return None if match is None else float(match["count"]) * _SECONDS[(match["unit"] or "s")[0]]


def say_duration(seconds: float) -> str:
    """Seconds as people say them.

    >>> say_duration(551.3), say_duration(1500), say_duration(7200), say_duration(338691)
    ('551 s', '25 min', '2.0 h', '3.9 days')
    """
    if seconds < 1000:  # three digits are still read at a glance
        return f"{seconds:.0f} s"
    if seconds < 5970:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h" if seconds < 172_800 else f"{seconds / 86_400:.1f} days"  # two days
