# SPDX-License-Identifier: GPL-2.0-or-later
"""netplan, which writes the configuration of NetworkManager at each boot."""

from lab.disk.managers.manager import ADDRESS, ADDRESS6, GATEWAY, Manager, TextFile
from lab.disk.managers.networkmanager import NETWORKMANAGER

__all__ = ["NETPLAN_NETWORKMANAGER"]

YAML = f"""\
network:
  version: 2
  renderer: NetworkManager
  ethernets:
    INTERFACE:
      addresses:
        - {ADDRESS}
        - {ADDRESS6}
      routes:
        - to: default
          via: {GATEWAY}
"""

NETPLAN_NETWORKMANAGER = Manager(
    name="netplan-networkmanager",
    packages=("netplan.io", *NETWORKMANAGER.packages),
    files=(TextFile(path="/etc/netplan/01-wired.yaml", text=YAML, mode=0o600),),
    enabled=NETWORKMANAGER.enabled,
    state=NETWORKMANAGER.state,
)
