# SPDX-License-Identifier: GPL-2.0-or-later
"""Nothing comes back: the gateway, or all that is beyond this card, is silent.

Two signs raise the doubt: the kernel's own neighbour entry of the gateway failed (net/core/neighbour.c ``neigh_invalidate``: three
requests unanswered), or frames are sent and none comes in for some seconds where some had come before. Then the gateway is asked; one
that answers ends the doubt, twice no answer is a verdict. Whose fault it is depends on whether our frames left, and only a driver that
tells what it has sent shows that.

Where a bond or a bridge stands on the card, the question leaves over whichever port that chooses (drivers/net/bonding/bond_main.c
``bond_start_xmit``), so a standby is given nothing, and sends nothing. Its discipline counts what it was handed.
"""

from nicmedic.diagnosis.completions import COUNTS_COMPLETIONS
from nicmedic.diagnosis.sentry.finding import Finding
from nicmedic.diagnosis.sentry.memory import NEVER, Memory
from nicmedic.diagnosis.sentry.rules.evidence import list_evidence
from nicmedic.model.incident import IncidentVerdict

__all__ = ["judge"]

_SILENT_S = 3.0
_LEAST_FRAMES = 3
_APART_S = 0.7
_QUIET_S = 10.0
_LATER_S = 30.0
"""A standby may take over while the gateway is silent."""
_PROBES = 2
_PROBES_UNSENT = 3
_UNSENT_S = 5.0
"""A driver may report the last frame when the next one comes, or by a timer (e100 looks every 2 s)."""


def judge(memory: Memory, now_s: float) -> Finding | None:
    """Upstream, if our frames leave; unsure, if that cannot be told or they do not."""
    since_s = _find_silence(memory, now_s)
    if since_s is None:
        return None
    answered_s = memory.probes.answered_since(since_s)
    if answered_s is not None:
        memory.gateway_lost_s, memory.gateway_back_s, memory.tx_since_rx = None, answered_s, 0
        return None
    number = memory.probes.silent_since(since_s)
    unsent = memory.tx_moved_s < since_s
    if unsent:
        if now_s - since_s < _UNSENT_S:
            memory.looks.want_more(now_s, since_s)
        else:
            memory.looks.want(now_s, _LATER_S)
    if number < (_PROBES_UNSENT if unsent else _PROBES) or (unsent and now_s - since_s < _UNSENT_S):
        if now_s - memory.probes.last_s >= (_QUIET_S if memory.probes.is_impossible else _APART_S):
            memory.probes.want(now_s)
        return None
    if unsent and not _is_handed(memory, since_s):
        return None
    return _tell(memory, now_s, since_s, unsent=unsent)


def _find_silence(memory: Memory, now_s: float) -> float | None:
    """Since when there is doubt."""
    if memory.gateway_lost_s is not None and memory.gateway_lost_s > memory.gateway_back_s:
        return memory.gateway_lost_s
    came_s = max(memory.rx_moved_s, memory.gateway_back_s)
    if memory.rx_seen and memory.tx_since_rx >= _LEAST_FRAMES and now_s - came_s >= _SILENT_S + memory.late.extra_s(now_s):
        return came_s + _SILENT_S
    return None


def _is_handed(memory: Memory, since_s: float) -> bool:
    """Whether frames were given to this very card since then; where no discipline counts them, only if nothing stands on it that chooses."""
    handed = [packets for look in memory.looks.since(since_s) if (packets := look.handed(None)) is not None]
    return handed[-1] > handed[0] if len(handed) > 1 else not memory.card.above


def _tell(memory: Memory, now_s: float, since_s: float, *, unsent: bool) -> Finding:
    silent = "the gateway does not answer"
    began_s = min(since_s, memory.rx_moved_s) if memory.rx_moved_s > NEVER else since_s
    if unsent and memory.card.driver in COUNTS_COMPLETIONS:
        reasons = ("frames were handed to it, and none was counted as sent", silent, *list_evidence(memory, now_s))
        return Finding(IncidentVerdict.NIC_HUNG, reasons, began_s)
    if unsent:
        return Finding(IncidentVerdict.UNSURE, (silent, "no frame of ours was counted as sent either"), began_s)
    if not memory.counts_what_left:
        return Finding(IncidentVerdict.UNSURE, (silent, "its driver does not tell whether our frames leave"), began_s)
    more = () if memory.rx_moved_s > since_s else ("nothing at all comes in, so whether it still receives is open",)
    return Finding(IncidentVerdict.UPSTREAM, (f"our frames leave, and {silent}", *more), began_s)
