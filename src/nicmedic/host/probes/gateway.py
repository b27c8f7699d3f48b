# SPDX-License-Identifier: GPL-2.0-or-later
"""Whether a neighbour answers ARP (RFC 826) or neighbour discovery (RFC 4861): no firewall is in the way, and it shows both directions.

Sent from an address that the interface has: without one nothing else could be reached over it either.
"""

import ipaddress
import socket
import struct
from dataclasses import dataclass

from nicmedic.host.nics import NET
from nicmedic.host.packet_watch import IcmpKind, Pattern, Watch, arp_of, discovery_of
from nicmedic.host.probes.answers import ask
from nicmedic.host.probes.ping import internet_checksum
from nicmedic.host.probes.target import Ip, Place, Said, Target
from nicmedic.host.rtnl_asks import list_own_addresses
from nicmedic.host.sysfs import Folder
from nicmedic.model.transaction import ProbeState

__all__ = ["probe_neighbour"]

_ETHERNET = 1
_ETH_P_ARP, _ETH_P_IPV6 = 0x0806, 0x86DD
_BROADCAST = b"\xff" * 6
_ARP = struct.Struct("!HHBBH6s4s6s4s")
_REQUEST, _REPLY = 1, 2
_SOLICITATION = struct.Struct("!BBHI16sBB6s")
_SOURCE_LINK_ADDRESS, _TARGET_LINK_ADDRESS = 1, 2


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ends:
    """Who asks, and whom."""

    own: bytes
    """Hardware address."""
    source: Ip
    target: Ip


def _read_hardware_address(folder: Folder) -> bytes | None:
    """None: no Ethernet."""
    text = folder.text("address")
    if folder.number("type") != _ETHERNET or text is None:
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


def _render_arp(ends: _Ends) -> tuple[int, bytes, bytes]:
    """Protocol, destination, packet."""
    packet = _ARP.pack(1, 0x0800, 6, 4, _REQUEST, ends.own, ends.source.packed, bytes(6), ends.target.packed)
    return _ETH_P_ARP, _BROADCAST, packet


def _render_solicitation(ends: _Ends) -> tuple[int, bytes, bytes]:
    """As above. To the solicited-node address of the target, with the hop limit that proves a neighbour."""
    group = bytes.fromhex("ff0200000000000000000001ff") + ends.target.packed[13:]
    parts = (IcmpKind.SOLICITATION, 0, 0, 0, ends.target.packed, _SOURCE_LINK_ADDRESS, 1, ends.own)
    body = _SOLICITATION.pack(*parts)
    pseudo = ends.source.packed + group + struct.pack("!II", len(body), socket.IPPROTO_ICMPV6)
    body = _SOLICITATION.pack(*parts[:2], internet_checksum(pseudo + body), *parts[3:])
    header = struct.pack("!IHBB", 6 << 28, len(body), socket.IPPROTO_ICMPV6, 255) + ends.source.packed + group
    return _ETH_P_IPV6, b"\x33\x33" + group[12:], header + body


class _Exchange:
    """Requests over the interface, and the answers that come in there."""

    def __init__(self, place: Place, ends: _Ends) -> None:
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
        target = self._ends.target
        return arp_of(target) if isinstance(target, ipaddress.IPv4Address) else discovery_of(target)

    def is_ours(self, data: bytes, out: bool) -> bool:  # noqa: FBT001  # as Watch calls it
        ends = self._ends
        if isinstance(ends.target, ipaddress.IPv4Address):
            if len(data) < _ARP.size:
                return False
            *_, kind, sender, sender_ip, receiver, receiver_ip = _ARP.unpack_from(data)
            ours = (_REQUEST, ends.own, ends.target.packed), (_REPLY, ends.own, ends.target.packed)
            return ours[0] == (kind, sender, receiver_ip) if out else ours[1] == (kind, receiver, sender_ip)
        if len(data) < 64 or data[48:64] != ends.target.packed:
            return False
        if out:
            return data[40] == IcmpKind.SOLICITATION and data[8:24] == ends.source.packed
        return data[40] == IcmpKind.ADVERTISEMENT and data[24:40] == ends.source.packed

    def send(self) -> None:
        protocol, destination, packet = (
            _render_arp(self._ends) if isinstance(self._ends.target, ipaddress.IPv4Address) else _render_solicitation(self._ends)
        )
        self._socket.sendto(packet, (self._interface, protocol, 0, _ETHERNET, destination))

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
    ends = _Ends(own=own, source=source, target=target.address)

    return ask(place, lambda: _Exchange(place, ends))
