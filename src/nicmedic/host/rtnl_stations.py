# SPDX-License-Identifier: GPL-2.0-or-later
"""What somebody set by hand below the routes: next hops with a number, static entries of a bridge's table, multicast addresses.

Pure: messages and texts in, values out. The numbers are those of include/uapi/linux: nexthop.h, neighbour.h.
"""

import socket
import struct
import sys
from collections.abc import Iterable, Mapping

from nicmedic.host.netlink import Message, number, text
from nicmedic.host.netlink_socket import HEADER_BYTES, split_attributes
from nicmedic.model.stack import ForwardingEntry, GroupMember, Membership, NextHopObject

__all__ = ["make_forwarding", "make_nexthops", "parse_memberships"]

_NHMSG = struct.Struct("=BBBxI")
_GROUP_ENTRY = struct.Struct("=IBBH")
_ID, _GROUP, _GROUP_TYPE, _BLACKHOLE, _OIF, _GATEWAY, _ENCAP_TYPE, _FDB = 1, 2, 3, 4, 5, 6, 7, 11
_FAMILIES = {int(socket.AF_INET): "inet", int(socket.AF_INET6): "inet6"}
_SCOPES = {0: "global", 200: "site", 253: "link", 254: "host"}
_ONLINK = 4
_STATIC, _PERMANENT = 0x40, 0x80
_SELF, _EXT_LEARNED = 2, 0x10
_ORDER = sys.byteorder


def _nexthop(raw: bytes, names: Mapping[int, str]) -> NextHopObject | None:
    if len(raw) < HEADER_BYTES + _NHMSG.size:
        return None
    family, scope, protocol, flags = _NHMSG.unpack_from(raw, HEADER_BYTES)
    found = split_attributes(raw[HEADER_BYTES + _NHMSG.size :])
    if len(found.get(_ID, b"")) != 4:
        return None
    gateway, index = found.get(_GATEWAY, b""), found.get(_OIF, b"")
    kind = {4: socket.AF_INET, 16: socket.AF_INET6}.get(len(gateway))
    oif = int.from_bytes(index, _ORDER)
    group = found.get(_GROUP, b"")
    entries = [_GROUP_ENTRY.unpack_from(group, at) for at in range(0, len(group) - _GROUP_ENTRY.size + 1, _GROUP_ENTRY.size)]
    return NextHopObject(
        id=int.from_bytes(found[_ID], _ORDER),
        family=None if group else _FAMILIES.get(family),
        gateway=None if kind is None else socket.inet_ntop(kind, gateway),
        interface=names.get(oif, f"if{oif}") if oif else None,
        scope=_SCOPES.get(scope, str(scope)),
        protocol=protocol,
        flags=("onlink",) if flags & _ONLINK else (),
        members=tuple(GroupMember(id=member, weight=weight + 1) for member, weight, _, _ in entries),
        plain=not any(key in found for key in (_BLACKHOLE, _ENCAP_TYPE, _FDB)) and not int.from_bytes(found.get(_GROUP_TYPE, b""), _ORDER),
    )


def make_nexthops(messages: Iterable[bytes], names: Mapping[int, str]) -> tuple[NextHopObject, ...]:
    """Next hops and their groups out of raw messages."""
    return tuple(made for raw in messages if (made := _nexthop(raw, names)) is not None)


def make_forwarding(messages: Iterable[Message], names: Mapping[int, str]) -> tuple[ForwardingEntry, ...]:
    """Entries of bridges' tables, and further addresses of cards, that no packet and no program taught; those of groups are not for here."""
    made = []
    for message in messages:
        address, index = text(message, "NDA_LLADDR"), number(message, "ifindex") or 0
        state, flags = number(message, "state") or 0, number(message, "flags") or 0
        if address is None or index not in names or not state & (_STATIC | _PERMANENT) or flags & _EXT_LEARNED:
            continue
        if int(address[:2], 16) & 1 or "NDA_DST" in message:
            continue
        vlan = number(message, "NDA_VLAN")
        made.append(
            ForwardingEntry(
                interface=names[index],
                address=address,
                master=not flags & _SELF,
                static=bool(state & _STATIC),
                vlan=vlan or None,
            )
        )
    return tuple(made)


def parse_memberships(told: str | None) -> tuple[Membership, ...] | None:
    r"""Out of ``/proc/net/dev_mcast``: index, interface, users, users by hand, address (net/core/net-procfs.c ``dev_mc_seq_show``).

    >>> parse_memberships("2    eth0   1     0     333300000001\n2    eth0   1     1     333300000099")
    (Membership(interface='eth0', address='33:33:00:00:00:99'),)
    """
    if told is None:
        return None
    rows = [line.split() for line in told.splitlines()]
    return tuple(
        Membership(interface=row[1], address=":".join(row[4][at : at + 2] for at in range(0, len(row[4]), 2)))
        for row in rows
        if len(row) == 5 and row[3] != "0"
    )
