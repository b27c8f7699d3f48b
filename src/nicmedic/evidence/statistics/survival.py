# SPDX-License-Identifier: GPL-2.0-or-later
"""Time to the first hang in two arms, with boots that ended well cut off where they ended: the log-rank test, exact where boots are few.

Dealing the arms out to the boots again leaves the scores of the boots as they are, so the statistic is a sum of scores, and its distribution under
"no difference" is that of all sums of so many of them. Nothing is approximated: three boots have no asymptotics.
"""

import itertools
import math
import random
from collections.abc import Sequence
from typing import Final

from nicmedic.evidence.statistics.functions import normal_tail
from nicmedic.evidence.statistics.spell import Arm, Spell, Told

__all__ = ["compare_survival", "estimate_survival", "score_spells"]

_MOST_DEALS: Final = 20_000
"""Up to so many ways to deal out, all are looked at."""
_FIRST_DEALS, _MORE_DEALS = 999, 9_999
_WORTH_MORE: Final = 0.02
_SEED: Final = 1


def score_spells(spells: Sequence[Spell]) -> list[float]:
    """Of each spell: whether it hung, less the hangs to be expected of so many hours (Nelson and Aalen's estimate over both arms).

    >>> score_spells([Spell(arm=Arm.CONTROL, hours=9.0, hung=False), Spell(arm=Arm.SUSPECT, hours=1.0, hung=True)])
    [-0.5, 0.5]
    """
    order = sorted(range(len(spells)), key=lambda index: spells[index].hours)
    expected: dict[float, float] = {}
    total, left = 0.0, len(spells)
    for hours, group in itertools.groupby(order, key=lambda index: spells[index].hours):
        members = list(group)
        total += sum(spells[index].hung for index in members) / left
        expected[hours] = total
        left -= len(members)
    return [spell.hung - expected[spell.hours] for spell in spells]


def _deal_all(scores: Sequence[float], size: int, limit: float) -> float:
    deals = list(itertools.combinations(scores, size))
    return sum(math.fsum(deal) >= limit for deal in deals) / len(deals)


def _deal_some(scores: Sequence[float], size: int, limit: float) -> float:
    """As Phipson and Smyth have it (2010): what was seen is one of the deals, so the answer is never 0."""
    deal = random.Random(_SEED)  # noqa: S311  # the same answer each time is wanted
    rest = len(scores) - size
    if rest < size:  # all scores together are 0: who deals out the smaller hand knows the larger one
        size, scores = rest, [-score for score in scores]
    extreme = sum(math.fsum(deal.sample(scores, size)) >= limit for _ in range(_FIRST_DEALS))
    number = _FIRST_DEALS
    if (extreme + 1) / (number + 1) <= _WORTH_MORE:
        extreme += sum(math.fsum(deal.sample(scores, size)) >= limit for _ in range(_MORE_DEALS - _FIRST_DEALS))
        number = _MORE_DEALS
    return (extreme + 1) / (number + 1)


def _score_arms(told: Sequence[Told]) -> tuple[list[float], list[int], bool] | None:
    """Scores, places of the suspect among them, and whether it hung; None: an arm has no boots."""
    spells = [one.spell for one in told if one.spell.arm is not Arm.OTHER and not one.carried]
    places = [index for index, spell in enumerate(spells) if spell.arm is Arm.SUSPECT]
    if not places or len(places) == len(spells):
        return None
    return score_spells(spells), places, any(spells[index].hung for index in places)


def compare_survival(told: Sequence[Told]) -> float | None:
    """Chance of the suspect hanging so much sooner by accident; None: an arm has no boots.

    What the suspect hung in an outage that was going on before is left out.
    """
    scored = _score_arms(told)
    if scored is None:
        return None
    scores, places, hung = scored
    seen = math.fsum(scores[index] for index in places)
    if not hung:
        return 1.0
    limit = seen - 1e-9 * (1 + abs(seen))
    if math.comb(len(scores), len(places)) <= _MOST_DEALS:
        return _deal_all(scores, len(places), limit)
    return _deal_some(scores, len(places), limit)


def estimate_survival(told: Sequence[Told]) -> float | None:
    """About the same without dealing: the sum against a normal one of the same variance. For plans, which ask it thousands of times."""
    scored = _score_arms(told)
    if scored is None:
        return None
    scores, places, hung = scored
    total, few = len(scores), len(places)
    variance = math.fsum(score * score for score in scores) * few * (total - few) / (total * (total - 1))
    return normal_tail(math.fsum(scores[index] for index in places) / math.sqrt(variance)) if hung and variance > 0 else 1.0
