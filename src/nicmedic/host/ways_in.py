# SPDX-License-Identifier: GPL-2.0-or-later
"""Other ways into the host than one NIC: further NICs, a management controller, a serial console."""

import re
from collections.abc import Iterable

from nicmedic.host.sysfs import Folder
from nicmedic.model.host import SerialConsole, WaysIn
from nicmedic.model.nic import Nic
from nicmedic.model.stack import Route, VirtualLink

__all__ = ["read_ways_in"]

_IPMI = ("dev/ipmi0", "dev/ipmi/0", "dev/ipmidev/0")
_IPMI_DEVICE_TYPE = "38"
"""DMI type 38, IPMI Device Information."""
_CONSOLE = re.compile(r"console=(?P<device>(?:tty[A-Z]+|hvc|hvsi|xvc|sclp_line)\d*)")
_GETTIES = frozenset({"agetty", "getty", "mgetty", "mingetty", "fgetty"})
_LINE = re.compile(r"(?:tty[A-Z]+|hvc|hvsi|xvc)\d+\Z")


def _read_bmc(root: Folder) -> tuple[str, ...]:
    devices = tuple(f"/{name}" for name in _IPMI if root.has(name))
    entries = (
        f"/sys/firmware/dmi/entries/{name}" for name in root.names("sys/firmware/dmi/entries") if name.split("-")[0] == _IPMI_DEVICE_TYPE
    )
    return (*devices, *entries)


def _read_logins(root: Folder) -> frozenset[str] | None:
    """Serial lines on which a getty waits; None: there are no processes here (a copy of a host)."""
    processes = [name for name in root.names("proc") if name.isdecimal()]
    if not processes:
        return None
    found: set[str] = set()
    for process in processes:
        folder = root.folder(f"proc/{process}")
        if folder.text("comm", most=64) in _GETTIES:
            words = (folder.text("cmdline", most=4096) or "").split("\0")
            found.update(word.removeprefix("/dev/") for word in words if _LINE.match(word.removeprefix("/dev/")))
    return frozenset(found)


def _read_serial(root: Folder) -> tuple[SerialConsole, ...]:
    consoles = [found["device"] for found in _CONSOLE.finditer(root.text("proc/cmdline") or "")]
    logins = _read_logins(root)
    devices = dict.fromkeys([*consoles, *sorted(logins or ())])
    return tuple(
        SerialConsole(device=device, console=device in consoles, login=None if logins is None else device in logins) for device in devices
    )


def _is_way(nic: Nic, links: Iterable[VirtualLink], routed: frozenset[str]) -> bool:
    """Whether a packet could come in over it: carrier, and on it or above it a global address and a route."""
    if not nic.carrier:
        return False
    above = {nic.interface, *(upper.interface for upper in nic.uppers or ())}
    addresses = [*(nic.addresses or ()), *(address for link in links if link.interface in above for address in link.addresses or ())]
    return any(address.scope == "global" for address in addresses) and not above.isdisjoint(routed)


def read_ways_in(root: Folder, nics: Iterable[Nic], links: Iterable[VirtualLink], routes: Iterable[Route]) -> WaysIn:
    """What would be left without one of the NICs."""
    found = tuple(links)
    hops = [(route, route.interface) for route in routes if route.type == "unicast"]
    routed = frozenset(name for route, name in hops if name) | {
        hop.interface for route, _ in hops for hop in route.nexthops if hop.interface
    }
    return WaysIn(
        interfaces=tuple(nic.interface for nic in nics if _is_way(nic, found, routed)),
        bmc=_read_bmc(root),
        serial=_read_serial(root),
    )
