# SPDX-License-Identifier: GPL-2.0-or-later
"""Whether two descriptions are of one card. Names are no help: they change, and another card may have one tomorrow."""

import re

from nicmedic.model.nic import Nic
from nicmedic.model.plan import Identity

__all__ = ["find_card", "find_place", "is_same_card"]

_VIRTIO = re.compile(r"/virtio\d+\Z")


def find_place(path: str) -> str:
    """A device's path without the number of its virtio function, which counts bindings: the PCI function that carries it stays."""
    return _VIRTIO.sub("", path)


def is_same_card(one: Identity, other: Identity) -> bool:
    """Whether both stand for the same card, by device and port; where neither tells of a device, by name."""
    ports = {one.dev_port, other.dev_port} - {None}
    if len(ports) > 1:
        return False
    if one.sysfs_path is not None and other.sysfs_path is not None:
        return find_place(one.sysfs_path) == find_place(other.sysfs_path)
    if one.bus_address is not None and other.bus_address is not None:
        return (one.bus, one.bus_address) == (other.bus, other.bus_address)
    return one.interface == other.interface


def _identify(nic: Nic) -> Identity:
    return Identity(interface=nic.interface, bus=nic.bus, bus_address=nic.bus_address, sysfs_path=nic.sysfs_path, dev_port=nic.dev_port)


def find_card(nics: tuple[Nic, ...], card: Identity) -> Nic | None:
    """A card among those that were just read. Of several ports that could be it, the one that still has the name."""
    found = [nic for nic in nics if is_same_card(_identify(nic), card)]
    if len(found) > 1:
        found = [nic for nic in found if nic.interface == card.interface]
    return found[0] if found else None
