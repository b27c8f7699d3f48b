# SPDX-License-Identifier: GPL-2.0-or-later
"""How long until a machine of the lab takes commands, beside virtme-ng, which boots the same kernel on the same files.

Needs root, and what ``python -m lab missing`` names. virtme-ng: ``pip install virtme-ng``; without it the ratio is left out.
"""

import os
import pty
import shutil
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from lab import kernels, nics
from lab.disk_vm import DiskVM
from lab.kernel_vm import KernelVM
from lab.segment import Segment

RUNS = 3


def kernel_vm() -> None:
    """A kernel VM that answers."""
    with KernelVM():
        pass


def kernel_vm_with_card() -> None:
    """A kernel VM whose e1000e reaches the gateway; autonegotiation alone takes some 2.5 s."""
    with Segment() as segment, KernelVM() as machine:
        machine.add_nic(nics.find("e1000e"), segment)


def disk_vm_booted() -> None:
    """A disk VM that goes on from a finished boot, its card up."""
    with Segment() as segment, DiskVM("ifupdown", segment) as machine:
        machine.wait_up()


def disk_vm_from_power_on() -> None:
    """A disk VM from power-on through GRUB and systemd, its card up."""
    with Segment() as segment, DiskVM("ifupdown", segment, booted=False) as machine:
        machine.wait_up()


def virtme_ng() -> None:
    """The same kernel on the same file system by virtme-ng, which insists on a terminal."""
    command = ["vng", "--run", str(kernels.find().image), "--disable-kvm", "--cpus", "1", "--memory", "512M", "--exec", "true"]
    if pty.spawn(command, lambda terminal: os.read(terminal, 1024)):
        raise RuntimeError("vng failed")


def measure(what: Callable[[], None], runs: int) -> float:
    """Seconds, the median; the first run, which may have to fill the cache, does not count."""
    times = []
    for _ in range(runs + 1):
        began = time.monotonic()
        what()
        times.append(time.monotonic() - began)
    return statistics.median(times[1:])


def main() -> None:
    """Measure and print."""
    ours = measure(kernel_vm, RUNS)
    print(f"kernel VM, until it takes commands         {ours:6.1f} s")
    print(f"kernel VM, until its e1000e has a gateway  {measure(kernel_vm_with_card, RUNS):6.1f} s")
    print(f"disk VM, from a finished boot, card up     {measure(disk_vm_booted, RUNS):6.1f} s")
    print(f"disk VM, from power-on, card up            {measure(disk_vm_from_power_on, RUNS):6.1f} s")
    if shutil.which("vng"):
        theirs = measure(virtme_ng, RUNS)
        print(f"virtme-ng, until it takes a command, TCG   {theirs:6.1f} s   kernel VM / virtme-ng {ours / theirs:.2f}")
    else:
        print("virtme-ng is not installed (pip install virtme-ng): no ratio")


if __name__ == "__main__":
    main()
