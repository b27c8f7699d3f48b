# SPDX-License-Identifier: GPL-2.0-or-later
"""``nicmedic undo``: take a change back now."""

import argparse

from nicmedic.cli.confirm import read_number
from nicmedic.cli.declare import Argument, Command, Example

__all__ = ["UNDO"]


def _run(arguments: argparse.Namespace) -> int:
    from nicmedic.cli.edges import build_host_edges, demand_root

    demand_root("undo a change")
    from nicmedic.app.decide import undo_transaction
    from nicmedic.cli.countdown import show_decided

    show_decided(undo_transaction(build_host_edges(), read_number(arguments.number)))
    return 0


UNDO = Command(
    name="undo",
    summary="take a change of treat back now",
    description="""\
Runs the undo script of a transaction: also while it is being carried out, which ends that, and also after it was confirmed, as long as the host \
was not booted since: then only its settings, for what stands on the card may be newer. Then the card is read again and compared with what it was.

The script stands alone: sh /var/lib/nicmedic/transactions/N/undo.sh does the same without nicmedic.""",
    arguments=(
        Argument(
            ("number",),
            "of the transaction; none: the only one that is open, else one whose undo failed, else what was just confirmed",
            "N",
            "?",
        ),
    ),
    examples=(Example("nicmedic undo", "the card as it was before"),),
    exit_statuses=(
        (0, "the card is as it was"),
        (2, "the command line is wrong"),
        (23, "a later transaction that is in force changed the same: undo that first"),
        (24, "only root may"),
        (28, "no such transaction, or nothing of it is left"),
        (50, "undoing failed: the card is CHANGED, and what is left to type is told"),
    ),
    run=_run,
)
