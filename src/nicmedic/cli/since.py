# SPDX-License-Identifier: GPL-2.0-or-later
"""``--since``: a point in time as a person types it."""

import datetime
import re

from nicmedic.model.errors import UsageError

__all__ = ["parse_since"]

_AGO = re.compile(r"-?(?P<count>\d{1,6}) ?(?P<unit>s|sec|seconds?|m|min|minutes?|h|hours?|d|days?|w|weeks?)(?: ago)?\Z")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def parse_since(text: str, now: datetime.datetime) -> datetime.datetime:
    """Parse a date, a date with time, ``today``, ``yesterday``, or an age such as ``2h`` or ``3 days ago``.

    Args:
        text: what was typed.
        now: the present moment, aware, in the user's zone.

    Raises:
        UsageError: it is none of these.
    """
    typed = text.strip().lower()
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    if typed in ("today", "yesterday"):
        return midnight - datetime.timedelta(days=1 if typed == "yesterday" else 0)
    ago = _AGO.match(typed)
    try:
        if ago is not None:
            return now - datetime.timedelta(**{_UNITS[ago["unit"][0]]: int(ago["count"])})
        moment = datetime.datetime.fromisoformat(text.strip())
    except (ValueError, OverflowError):
        raise UsageError(
            f"--since {text!r}: no point in time", hint="nicmedic explain --since '2026-01-31 12:00'   # or: 2h, 3 days ago, yesterday"
        ) from None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=now.tzinfo)
