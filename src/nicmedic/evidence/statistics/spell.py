# SPDX-License-Identifier: GPL-2.0-or-later
"""The unit of all counting: a spell, a stretch that was watched and ended with a hang or without.

A boot is one spell, up to its first hang: what the log says after that may be silence (WARN_ONCE) or noise (64 lines from one wedge).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

__all__ = ["SAME_OUTAGE_H", "Arm", "Spell", "Told", "tell_outages"]

SAME_OUTAGE_H: Final = 1.0
"""A hang after less quiet than this since the last one is the same outage going on: the reboot in between ended nothing."""


class Arm(StrEnum):
    """What a spell is evidence of."""

    CONTROL = "control"
    """Said to hang less."""
    SUSPECT = "suspect"
    """Said to hang more."""
    OTHER = "other"
    """Neither; it tells only whether an outage was already going on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spell:
    """One boot, or what lies between two hangs; in sequences always in order of time."""

    arm: Arm
    hours: float
    """At risk and watched: up to the hang, or to the end."""
    hung: bool

    def __post_init__(self) -> None:
        """Time does not run backwards."""
        if self.hours < 0:
            raise ValueError(f"a spell of {self.hours} h")


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A spell, and what it counts for."""

    spell: Spell
    opens: bool
    """A hang that is an outage of its own."""
    carried: bool
    """A hang of the suspect in an outage that was going on before: no evidence of anything."""


def tell_outages(spells: Sequence[Spell]) -> Iterator[Told]:
    """Which hangs are outages of their own, and which belong to one that goes on.

    People reboot when something hangs, and a new kernel waits for the next reboot: an outage that began before the change and lasts would look as
    if the change had begun it. Only the suspect loses by the doubt: what hangs under the control always counts against the claim, except for more
    boots of an outage that is already counted there.
    """
    quiet_h, began_in = float("inf"), Arm.OTHER
    for spell in spells:
        if not spell.hung:
            quiet_h += spell.hours
            yield Told(spell=spell, opens=False, carried=False)
            continue
        goes_on = quiet_h + spell.hours < SAME_OUTAGE_H and (spell.arm is not Arm.CONTROL or began_in is Arm.CONTROL)
        if not goes_on:
            began_in = spell.arm
        quiet_h = 0.0
        yield Told(spell=spell, opens=not goes_on, carried=goes_on and spell.arm is Arm.SUSPECT and began_in is not Arm.SUSPECT)
