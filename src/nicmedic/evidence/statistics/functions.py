# SPDX-License-Identifier: GPL-2.0-or-later
"""Distribution functions that intervals and tests are made of: scipy's where it is installed, else the same exact sums added up here.

All shapes are whole numbers, so the incomplete beta and gamma functions are sums of binomial and Poisson terms (Abramowitz and Stegun 26.5.24 and
26.4.21).
"""

import math
from collections.abc import Callable
from functools import cache
from typing import Final, Protocol, cast

__all__ = [
    "add_binomial_tail",
    "beta_quantile",
    "binomial_tail",
    "find_library",
    "gamma_quantile",
    "halve_beta_quantile",
    "halve_gamma_quantile",
    "normal_tail",
]

_HALVINGS: Final = 200


class _Library(Protocol):
    """The part of ``scipy.special`` that is used."""

    def betaincinv(self, a: float, b: float, p: float) -> float: ...

    def gammaincinv(self, a: float, p: float) -> float: ...

    def bdtrc(self, k: float, n: float, p: float) -> float: ...


@cache
def find_library() -> _Library | None:
    """``scipy.special``; None: it is not installed."""
    try:
        from scipy import special  # 0.8 s, and only blame and report want it
    except ImportError:
        return None
    return cast("_Library", special)


def _log_choose(total: int, part: int) -> float:
    return math.lgamma(total + 1) - math.lgamma(part + 1) - math.lgamma(total - part + 1)


def add_binomial_tail(least: int, trials: int, chance: float) -> float:
    """``binomial_tail`` without scipy; 0 < chance < 1."""
    yes, no = math.log(chance), math.log1p(-chance)
    return min(1.0, math.fsum(math.exp(_log_choose(trials, k) + k * yes + (trials - k) * no) for k in range(least, trials + 1)))


def binomial_tail(least: int, trials: int, chance: float) -> float:
    """Chance of at least so many successes.

    >>> round(binomial_tail(3, 3, 0.5), 3), binomial_tail(0, 5, 0.1)
    (0.125, 1.0)
    """
    if least <= 0 or chance >= 1.0:
        return 1.0
    if least > trials or chance <= 0.0:
        return 0.0
    library = find_library()
    return add_binomial_tail(least, trials, chance) if library is None else float(library.bdtrc(least - 1, trials, chance))


def _invert(grows: Callable[[float], float], wanted: float, most: float) -> float:
    """Where a growing function takes a value, by halving from 0 to ``most``."""
    low, high = 0.0, most
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if grows(middle) < wanted:
            low = middle
        else:
            high = middle
    return high


def halve_beta_quantile(a: int, b: int, share: float) -> float:
    """``beta_quantile`` without scipy."""
    return _invert(lambda x: add_binomial_tail(a, a + b - 1, x) if 0.0 < x < 1.0 else x, share, 1.0)


def beta_quantile(a: int, b: int, share: float) -> float:
    """Where the beta distribution has so much below it.

    >>> round(beta_quantile(1, 1, 0.25), 6)
    0.25
    """
    library = find_library()
    return halve_beta_quantile(a, b, share) if library is None else float(library.betaincinv(a, b, share))


def _poisson_tail(least: int, mean: float) -> float:
    below = math.fsum(math.exp(k * math.log(mean) - mean - math.lgamma(k + 1)) for k in range(least))
    return 1.0 - below


def halve_gamma_quantile(a: int, share: float) -> float:
    """``gamma_quantile`` without scipy."""
    return _invert(lambda x: _poisson_tail(a, x), share, 20.0 * (a + 20.0))


def gamma_quantile(a: int, share: float) -> float:
    """Where the gamma distribution of scale 1 has so much below it.

    >>> round(gamma_quantile(1, 0.95), 3)
    2.996
    """
    library = find_library()
    return halve_gamma_quantile(a, share) if library is None else float(library.gammaincinv(a, share))


def normal_tail(score: float) -> float:
    """Chance that a normal variable is larger.

    >>> round(normal_tail(1.959964), 4)
    0.025
    """
    return 0.5 * math.erfc(score / math.sqrt(2.0))
