# SPDX-License-Identifier: GPL-2.0-or-later
"""What is kept for each card, as ``check`` shows it beside the verdict."""

import dataclasses
from collections.abc import Sequence

from nicmedic.model.checkup import Checkup, KeptHere
from nicmedic.model.keeping import Kept, KeptState
from nicmedic.model.same_card import find_card
from nicmedic.persist.choosing import name_wish
from nicmedic.persist.expiry import find_expiry

__all__ = ["add_kept"]


def add_kept(checkup: Checkup, known: Sequence[Kept]) -> Checkup:
    """The same checkup with what is kept for its cards."""
    by_name: dict[str, list[KeptHere]] = {}
    for kept in known:
        nic = find_card(checkup.host.nics, kept.nic)
        if nic is None or kept.state is KeptState.RELEASED:
            continue
        here = KeptHere(
            id=kept.id,
            remedies=tuple(name_wish(wish) for wish in kept.wishes),
            kept_at=kept.kept_at,
            expiry=find_expiry(kept, checkup.host, nic),
        )
        by_name.setdefault(nic.interface, []).append(here)
    verdicts = tuple(dataclasses.replace(one, kept=tuple(by_name.get(one.interface, ()))) for one in checkup.verdicts)
    return dataclasses.replace(checkup, verdicts=verdicts)
