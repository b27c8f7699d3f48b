# SPDX-License-Identifier: GPL-2.0-or-later
"""Packets wait in the root discipline, and none is taken and none sent: for drivers that keep no count of bytes in flight.

Such a driver stops its queue when its ring is full (``netif_stop_queue``), and packets wait from then on. Only a closer look tells, so it
is taken when frames stood still after they had moved, rarely otherwise. A discipline that may hold packets back by itself (``hold_back``)
says nothing.
"""

from nicmedic.diagnosis.sentry.finding import Finding
from nicmedic.diagnosis.sentry.memory import Memory
from nicmedic.diagnosis.sentry.rules.evidence import list_evidence
from nicmedic.model.incident import IncidentVerdict

__all__ = ["judge"]

_STANDS_S = 1.0
_LEAST_POINTS = 3
_STOPPED_S = 0.75
_LATELY_S = 20.0
_IN_DOUBT_S = 0.4
_USUAL_PAUSE_S = 4.0
_IDLE_PAUSE_S = 30.0


def judge(memory: Memory, now_s: float) -> Finding | None:
    """It hangs, if packets wait all the time."""
    if memory.tells_flights or memory.last is None or not memory.card.is_real:
        return None
    waiting, look = memory.waiting, memory.looks.last
    if not memory.samples_tell(memory.last):
        _ask(memory, now_s)
    if waiting.since_s is None or waiting.points < _LEAST_POINTS or (look is not None and look.answer.holds_back):
        return None
    since_s = memory.proves_from_s(max(waiting.since_s, memory.back_s))
    if now_s - since_s < _STANDS_S + memory.late.extra_s(now_s) or memory.tx_moved_s > waiting.since_s:
        return None
    text = f"{waiting.backlog_bytes} bytes wait in the queueing discipline, and none was taken and none sent for {now_s - waiting.since_s:.1f} s"
    return Finding(IncidentVerdict.NIC_HUNG, (text, *list_evidence(memory, now_s)), waiting.since_s)


def _ask(memory: Memory, now_s: float) -> None:
    """Want a look when it may tell something."""
    still_s = now_s - memory.tx_moved_s
    if memory.waiting.since_s is not None and still_s >= _STOPPED_S:
        memory.looks.want(now_s, _IN_DOUBT_S)
    elif still_s >= _STOPPED_S:
        memory.looks.want(now_s, _USUAL_PAUSE_S if still_s <= _LATELY_S else _IDLE_PAUSE_S)
