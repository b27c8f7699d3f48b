# SPDX-License-Identifier: GPL-2.0-or-later
"""Later, and perhaps from another login: confirm what was changed, give it more time, or undo it."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import NoReturn

from nicmedic.app.treat import Edges, Stage, note_confirmed, reread, undo_and_look
from nicmedic.app.undoing import find_begun, render_left, tell_trouble
from nicmedic.model.durations import say_duration
from nicmedic.model.errors import (
    BusyError,
    NoSuchTransactionError,
    NotConfirmedError,
    NotProvenError,
    RefusedError,
    UndoFailedError,
    UsageError,
)
from nicmedic.model.same_card import is_same_card
from nicmedic.model.transaction import State, Transaction, Word, find_state
from nicmedic.report.escape import escape_terminal

__all__ = ["Decided", "confirm_transaction", "extend_transaction", "undo_transaction"]

_LONGEST_S = 86_400
"""A deadline that never comes is none."""
_SETTINGS_ONLY = (
    "its settings are back; addresses, routes and what else stands on the card were left as they are now, for they may be newer"
)
_LASTING = frozenset({State.CONFIRMED, State.UNDO_FAILED})
_ENDED = frozenset({State.UNDONE, State.REBOOTED, State.ABANDONED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """How a transaction stands after somebody said what shall become of it."""

    transaction: Transaction
    state: State
    detail: str = ""
    """What proved that the confirmation came over the card."""
    left_s: float | None = None
    """Until the switch undoes."""
    warnings: tuple[str, ...] = ()


def _name(transaction: Transaction) -> str:
    return escape_terminal(transaction.plan.nic.interface)


def _list(transactions: Iterable[Transaction]) -> str:
    return ", ".join(f"{transaction.id} ({_name(transaction)})" for transaction in transactions)


def _choose(edges: Edges, number: int | None, *, undo: bool = False) -> Transaction:
    """The one that is meant: of that number, else the only open one.

    If there is none, one whose undo failed may be undone, and one that was confirmed if nothing was begun since: what else is in force may be of
    another card, or long forgotten.
    """
    hint = "nicmedic transactions   # all of them"
    if number is not None:
        found = edges.store.read_transaction(number)
        if found is None:
            raise NoSuchTransactionError(f"there is no transaction {number}", hint=hint)
        return found
    known = edges.store.list_transactions()
    opened = [transaction for transaction in known if find_state(transaction).is_open]
    if len(opened) == 1:
        return opened[0]
    if opened:
        raise NoSuchTransactionError(f"several transactions are open: {_list(opened)}; say which", hint=hint)
    if undo:
        here = [one for one in known if find_state(one) in _LASTING and edges.store.is_of_this_boot(one)]
        meant = [one for one in here if find_state(one) is State.UNDO_FAILED] or [one for one in here if one is known[-1]]
        if len(meant) == 1:
            return meant[0]
        if here:
            raise NoSuchTransactionError(f"no transaction is open; in force are {_list(here)}: say which", hint=hint)
    last = f"; the last one, {known[-1].id} ({_name(known[-1])}), is {find_state(known[-1])}" if known else ""
    raise NoSuchTransactionError(f"no transaction is open{last}", hint=hint)


def _demand_waiting(edges: Edges, transaction: Transaction) -> None:
    state, number = find_state(transaction), transaction.id
    if state in {State.PREPARING, State.APPLYING} or (state is State.WAITING and edges.store.find_worker(transaction) == "applier"):
        raise BusyError(f"transaction {number} on {_name(transaction)} is still being carried out", hint=f"nicmedic transactions {number}")
    if state is not State.WAITING:
        hint = f"nicmedic transactions {number}   # all that happened"
        raise NoSuchTransactionError(f"transaction {number} on {_name(transaction)} waits for nobody: it is {state}", hint=hint)


def _fail_late(edges: Edges, transaction: Transaction) -> NoReturn:
    """Somebody is undoing it, or has: see to its end before saying so."""
    _finish_undo(edges, transaction)
    message = f"transaction {transaction.id} on {_name(transaction)}: its time was over, or somebody undid it"
    raise NotConfirmedError(message, hint=f"nicmedic transactions {transaction.id}")


def _demand_undecided(edges: Edges, transaction: Transaction) -> None:
    if transaction.decided == "confirmed":
        _demand_waiting(edges, transaction)
    if transaction.decided is not None:
        _fail_late(edges, transaction)


def confirm_transaction(edges: Edges, number: int | None, *, out_of_band: bool) -> Decided:
    """Say that a change may stay.

    Args:
        edges: of the machine.
        number: of the transaction; None: the only open one.
        out_of_band: do without the proof that this session comes through the treated card.

    Raises:
        NoSuchTransactionError: there is none, or none that waits.
        BusyError: it is still being carried out.
        NotProvenError: the session may come another way, so it proves nothing.
        NotConfirmedError: it was too late.
        StateError: it cannot be written down, so it did not happen.
    """
    transaction = _choose(edges, number)
    _demand_waiting(edges, transaction)
    detail = "out of band"
    if not out_of_band:
        proof = edges.prober.prove_session(transaction.plan.nic)
        detail = proof.detail
        if proof.through is not True:
            unknown = "it cannot be known whether this session comes" if proof.through is None else "this session does not come"
            raise NotProvenError(
                f"{unknown} through {_name(transaction)}: {detail}; {_say_left(edges, transaction)}",
                hint=f"nicmedic confirm {transaction.id} --out-of-band   # if you know that the card works",
            )
    if not edges.store.decide(transaction, "confirmed"):
        _fail_late(edges, transaction)
    warnings = note_confirmed(edges, transaction, detail)
    return Decided(transaction=reread(edges, transaction), state=State.CONFIRMED, detail=detail, warnings=warnings)


def _say_left(edges: Edges, transaction: Transaction) -> str:
    left_s = edges.store.read_seconds_left(transaction)
    return f"transaction {transaction.id} is undone in {say_duration(max(0.0, left_s or 0.0))}"


def extend_transaction(edges: Edges, number: int | None, seconds: int) -> Decided:
    """Give a change more time before it is undone.

    Raises:
        UsageError: that would be longer than a day.
        NoSuchTransactionError: there is none, or none that waits.
        BusyError: it is still being carried out.
        NotConfirmedError: it was too late.
        StateError: it cannot be written down; the deadline stays.
        SwitchError: the switch is gone and cannot be armed again; the deadline stays with nobody to keep it.
    """
    transaction = _choose(edges, number)
    _demand_waiting(edges, transaction)
    left_s = max(0.0, edges.store.read_seconds_left(transaction) or 0.0)
    if left_s + seconds > _LONGEST_S:
        hint = f"nicmedic confirm {transaction.id} --extend 1h"
        raise UsageError(f"--extend: the switch would be {say_duration(left_s + seconds)} away; a day is the most", hint=hint)
    extended = edges.store.set_deadline(transaction, int(left_s + seconds))
    if not edges.switch.find_switch(extended):
        edges.switch.arm_switch(extended)
    _demand_undecided(edges, reread(edges, extended))  # a journal ends with how it ended
    _demand_undecided(edges, edges.store.append_entry(extended, Word.EXTENDED, f"by {seconds} s"))
    return Decided(transaction=reread(edges, extended), state=State.WAITING, left_s=left_s + seconds)


def _say_why_not(transaction: Transaction, state: State) -> NoSuchTransactionError:
    hint = f"nicmedic transactions {transaction.id}   # all that happened"
    return NoSuchTransactionError(f"transaction {transaction.id} on {_name(transaction)} cannot be undone: it is {state}", hint=hint)


def _name_settings(transaction: Transaction) -> frozenset[str]:
    return frozenset(setting.name for change in transaction.plan.changes for setting in (*change.before, *change.wanted))


def _refuse_covered(edges: Edges, transaction: Transaction) -> None:
    """Newest first: the undo of a later one would bring back what this one had set.

    Raises:
        RefusedError: there is such a one.
    """
    for later in edges.store.list_transactions():
        lasts = find_state(later).is_open or find_state(later) in _LASTING
        if later.id <= transaction.id or not lasts or not edges.store.is_of_this_boot(later):
            continue
        same = _name_settings(later) & _name_settings(transaction)
        if is_same_card(later.plan.nic, transaction.plan.nic) and same:
            told = f"transaction {later.id} changed {', '.join(sorted(same))} after it, and is in force"
            raise RefusedError(
                f"{_name(transaction)}: {told}", hint=f"nicmedic undo {later.id}   # first, then nicmedic undo {transaction.id}"
            )


def undo_transaction(edges: Edges, number: int | None) -> Decided:
    """Undo now: also what was confirmed, by its number or where it was the last.

    Raises:
        NoSuchTransactionError: there is none, or nothing of it is left.
        RefusedError: a later one that is in force changed the same.
        UndoFailedError: the card is not as it was.
    """
    transaction = _choose(edges, number, undo=True)
    state = find_state(transaction)
    if state in _ENDED or not edges.store.is_of_this_boot(transaction):
        raise _say_why_not(transaction, State.REBOOTED if state not in _ENDED else state)
    _refuse_covered(edges, transaction)
    edges.tell(Stage.UNDOING, "as you say")
    decided = _finish_undo(edges, transaction)
    if state is State.CONFIRMED and any(change.takes_stack for change in find_begun(transaction)):
        return replace(decided, detail=_SETTINGS_ONLY)
    return decided


def _finish_undo(edges: Edges, transaction: Transaction) -> Decided:
    ended = undo_and_look(edges, transaction, "operator")
    now = ended.transaction
    if ended.restored:
        return Decided(transaction=now, state=State.UNDONE)
    hint = render_left(now.plan, find_begun(now), ended.undone)
    raise UndoFailedError(f"{_name(now)}: undoing transaction {now.id} failed{tell_trouble(now, ended.different)}", hint=hint)
