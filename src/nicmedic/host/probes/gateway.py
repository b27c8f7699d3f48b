# SPDX-License-Identifier: GPL-2.0-or-later
"""Whether a neighbour answers ARP (RFC 826) or neighbour discovery (RFC 4861): no firewall is in the way, and it shows both directions.

Sent from an address that the interface has: without one nothing else could be reached over it either.
"""

import ipaddress
import socket

from nicmedic.host.neighbour_packets import ETHERNET, Ends
from nicmedic.host.nics import NET
from nicmedic.host.packet_watch import Pattern, Watch
from nicmedic.host.probes.answers import ask
from nicmedic.host.probes.target import Place, Said, Target
from nicmedic.host.rtnl_asks import list_own_addresses
from nicmedic.host.sysfs import Folder
from nicmedic.model.probe_words import Ip
from nicmedic.model.transaction import ProbeState

__all__ = ["probe_neighbour"]


def _read_hardware_address(folder: Folder) -> bytes | None:
    """None: no Ethernet."""
    text = folder.text("address")
    if folder.number("type") != ETHERNET or text is None:
        return None
    try:
        return bytes.fromhex(text.replace(":", ""))
    except ValueError:
        return None


def _find_source(folder: Folder, target: Ip) -> Ip | str:
    """The address to ask from: one of the same network, else any; or why there is none."""
    own = [one for one in list_own_addresses(folder.number("ifindex") or 0) if one.address.version == target.version]
    usable = [one for one in own if one.usable]
    if not usable:
        return f"has no address of IPv{target.version}" if not own else f"its IPv{target.version} address is not in use yet"
    if target.is_link_local:
        return next((one.address for one in usable if one.address.is_link_local), usable[0].address)
    near = (one.address for one in usable if target in ipaddress.ip_network(f"{one.address}/{one.prefix_length}", strict=False))
    return next(near, usable[0].address)


class _Exchange:
    """Requests over the interface, and the answers that come in there."""

    def __init__(self, place: Place, ends: Ends) -> None:
        self._ends = ends
        self._interface = place.interface
        self._watch = Watch(place.interface, self.patterns, self.is_ours)
        try:
            self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK, 0)
        except OSError:
            self._watch.close()
            raise

    @property
    def patterns(self) -> tuple[Pattern, ...]:
        return self._ends.patterns

    def is_ours(self, data: bytes, out: bool) -> bool:  # noqa: FBT001  # as Watch calls it
        return self._ends.is_ours(data, out)

    def send(self) -> None:
        protocol, destination, packet = self._ends.render()
        self._socket.sendto(packet, (self._interface, protocol, 0, ETHERNET, destination))

    def has_answer(self) -> bool:
        self._watch.read()
        return self._watch.received

    def fileno(self) -> int:
        return self._watch.fileno()

    def close(self) -> None:
        self._socket.close()
        self._watch.close()


def probe_neighbour(place: Place, target: Target) -> Said:
    """Ask for its hardware address."""
    if target.address is None:
        return ProbeState.UNKNOWN, "no address was given"
    folder = Folder().folder(f"{NET}/{place.interface}")
    own = _read_hardware_address(folder)
    if own is None:
        return ProbeState.UNKNOWN, f"{place.interface} is no Ethernet"
    source = _find_source(folder, target.address)
    if isinstance(source, str):
        return ProbeState.FAILED, f"{place.interface}: {source}"
    ends = Ends(own=own, source=source, target=target.address)

    return ask(place, lambda: _Exchange(place, ends))
