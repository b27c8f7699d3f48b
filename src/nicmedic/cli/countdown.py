# SPDX-License-Identifier: GPL-2.0-or-later
"""A terminal while a change waits: the time that is left, and ``keep``, ``undo``, ``extend``.

A terminal that is lost says nothing, and above all not yes: the switch decides then, or another login.
"""

import os
import select
import sys
from typing import TYPE_CHECKING

from nicmedic.app.decide import Decided, confirm_transaction, extend_transaction, undo_transaction
from nicmedic.cli.duration import parse_duration
from nicmedic.cli.output import print_error, read_style
from nicmedic.cli.streams import turn_away, write_answer, write_complaint
from nicmedic.model.errors import NicmedicError, NotConfirmedError, RolledBackError, UndoFailedError
from nicmedic.model.transaction import State, find_state
from nicmedic.report.transactions_text import render_decided, render_left

if TYPE_CHECKING:
    from nicmedic.app.treat import Edges

__all__ = ["await_decision", "show_decided"]

_LOOK_S = 1.0
_TELL_S, _RARELY_S = 10.0, 60.0
"""Between two lines that tell the time left: a line that is written over would take a word that is being typed along."""
_SOON_S = 180.0
_MOST = 200
_LONGEST_S = 86_400


def show_decided(decided: Decided) -> None:
    """Print how a transaction stands now. That nobody may be there to read it changes nothing of that."""
    style = read_style()
    text = render_decided(
        decided.transaction, decided.state, style, left_s=decided.left_s, detail=decided.detail, warnings=decided.warnings
    )
    try:
        write_answer(text)
    except (BrokenPipeError, NicmedicError):
        turn_away(sys.stdout)


def _is_there() -> bool:
    """Whether the terminal still stands at the other end."""
    try:
        return os.isatty(0) and os.tcgetpgrp(0) >= 0
    except OSError:
        return False


def _read_line() -> str | None:
    """What was typed within a second; None: nothing. Raises EOFError when there is nobody any more."""
    ready, _, _ = select.select([0], [], [], _LOOK_S)
    if not ready:
        return None
    try:
        typed = os.read(0, _MOST)
    except OSError:
        typed = b""
    if not typed:
        raise EOFError
    return typed.decode("utf-8", "replace").strip().lower()


def _obey(edges: "Edges", number: int, typed: str) -> Decided | None:
    """Do what was typed; None: it still waits.

    Raises:
        NicmedicError: it cannot be done.
    """
    word, _, rest = typed.partition(" ")
    if word == "keep" and rest in {"", "anyway"}:
        return confirm_transaction(edges, number, out_of_band=rest == "anyway")
    if word == "undo" and not rest:
        return undo_transaction(edges, number)
    if word == "extend":
        extend_transaction(edges, number, int(parse_duration("extend", rest or "5m", 1, _LONGEST_S)))
    elif typed:
        write_complaint("nicmedic: keep, undo, or extend 5m; keep anyway, if you know that the card works\n")
    return None


def await_decision(edges: "Edges", number: int) -> int:
    """Wait until the operator, the switch or another login has decided; returns the exit status.

    Raises:
        NotConfirmedError: the time was over, or somebody else undid it.
        UndoFailedError: undoing failed.
    """
    told = _Told()
    while True:
        try:
            decided = _wait_once(edges, number, told)
        except EOFError:  # nobody is there any more: the switch is
            write_complaint(f"\nnicmedic: transaction {number} still waits for you: nicmedic confirm {number}, or nicmedic undo {number}\n")
            return 0
        except KeyboardInterrupt:
            if not _is_there():
                raise
            write_complaint("\n")
            decided = undo_transaction(edges, number)
        if decided is not None:
            show_decided(decided)
            return 0


class _Told:
    """When the time left was told last, in seconds that were left then."""

    left_s: float | None = None

    def is_due(self, left_s: float) -> bool:
        """Whether it is to be told again."""
        every_s = _TELL_S if left_s <= _SOON_S else _RARELY_S
        return self.left_s is None or not 0 <= self.left_s - left_s < every_s


def _wait_once(edges: "Edges", number: int, told: _Told) -> Decided | None:
    transaction = edges.store.read_transaction(number)
    state = State.UNDONE if transaction is None else find_state(transaction)
    if transaction is None or not state.is_open:
        write_complaint("\n")
        if transaction is not None and state is State.CONFIRMED:
            return Decided(transaction=transaction, state=state, detail="somebody else confirmed it")
        if state is State.UNDO_FAILED:
            raise UndoFailedError(f"transaction {number}: undoing failed", hint=f"nicmedic undo {number}\nnicmedic transactions {number}")
        raise NotConfirmedError(f"transaction {number} was undone: its time was over, or somebody did it", hint="nicmedic check")
    left_s = edges.store.read_seconds_left(transaction) or 0.0
    if state is State.WAITING and told.is_due(left_s):
        write_complaint(("" if told.left_s is None else "\n") + render_left(left_s))
        told.left_s = left_s
    typed = _read_line()
    if typed is None or state is not State.WAITING:
        return None
    told.left_s = None
    try:
        return _obey(edges, number, typed)
    except (RolledBackError, UndoFailedError):
        raise
    except NicmedicError as error:
        print_error(error)
        return None
