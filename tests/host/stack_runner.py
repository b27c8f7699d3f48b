# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs in a network namespace: reads the host with one interface taken for a card, destroys it by a shell script, and puts back what stood on it.

``stack_runner.py INTERFACE DESTROY AGAIN``: prints JSON: the steps that failed, the losses, and what ``ip monitor`` saw in a second round, in
which nothing is left to do.
"""

import json
import subprocess
import sys
import time

from nicmedic.host import machine
from nicmedic.host.hands import HostHands
from nicmedic.host.machine import HostMachine
from nicmedic.host.sysfs import Folder
from nicmedic.model.plan import Identity
from nicmedic.model.step import Step
from nicmedic.remedy.script.words import render_step
from nicmedic.remedy.stack.losses import find_losses
from nicmedic.remedy.stack.put_back import build_put_back


def carry_out(steps: tuple[Step, ...], interface: str) -> list[str]:
    """The steps that failed, with what was said."""
    hands, nic = HostHands(), Identity(interface=interface)
    told = []
    for step in steps:
        outcome = hands.apply_step(step, nic)
        if not outcome.ok:
            told.append(f"{render_step(step, interface)}: {outcome.said}")
    return told


def main() -> int:
    """See above."""
    interface, destroy = sys.argv[1:]

    def is_card(folder: Folder) -> bool:
        return folder.path.endswith(f"/{interface}")

    setattr(machine, "is_nic", is_card)  # noqa: B010  # a veth has no device; the module does not export it
    host = HostMachine().read_host()
    (nic,) = host.nics
    steps = build_put_back(host, nic)
    untouched = watch(steps, interface)
    subprocess.run(["sh", "-c", destroy], check=True, timeout=30)
    failed = carry_out(steps, interface)
    time.sleep(2.5)  # duplicate address detection
    again = watch(steps, interface)
    json.dump({"failed": failed, "losses": find_losses(host, nic), "untouched": untouched, "again": again}, sys.stdout)
    return 0


def watch(steps: tuple[Step, ...], interface: str) -> list[str]:
    """What the kernel tells of changes while the steps are carried out."""
    with subprocess.Popen(
        ["ip", "monitor", "link", "address", "route", "rule", "neigh", "nexthop"], stdout=subprocess.PIPE, text=True
    ) as monitor:
        time.sleep(0.3)
        failed = carry_out(steps, interface)
        time.sleep(0.3)
        monitor.terminate()
        out, _ = monitor.communicate(timeout=10)
    return [
        *failed,
        *(line for line in out.splitlines() if not any(word in line for word in ("REACHABLE", "STALE", "DELAY", "PROBE", "FAILED"))),
    ]


if __name__ == "__main__":
    sys.exit(main())
