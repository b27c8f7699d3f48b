# SPDX-License-Identifier: GPL-2.0-or-later
"""What stands on an interface: bridge, bond, VLAN, macvlan. Out of links in sysfs, which no lock of the kernel keeps from being read.

``upper_NAME`` beside an interface leads to what stands on it (net/core/dev.c ``netdev_adjacent_sysfs_add``; 5831d66e8097, "net: create sysfs symlinks
for neighbour devices", Linux 3.13). Resident: light.
"""

from nicmedic.host.sysfs import Folder

__all__ = ["find_above"]

_NET = "sys/class/net"
_UPPER = "upper_"


def find_above(interface: str, net: Folder | None = None) -> tuple[str, ...]:
    """All of it, nearest first; ``net``: the folder of interfaces, None: this machine's."""
    folder = Folder().folder(_NET) if net is None else net
    found: list[str] = []
    level = [interface]
    while level:
        uppers = [entry.removeprefix(_UPPER) for name in level for entry in folder.names(name) if entry.startswith(_UPPER)]
        level = [name for name in dict.fromkeys(uppers) if name not in {interface, *found}]
        found.extend(level)
    return tuple(found)
