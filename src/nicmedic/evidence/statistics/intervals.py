# SPDX-License-Identifier: GPL-2.0-or-later
"""What a count says of the rate or the share behind it: exact intervals, which hold at least what they promise however few events there are."""

from dataclasses import dataclass
from typing import Final

from nicmedic.evidence.statistics.functions import beta_quantile, gamma_quantile

__all__ = ["LEVEL", "Interval", "estimate_rate", "estimate_share"]

LEVEL: Final = 0.95


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """An estimate, and where the true value is with 95 %."""

    value: float
    low: float
    high: float | None
    """None: no upper bound can be told."""


def estimate_rate(events: int, hours: float) -> Interval | None:
    """Events per hour, with Garwood's interval (Biometrika 28, 1936); None: nothing was watched.

    >>> estimate_rate(0, 100.0)
    Interval(value=0.0, low=0.0, high=0.03688...)
    """
    if hours <= 0:
        return None
    tail = (1 - LEVEL) / 2
    low = gamma_quantile(events, tail) / hours if events else 0.0
    return Interval(value=events / hours, low=low, high=gamma_quantile(events + 1, 1 - tail) / hours)


def estimate_share(yes: int, total: int) -> Interval | None:
    """A share of boots, with the interval of Clopper and Pearson (Biometrika 26, 1934); None: there were none.

    >>> estimate_share(3, 3)
    Interval(value=1.0, low=0.29240..., high=1.0)
    """
    if total <= 0:
        return None
    tail = (1 - LEVEL) / 2
    low = beta_quantile(yes, total - yes + 1, tail) if yes else 0.0
    high = beta_quantile(yes + 1, total - yes, 1 - tail) if yes < total else 1.0
    return Interval(value=yes / total, low=low, high=high)
