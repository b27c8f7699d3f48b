# SPDX-License-Identifier: GPL-2.0-or-later
"""The link is gone, or comes and goes.

A link that never was there since watching began is a port without a cable: no incident. A short loss is a partner that negotiates again,
or a driver that was given another setting: copper takes 2 to 4 s at 1 Gb/s (IEEE 802.3 clause 28: ``break_link_timer`` alone is 1.2 to
1.5 s).
"""

from nicmedic.diagnosis.sentry.finding import Finding, quote
from nicmedic.diagnosis.sentry.memory import Memory
from nicmedic.model.incident import IncidentVerdict

__all__ = ["judge"]

_STAYS_S = 4.0
_AT_MOST_S = 20.0
"""Whatever is expected, a link that is away so long is away."""
_FLAPS_WITHIN_S = 30.0


def judge(memory: Memory, now_s: float) -> Finding | None:
    """The link's fault, once it lasts."""
    if memory.carrier is not False:
        return None
    drops = memory.drops
    if len(drops) == drops.maxlen and now_s - drops[0] <= _FLAPS_WITHIN_S and now_s >= memory.expected_until_s:
        return Finding(IncidentVerdict.LINK, (f"the carrier went {len(drops)} times within {now_s - drops[0]:.0f} s",), drops[0])
    away_s = now_s - max(memory.lost_s, memory.late.slept_at_s)
    if not memory.had_carrier or away_s < _STAYS_S or (now_s < memory.expected_until_s and away_s < _AT_MOST_S):
        return Finding(None)
    faults = tuple(quote(text) for at_s, text in memory.faults if abs(at_s - memory.lost_s) <= _STAYS_S)
    return Finding(IncidentVerdict.LINK, (f"no carrier since {now_s - memory.lost_s:.0f} s", *faults), memory.lost_s)
