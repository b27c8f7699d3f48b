# SPDX-License-Identifier: GPL-2.0-or-later
"""systemd-networkd with a .network file of its own."""

from lab.disk.managers.manager import ADDRESS, ADDRESS6, GATEWAY, Manager, TextFile

__all__ = ["NETWORKD"]

NETWORK = f"""\
[Match]
Name=INTERFACE

[Network]
Address={ADDRESS}
Address={ADDRESS6}
Gateway={GATEWAY}
"""

NETWORKD = Manager(
    name="networkd",
    packages=(),
    files=(TextFile(path="/etc/systemd/network/20-wired.network", text=NETWORK),),
    enabled=("systemd-networkd.service",),
    state=("/lib/systemd/systemd-networkd-wait-online", "--interface=INTERFACE", "--timeout=1"),
)
