# SPDX-License-Identifier: GPL-2.0-or-later
"""What a trial has shown of a kept remedy that is still needed: with which kernel, driver and chip. Else that would be asked for ever."""

import dataclasses

from nicmedic.app.keep.edges import KeepEdges, find_kept
from nicmedic.model.host import Host
from nicmedic.model.keeping import Check, CheckWord, Kept, KeptState, MadeFor
from nicmedic.model.same_card import find_card, name_chip
from nicmedic.persist.expiry import name_kernel

__all__ = ["note_needed"]


def _find_made_for(kept: Kept, host: Host) -> MadeFor:
    """As it is now; what cannot be told now, as it was."""
    made_for, nic = kept.made_for, find_card(host.nics, kept.nic)
    if host.kernel_package is not None or host.kernel_release is not None:
        made_for = dataclasses.replace(made_for, kernel_package=host.kernel_package, kernel_release=host.kernel_release)
    if nic is None:
        return made_for
    return dataclasses.replace(made_for, driver=nic.driver or made_for.driver, chip=name_chip(nic) or made_for.chip)


def note_needed(edges: KeepEdges, number: int, host: Host, hung: str) -> None:
    """Tie a remedy that was lifted, and is in force again, to what runs now, and add to its history why. Released meanwhile, it is left alone.

    Args:
        edges: of the machine.
        number: of the kept remedy.
        host: on which it was tried.
        hung: what has shown that the card hangs without it.

    Raises:
        NoSuchKeptError: it was released.
        BusyError: somebody keeps or releases this moment: a card that hung is not made to wait for that.
        StateError: it cannot be written down.
    """
    with edges.store.hold_lock(patience_s=0.0):
        kept = find_kept(edges.store, number)
        if kept.state is not KeptState.KEPT:
            return
        kept = edges.store.save_kept(dataclasses.replace(kept, made_for=_find_made_for(kept, host)))
        name = name_kernel(kept.made_for.kernel_package, kept.made_for.kernel_release)
        check = Check(
            time=edges.clock.read_now().isoformat(timespec="seconds"),
            boot_id=host.boot_id,
            kernel_package=host.kernel_package,
            word=CheckWord.IN_FORCE,
            occasion="trial",
            note=f"still needed with kernel {name}: without it the card hung: {hung}",
        )
        edges.store.add_check(kept, check)
