# SPDX-License-Identifier: GPL-2.0-or-later
"""Let the network manager that owns the card set it up first; what it does not do, the other steps do.

Its programs may wait for an answer from the network that never comes: each is bounded, and its failure is told, no more.
"""

from collections.abc import Iterator

from nicmedic.model.nic import Nic
from nicmedic.model.ownership import Manager
from nicmedic.model.step import INTERFACE, Run, Shown, Step
from nicmedic.remedy.stack.guards import same_netdev

__all__ = ["call_manager"]

_LONGEST_S = 30
_COMMANDS = {
    Manager.IFUPDOWN: ("ifup", "--force", INTERFACE),
    Manager.IFUPDOWN2: ("ifup", INTERFACE),
    Manager.IFCFG: ("ifup", INTERFACE),
    Manager.WICKED: ("wicked", "ifup", INTERFACE),
    Manager.NETWORKD: ("/lib/systemd/systemd-networkd-wait-online", "--interface", INTERFACE, "--timeout", "15"),
}
"""systemd-networkd takes what comes up by itself, and drops routes that are not its own while it does so (``ManageForeignRoutes=``)."""
_NETWORKMANAGER = ("nmcli", "--wait", "20", "device", "connect", INTERFACE)


def call_manager(nic: Nic) -> Iterator[Step]:
    """Only where the interface was made anew: after a mere down and up it would do things twice. NetworkManager tells by itself."""
    owner = nic.manager
    if owner is None or (nic.flags is not None and "UP" not in nic.flags):
        return
    manager = owner.renderer if owner.manager is Manager.NETPLAN else owner.manager
    if manager is Manager.NETWORKMANAGER:
        connected = Shown(argv=("nmcli", "-g", "GENERAL.STATE", "device", "show", INTERFACE), text="100 (connected)")
        yield Run(argv=_NETWORKMANAGER, within_s=_LONGEST_S, needed=False, unless=connected)
    elif manager in _COMMANDS:
        yield Run(argv=_COMMANDS[manager], within_s=_LONGEST_S, needed=False, unless=same_netdev(nic))
