# SPDX-License-Identifier: GPL-2.0-or-later
"""A history's boots as spells: what was watched of each, up to its first hang of the card that is asked about."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from nicmedic.evidence.moments import parse_moment
from nicmedic.evidence.statistics.spell import Arm, Spell
from nicmedic.model.history import BootRecord, HangRecord

__all__ = ["Watched", "find_first_hang", "to_spells", "watch_boot"]

_NOT_SEEN = frozenset({"no log"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """One boot that can count."""

    boot: BootRecord
    hours: float
    hung: bool
    time_guessed: bool = False
    """It hung, and nothing tells when: it is taken to have hung at the end of what was watched."""
    silenced: bool = False
    """Another card's hang ended the watch, for this kernel tells of one only."""


def _is_of(hang: HangRecord, interface: str | None) -> bool:
    return interface is None or hang.interface is None or hang.interface == interface


def find_first_hang(boot: BootRecord, interface: str | None) -> HangRecord | None:
    """Of the card; a hang that names none may be its."""
    return next((hang for hang in boot.hangs if _is_of(hang, interface)), None)


def _uptime_h(boot: BootRecord, hang: HangRecord) -> float | None:
    """Hours from boot to hang."""
    if hang.uptime_s is not None:
        return hang.uptime_s / 3600
    began, hung = parse_moment(boot.began), parse_moment(hang.began)
    return _hours_between(began, hung) if began is not None and hung is not None else None


def _hours_between(began: datetime, ended: datetime) -> float:
    return max(0.0, (ended - began).total_seconds() / 3600)


def _unseen_h(boot: BootRecord, until_h: float) -> float:
    """Hours before a moment that no log covers."""
    lost = 0.0
    for gap in boot.gaps:
        if gap.why in _NOT_SEEN and gap.began_uptime_s is not None and gap.hours is not None:
            lost += max(0.0, min(gap.hours, until_h - gap.began_uptime_s / 3600))
    return lost


def watch_boot(boot: BootRecord, interface: str | None = None) -> Watched | None:
    """What a boot tells; None: nothing was watched of it, so it counts neither way."""
    hang = find_first_hang(boot, interface)
    if hang is None:
        return _watch_quiet(boot)
    at_h = _uptime_h(boot, hang)
    if at_h is None:
        return Watched(boot=boot, hours=boot.covered_h, hung=True, time_guessed=True)
    return Watched(boot=boot, hours=max(0.0, at_h - _unseen_h(boot, at_h)), hung=True)


def _watch_quiet(boot: BootRecord) -> Watched | None:
    """No hang of this card. Where the kernel's one warning of a boot went to another card, nothing is known from then on."""
    if boot.covered_h <= 0:
        return None
    other = next((hang for hang in boot.hangs if hang.warn_once), None)
    if other is None:
        return Watched(boot=boot, hours=boot.covered_h, hung=False)
    at_h = _uptime_h(boot, other)
    if at_h is None:
        return None
    return Watched(boot=boot, hours=min(boot.covered_h, max(0.0, at_h - _unseen_h(boot, at_h))), hung=False, silenced=True)


def to_spells(watched: Iterable[Watched], control: str, suspect: str) -> list[Spell]:
    """Spells of two packages, and of all others in between."""
    arms = {control: Arm.CONTROL, suspect: Arm.SUSPECT}
    return [Spell(arm=arms.get(one.boot.kernel_package or "", Arm.OTHER), hours=one.hours, hung=one.hung) for one in watched]
