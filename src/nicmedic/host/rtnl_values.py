# SPDX-License-Identifier: GPL-2.0-or-later
"""Addresses, routes, rules and neighbours out of rtnetlink messages, in ip's words.

Pure: messages in, values out. The numbers are those of include/uapi/linux: if_addr.h, rtnetlink.h, fib_rules.h, neighbour.h.
"""

import socket
from collections.abc import Iterable, Mapping
from typing import cast

from nicmedic.host.netlink import Message, every, inner, number, text
from nicmedic.model.stack import Address, Neighbour, NextHop, Route, Rule

__all__ = ["flag_words", "make_addresses", "make_neighbours", "make_routes", "make_rules"]

_FAMILIES = {int(socket.AF_INET): "inet", int(socket.AF_INET6): "inet6"}
_BITS = {"inet": 32, "inet6": 128}
_FOREVER = 0xFFFFFFFF
_SCOPES = {0: "global", 200: "site", 253: "link", 254: "host", 255: "nowhere"}
_ADDRESS_FLAGS = {
    0x02: "nodad",
    0x04: "optimistic",
    0x08: "dadfailed",
    0x10: "home",
    0x20: "deprecated",
    0x40: "tentative",
    0x80: "permanent",
    0x100: "mngtmpaddr",
    0x200: "noprefixroute",
    0x400: "autojoin",
    0x800: "stable-privacy",
}
_ROUTE_TYPES = "unspec unicast local broadcast anycast multicast blackhole unreachable prohibit throw nat xresolve".split()  # noqa: SIM905  # one line
_CLONED = 0x200
_ROUTE_FLAGS = {
    1: "dead",
    2: "pervasive",
    4: "onlink",
    8: "offload",
    0x10: "linkdown",
    0x20: "unresolved",
    0x40: "trap",
    0x4000: "rt_offload",
    0x8000: "rt_trap",
}
_PREFERENCES = {0: "medium", 1: "high", 3: "low"}
_ENCAPSULATIONS = {1: "mpls", 2: "ip", 3: "ila", 4: "ip6", 5: "seg6", 6: "bpf", 7: "seg6local", 8: "rpl", 9: "ioam6", 10: "xfrm"}
_USER_HZ = 100
_RULE_ACTIONS = {1: "lookup", 2: "goto", 3: "nop", 6: "blackhole", 7: "unreachable", 8: "prohibit"}
_INVERTED = 2
_NEIGHBOUR_STATES = {
    0: "none",
    1: "incomplete",
    2: "reachable",
    4: "stale",
    8: "delay",
    0x10: "probe",
    0x20: "failed",
    0x40: "noarp",
    0x80: "permanent",
}
_PERMANENT = 0x80
_PROXY = 8
_NEIGHBOUR_FLAGS = {1: "use", 2: "self", 4: "master", 8: "proxy", 0x10: "extern_learn", 0x20: "offloaded", 0x40: "sticky", 0x80: "router"}


def flag_words(mask: int, words: Mapping[int, str]) -> tuple[str, ...]:
    """Words of the bits that are set, in the order of the table; bits that it lacks are left out."""
    return tuple(word for bit, word in words.items() if mask & bit)


def _name(names: Mapping[int, str], index: int | None) -> str | None:
    return None if not index else names.get(index, f"if{index}")


def _lifetime(seconds: object) -> int | None:
    return seconds if isinstance(seconds, int) and seconds != _FOREVER else None


