# SPDX-License-Identifier: GPL-2.0-or-later
"""``nicmedic check``: what each network card of this host does now, what it did in this boot, and what may bite it."""

import argparse
import sys
from typing import TYPE_CHECKING

from nicmedic.cli.declare import Argument, Command, Example, Offer

if TYPE_CHECKING:
    from nicmedic.model.checkup import Checkup

__all__ = ["CHECK"]

_SHORTEST_WAIT_S = 0.5
"""``diagnosis.stall``: looks less far apart prove nothing."""
_LONGEST_WAIT_S = 60.0


def _read_wait_s(text: str | None) -> float:
    """Seconds between the looks.

    Raises:
        UsageError: not 0, and not a number from 0.5 to 60.
    """
    from nicmedic.model.errors import UsageError

    if text is None:
        return 1.0
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if seconds != 0 and not _SHORTEST_WAIT_S <= seconds <= _LONGEST_WAIT_S:
        message = f"--wait {text}: neither 0 nor a number of seconds from {_SHORTEST_WAIT_S:g} to {_LONGEST_WAIT_S:.0f}"
        raise UsageError(message, hint="nicmedic check --wait 1")
    return seconds


def _check_here(name: str | None, wait_s: float) -> "Checkup":
    from nicmedic.app.check import check  # --help must not wait for these
    from nicmedic.host.clock import HostClock
    from nicmedic.host.knowledge import read_knowledge
    from nicmedic.host.logs import HostLogs
    from nicmedic.host.machine import HostMachine
    from nicmedic.host.owners import with_owners

    return _add_kept(check(HostMachine(), HostLogs(), HostClock(), read_knowledge(), with_owners, name=name, wait_s=wait_s))


def _add_kept(checkup: "Checkup") -> "Checkup":
    """What is kept, as far as we may read it: that is no reason not to answer."""
    from nicmedic.app.keep.shown import add_kept
    from nicmedic.host.kept_folder import HostKept
    from nicmedic.host.transactions import HostTransactions
    from nicmedic.model.errors import NicmedicError

    try:
        return add_kept(checkup, HostKept().list_kept(), HostTransactions().list_transactions())
    except NicmedicError:
        return checkup


def _check_saved(path: str, name: str | None) -> "Checkup":
    from nicmedic.app.check import check_saved
    from nicmedic.host.knowledge import read_knowledge
    from nicmedic.host.logs import HostLogs
    from nicmedic.host.saved import read_saved

    saved = read_saved(path)
    return check_saved(saved.host, saved.looks, HostLogs(), read_knowledge(), path=path, name=name)


def _run(arguments: argparse.Namespace) -> int:
    from nicmedic.cli.output import is_piped, read_width, use_colour
    from nicmedic.cli.streams import write_answer

    wait_s = _read_wait_s(arguments.wait)
    name = arguments.interface
    checkup = _check_here(name, wait_s) if arguments.source is None else _check_saved(arguments.source, name)
    if arguments.json:
        from nicmedic.report.check_json import render_check_json

        write_answer(render_check_json(checkup) + "\n")
    else:
        from nicmedic.report.check_text import render_check_text
        from nicmedic.report.style import Style

        style = Style(width=read_width(), colour=use_colour(sys.stdout), one_line=is_piped(sys.stdout))
        write_answer(render_check_text(checkup, style))
    return 1 if checkup.has_findings else 0


CHECK = Command(
    name="check",
    summary="say what each network card does now, and what may bite it",
    description="""\
Looks at the network cards of this host twice within a second, and says of each in one word what it is doing: healthy, hung, was_hung, at_risk, \
link_down, elsewhere (something is wrong, and it is not this card) or unknown; then everything an expert would ask for: driver, chip and \
firmware, link, offloads, EEE, flow control, queues, error counters, PCI Express and its power saving, interrupts, what stands on the card, \
addresses, and which network manager owns it, by which file.

Hung is decided from counters, so a hang that the kernel has not reported, or never will, is seen within a second. No frame is sent and nothing is \
changed. It needs neither ethtool nor ip nor journalctl. An ordinary user sees most of it, and is told what root would see.

A card that is switched off (not UP) is no finding. Root is told as well what is kept (nicmedic keep), whether it is in force now, and what is kept \
for cards that are not there.""",
    arguments=(
        Argument(
            ("interface",), "tell of this card only: its name, an alternative name, or its bus address", "IF", "?", offer=Offer.INTERFACES
        ),
        Argument(("--json",), "print one JSON document with all facts, schema nicmedic.check/1", flag=True),
        Argument(
            ("--from",),
            "judge another host: a snapshot, a sosreport, or a folder with a copy of its files",
            "FILE|DIR",
            dest="source",
            offer=Offer.FILES,
        ),
        Argument(
            ("--wait",),
            "seconds from the first look to the second, 0.5 to 60, for less proves nothing (default: 1; 0: one look only)",
            "SECONDS",
        ),
    ),
    examples=(
        Example("nicmedic check", "all cards of this host"),
        Example("nicmedic check eth0 --json", "all that is known of one, for a script"),
        Example("nicmedic check --from snapshot.tar.gz", "another host, as it was"),
    ),
    exit_statuses=(
        (0, "nothing wrong was seen"),
        (1, "findings: a card that is not healthy or may not stay so, or a kept remedy that is not in force"),
        (2, "the command line is wrong"),
        (11, "the snapshot cannot be read"),
        (21, "what was named after --from is neither a snapshot nor a sosreport"),
        (22, "there is no such network card"),
    ),
    run=_run,
)
