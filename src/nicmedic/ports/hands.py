# SPDX-License-Identifier: GPL-2.0-or-later
"""Changing a machine, one step at a time, and the switch that takes it back when nobody is there any more."""

from dataclasses import dataclass
from typing import Protocol

from nicmedic.model.plan import Identity
from nicmedic.model.step import Step
from nicmedic.model.transaction import Transaction

__all__ = ["Hands", "Outcome", "Switch", "Undone"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How one step ended."""

    ok: bool
    said: str = ""
    """What the program or the kernel said, one line, fit for a terminal; empty: nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Undone:
    """How an undo script ended."""

    ok: bool
    ran: bool = True
    """False: it did nothing, since somebody had confirmed or is at it."""
    failed: tuple[str, ...] = ()
    """The steps that failed, as commands that can be typed."""


class Hands(Protocol):
    """Carries steps out. Never raises for what a machine may be like, and never waits longer than a step says."""

    def apply_step(self, step: Step, nic: Identity) -> Outcome:
        """Carry out one step on the card, whatever it is called now."""

    def undo_transaction(self, transaction: Transaction, why: str) -> Undone:
        """Run its undo script in a session of its own, so that it ends even where we do not; wait until it has.

        Args:
            transaction: which.
            why: one word: ``operator``, ``probes``, ``failure``, ``boot``.
        """


class Switch(Protocol):
    """The dead-man's switch of a transaction: runs its undo script at its deadline, outside our process."""

    def arm_switch(self, transaction: Transaction) -> str:
        """Arm it, and see that it is armed; returns how, for the journal.

        Raises:
            SwitchError: it cannot be armed.
        """

    def disarm_switch(self, transaction: Transaction) -> None:
        """Take it away. Where that fails nothing is lost: an undo script that finds its transaction confirmed does nothing."""

    def find_switch(self, transaction: Transaction) -> bool | None:
        """Whether it is armed now; None: who would know does not answer."""
