# SPDX-License-Identifier: GPL-2.0-or-later
"""Where transactions are kept, so that they outlive whoever began them."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Protocol

from nicmedic.model.plan import Plan
from nicmedic.model.transaction import Confirm, ProbeResult, Transaction, Word

__all__ = ["TransactionStore"]


class TransactionStore(Protocol):
    """Transactions on disk. Everything is synced before a method returns.

    Every method may raise:
        StateError: the folder cannot be read or written; what was seen stands in the message.
    """

    def list_transactions(self) -> tuple[Transaction, ...]:
        """All of them, oldest first. A half-written one, which changed nothing, is swept away."""

    def read_transaction(self, number: int) -> Transaction | None:
        """One; None: there is none of that number."""

    def create_transaction(
        self,
        plan: Plan,
        script: str,
        *,
        confirm: Confirm,
        timeout_s: int,
        before: tuple[ProbeResult, ...],
        add_evidence: Callable[[str], None],
    ) -> Transaction:
        """Write plan, script and evidence, then name the whole: it is there from then on, or not at all. This process is its applier.

        Args:
            plan: what will be done.
            script: ``undo.sh``.
            confirm: who may confirm.
            timeout_s: until the switch undoes.
            before: what the probes said.
            add_evidence: called with the folder, to write what else shall be kept.

        Raises:
            BusyError: an open transaction holds the same card.
        """

    def append_entry(self, transaction: Transaction, word: Word, detail: str = "") -> Transaction:
        """Add a line to the journal; returns the transaction as it is now."""

    def set_deadline(self, transaction: Transaction, seconds: int) -> Transaction:
        """Undo so many seconds from now."""

    def read_seconds_left(self, transaction: Transaction) -> float | None:
        """Until the switch undoes; negative: overdue; None: no deadline, or one of another boot."""

    def claim_applier(self, transaction: Transaction) -> None:
        """Note that this process applies: an undo kills it first, so that the two never work against each other."""

    def release_applier(self, transaction: Transaction) -> None:
        """It applies no more."""

    def is_of_this_boot(self, transaction: Transaction) -> bool:
        """Whether the machine was not booted since it began. What it changed is gone otherwise."""

    def find_worker(self, transaction: Transaction) -> str | None:
        """Who is at work on it now: ``applier``, ``undo``; None: no living process."""

    def decide(self, transaction: Transaction, what: str) -> bool:
        """Decide ``confirmed`` or ``undo``, atomically; False: somebody else has decided the other before."""

    def hold_lock(self) -> AbstractContextManager[None]:
        """Nobody else creates a transaction meanwhile. Falls away with its holder."""
