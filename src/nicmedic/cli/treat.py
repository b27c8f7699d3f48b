# SPDX-License-Identifier: GPL-2.0-or-later
"""``nicmedic treat``: change a card now, so that the host cannot be lost by it."""

import argparse
import os
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

from nicmedic.cli.declare import Argument, Command, Example, Offer
from nicmedic.cli.plan import read_ladder

if TYPE_CHECKING:
    from nicmedic.app.treat import Edges, Finished, Wishes
    from nicmedic.model.host import Host
    from nicmedic.model.plan import Plan

__all__ = ["TREAT", "show_finished"]

_SHORTEST_S, _LONGEST_S = 10, 86_400
_ASK_HUNG_S = 0.5
"""A neighbour answers within milliseconds."""
_NO_ORDERS = 10
"""Whoever woke it up must not take that for a treatment that helped."""


def _read_wishes(arguments: argparse.Namespace) -> "Wishes":
    """How the operator wants it.

    Raises:
        UsageError: something on the command line makes no sense.
    """
    from nicmedic.app.treat import Wishes
    from nicmedic.cli.duration import parse_duration
    from nicmedic.model.errors import UsageError
    from nicmedic.model.transaction import Confirm

    if not arguments.remedy and arguments.ladder is None:
        hint = f"nicmedic plan {arguments.interface}   # which are possible"
        raise UsageError("what shall be done? --remedy ID names it, or --ladder restore tries what may help", hint=hint)
    if arguments.remedy and arguments.ladder is not None:
        raise UsageError("--remedy and --ladder: either, not both", hint=f"nicmedic plan {arguments.interface} --ladder {arguments.ladder}")
    if arguments.hung and arguments.ladder != "restore":
        raise UsageError("--hung goes with --ladder restore only", hint=f"nicmedic treat {arguments.interface} --ladder restore --hung")
    try:
        confirm = Confirm(arguments.confirm or Confirm.OPERATOR)
    except ValueError:
        raise UsageError(f"--confirm {arguments.confirm}: it is operator or probes", hint="--confirm probes") from None
    timeout_s = int(parse_duration("--timeout", arguments.timeout or "120s", _SHORTEST_S, _LONGEST_S))
    hold_s = parse_duration("--hold", arguments.hold if arguments.hold and arguments.ladder != "prevent" else "3s", 0, timeout_s)
    wishes = Wishes(timeout_s=timeout_s, confirm=confirm, hold_s=hold_s, probes=tuple(arguments.probe or ()))
    return replace(wishes, ask_s=_ASK_HUNG_S) if arguments.hung else wishes


def _plan(arguments: argparse.Namespace, host: "Host") -> "Plan":
    from nicmedic.host.knowledge import read_knowledge
    from nicmedic.host.sysfs import Folder
    from nicmedic.host.tools import find_tools
    from nicmedic.remedy.planning import TOOLS, build_plan

    return build_plan(
        host,
        arguments.interface,
        arguments.remedy,
        knowledge=read_knowledge(),
        tools=find_tools(TOOLS),
        accept_losses=arguments.accept_losses,
        machine_id=Folder("/").text("etc/machine-id"),
    )


def show_finished(edges: "Edges", finished: "Finished", *, as_json: bool) -> None:
    """Print how it stands. That nobody may be there to read it any more changes nothing of that."""
    from nicmedic.cli.output import read_style
    from nicmedic.cli.streams import turn_away, write_answer
    from nicmedic.model.errors import NicmedicError

    transaction, left_s = finished.transaction, edges.store.read_seconds_left(finished.transaction)
    if as_json:
        from nicmedic.report.transactions_json import render_transactions_json

        known = render_transactions_json([transaction], {transaction.id: left_s}, results=finished.results, warnings=finished.warnings)
        text = known + "\n"
    else:
        from nicmedic.report.transactions_text import render_decided

        text = render_decided(
            transaction,
            finished.state,
            read_style(),
            left_s=left_s,
            results=finished.results,
            detail=finished.judgement.text,
            warnings=finished.warnings,
        )
    try:
        write_answer(text)
    except (BrokenPipeError, NicmedicError):
        turn_away(sys.stdout)


