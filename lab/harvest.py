# SPDX-License-Identifier: GPL-2.0-or-later
"""Records what the kernel itself prints of each card and fault, as labelled cases for ``explain``.

A case is a folder ``tests/cases/lab/KERNEL-NIC-FAULT`` with ``dmesg.log`` (the whole kernel log) and ``label.json``: what
the lab did, and which of the kernel's known words a plain search finds in the log. To record one anew, remove it.
What ``explain`` makes of a log is not in its label; tests/unit/kernlog/test_lab_cases.py compares the two.
"""

import json
import re
import time
from pathlib import Path

from lab import faults, kernels, nics
from lab.errors import LabError
from lab.kernel_vm import KernelVM
from lab.machine import Machine
from lab.nics import Nic
from lab.segment import PARTNER, Segment

__all__ = ["CASES", "run"]

CASES = Path(__file__).parents[1] / "tests" / "cases" / "lab"
# What each fault is given to show itself, in seconds. Under all but "healthy" and "idle" the guest sends a flood.
FAULTS = {"healthy": 8, "bus-master-off": 14, "idle": 12, "interrupt-lost": 14, "link-down": 4, "driver-reload": 2}
HANGSIM_FAULTS = ("healthy", "bus-master-off")  # the latter stands for "hangs", by its own parameter
WATCHDOG = re.compile(r"NETDEV WATCHDOG: ")
HANG = re.compile(r"Detected (Tx|Hardware) Unit Hang")


def run(*, only: str = "") -> int:
    """Record all cases that are not there yet and whose name holds the word; print one line each.

    Raises:
        LabError: if a machine does not come to be.
    """
    for version in kernels.span():
        for nic in (*nics.NICS, nics.HANGSIM):
            for fault in _faults(nic) if version == kernels.default_version() else ("bus-master-off",):
                name = f"{version}-{nic.name}-{fault}"
                if only in name and not (CASES / name).exists():
                    _record(name, version, nic, fault)
    return 0


def _faults(nic: Nic) -> tuple[str, ...]:
    if nic is nics.HANGSIM:
        return HANGSIM_FAULTS
    return tuple(fault for fault in FAULTS if fault != "link-down" or nic.sees_link)


def _record(name: str, version: str, nic: Nic, fault: str) -> None:
    with Segment() as segment, KernelVM(kernel=version) as machine:
        if nic is nics.HANGSIM:
            machine.add_hangsim(segment, after_s=-1)
        else:
            machine.add_nic(nic, segment)
        _suffer(machine, fault)
        log = machine.kernel_log()
        package = re.search(r"Debian (\S+)", machine.check("uname", "-v"))
        lines = log.splitlines()
        watchdogs = [number for number, line in enumerate(lines, 1) if WATCHDOG.search(line)]
        unit_hangs = [number for number, line in enumerate(lines, 1) if HANG.search(line)]
        label = {
            "nic": nic.name,
            "driver": nic.driver,
            "interface": machine.interface,
            "bus_address": machine.bus_address,
            "fault": fault,
            "kernel_release": version,
            "kernel_package_version": package[1] if package else None,
            "watchdog_lines": watchdogs,
            "unit_hang_lines": unit_hangs,
        }
    folder = CASES / name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "dmesg.log").write_text(log, encoding="utf-8")
    (folder / "label.json").write_text(json.dumps(label, indent=2) + "\n", encoding="utf-8")
    print(f"{name}: {len(watchdogs)} watchdog lines, {len(unit_hangs)} unit hangs", flush=True)


def _suffer(machine: Machine, name: str) -> None:
    """Let the fault act for its time."""
    if name == "idle":
        faults.find("bus-master-off")().set(machine)
        machine.run("ping", "-n", "-q", "-c", "1", "-W", "1", PARTNER)
        time.sleep(FAULTS[name])
        return
    machine.flood(PARTNER, seconds=60)
    if name == "healthy":
        time.sleep(FAULTS[name])
        return
    if name == "bus-master-off" and machine.nic is nics.HANGSIM:
        machine.sh("echo 1 >/sys/module/hangsim/parameters/hang")
    else:
        fault = faults.find(name)()
        fault.set(machine)
        time.sleep(FAULTS[name])
        if name in {"link-down", "driver-reload"}:
            fault.clear(machine)
    time.sleep(FAULTS[name] if machine.nic is nics.HANGSIM else 3)
    if not machine.qemu.alive:
        raise LabError(f"QEMU died under {name}")