def _address(message: Message, names: Mapping[int, str]) -> tuple[str, Address] | None:
    family = _FAMILIES.get(number(message, "family") or 0)
    local, other = text(message, "IFA_LOCAL"), text(message, "IFA_ADDRESS")
    interface = _name(names, number(message, "index"))
    if family is None or interface is None or (local or other) is None:
        return None
    flags = number(message, "IFA_FLAGS")
    mask = (number(message, "flags") or 0) if flags is None else flags
    words = (("secondary" if family == "inet" else "temporary",) if mask & 1 else ()) + flag_words(mask, _ADDRESS_FLAGS)
    scope = number(message, "scope") or 0
    cache = inner(message, "IFA_CACHEINFO")
    return interface, Address(
        family=family,
        address=cast("str", local or other),
        prefix_length=number(message, "prefixlen") or 0,
        peer=other if local is not None and other != local else None,
        broadcast=text(message, "IFA_BROADCAST"),
        scope=_SCOPES.get(scope, str(scope)),
        flags=words if "permanent" in words else (*words, "dynamic"),
        label=text(message, "IFA_LABEL"),
        protocol=number(message, "IFA_PROTO") or number(message, "IFA_PROTOCOL"),
        preferred_lifetime_s=_lifetime(cache.get("ifa_preferred")),
        valid_lifetime_s=_lifetime(cache.get("ifa_valid")),
        metric=number(message, "IFA_RT_PRIORITY"),
    )


def make_addresses(messages: Iterable[Message], names: Mapping[int, str]) -> dict[str, tuple[Address, ...]]:
    """Addresses by interface."""
    made: dict[str, list[Address]] = {}
    for interface, address in filter(None, (_address(message, names) for message in messages)):
        made.setdefault(interface, []).append(address)
    return {interface: tuple(addresses) for interface, addresses in made.items()}


def _prefix(address: str | None, length: int, family: str) -> str | None:
    if address is None:
        return f"{'0.0.0.0' if family == 'inet' else '::'}/{length}" if length else None  # noqa: S104  # not a socket's
    return address if length == _BITS[family] else f"{address}/{length}"


def _gateway(message: Message) -> str | None:
    via = message.get("RTA_VIA")
    other = text(cast("Message", via), "addr") if isinstance(via, Mapping) else None
    return text(message, "RTA_GATEWAY") or other


def _nexthops(message: Message, names: Mapping[int, str]) -> tuple[NextHop, ...]:
    hops = [hop for hop in every(message, "RTA_MULTIPATH") if isinstance(hop, Mapping)]
    return tuple(
        NextHop(
            interface=_name(names, number(hop, "oif")),
            gateway=_gateway(hop),
            weight=(number(hop, "hops") or 0) + 1,
            flags=flag_words(number(hop, "flags") or 0, _ROUTE_FLAGS),
        )
        for hop in hops
    )


def _route(message: Message, names: Mapping[int, str]) -> Route | None:
    family = _FAMILIES.get(number(message, "family") or 0)
    flags = number(message, "flags") or 0
    if family is None or flags & _CLONED:
        return None
    kind, scope = number(message, "type") or 0, number(message, "scope") or 0
    told = inner(message, "RTA_METRICS").items()
    metrics = {name.removeprefix("RTAX_").lower(): value for name, value in told if isinstance(value, int | str)}
    expires = inner(message, "RTA_CACHEINFO").get("rta_expires")
    encapsulation = number(message, "RTA_ENCAP_TYPE")
    return Route(
        family=family,
        destination=_prefix(text(message, "RTA_DST"), number(message, "dst_len") or 0, family) or "default",
        table=number(message, "RTA_TABLE") or number(message, "table") or 0,
        type=_ROUTE_TYPES[kind] if kind < len(_ROUTE_TYPES) else str(kind),
        gateway=_gateway(message),
        interface=_name(names, number(message, "RTA_OIF")),
        protocol=number(message, "proto"),
        scope=_SCOPES.get(scope, str(scope)) if family == "inet" else None,
        source=text(message, "RTA_PREFSRC"),
        from_prefix=_prefix(text(message, "RTA_SRC"), number(message, "src_len") or 0, family),
        metric=number(message, "RTA_PRIORITY"),
        tos=number(message, "tos") or 0,
        flags=flag_words(flags, _ROUTE_FLAGS),
        metrics=metrics or None,
        nexthops=_nexthops(message, names),
        nexthop_id=number(message, "RTA_NH_ID"),
        preference=_PREFERENCES.get(number(message, "RTA_PREF") or 0) if family == "inet6" else None,
        expires_s=expires // _USER_HZ if isinstance(expires, int) and 0 < expires < 1 << 31 else None,
        encapsulation=None if not encapsulation else _ENCAPSULATIONS.get(encapsulation, str(encapsulation)),
    )


