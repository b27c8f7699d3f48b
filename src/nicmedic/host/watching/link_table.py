# SPDX-License-Identifier: GPL-2.0-or-later
"""What the kernel says of links (RTM_NEWLINK, RTM_DELLINK), and what that means for the cards among them. Pure.

Trap: a bridge sends both messages for its ports too, with the family AF_BRIDGE; a port that leaves it is "deleted" there (net/bridge/br_netlink.c).
"""

import struct
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from nicmedic.host.netlink_socket import HEADER_BYTES, split_attributes
from nicmedic.host.watching.cards import is_representor
from nicmedic.model.sample import Signal, SignalKind

__all__ = ["RTM_DELLINK", "RTM_NEWLINK", "Link", "LinkTable", "parse_link", "split_messages"]

RTM_NEWLINK = 16
RTM_DELLINK = 17
_HEADER = struct.Struct("=IHHII")
_IFINFO = struct.Struct("=BxHiII")
_ADDRESS, _IFNAME, _MTU, _MASTER, _PORT_NAME, _PERM_ADDRESS = 1, 3, 4, 10, 38, 54
_UP, _LOWER_UP = 1, 1 << 16


class Link(NamedTuple):
    """One interface as the kernel tells of it."""

    ifindex: int
    name: str
    is_up: bool
    lower_up: bool
    mtu: int | None = None
    master: int | None = None
    address: str = ""
    port_name: str | None = None
    permanent_address: str | None = None
    """Told since Linux 5.6 (IFLA_PERM_ADDRESS, include/uapi/linux/if_link.h): a bond gives its ports another one than this."""

    @property
    def carrier(self) -> bool | None:
        """None: an interface that is down has none to tell of."""
        return self.lower_up if self.is_up else None


def split_messages(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Type and body of each message of a datagram; a broken one ends it."""
    at = 0
    while at + HEADER_BYTES <= len(data):
        length, kind, *_ = _HEADER.unpack_from(data, at)
        if length < HEADER_BYTES or at + length > len(data):
            return
        yield kind, data[at + HEADER_BYTES : at + length]
        at += (length + 3) & ~3


def _number(data: bytes | None) -> int | None:
    return None if data is None or len(data) != 4 else int(struct.unpack("=I", data)[0])


def parse_link(body: bytes) -> Link | None:
    """The body of a message about a link; None: it is a bridge's about its port, or strange."""
    if len(body) < _IFINFO.size:
        return None
    family, _, ifindex, flags, _ = _IFINFO.unpack_from(body)
    found = split_attributes(body[_IFINFO.size :])
    name = found.get(_IFNAME, b"").split(b"\0")[0]
    if family or ifindex <= 0 or not name:
        return None
    port = found.get(_PORT_NAME)
    return Link(
        ifindex=ifindex,
        name=name.decode("utf-8", "surrogateescape"),
        is_up=bool(flags & _UP),
        lower_up=bool(flags & _LOWER_UP),
        mtu=_number(found.get(_MTU)),
        master=_number(found.get(_MASTER)),
        address=found.get(_ADDRESS, b"").hex(":"),
        port_name=None if port is None else port.split(b"\0")[0].decode("ascii", "replace"),
        permanent_address=found.get(_PERM_ADDRESS, b"").hex(":") or None,
    )


class LinkTable:
    """All links of the namespace, and what changes."""

    def __init__(self, is_card: Callable[[str], bool]) -> None:
        self._is_card = is_card
        self._links: dict[int, Link] = {}
        self._by_name: dict[str, int] = {}
        self._cards: set[int] = set()
        self._heard: set[int] | None = None
        """Since a list of all is being made; None: none is."""
        self.is_known = False
        """Whether all links were listed once; before that, what is new may have been there all the time."""

    def find(self, name: str) -> Link | None:
        """By its present name."""
        ifindex = self._by_name.get(name)
        return None if ifindex is None else self._links[ifindex]

    @property
    def representors(self) -> frozenset[str]:
        """Interfaces that stand for guests' functions."""
        return frozenset(link.name for link in self._links.values() if is_representor(link.port_name))

    @property
    def permanent_addresses(self) -> dict[str, str]:
        """By interface, as far as they are told."""
        return {link.name: link.permanent_address for link in self._links.values() if link.permanent_address is not None}

    def begin_listing(self) -> None:
        """From now on note who was heard of: a list that is made meanwhile may be older than what was heard."""
        self._heard = set()

    def give_up_list(self) -> None:
        """It will not come."""
        self._heard = None

    def take_list(self, links: Iterable[Link], now_s: float) -> list[Signal]:
        """All links at once, as they were some time since ``begin_listing``."""
        listed, heard = {link.ifindex: link for link in links}, self._heard or ()
        signals = []
        for ifindex in [ifindex for ifindex in self._links if ifindex not in listed and ifindex not in heard]:
            signals += self.remove(ifindex, now_s)
        for ifindex, link in listed.items():
            if ifindex not in heard:
                signals += self.take(link, now_s)
        self.is_known = True
        self._heard = None
        return signals

    def hear(self, kind: int, body: bytes, now_s: float) -> list[Signal]:
        """One message."""
        link = parse_link(body)
        if link is None or kind not in {RTM_NEWLINK, RTM_DELLINK}:
            return []
        if self._heard is not None:
            self._heard.add(link.ifindex)
        return self.take(link, now_s) if kind == RTM_NEWLINK else self.remove(link.ifindex, now_s)

    def remove(self, ifindex: int, now_s: float) -> list[Signal]:
        """It is gone, or in another namespace."""
        old = self._links.pop(ifindex, None)
        if old is None:
            return []
        if self._by_name.get(old.name) == ifindex:
            del self._by_name[old.name]
        if ifindex not in self._cards:
            return []
        self._cards.discard(ifindex)
        return [Signal(SignalKind.VANISHED, now_s, old.name)]

    def take(self, link: Link, now_s: float) -> list[Signal]:
        """It is like this now."""
        old = self._links.get(link.ifindex)
        if old is not None and self._by_name.get(old.name) == link.ifindex:
            del self._by_name[old.name]
        self._links[link.ifindex] = link
        self._by_name[link.name] = link.ifindex
        if old is None:
            if not is_representor(link.port_name) and self._is_card(link.name):
                self._cards.add(link.ifindex)
                return [Signal(SignalKind.APPEARED, now_s, link.name)] if self.is_known else []
            return []
        if link.ifindex not in self._cards:
            if old.name == link.name or is_representor(link.port_name) or not self._is_card(link.name):
                return []
            self._cards.add(link.ifindex)
            return [Signal(SignalKind.APPEARED, now_s, link.name)]
        return list(_compare(old, link, now_s))


def _compare(old: Link, new: Link, now_s: float) -> Iterator[Signal]:
    """What happened to a card."""
    if old.name != new.name:
        yield Signal(SignalKind.RENAMED, now_s, new.name, text=old.name)
    if old.is_up != new.is_up:
        yield Signal(SignalKind.ADMIN, now_s, new.name, value=int(new.is_up))
    if new.carrier is not None and (old.carrier != new.carrier) and (old.carrier is not None or new.carrier):
        yield Signal(SignalKind.CARRIER, now_s, new.name, value=int(new.carrier))
    if (old.mtu, old.master, old.address) != (new.mtu, new.master, new.address):
        yield Signal(SignalKind.CHANGED, now_s, new.name)
