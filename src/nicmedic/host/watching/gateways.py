# SPDX-License-Identifier: GPL-2.0-or-later
"""Gateways and over which interfaces they are reached, out of procfs, which needs no lock of networking; and what the kernel says of them.

``/proc/net/route`` begins with the default route and holds the main table; ``/proc/net/ipv6_route`` holds all tables and ends with it.
"""

import socket
import struct
import sys
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from nicmedic.host.netlink_socket import split_attributes
from nicmedic.host.sysfs import Folder

__all__ = [
    "REACHABLE",
    "RTM_NEWNEIGH",
    "Gateway",
    "neighbour_filter",
    "parse_ipv4_routes",
    "parse_ipv6_routes",
    "parse_neighbour",
    "read_gateways",
]

RTM_NEWNEIGH = 28
_NDMSG = struct.Struct("=BxxxiHBB")
_DESTINATION = 1
_STATE_AT = 24
"""Of ``ndm_state`` in a message."""
REACHABLE = 0x02
"""``NUD_REACHABLE``."""
_FAILED = 0x20
_HAS_GATEWAY = 2
_MOST_IPV4 = 1 << 16
_MOST_IPV6 = 1 << 20
_MOST = 4
"""Gateways asked for each interface."""
_ALL_ZEROS = "0" * 32
_INSTRUCTION = struct.Struct("=HBBI")


class Gateway(NamedTuple):
    """One way out."""

    interface: str
    address: bytes
    """4 or 16 bytes."""
    is_default: bool


def parse_ipv4_routes(text: str) -> Iterator[Gateway]:
    """Those of ``/proc/net/route`` that lead over a gateway; its numbers are as they stand in memory."""
    for line in text.splitlines()[1:]:
        fields = line.split()
        if len(fields) >= 8 and int(fields[3], 16) & _HAS_GATEWAY and fields[2] != "00000000":
            yield Gateway(fields[0], int(fields[2], 16).to_bytes(4, sys.byteorder), fields[1] == fields[7] == "00000000")


def parse_ipv6_routes(text: str) -> Iterator[Gateway]:
    """Those of ``/proc/net/ipv6_route``."""
    for line in text.splitlines():
        fields = line.split()
        if len(fields) >= 10 and int(fields[8], 16) & _HAS_GATEWAY and fields[4] != _ALL_ZEROS:
            yield Gateway(fields[9], bytes.fromhex(fields[4]), fields[0] == _ALL_ZEROS and fields[1] == "00")


def _choose(gateways: Iterable[Gateway]) -> Iterator[Gateway]:
    """Each once, default routes first, a few an interface."""
    counts: dict[str, int] = {}
    seen = set()
    for one in sorted(gateways, key=lambda gateway: not gateway.is_default):
        if one[:2] not in seen and counts.get(one.interface, 0) < _MOST:
            counts[one.interface] = counts.get(one.interface, 0) + 1
            seen.add(one[:2])
            yield one


def read_gateways(root: Folder) -> tuple[Gateway, ...]:
    """Of all interfaces. What is cut off or strange is left out."""
    found: list[Gateway] = []
    for name, most, parse in (("route", _MOST_IPV4, parse_ipv4_routes), ("ipv6_route", _MOST_IPV6, parse_ipv6_routes)):
        text = root.text(f"proc/net/{name}", most=most) or ""
        try:
            found.extend(parse(text.rpartition("\n")[0] if len(text) >= most - 1 else text))
        except ValueError:
            continue
    return tuple(_choose(found))


def parse_neighbour(body: bytes) -> tuple[int, bytes, bool] | None:
    """Interface, address, and whether it answers; None: this message tells neither that nor the contrary."""
    if len(body) < _NDMSG.size:
        return None
    family, ifindex, state, _, _ = _NDMSG.unpack_from(body)
    if family not in {socket.AF_INET, socket.AF_INET6} or state not in {REACHABLE, _FAILED}:
        return None
    address = split_attributes(body[_NDMSG.size :]).get(_DESTINATION)
    return None if address is None else (ifindex, address, state == REACHABLE)


def _as_loaded(number: int) -> int:
    """A 16-bit number of this machine as a socket filter loads it: the other way round where this machine is little-endian."""
    return int.from_bytes(struct.pack("=H", number), "big")


def neighbour_filter() -> bytes:
    """A socket filter that lets only those two states pass: a host with many neighbours hears hundreds of the others."""
    load, equal, give, most = 0x28, 0x15, 0x06, 0xFFFFFFFF
    return b"".join(
        _INSTRUCTION.pack(*one)
        for one in (
            (load, 0, 0, 4),
            (equal, 0, 3, _as_loaded(RTM_NEWNEIGH)),
            (load, 0, 0, _STATE_AT),
            (equal, 2, 0, _as_loaded(_FAILED)),
            (equal, 1, 0, _as_loaded(REACHABLE)),
            (give, 0, 0, 0),
            (give, 0, 0, most),
        )
    )
