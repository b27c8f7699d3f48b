# SPDX-License-Identifier: GPL-2.0-or-later
"""One list of all queueing disciplines with what they count, read without a netlink library. The kernel takes the lock of networking for it."""

import socket
import struct
from collections.abc import Mapping
from typing import NamedTuple

from nicmedic.host.netlink_socket import HEADER_BYTES, InterruptedDumpError, ask_kernel, split_attributes

__all__ = ["MULTIQUEUE", "ROOT", "QdiscCounts", "read_qdisc_counts"]

_GETQDISC = 38
_TCMSG = struct.Struct("=BxxxiIII")
_KIND, _STATS2, _BASIC, _QUEUE = 1, 7, 1, 3
ROOT = 0xFFFFFFFF
"""Parent of the root discipline (``TC_H_ROOT``)."""
MULTIQUEUE = frozenset({b"mq", b"mqprio"})
"""Disciplines that have one of their own for each queue."""


class QdiscCounts(NamedTuple):
    """One queueing discipline."""

    parent: int
    handle: int
    kind: bytes
    packets: int
    qlen: int
    backlog_bytes: int
    drops: int
    requeues: int


def _parse(message: bytes) -> tuple[int, QdiscCounts]:
    _, index, handle, parent, _ = _TCMSG.unpack_from(message, HEADER_BYTES)
    found = split_attributes(message[HEADER_BYTES + _TCMSG.size :])
    statistics = split_attributes(found.get(_STATS2, b""))
    (packets,) = struct.unpack_from("=8xI", statistics.get(_BASIC, bytes(12)).ljust(12, b"\0"))
    qlen, backlog, drops, requeues, _ = struct.unpack_from("=5I", statistics.get(_QUEUE, bytes(20)).ljust(20, b"\0"))
    return index, QdiscCounts(parent, handle, found.get(_KIND, b"").rstrip(b"\0"), packets, qlen, backlog, drops, requeues)


def read_qdisc_counts() -> Mapping[int, tuple[QdiscCounts, ...]] | None:
    """By interface index; None: netlink does not answer."""
    made: dict[int, list[QdiscCounts]] = {}
    try:
        for message in ask_kernel(socket.NETLINK_ROUTE, _GETQDISC, bytes(_TCMSG.size), dump=True):
            index, counts = _parse(message)
            made.setdefault(index, []).append(counts)
    except InterruptedDumpError:
        pass  # a discipline came or went meanwhile; the others are right
    except (OSError, struct.error):
        return None
    return {index: tuple(counts) for index, counts in made.items()}
