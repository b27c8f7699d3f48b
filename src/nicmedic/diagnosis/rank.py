# SPDX-License-Identifier: GPL-2.0-or-later
"""Rank remedies: what the cause asks for, what the driver's history suggests, and what others saw. Every point has its reason."""

import math
import re
from collections.abc import Callable, Collection, Iterable, Sequence

from nicmedic.knowledge.values import Advice, Cause, Caution, Clause, DriverKnowledge
from nicmedic.model.finding import RankedRemedy, RemedyId, Trial, TrialResult

__all__ = ["rank_remedies"]

_CAUSE_POINTS, _CAUSE_STEP, _CAUSE_LEAST = 4.0, 0.6, 1.5
_DRIVER_POINTS, _DRIVER_STEP, _DRIVER_LEAST = 1.8, 0.35, 0.3
_POSSIBLE_POINTS, _POSSIBLE_STEP, _POSSIBLE_LEAST = 2.6, 0.5, 0.6
_SAME_DRIVER, _SAME_CHIP, _SAME_BUS = 0.8, 0.5, 0.15
_PARTIAL, _OTHER_CAUSE = 0.4, 0.3
_TRIVIAL = frozenset({RemedyId.REBOOT, RemedyId.POWER_DRAIN, RemedyId.LINK_BOUNCE})
"""What everybody tries first anyway: told, but after what may end the trouble."""
_TRIVIAL_COST = 3.0


def _tally_points(trials: Sequence[Trial], causes: Collection[str]) -> float:
    """Good outcomes less bad ones, each further one worth less: log2(1+n). One got for a cause that is not in question counts less."""
    good = bad = 0.0
    for trial in trials:
        weight = 1.0 if not trial.cause or trial.cause in causes else _OTHER_CAUSE
        if trial.result is TrialResult.FAILED:
            bad += weight
        else:
            good += weight if trial.result is TrialResult.WORKED else weight * _PARTIAL
    return math.log2(1 + good) - math.log2(1 + bad)


class _Score:
    """Points of one remedy while they are collected."""

    def __init__(self) -> None:
        self.points = 0.0
        self.reasons: list[str] = []
        self.arguments: tuple[str, ...] = ()

    def add(self, points: float, reason: str) -> None:
        self.points += points
        self.reasons.append(f"{reason} ({points:+.1f})")


def _add_list(scores: dict[RemedyId, _Score], listed: Iterable[Advice], first: float, step: float, least: float, reason: str) -> None:
    for place, advice in enumerate(listed):
        score = scores.setdefault(advice.id, _Score())
        score.add(max(least, first - step * place), f"{reason}, place {place + 1}")
        score.arguments = score.arguments or advice.arguments


def rank_remedies(
    cause: Cause | None,
    possible: Sequence[tuple[Cause, float]],
    driver: DriverKnowledge | None,
    trials: Sequence[Trial],
    chips: Sequence[str],
    cautions: Iterable[Caution],
    is_held: Callable[[Clause], bool],
) -> tuple[RankedRemedy, ...]:
    """Remedies best first.

    Args:
        cause: the cause of the finding; None: unexplained.
        possible: causes that this NIC and kernel make possible though nothing in the log shows them, with their points.
        driver: what is known of the driver; None: nothing.
        trials: what was tried, over all drivers.
        chips: chip names that the log shows.
        cautions: warnings of all files that may apply.
        is_held: tells whether a caution's condition holds here.
    """
    scores: dict[RemedyId, _Score] = {}
    if cause is not None:
        _add_list(scores, cause.remedies, _CAUSE_POINTS, _CAUSE_STEP, _CAUSE_LEAST, "fits this cause")
    for other, points in possible:
        first, least = _POSSIBLE_POINTS * points, _POSSIBLE_LEAST * points
        _add_list(scores, other.remedies, first, _POSSIBLE_STEP, least, f"would fit: {other.title}")
    if driver is not None:
        _add_list(scores, driver.default.remedies, _DRIVER_POINTS, _DRIVER_STEP, _DRIVER_LEAST, f"listed for {driver.name}")
    warnings = [caution for caution in cautions if caution.when is None or is_held(caution.when)]
    own = [trial for trial in trials if driver is not None and trial.driver == driver.name]
    for trial in own:
        scores.setdefault(trial.remedy, _Score())
    causes = {item.id for item in (cause, *(other for other, _ in possible)) if item is not None}
    for remedy, score in scores.items():
        same = [trial for trial in own if trial.remedy is remedy]
        _add_tally(score, same, causes, _SAME_DRIVER, f"tried with {driver.name}" if driver else "")
        chip = [trial for trial in same if trial.chip and any(_is_same_chip(trial.chip, name) for name in chips)]
        _add_tally(score, chip, causes, _SAME_CHIP, "tried with this chip")
        bus = [trial for trial in trials if trial.remedy is remedy and driver is not None and trial.bus == driver.bus and trial not in same]
        _add_tally(score, bus, causes, _SAME_BUS, f"tried with other {driver.bus} NICs" if driver else "")
        for caution in warnings:
            if caution.remedy is remedy and caution.when is not None and caution.when.weight > 0:
                score.add(-caution.when.weight, "see the caution")
        if remedy in _TRIVIAL:
            score.add(-_TRIVIAL_COST, "brings traffic back at best, does not keep it")
    ranked = sorted(scores.items(), key=lambda item: (-item[1].points, item[0]))
    return tuple(_freeze(remedy, score, own, trials, warnings) for remedy, score in ranked if score.points > -_TRIVIAL_COST)


def _add_tally(score: _Score, trials: Sequence[Trial], causes: Collection[str], weight: float, reason: str) -> None:
    points = weight * _tally_points(trials, causes)
    if trials and abs(points) >= 0.05:  # less is not worth a word
        worked = sum(trial.result is TrialResult.WORKED for trial in trials)
        failed = sum(trial.result is TrialResult.FAILED for trial in trials)
        score.add(points, f"{reason}: worked {worked}, failed {failed}")


def _is_same_chip(first: str, second: str) -> bool:
    """``RTL8168h`` and ``RTL8168h/8111h``: one name within the other, letter case ignored."""
    names = [set(re.findall(r"[a-z]*\d{3,}[a-z]*", name.lower())) for name in (first, second)]
    return bool(names[0] & names[1])


def _freeze(remedy: RemedyId, score: _Score, own: Sequence[Trial], trials: Sequence[Trial], warnings: Sequence[Caution]) -> RankedRemedy:
    tried = [trial for trial in own if trial.remedy is remedy] or [trial for trial in trials if trial.remedy is remedy and not own]
    counts = {result: sum(trial.result is result for trial in tried) for result in TrialResult}
    return RankedRemedy(
        id=remedy,
        arguments=score.arguments,
        points=round(score.points, 2),
        reasons=tuple(score.reasons),
        worked=counts[TrialResult.WORKED],
        failed=counts[TrialResult.FAILED],
        partial=counts[TrialResult.PARTIAL],
        sources=tuple(dict.fromkeys(trial.source for trial in tried)),
        cautions=tuple(dict.fromkeys(caution.text for caution in warnings if caution.remedy is remedy)),
    )
