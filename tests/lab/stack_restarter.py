# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs in a machine of the lab: carries out a change that begins anew, with the steps that put the stack back; prints what failed as JSON.

``stack_restarter.py INTERFACE REMEDY``; with ``put-back`` for the remedy only the stack's steps.
"""

import json
import sys
import time

from nicmedic.host.hands import HostHands
from nicmedic.host.machine import HostMachine
from nicmedic.model.finding import RemedyId
from nicmedic.model.plan import Refusal
from nicmedic.remedy.changes import restart
from nicmedic.remedy.changes.site import Site
from nicmedic.remedy.planning import build_identity
from nicmedic.remedy.script.words import render_step
from nicmedic.remedy.stack.losses import find_losses
from nicmedic.remedy.stack.put_back import build_put_back

MAKERS = {
    RemedyId.LINK_BOUNCE: restart.bounce_link,
    RemedyId.DRIVER_REBIND: restart.rebind_driver,
    RemedyId.MODULE_RELOAD: restart.reload_module,
    RemedyId.PCI_RESET: restart.reset_function,
    RemedyId.PCI_RESCAN: restart.rescan_bus,
}


def main() -> int:
    """See above."""
    interface, remedy = sys.argv[1:]
    host = HostMachine().read_host()
    nic = host.find_nic(interface)
    assert nic is not None, [one.interface for one in host.nics]
    put_back = build_put_back(host, nic)
    steps = put_back
    if remedy != "put-back":
        change = MAKERS[RemedyId(remedy)](Site(nic=nic, host=host, put_back=put_back, told=True), "")
        assert not isinstance(change, Refusal), change.reasons
        steps = change.steps
    hands, identity, began = HostHands(), build_identity(nic), time.monotonic()
    failed, slow = [], []
    for step in steps:
        start = time.monotonic()
        outcome = hands.apply_step(step, identity)
        line = render_step(step, interface)
        if time.monotonic() - start > 2:
            slow.append(f"{time.monotonic() - start:.1f} s: {line}")
        if not outcome.ok:
            failed.append(f"{line}: {outcome.said}")
    seconds = time.monotonic() - began
    json.dump({"failed": failed, "losses": find_losses(host, nic), "steps": len(steps), "seconds": seconds, "slow": slow}, sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())
