# SPDX-License-Identifier: GPL-2.0-or-later
"""ifupdown2, the manager of Cumulus and Proxmox hosts, configured as Proxmox writes it for a card without a bridge."""

from lab.disk.managers.manager import ADDRESS, ADDRESS6, GATEWAY, Manager, TextFile

__all__ = ["IFUPDOWN2"]

INTERFACES = f"""\
auto lo
iface lo inet loopback

auto INTERFACE
iface INTERFACE inet static
\taddress {ADDRESS}
\tgateway {GATEWAY}

iface INTERFACE inet6 static
\taddress {ADDRESS6}

source /etc/network/interfaces.d/*
"""

IFUPDOWN2 = Manager(
    name="ifupdown2",
    packages=("ifupdown2",),
    files=(TextFile(path="/etc/network/interfaces", text=INTERFACES),),
    state=("ifquery", "--check", "INTERFACE"),
    plugged=("ifreload", "-a"),
)
