# SPDX-License-Identifier: GPL-2.0-or-later
"""The kernel's watchdog fired, or the driver told of a hang.

``dev_watchdog`` fires for a queue that its driver has stopped for longer than ``watchdog_timeo`` (5 s) while the carrier is there and the
device present (net/sched/sch_generic.c): line, ``tx_timeout`` and the tracepoint come from the same place. What else explains that, the
rules before this one have told; only pause frames of a driver that counts them need two looks.
"""

from nicmedic.diagnosis.sentry.finding import Finding, quote
from nicmedic.diagnosis.sentry.memory import Memory
from nicmedic.diagnosis.sentry.rules.evidence import list_evidence
from nicmedic.model.incident import IncidentVerdict

__all__ = ["judge"]

_LONGEST_S = 1.0
_BEFORE_S = 6.0


def judge(memory: Memory, now_s: float) -> Finding | None:
    """It hangs, as soon as pause frames are out of the question."""
    sign = memory.sign
    if sign is None or sign.starved:
        return None
    if now_s - sign.at_s < _LONGEST_S and not _is_unpaused(memory, sign.at_s):
        memory.looks.want(now_s)
        return Finding(None)
    reasons = (quote(sign.text), *list_evidence(memory, now_s))
    return Finding(IncidentVerdict.NIC_HUNG, reasons, sign.at_s if sign.worked_s is None else sign.worked_s)


def _is_unpaused(memory: Memory, at_s: float) -> bool:
    """Whether the looks say so: they cannot be had, no pause frame is counted, or enough of them were compared."""
    looks = memory.looks.since(at_s - _BEFORE_S)
    if not looks:
        return False
    answer = looks[-1].answer
    return answer.stuck or answer.pause_frames is None or memory.looks.count_pauses(at_s - _BEFORE_S) is not None