def make_routes(messages: Iterable[Message], names: Mapping[int, str]) -> tuple[Route, ...]:
    """Routes of all tables, without cached ones."""
    return tuple(route for message in messages if (route := _route(message, names)) is not None)


def _port_range(message: Message, name: str) -> str | None:
    value = message.get(name)
    if not isinstance(value, Mapping):
        return None
    start, end = value.get("start"), value.get("end")
    return str(start) if start == end else f"{start}-{end}"


def _rule(message: Message) -> Rule | None:
    family = _FAMILIES.get(number(message, "family") or 0)
    if family is None:
        return None
    action = number(message, "action") or 0
    table = number(message, "FRA_TABLE") or number(message, "table")
    prefix_length, group = number(message, "FRA_SUPPRESS_PREFIXLEN"), number(message, "FRA_SUPPRESS_IFGROUP")
    return Rule(
        family=family,
        priority=number(message, "FRA_PRIORITY") or 0,
        action=_RULE_ACTIONS.get(action, str(action)),
        table=table or None,
        inverted=bool((number(message, "flags") or 0) & _INVERTED),
        from_prefix=_prefix(text(message, "FRA_SRC"), number(message, "src_len") or 0, family),
        to_prefix=_prefix(text(message, "FRA_DST"), number(message, "dst_len") or 0, family),
        incoming=text(message, "FRA_IIFNAME"),
        outgoing=text(message, "FRA_OIFNAME"),
        tos=number(message, "tos") or 0,
        fwmark=number(message, "FRA_FWMARK"),
        fwmask=number(message, "FRA_FWMASK"),
        goto=number(message, "FRA_GOTO"),
        suppress_prefix_length=None if prefix_length in {None, _FOREVER, -1} else prefix_length,
        suppress_interface_group=None if group in {None, _FOREVER, -1} else group,
        l3mdev=bool(number(message, "FRA_L3MDEV")),
        ip_protocol=number(message, "FRA_IP_PROTO"),
        source_ports=_port_range(message, "FRA_SPORT_RANGE"),
        destination_ports=_port_range(message, "FRA_DPORT_RANGE"),
        user_range=_port_range(message, "FRA_UID_RANGE"),
        protocol=number(message, "FRA_PROTOCOL"),
    )


def make_rules(messages: Iterable[Message]) -> tuple[Rule, ...]:
    """Rules of IPv4 and IPv6."""
    return tuple(rule for message in messages if (rule := _rule(message)) is not None)


def make_neighbours(messages: Iterable[Message], names: Mapping[int, str], routes: Iterable[Route]) -> tuple[Neighbour, ...]:
    """Permanent neighbours, those that a route goes over, and addresses that this host answers for."""
    gateways = set()
    for route in routes:
        hops = [(route.interface, route.gateway), *((hop.interface, hop.gateway) for hop in route.nexthops)]
        gateways.update(hops)
    made = []
    for message in messages:
        family, address = _FAMILIES.get(number(message, "family") or 0), text(message, "NDA_DST")
        interface = _name(names, number(message, "ifindex"))
        state = number(message, "state") or 0
        flags = number(message, "flags") or 0
        gateway = (interface, address) in gateways and not flags & _PROXY
        if family is None or address is None or not (gateway or state & _PERMANENT or flags & _PROXY):
            continue
        made.append(
            Neighbour(
                family=family,
                address=address,
                interface=interface,
                lladdr=text(message, "NDA_LLADDR"),
                state=_NEIGHBOUR_STATES.get(state, str(state)),
                flags=flag_words(flags, _NEIGHBOUR_FLAGS),
                gateway=gateway,
            )
        )
    return tuple(made)
