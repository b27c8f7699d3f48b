# SPDX-License-Identifier: GPL-2.0-or-later
"""Where a card is now: the name of its interface. Out of links in sysfs, which no lock of the kernel keeps from being read."""

from nicmedic.host.devices import is_nic
from nicmedic.host.nics import NET
from nicmedic.host.sysfs import Folder
from nicmedic.model.nic import Bus
from nicmedic.model.plan import Identity
from nicmedic.model.same_card import find_place

__all__ = ["find_interface"]

_PERMANENT = 0
"""``addr_assign_type``: the address was not set by anybody."""


def _prefer(net: Folder, names: list[str], nic: Identity) -> str | None:
    """Of several ports of one device: the one with the address, else the name, else none of them."""
    if len(names) < 2:
        return names[0] if names else None
    for name in names:
        if nic.permanent_address is not None and net.text(f"{name}/address") == nic.permanent_address:
            return name
    return nic.interface if nic.interface in names else None


def _find_only(top: Folder, net: Folder, nic: Identity) -> str | None:
    """The quick way: a device that stands where it stood, with one interface. None: it is not as simple as that.

    Those of a device stand in the folder ``net`` below it (drivers/base/core.c ``get_device_parent``), so nobody else's need be looked through.
    """
    names = () if nic.sysfs_path is None else top.names(f"{nic.sysfs_path.lstrip('/')}/net")
    if len(names) != 1 or not is_nic(net.folder(names[0])):
        return None
    return names[0] if nic.dev_port is None or net.number(f"{names[0]}/dev_port") in {nic.dev_port, None} else None


def find_interface(nic: Identity, root: Folder | None = None) -> str | None:
    """The present name of a card's interface; None: it has none. One without a device, as in a test, has only its name."""
    top = Folder() if root is None else root
    net = top.folder(NET)
    if nic.sysfs_path is None and nic.bus_address is None:
        return nic.interface if net.has(f"{nic.interface}/ifindex") else None
    only = _find_only(top, net, nic)
    if only is not None:
        return only
    cards = [name for name in net.names() if is_nic(net.folder(name))]
    devices = {name: net.target(f"{name}/device") or "" for name in cards}
    found = [name for name in cards if nic.sysfs_path is not None and find_place(devices[name]) == find_place(nic.sysfs_path)]
    if not found and nic.bus_address is not None and nic.bus is not Bus.VIRTIO:
        found = [name for name in cards if devices[name].rsplit("/", 1)[-1] == nic.bus_address]
    if not found and nic.permanent_address is not None:
        own = [name for name in cards if net.number(f"{name}/addr_assign_type") == _PERMANENT]
        found = [name for name in own if net.text(f"{name}/address") == nic.permanent_address]
    if nic.dev_port is not None:
        found = [name for name in found if net.number(f"{name}/dev_port") in {nic.dev_port, None}]
    return _prefer(net, found, nic)
