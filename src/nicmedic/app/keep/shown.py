# SPDX-License-Identifier: GPL-2.0-or-later
"""What is kept for each card and whether it is in force, as ``check`` shows it beside the verdict. Nothing is written down: that is ``verify``'s."""

import dataclasses
from collections.abc import Sequence

from nicmedic.app.keep.comparing import find_open, find_word
from nicmedic.model.checkup import Checkup, KeptHere
from nicmedic.model.host import Host
from nicmedic.model.keeping import CheckWord, Kept, KeptState
from nicmedic.model.nic import Nic
from nicmedic.model.same_card import find_card, find_other
from nicmedic.model.transaction import Transaction
from nicmedic.persist.choosing import name_wish
from nicmedic.persist.expiry import find_expiry

__all__ = ["add_kept"]


def _compare(kept: Kept, host: Host, transactions: Sequence[Transaction]) -> tuple[CheckWord | None, tuple[str, ...]]:
    if kept.state is not KeptState.KEPT:
        return None, ()
    busy = find_open(transactions, kept.nic)
    return find_word(kept, host)[:2] if busy is None else (CheckWord.UNKNOWN, (busy,))


def _show(kept: Kept, host: Host, nic: Nic | None, transactions: Sequence[Transaction]) -> KeptHere:
    word, differences = _compare(kept, host, transactions)
    return KeptHere(
        id=kept.id,
        remedies=tuple(name_wish(wish) for wish in kept.wishes),
        kept_at=kept.kept_at,
        interface=kept.nic.interface,
        word=word,
        differences=differences,
        expiry=find_expiry(kept, host, nic),
    )


def _is_asked_for(kept: Kept, checkup: Checkup) -> bool:
    """Whether a card that is not there belongs to the answer: all were asked for, or the one that has its name or its place now."""
    if len(checkup.verdicts) == len(checkup.host.nics):
        return True
    other = find_other(checkup.host.nics, kept.nic)
    return bool({kept.nic.interface, other and other.interface} & {one.interface for one in checkup.verdicts})


def add_kept(checkup: Checkup, known: Sequence[Kept], transactions: Sequence[Transaction]) -> Checkup:
    """The same checkup with what is kept for its cards, and for those that are not there.

    Args:
        checkup: of this host.
        known: what is or was kept.
        transactions: while one on the card is open, what is set says nothing.
    """
    host = checkup.host
    by_name: dict[str, list[KeptHere]] = {}
    absent = []
    for kept in known:
        if kept.state is KeptState.RELEASED:
            continue
        nic = find_card(host.nics, kept.nic)
        here = _show(kept, host, nic, transactions)
        if nic is not None:
            by_name.setdefault(nic.interface, []).append(here)
        elif kept.state is KeptState.KEPT and checkup.unlisted is None and _is_asked_for(kept, checkup):
            absent.append(here)
    verdicts = tuple(dataclasses.replace(one, kept=tuple(by_name.get(one.interface, ()))) for one in checkup.verdicts)
    return dataclasses.replace(checkup, verdicts=verdicts, kept_absent=tuple(absent))
