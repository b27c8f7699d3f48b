# SPDX-License-Identifier: GPL-2.0-or-later
"""From the fault to the first ping that is answered again: the driver alone, a ping watchdog from cron, and ``treat --ladder restore``.

In the lab: a guest under a flood of pings whose card may no longer reach memory (bus master off). Needs root, and what ``python -m lab missing``
names. A flood by UDP would keep the emulated processor busy with a card that takes nothing, which measures that processor.

The ping watchdog is the usual script: each minute three pings to the gateway, and the driver loaded anew where none is answered. It is given its
mean luck (the fault comes half a minute before its next look), and configures the card again without any network manager in the way.
nicmedic is typed at the moment of the fault, Python's start included, and is compiled as an installed one is; waiting for somebody to notice
counts for nobody. All by the guest's own clock, which counts its instructions (lab.kernel_vm, ``steady``): load of this machine changes nothing,
and the guest has a tenth of the speed of a present processor.
"""

import compileall
import contextlib
import sys
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import nicmedic
from lab import faults, nics
from lab.errors import LabError
from lab.kernel_vm import KernelVM
from lab.segment import GATEWAY, PARTNER, Segment

PATIENCE_S = 120
WATCHDOG = """sleep 30; while :; do
    ping -n -q -c 3 -W 1 {gateway} >/dev/null || {{ modprobe -r {driver}; modprobe {driver}; sleep 1; ip -batch /run/lab/again; }}
    sleep 60
done"""


def read_uptime_s(machine: KernelVM) -> float:
    """Of the guest's clock."""
    return float(machine.read("/proc/uptime").split()[0])


def nothing(_machine: KernelVM) -> None:
    """The driver's own reset, and whatever else the kernel does."""


def watchdog(machine: KernelVM) -> None:
    """A script that pings once a minute."""
    machine.write_share("again", machine.configuration())
    machine.start("sh", "-c", WATCHDOG.format(gateway=GATEWAY, driver=machine.nic.driver))


def treat(machine: KernelVM) -> None:
    """What a person types who notices at once."""
    machine.start(sys.executable, "-m", "nicmedic", "treat", "eth0", "--ladder", "restore", "--hung")


def measure(nic: str, what: Callable[[KernelVM], None]) -> float | None:
    """Seconds without an answer; None: none came in time."""
    with Segment() as segment, KernelVM(memory_mb=768, steady=True) as machine:
        machine.add_nic(nics.find(nic), segment)
        with segment.probe() as probe:
            probe.wait_back(60)
            machine.start("ping", "-n", "-q", "-f", "-l", "100", "-s", "1400", PARTNER, capture=False)
            faults.find("bus-master-off")().set(machine)
            began_s = read_uptime_s(machine)
            what(machine)
            lost = probe.wait_lost(60)
            while read_uptime_s(machine) < began_s + PATIENCE_S:
                with contextlib.suppress(LabError):
                    probe.wait_back(2, after=lost)
                    return read_uptime_s(machine) - began_s
            return None


def main() -> None:
    """Measure and print."""
    for folder in nicmedic.__path__:
        compileall.compile_dir(folder, quiet=1)
    print(f"{'seconds without an answer':30}{'driver alone':>14}{'ping watchdog':>15}{'nicmedic':>10}   nicmedic / watchdog")
    for nic in ("e1000e", "8139cp"):
        alone, theirs, ours = (measure(nic, what) for what in (nothing, watchdog, treat))
        shown = [f"{seconds:.1f}" if seconds is not None else f"> {PATIENCE_S}" for seconds in (alone, theirs, ours)]
        ratio = f"{ours / theirs:.2f}" if ours is not None and theirs is not None else "-"
        print(f"{nic:30}{shown[0]:>14}{shown[1]:>15}{shown[2]:>10}   {ratio}")


if __name__ == "__main__":
    main()
