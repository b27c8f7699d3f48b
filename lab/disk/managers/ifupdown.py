# SPDX-License-Identifier: GPL-2.0-or-later
"""Debian's classic ifupdown, configured as the installer of Debian writes it."""

from lab.disk.managers.manager import ADDRESS, ADDRESS6, GATEWAY, Manager, TextFile

__all__ = ["IFUPDOWN"]

INTERFACES = f"""\
# This file describes the network interfaces available on your system
# and how to activate them. For more information, see interfaces(5).

source /etc/network/interfaces.d/*

# The loopback network interface
auto lo
iface lo inet loopback

# The primary network interface
allow-hotplug INTERFACE
iface INTERFACE inet static
\taddress {ADDRESS}
\tgateway {GATEWAY}

iface INTERFACE inet6 static
\taddress {ADDRESS6}
"""

IFUPDOWN = Manager(
    name="ifupdown",
    packages=("ifupdown",),
    files=(TextFile(path="/etc/network/interfaces", text=INTERFACES),),
    state=("ifquery", "--state", "INTERFACE"),
)
