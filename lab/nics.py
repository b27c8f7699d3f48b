# SPDX-License-Identifier: GPL-2.0-or-later
"""The network cards that QEMU emulates well enough for Linux's own drivers.

A new card is one line in ``NICS``.
"""

import dataclasses

from lab.errors import LabError

__all__ = ["ALL", "HANGSIM", "NICS", "Nic", "find"]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Nic:
    """One model of network card.

    Attributes:
        name: What a person types.
        device: QEMU's name of it.
        driver: Linux's name of the driver, as ``ethtool -i`` says it.
        module: The module to load.
        interrupts: How it interrupts under Linux: ``msix``, ``msi`` or ``intx``.
        options: What to give to the module.
        sees_link: Whether QEMU 7.2 tells the driver when the cable goes or comes. To e100 it never does, to e1000e not
            over MSI-X (the carrier stayed 1 for 45 s; over a line it is gone at once).

    The parameters of e1000e are a value a board, and a board that is bound anew is another one (drivers/net/ethernet/intel/e1000e/param.c,
    ``bd_number``): with one value it would interrupt over MSI-X from then on.
    """

    name: str
    device: str
    driver: str
    module: str
    interrupts: str
    options: tuple[str, ...] = ()
    sees_link: bool = True


NICS = (
    Nic(name="e1000", device="e1000", driver="e1000", module="e1000", interrupts="intx"),
    Nic(name="e1000e", device="e1000e", driver="e1000e", module="e1000e", interrupts="msix", sees_link=False),
    Nic(
        name="e1000e-intx", device="e1000e", driver="e1000e", module="e1000e", interrupts="intx", options=(f"IntMode={','.join(32 * '0')}",)
    ),
    Nic(name="8139cp", device="rtl8139", driver="8139cp", module="8139cp", interrupts="intx"),
    Nic(name="pcnet32", device="pcnet", driver="pcnet32", module="pcnet32", interrupts="intx"),
    Nic(name="e100", device="i82559c", driver="e100", module="e100", interrupts="intx", sees_link=False),
    Nic(name="virtio-net", device="virtio-net-pci", driver="virtio_net", module="virtio_net", interrupts="msix"),
    Nic(name="vmxnet3", device="vmxnet3", driver="vmxnet3", module="vmxnet3", interrupts="msix"),
)

# Not a card but a PCI function that lab/hangsim makes one of.
HANGSIM = Nic(name="hangsim", device="edu", driver="hangsim", module="hangsim", interrupts="msi")

ALL = (*NICS, HANGSIM)


def find(name: str) -> Nic:
    """The card of that name.

    Raises:
        LabError: if there is none.
    """
    for nic in ALL:
        if nic.name == name:
            return nic
    names = [nic.name for nic in ALL]
    raise LabError(f"no network card is called {name!r}; there are {', '.join(names)}", hint=f"make lab-shell NIC={names[1]}")
