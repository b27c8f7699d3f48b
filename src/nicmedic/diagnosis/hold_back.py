# SPDX-License-Identifier: GPL-2.0-or-later
"""Names of what holds packets back on purpose: queueing disciplines, and counters of pause frames. Light: the resident watcher loads it."""

import re

__all__ = ["MAY_HOLD_BACK", "is_pause_counter"]

MAY_HOLD_BACK = frozenset({"tbf", "netem", "htb", "hfsc", "cbq", "cake", "etf", "taprio", "plug", "fq", "drr", "ets", "qfq", "sfb", "atm"})
"""Disciplines that may keep packets by themselves."""
_PAUSED = re.compile(r"rx.*(?:pause|xoff|flow_control)|(?:pause|xoff).*rx")
_NO_FRAMES = re.compile(r"xon|duration|transition|time")
"""Counters beside them that count no frame which holds the port."""


def is_pause_counter(name: str) -> bool:
    """Whether a counter of ``ethtool -S`` counts pause frames that were received."""
    return _PAUSED.search(name) is not None and _NO_FRAMES.search(name) is None
