# SPDX-License-Identifier: GPL-2.0-or-later
"""The card may no longer read memory: a true transmit hang, in the driver's own code."""

from typing import ClassVar

from lab.faults.base import Fault
from lab.machine import Machine

__all__ = ["BusMasterOff"]


class BusMasterOff(Fault):
    """Clear the bus-master bit of the PCI command register (PCI Local Bus 3.0, 6.2.2, bit 2)."""

    name: ClassVar[str] = "bus-master-off"

    def set(self, machine: Machine) -> None:
        machine.check("setpci", "-s", machine.bus_address, "COMMAND=0:4")

    def clear(self, machine: Machine) -> None:
        machine.check("setpci", "-s", machine.bus_address, "COMMAND=4:4")
