# SPDX-License-Identifier: GPL-2.0-or-later
"""Routes of all tables, next hops with numbers, and rules.

At down the kernel drops the routes of the interface in all tables (net/ipv4/fib_frontend.c ``fib_disable_ip``, net/ipv6/route.c
``rt6_disable_ip``) and its next hops (net/ipv4/nexthop.c ``nh_netdev_event``). A rule stays, and finds its interface again by name
(net/core/fib_rules.c ``attach_rules``); but whoever manages the network may have taken it away.

A route is appended, never set in another's place: one of the same prefix and metric may lead over another card.
"""

import ipaddress
from collections.abc import Collection, Iterable, Iterator

from nicmedic.model.host import Host
from nicmedic.model.stack import NextHop, NextHopObject, Route, Rule
from nicmedic.model.step import INTERFACE, Run, Shown, Step

__all__ = ["MOST_ROUTES", "find_own_routes", "put_back_nexthops", "put_back_routes", "put_back_rules", "tell_lost_routes"]

MOST_ROUTES = 1000
"""Of more than that the table is a routing daemon's."""
_KERNEL, _BY_ROUTER = 2, 9
_DAEMONS = frozenset({8, 10, 11, 12, 13, 14, 15, 17, 42, *range(186, 193)})
"""``/etc/iproute2/rt_protos``: gated, mrt, zebra, bird, dnrouted, xorp, ntk, mrouted, babel, bgp, isis, ospf, rip, …, eigrp: they see the card come
back, and know better than we what is valid then."""
_PLAIN_TYPES = frozenset({"unicast", "local", "broadcast", "anycast", "multicast"})
_METRICS = {
    **dict.fromkeys(("mtu", "window", "ssthresh", "cwnd", "advmss", "reordering", "hoplimit", "initcwnd", "initrwnd", "quickack"), "{}"),
    "fastopen_no_cookie": "{}",
    "rto_min": "{}ms",
    "cc_algo": "{}",
}
_METRIC_WORDS = {"cc_algo": "congctl"}
_LOCKED = ("mtu", "window", "rtt", "rttvar", "ssthresh", "cwnd", "advmss", "reordering", "hoplimit", "initcwnd")
_LOCKS = {name: 1 << number for number, name in enumerate(_LOCKED, 2)}
"""Bits of ``RTAX_LOCK``: the kernel may not change these by itself."""
_DEFAULT_PRIORITIES = frozenset({0, 32766, 32767})


def _interfaces(route: Route) -> set[str]:
    return {name for name in (route.interface, *(hop.interface for hop in route.nexthops)) if name is not None}


def _objects(host: Host, names: Collection[str]) -> tuple[NextHopObject, ...]:
    """Next hops over these interfaces, then the groups that they are in."""
    single = tuple(one for one in host.nexthops or () if one.interface in names)
    ids = {one.id for one in single}
    return (*single, *(one for one in host.nexthops or () if not ids.isdisjoint(member.id for member in one.members)))


def find_own_routes(host: Host, names: Collection[str]) -> tuple[Route, ...]:
    """Routes over these interfaces that somebody made: not the kernel, no routing daemon."""
    numbered = {one.id for one in _objects(host, names)}
    return tuple(
        route
        for route in host.routes or ()
        if route.type in _PLAIN_TYPES
        and route.protocol not in _DAEMONS
        and route.protocol != _KERNEL
        and (not _interfaces(route).isdisjoint(names) or route.nexthop_id in numbered)
    )


def tell_lost_routes(routes: Collection[Route]) -> Iterator[str]:
    """Sentences on those that cannot be put back."""
    if len(routes) > MOST_ROUTES:
        yield f"There are {len(routes)} routes over it; more than {MOST_ROUTES} are not put back."
        return
    for route in routes:
        odd = sorted(set(route.metrics or {}) - set(_METRICS) - {"lock"})
        where = f"The route {route.destination} of table {route.table}"
        if route.encapsulation is not None:
            yield f"{where} encapsulates ({route.encapsulation}), and cannot be put back."
        elif odd:
            yield f"{where} has metrics that cannot be put back: {', '.join(odd)}."


def _name(interface: str | None, own: str) -> str:
    return INTERFACE if interface == own else interface or ""


