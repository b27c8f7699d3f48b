# SPDX-License-Identifier: GPL-2.0-or-later
"""All network managers, in one place: a new one is a module and a line here."""

from nicmedic.persist.manager import Manager
from nicmedic.persist.managers import ifcfg, ifupdown, ifupdown2, netifd, netplan, networkd, networkmanager, wicked

__all__ = ["MANAGERS"]

MANAGERS: tuple[Manager, ...] = (
    ifupdown.MANAGER,
    ifupdown2.MANAGER,
    networkd.MANAGER,
    networkmanager.MANAGER,
    netplan.MANAGER,
    wicked.MANAGER,
    netifd.MANAGER,
    ifcfg.MANAGER,
)
