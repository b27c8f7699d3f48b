# SPDX-License-Identifier: GPL-2.0-or-later
"""Take up what somebody left behind: after a boot, and at the next command of any kind.

What the boot before this one changed ended with it, confirmed or not, for nothing is permanent before it is kept. Of this boot: a transaction whose
time is over, or that neither a switch nor a living process watches any more, is undone. Those that are watched are let alone.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from nicmedic.app.treat import quietly
from nicmedic.model.errors import NicmedicError
from nicmedic.model.transaction import State, Transaction, Word, find_state
from nicmedic.ports.hands import Hands, Switch
from nicmedic.ports.transactions import TransactionStore

__all__ = ["Recovered", "recover_transactions"]

_LASTING = frozenset({State.CONFIRMED, State.UNDO_FAILED})
"""Until the next boot."""
_GRACE_S = 10.0
"""Its switch has so long to begin."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovered:
    """One transaction that was taken up."""

    transaction: Transaction
    word: Word
    """``rebooted``, ``undone`` or ``undo-failed``."""
    reason: str
    failed: tuple[str, ...] = ()
    """Commands that are left to type."""


def recover_transactions(store: TransactionStore, switch: Switch, hands: Hands) -> tuple[Recovered, ...]:
    """Look at all open transactions, and at those of which something would still stand had the machine not been booted.

    Raises:
        StateError: they cannot be read.
    """
    opened = [
        transaction
        for transaction in store.list_transactions()
        if (state := find_state(transaction)).is_open or (state in _LASTING and not store.is_of_this_boot(transaction))
    ]
    return tuple(found for transaction in opened for found in _recover(store, switch, hands, transaction))


def _recover(store: TransactionStore, switch: Switch, hands: Hands, transaction: Transaction) -> Iterator[Recovered]:
    if not store.is_of_this_boot(transaction):
        trouble = quietly(lambda: store.append_entry(transaction, Word.REBOOTED))
        told = f"; that cannot be written down: {trouble}" if trouble else ""
        yield Recovered(transaction=transaction, word=Word.REBOOTED, reason=f"its changes ended with the boot{told}")
        return
    reason = _find_reason(store, switch, transaction)
    if reason is None:
        return
    undone = hands.undo_transaction(transaction, "boot")
    if undone.ok and not undone.ran:
        return
    quietly(lambda: switch.disarm_switch(transaction) if undone.ok else None)
    yield Recovered(transaction=transaction, word=Word.UNDONE if undone.ok else Word.UNDO_FAILED, reason=reason, failed=undone.failed)


def _find_reason(store: TransactionStore, switch: Switch, transaction: Transaction) -> str | None:
    """Why it has to be undone; None: somebody sees to it, or it was decided meanwhile."""
    try:
        worker, left_s = store.find_worker(transaction), store.read_seconds_left(transaction)
    except NicmedicError:
        return None  # it went meanwhile
    if worker == "undo":
        return None
    if left_s is not None and left_s < -_GRACE_S:
        return "its time was over"
    armed = switch.find_switch(transaction) if worker is None else True
    if armed is False or (armed is None and left_s is None):  # one that cannot be asked has until the time is over
        return "its switch was gone, and who began it too"
    return None
