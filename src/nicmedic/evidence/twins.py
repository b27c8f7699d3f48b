# SPDX-License-Identifier: GPL-2.0-or-later
"""Another host on the same kernel: if it hangs as well, that supports "the kernel"; if it should have and did not, the kernel alone is not enough."""

import math
from typing import Final

from nicmedic.evidence.compare import LIKELY, summarize_arm
from nicmedic.evidence.confounders import compare_boots_of
from nicmedic.evidence.kernels import watch_all
from nicmedic.evidence.spells import ANY
from nicmedic.evidence.statistics.spell import Arm, Spell
from nicmedic.model.blame import ArmFigures, TwinSays, TwinWord
from nicmedic.model.history import History

__all__ = ["ask_twin"]

_HOW: Final = "from host to host"


def _chance_of_quiet(hung: int, hours: float, quiet_h: float) -> float | None:
    """That nothing hangs for so long, at a rate of which only so many hangs in so many hours are known (``remedy.ladder.estimate_certainty``)."""
    return None if not hung or hours <= 0 else math.pow(hours / (hours + quiet_h), hung)


def ask_twin(twin: History, here: History, suspect: str, own: ArmFigures) -> TwinSays:
    """What another host says of the suspect.

    Args:
        twin: its history.
        here: this host's.
        suspect: the package.
        own: what this host has seen of it.
    """
    boots = [one for one in watch_all(twin, ANY) if one.boot.kernel_package == suspect]
    figures = summarize_arm([Spell(arm=Arm.OTHER, hours=one.hours, hung=one.hung) for one in boots])
    p = None if figures.boots_hung or not boots else _chance_of_quiet(own.boots_hung, own.hours_at_risk, figures.hours_at_risk)
    mine = [boot for boot in here.boots if boot.kernel_package == suspect]
    differences = tuple(compare_boots_of(boots[-1].boot, mine[-1], _HOW)) if boots and mine else ()
    return TwinSays(host=twin.host, word=_judge(figures, p), figures=figures, p=p, differences=differences)


def _judge(figures: ArmFigures, p: float | None) -> TwinWord:
    if figures.boots_hung:
        return TwinWord.SUPPORTS
    return TwinWord.CONTRADICTS if p is not None and p <= LIKELY else TwinWord.SILENT
