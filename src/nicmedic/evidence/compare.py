# SPDX-License-Identifier: GPL-2.0-or-later
"""Does one arm hang more than the other? What ``proven`` means, and whether a remedy held.

Two answers must agree, each exact under its own idea of accident: outages that come at random in time (``rates.py``), and boots that are good or bad
by themselves (``boots.py``). The larger p-value counts; either idea alone is fooled by the other's world. Who looks at the change after the hang has
chosen among all changes of the history: the p-value is multiplied by their number.
"""

import dataclasses
from collections.abc import Sequence
from typing import Final

from nicmedic.evidence.statistics.boots import compare_boots, count_boots
from nicmedic.evidence.statistics.intervals import estimate_rate, estimate_share
from nicmedic.evidence.statistics.rates import Exposure, add_up, compare_rates, estimate_ratio
from nicmedic.evidence.statistics.spell import Arm, Spell, Told, tell_outages
from nicmedic.evidence.statistics.survival import compare_survival, estimate_survival
from nicmedic.model.blame import ArmFigures, Comparison, Estimate, Verdict

__all__ = ["LIKELY", "PROVEN", "compare_arms", "is_proven", "judge_hold", "summarize_arm", "weigh_arms"]

PROVEN: Final = 0.01
LIKELY: Final = 0.05


def _combine(p_rate: float | None, p_boots: float | None, looks: int) -> float | None:
    return None if p_rate is None or p_boots is None else min(1.0, max(p_rate, p_boots) * max(looks, 1))


def _exposures(told: Sequence[Told]) -> tuple[Exposure, Exposure]:
    return add_up(told, Arm.CONTROL), add_up(told, Arm.SUSPECT)


def is_proven(spells: Sequence[Spell], looks: int = 1, level: float = PROVEN, *, rough: bool = False) -> bool:
    """The verdict alone, without what it costs to tell more: for planning (roughly) and simulation."""
    told = tuple(tell_outages(spells))
    p_rate = compare_rates(*_exposures(told))
    if p_rate is None or p_rate * max(looks, 1) > level:
        return False
    p_boots = compare_boots(told, estimate_survival(told) if rough else None, enough=level / max(looks, 1))
    p = _combine(p_rate, p_boots, looks)
    return p is not None and p <= level


def summarize_arm(spells: Sequence[Spell]) -> ArmFigures:
    """Of one arm: hours, boots, boots with a hang, and the rates with their intervals."""
    hung = sorted(spell.hours for spell in spells if spell.hung)
    hours = sum(spell.hours for spell in spells)
    rate, share = estimate_rate(len(hung), hours), estimate_share(len(hung), len(spells))
    return ArmFigures(
        boots=len(spells),
        boots_hung=len(hung),
        hours_at_risk=hours,
        first_hangs_h=tuple(hung),
        quiet_h=tuple(sorted(spell.hours for spell in spells if not spell.hung)),
        rate_per_h=None if rate is None else Estimate(value=rate.value, low=rate.low, high=rate.high),
        share_hung=None if share is None else Estimate(value=share.value, low=share.low, high=share.high),
    )


def weigh_arms(p: float | None) -> Verdict:
    """A p-value in a word."""
    if p is None or p > LIKELY:
        return Verdict.NOT_SHOWN
    return Verdict.PROVEN if p <= PROVEN else Verdict.LIKELY


def compare_arms(spells: Sequence[Spell], looks: int = 1) -> Comparison:
    """Everything that is known of the difference.

    Args:
        spells: of both arms and of others, in order of time.
        looks: changes among which this one was chosen.
    """
    told = tuple(tell_outages(spells))
    control, suspect = _exposures(told)
    p_rate, p_survival = compare_rates(control, suspect), compare_survival(told)
    p_boots = None if p_survival is None else compare_boots(told, p_survival)
    table = count_boots(
        [one.spell for one in told if one.spell.arm is Arm.CONTROL],
        [one.spell for one in told if one.spell.arm is Arm.SUSPECT and not one.carried],
    )
    ratio, p = estimate_ratio(control, suspect), _combine(p_rate, p_boots, looks)
    return Comparison(
        verdict=weigh_arms(p),
        p=p,
        p_rate=p_rate,
        p_survival=p_survival,
        p_boots=p_boots,
        looks=max(looks, 1),
        ratio=None if ratio is None else Estimate(value=ratio.value, low=ratio.low, high=ratio.high),
        outages_control=control.outages,
        outages_suspect=suspect.outages,
        carried=sum(one.carried for one in told),
        horizon_h=None if table is None else table.within_h,
        p_one_outage=_one_outage(told, control, suspect),
    )


def _one_outage(told: Sequence[Told], control: Exposure, suspect: Exposure) -> float | None:
    """If a reboot, and not what was booted, set off the one outage that outlasted further reboots: the chance that it was the first of the suspect's.

    Every boot but those within outages could have done it.
    """
    if suspect.outages != 1 or control.outages or sum(one.spell.hung for one in told if one.spell.arm is Arm.SUSPECT) < 2:
        return None
    return 1 / sum(one.opens or not one.spell.hung for one in told if one.spell.arm is not Arm.OTHER)


def judge_hold(before: Sequence[Spell], after: Sequence[Spell], *, same_boot: bool = False) -> Comparison:
    """Did a remedy hold? The same question the other way round: whether it hung more before than with it.

    Args:
        before: spells before the remedy: boots, or what lay between hangs, each up to its hang; the arms are set here.
        after: spells with it.
        same_boot: all of them lie in one boot, so no boot was drawn anew, and every hang was ended by something. Then only the rate is left to go by:
            hangs are taken to come at random in time, and each counts.
    """
    suspects = [Spell(arm=Arm.SUSPECT, hours=one.hours, hung=one.hung) for one in before]
    spells = [*suspects, *(Spell(arm=Arm.CONTROL, hours=one.hours, hung=one.hung) for one in after)]
    compared = compare_arms(spells)
    if not same_boot:
        return compared
    told = [Told(spell=one, opens=one.hung, carried=False) for one in spells]
    control, suspect = _exposures(told)
    p, ratio = compare_rates(control, suspect), estimate_ratio(control, suspect)
    return dataclasses.replace(
        compared,
        verdict=weigh_arms(p),
        p=p,
        p_rate=p,
        ratio=None if ratio is None else Estimate(value=ratio.value, low=ratio.low, high=ratio.high),
        outages_control=control.outages,
        outages_suspect=suspect.outages,
        p_one_outage=None,
    )
