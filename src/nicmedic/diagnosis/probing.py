# SPDX-License-Identifier: GPL-2.0-or-later
"""What the probes say of a change: those that ran before it, held against the same ones after it.

Only a probe that passed before may fail a change, and one that cannot run says nothing. On a card that was hung to begin with no answer came
before, or one of its queues stood; there the change is good once answers come, and frames leave. What the probes do, ``nicmedic.ports.probes``
says.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from nicmedic.model.transaction import ProbeResult, ProbeState

__all__ = ["ANSWERS", "Judgement", "find_flow", "frames_leave", "judge"]

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
    """No answer had come before the change, or frames stood: so it is judged by what passes now."""
    shown: str = "what passed before passes"
    """What makes it good."""

    @property
    def text(self) -> str:
        """One line."""
        if self.failed:
            return "; ".join(f"{result.probe}: {result.detail or result.state}" for result in self.failed)
        if self.good:
            return self.shown
        return "no probe fails, and none shows that traffic flows"


def _kind(result: ProbeResult) -> str:
    return result.probe.partition(" ")[0]


def _passed(results: Iterable[ProbeResult]) -> tuple[ProbeResult, ...]:
    return tuple(result for result in results if result.state is ProbeState.PASSED)


def _find_tx(results: Iterable[ProbeResult]) -> ProbeState:
    return next((result.state for result in results if _kind(result) == "tx"), ProbeState.UNKNOWN)


def frames_leave(results: Sequence[ProbeResult]) -> bool:
    """Whether there is a link and frames are seen to leave: where no answer comes all the same, the fault may be beyond the card."""
    carrier = any(_kind(result) == "carrier" for result in _passed(results))
    return carrier and _find_tx(results) is ProbeState.PASSED


def find_flow(results: Sequence[ProbeResult]) -> bool | None:
    """Whether traffic flows now.

    A neighbour may be switched off: where frames leave, its silence says nothing. What the user asks for by ``tcp`` does.

    Returns:
        True: an answer comes, or nobody can be asked and frames leave. False: a probe fails. None: neither is shown.
    """
    if _find_tx(results) is ProbeState.FAILED:
        return False
    failed = [result for result in results if result.state is ProbeState.FAILED]
    if any(_kind(result) == "tcp" for result in failed):
        return False
    if any(_kind(result) in ANSWERS for result in _passed(results)):
        return True
    near = {result.probe.partition(" ")[2] for result in results if _kind(result) == "neighbour"}
    if frames_leave(results):
        failed_beyond = [result for result in failed if result.probe.partition(" ")[2] not in near]
        return False if failed_beyond else None if failed else True
    return False if failed else None


def _say_hung(before: Sequence[ProbeResult], *, answered: bool) -> str:
    """What is better than before."""
    if answered:
        passed = any(_kind(result) in ANSWERS for result in _passed(before))
        return "answers come now, and nothing fails that did before" if passed else "answers come now, and none came before"
    same = _find_tx(before) is ProbeState.PASSED
    return "frames leave as before, and there is nobody to be asked" if same else "frames leave now, and none were seen to before"


def _judge_hung(before: Sequence[ProbeResult], after: Sequence[ProbeResult]) -> Judgement:
    """Whether traffic flows now: some answer, and one over TCP if that was asked for; on a card that nobody can be asked over, that frames leave."""
    standing = tuple(result for result in after if _kind(result) == "tx" and result.state is ProbeState.FAILED)
    if standing and _find_tx(before) is ProbeState.FAILED:
        return Judgement(good=False, failed=standing, hung_before=True)
    answers = [result for result in after if _kind(result) in ANSWERS]
    wanted = answers or [result for result in after if _kind(result) == "tx"]
    asked = [result for result in answers if _kind(result) == "tcp"]
    if _passed(wanted) and (_passed(asked) or not asked):
        return Judgement(good=True, hung_before=True, shown=_say_hung(before, answered=bool(answers)))
    missing = asked if _passed(wanted) else wanted
    failed = tuple(result for result in missing if result.state is ProbeState.FAILED)
    return Judgement(good=False if failed else None, failed=failed, hung_before=True)


def judge(before: Sequence[ProbeResult], after: Sequence[ProbeResult], *, hung: bool = False) -> Judgement:
    """Hold one round against that before the change; probes are matched by their words.

    Args:
        before: as they were chosen and run before anything was changed.
        after: the same ones, now.
        hung: traffic is known not to have flowed before, though some answers may have come: over another queue, or from nearer than is wanted.
    """
    passed = {result.probe for result in _passed(before)}
    failed = tuple(result for result in after if result.probe in passed and result.state is ProbeState.FAILED)
    hung = hung or not any(_kind(result) in ANSWERS for result in _passed(before))
    if failed:
        return Judgement(good=False, failed=failed, hung_before=hung)
    if hung:
        return _judge_hung(before, after)
    answered = any(_kind(result) in ANSWERS and result.probe in passed for result in _passed(after))
    return Judgement(good=True if answered else None)
