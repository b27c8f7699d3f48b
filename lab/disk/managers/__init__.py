# SPDX-License-Identifier: GPL-2.0-or-later
"""The network managers that an image can have; a new one is one module and one line in ``MANAGERS``."""

from lab.disk.managers.ifupdown import IFUPDOWN
from lab.disk.managers.ifupdown2 import IFUPDOWN2
from lab.disk.managers.manager import Manager
from lab.disk.managers.netplan_networkd import NETPLAN_NETWORKD
from lab.disk.managers.netplan_networkmanager import NETPLAN_NETWORKMANAGER
from lab.disk.managers.networkd import NETWORKD
from lab.disk.managers.networkmanager import NETWORKMANAGER
from lab.errors import LabError

__all__ = ["MANAGERS", "Manager", "find_manager"]

MANAGERS: tuple[Manager, ...] = (IFUPDOWN, IFUPDOWN2, NETWORKD, NETWORKMANAGER, NETPLAN_NETWORKD, NETPLAN_NETWORKMANAGER)


def find_manager(name: str) -> Manager:
    """The manager of that name.

    Raises:
        LabError: if there is none.
    """
    for manager in MANAGERS:
        if manager.name == name:
            return manager
    raise LabError(f"no network manager is called {name!r}; there are {', '.join(manager.name for manager in MANAGERS)}")
