# SPDX-License-Identifier: GPL-2.0-or-later
"""The card's interrupts get lost; its DMA goes on."""

from typing import ClassVar

from lab.faults.base import Fault
from lab.machine import Machine

__all__ = ["InterruptLost"]

# What to write with setpci, by the kind of interrupt: to lose them, and to have them again.
MSIX_MASK_ALL = ("CAP_MSIX+2.W=4000:4000", "CAP_MSIX+2.W=0:4000")  # PCI 3.0, 6.8.2.3, bit 14
MSI_ENABLE = ("CAP_MSI+2.W=0:1", "CAP_MSI+2.W=1:1")  # PCI 3.0, 6.8.1.3, bit 0
INTX_DISABLE = ("COMMAND=400:400", "COMMAND=0:400")  # PCI 3.0, 6.2.2, bit 10
REGISTERS = {"msix": MSIX_MASK_ALL, "msi": MSI_ENABLE, "intx": INTX_DISABLE}


class InterruptLost(Fault):
    """Mask the card's MSI-X vectors, its MSI or its interrupt line, behind the driver's back."""

    name: ClassVar[str] = "interrupt-lost"

    def set(self, machine: Machine) -> None:
        machine.check("setpci", "-s", machine.bus_address, REGISTERS[machine.nic.interrupts][0])

    def clear(self, machine: Machine) -> None:
        machine.check("setpci", "-s", machine.bus_address, REGISTERS[machine.nic.interrupts][1])
