# SPDX-License-Identifier: GPL-2.0-or-later
"""What the probes say of a change: those that ran before it, held against the same ones after it.

Only a probe that passed before may fail a change, and one that cannot run says nothing. On a card that was hung to begin with no answer came
before; there the change is good once answers come. What the probes do, ``nicmedic.ports.probes`` says.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from nicmedic.model.transaction import ProbeResult, ProbeState

__all__ = ["ANSWERS", "Judgement", "judge"]

ANSWERS = frozenset({"gateway", "neighbour", "ping", "tcp", "ssh"})
"""Kinds of probes that pass only if something came back: traffic in both directions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """Of one round of probes."""

    good: bool | None
    """True: traffic is as it was, or flows where none did. False: it does not. None: nothing fails, and nothing shows that traffic flows."""
    failed: tuple[ProbeResult, ...] = ()
    """What makes it bad."""
    hung_before: bool = False
    """No answer had come before the change, so it is judged by the answers that come now."""

    @property
    def text(self) -> str:
        """One line."""
        if self.failed:
            return "; ".join(f"{result.probe}: {result.detail or result.state}" for result in self.failed)
        if self.good:
            return "answers come now, and none came before" if self.hung_before else "what passed before passes"
        return "no probe fails, and none shows that traffic flows"


def _kind(result: ProbeResult) -> str:
    return result.probe.partition(" ")[0]


def _passed(results: Iterable[ProbeResult]) -> tuple[ProbeResult, ...]:
    return tuple(result for result in results if result.state is ProbeState.PASSED)


def _judge_hung(after: Sequence[ProbeResult]) -> Judgement:
    """Whether traffic flows now: some answer, and one over TCP if that was asked for; on a card that nobody can be asked over, that frames leave."""
    answers = [result for result in after if _kind(result) in ANSWERS]
    wanted = answers or [result for result in after if _kind(result) == "tx"]
    asked = [result for result in answers if _kind(result) == "tcp"]
    if _passed(wanted) and (_passed(asked) or not asked):
        return Judgement(good=True, hung_before=True)
    missing = asked if _passed(wanted) else wanted
    failed = tuple(result for result in missing if result.state is ProbeState.FAILED)
    return Judgement(good=False if failed else None, failed=failed, hung_before=True)


def judge(before: Sequence[ProbeResult], after: Sequence[ProbeResult]) -> Judgement:
    """Hold one round against that before the change; probes are matched by their words.

    Args:
        before: as they were chosen and run before anything was changed.
        after: the same ones, now.
    """
    passed = {result.probe for result in _passed(before)}
    failed = tuple(result for result in after if result.probe in passed and result.state is ProbeState.FAILED)
    hung = not any(_kind(result) in ANSWERS for result in _passed(before))
    if failed:
        return Judgement(good=False, failed=failed, hung_before=hung)
    if hung:
        return _judge_hung(after)
    answered = any(_kind(result) in ANSWERS and result.probe in passed for result in _passed(after))
    return Judgement(good=True if answered else None)
