# SPDX-License-Identifier: GPL-2.0-or-later
"""netplan, which writes the configuration of systemd-networkd at each boot."""

from lab.disk.managers.manager import ADDRESS, ADDRESS6, GATEWAY, Manager, TextFile
from lab.disk.managers.networkd import NETWORKD

__all__ = ["NETPLAN_NETWORKD"]

YAML = f"""\
network:
  version: 2
  renderer: networkd
  ethernets:
    INTERFACE:
      addresses:
        - {ADDRESS}
        - {ADDRESS6}
      routes:
        - to: default
          via: {GATEWAY}
"""

NETPLAN_NETWORKD = Manager(
    name="netplan-networkd",
    packages=("netplan.io", *NETWORKD.packages),
    files=(TextFile(path="/etc/netplan/01-wired.yaml", text=YAML, mode=0o600),),
    enabled=NETWORKD.enabled,
    state=NETWORKD.state,
)
