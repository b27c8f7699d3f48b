# SPDX-License-Identifier: GPL-2.0-or-later
"""``nicmedic kept``: what is kept, in which files, and whether it held."""

import argparse
import sys

from nicmedic.cli.confirm import read_number
from nicmedic.cli.declare import Argument, Command, Example

__all__ = ["KEPT"]


def _run(arguments: argparse.Namespace) -> int:
    from nicmedic.cli.edges import demand_root

    demand_root("read what is kept")
    from nicmedic.cli.keep_edges import find_expiries
    from nicmedic.cli.output import read_width, use_colour
    from nicmedic.cli.streams import write_answer, write_complaint
    from nicmedic.host.kept_folder import HostKept
    from nicmedic.host.machine import HostMachine
    from nicmedic.model.errors import NoSuchKeptError

    number, store = read_number(arguments.number, "a kept remedy", "kept"), HostKept()
    known = [kept for kept in store.list_kept() if number in {None, kept.id}]
    for damaged in store.list_damaged():
        write_complaint(f"nicmedic: {damaged}\n")
    if number is not None and not known:
        raise NoSuchKeptError(f"nothing is kept under number {number}", hint="nicmedic kept   # all of them")
    expiries = find_expiries(known, HostMachine().read_host()) if known else {}
    if arguments.json:
        from nicmedic.report.keep_json import render_kept_json

        write_answer(render_kept_json(known, expiries) + "\n")
        return 0
    from nicmedic.report.keep_text import render_kept, render_kept_list
    from nicmedic.report.style import Style

    style = Style(width=read_width(), colour=use_colour(sys.stdout))
    if number is None:
        write_answer(render_kept_list(known, expiries, style))
    else:
        write_answer(render_kept(known[0], expiries.get(number), style))
    return 0


KEPT = Command(
    name="kept",
    summary="show which remedies are kept, in which files, and whether they held",
    description="""\
Lists what nicmedic keep has written: since when, for which kernel, in which files, and what the last check found; or shows one with the change of \
each file and all checks. The files as they were before stand in the folder that is named.

What a crash has left half kept is put back, and what it has left half released is released, by keep, kept, release and verify, and by the check \
after the boot; all other commands only say that it is there. It may take minutes, so nothing of it is begun while a transaction is open.""",
    arguments=(
        Argument(("number",), "of one kept remedy; none: all", "N", "?"),
        Argument(("--json",), "print one JSON document, schema nicmedic.kept/1", flag=True),
    ),
    examples=(
        Example("nicmedic kept", "what does nicmedic hold in force here?"),
        Example("nicmedic kept 1", "exactly which lines"),
    ),
    exit_statuses=(
        (0, "listed"),
        (2, "the command line is wrong"),
        (24, "only root may"),
        (27, "the folder cannot be read"),
        (31, "nothing is kept under that number"),
    ),
    run=_run,
)
