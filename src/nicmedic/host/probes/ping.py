# SPDX-License-Identifier: GPL-2.0-or-later
"""Whether an address answers an ICMP echo request (RFC 792, 4443). Own sockets: ping(8) is not installed everywhere, and has many dialects."""

import ipaddress
import os
import socket
import struct

from nicmedic.host.neighbour_packets import internet_checksum
from nicmedic.host.nics import NET
from nicmedic.host.packet_watch import IcmpKind, Pattern, ip_of
from nicmedic.host.probes.answers import ask
from nicmedic.host.probes.target import Place, Said, Target
from nicmedic.host.sysfs import Folder
from nicmedic.model.probe_words import Ip
from nicmedic.model.transaction import ProbeState

__all__ = ["probe_ping"]

_ECHO, _ECHO_REPLY = 8, 0
_ICMP_FILTER, _ICMP6_FILTER, _SOL_RAW = 1, 1, 255
_HEADER = struct.Struct("!BBHHH")
_MOST_AT_ONCE = 200


class _Ping:
    """Echo requests that carry a random cookie, which comes back with the answer."""

    def __init__(self, place: Place, address: Ip) -> None:
        self._address = address
        self._cookie = os.urandom(24)
        self._number = 0
        four = isinstance(address, ipaddress.IPv4Address)
        family, protocol = (socket.AF_INET, socket.IPPROTO_ICMP) if four else (socket.AF_INET6, socket.IPPROTO_ICMPV6)
        self._kinds = (_ECHO, _ECHO_REPLY) if four else (IcmpKind.ECHO, IcmpKind.ECHO_REPLY)
        self._protocol = protocol
        self._scope = Folder().folder(f"{NET}/{place.interface}").number("ifindex") or 0
        self._socket = socket.socket(family, socket.SOCK_RAW | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK, protocol)
        try:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, os.fsencode(place.interface))
            if four:  # bits that are set keep a type out
                self._socket.setsockopt(_SOL_RAW, _ICMP_FILTER, struct.pack("=I", 0xFFFFFFFF ^ 1 << _ECHO_REPLY))
            else:
                words = [0xFFFFFFFF] * 8
                words[IcmpKind.ECHO_REPLY >> 5] ^= 1 << (IcmpKind.ECHO_REPLY & 31)
                self._socket.setsockopt(socket.IPPROTO_ICMPV6, _ICMP6_FILTER, struct.pack("=8I", *words))
        except OSError:
            self._socket.close()
            raise

    @property
    def patterns(self) -> tuple[Pattern, ...]:
        return ip_of(self._address, self._protocol)

    def is_ours(self, data: bytes, out: bool) -> bool:  # noqa: ARG002, FBT001  # as Watch calls it
        return self._cookie in data

    def send(self) -> None:
        self._number += 1
        parts = [self._kinds[0], 0, 0, os.getpid() & 0xFFFF, self._number]
        if isinstance(self._address, ipaddress.IPv4Address):
            parts[2] = internet_checksum(_HEADER.pack(*parts) + self._cookie)
            self._socket.sendto(_HEADER.pack(*parts) + self._cookie, (str(self._address), 0))
        else:  # the kernel adds the checksum
            scope = self._scope if self._address.is_link_local else 0
            self._socket.sendto(_HEADER.pack(*parts) + self._cookie, (str(self._address), 0, 0, scope))

    def has_answer(self) -> bool:
        for _ in range(_MOST_AT_ONCE):
            try:
                if self._cookie in self._socket.recv(256):
                    return True
            except OSError:  # nothing more
                return False
        return False

    def fileno(self) -> int:
        return self._socket.fileno()

    def close(self) -> None:
        self._socket.close()


def probe_ping(place: Place, target: Target) -> Said:
    """Ask for an echo."""
    address = target.address
    if address is None:
        return ProbeState.UNKNOWN, "no address was given"
    return ask(place, lambda: _Ping(place, address))
