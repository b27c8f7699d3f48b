# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs in a machine of the lab: carries out every change of a setting that its card takes, reads it again, undoes it twice; prints JSON.

``setting_changer.py INTERFACE ID[:ARG]…``; one row a remedy: what failed, what differed, what was left behind.
"""

import dataclasses
import json
import sys
import time
from collections.abc import Iterable

from nicmedic.host.hands import HostHands
from nicmedic.host.knowledge import SHIPPED_FOLDER, read_knowledge
from nicmedic.host.machine import HostMachine
from nicmedic.model.host import Host
from nicmedic.model.nic import Nic
from nicmedic.model.plain import to_plain
from nicmedic.model.plan import Identity, Setting
from nicmedic.model.step import Step
from nicmedic.remedy.planning import build_plan
from nicmedic.remedy.script.words import render_step
from nicmedic.remedy.settings import find_differences

KEPT = ("mtu", "features", "eee", "ring", "coalesce", "pause", "channels", "power", "private_flags", "wol")
PATIENCE_S = 20


def look(interface: str) -> tuple[Nic, Host]:
    """The card now."""
    host = HostMachine().read_host()
    nic = host.find_nic(interface)
    assert nic is not None
    return nic, host


def carry_out(steps: Iterable[Step], identity: Identity) -> list[str]:
    """What failed, of what must not."""
    hands, failed = HostHands(), []
    for step in steps:
        outcome = hands.apply_step(step, identity)
        if not outcome.ok and getattr(step, "needed", True):
            failed.append(f"{render_step(step, identity.interface)}: {outcome.said}")
    return failed


def wait_for(settings: tuple[Setting, ...], interface: str) -> list[str]:
    """What still differs when the link has had its time."""
    until = time.monotonic() + PATIENCE_S
    while True:
        nic, host = look(interface)
        different = find_differences(settings, nic, host)
        if (not different and nic.carrier) or time.monotonic() > until:
            return list(different)


def settings_of(interface: str) -> dict[str, object]:
    """All that is set on the card, as it is kept in a snapshot."""
    nic, host = look(interface)
    link = None if nic.link is None else dataclasses.replace(nic.link, lp_advertised=None, speed_mbps=None, duplex=None)
    files = None if nic.pcie is None else nic.pcie.link_files
    affinity = [(one.number, one.affinity) for one in nic.interrupts or ()]
    above = [(link.interface, link.mtu) for link in host.links]
    return {name: to_plain(getattr(nic, name)) for name in KEPT} | {
        "link": to_plain(link),
        "link_files": to_plain(files),
        "affinity": affinity,
        "above": above,
    }


def main() -> int:
    """See above."""
    interface, wanted = sys.argv[1], sys.argv[2:]
    knowledge = read_knowledge(SHIPPED_FOLDER / "no-such-folder")
    before = settings_of(interface)
    rows: dict[str, dict[str, object]] = {}
    for remedy in wanted:
        _, host = look(interface)
        plan = build_plan(host, interface, [remedy], knowledge=knowledge, accept_losses=True)
        if not plan.changes:
            rows[remedy] = {"refused": [reason for refusal in plan.refusals for reason in refusal.reasons]}
            continue
        (change,) = plan.changes
        failed = carry_out(change.steps, plan.nic)
        row: dict[str, object] = {"failed": failed, "differs": wait_for(change.wanted, interface)}
        row["undo_failed"] = carry_out(change.undo * 2, plan.nic)
        row["undo_differs"] = wait_for(change.before, interface)
        after = settings_of(interface)
        row["left"] = {name: (before[name], after[name]) for name in before if before[name] != after[name]}
        rows[remedy] = row
    json.dump(rows, sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())
