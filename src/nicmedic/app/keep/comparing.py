# SPDX-License-Identifier: GPL-2.0-or-later
"""Whether what is kept is in force on a host as it was just read: ``verify`` writes that down, ``check`` only shows it."""

from collections.abc import Iterable

from nicmedic.model.host import Host
from nicmedic.model.keeping import CheckWord, Kept, Wish
from nicmedic.model.nic import Nic
from nicmedic.model.plan import Identity
from nicmedic.model.same_card import find_card, find_other, is_same_card, is_same_kind, name_chip
from nicmedic.model.transaction import Transaction, find_state
from nicmedic.remedy.settings import find_differences, list_unjudged

__all__ = ["find_open", "find_word"]


def _find_wish_differences(wish: Wish, nic: Nic, host: Host) -> tuple[str, ...] | None:
    """None: it names a setting that this version of nicmedic does not know."""
    try:
        return find_differences(wish.settings, nic, host)
    except KeyError:
        return None


def _say_other(card: Identity, nic: Nic) -> str:
    """What is not of the kind that the remedy was kept for."""
    chip = name_chip(nic)
    if card.chip is not None and chip is not None and card.chip != chip:
        return f"another card is in its place: chip {chip}, not {card.chip}"
    if nic.driver is None:
        return f"no driver has the card now; it was {card.driver}"
    return f"driver {nic.driver} has the card now, not {card.driver}, so what it sets is not comparable"


def _say_missing(card: Identity, host: Host) -> str:
    """Why the card was not found."""
    other = find_other(host.nics, card)
    if other is None:
        return "the card is not there"
    return f"another card is in its place: its permanent address is {other.permanent_address}, not {card.permanent_address}"


def find_word(kept: Kept, host: Host) -> tuple[CheckWord, tuple[str, ...], tuple[Wish, ...]]:
    """Whether it is in force, what is not as it should be, and which wishes that concerns."""
    nic = find_card(host.nics, kept.nic)
    if nic is None:
        return CheckWord.UNKNOWN, (_say_missing(kept.nic, host),), ()
    if host.locked is not None:
        return CheckWord.UNKNOWN, ("something holds the lock of all networking, so nothing can be read",), ()
    if not is_same_kind(kept.nic, nic):
        return CheckWord.UNKNOWN, (_say_other(kept.nic, nic),), ()
    read = [(wish, _find_wish_differences(wish, nic, host)) for wish in kept.wishes]
    if any(found is None for _, found in read):
        return CheckWord.UNKNOWN, ("a newer nicmedic has kept a setting that this one does not know",), ()
    drifted = [(wish, found) for wish, found in read if found]
    if not drifted:
        untold = dict.fromkeys(name for wish in kept.wishes for name in list_unjudged(wish.settings, nic))
        return (CheckWord.UNKNOWN, (f"no link: {', '.join(untold)} cannot be told",), ()) if untold else (CheckWord.IN_FORCE, (), ())
    return CheckWord.DRIFTED, tuple(one for _, found in drifted for one in found), tuple(wish for wish, _ in drifted)


def find_open(known: Iterable[Transaction], card: Identity) -> str | None:
    """Why what is set on a card says nothing now: somebody is at it."""
    for one in known:
        if find_state(one).is_open and is_same_card(one.plan.nic, card):
            lifted = "" if one.plan.lifts is None else f", which lifts {one.plan.lifts} for a trial"
            return f"transaction {one.id} on the card is open{lifted}"
    return None