def _via(gateway: str, family: str) -> tuple[str, ...]:
    other = (":" in gateway) is not (family == "inet6")
    return ("via", *(("inet6" if ":" in gateway else "inet",) if other else ()), gateway)


def _hop(hop: NextHop, family: str, own: str) -> tuple[str, ...]:
    gateway = () if hop.gateway is None else _via(hop.gateway, family)
    device = () if hop.interface is None else ("dev", _name(hop.interface, own))
    onlink = ("onlink",) if "onlink" in hop.flags else ()
    return (*gateway, *device, *onlink, "weight", str(hop.weight))


def _metrics(route: Route) -> Iterator[str]:
    locked = int((route.metrics or {}).get("lock", 0))
    for name, value in (route.metrics or {}).items():
        if name in _METRICS:
            lock = ("lock",) if locked & _LOCKS.get(name, 0) else ()
            yield from (_METRIC_WORDS.get(name, name), *lock, _METRICS[name].format(value))


def _way(route: Route, own: str) -> Iterator[str]:
    if route.nexthop_id is not None:
        yield from ("nhid", str(route.nexthop_id))
        return
    if route.gateway is not None:
        yield from _via(route.gateway, route.family)
    yield from ("dev", _name(route.interface, own))
    if "onlink" in route.flags:
        yield "onlink"


def _words(route: Route, own: str) -> Iterator[str]:
    """Behind ``append``; the next hops of a route with several stand at the end. With a number it has none of its own."""
    hops = () if route.nexthop_id is not None else route.nexthops
    if route.type != "unicast":
        yield route.type
    yield route.destination
    if route.from_prefix is not None:
        yield from ("from", route.from_prefix)
    if route.tos:
        yield from ("tos", f"0x{route.tos:02x}")
    if not hops:
        yield from _way(route, own)
    yield from ("table", str(route.table))
    if route.protocol is not None:
        yield from ("proto", str(route.protocol))
    if route.scope is not None:
        yield from ("scope", route.scope)
    if route.source is not None:
        yield from ("src", route.source)
    if route.metric is not None:
        yield from ("metric", str(route.metric))
    if route.preference in {"low", "high"}:
        yield from ("pref", route.preference)
    if route.expires_s is not None:
        yield from ("expires", str(route.expires_s))
    yield from _metrics(route)
    for hop in hops:
        yield from ("nexthop", *_hop(hop, route.family, own))


def _there(route: Route, own: str, names: Collection[str]) -> Shown:
    """A route of this prefix and metric leads over this interface."""
    show = ("ip", "-6" if route.family == "inet6" else "-4", "route", "show", "table", str(route.table), "exact", route.destination)
    if route.nexthop_id is not None:
        return Shown(argv=show, text=f"nhid {route.nexthop_id}")
    if route.nexthops:
        hop = next(hop for hop in route.nexthops if hop.interface in names)
        words = (*(() if hop.gateway is None else _via(hop.gateway, route.family)), "dev", _name(hop.interface, own))
        return Shown(argv=show, text=" ".join(("nexthop", *words, "weight", str(hop.weight))))
    text = f"metric {route.metric}" if route.metric is not None else route.destination
    kind = ("type", route.type) if route.type != "unicast" else ()
    return Shown(argv=(*show, "dev", _name(route.interface, own), *kind), text=text)


def put_back_routes(host: Host, own: str, names: Collection[str], *, by_router: bool = False) -> Iterator[Step]:
    """Routes over the card and what stands on it: those without a gateway first, for the others need them.

    Args:
        host: as it was.
        own: the card's interface.
        names: it, and all that stands on it.
        by_router: those that a router announced and that end by themselves, or the others.
    """
    routes = [route for route in find_own_routes(host, names) if route.encapsulation is None]
    routes = [route for route in routes if (route.protocol == _BY_ROUTER and route.expires_s is not None) is by_router]
    routes.sort(key=lambda route: (bool(route.gateway or route.nexthops), route.destination == "default"))
    for route in routes[:MOST_ROUTES]:
        verb = "replace" if route.nexthops and route.nexthop_id is None else "append"
        argv = ("ip", "-6" if route.family == "inet6" else "-4", "route", verb, *_words(route, own))
        # a source of IPv6 may only be named when nobody else has claimed it (duplicate address detection), which begins with the carrier
        tries = 8 if route.family == "inet6" and route.source is not None else 2
        yield Run(argv=argv, unless=_there(route, own, names), needed=not by_router, tries=tries)


