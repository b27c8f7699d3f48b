# SPDX-License-Identifier: GPL-2.0-or-later
"""Boots as draws of a lottery: some hang soon and some never, whatever the kernel is, because chip, link and load come up differently each time.

Two exact tests that hold however boots differ, so that three unlucky boots in a row are not taken for a change:
- hung within a common time or not, by Boschloo's test (Annals of Statistics 24, 1970): no assumption but that boots are drawn alike;
- the log-rank statistic under all ways to deal the boots out again (``survival.py``), which also sees late hangs.

Which of them is asked depends on nothing but the number of boots, so it need not be paid for: few boots can convince the first only, and of many
each is asked, at half the error.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from nicmedic.evidence.statistics.spell import Arm, Spell, Told
from nicmedic.evidence.statistics.survival import compare_survival

__all__ = ["Table", "choose_horizon", "compare_boots", "compare_shares", "count_boots"]

_MANY_DEALS: Final = 2000
"""With fewer ways to deal the boots out the second test has too little to say to be worth its half."""
_SHORTEST_H: Final = 1.0
"""A control boot that ended well sooner tells little, and would pull the common time down with it."""
_LARGEST_TABLE: Final = 2500
"""Cells; beyond, Fisher's test is as good and costs less."""
_GRID: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Boots that hung within a time."""

    within_h: float
    control_hung: int
    control: int
    suspect_hung: int
    suspect: int


def choose_horizon(control: Sequence[Spell]) -> float | None:
    """A time that (nearly) all control boots were watched for, unless they hung; None: there is none.

    It is chosen without a look at the suspect, so it need not be paid for. One in eight may be shorter.
    """
    watched = sorted(spell.hours for spell in control if spell.hung or spell.hours >= _SHORTEST_H)
    return watched[len(watched) // 8] if watched else None


def count_boots(control: Sequence[Spell], suspect: Sequence[Spell]) -> Table | None:
    """The table, each doubt decided against the claim; None: no control boot was watched for long.

    A control boot that ended well too soon is left out; one of the suspect counts as a boot that did not hang.
    """
    within_h = choose_horizon(control)
    if within_h is None:
        return None
    hung = sum(spell.hung and spell.hours <= within_h for spell in control)
    quiet = sum(spell.hours > within_h or (not spell.hung and spell.hours >= within_h) for spell in control)
    bad = sum(spell.hung and spell.hours <= within_h for spell in suspect)
    return Table(within_h=within_h, control_hung=hung, control=hung + quiet, suspect_hung=bad, suspect=len(suspect))


def _fisher(control_hung: int, control: int, suspect_hung: int, suspect: int) -> float:
    hung = control_hung + suspect_hung
    ways = sum(math.comb(suspect, k) * math.comb(control, hung - k) for k in range(suspect_hung, min(suspect, hung) + 1))
    return ways / math.comb(control + suspect, hung)


def compare_shares(table: Table) -> float:
    """Boschloo's p-value: the largest chance, over all shares of bad boots, of a table that Fisher's test finds as extreme.

    >>> round(compare_shares(Table(within_h=24, control_hung=0, control=5, suspect_hung=3, suspect=3)), 6)
    0.005029
    """
    return _compare_counts(table.control_hung, table.control, table.suspect_hung, table.suspect)


@lru_cache(maxsize=4096)
def _compare_counts(control_hung: int, control: int, suspect_hung: int, suspect: int) -> float:
    if not suspect_hung or not control:
        return 1.0
    fisher = _fisher(control_hung, control, suspect_hung, suspect)
    if (control + 1) * (suspect + 1) > _LARGEST_TABLE:
        return fisher
    limit = fisher * (1 + 1e-9)
    weights = [0.0] * (control + suspect + 1)  # ways of so many hung boots in all, among tables as extreme
    for x in range(control + 1):
        for y in range(1, suspect + 1):
            if _fisher(x, control, y, suspect) <= limit:
                weights[x + y] += math.comb(control, x) * math.comb(suspect, y)
    boots = control + suspect

    def chance(share: float) -> float:
        return math.fsum(ways * share**hung * (1 - share) ** (boots - hung) for hung, ways in enumerate(weights) if ways)

    best = max(range(_GRID + 1), key=lambda step: chance(step / _GRID))
    fine = (chance((best + step / _GRID) / _GRID) for step in range(-_GRID, _GRID + 1) if 0 <= best + step / _GRID <= _GRID)
    return min(1.0, fisher, max(fine))


def compare_boots(told: Sequence[Told], p_survival: float | None = None, *, enough: float = 0.0) -> float | None:
    """Chance that boots which differ for other reasons fell so by accident; None: an arm has no boots.

    Args:
        told: all spells.
        p_survival: of ``compare_survival``, if it is known already.
        enough: a p-value that need not be undercut: below it the second test is not asked.
    """
    control = [one.spell for one in told if one.spell.arm is Arm.CONTROL]
    suspect = [one.spell for one in told if one.spell.arm is Arm.SUSPECT and not one.carried]
    if not control or not suspect:
        return None
    table = count_boots(control, suspect)
    is_many = math.comb(len(control) + len(suspect), len(suspect)) >= _MANY_DEALS
    p_table = 1.0 if table is None else min(1.0, compare_shares(table) * (2 if is_many else 1))
    if p_table <= enough or not (is_many or table is None):
        return p_table
    p_order = compare_survival(told) if p_survival is None else p_survival
    return min(p_table, 1.0 if p_order is None else min(1.0, p_order * (1 if table is None else 2)))
