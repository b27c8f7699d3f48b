# SPDX-License-Identifier: GPL-2.0-or-later
"""Ask the gateways behind a card for their hardware address, and see whether one answers over this very card.

Nobody's tables change by it, and no firewall is in the way. The question goes out over the interface that has the route: the card, or a bridge,
bond or VLAN on it. The answer is looked for on the card itself; what is only heard above it came by another card, and says nothing of this one.
"""

import contextlib
import ipaddress
import socket
import time
from collections.abc import Callable, Iterable

from nicmedic.host.neighbour_packets import ETHERNET, Ends
from nicmedic.host.packet_watch import Watch
from nicmedic.host.sysfs import Folder
from nicmedic.host.watching.cards import NET
from nicmedic.host.watching.gateways import Gateway

__all__ = ["SilentProbe"]

_AGAIN_AFTER_S = (0.25, 0.6)
"""One frame may be lost."""
_DISCARD = 9


def _read_hardware_address(interface: str) -> bytes | None:
    """None: no Ethernet."""
    folder = Folder().folder(f"{NET}/{interface}")
    if folder.number("type") != ETHERNET:
        return None
    with contextlib.suppress(ValueError):
        return bytes.fromhex((folder.text("address") or "").replace(":", "")) or None
    return None


def _find_source(gateway: Gateway) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The address that this host would use towards it: a connected socket knows, without a packet being sent."""
    target = ipaddress.ip_address(gateway.address)
    is_ipv4 = isinstance(target, ipaddress.IPv4Address)
    try:
        with socket.socket(socket.AF_INET if is_ipv4 else socket.AF_INET6, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, gateway.interface.encode("utf-8", "surrogateescape") + b"\0")
            scope = socket.if_nametoindex(gateway.interface) if target.is_link_local else 0
            sock.connect((str(target), _DISCARD) if is_ipv4 else (str(target), _DISCARD, 0, scope))
            return ipaddress.ip_address(sock.getsockname()[0].partition("%")[0])
    except OSError:
        return ipaddress.IPv4Address(0) if is_ipv4 else None  # ARP may be asked without an address


class _Question:
    """To one gateway."""

    def __init__(self, card: str, gateway: Gateway, ends: Ends) -> None:
        self._interface, self._ends = gateway.interface, ends
        with contextlib.ExitStack() as stack:
            self.on_card = stack.enter_context(Watch(card, ends.patterns, ends.is_ours))
            self.above = None if gateway.interface == card else stack.enter_context(Watch(gateway.interface, ends.patterns, ends.is_ours))
            kind = socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK
            self._sender = stack.enter_context(socket.socket(socket.AF_PACKET, kind, 0))
            self._stack = stack.pop_all()

    def send(self) -> None:
        """Ask. What goes wrong (a queue is full, the interface is down) means that nobody will answer."""
        protocol, destination, packet = self._ends.render()
        with contextlib.suppress(OSError):
            self._sender.sendto(packet, (self._interface, protocol, 0, ETHERNET, destination))

    def close(self) -> None:
        """Leave nothing open."""
        self._stack.close()


def _ask(card: str, gateway: Gateway) -> _Question | None:
    own, source = _read_hardware_address(gateway.interface), _find_source(gateway)
    if own is None or source is None:
        return None
    try:
        return _Question(card, gateway, Ends(own=own, source=source, target=ipaddress.ip_address(gateway.address)))
    except OSError:
        return None


class SilentProbe:
    """One round of questions over one card."""

    def __init__(self, card: str, gateways: Iterable[Gateway], clock: Callable[[], float] = time.monotonic) -> None:
        """Ask them all."""
        self._clock = clock
        self._questions = [question for one in gateways if (question := _ask(card, one)) is not None]
        self.began_s = clock()
        self._again = [self.began_s + after for after in _AGAIN_AFTER_S]
        self._answered: bool | None = None
        for question in self._questions:
            question.send()

    @property
    def was_sent(self) -> bool:
        """Whether there was anybody to ask."""
        return bool(self._questions)

    def read(self) -> bool | None:
        """Whether one has answered over this card; None: nobody was asked, or who answered is behind another card."""
        if self._answered or not self._questions:
            return self._answered
        elsewhere = False
        for question in self._questions:
            question.on_card.read()
            if question.on_card.received:
                self._answered = True
                self.close()
                return True
            if question.above is not None:
                question.above.read()
                elsewhere |= question.above.received
        if self._again and self._clock() >= self._again[0]:
            self._again.pop(0)
            for question in self._questions:
                question.send()
        return None if elsewhere else False

    def close(self) -> None:
        """Ask no more; what was answered stays known."""
        for question in self._questions:
            question.close()
        self._questions.clear()
