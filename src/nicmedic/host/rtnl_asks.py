# SPDX-License-Identifier: GPL-2.0-or-later
"""Three small questions to rtnetlink(7) that are asked again and again while a card is treated, without the library that reads everything.

Each may wait for the lock of all networking: only a child that can be left behind may ask (``side_by_side``).
"""

import contextlib
import ipaddress
import socket
import struct
import sys
from collections.abc import Iterator
from dataclasses import dataclass

from nicmedic.host.netlink_socket import HEADER_BYTES, InterruptedDumpError, ask_kernel, split_attributes

__all__ = ["Known", "Own", "find_route_interface", "list_neighbours", "list_own_addresses"]

_GETADDR, _GETROUTE, _GETNEIGH = 22, 26, 30
_IFADDRMSG = struct.Struct("=BBBBI")
_NDMSG = struct.Struct("=BxxxiHBB")
_RTMSG = struct.Struct("=8BI")
_IFA_ADDRESS, _IFA_LOCAL, _IFA_FLAGS = 1, 2, 8
_DADFAILED, _TENTATIVE = 0x08, 0x40
_NDA_DST = 1
_REACHABLE, _STALE, _DELAY, _PROBE = 2, 4, 8, 16
_RTA_DST, _RTA_SRC, _RTA_OIF = 1, 2, 4
_MOST = 10_000

Ip = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(frozen=True, slots=True, kw_only=True)
class Own:
    """An address of an interface of this host."""

    address: Ip
    prefix_length: int
    usable: bool
    """False: whether somebody else has it is not known yet, or somebody has (IPv6)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """Somebody on the wire whose hardware address the kernel has learnt."""

    address: Ip
    fresh: bool
    """It answered a moment ago."""


def _dump(kind: int, body: bytes) -> Iterator[bytes]:
    with contextlib.suppress(InterruptedDumpError):  # another one came or went meanwhile
        yield from ask_kernel(socket.NETLINK_ROUTE, kind, body, dump=True, most=_MOST)


def list_own_addresses(ifindex: int) -> tuple[Own, ...]:
    """Of one interface, both families.

    Raises:
        OSError: netlink does not answer.
    """
    made = []
    for message in _dump(_GETADDR, bytes(_IFADDRMSG.size)):
        family, prefix_length, flags, _, index = _IFADDRMSG.unpack_from(message, HEADER_BYTES)
        found = split_attributes(message[HEADER_BYTES + _IFADDRMSG.size :])
        packed = found.get(_IFA_LOCAL) or found.get(_IFA_ADDRESS)
        if index != ifindex or packed is None or family not in {socket.AF_INET, socket.AF_INET6}:
            continue
        flags = int.from_bytes(found.get(_IFA_FLAGS, bytes([flags])), sys.byteorder)
        usable = not flags & (_TENTATIVE | _DADFAILED)
        made.append(Own(address=ipaddress.ip_address(packed), prefix_length=prefix_length, usable=usable))
    return tuple(made)


def list_neighbours(ifindex: int) -> tuple[Known, ...]:
    """Of one interface: who is reachable or was it not long ago, the freshest first.

    Raises:
        OSError: netlink does not answer.
    """
    made = []
    for message in _dump(_GETNEIGH, bytes(_NDMSG.size)):
        family, index, state, _, _ = _NDMSG.unpack_from(message, HEADER_BYTES)
        packed = split_attributes(message[HEADER_BYTES + _NDMSG.size :]).get(_NDA_DST)
        if index == ifindex and packed and family in {socket.AF_INET, socket.AF_INET6} and state & (_REACHABLE | _STALE | _DELAY | _PROBE):
            made.append(Known(address=ipaddress.ip_address(packed), fresh=bool(state & _REACHABLE)))
    return tuple(sorted(made, key=lambda one: not one.fresh))


def find_route_interface(peer: Ip, local: Ip) -> int | None:
    """Index of the interface over which the kernel sends from one of its addresses to a peer now; None: nowhere.

    Raises:
        TimeoutError: netlink does not answer.
    """
    family = socket.AF_INET if peer.version == 4 else socket.AF_INET6
    bits = len(peer.packed) * 8
    body = _RTMSG.pack(family, bits, bits, 0, 0, 0, 0, 0, 0)
    for kind, address in ((_RTA_DST, peer), (_RTA_SRC, local)):
        body += struct.pack("=HH", 4 + len(address.packed), kind) + address.packed
    try:
        for message in ask_kernel(socket.NETLINK_ROUTE, _GETROUTE, body, dump=False):
            found = split_attributes(message[HEADER_BYTES + _RTMSG.size :]).get(_RTA_OIF)
            return None if found is None else int.from_bytes(found, sys.byteorder)
    except TimeoutError:
        raise
    except OSError:  # no route, or one that refuses
        return None
    return None
