# SPDX-License-Identifier: GPL-2.0-or-later
"""Another host on the same kernel.

If its cards of that driver hang more than before as well, that supports "the kernel"; if they should have hung and did not, the kernel alone is not
enough.
"""

import math
from collections.abc import Sequence
from typing import Final

from nicmedic.evidence.compare import LIKELY
from nicmedic.evidence.confounders import compare_boots_of
from nicmedic.evidence.kernels import count_watched, watch_all
from nicmedic.evidence.spells import Card, to_spells
from nicmedic.evidence.statistics.rates import Exposure, add_up
from nicmedic.evidence.statistics.spell import Arm, Spell, tell_outages
from nicmedic.model.blame import TwinSays, TwinWord
from nicmedic.model.errors import UsageError
from nicmedic.model.history import History

__all__ = ["ask_twin", "check_twin"]

_HOW: Final = "from host to host"


def check_twin(twin: History, here: History) -> None:
    """It is another host.

    Raises:
        UsageError: it is this one, by its name or by a boot.
    """
    boots = {boot.boot_id for boot in here.boots if boot.boot_id is not None}
    shared = any(boot.boot_id in boots for boot in twin.boots if boot.boot_id is not None)
    if shared or (twin.host is not None and here.host is not None and _short(twin.host) == _short(here.host)):
        message = f"--twin: this is the history of {here.host or 'this host'} itself, which cannot speak for or against it"
        raise UsageError(message, hint="nicmedic history --json > other.json   # on another host")


def _short(host: str) -> str:
    return host.split(".", 1)[0].lower()


def _chance_of_quiet(outages: int, hours: float, quiet_h: float) -> float | None:
    """That nothing hangs for so long, at a rate of which only so many outages in so many hours are known (``remedy.ladder.estimate_certainty``)."""
    return None if not outages or hours <= 0 else math.pow(hours / (hours + quiet_h), outages)


def ask_twin(twin: History, here: History, packages: tuple[str, str], own: Sequence[Spell], drivers: Sequence[str]) -> TwinSays:
    """What another host says of the suspect.

    Args:
        twin: its history.
        here: this host's.
        packages: that which is compared with, and the suspect.
        own: this host's spells of both.
        drivers: of the cards that hung here; hangs of others do not count.
    """
    control, suspect = packages
    watched = watch_all(twin, Card(drivers=frozenset(drivers)))
    boots = [one for one in watched if one.boot.kernel_package == suspect]
    told = tuple(tell_outages(to_spells(watched, control, suspect)))
    before, after = add_up(told, Arm.CONTROL), add_up(told, Arm.SUSPECT)
    figures = count_watched(boots)
    seen = add_up(tuple(tell_outages(own)), Arm.SUSPECT)
    p = None if figures.boots_hung or not boots else _chance_of_quiet(seen.outages, seen.hours, figures.hours_at_risk)
    mine = [boot for boot in here.boots if boot.kernel_package == suspect]
    return TwinSays(
        host=twin.host,
        word=TwinWord.CONTRADICTS if p is not None and p <= LIKELY else _judge_hangs(before, after),
        figures=figures,
        control=count_watched([one for one in watched if one.boot.kernel_package == control]),
        p=p,
        differences=tuple(compare_boots_of(boots[-1].boot, mine[-1], _HOW)) if boots and mine else (),
    )


def _judge_hangs(control: Exposure, suspect: Exposure) -> TwinWord:
    """That it hangs says something only where it was watched before, and hung less."""
    more = suspect.outages * control.hours > control.outages * suspect.hours
    return TwinWord.SUPPORTS if more else TwinWord.SILENT
