# SPDX-License-Identifier: GPL-2.0-or-later
"""``nicmedic snapshot``: keep everything that is known of this host now, before the next freeze or reboot takes it away."""

import argparse
import sys

from nicmedic.cli.declare import Argument, Command, Example, Offer

__all__ = ["SNAPSHOT"]


def _run(arguments: argparse.Namespace) -> int:
    from nicmedic.app.snapshot import take_snapshot  # --help must not wait for these
    from nicmedic.cli.output import Progress, read_style
    from nicmedic.cli.streams import write_answer
    from nicmedic.host.archive_writer import HostArchives
    from nicmedic.host.clock import HostClock
    from nicmedic.host.machine import HostMachine
    from nicmedic.host.owners import with_owners
    from nicmedic.report.snapshot_text import render_snapshot_text

    with Progress(sys.stderr) as progress:
        written = take_snapshot(
            HostMachine(),
            HostClock(),
            HostArchives(),
            with_owners,
            path=arguments.output,
            scrub=arguments.scrub,
            on_progress=progress.show,
        )
    write_answer(render_snapshot_text(written, read_style()))
    return 0


SNAPSHOT = Command(
    name="snapshot",
    summary="save everything that is known of this host and its network cards in one file",
    description="""\
Saves in one archive, within seconds and synced to disk: all that check reads, two looks at the counters, the kernel logs of this boot and the last \
ones, the configuration of the network managers (secrets taken out), what /proc and /sys hold about the cards, and the history of kernels and \
packages. The network is not needed. explain and check --from read it, on any machine.

What could not be read is noted inside and never stops it. Nothing on the machine is changed but the file that is written.""",
    arguments=(
        Argument(("--output", "-o"), "the file to write (default: nicmedic-HOST-TIME.tar.gz in this folder)", "FILE", offer=Offer.FILES),
        Argument(
            ("--scrub",),
            "replace addresses, names and serial numbers consistently; what stands for what is kept in a file beside it",
            flag=True,
        ),
    ),
    examples=(
        Example("nicmedic snapshot", "before the reboot"),
        Example("nicmedic snapshot --scrub -o report.tar.gz", "to be shown to others"),
    ),
    exit_statuses=(
        (0, "the archive is on disk"),
        (2, "the command line is wrong"),
        (20, "it cannot be written; nothing is left behind"),
    ),
    run=_run,
)
