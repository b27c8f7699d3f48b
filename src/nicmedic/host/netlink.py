# SPDX-License-Identifier: GPL-2.0-or-later
"""Links, addresses, routes, rules, neighbours and queueing disciplines, as rtnetlink(7) lists them.

The only module that imports pyroute2, and only its descriptions of messages: 0.7.2 of Debian 12 and 0.9.7 decode alike. Messages become plain
mappings here, so that nothing else depends on it. Importing it takes 0.14 s; that is why it happens in the function that needs it.
"""

import socket
import struct
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nicmedic.host.netlink_socket import HEADER_BYTES, InterruptedDumpError, ask_kernel, split_attributes
from nicmedic.host.sysfs import lack_of
from nicmedic.model.note import Lack, Note

if TYPE_CHECKING:
    from types import ModuleType

__all__ = ["MOST_ROUTES", "Message", "Rtnl", "every", "inner", "load_messages", "number", "read_rtnl", "text"]

Message = Mapping[str, object]
"""Fields by their names (``index``), attributes by the kernel's (``IFLA_MTU``); one that comes twice is a list."""

MOST_ROUTES = 20_000
"""A router on the Internet has a million; they say nothing about a NIC, and decoding takes 0.1 ms each."""
_TRIES = 3
_GETLINK, _GETADDR, _GETROUTE, _GETNEIGH, _GETRULE, _GETQDISC = 18, 22, 26, 30, 34, 38
_GETNEXTHOP = 106
_ROUTE_BYTES, _RTA_NH_ID = 12, 30
_NTF_PROXY = 8
_AF_BRIDGE = 7
_LINK_BODY = struct.Struct("=BxHiII")
_EXT_MASK = struct.Struct("=HHI")
_IFLA_EXT_MASK, _FILTER_BRVLAN = 29, 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Rtnl:
    """Everything that was listed; None: that list could not be had."""

    links: tuple[Message, ...] | None = None
    bridge_links: tuple[Message, ...] | None = None
    addresses: tuple[Message, ...] | None = None
    routes: tuple[Message, ...] | None = None
    rules: tuple[Message, ...] | None = None
    neighbours: tuple[Message, ...] | None = None
    proxies: tuple[Message, ...] | None = None
    """Addresses that this host answers for; listed on demand only."""
    forwarding: tuple[Message, ...] | None = None
    nexthops: tuple[bytes, ...] | None = None
    """As they came: pyroute2 does not know them."""
    qdiscs: tuple[Message, ...] | None = None


def number(message: Message, name: str) -> int | None:
    """A number of a message."""
    value = message.get(name)
    return value if isinstance(value, int) else None


def text(message: Message, name: str) -> str | None:
    """A text of a message; bytes that are no UTF-8 stay as surrogates."""
    value = message.get(name)
    if isinstance(value, bytes):
        return value.rstrip(b"\0").decode("utf-8", "surrogateescape")
    return value if isinstance(value, str) else None


def inner(message: Message, name: str) -> Message:
    """A nested message; empty where there is none."""
    value = message.get(name)
    return value if isinstance(value, Mapping) else {}


def every(message: Message, name: str) -> Sequence[object]:
    """All values of an attribute that may come more than once."""
    value = message.get(name)
    return value if isinstance(value, list) else [] if value is None else [value]


def _plain(value: Any) -> object:  # noqa: ANN401  # pyroute2 has no types
    """A decoded message of pyroute2, a dictionary with a list of pairs in it, as one mapping."""
    if isinstance(value, dict):
        made: dict[str, object] = {key: _plain(item) for key, item in value.items() if key not in {"attrs", "header"}}
        for key, item in value.get("attrs", ()):
            if key == "UNKNOWN":
                continue
            plain = _plain(item)
            if key in made:
                before = made[key]
                made[key] = [*before, plain] if isinstance(before, list) else [before, plain]
            else:
                made[key] = plain
        return made
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value


def _add_nexthop(message: dict[str, object], raw: bytes) -> None:
    """The number of a route's next hop, which pyroute2 does not know."""
    found = split_attributes(raw[HEADER_BYTES + _ROUTE_BYTES :]).get(_RTA_NH_ID)
    if found is not None:
        message["RTA_NH_ID"] = int.from_bytes(found, sys.byteorder)


def _decode(cls: Any, raw: bytes) -> Message | None:  # noqa: ANN401  # pyroute2 has no types
    try:
        message = cls(raw)
        message.decode()
        made = _plain(message)
    except Exception:  # noqa: BLE001  # one message of a newer kernel must not hide the others; pyroute2 raises what struct and codecs raise
        return None
    if not isinstance(made, dict):
        return None
    if cls.__name__ == "rtmsg":
        _add_nexthop(made, raw)
    return made


