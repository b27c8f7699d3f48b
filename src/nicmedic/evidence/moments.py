# SPDX-License-Identifier: GPL-2.0-or-later
"""Moments as histories spell them."""

from datetime import UTC, datetime

__all__ = ["parse_moment"]


def parse_moment(text: str | None) -> datetime | None:
    """RFC 3339; without a zone it is taken for UTC, for nothing tells better. None: not told, or no moment.

    >>> parse_moment("2016-01-02T10:00:00")
    datetime.datetime(2016, 1, 2, 10, 0, tzinfo=datetime.timezone.utc)
    """
    try:
        moment = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
