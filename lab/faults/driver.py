# SPDX-License-Identifier: GPL-2.0-or-later
"""The driver goes, under whatever load there is, and comes back."""

from typing import ClassVar

from lab.faults.base import Fault
from lab.machine import Machine

__all__ = ["DriverReload"]


class DriverReload(Fault):
    """Unload the card's module; ``clear`` loads it again. Its addresses go with it, as on a real host."""

    name: ClassVar[str] = "driver-reload"

    def set(self, machine: Machine) -> None:
        machine.check("modprobe", "-r", machine.nic.module)

    def clear(self, machine: Machine) -> None:
        machine.check("modprobe", machine.nic.module, *machine.nic.options)
        machine.wait_interface()
