# SPDX-License-Identifier: GPL-2.0-or-later
"""The real edges of a transaction, wired once for every command that changes a card, and who may use them."""

import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nicmedic.app.treat import Edges, Stage

__all__ = ["build_host_edges", "demand_root", "has_terminal"]


def demand_root(what: str) -> None:
    """Before anything else.

    Raises:
        NotRootError: we are not root.
    """
    from nicmedic.model.errors import NotRootError  # --help must not wait for it

    if os.geteuid() != 0:
        raise NotRootError(f"only root may {what}; this is user {os.geteuid()}", hint="sudo -i   # or su -, then the same again")


def _tell(stage: "Stage", detail: str) -> None:
    from nicmedic.cli.streams import write_complaint
    from nicmedic.report.transactions_text import render_stage

    write_complaint(render_stage(stage, detail) + "\n")


def build_host_edges() -> "Edges":
    """Of this machine; each stage is told in a line on standard error."""
    from nicmedic.app.treat import Edges
    from nicmedic.host.archive_writer import HostArchives
    from nicmedic.host.clock import HostClock
    from nicmedic.host.hands import HostHands
    from nicmedic.host.machine import HostMachine
    from nicmedic.host.probes import HostProber
    from nicmedic.host.switch import HostSwitch
    from nicmedic.host.transactions import HostTransactions

    return Edges(
        machine=HostMachine(),
        hands=HostHands(),
        switch=HostSwitch(),
        store=HostTransactions(),
        prober=HostProber(),
        clock=HostClock(),
        archives=HostArchives(),
        tell=_tell,
    )


def has_terminal() -> bool:
    """Whether somebody sits there who reads and can type."""
    return sys.stdin.isatty() and sys.stdout.isatty()
