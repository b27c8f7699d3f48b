# SPDX-License-Identifier: GPL-2.0-or-later
"""Whether something answers a TCP connection to one port. A refusal is an answer."""

import errno
import ipaddress
import os
import socket
import struct

from nicmedic.host.nics import NET
from nicmedic.host.packet_watch import Pattern, find_ports, ip_of
from nicmedic.host.probes.answers import ask
from nicmedic.host.probes.target import Place, Said, Target
from nicmedic.host.sysfs import Folder
from nicmedic.model.probe_words import Ip
from nicmedic.model.transaction import ProbeState

__all__ = ["probe_tcp"]

_GOING_ON = {errno.EINPROGRESS, errno.EALREADY}
_ANSWERED = {0, errno.EISCONN, errno.ECONNREFUSED, errno.ECONNRESET}


class _Connecting:
    """One connection that is begun, and taken back as soon as it stands: by a reset, so that nothing lingers."""

    def __init__(self, place: Place, address: Ip, port: int) -> None:
        self._address = address
        self._port = port
        four = isinstance(address, ipaddress.IPv4Address)
        family = socket.AF_INET if four else socket.AF_INET6
        scope = (Folder().folder(f"{NET}/{place.interface}").number("ifindex") or 0) if address.is_link_local and not four else 0
        self._end = (str(address), port) if four else (str(address), port, 0, scope)
        self._socket = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK)
        try:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, os.fsencode(place.interface))
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("=ii", 1, 0))
            self._socket.bind(("", 0))
        except OSError:
            self._socket.close()
            raise
        self._own = self._socket.getsockname()[1]
        self._error: int | None = None

    @property
    def patterns(self) -> tuple[Pattern, ...]:
        return ip_of(self._address, socket.IPPROTO_TCP)

    def is_ours(self, data: bytes, out: bool) -> bool:  # noqa: FBT001  # as Watch calls it
        return find_ports(data) == ((self._own, self._port) if out else (self._port, self._own))

    def send(self) -> None:
        """Only once: the kernel repeats by itself, after a second."""
        if self._error is None:
            self._error = self._socket.connect_ex(self._end)

    def has_answer(self) -> bool:
        if self._error in _GOING_ON:
            self._error = self._socket.connect_ex(self._end)
        if self._error not in {None, *_GOING_ON, *_ANSWERED}:
            raise OSError(self._error, os.strerror(self._error or 0))
        return self._error in _ANSWERED

    def fileno(self) -> int:
        return self._socket.fileno()

    def close(self) -> None:
        self._socket.close()


def probe_tcp(place: Place, target: Target) -> Said:
    """Begin a connection."""
    address, port = target.address, target.port
    if address is None or port is None:
        return ProbeState.UNKNOWN, "no address and port were given"
    return ask(place, lambda: _Connecting(place, address, port))
