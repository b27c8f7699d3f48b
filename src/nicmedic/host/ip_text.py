# SPDX-License-Identifier: GPL-2.0-or-later
"""Read what ``ip -d address`` and ``ip route show table all`` printed, as support archives keep it. For a live host there is ``host/netlink.py``.

Never raises; a line of a form that is not known is passed over.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from nicmedic.model.stack import Address, NextHop, Route

__all__ = ["IpLink", "parse_links", "parse_routes"]

_HEAD = re.compile(r"(?P<index>\d{1,9}): (?P<name>\S+?)(?:@(?P<lower>\S+))?: <(?P<flags>[^>]*)> (?P<rest>.*)")
_KINDS = re.compile(
    r"(?<![\w-])(bridge|bond|vlan|macvlan|macvtap|ipvlan|veth|tun|team|vxlan|gre|gretap|ipip|sit|dummy|vrf|openvswitch|wireguard|ifb|geneve|vcan)"
    r"(?= |\Z)"
)
_ADDRESS = re.compile(
    r"(?P<family>inet6?) (?P<address>[0-9a-fA-F.:]+)(?: peer (?P<peer>[0-9a-fA-F.:]+))?(?:/(?P<prefix>\d{1,3}))?(?P<rest>.*)"
)
_LIFETIME = re.compile(r"(?P<which>valid|preferred)_lft (?:(?P<seconds>\d{1,10})sec|forever)")
_FLAGS = frozenset(
    [
        "secondary",
        "temporary",
        "dynamic",
        "noprefixroute",
        "mngtmpaddr",
        "tentative",
        "deprecated",
        "nodad",
        "optimistic",
        "home",
        "dadfailed",
        "autojoin",
    ]
)
_PROTOCOLS = {
    "redirect": 1,
    "kernel": 2,
    "boot": 3,
    "static": 4,
    "gated": 8,
    "ra": 9,
    "zebra": 11,
    "bird": 12,
    "dhcp": 16,
    "keepalived": 18,
}
_TABLES = {"default": 253, "main": 254, "local": 255}
_TYPES = frozenset(["unicast", "local", "broadcast", "anycast", "multicast", "blackhole", "unreachable", "prohibit", "throw", "nat"])
_ROUTE_FLAGS = frozenset(["onlink", "linkdown", "dead", "offload", "pervasive", "trap", "rt_trap", "notify"])


@dataclass(frozen=True, slots=True, kw_only=True)
class IpLink:
    """One interface of ``ip -d address``."""

    interface: str
    ifindex: int
    lower: str | None = None
    """Behind the ``@``: what it stands on."""
    flags: tuple[str, ...] = ()
    mtu: int | None = None
    mtu_min: int | None = None
    mtu_max: int | None = None
    txqueuelen: int | None = None
    promiscuity: int | None = None
    master: str | None = None
    operstate: str | None = None
    kind: str | None = None
    """None: ip names none, as for a card."""
    is_ethernet: bool = False
    address: str | None = None
    permanent_address: str | None = None
    altnames: tuple[str, ...] = ()
    addresses: tuple[Address, ...] = ()


def _after(word: str, text: str) -> str | None:
    found = re.search(rf"(?<!\S){word} (\S+)", text)
    return found[1] if found else None


def _number_after(word: str, text: str) -> int | None:
    found = _after(word, text)
    return int(found) if found is not None and re.fullmatch(r"\d{1,18}", found) else None


def parse_links(text: str) -> tuple[IpLink, ...]:
    """Every interface in order."""
    found: list[IpLink] = []
    block: list[str] = []
    for line in text.splitlines():
        if _HEAD.match(line):
            found += _parse_block(block)
            block = []
        block.append(line)
    return (*found, *_parse_block(block))


def _parse_block(block: list[str]) -> Iterator[IpLink]:
    head = _HEAD.match(block[0]) if block else None
    if head is None:
        return
    details = " ".join(line.strip() for line in block[1:] if not re.match(r"\s*(?:inet6?|valid_lft|altname) ", line))
    link = re.match(r"link/(\S+)(?: (\S+))?", details)
    kind = _KINDS.search(details)
    rest = head["rest"]
    state = _after("state", rest)
    permanent = _after("permaddr", details)
    if (
        permanent is None and link and "parentbus" in details.split()
    ):  # since iproute2 5.14; permaddr, since 5.6, is told only where it differs
        permanent = link[2]
    yield IpLink(
        interface=head["name"],
        ifindex=int(head["index"]),
        lower=head["lower"],
        flags=tuple(head["flags"].split(",")) if head["flags"] else (),
        mtu=_number_after("mtu", rest),
        mtu_min=_number_after("minmtu", details),
        mtu_max=_number_after("maxmtu", details),
        txqueuelen=_number_after("qlen", rest),
        promiscuity=_number_after("promiscuity", details),
        master=_after("master", rest),
        operstate=state.lower() if state else None,
        kind="loopback" if link and link[1] == "loopback" else kind[1] if kind else None,
        is_ethernet=link is not None and link[1] == "ether",
        address=link[2] if link else None,
        permanent_address=permanent,
        altnames=tuple(line.split()[1] for line in block[1:] if re.match(r"\s*altname \S", line)),
        addresses=tuple(_parse_addresses(block[1:])),
    )


def _parse_addresses(lines: list[str]) -> Iterator[Address]:
    for line, after in zip(lines, [*lines[1:], ""], strict=True):
        found = _ADDRESS.match(line.strip())
        if not found:
            continue
        words = found["rest"].split()
        label = words[-1] if found["family"] == "inet" and words and words[-1] not in _FLAGS else None
        lifetimes = {each["which"]: int(each["seconds"]) if each["seconds"] else None for each in _LIFETIME.finditer(after)}
        yield Address(
            family=found["family"],
            address=found["address"],
            peer=found["peer"],
            prefix_length=int(found["prefix"] or (32 if found["family"] == "inet" else 128)),
            broadcast=_after("brd", found["rest"]),
            scope=_after("scope", found["rest"]) or "global",
            flags=tuple(word for word in words if word in _FLAGS),
            label=label,
            preferred_lifetime_s=lifetimes.get("preferred"),
            valid_lifetime_s=lifetimes.get("valid"),
            metric=_number_after("metric", found["rest"]),
        )


def parse_routes(text: str) -> tuple[Route, ...]:
    """Every route in order, with the next hops that stand on lines of their own. Table 0: one whose name the text does not explain."""
    found: list[Route] = []
    lines = [line for line in text.splitlines() if line.strip()]
    for index, line in enumerate(lines):
        if line[0] in " \t" or (route := _parse_route(line)) is None:
            continue
        hops: list[NextHop] = []
        for each in lines[index + 1 :]:
            if each[0] not in " \t":
                break
            if each.strip().startswith("nexthop "):
                gateway = re.search(r"via (?:inet6? )?(\S+)", each)
                hops.append(
                    NextHop(
                        interface=_after("dev", each), gateway=gateway[1] if gateway else None, weight=_number_after("weight", each) or 1
                    )
                )
        found.append(replace(route, nexthops=tuple(hops)) if hops else route)
    return tuple(found)


def _parse_route(line: str) -> Route | None:
    words = line.split()
    kind = words.pop(0) if words[0] in _TYPES else "unicast"
    if not words or not re.fullmatch(r"default|[0-9a-fA-F.:]+(?:/\d{1,3})?", words[0]):
        return None
    destination, rest = words[0], " ".join(words[1:])
    gateway = re.search(r"(?<!\S)via (?:inet6? )?(\S+)", rest)
    six = ":" in destination or (destination == "default" and (":" in (gateway[1] if gateway else "") or _after("pref", rest) is not None))
    table, protocol = _after("table", rest) or "main", _after("proto", rest) or "boot"
    return Route(
        family="inet6" if six else "inet",
        destination=destination,
        table=_TABLES.get(table) or (int(table) if re.fullmatch(r"\d{1,10}", table) else 0),
        type=kind,
        gateway=gateway[1] if gateway else None,
        interface=_after("dev", rest),
        protocol=_PROTOCOLS.get(protocol) or (int(protocol) if re.fullmatch(r"\d{1,3}", protocol) else None),
        scope=None if six else _after("scope", rest) or "global",
        source=_after("src", rest),
        metric=_number_after("metric", rest),
        flags=tuple(word for word in words[1:] if word in _ROUTE_FLAGS),
        preference=_after("pref", rest),
    )
