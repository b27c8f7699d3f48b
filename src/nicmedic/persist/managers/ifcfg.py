# SPDX-License-Identifier: GPL-2.0-or-later
"""ifcfg files of Red Hat and its kin, which two programs read: the old network service (initscripts), and NetworkManager through its plugin ifcfg-rh.

A real file, ``/etc/sysconfig/network-scripts/ifcfg-eth0``::

    DEVICE=eth0
    HWADDR=52:54:00:12:34:56
    ONBOOT=yes
    NM_CONTROLLED=no
    BRIDGE=br0

``NM_CONTROLLED=no`` leaves the NIC to the network service; else NetworkManager takes it, where it is (nms-ifcfg-rh-reader.c asks for that key with
the default true). Without DEVICE the file's name counts. Copies and backups (``.bak``, ``~``, ``.rpmsave``) are not read, as in initscripts'
network-functions and nms-ifcfg-rh-utils.c ``utils_should_ignore_file``.
"""

import re
from collections.abc import Mapping

from nicmedic.persist.files import FoundFiles, base_name
from nicmedic.persist.ini import Setting, parse_assignments
from nicmedic.persist.manager import Manager, find_enabled
from nicmedic.persist.managers.networkmanager import is_active as is_networkmanager_active
from nicmedic.persist.matching import all_fit, fit_any_address
from nicmedic.persist.values import Claim, FileLine, Strength, Target

__all__ = ["MANAGER"]

_GLOB = "/etc/sysconfig/network-scripts/ifcfg-*"
_IGNORED = re.compile(r"~\Z|\.(?:bak|old|orig|rej|tmp|rpmnew|rpmsave|rpmorig|dpkg-\w+|swp)\Z|-range\d*\Z|:")
_NETWORKMANAGER = "/etc/NetworkManager/NetworkManager.conf"
_PORT_KEYS = ("BRIDGE", "MASTER", "TEAM_MASTER", "OVS_BRIDGE")
_FALSE = ("no", "n", "false", "f", "0")


def _fits(path: str, settings: Mapping[str, Setting], target: Target) -> bool | None:
    device, address = settings.get("DEVICE"), settings.get("HWADDR")
    names = (target.interface, *target.altnames)
    if device and device.value:
        if device.value not in names:
            return False
        return all_fit([True, fit_any_address([address.value], (target.permanent_address,))]) if address and address.value else True
    if address and address.value:
        return fit_any_address([address.value], (target.permanent_address,))
    return base_name(path).removeprefix("ifcfg-") in names


def _claim(files: FoundFiles, target: Target) -> Claim | None:
    undecided = [f"{path}: {reason}" for path, reason in files.find_unreadable(_GLOB)]
    for path, text in files.find(_GLOB):
        if _IGNORED.search(base_name(path)):
            continue
        settings = {setting.key: setting for setting in parse_assignments(text)}
        fits = _fits(path, settings, target)
        if fits:
            return _build(files, target, path, settings, tuple(undecided))
        if fits is None:
            undecided.append(f"{path}: whether its HWADDR is that of {target.interface} is not known")
    if not undecided:
        return None
    return Claim(manager="ifcfg", strength=Strength.POSSIBLE, why="an ifcfg file may be for it", undecided=tuple(undecided))


def _build(files: FoundFiles, target: Target, path: str, settings: Mapping[str, Setting], undecided: tuple[str, ...]) -> Claim:
    held = settings.get("DEVICE") or settings.get("HWADDR")
    places = [FileLine(path=path, line=held.line if held else None, role="defines")]
    places += [
        FileLine(path=path, line=settings[key].line, role="port-of") for key in _PORT_KEYS if key in settings and settings[key].value
    ]
    controlled = settings.get("NM_CONTROLLED")
    left = controlled is not None and controlled.value.lower() in _FALSE
    active = is_networkmanager_active(files)
    networkmanager = active or (active is None and files.exists(_NETWORKMANAGER))
    if left or not networkmanager:
        active = True if left else find_enabled(files, "network.service")
        why = f"{path} is for {target.interface}" + (
            " and says NM_CONTROLLED=no" if left else "; NetworkManager is not installed, or masked"
        )
        return Claim(manager="ifcfg", strength=Strength.DEFINED, files=tuple(places), why=why, active=active, undecided=undecided)
    why = f"{path} is for {target.interface}, and NetworkManager, which is on this host, reads it (plugin ifcfg-rh)"
    return Claim(
        manager="networkmanager",
        renderer="ifcfg-rh",
        strength=Strength.DEFINED,
        files=tuple(places),
        why=why,
        active=active,
        undecided=undecided,
    )


MANAGER = Manager(
    name="ifcfg",
    paths=(_GLOB, _NETWORKMANAGER, "/etc/systemd/system/*.wants/network.service", "/run/NetworkManager/devices/*"),
    claim=_claim,
)
