# SPDX-License-Identifier: GPL-2.0-or-later
"""Packets that ask a neighbour for its hardware address: ARP (RFC 826) and neighbour solicitation (RFC 4861); and which answers are theirs."""

import ipaddress
import socket
import struct
from dataclasses import dataclass

from nicmedic.host.packet_watch import IcmpKind, Pattern, arp_of, discovery_of

__all__ = ["ETHERNET", "Ends", "internet_checksum"]

ETHERNET = 1
"""Type of its interfaces (``ARPHRD_ETHER``)."""
_ETH_P_ARP, _ETH_P_IPV6 = 0x0806, 0x86DD
_BROADCAST = b"\xff" * 6
_ARP = struct.Struct("!HHBBH6s4s6s4s")
_REQUEST, _REPLY = 1, 2
_SOLICITATION = struct.Struct("!BBHI16sBB6s")
_SOURCE_LINK_ADDRESS = 1


def internet_checksum(data: bytes) -> int:
    """RFC 1071; of an even number of bytes.

    >>> hex(internet_checksum(bytes.fromhex("4500003c000040004006000000000000c0a80001")))
    '0x78c0'
    """
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


@dataclass(frozen=True, slots=True, kw_only=True)
class Ends:
    """Who asks, and whom."""

    own: bytes
    """Hardware address."""
    source: ipaddress.IPv4Address | ipaddress.IPv6Address
    """All zeros asks for ARP without telling who does (RFC 5227)."""
    target: ipaddress.IPv4Address | ipaddress.IPv6Address

    def render(self) -> tuple[int, bytes, bytes]:
        """Protocol, destination, packet."""
        return self._render_arp() if isinstance(self.target, ipaddress.IPv4Address) else self._render_solicitation()

    def _render_arp(self) -> tuple[int, bytes, bytes]:
        packet = _ARP.pack(1, 0x0800, 6, 4, _REQUEST, self.own, self.source.packed, bytes(6), self.target.packed)
        return _ETH_P_ARP, _BROADCAST, packet

    def _render_solicitation(self) -> tuple[int, bytes, bytes]:
        """To the solicited-node address of the target, with the hop limit that proves a neighbour."""
        group = bytes.fromhex("ff0200000000000000000001ff") + self.target.packed[13:]
        parts = (IcmpKind.SOLICITATION, 0, 0, 0, self.target.packed, _SOURCE_LINK_ADDRESS, 1, self.own)
        body = _SOLICITATION.pack(*parts)
        pseudo = self.source.packed + group + struct.pack("!II", len(body), socket.IPPROTO_ICMPV6)
        body = _SOLICITATION.pack(*parts[:2], internet_checksum(pseudo + body), *parts[3:])
        header = struct.pack("!IHBB", 6 << 28, len(body), socket.IPPROTO_ICMPV6, 255) + self.source.packed + group
        return _ETH_P_IPV6, b"\x33\x33" + group[12:], header + body

    @property
    def patterns(self) -> tuple[Pattern, ...]:
        """For the kernel to sort them out."""
        target = self.target
        return arp_of(target) if isinstance(target, ipaddress.IPv4Address) else discovery_of(target)

    def is_ours(self, data: bytes, out: bool) -> bool:  # noqa: FBT001  # as Watch calls it
        """Whether a packet, from its network header on, is this question, or an answer to it."""
        if isinstance(self.target, ipaddress.IPv4Address):
            if len(data) < _ARP.size:
                return False
            *_, kind, sender, sender_ip, receiver, receiver_ip = _ARP.unpack_from(data)
            ours = (_REQUEST, self.own, self.target.packed), (_REPLY, self.own, self.target.packed)
            return ours[0] == (kind, sender, receiver_ip) if out else ours[1] == (kind, receiver, sender_ip)
        if len(data) < 64 or data[48:64] != self.target.packed:
            return False
        if out:
            return data[40] == IcmpKind.SOLICITATION and data[8:24] == self.source.packed
        return data[40] == IcmpKind.ADVERTISEMENT and data[24:40] == self.source.packed
