# SPDX-License-Identifier: GPL-2.0-or-later
"""``nicmedic treat --ladder``: climb until traffic flows, or until the card does not hang any more."""

import argparse
import dataclasses
import sys
from collections.abc import Sequence

from nicmedic.app.ladder import Climb, Climbed, History, climb_prevent, climb_restore
from nicmedic.app.treat import Edges, Wishes
from nicmedic.cli.duration import parse_duration
from nicmedic.host.knowledge import read_knowledge
from nicmedic.host.owners import with_owners
from nicmedic.host.sysfs import Folder
from nicmedic.host.tools import find_tools
from nicmedic.knowledge.base import KnowledgeBase
from nicmedic.model.errors import NicmedicError
from nicmedic.model.host import Host
from nicmedic.model.plan import Identity, Ladder, Plan
from nicmedic.model.same_card import is_same_kind
from nicmedic.remedy.ladder import Earlier, Rung
from nicmedic.remedy.planning import TOOLS, build_plan, choose_nic, find_trials, order_rungs

__all__ = ["climb_ladder", "show_climbed"]

_SHORTEST_HOLD_S, _LONGEST_HOLD_S = 5, 7 * 86_400


class _Planner:
    """Plans ladders for one card of this host."""

    def __init__(self, name: str, knowledge: KnowledgeBase, *, accept_losses: bool) -> None:
        self._name, self._knowledge, self._accept_losses = name, knowledge, accept_losses
        self._tools, self._machine_id = find_tools(TOOLS), Folder("/").text("etc/machine-id")

    def __call__(self, host: Host, ladder: Ladder, earlier: Sequence[tuple[Identity, Earlier]]) -> tuple[Plan, tuple[Rung, ...]]:
        """A plan of all rungs that are possible, and the rungs in their order; what was tried on such a card before counts."""
        nic = choose_nic(host, self._name)
        here = tuple(one for card, one in earlier if is_same_kind(card, nic))
        plan = build_plan(
            with_owners(host),
            self._name,
            (),
            knowledge=self._knowledge,
            ladder=ladder,
            tools=self._tools,
            accept_losses=self._accept_losses,
            earlier=here,
            machine_id=self._machine_id,
        )
        return plan, order_rungs(ladder, plan.changes, find_trials(nic, self._knowledge), here, nic)


def climb_ladder(arguments: argparse.Namespace, edges: Edges, wishes: Wishes, ladder: Ladder) -> Climbed:
    """Climb as the command line says.

    Raises:
        NicmedicError: as ``climb_restore`` and ``climb_prevent`` raise it.
    """
    knowledge = read_knowledge()
    climb = Climb(
        name=arguments.interface,
        make_rungs=_Planner(arguments.interface, knowledge, accept_losses=arguments.accept_losses),
        wishes=wishes,
    )
    if ladder is Ladder.RESTORE:
        return climb_restore(edges, climb)
    hold_s = parse_duration("--hold", arguments.hold, _SHORTEST_HOLD_S, _LONGEST_HOLD_S) if arguments.hold else None
    return climb_prevent(edges, dataclasses.replace(climb, hold_s=hold_s, history=_read_history(arguments.interface, edges, knowledge)))


def _read_history(name: str, edges: Edges, knowledge: KnowledgeBase) -> History:
    """Hangs of this card that the kernel's log of this boot tells of."""
    from nicmedic.app.check import read_boot_log  # who restores must not wait for it
    from nicmedic.host.logs import HostLogs

    host = edges.machine.read_host()
    log = read_boot_log(host, choose_nic(host, name), HostLogs(), knowledge)
    return History(hangs=len(log.hangs), hours=(host.uptime_s or 0.0) / 3600)


def show_climbed(climbed: Climbed, name: str, *, as_json: bool) -> None:
    """Print how it ended. That nobody may be there to read it any more changes nothing of that."""
    from nicmedic.cli.output import read_style  # traffic must not wait for these
    from nicmedic.cli.streams import turn_away, write_answer
    from nicmedic.report.ladder_text import render_climbed
    from nicmedic.report.transactions_json import render_transactions_json

    finished = climbed.finished
    if as_json:
        known = () if finished is None else (finished.transaction,)
        results = () if finished is None else finished.results
        text = render_transactions_json(known, {}, results=results, ladder=climbed.outcome) + "\n"
    else:
        style = read_style()
        text = render_climbed(climbed.outcome, name, None if finished is None else finished.transaction, style)
    try:
        write_answer(text)
    except (BrokenPipeError, NicmedicError):
        turn_away(sys.stdout)
