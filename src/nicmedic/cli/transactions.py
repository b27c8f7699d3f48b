# SPDX-License-Identifier: GPL-2.0-or-later
"""``nicmedic transactions``: what was changed on this host, and how it ended."""

import argparse
from typing import TYPE_CHECKING

from nicmedic.cli.confirm import read_number
from nicmedic.cli.declare import Argument, Command, Example

if TYPE_CHECKING:
    from nicmedic.model.transaction import Transaction
    from nicmedic.ports.transactions import TransactionStore

__all__ = ["TRANSACTIONS"]


def _select(store: "TransactionStore", number: int | None) -> "tuple[Transaction, ...]":
    """All, or the one.

    Raises:
        NoSuchTransactionError: there is none of that number.
    """
    from nicmedic.model.errors import NoSuchTransactionError

    if number is None:
        return store.list_transactions()
    found = store.read_transaction(number)
    if found is None:
        raise NoSuchTransactionError(f"there is no transaction {number}", hint="nicmedic transactions   # all of them")
    return (found,)


def _recover() -> int:
    from nicmedic.cli.leftovers import recover_leftovers
    from nicmedic.cli.streams import write_answer
    from nicmedic.model.errors import UndoFailedError

    if recover_leftovers():
        return UndoFailedError.code
    write_answer("nothing that was left behind is open any more\n")
    return 0


def _run(arguments: argparse.Namespace) -> int:
    from nicmedic.cli.edges import demand_root

    demand_root("read the transactions")
    if arguments.recover:
        return _recover()
    from nicmedic.cli.output import read_style
    from nicmedic.cli.streams import write_answer
    from nicmedic.host.transactions import HostTransactions

    store, number = HostTransactions(), read_number(arguments.number)
    known = _select(store, number)
    left = {transaction.id: store.read_seconds_left(transaction) for transaction in known}
    past = [transaction.id for transaction in known if not store.is_of_this_boot(transaction)]
    if arguments.json:
        from nicmedic.report.transactions_json import render_transactions_json

        write_answer(render_transactions_json(known, left, past=past) + "\n")
        return 0
    from nicmedic.report.transactions_text import render_transaction, render_transactions

    style = read_style()
    if number is None:
        write_answer(render_transactions(known, left, style, past=past))
    else:
        write_answer(render_transaction(known[0], left[number], style, past=bool(past)))
    return 0


TRANSACTIONS = Command(
    name="transactions",
    summary="show what was changed on this host, and how it ended",
    description="""\
Lists the transactions of treat, or shows one with its commands, its probes and its journal. The last fifty that have ended are kept, each with a \
snapshot of the host before it (before.tar.gz); the rungs of one --ladder restore share that of the first.

Every command of nicmedic that root starts first looks for transactions that a crash or a boot has left behind, and ends them; --recover does only \
that, and what kept says of half-kept remedies, for the service that nicmedic install-service sets up.""",
    arguments=(
        Argument(("number",), "of one transaction; none: all", "N", "?"),
        Argument(("--json",), "print one JSON document, schema nicmedic.transactions/1", flag=True),
        Argument(("--recover",), "end what a crash or a boot has left behind", flag=True),
    ),
    examples=(
        Example("nicmedic transactions", "is one open, and how much time is left?"),
        Example("nicmedic transactions 3", "all that happened in one"),
    ),
    exit_statuses=(
        (0, "listed; with --recover: nothing is left behind"),
        (2, "the command line is wrong"),
        (24, "only root may"),
        (27, "the folder cannot be read"),
        (28, "no such transaction"),
        (50, "with --recover: undoing failed, a card is CHANGED"),
    ),
    run=_run,
)
