# SPDX-License-Identifier: GPL-2.0-or-later
"""Which interfaces are cards, out of sysfs alone: no lock of networking is taken.

A card has a device behind it. Bridges, bonds, VLANs, taps, ``veth`` and the like have none; a guest's end in Xen's dom0 and the representor of a
guest's function (``phys_port_name`` like ``pf0vf1``, Documentation/networking/representors.rst) have one, and are no cards all the same.
Nor is what is no Ethernet (``type`` is not 1, include/uapi/linux/if_arp.h): what stands still on a CAN bus is usual where nobody else is on it
to acknowledge, and InfiniBand and mobile radio have rules of their own.
Why not ``nicmedic.host.devices``: it brings every value of a card, 1.5 MB of them, and the watcher stays.
"""

import re
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from types import MappingProxyType
from typing import Any

from nicmedic.host.neighbour_packets import ETHERNET
from nicmedic.host.sysfs import Folder
from nicmedic.host.uppers import find_above
from nicmedic.model.watched import Card

__all__ = ["NET", "find_pci_path", "is_card", "is_representor", "read_card", "read_cards"]

NET = "sys/class/net"
_XEN_BACKEND = "xen-backend"
_BUSES = frozenset({"pci", "usb", "virtio", "xen", "vmbus", "platform"})
_PCI_ADDRESS = re.compile(r"[0-9a-f]{4,}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]\Z")
_UNKNOWN: Mapping[str, Any] = MappingProxyType({})
_REPRESENTOR = re.compile(r"(?:c\d+)?pf\d+(?:vf|sf)\d+\Z")


def _last(path: str | None) -> str | None:
    return None if path is None else path.rsplit("/", 1)[-1]


def is_representor(port_name: str | None) -> bool:
    """Whether a port's name says that it stands for a function that a guest has.

    >>> is_representor("pf0vf3"), is_representor("p0"), is_representor(None)
    (True, False, False)
    """
    return port_name is not None and _REPRESENTOR.match(port_name) is not None


def is_card(net: Folder, name: str, virtual: Sequence[str]) -> bool:
    """Whether an interface is watched: a real one, or one that a pattern asks for."""
    if net.has(f"{name}/device") and net.number(f"{name}/type") in {ETHERNET, None}:
        return _last(net.target(f"{name}/device/subsystem")) != _XEN_BACKEND
    return any(fnmatchcase(name, pattern) for pattern in virtual) and net.has(f"{name}/ifindex")


def find_pci_path(sysfs_path: str | None, bus: str | None) -> str | None:
    """Path in sysfs of the PCI function of a card, or of the one that carries its virtio device."""
    if sysfs_path is None or bus not in {"pci", "virtio"}:
        return None
    path = sysfs_path if bus == "pci" else sysfs_path.rsplit("/", 1)[0]
    return path if _PCI_ADDRESS.match(path.rsplit("/", 1)[-1]) else None


def _has_bql(folder: Folder, queues: Sequence[str]) -> bool | None:
    """A driver with byte queue limits has a limit above 0 as soon as the card has reported a frame as sent (lib/dynamic_queue_limits.c)."""
    limits = [folder.number(f"queues/{queue}/byte_queue_limits/limit") for queue in queues]
    if any(limits):
        return True
    if all(limit is None for limit in limits):
        return False
    return False if folder.number("statistics/tx_packets") else None


def read_card(net: Folder, name: str, speed_mbps: int | None = None, permanent_address: str | None = None) -> Card | None:
    """One card; None: there is no such interface. Speed and permanent address as the kernel has told them, if it has."""
    folder = net.folder(name)
    ifindex = folder.number("ifindex")
    if ifindex is None:
        return None
    path, subsystem = folder.target("device"), _last(folder.target("device/subsystem"))
    queues = [queue for queue in folder.names("queues") if queue.startswith("tx-")]
    return Card(
        interface=name,
        ifindex=ifindex,
        driver=_last(folder.target("device/driver")),
        bus=subsystem if subsystem is None or subsystem in _BUSES else "other",
        bus_address=_last(path),
        sysfs_path=path,
        permanent_address=folder.text("address") if folder.number("addr_assign_type") == 0 else permanent_address,
        is_real=path is not None,
        tx_queues=max(1, len(queues)),
        has_bql=_has_bql(folder, queues),
        speed_mbps=speed_mbps,
        above=find_above(name, net),
    )


def read_cards(
    net: Folder,
    virtual: Sequence[str],
    *,
    speeds: Mapping[str, int] = _UNKNOWN,
    permanent_addresses: Mapping[str, str] = _UNKNOWN,
    leave_out: frozenset[str] = frozenset(),
) -> tuple[Card, ...]:
    """All that are there now."""
    names = [name for name in net.names() if name not in leave_out and is_card(net, name, virtual)]
    found = (read_card(net, name, speeds.get(name), permanent_addresses.get(name)) for name in names)
    return tuple(card for card in found if card is not None)
