# SPDX-License-Identifier: GPL-2.0-or-later
"""wicked of SUSE. Its files are ``/etc/sysconfig/network/ifcfg-NAME``, where the file's name says which NIC.

A real one::

    BOOTPROTO='static'
    STARTMODE='auto'
    IPADDR='192.0.2.10/24'

A bridge lists its ports in ``BRIDGE_PORTS='eth0'``, a bond in ``BONDING_SLAVE_0='eth0'``. State of this boot:
``/run/wicked/state-<ifindex>.xml`` with ``<origin>compat:suse:/etc/sysconfig/network/ifcfg-eth0</origin>``. SUSE runs either wicked or
NetworkManager: the link
``/etc/systemd/system/network.service`` says which.
Reference: ifcfg(5), ifcfg-bridge(5), ifcfg-bonding(5) of wicked; src/client/client_state.c there.
"""

import re

from nicmedic.persist.files import FoundFiles
from nicmedic.persist.ini import parse_assignments
from nicmedic.persist.manager import Manager
from nicmedic.persist.values import Claim, FileLine, Strength, Target

__all__ = ["MANAGER"]

_GLOB = "/etc/sysconfig/network/ifcfg-*"
_ALIAS = "/etc/systemd/system/network.service"
_ORIGIN = re.compile(r"<origin>(?:compat:)?(?:suse:)?(/[^<]*)</origin>")
_PORTS = re.compile(r"BRIDGE_PORTS\Z|BONDING_SLAVE_?\d+\Z|TEAM_PORT_DEVICE_\d+\Z|OVS_BRIDGE_PORT_DEVICE_\d+\Z")


def _is_active(files: FoundFiles) -> bool | None:
    if files.exists("/run/wicked/state-*.xml"):
        return True
    alias = files.links.get(_ALIAS)
    return None if alias is None else "wicked" in alias


def _find_ports(files: FoundFiles, target: Target) -> list[FileLine]:
    return [
        FileLine(path=path, line=setting.line, role="port-of")
        for path, text in files.find(_GLOB)
        for setting in parse_assignments(text)
        if _PORTS.match(setting.key) and target.interface in setting.value.split()
    ]


def _claim(files: FoundFiles, target: Target) -> Claim | None:
    state_path = f"/run/wicked/state-{target.ifindex}.xml"
    state = files.texts.get(state_path) if target.ifindex is not None else None
    own = f"/etc/sysconfig/network/ifcfg-{target.interface}"
    ports = _find_ports(files, target)
    undecided = tuple(f"{path}: {reason}" for path, reason in files.find_unreadable(_GLOB))
    active = _is_active(files)
    if state is not None:
        origin = _ORIGIN.search(state)
        path = origin[1] if origin else own
        places = [FileLine(path=path, role="defines")] if origin or own in files.texts else []
        why = f"wicked has set up {target.interface} in this boot ({state_path})"
        places += [*ports, FileLine(path=state_path, role="state")]
        return Claim(manager="wicked", strength=Strength.RUNNING, files=tuple(places), why=why, active=True)
    if own in files.texts:
        places = [FileLine(path=own, role="defines"), *ports]
        return Claim(
            manager="wicked", strength=Strength.DEFINED, files=tuple(places), why=f"{own} is there", active=active, undecided=undecided
        )
    if ports:
        why = f"{ports[0].path} line {ports[0].line} makes {target.interface} a port"
        return Claim(manager="wicked", strength=Strength.DEFINED, files=tuple(ports), why=why, active=active, undecided=undecided)
    if not undecided:
        return None
    return Claim(manager="wicked", strength=Strength.POSSIBLE, why="a file of wicked may be for it", active=active, undecided=undecided)


MANAGER = Manager(name="wicked", paths=(_GLOB, _ALIAS, "/run/wicked/state-*.xml"), claim=_claim)
