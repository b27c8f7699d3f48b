# SPDX-License-Identifier: GPL-2.0-or-later
"""NetworkManager with a keyfile, as ``nmcli connection add`` writes it."""

from lab.disk.managers.manager import ADDRESS, ADDRESS6, GATEWAY, Manager, TextFile

__all__ = ["NETWORKMANAGER"]

KEYFILE = f"""\
[connection]
id=wired
uuid=5d0c0a4e-77aa-4c1b-9d5e-0a4d00000002
type=ethernet
interface-name=INTERFACE

[ethernet]

[ipv4]
address1={ADDRESS},{GATEWAY}
method=manual

[ipv6]
addr-gen-mode=default
address1={ADDRESS6}
method=manual

[proxy]
"""

NETWORKMANAGER = Manager(
    name="networkmanager",
    packages=("network-manager",),
    files=(TextFile(path="/etc/NetworkManager/system-connections/wired.nmconnection", text=KEYFILE, mode=0o600),),
    state=("sh", "-c", "nmcli --get-values GENERAL.STATE device show INTERFACE | grep -q '^100 '"),
)
