# SPDX-License-Identifier: GPL-2.0-or-later
"""Ask the kernel over netlink: one request, and the raw messages of its answer.

Why not pyroute2's sockets: they read an answer whole, and a router with a million routes would be read for minutes; since 0.9 they also start an
event loop. What the messages mean is not for here: ``netlink`` has pyroute2 decode them, ``ethtool_eee`` reads its own few.
"""

import errno
import os
import socket
import struct
from collections.abc import Iterator

__all__ = ["HEADER_BYTES", "NETLINK_GENERIC", "TIMEOUT_S", "InterruptedDumpError", "ask_kernel", "split_attributes"]

TIMEOUT_S = 3.0
"""For one message. Over netlink the kernel answers at once, unless a driver sits on the lock that all of networking shares."""
NETLINK_GENERIC = 16
"""Which Python 3.11 does not name."""
HEADER_BYTES = 16
_HEADER = struct.Struct("=IHHII")
_ATTRIBUTE = struct.Struct("=HH")
_REQUEST, _ACK, _DUMP, _INTERRUPTED = 1, 4, 0x300, 0x10
_NOOP, _ERROR, _DONE = 1, 2, 3
_TYPE_MASK = 0x3FFF
"""NLA_TYPE_MASK: the two bits above it are marks."""


class InterruptedDumpError(OSError):
    """What was listed changed meanwhile (NLM_F_DUMP_INTR): entries may be missing or stand twice."""


def _check_error(data: bytes, at: int) -> None:
    (code,) = struct.unpack_from("=i", data, at + HEADER_BYTES)
    if code:
        raise OSError(-code, os.strerror(-code))


def ask_kernel(protocol: int, kind: int, body: bytes, *, dump: bool, most: int = 1 << 62) -> Iterator[bytes]:
    """Send one request and yield the messages of the answer, each with its header.

    Args:
        protocol: ``NETLINK_ROUTE`` or ``NETLINK_GENERIC``.
        kind: the message type.
        body: what follows the header.
        dump: whether everything of that kind is asked for.
        most: messages after which the rest is left.

    Raises:
        InterruptedDumpError: after the last message.
        OSError: netlink is missing, or the kernel refuses; ``TimeoutError``: it does not answer.
    """
    interrupted = False
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, protocol) as sock:
        sock.settimeout(TIMEOUT_S)
        sock.bind((0, 0))
        sock.send(_HEADER.pack(HEADER_BYTES + len(body), kind, _REQUEST | (_DUMP if dump else _ACK), 1, 0) + body)
        while True:
            data = sock.recv(1 << 17)
            at = 0
            while at + HEADER_BYTES <= len(data):
                length, answer, flags, _, _ = _HEADER.unpack_from(data, at)
                interrupted |= bool(flags & _INTERRUPTED)
                if answer == _ERROR:
                    _check_error(data, at)
                if answer in {_ERROR, _DONE}:
                    if interrupted:
                        raise InterruptedDumpError(errno.EINTR, "changed while it was listed")
                    return
                if most <= 0:
                    return
                if answer != _NOOP:
                    most -= 1
                    yield data[at : at + length]
                at += (max(length, HEADER_BYTES) + 3) & ~3


def split_attributes(data: bytes) -> dict[int, bytes]:
    r"""Attributes (``struct nlattr``) by their type; the last one counts where one comes twice.

    >>> split_attributes(bytes.fromhex("0500010007000000"))
    {1: b'\\x07'}
    """
    found = {}
    at = 0
    while at + 4 <= len(data):
        length, kind = _ATTRIBUTE.unpack_from(data, at)
        if length < 4:
            break
        found[kind & _TYPE_MASK] = data[at + 4 : at + length]
        at += (length + 3) & ~3
    return found
