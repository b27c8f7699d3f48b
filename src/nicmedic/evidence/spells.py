# SPDX-License-Identifier: GPL-2.0-or-later
"""A history's boots as spells: what was watched of each, up to its first hang of the card that is asked about."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from nicmedic.evidence.moments import parse_moment
from nicmedic.evidence.statistics.spell import Arm, Spell
from nicmedic.model.history import BootRecord, HangRecord, History

__all__ = ["ANY", "Card", "Watched", "count_unseen_h", "find_card", "find_first_hang", "is_only_incident", "to_spells", "watch_boot"]

_NOT_SEEN: Final = frozenset({"no log"})
_INCIDENTS: Final = ("incidents",)
_WITHIN_H: Final = 1 / 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """Whose hangs are counted; by itself: all cards together."""

    interface: str | None = None
    drivers: frozenset[str] = frozenset()
    """Of the interface, or of the only cards that count; empty: not known, or all."""

    def owns(self, hang: HangRecord) -> bool | None:
        """Whether a hang is of this card; None: nothing tells."""
        if self.interface is not None and hang.interface is not None:
            return hang.interface == self.interface
        if self.interface is None and not self.drivers:
            return True
        return None if hang.driver is None or not self.drivers else hang.driver in self.drivers


ANY: Final = Card()


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """One boot that can count."""

    boot: BootRecord
    hours: float
    hung: bool
    at_h: float | None = None
    """Hours from the boot to the hang, watched or not; None: it did not hang, or nothing tells when."""
    time_guessed: bool = False
    """It hung, and nothing tells when: it is taken to have hung at the end of what was watched."""
    silenced: bool = False
    """Another card's hang ended the watch, for this kernel tells of one only."""


def find_card(history: History, interface: str | None) -> Card:
    """An interface with the drivers that its hangs name."""
    hangs = (hang for boot in history.boots for hang in boot.hangs)
    names = frozenset(hang.driver for hang in hangs if hang.driver is not None and hang.interface == interface)
    return Card() if interface is None else Card(interface=interface, drivers=names)


def find_first_hang(boot: BootRecord, card: Card) -> HangRecord | None:
    """Of the card, beyond doubt."""
    return next((hang for hang in boot.hangs if card.owns(hang)), None)


def is_only_incident(hang: HangRecord) -> bool:
    """Whether nothing but our own watcher tells of it, which leaves no word of boots that did not hang."""
    return hang.sources == _INCIDENTS


def _uptime_h(boot: BootRecord, hang: HangRecord) -> float | None:
    """Hours from boot to hang."""
    if hang.uptime_s is not None:
        return hang.uptime_s / 3600
    began, hung = parse_moment(boot.began), parse_moment(hang.began)
    return _hours_between(began, hung) if began is not None and hung is not None else None


def _hours_between(began: datetime, ended: datetime) -> float:
    return max(0.0, (ended - began).total_seconds() / 3600)


def count_unseen_h(boot: BootRecord, until_h: float) -> float:
    """Hours before a moment that no log covers."""
    lost = 0.0
    for gap in boot.gaps:
        if gap.why in _NOT_SEEN and gap.began_uptime_s is not None and gap.hours is not None:
            lost += max(0.0, min(gap.hours, until_h - gap.began_uptime_s / 3600))
    return lost


def _is_watched(boot: BootRecord, at_h: float) -> bool:
    """Whether a log covers the moment of a hang and all before it that counts."""
    hidden = any(
        gap.why in _NOT_SEEN
        and gap.began_uptime_s is not None
        and gap.hours is not None
        and gap.began_uptime_s / 3600 < at_h < gap.began_uptime_s / 3600 + gap.hours
        for gap in boot.gaps
    )
    return not hidden and at_h - count_unseen_h(boot, at_h) <= boot.covered_h + _WITHIN_H


def watch_boot(boot: BootRecord, card: Card = ANY) -> Watched | None:
    """What a boot tells; None: nothing was watched of it, so it counts neither way.

    A hang counts only where something that does not depend on it would have told of a boot without one: else boots that hung would be known of,
    and boots that did not would not.
    """
    hang = find_first_hang(boot, card)
    if hang is None:
        return _watch_quiet(boot, card)
    at_h = _uptime_h(boot, hang)
    if boot.covered_h <= 0 or (is_only_incident(hang) and (at_h is None or not _is_watched(boot, at_h))):
        return None
    if at_h is None:
        return Watched(boot=boot, hours=boot.covered_h, hung=True, time_guessed=True)
    hours = max(0.0, at_h - count_unseen_h(boot, at_h))
    return None if hours <= 0 < at_h else Watched(boot=boot, hours=hours, hung=True, at_h=at_h)


def _watch_quiet(boot: BootRecord, card: Card) -> Watched | None:
    """No hang of this card. From a hang on that may be its own, or that took the one warning of a boot, nothing is known."""
    if boot.covered_h <= 0:
        return None
    other = next((hang for hang in boot.hangs if hang.warn_once or card.owns(hang) is None), None)
    if other is None:
        return Watched(boot=boot, hours=boot.covered_h, hung=False)
    at_h = _uptime_h(boot, other)
    if at_h is None:
        return None
    hours = min(boot.covered_h, max(0.0, at_h - count_unseen_h(boot, at_h)))
    return Watched(boot=boot, hours=hours, hung=False, silenced=card.owns(other) is False)


def to_spells(watched: Iterable[Watched], control: str, suspect: str) -> list[Spell]:
    """Spells of two packages, and of all others in between."""
    arms = {control: Arm.CONTROL, suspect: Arm.SUSPECT}
    return [Spell(arm=arms.get(one.boot.kernel_package or "", Arm.OTHER), hours=one.hours, hung=one.hung) for one in watched]