class _Reader:
    """Lists one kind after the other, and writes down what fails."""

    def __init__(self, notes: list[Note]) -> None:
        self._notes = notes

    def dump(self, what: str, kind: int, body: bytes, cls: object, *, most: int = 1 << 62) -> tuple[Message, ...] | None:
        raw: list[bytes] = []
        for attempt in range(_TRIES):
            raw.clear()
            try:
                raw.extend(ask_kernel(socket.NETLINK_ROUTE, kind, body, dump=True, most=most + 1))
                break
            except InterruptedDumpError as error:
                if attempt == _TRIES - 1:
                    self._notes.append(
                        Note(what=what, why=Lack.ODD, detail=f"netlink: {error.strerror}, {_TRIES} times; it may be incomplete")
                    )
            except OSError as error:
                self._notes.append(Note(what=what, why=lack_of(error), detail=f"netlink: {error.strerror or error}"))
                return None
        if len(raw) > most:
            self._notes.append(Note(what=what, why=Lack.ODD, detail=f"there are more than {most}; the first of them were read"))
        made = [_decode(cls, message) for message in raw[:most]]
        if None in made:
            self._notes.append(Note(what=what, why=Lack.ODD, detail=f"netlink: {made.count(None)} messages cannot be decoded"))
        return tuple(message for message in made if message is not None)


def _messages(notes: list[Note]) -> "ModuleType | None":
    try:
        import pyroute2.netlink.rtnl  # 0.14 s
        import pyroute2.netlink.rtnl.fibmsg
        import pyroute2.netlink.rtnl.ifaddrmsg
        import pyroute2.netlink.rtnl.ifinfmsg
        import pyroute2.netlink.rtnl.ndmsg
        import pyroute2.netlink.rtnl.rtmsg
        import pyroute2.netlink.rtnl.tcmsg
    except ImportError as error:
        notes.append(Note(what="netlink", why=Lack.ABSENT, detail=f"Python's pyroute2: {error}"))
        return None
    module: ModuleType = pyroute2.netlink.rtnl
    return module


def load_messages() -> None:
    """Import the library now, for whoever will have no time for that."""
    _messages([])


def _nexthops() -> tuple[bytes, ...] | None:
    """None: the kernel has none (before Linux 5.3), which needs no note."""
    try:
        return tuple(ask_kernel(socket.NETLINK_ROUTE, _GETNEXTHOP, bytes(8), dump=True, most=MOST_ROUTES))
    except OSError:
        return None


def read_rtnl(notes: list[Note]) -> Rtnl:
    """List everything. What fails is noted, and the rest still comes."""
    rtnl = _messages(notes)
    if rtnl is None:
        return Rtnl()
    reader = _Reader(notes)
    link_body = _LINK_BODY.pack(0, 0, 0, 0, 0)
    bridge_body = _LINK_BODY.pack(_AF_BRIDGE, 0, 0, 0, 0) + _EXT_MASK.pack(8, _IFLA_EXT_MASK, _FILTER_BRVLAN)
    return Rtnl(
        links=reader.dump("links", _GETLINK, link_body, rtnl.ifinfmsg.ifinfmsg),
        bridge_links=reader.dump("port.vlans", _GETLINK, bridge_body, rtnl.ifinfmsg.ifinfmsg),
        addresses=reader.dump("addresses", _GETADDR, bytes(8), rtnl.ifaddrmsg.ifaddrmsg),
        routes=reader.dump("routes", _GETROUTE, bytes(12), rtnl.rtmsg.rtmsg, most=MOST_ROUTES),
        rules=reader.dump("rules", _GETRULE, bytes(12), rtnl.fibmsg.fibmsg),
        neighbours=reader.dump("neighbours", _GETNEIGH, bytes(12), rtnl.ndmsg.ndmsg, most=MOST_ROUTES),
        proxies=reader.dump("neighbours", _GETNEIGH, bytes([*bytes(10), _NTF_PROXY, 0]), rtnl.ndmsg.ndmsg, most=MOST_ROUTES),
        forwarding=reader.dump("forwarding", _GETNEIGH, bytes([_AF_BRIDGE, *bytes(11)]), rtnl.ndmsg.ndmsg, most=MOST_ROUTES),
        nexthops=_nexthops(),
        qdiscs=reader.dump("qdiscs", _GETQDISC, bytes(20), rtnl.tcmsg.tcmsg),
    )
