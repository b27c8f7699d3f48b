# SPDX-License-Identifier: GPL-2.0-or-later
"""See which packets pass one interface, and in which direction (packet(7)).

What an interface above the card receives may have come by another card: a bridge and a bond have several. A packet socket on the card itself
sees each frame there, before a bridge or a bond takes it, with its direction: the proof that something went through this card. The kernel
filters (Documentation/networking/filter.rst), so that a flooded wire costs next to nothing here. The socket is cooked (``SOCK_DGRAM``): a
packet begins with its network header, or, of a VLAN within a VLAN, four bytes before it (net/packet/af_packet.c ``packet_rcv``).
"""

import socket
import struct
from array import array
from collections.abc import Callable, Iterable
from ipaddress import IPv4Address, IPv6Address
from types import TracebackType
from typing import NamedTuple, Self

__all__ = ["IcmpKind", "Pattern", "Watch", "arp_of", "discovery_of", "find_ports", "ip_of"]

_ETH_P_ALL = 3
_ATTACH_FILTER = 26
_LOAD = {1: 0x30, 2: 0x28, 4: 0x20}
_AND, _JUMP_IF_EQUAL, _RETURN = 0x54, 0x15, 0x06
_INSTRUCTION = struct.Struct("=HBBI")
_BASES = (0, 4)
_IPV6_HEADER_BYTES = 40
_MOST_BYTES = 256
_MOST_AT_ONCE = 500


class _Cond(NamedTuple):
    """Bytes of a packet that must be so."""

    at: int
    size: int
    value: int
    mask: int = 0xFFFFFFFF


class IcmpKind:
    """Types of ICMPv6 messages (RFC 4861, 4443)."""

    ECHO, ECHO_REPLY, SOLICITATION, ADVERTISEMENT = 128, 129, 135, 136


Pattern = tuple[_Cond, ...]


def _equals(at: int, packed: bytes) -> Pattern:
    return tuple(_Cond(at + start, 4, int.from_bytes(packed[start : start + 4])) for start in range(0, len(packed), 4))


def arp_of(address: IPv4Address) -> tuple[Pattern, ...]:
    """ARP over Ethernet (RFC 826) that asks for an address or tells of it."""
    head = (_Cond(0, 4, 0x00010800), _Cond(4, 2, 0x0604))
    return tuple((*head, *_equals(at, address.packed)) for at in (14, 24))


def discovery_of(address: IPv6Address) -> tuple[Pattern, ...]:
    """Neighbour solicitations and advertisements of an address."""
    kinds = (IcmpKind.SOLICITATION, IcmpKind.ADVERTISEMENT)
    head = (_Cond(0, 1, 0x60, 0xF0), _Cond(6, 1, socket.IPPROTO_ICMPV6))
    return tuple((*head, _Cond(40, 1, kind), *_equals(48, address.packed)) for kind in kinds)


def ip_of(address: IPv4Address | IPv6Address, protocol: int) -> tuple[Pattern, ...]:
    """Packets of a protocol from or to an address."""
    if isinstance(address, IPv4Address):
        head: Pattern = (_Cond(0, 1, 0x40, 0xF0), _Cond(9, 1, protocol))
        return tuple((*head, *_equals(at, address.packed)) for at in (12, 16))
    head = (_Cond(0, 1, 0x60, 0xF0), _Cond(6, 1, protocol))
    return tuple((*head, *_equals(at, address.packed)) for at in (8, 24))


def _compile(patterns: Iterable[Pattern]) -> bytes:
    """A socket filter that lets a packet pass in which one of the patterns holds, with or without an inner VLAN tag before it."""
    made = b""
    for pattern in patterns:
        for base in _BASES:
            parts = []
            for cond in pattern:
                load = _INSTRUCTION.pack(_LOAD[cond.size], 0, 0, cond.at + base)
                mask = b"" if cond.mask == 0xFFFFFFFF else _INSTRUCTION.pack(_AND, 0, 0, cond.mask)
                parts.append((load + mask, cond.value))
            left = sum(len(code) // 8 + 1 for code, _ in parts) + 1
            for code, value in parts:
                left -= len(code) // 8 + 1
                made += code + _INSTRUCTION.pack(_JUMP_IF_EQUAL, 0, left, value)
            made += _INSTRUCTION.pack(_RETURN, 0, 0, _MOST_BYTES)
    return made + _INSTRUCTION.pack(_RETURN, 0, 0, 0)


def find_ports(data: bytes) -> tuple[int, int] | None:
    """Source and destination of a TCP or UDP packet, from its IP header on; None: it holds none."""
    at = 0 if not data else (data[0] & 15) * 4 if data[0] >> 4 == 4 else _IPV6_HEADER_BYTES
    if not at or len(data) < at + 4:
        return None
    source, destination = struct.unpack_from("!HH", data, at)
    return source, destination


class Watch:
    """Whether packets of a conversation went out and came in over one interface since this was made."""

    def __init__(self, interface: str, patterns: Iterable[Pattern], is_ours: Callable[[bytes, bool], bool]) -> None:
        """``is_ours``: whether a packet, from its network header on, belongs to it; told whether it is on its way out.

        Raises:
            OSError: packets cannot be watched there.
        """
        self.sent = self.received = False
        self._is_ours = is_ours
        program = array("B", _compile(patterns))
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK, 0)
        try:
            count, address = len(program) // _INSTRUCTION.size, program.buffer_info()[0]
            self._socket.setsockopt(socket.SOL_SOCKET, _ATTACH_FILTER, struct.pack("HP", count, address))
            self._socket.bind((interface, _ETH_P_ALL))
        except OSError:
            self._socket.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Watch no more."""
        self._socket.close()

    def fileno(self) -> int:
        """For select()."""
        return self._socket.fileno()

    @property
    def passed(self) -> bool:
        """Both directions were seen."""
        return self.sent and self.received

    def read(self) -> None:
        """Take note of what is there; so much at a time that a flood does not keep us."""
        for _ in range(_MOST_AT_ONCE):
            if self.passed:
                return
            try:
                data, (_, _, kind, *_) = self._socket.recvfrom(_MOST_BYTES)
            except OSError:  # nothing more, or the interface went down
                return
            out = kind == socket.PACKET_OUTGOING
            if any(self._is_ours(data[base:], out) for base in _BASES):
                self.sent |= out
                self.received |= not out
