# SPDX-License-Identifier: GPL-2.0-or-later
"""``nicmedic plan``: what would be done to a card, how it would be undone, what it risks, and what is refused and why."""

import argparse
from typing import TYPE_CHECKING

from nicmedic.cli.declare import Argument, Command, Example, Offer

if TYPE_CHECKING:
    from nicmedic.model.host import Host
    from nicmedic.model.plan import Ladder

__all__ = ["PLAN", "read_ladder"]


def read_ladder(text: str | None) -> "Ladder | None":
    """What stands after ``--ladder``.

    Raises:
        UsageError: it is neither of the two.
    """
    from nicmedic.model.errors import UsageError  # --help must not wait for these
    from nicmedic.model.plan import Ladder

    try:
        return None if text is None else Ladder(text)
    except ValueError:
        raise UsageError(f"--ladder {text}: it is restore or prevent", hint="nicmedic plan IF --ladder restore") from None


def _read_host(source: str | None) -> "tuple[Host, frozenset[str] | None, str | None]":
    """The host, its programs and its machine id; of a saved one only the first."""
    if source is not None:
        from nicmedic.host.saved import read_saved

        return read_saved(source).host, None, None
    from nicmedic.host.machine import HostMachine
    from nicmedic.host.owners import with_owners
    from nicmedic.host.sysfs import Folder
    from nicmedic.host.tools import find_tools
    from nicmedic.remedy.planning import TOOLS

    return with_owners(HostMachine().read_host()), find_tools(TOOLS), Folder("/").text("etc/machine-id")


def _run(arguments: argparse.Namespace) -> int:
    from nicmedic.cli.output import read_style
    from nicmedic.cli.streams import write_answer
    from nicmedic.host.knowledge import read_knowledge
    from nicmedic.model.errors import RefusedError
    from nicmedic.remedy.planning import EVERYTHING, build_plan

    ladder = read_ladder(arguments.ladder)
    host, tools, machine_id = _read_host(arguments.source)
    overview = not arguments.remedy and ladder is None
    plan = build_plan(
        host,
        arguments.interface,
        EVERYTHING if overview else arguments.remedy or (),
        knowledge=read_knowledge(),
        ladder=ladder,
        tools=tools,
        accept_losses=arguments.accept_losses,
        machine_id=machine_id,
    )
    if arguments.json:
        from nicmedic.report.plan_json import render_plan_json

        write_answer(render_plan_json(plan) + "\n")
    else:
        from nicmedic.report.plan_text import render_plan_overview, render_plan_text

        style = read_style()
        text = render_plan_overview(plan, style) if overview else render_plan_text(plan, style, accepted=arguments.accept_losses)
        write_answer(text)
    return 0 if plan.changes or overview else RefusedError.code


PLAN = Command(
    name="plan",
    summary="show what a remedy would do to a card, its undo and its risk; change nothing",
    description="""\
Shows what treat would do to a network card: the exact commands, those that undo them, how long traffic may be away, what may go wrong, and what \
stands on the card and would be put back. What is refused has its reasons, and the commands that show or lift them. Nothing is changed.

Without --remedy and --ladder it tells in a line each which remedies are possible on this card as it is now.""",
    arguments=(
        Argument(("interface",), "the card: its name, an alternative name, its alias or its bus address", "IF", offer=Offer.INTERFACES),
        Argument(
            ("--remedy",),
            "plan this remedy, such as offload-off:tso,gso or mtu:1400; may come several times",
            "ID[:ARG]",
            repeats=True,
        ),
        Argument(("--ladder",), "plan all rungs: restore (traffic back now) or prevent (so that it does not come back)", "restore|prevent"),
        Argument(("--accept-losses",), "plan also what could not be put back wholly, or is known to be dangerous", flag=True),
        Argument(("--json",), "print one JSON document, schema nicmedic.plan/1", flag=True),
        Argument(
            ("--from",),
            "plan for another host: a snapshot, a sosreport, or a folder with a copy of its files",
            "FILE|DIR",
            dest="source",
            offer=Offer.FILES,
        ),
    ),
    examples=(
        Example("nicmedic plan eth0", "which remedies are possible here"),
        Example("nicmedic plan eth0 --remedy link-advertise-100", "one of them, in full"),
        Example("nicmedic plan eth0 --ladder restore", "what would be tried, in which order, to get traffic back"),
    ),
    exit_statuses=(
        (0, "there is something that could be done"),
        (2, "the command line is wrong"),
        (11, "the snapshot cannot be read"),
        (21, "what was named after --from is neither a snapshot nor a sosreport"),
        (22, "there is no such network card"),
        (23, "all that was asked for is refused"),
    ),
    run=_run,
)
