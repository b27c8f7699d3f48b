# SPDX-License-Identifier: GPL-2.0-or-later
"""``nicmedic.ports.boot_trial.TrafficMaker``: echo requests at a rate, over one card, from a thread of our own.

Their answers come back as large as they went, so both directions carry the rate; they are counted by the card, and nobody here reads them: the
socket's filter keeps all of them out (``icmp_filter()``, net/ipv4/raw.c). At high rates requests are larger than a frame, and the
kernel cuts them up: a few thousand calls a second are what Python does beside its work.
"""

import contextlib
import os
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from typing import Final

from nicmedic.host.neighbour_packets import internet_checksum
from nicmedic.host.packet_watch import IcmpKind
from nicmedic.host.present import find_interface
from nicmedic.host.rtnl_asks import find_route_interface, list_own_addresses
from nicmedic.host.uppers import find_above
from nicmedic.model.boot_trial import Traffic
from nicmedic.model.plan import Identity
from nicmedic.model.probe_words import Ip, parse_address

__all__ = ["HostTraffic", "find_payload"]

_ECHO: Final = 8
_ICMP_FILTER, _ICMP6_FILTER, _SOL_RAW = 1, 1, 255
_HEADER = struct.Struct("!BBHHH")
_LEAST_BIT_S: Final = 1_000_000
"""Where no rate is demanded."""
_MORE: Final = 1.1
"""What is made beyond the demand: an answer is lost now and then, and some cards do not count all headers."""
_SMALL, _LARGE = 1400, 60_000
_MOST_CALLS: Final = 3000
_TICK_S, _AGAIN_S, _END_S = 0.005, 1.0, 2.0


def find_payload(rate_bit_s: int) -> int:
    """Bytes of a request: one frame, or more where that would be too many calls a second.

    >>> find_payload(10_000_000), find_payload(1_000_000_000)
    (1400, 41666)
    """
    return min(_LARGE, max(_SMALL, rate_bit_s // 8 // _MOST_CALLS // 2 * 2))


def _look_up(host: str) -> Ip:
    """Raises ``OSError``."""
    address = parse_address(str(socket.getaddrinfo(host, None, type=socket.SOCK_DGRAM)[0][4][0]))
    if address is None:
        raise OSError(None, f"{host} has no address")
    return address


def _list_own(index: int, peer: Ip) -> list[Ip]:
    """Addresses from which an interface may ask: link-local ones are for peers that are such themselves."""
    own = (one.address for one in list_own_addresses(index) if one.usable)
    return [one for one in own if one.version == peer.version and (one.version == 4 or one.is_link_local == peer.is_link_local)]


def _find_way(nic: Identity, peer: Ip) -> tuple[str, int]:
    """The interface over which this card reaches it, its own or what stands on it: as routes have it, else where there is an address to ask from.

    That a socket that is bound to an interface can be connected says nothing: with IPv4 the kernel takes everybody to be on that wire
    (``ip_route_output_key_hash_rcu()``, net/ipv4/route.c). Raises ``OSError``.
    """
    card = find_interface(nic)
    names = () if card is None else (card, *find_above(card))
    indices = {name: socket.if_nametoindex(name) for name in names}
    asking = {name: own for name, index in indices.items() if (own := _list_own(index, peer))}
    routed = (name for name, own in asking.items() if find_route_interface(peer, own[0]) == indices[name])
    found = next(routed, None) or next(iter(asking), None)
    if found is None:
        raise OSError(None, f"no way to {peer}")
    return found, indices[found]


def _build_request(peer: Ip, payload: int) -> bytes:
    data = bytes(index & 0xFF for index in range(payload))
    four = peer.version == 4
    parts = [_ECHO if four else int(IcmpKind.ECHO), 0, 0, os.getpid() & 0xFFFF, 1]
    if four:  # of the other the kernel adds the checksum
        parts[2] = internet_checksum(_HEADER.pack(*parts) + data)
    return _HEADER.pack(*parts) + data


@contextlib.contextmanager
def _open(nic: Identity, host: str, payload: int) -> Iterator[Callable[[], int]]:
    """Sends one request each time that it is called. Raises ``OSError``."""
    peer = _look_up(host)
    name, index = _find_way(nic, peer)
    four = peer.version == 4
    family, protocol = (socket.AF_INET, socket.IPPROTO_ICMP) if four else (socket.AF_INET6, socket.IPPROTO_ICMPV6)
    address = (str(peer), 0) if four else (str(peer), 0, 0, index if peer.is_link_local else 0)
    with socket.socket(family, socket.SOCK_RAW | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK, protocol) as raw:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, os.fsencode(name))
        if four:  # bits that are set keep a type out
            raw.setsockopt(_SOL_RAW, _ICMP_FILTER, struct.pack("=I", 0xFFFFFFFF))
        else:
            raw.setsockopt(socket.IPPROTO_ICMPV6, _ICMP6_FILTER, struct.pack("=8I", *[0xFFFFFFFF] * 8))
        request = _build_request(peer, payload)
        yield lambda: raw.sendto(request, address)


class _Maker(threading.Thread):
    """Over one card."""

    def __init__(self, nic: Identity, host: str, rate_bit_s: int) -> None:
        super().__init__(name=f"traffic over {nic.interface}", daemon=True)
        self._nic, self._host = nic, host
        self._payload = find_payload(rate_bit_s)
        self._per_s = max(rate_bit_s, _LEAST_BIT_S) * _MORE / 8 / self._payload
        self.over = threading.Event()

    def run(self) -> None:
        """A card that goes, and a host that is not reached, are tried again."""
        while not self.over.is_set():
            with contextlib.suppress(OSError), _open(self._nic, self._host, self._payload) as send:
                self._send(send)
            self.over.wait(_AGAIN_S)

    def _send(self, send: Callable[[], int]) -> None:
        """Until it is over. What could not be sent is not made up for: a link that comes back would be flooded. Raises ``OSError``."""
        began, sent = time.monotonic(), 0.0
        while not self.over.wait(_TICK_S):
            due = (time.monotonic() - began) * self._per_s - sent
            try:
                for _ in range(int(min(due, self._per_s * _TICK_S * 10))):
                    send()
            except BlockingIOError:
                pass  # its queue is full
            sent += int(due)


class HostTraffic:
    """Of this machine."""

    def __init__(self) -> None:
        """None yet."""
        self._makers: list[_Maker] = []

    def begin(self, nic: Identity, traffic: Traffic) -> None:
        if traffic.host is None:
            return
        maker = _Maker(nic, traffic.host, traffic.rate_bit_s)
        maker.start()
        self._makers.append(maker)

    def end(self) -> None:
        for maker in self._makers:
            maker.over.set()
        for maker in self._makers:
            maker.join(_END_S)
        self._makers = []
