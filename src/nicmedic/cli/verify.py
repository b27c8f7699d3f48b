# SPDX-License-Identifier: GPL-2.0-or-later
"""``nicmedic verify``: is what is kept in force?"""

import argparse
import sys

from nicmedic.cli.declare import Argument, Command, Example, Offer

__all__ = ["VERIFY"]


def _run(arguments: argparse.Namespace) -> int:
    from nicmedic.cli.edges import demand_root

    demand_root("check what is kept")
    from nicmedic.app.keep.verify import select_kept, verify, verify_boot
    from nicmedic.cli.keep_edges import build_verify_edges
    from nicmedic.cli.output import read_width, use_colour
    from nicmedic.cli.streams import write_answer
    from nicmedic.model.keeping import CheckWord
    from nicmedic.report.keep_json import render_verify_json
    from nicmedic.report.keep_text import render_verified
    from nicmedic.report.style import Style

    edges = build_verify_edges()
    if arguments.boot:
        found = verify_boot(edges, arguments.interface, repair=True if arguments.repair else None)
    else:
        host = edges.machine.read_host()
        found = verify(edges, host, select_kept(edges.store, host, arguments.interface), "operator", repair=arguments.repair)
    told = [(one.kept, one.check, one.expiry, one.trouble) for one in found]
    if arguments.json:
        write_answer(render_verify_json(told, busy=[one.kept.id for one in found if one.busy]) + "\n")
    else:
        write_answer(render_verified(told, Style(width=read_width(), colour=use_colour(sys.stdout))))
    return 1 if any(one.check.word in {CheckWord.DRIFTED, CheckWord.UNKNOWN} and not one.busy for one in found) else 0


VERIFY = Command(
    name="verify",
    summary="look whether what is kept is in force",
    description="""\
Reads every setting that is kept again, says what is not as it should be, and writes the outcome down for nicmedic kept. With --repair it is set \
again, as treat does it: under the dead-man's switch, and only if the probes pass. A card on which a transaction is open is named and let alone.

nicmedic keep installs a unit of systemd, nicmedic-verify.service, that does this after each boot with --boot: it waits until the network managers \
are done (the card there, its link up, its addresses as they stay, a minute at most), looks, and looks once more if a link flaps in the three \
minutes after. What drifted is told, and the unit has failed then; it is set again where it was kept with --on-drift repair.

It also says when the kernel, the driver or the chip is not that which a remedy was kept for.""",
    arguments=(
        Argument(("interface",), "only what is kept for this card", "IF", "?", offer=Offer.INTERFACES),
        Argument(
            ("--boot",),
            "wait for the network managers first, and for a flap of the link after; repair as each remedy's policy says",
            flag=True,
        ),
        Argument(("--repair",), "set again what is not in force", flag=True),
        Argument(("--json",), "print one JSON document, schema nicmedic.verify/1", flag=True),
    ),
    examples=(
        Example("nicmedic verify", "did the last boot bring it back?"),
        Example("nicmedic verify eth0 --repair", "set it again now"),
    ),
    exit_statuses=(
        (0, "all that is kept is in force, perhaps set again just now, or a transaction on its card is open"),
        (1, "something is not in force, or cannot be read"),
        (2, "the command line is wrong"),
        (24, "only root may"),
        (27, "what is kept cannot be read"),
    ),
    run=_run,
)
