# SPDX-License-Identifier: GPL-2.0-or-later
"""The guest's processors are busy with something more important."""

from typing import ClassVar

from lab.agent import Job
from lab.faults.base import Fault
from lab.machine import Machine

__all__ = ["CpuStarved"]

PERIOD_US = 1_000_000
LIMIT = "/proc/sys/kernel/sched_rt_runtime_us"


class CpuStarved(Fault):
    """Leave all ordinary tasks of the guest only a share of its processors: real-time tasks spin on each for the rest.

    Args:
        left_percent: What is left for the others.
    """

    name: ClassVar[str] = "cpu-starved"

    def __init__(self, *, left_percent: int = 5) -> None:
        self._left_percent = left_percent
        self._hogs: list[Job] = []

    def set(self, machine: Machine) -> None:
        machine.sh(f"echo {PERIOD_US * (100 - self._left_percent) // 100} >{LIMIT}")
        for cpu in range(int(machine.check("nproc"))):
            self._hogs.append(machine.start("taskset", "-c", str(cpu), "chrt", "-f", "10", "sh", "-c", "while :; do :; done"))

    def clear(self, machine: Machine) -> None:
        while self._hogs:
            self._hogs.pop().kill()
        machine.sh(f"echo {PERIOD_US * 95 // 100} >{LIMIT}")
