# SPDX-License-Identifier: GPL-2.0-or-later
"""``nicmedic history``: which boots there were, with which kernel, and in which of them a card hung."""

import argparse
import dataclasses
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from nicmedic.cli.declare import Argument, Command, Example, Offer

if TYPE_CHECKING:
    from nicmedic.app.history import Collected
    from nicmedic.model.errors import NicmedicError
    from nicmedic.model.incident import Incident

__all__ = ["HISTORY", "read_history_of"]


def read_history_of(names: "Sequence[str]", on_progress: "Callable[[str, int], None] | None" = None) -> "Collected":
    """What the real edges give of a host's past; no names: this machine's, with what its watcher has seen."""
    import os

    from nicmedic.app.history import collect_history
    from nicmedic.host.histories import HostHistories
    from nicmedic.host.knowledge import read_knowledge

    incidents, errors = ((), ()) if names else _read_incidents()
    collected = collect_history(
        HostHistories(),
        read_knowledge(),
        tuple(dict.fromkeys(names)),
        incidents=incidents,
        workers=len(os.sched_getaffinity(0)),
        on_progress=on_progress,
    )
    return dataclasses.replace(collected, errors=(*collected.errors, *errors))


def _read_incidents() -> "tuple[tuple[Incident, ...], tuple[NicmedicError, ...]]":
    """What watch has kept on this machine, or why it cannot be read."""
    from nicmedic.model.errors import NicmedicError
    from nicmedic.store import HostIncidents

    try:
        store = HostIncidents(read_only=True)
        return (store.list_incidents() if store.exists() else ()), ()
    except NicmedicError as error:
        return (), (error,)


def _run(arguments: argparse.Namespace) -> int:
    from nicmedic.cli.output import Progress, print_error, read_style
    from nicmedic.cli.streams import write_answer

    with Progress(sys.stderr) as progress:
        collected = read_history_of(arguments.file, progress.show)
    history = collected.history
    for error in collected.errors:
        print_error(error, debug=arguments.debug)
    if collected.errors and not history.boots and not history.changes:
        return collected.errors[0].code
    if arguments.json:
        from nicmedic.report.history_json import render_history_json

        write_answer(render_history_json(history, collected.errors) + "\n")
    else:
        from nicmedic.report.history_text import render_history_text

        style = read_style(more=arguments.all)
        write_answer(render_history_text(history, style))
    return 1 if any(boot.hangs for boot in history.boots) else 0


HISTORY = Command(
    name="history",
    summary="list the boots of a host, with their kernels and hangs",
    description="""\
Puts together afterwards which boots there were, which version of the kernel's package each ran (not uname -r, which a point release leaves as it \
was), for how long, which cards hung and how long after the boot, suspensions, and which packages changed where the kernel did. It reads the \
journal of all boots, kern.log, messages, syslog and dmesg with their rotations, wtmp or wtmpdb, the logs of dpkg, apt, dnf, yum, zypper and pacman, \
dates of dpkg's files, what watch has seen, and kernels that trial has tried, as far as they are there.

With FILE it reads what another host has kept: a snapshot of nicmedic, a sosreport, a copy of its files, a folder of logs or single ones. All of it \
must be of one host.

What no kernel log covers is unknown, and is not counted as hours without a hang. Nothing is changed on the machine.""",
    arguments=(
        Argument(("file",), "a snapshot, a sosreport, a folder or a log", "FILE|DIR|-", "*", offer=Offer.FILES),
        Argument(("--json",), "print one JSON document, schema nicmedic.history/1", flag=True),
        Argument(("--all",), "print every boot and every package", flag=True),
    ),
    examples=(
        Example("nicmedic history", "this machine"),
        Example("nicmedic history sosreport-host.tar.xz", "another one"),
        Example("nicmedic history --json > here.json", "for a script, or for another machine"),
    ),
    exit_statuses=(
        (0, "no hang is told"),
        (1, "a card hung in at least one boot"),
        (2, "the command line is wrong"),
        (11, "nothing could be read: missing, forbidden, damaged"),
        (13, "nothing in it tells of a boot or of a package"),
    ),
    run=_run,
)
