# SPDX-License-Identifier: GPL-2.0-or-later
"""What nicmedic has done on this machine: it weighs in what is said of a kernel, and stands in a report."""

import dataclasses
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nicmedic.app.bug_report.tried import Done

__all__ = ["read_done"]


def read_done() -> "tuple[Done, tuple[str, ...]]":
    """What was done on this machine, and why that is not known."""
    from nicmedic.app.bug_report.tried import Done
    from nicmedic.host.kept_folder import HostKept
    from nicmedic.host.transactions import HostTransactions
    from nicmedic.model.errors import NicmedicError
    from nicmedic.store import HostIncidents

    done, troubles = Done(), list[str]()
    try:
        done = dataclasses.replace(done, transactions=HostTransactions().list_transactions())
    except NicmedicError as error:
        troubles.append(f"What was tried is not known: {error.message}.")
    try:
        store = HostIncidents(read_only=True)
        done = dataclasses.replace(done, incidents=store.list_incidents() if store.exists() else ())
        store.close()
    except NicmedicError as error:
        troubles.append(f"What the watcher saw is not known: {error.message}.")
    try:
        keeper = HostKept()
        done = dataclasses.replace(done, kept=keeper.list_kept())
        damages = (damage.splitlines()[0] for damage in keeper.list_damaged())
        troubles += [f"What is kept over boots is not known in full: {damage}." for damage in damages]
    except NicmedicError as error:
        troubles.append(f"What is kept over boots is not known: {error.message}.")
    return done, tuple(troubles)
