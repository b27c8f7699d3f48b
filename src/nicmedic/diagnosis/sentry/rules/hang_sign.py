# SPDX-License-Identifier: GPL-2.0-or-later
"""The kernel's watchdog fired, or the driver told of a hang.

``dev_watchdog`` fires for a queue that its driver has stopped for longer than ``watchdog_timeo`` (5 s) while the carrier is there and the
device present (net/sched/sch_generic.c): line, ``tx_timeout`` and the tracepoint come from the same place. What else explains that, the
rules before this one have told; only pause frames of a driver that counts them need two looks.

A card that is seen to complete frames after the sign is not hung, whoever wrote that line: its driver has brought it back by itself, or the line is
about a card of another network namespace that has the same name and driver. That is worth an incident, which ends as soon as traffic is seen to flow,
and no treatment. Of one queue that stands while others send the flow of all says nothing.
"""

from nicmedic.diagnosis.sentry.finding import Finding, quote
from nicmedic.diagnosis.sentry.memory import Memory, Sign
from nicmedic.diagnosis.sentry.rules.evidence import list_evidence
from nicmedic.model.incident import IncidentVerdict

__all__ = ["judge"]

_LONGEST_S = 1.0
_BEFORE_S = 6.0
_LATELY_S = 1.0
"""The watchdog waits for 5 s, drivers hardly less than this. A card that completed frames so lately will soon complete more, or hangs."""

_COMPLETES = (
    "but it has sent frames since: its driver brought it back by itself, or the line is about another card of the same name and driver"
)


def judge(memory: Memory, now_s: float) -> Finding | None:
    """It hangs, as soon as pause frames are out of the question."""
    sign = memory.sign
    if sign is None or sign.starved:
        return None
    began_s = sign.at_s if sign.worked_s is None else sign.worked_s
    if _tells_of_all(memory, sign.at_s):
        if sign.completed_s is not None:
            return Finding(IncidentVerdict.UNSURE, (quote(sign.text), _COMPLETES, *list_evidence(memory, now_s)), began_s)
        if now_s - sign.at_s < _LONGEST_S and _worked_lately(sign):
            return Finding(None)
    if now_s - sign.at_s < _LONGEST_S and not _is_unpaused(memory, sign.at_s):
        memory.looks.want(now_s)
        return Finding(None)
    return Finding(IncidentVerdict.NIC_HUNG, (quote(sign.text), *list_evidence(memory, now_s)), began_s)


def _tells_of_all(memory: Memory, at_s: float) -> bool:
    """Whether completions, if there are any, tell of each queue: there is one only, or none has kept what it had."""
    alone = memory.card.tx_queues < 2
    return memory.counts_what_left and (alone or (memory.tells_flights and not memory.keeps_from(at_s)))


def _worked_lately(sign: Sign) -> bool:
    return sign.worked_s is not None and sign.at_s - sign.worked_s < _LATELY_S


def _is_unpaused(memory: Memory, at_s: float) -> bool:
    """Whether the looks say so: they cannot be had, no pause frame is counted, or enough of them were compared."""
    looks = memory.looks.since(at_s - _BEFORE_S)
    if not looks:
        return False
    answer = looks[-1].answer
    return answer.stuck or answer.pause_frames is None or memory.looks.count_pauses(at_s - _BEFORE_S) is not None
