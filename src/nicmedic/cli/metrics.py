# SPDX-License-Identifier: GPL-2.0-or-later
"""``nicmedic metrics``: incidents and cards as Prometheus reads them, once."""

import argparse
from typing import TYPE_CHECKING

from nicmedic.cli.declare import Argument, Command, Example, Offer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nicmedic.model.incident import Incident

__all__ = ["METRICS"]


def _read_text(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:  # noqa: PTH123  # the kernel's, and our own
            return file.read()
    except OSError:
        return ""


def _close_old(incidents: "Sequence[Incident]", boot_id: str) -> "Sequence[Incident]":
    """What a boot has ended, though nobody has written that down yet, is not open."""
    import dataclasses

    return [
        dataclasses.replace(one, ended=one.detected, ended_why="boot") if one.ended is None and one.boot_id != boot_id else one
        for one in incidents
    ]


def _measure() -> dict[str, float]:
    from nicmedic import __version__
    from nicmedic.host.clock import read_now
    from nicmedic.host.sysfs import Folder
    from nicmedic.host.tx_timeouts import read_tx_timeouts
    from nicmedic.host.watching.teller import METRICS_FILE
    from nicmedic.report.incident_tally import IncidentTally
    from nicmedic.report.metrics_text import parse_metrics, render_label
    from nicmedic.store import HostIncidents

    store = HostIncidents(read_only=True)
    incidents = store.list_incidents() if store.exists() else ()
    tally = IncidentTally(_close_old(incidents, _read_text("/proc/sys/kernel/random/boot_id").strip()))
    values = {f"nicmedic_build_info{{{render_label('version', __version__)}}}": 1.0}
    for name, count in read_tx_timeouts(Folder("/").folder("sys/class/net")).items():
        interface = render_label("interface", name)
        values[f"nicmedic_hung{{{interface}}}"] = 0.0
        if count is not None:
            values[f"nicmedic_tx_timeouts_total{{{interface}}}"] = float(count)
    values.update(parse_metrics(_read_text(METRICS_FILE), prefix="nicmedic_watch_"))
    return {**values, **tally.read_values(read_now().timestamp())}


def _run(arguments: argparse.Namespace) -> int:
    from nicmedic.cli.streams import write_answer
    from nicmedic.report.metrics_text import render_metrics

    text = render_metrics(_measure())
    if arguments.output is None:
        write_answer(text)
        return 0
    from nicmedic.host.files import write_file
    from nicmedic.model.errors import StateError, UnwritableOutputError

    try:
        write_file(arguments.output, text, 0o644, sync=False)
    except StateError as error:
        raise UnwritableOutputError(error.message, hint=error.hint.partition("   #")[0]) from None
    return 0


METRICS = Command(
    name="metrics",
    summary="print incidents and cards as metrics for Prometheus",
    description="""\
Prints once, in the text format of Prometheus, what is there: incidents by card and verdict, seconds without traffic, what was done, expiries of the \
kernel's transmit watchdog, and what the watcher last said of itself. nicmedic watch writes the same four times a minute where metrics_file of its \
policy says; this is for a look, and for hosts without the watcher. Nothing is changed.

docs/watch.md lists the metrics; examples/monitoring has alert rules and a dashboard.""",
    arguments=(
        Argument(("--output", "-o"), "write them to this file, whole or not at all (default: standard output)", "FILE", offer=Offer.FILES),
    ),
    examples=(
        Example("nicmedic metrics", "what there is to tell"),
        Example("nicmedic metrics -o /var/lib/prometheus/node-exporter/nicmedic.prom", "for prometheus-node-exporter, out of cron"),
    ),
    exit_statuses=(
        (0, "printed"),
        (2, "the command line is wrong"),
        (20, "the file cannot be written"),
        (27, "the incidents cannot be read"),
    ),
    run=_run,
)
