# SPDX-License-Identifier: GPL-2.0-or-later
"""Which kernel packages a history has, what each has seen, and across which change to look."""

import dataclasses
import itertools
from collections.abc import Sequence

from nicmedic.evidence.compare import compare_arms, summarize_arm
from nicmedic.evidence.spells import Card, Watched, to_spells, watch_boot
from nicmedic.evidence.statistics.spell import Arm, Spell
from nicmedic.evidence.treated import Span, cut_watched
from nicmedic.model.blame import ArmFigures, Comparison, KernelFigures
from nicmedic.model.history import BootRecord, History

__all__ = ["choose_change", "count_kernels", "count_watched", "list_changes", "list_packages", "watch_all"]


def list_packages(history: History) -> list[str]:
    """Those that are known, in the order of their first boots."""
    return list(dict.fromkeys(boot.kernel_package for boot in history.boots if boot.kernel_package is not None))


def list_changes(history: History) -> list[tuple[str, str]]:
    """Pairs of packages that were booted one after the other, the earlier first; going back and forth is one change."""
    order = list_packages(history)
    known = [boot.kernel_package for boot in history.boots if boot.kernel_package is not None]
    pairs = [(one, two) for one, two in itertools.pairwise(known) if one != two]
    return list(dict.fromkeys((min(pair, key=order.index), max(pair, key=order.index)) for pair in pairs))


def watch_all(history: History, card: Card, treated: Sequence[Span] = ()) -> list[Watched]:
    """All boots of which something is known, in order; each up to when something was set against the hangs."""
    watched = (one for boot in history.boots if (one := watch_boot(boot, card)) is not None)
    return [one for whole in watched if (one := cut_watched(whole, treated)) is not None]


def count_watched(watched: Sequence[Watched]) -> ArmFigures:
    """Boots of one kind; a first hang is told by the hours since the boot, whatever was watched of them."""
    figures = summarize_arm([Spell(arm=Arm.OTHER, hours=one.hours, hung=one.hung) for one in watched])
    uptimes = sorted(one.hours if one.at_h is None else one.at_h for one in watched if one.hung)
    return dataclasses.replace(figures, first_hangs_h=tuple(uptimes))


def choose_change(history: History, watched: Sequence[Watched]) -> tuple[str, str, Comparison] | None:
    """The change that looks worst, the latest of several; None: there was never but one package.

    That it was chosen is paid for: the p-value is multiplied by the number of changes.
    """
    changes = list_changes(history)
    best: tuple[str, str, Comparison] | None = None
    for control, suspect in reversed(changes):
        compared = compare_arms(to_spells(watched, control, suspect), len(changes))
        if best is None or _rank(compared) < _rank(best[2]):
            best = (control, suspect, compared)
    return best


def _rank(compared: Comparison) -> tuple[float, float]:
    return (2.0 if compared.p is None else compared.p, 2.0 if compared.p_rate is None else compared.p_rate)


def _sum_run(boots: Sequence[BootRecord]) -> float | None:
    hours = [boot.ran_h for boot in boots]
    return None if None in hours else sum(hour for hour in hours if hour is not None)


def count_kernels(history: History, watched: Sequence[Watched], treated: Sequence[BootRecord] = ()) -> tuple[KernelFigures, ...]:
    """What each package has seen; boots whose package nothing tells stand last, under None."""
    rows, counted = [], {id(one.boot) for one in watched}
    for package in [*list_packages(history), None]:
        boots = [boot for boot in history.boots if boot.kernel_package == package]
        if not boots:
            continue
        own = [one for one in watched if one.boot.kernel_package == package]
        cut = [boot for boot in treated if boot.kernel_package == package]
        rows.append(
            KernelFigures(
                package=package,
                releases=tuple(dict.fromkeys(boot.kernel_release for boot in boots if boot.kernel_release)),
                first=boots[0].began,
                last=boots[-1].ended or boots[-1].began,
                ran_h=_sum_run(boots),
                watched_h=sum(boot.covered_h for boot in boots),
                boots_unwatched=len(boots) - len(own) - sum(id(boot) not in counted for boot in cut),
                boots_treated=len(cut),
                figures=count_watched(own),
            )
        )
    return tuple(rows)
