# SPDX-License-Identifier: GPL-2.0-or-later
"""TCP connections of this machine and what the kernel counts of them, over sock_diag(7), which takes no lock of networking."""

import socket
import struct
import sys
from collections.abc import Iterator
from dataclasses import dataclass

from nicmedic.host.netlink_socket import HEADER_BYTES, InterruptedDumpError, ask_kernel, split_attributes

__all__ = ["Connection", "list_connections", "read_connection"]

_SOCK_DIAG, _BY_FAMILY = 4, 20
_ID = struct.Struct("!HH16s16s")
_REQUEST = struct.Struct("=BBBxI")
_FACTS_AT = HEADER_BYTES + 4 + 48
_FACTS = struct.Struct("=5I")
_INFO, _WANT_INFO = 2, 1 << 1
_STATES = 1 << 1 | 1 << 4 | 1 << 5 | 1 << 8
"""TCP_ESTABLISHED, FIN_WAIT1, FIN_WAIT2, CLOSE_WAIT (include/net/tcp_states.h): both ends may still speak."""
_MOST = 50_000
_LAST_ACK_AT, _RTT_AT, _BYTES_ACKED_AT, _WINDOW_AT = 56, 68, 120, 228
"""In ``struct tcp_info`` (include/uapi/linux/tcp.h), which only ever grows at its end: ``tcpi_bytes_acked`` since Linux 4.1, ``tcpi_snd_wnd``
since 5.4."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """One, as it is at this moment."""

    local: str
    local_port: int
    peer: str
    peer_port: int
    inode: int
    """As ``/proc/PID/fd`` has it: ``socket:[INODE]``."""
    waiting_bytes: int
    """Written by the program and not yet acknowledged, whether sent or not."""
    last_ack_ms: int | None = None
    """How long ago the last acknowledgement came in."""
    rtt_ms: float | None = None
    bytes_acked: int | None = None
    """Since the connection was made."""
    window_bytes: int | None = None
    """How much the other end takes at present; 0: its user does not read."""


def _address(data: bytes, family: int) -> str:
    """As people write it; IPv4 within IPv6 as IPv4."""
    if family == socket.AF_INET:
        return socket.inet_ntop(family, data[:4])
    return socket.inet_ntop(socket.AF_INET, data[12:]) if data[:12] == bytes(10) + b"\xff\xff" else socket.inet_ntop(family, data)


def _number(info: bytes, at: int, size: int = 4) -> int | None:
    return int.from_bytes(info[at : at + size], sys.byteorder) if len(info) >= at + size else None


def _parse(message: bytes) -> Connection:
    family = message[HEADER_BYTES]
    local_port, peer_port, local, peer = _ID.unpack_from(message, HEADER_BYTES + 4)
    _, _, waiting, _, inode = _FACTS.unpack_from(message, _FACTS_AT)
    info = split_attributes(message[_FACTS_AT + _FACTS.size :]).get(_INFO, b"")
    rtt_us = _number(info, _RTT_AT)
    return Connection(
        local=_address(local, family),
        local_port=local_port,
        peer=_address(peer, family),
        peer_port=peer_port,
        inode=inode,
        waiting_bytes=waiting,
        last_ack_ms=_number(info, _LAST_ACK_AT),
        rtt_ms=None if rtt_us is None else rtt_us / 1000,
        bytes_acked=_number(info, _BYTES_ACKED_AT, 8),
        window_bytes=_number(info, _WINDOW_AT),
    )


def _list(local_port: int, peer_port: int) -> Iterator[Connection]:
    """Ports of 0: all. The kernel leaves the others out itself (net/ipv4/inet_diag.c ``inet_diag_dump_icsk``)."""
    for family in (socket.AF_INET, socket.AF_INET6):
        ends = _ID.pack(local_port, peer_port, bytes(16), bytes(16)) + bytes(4) + b"\xff" * 8
        body = _REQUEST.pack(family, socket.IPPROTO_TCP, _WANT_INFO, _STATES) + ends
        try:
            for message in ask_kernel(_SOCK_DIAG, _BY_FAMILY, body, dump=True, most=_MOST):
                yield _parse(message)
        except InterruptedDumpError:
            pass  # another one came or went meanwhile


def list_connections() -> tuple[Connection, ...]:
    """All of this network namespace.

    Raises:
        OSError: the kernel does not tell (it has no ``tcp_diag``).
    """
    return tuple(_list(0, 0))


def read_connection(known: Connection) -> Connection | None:
    """The same one as it is now; None: it has ended.

    Raises:
        OSError: as above.
    """
    return next((one for one in _list(known.local_port, known.peer_port) if one.inode == known.inode), None)
