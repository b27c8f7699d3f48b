# SPDX-License-Identifier: GPL-2.0-or-later
"""What else speaks for a hang: told beside what shows it. No rule: it decides nothing."""

from collections.abc import Iterator

from nicmedic.diagnosis.sentry.finding import quote
from nicmedic.diagnosis.sentry.memory import Memory

__all__ = ["list_evidence"]

_RECENT_S = 15.0


def list_evidence(memory: Memory, now_s: float) -> Iterator[str]:
    """The weaker ones, as sentences."""
    if memory.stray is not None and now_s - memory.stray[0] <= _RECENT_S:
        yield quote(memory.stray[1])
    for at_s, text in memory.faults:
        if now_s - at_s <= _RECENT_S:
            yield quote(text)
    if now_s - memory.stuck_at_s <= _RECENT_S:
        yield "somebody holds the lock of networking, as a driver does that waits in its own reset"
    look = memory.looks.last
    if look is None or now_s - look.at_s > _RECENT_S or look.answer.stuck:
        return
    if look.answer.bus_master is False:
        yield "it may not reach memory: its bus-master bit is off (lspci -vv: BusMaster-)"
    if look.answer.lost:
        yield "it answers with all ones: the host has lost it"
    if look.answer.pause_frames is None:
        yield "whether its partner told it to pause cannot be seen: the driver counts no pause frames"
