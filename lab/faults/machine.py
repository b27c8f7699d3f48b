# SPDX-License-Identifier: GPL-2.0-or-later
"""The machine as a whole: standing still, or without power."""

from typing import ClassVar

from lab.faults.base import Fault
from lab.machine import Machine

__all__ = ["Paused", "PowerCut"]


class Paused(Fault):
    """The hypervisor stops the whole machine, and lets it go on."""

    name: ClassVar[str] = "paused"

    def set(self, machine: Machine) -> None:
        machine.qemu.ask("stop")

    def clear(self, machine: Machine) -> None:
        machine.qemu.ask("cont")


class PowerCut(Fault):
    """The power goes. What the guest had not written to its disk is lost; a kernel VM has no disk and is gone.

    To cut it between two writes exactly, let the guest do it: ``sh GUEST_FILES/power-cut`` (see ``Machine.guest_files``).
    """

    name: ClassVar[str] = "power-cut"

    def set(self, machine: Machine) -> None:
        machine.qemu.kill()

    def clear(self, machine: Machine) -> None:
        machine.power_on()
