# SPDX-License-Identifier: GPL-2.0-or-later
"""Nothing else ran either: a starved, stopped or suspended host.

``lateness`` has why a card in order stands still then, and why its watchdog may fire. The card is judged again by what it does when the
host runs.
"""

from nicmedic.diagnosis.sentry.finding import Finding, quote
from nicmedic.diagnosis.sentry.memory import Memory
from nicmedic.model.incident import IncidentVerdict

__all__ = ["find_standing", "judge"]

_STANDS_S = 2.0
_RECOVERS_S = 15.0
"""The driver's reset, and the link that comes back after it."""


def judge(memory: Memory, now_s: float) -> Finding | None:
    """The host, if the card's watchdog fired over a gap, or if it stands while we come late again and again."""
    late = f"our own waiting took up to {memory.late.worst_s(now_s):.1f} s longer than asked"
    sign = memory.sign
    if sign is not None and sign.starved and (now_s - sign.at_s < _RECOVERS_S or memory.late.is_starved(now_s)):
        reasons = ("the host had no processor to spare, was stopped or suspended when its watchdog fired", late, quote(sign.text))
        return Finding(IncidentVerdict.HOST, reasons, sign.at_s)
    since_s = find_standing(memory)
    if since_s is not None and memory.late.is_starved(now_s) and now_s - since_s >= _STANDS_S:
        text = f"nothing was sent for {now_s - since_s:.1f} s, but this host has no processor to spare"
        return Finding(IncidentVerdict.HOST, (text, late), since_s)
    return None


def find_standing(memory: Memory) -> float | None:
    """Since when something waits and nothing moves, whatever the reason."""
    found = [max(flight.since_s, memory.flights.none_done_since_s) for flight in memory.flights.by_queue.values()]
    if memory.waiting.since_s is not None and not memory.flights.works:
        found.append(memory.waiting.since_s)
    return min(found, default=None)