def _run(arguments: argparse.Namespace) -> int:
    from nicmedic.cli.edges import build_host_edges, demand_root, has_terminal

    demand_root("change a card")
    if os.environ.get("NICMEDIC_GO"):
        from nicmedic.cli.stand_by import await_orders

        orders = await_orders()
        if orders is None:
            return _NO_ORDERS
        arguments = orders
    from nicmedic.app.treat import carry_out
    from nicmedic.host.owners import with_owners
    from nicmedic.model.transaction import State

    ladder = read_ladder(arguments.ladder)
    wishes = _read_wishes(arguments)
    edges = build_host_edges()
    if ladder is not None:
        from nicmedic.cli.ladder import climb_ladder, show_climbed

        show_climbed(climb_ladder(arguments, edges, wishes, ladder), arguments.interface, as_json=arguments.json)
        return 0
    host = with_owners(edges.machine.read_host())
    finished = carry_out(_plan(arguments, host), host, edges, wishes)
    show_finished(edges, finished, as_json=arguments.json)
    if finished.state is State.WAITING and has_terminal() and not arguments.json:
        from nicmedic.cli.countdown import await_decision

        return await_decision(edges, finished.transaction.id)
    return 0


TREAT = Command(
    name="treat",
    summary="change a network card now, and take it back unless that is confirmed",
    description="""\
Carries out remedies on a network card of this host, one after the other, over the very connection that may be dying. Before anything is changed, \
the plan, the evidence and a shell script that undoes it are on disk, and a dead-man's switch runs that script when the time is over, whatever \
became of this session and this process: a transient timer of systemd, or a shell of its own. Each change is read back. Then the probes run; only \
what passed before may fail. What fails is undone at once.

It stays only if somebody confirms: you, over this card, by typing keep here or nicmedic confirm in any login; or the probes, with --confirm probes. \
Nothing outlives a boot. Without a terminal nothing waits for input: it returns as soon as you could confirm.

nicmedic plan shows beforehand what would be done.""",
    arguments=(
        Argument(("interface",), "the card: its name, an alternative name, its alias or its bus address", "IF", offer=Offer.INTERFACES),
        Argument(
            ("--remedy",),
            "carry out this remedy, such as offload-off:tso,gso or mtu:1400; may come several times",
            "ID[:ARG]",
            repeats=True,
        ),
        Argument(
            ("--ladder",),
            "restore: try what brings traffic back, or prevent: find what keeps it from hanging; the probes confirm",
            "LADDER",
        ),
        Argument(("--timeout",), "undo after so long without a confirmation (default: 120s)", "TIME"),
        Argument(
            ("--probe",),
            "probe also, or none of a kind: ping:ADDRESS, tcp:HOST:PORT, gateway:ADDRESS, none:KIND; may come several times",
            "PROBE",
            repeats=True,
        ),
        Argument(("--confirm",), "who confirms: operator (the default) or probes", "WHO"),
        Argument(
            ("--hold",),
            "so long the probes must pass without a break (default: 3s); with --ladder prevent: so long must each setting hold without a hang",
            "TIME",
        ),
        Argument(("--hung",), "with --ladder restore: you have just seen that nothing is sent; ask for half a second only", flag=True),
        Argument(("--accept-losses",), "do it also where something could not be put back wholly, or is known to be dangerous", flag=True),
        Argument(("--json",), "print one JSON document, schema nicmedic.transactions/1", flag=True),
    ),
    examples=(
        Example("nicmedic treat eth0 --remedy offload-off:tso,gso", "switch two offloads off; confirm within two minutes"),
        Example("nicmedic treat eth0 --ladder restore", "it hangs: bring traffic back"),
        Example(
            "nicmedic treat eth0 --ladder prevent --hold 30m", "find the mildest setting with which it does not hang within half an hour"
        ),
        Example("nicmedic treat eth0 --remedy link-advertise-100 --confirm probes", "let the probes decide, as a script would"),
        Example("nicmedic treat eth0 --remedy mtu:1400 --probe tcp:192.0.2.7:22 --timeout 5m", "with a test of your own"),
    ),
    exit_statuses=(
        (0, "the card is changed: confirmed, or waiting for you"),
        (2, "the command line is wrong; nothing was changed"),
        ("22-27", "it could not be begun; nothing was changed"),
        (40, "it failed, and the card is as it was"),
        (41, "traffic did not come back, and the card is as it was"),
        (42, "nobody confirmed, or it was interrupted; the card is as it was"),
        (43, "no rung of the ladder helped, and the card is as it was"),
        (44, "it took longer than --timeout gives it, and the card is as it was"),
        (50, "undoing failed: the card is CHANGED, and what is left to type is told"),
    ),
    run=_run,
)
