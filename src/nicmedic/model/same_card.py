# SPDX-License-Identifier: GPL-2.0-or-later
"""Whether two descriptions are of one card. Names are no help: they change, and another card may have one tomorrow.

Neither is the place alone: a card that is added may shift the numbers of the buses behind it, and a twin of the same chip stands there then.
"""

import re

from nicmedic.model.nic import Nic
from nicmedic.model.plan import Identity

__all__ = ["find_card", "find_other", "find_place", "is_same_card", "is_same_kind", "name_chip"]

_VIRTIO = re.compile(r"/virtio\d+\Z")


def find_place(path: str) -> str:
    """A device's path without the number of its virtio function, which counts bindings: the PCI function that carries it stays."""
    return _VIRTIO.sub("", path)


def is_same_card(one: Identity, other: Identity) -> bool:
    """Whether both stand for the same card, by device and port; where neither tells of a device, by name.

    Two cards whose permanent addresses are known and differ are two.
    """
    addresses = {each.permanent_address.lower() for each in (one, other) if each.permanent_address is not None}
    return len(addresses) < 2 and _is_same_place(one, other)


def _is_same_place(one: Identity, other: Identity) -> bool:
    ports = {one.dev_port, other.dev_port} - {None}
    if len(ports) > 1:
        return False
    if one.sysfs_path is not None and other.sysfs_path is not None:
        return find_place(one.sysfs_path) == find_place(other.sysfs_path)
    if one.bus_address is not None and other.bus_address is not None:
        return (one.bus, one.bus_address) == (other.bus, other.bus_address)
    return one.interface == other.interface


def _identify(nic: Nic) -> Identity:
    return Identity(
        interface=nic.interface,
        bus=nic.bus,
        bus_address=nic.bus_address,
        sysfs_path=nic.sysfs_path,
        dev_port=nic.dev_port,
        permanent_address=nic.permanent_address,
    )


def find_card(nics: tuple[Nic, ...], card: Identity) -> Nic | None:
    """A card among those that were just read. Of several ports that could be it, the one that still has the name."""
    found = [nic for nic in nics if is_same_card(_identify(nic), card)]
    if len(found) > 1:
        found = [nic for nic in found if nic.interface == card.interface]
    return found[0] if found else None


def find_other(nics: tuple[Nic, ...], card: Identity) -> Nic | None:
    """Another card that stands now where this one stood."""
    return next((nic for nic in nics if _is_same_place(_identify(nic), card) and not is_same_card(_identify(nic), card)), None)


def name_chip(nic: Nic) -> str | None:
    """Vendor and device of its chip; None: its bus has no such numbers, or they were not read."""
    function = None if nic.pcie is None else nic.pcie.device
    if function is not None and function.vendor and function.device:
        return f"{function.vendor}:{function.device}"
    return f"{nic.usb.vendor}:{nic.usb.product}" if nic.usb is not None and nic.usb.vendor and nic.usb.product else None


def is_same_kind(card: Identity, nic: Nic) -> bool:
    """Whether what helped one may help the other: the same driver, and the same chip where both tell of theirs."""
    chip = name_chip(nic)
    return card.driver == nic.driver and (card.chip is None or chip is None or card.chip == chip)