def put_back_nexthops(host: Host, own: str, names: Collection[str]) -> Iterator[Step]:
    """Single ones first, then their groups."""
    for one in _objects(host, names):
        words = ["id", str(one.id)]
        if one.members:
            group = "/".join(f"{member.id},{member.weight}" if member.weight > 1 else str(member.id) for member in one.members)
            words += ["group", group]
            text = f"group {group}"
        else:
            way = (*(() if one.gateway is None else ("via", one.gateway)), "dev", _name(one.interface, own))
            words += [*way, *one.flags]
            text = " ".join(way)
        if one.protocol:
            words += ["protocol", str(one.protocol)]
        if one.plain:
            there = Shown(argv=("ip", "nexthop", "show", "id", str(one.id)), text=text)
            yield Run(argv=("ip", *(("-6",) if one.family == "inet6" else ()), "nexthop", "replace", *words), unless=there)


def _is_of(rule: Rule, names: Collection[str], tables: Collection[int], addresses: Collection[str]) -> bool:
    if rule.priority in _DEFAULT_PRIORITIES or rule.l3mdev:
        return False
    if rule.incoming in names or rule.outgoing in names or (rule.table is not None and rule.table in tables):
        return True
    prefixes = [ipaddress.ip_network(prefix, strict=False) for prefix in (rule.from_prefix, rule.to_prefix) if prefix is not None]
    return any(ipaddress.ip_address(address) in prefix for prefix in prefixes for address in addresses)


def _selectors(rule: Rule) -> Iterator[str]:
    """What ``ip rule`` both adds and lists by."""
    given = (
        ("from", rule.from_prefix),
        ("to", rule.to_prefix),
        ("iif", rule.incoming),
        ("oif", rule.outgoing),
        ("tos", f"0x{rule.tos:02x}" if rule.tos else None),
        ("ipproto", rule.ip_protocol),
        ("sport", rule.source_ports),
        ("dport", rule.destination_ports),
        ("uidrange", rule.user_range),
    )
    yield from (word for name, value in given if value is not None for word in (name, str(value)))
    if rule.fwmark is not None:
        mask = "" if rule.fwmask in {None, 0xFFFFFFFF} else f"/0x{rule.fwmask:x}"
        yield from ("fwmark", f"0x{rule.fwmark:x}{mask}")


def _action(rule: Rule) -> Iterator[str]:
    if rule.suppress_prefix_length is not None:
        yield from ("suppress_prefixlength", str(rule.suppress_prefix_length))
    if rule.suppress_interface_group is not None:
        yield from ("suppress_ifgroup", str(rule.suppress_interface_group))
    if rule.action == "lookup":
        yield from ("lookup", str(rule.table or 254))
    elif rule.action == "goto":
        yield from ("goto", str(rule.goto))
    else:
        yield from ("type", rule.action)


def put_back_rules(host: Host, names: Collection[str], addresses: Iterable[str]) -> Iterator[Step]:
    """Rules that name these interfaces, a table with routes over them, or an address that stood on them."""
    tables = {route.table for route in find_own_routes(host, names)} - {253, 254, 255}
    addresses = tuple(addresses)
    for rule in host.rules or ():
        if not _is_of(rule, names, tables, addresses):
            continue
        family = "-6" if rule.family == "inet6" else "-4"
        selectors = tuple(_selectors(rule))
        table = () if rule.table is None or rule.action != "lookup" else ("table", str(rule.table))
        show = ("ip", family, "rule", "show", "priority", str(rule.priority), *selectors, *table)
        protocol = () if not rule.protocol else ("protocol", str(rule.protocol))
        inverted = ("not",) if rule.inverted else ()
        argv = ("ip", family, "rule", "add", *inverted, "priority", str(rule.priority), *selectors, *protocol, *_action(rule))
        yield Run(argv=argv, unless=Shown(argv=show, text=f"{rule.priority}:"))
