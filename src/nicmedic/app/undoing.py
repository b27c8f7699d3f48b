# SPDX-License-Identifier: GPL-2.0-or-later
"""What is to be looked at after an undo, and what is left to type where it failed."""

from collections.abc import Sequence

from nicmedic.model.errors import NicmedicError
from nicmedic.model.host import Host
from nicmedic.model.note import Lack
from nicmedic.model.plan import Change, Plan, Setting
from nicmedic.model.same_card import find_card
from nicmedic.model.transaction import Transaction, Word
from nicmedic.ports.clock import Clock
from nicmedic.ports.hands import Undone
from nicmedic.ports.machine import Machine
from nicmedic.remedy.script.words import render_step
from nicmedic.remedy.settings import find_differences

__all__ = ["SILENCE_S", "find_begun", "find_silence", "is_restored", "read_differences", "render_left", "tell_trouble"]

_REST_S = 0.5
SILENCE_S = 30.0
"""So much longer a card is read again while the kernel tells nothing of it, as while a driver resets it: what could not be asked is no difference."""


def find_begun(transaction: Transaction) -> tuple[Change, ...]:
    """The changes that were begun, by the journal."""
    numbers = {entry.detail.partition(" ")[0] for entry in transaction.entries if entry.word is Word.APPLYING}
    return tuple(change for number, change in enumerate(transaction.plan.changes) if str(number) in numbers)


def _collect_before(changes: Sequence[Change]) -> tuple[Setting, ...]:
    """What each setting was before the first change that speaks of it."""
    before: dict[str, Setting] = {}
    for change in changes:
        for setting in change.before:
            before.setdefault(setting.name, setting)
    return tuple(before.values())


def find_silence(host: Host) -> str | None:
    """That the kernel did not tell the settings of cards when they were read, in a few words; None: it did."""
    return next((f"{note.what}: {note.detail}" for note in host.notes if note.why is Lack.STUCK), None)


def read_differences(machine: Machine, clock: Clock, plan: Plan, changes: Sequence[Change]) -> tuple[str, ...]:
    """What is not as it was before these changes, once they have had their time to settle."""
    if not changes:
        return ()
    before = _collect_before(changes)
    until = clock.read_monotonic_s() + max(change.settle_s for change in changes)
    while True:
        try:
            host = machine.read_host()
        except (OSError, NicmedicError) as error:
            return (f"the card cannot be read again: {error}",)
        nic = find_card(host.nics, plan.nic)
        different = ("the card is gone",) if nic is None else find_differences(before, nic, host)
        silence = find_silence(host)
        if not different or clock.read_monotonic_s() >= until + (SILENCE_S if silence else 0.0):
            return (*different, silence) if different and silence else different
        clock.wait_s(_REST_S)


def is_restored(undone: Undone, different: Sequence[str], changes: Sequence[Change]) -> bool:
    """Whether all is as it was. What a driver refuses to set it also refuses to set back: there what is read counts, if it tells all."""
    told = all(change.before and not change.takes_stack for change in changes)
    return not different and (undone.ok or (undone.ran and told))


def tell_trouble(transaction: Transaction, different: Sequence[str]) -> str:
    """How an undo failed, to follow what says that it did: what reads otherwise, then by the journal which steps failed, and why."""
    last = transaction.entries[-1] if transaction.entries else None
    failed = [f"failed: {last.detail}"] if last is not None and last.word is Word.UNDO_FAILED and last.detail else []
    return "".join(f"; {one}" for one in (*different, *failed))


def render_left(plan: Plan, changes: Sequence[Change], undone: Undone) -> str:
    """The commands that are left to type, one a line: those that the script could not carry out, else all of the undo."""
    steps = [step for change in reversed(changes) for step in change.undo]
    steps += plan.put_back if any(change.takes_stack for change in changes) else ()
    return "\n".join(undone.failed or [render_step(step, plan.nic.interface) for step in steps])
