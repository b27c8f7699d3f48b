# SPDX-License-Identifier: GPL-2.0-or-later
"""Durations as people say them."""

__all__ = ["say_duration"]


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
