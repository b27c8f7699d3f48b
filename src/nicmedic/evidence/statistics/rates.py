# SPDX-License-Identifier: GPL-2.0-or-later
"""Outages per hour in two arms, compared exactly.

If both arms have one rate, then of all outages each falls into the suspect's hours with the chance of their share of all hours, so their number there
is binomial (Przyborowski and Wilenski, Biometrika 31, 1940). It asks when outages began, and trusts that they come at random in time; that boots
differ from each other is what ``boots.py`` guards against.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from nicmedic.evidence.statistics.functions import beta_quantile, binomial_tail
from nicmedic.evidence.statistics.intervals import LEVEL, Interval
from nicmedic.evidence.statistics.spell import Arm, Told

__all__ = ["Exposure", "add_up", "compare_rates", "estimate_ratio"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposure:
    """What one arm has seen."""

    outages: int
    hours: float
    """At risk of an outage: what ran within one does not count."""


def add_up(told: Sequence[Told], arm: Arm) -> Exposure:
    """Outages that began in an arm, and its hours outside of outages."""
    own = [one for one in told if one.spell.arm is arm]
    return Exposure(
        outages=sum(one.opens for one in own),
        hours=sum(one.spell.hours for one in own if one.opens or not one.spell.hung),
    )


def compare_rates(control: Exposure, suspect: Exposure) -> float | None:
    """Chance that so many of the outages, or more, began in the suspect's hours by accident; None: one arm was never watched.

    >>> compare_rates(Exposure(outages=0, hours=3.0), Exposure(outages=0, hours=1.0))
    1.0
    """
    if control.hours <= 0 or suspect.hours <= 0:
        return None
    total = control.outages + suspect.outages
    return binomial_tail(suspect.outages, total, suspect.hours / (control.hours + suspect.hours))


def estimate_ratio(control: Exposure, suspect: Exposure) -> Interval | None:
    """How many times as often the suspect's outages come, with the exact interval; None: nothing happened, or an arm was never watched.

    Where the control had none, the value is the lower bound: more cannot be said.
    """
    total = control.outages + suspect.outages
    if control.hours <= 0 or suspect.hours <= 0 or not total:
        return None
    tail, scale = (1 - LEVEL) / 2, control.hours / suspect.hours

    def odds(share: float) -> float:
        return share / (1 - share) * scale

    low = odds(beta_quantile(suspect.outages, control.outages + 1, tail)) if suspect.outages else 0.0
    if not control.outages:
        return Interval(value=low, low=low, high=None)
    high = odds(beta_quantile(suspect.outages + 1, control.outages, 1 - tail))
    return Interval(value=suspect.outages / control.outages * scale, low=low, high=high)
