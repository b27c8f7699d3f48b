# SPDX-License-Identifier: GPL-2.0-or-later
"""IFF_UP was cleared: only whoever administers it does that, no driver and no fault (net/core/dev.c ``__dev_change_flags``).

A second or two are a setting that needs it (``ip link set … down; …; up``). One that carried nothing concerns nobody.
"""

from nicmedic.diagnosis.sentry.finding import Finding
from nicmedic.diagnosis.sentry.memory import Memory
from nicmedic.model.incident import IncidentVerdict

__all__ = ["judge"]

_STAYS_S = 2.0


def judge(memory: Memory, now_s: float) -> Finding | None:
    """An administrator, where it had carried."""
    if memory.down_s is None:
        return None
    if not memory.down_carried or now_s - memory.down_s < _STAYS_S:
        return Finding(None)
    return Finding(IncidentVerdict.ADMINISTRATOR, ("it was switched off (its flag UP was cleared)",), memory.down_s)
