# SPDX-License-Identifier: GPL-2.0-or-later
"""A history as few enough rows of a table: boot by boot, or put together by run, day, month or year where there are too many."""

import itertools
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from nicmedic.model.history import BootRecord, History
from nicmedic.report.bug.html_timeline import OTHERS, choose_kernels
from nicmedic.report.history_text import name_kernel

__all__ = ["Period", "count_periods"]

_MOST_ROWS: Final = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """Boots that are told in one row."""

    first: str | None
    """When the first of them began, as its source tells it; None: not known."""
    last: str | None
    """When the last of them began."""
    kernel: str
    boots: int
    hung: int
    ran_h: float | None
    """None: not known of all."""
    covered_h: float
    first_hangs_s: tuple[float, ...] = ()
    """Seconds from boot to first hang of each of which that is known; ascending."""


def _month(boot: BootRecord) -> str:
    return (boot.began or "")[:7]


def _groupings(boots: Sequence[BootRecord], own: Sequence[str]) -> Iterator[tuple[str, Sequence[Hashable]]]:
    """What one row may stand for, from fine to coarse, the last of them few in any case, and of each boot which row is its own."""
    yield "one boot", range(len(boots))
    runs = itertools.accumulate((name_kernel(a) != name_kernel(b) for a, b in itertools.pairwise(boots)), initial=0)
    yield "boots of one kernel in a row", list(runs)
    yield "the boots of one kernel in one month", [(_month(boot), name_kernel(boot)) for boot in boots]
    yield "the boots of one kernel in one year", [(_month(boot)[:4], _own_or_others(boot, own)) for boot in boots]
    yield "all boots of one kernel", [_own_or_others(boot, own) for boot in boots]


def _own_or_others(boot: BootRecord, own: Sequence[str]) -> str:
    return name_kernel(boot) if name_kernel(boot) in own else OTHERS


def _sum_up(boots: Sequence[BootRecord]) -> Period:
    kernels = {name_kernel(boot) for boot in boots}
    began = [boot.began for boot in boots if boot.began is not None]
    ran = [boot.ran_h for boot in boots if boot.ran_h is not None]
    firsts = (boot.hangs[0].uptime_s for boot in boots if boot.hangs)
    return Period(
        first=began[0] if began else None,
        last=began[-1] if began else None,
        kernel=kernels.pop() if len(kernels) == 1 else OTHERS,
        boots=len(boots),
        hung=sum(bool(boot.hangs) for boot in boots),
        ran_h=sum(ran) if len(ran) == len(boots) else None,
        covered_h=sum(boot.covered_h for boot in boots),
        first_hangs_s=tuple(sorted(first for first in firsts if first is not None)),
    )


def count_periods(history: History, first: Sequence[str] = ()) -> tuple[str, tuple[Period, ...]]:
    """What one row stands for, in words, and the rows in order: as fine as a reader can bear.

    Args:
        history: whose boots.
        first: kernels that must not be put together with others.
    """
    most: tuple[str, tuple[Sequence[BootRecord], ...]] = ("", ())
    for word, keys in _groupings(history.boots, choose_kernels(history.boots, first)):
        rows: dict[Hashable, list[BootRecord]] = {}
        for key, boot in zip(keys, history.boots, strict=True):
            rows.setdefault(key, []).append(boot)
        if len(most[1]) < len(rows) <= _MOST_ROWS:
            most = word, tuple(rows.values())
    return most[0], tuple(map(_sum_up, most[1]))
