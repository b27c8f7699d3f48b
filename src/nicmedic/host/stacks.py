# SPDX-License-Identifier: GPL-2.0-or-later
"""Who stands on whom: uppers of a NIC, its neighbours in a bridge, links that are no NIC. Pure: values in, values out."""

from collections.abc import Iterable, Mapping

from nicmedic.host.rtnl_links import LinkFacts
from nicmedic.model.queue import Qdisc
from nicmedic.model.stack import Address, BridgeVlan, Port, Route, Upper, VirtualLink

__all__ = ["carries_default_route", "find_beside", "find_uppers", "make_port", "make_virtual_link"]

_MAIN = 254
_BRIDGES = frozenset({"bridge", "openvswitch"})


def find_uppers(name: str, links: Mapping[str, LinkFacts]) -> tuple[Upper, ...]:
    """All that stands on a link, nearest first; a circle ends where it closes."""
    names = {link.ifindex: link.interface for link in links.values()}
    made: list[Upper] = []
    seen, level = {name}, [name]
    while level:
        found = []
        for below in level:
            masters = [names.get(links[below].master or 0)] if below in links else []
            stacked = [link.interface for link in links.values() if link.below == links[below].ifindex] if below in links else []
            for upper in (*masters, *stacked):
                if upper is not None and upper not in seen:
                    seen.add(upper)
                    made.append(Upper(interface=upper, kind=links[upper].kind, below=below))
                    found.append(upper)
        level = found
    return tuple(made)


def find_beside(name: str, uppers: Iterable[Upper], links: Mapping[str, LinkFacts]) -> tuple[str, ...]:
    """Other ports of the bridges above a link."""
    uppers = tuple(uppers)
    bridges = {links[upper.interface].ifindex for upper in uppers if upper.kind in _BRIDGES and upper.interface in links}
    own = {name, *(upper.interface for upper in uppers)}
    return tuple(link.interface for link in links.values() if link.master in bridges and link.interface not in own)


def make_port(link: LinkFacts, links: Mapping[str, LinkFacts], vlans: Mapping[int, tuple[BridgeVlan, ...]]) -> Port | None:
    """Membership in a bridge or bond; None: it is in none."""
    master = next((other for other in links.values() if other.ifindex == link.master), None)
    if master is None:
        return None
    return Port(master=master.interface, kind=link.port_kind or master.kind, settings=link.port_settings, vlans=vlans.get(link.ifindex))


def make_virtual_link(
    link: LinkFacts,
    links: Mapping[str, LinkFacts],
    vlans: Mapping[int, tuple[BridgeVlan, ...]],
    addresses: Mapping[str, tuple[Address, ...]] | None,
    qdiscs: Mapping[str, tuple[Qdisc, ...]] | None = None,
    sysctls: Mapping[str, str] | None = None,
) -> VirtualLink:
    """A link that is no NIC."""
    lower = [other.interface for other in links.values() if other.master == link.ifindex or other.ifindex == link.below]
    return VirtualLink(
        interface=link.interface,
        ifindex=link.ifindex,
        altnames=link.altnames,
        kind=link.kind,
        details=link.details,
        port=make_port(link, links, vlans),
        lower=tuple(lower),
        flags=link.flags,
        operstate=link.operstate,
        carrier=link.carrier,
        mtu=link.mtu,
        address=link.address,
        addresses=None if addresses is None else addresses.get(link.interface, ()),
        txqueuelen=link.txqueuelen,
        alias=link.alias,
        qdiscs=None if qdiscs is None else qdiscs.get(link.interface, ()),
        sysctls=sysctls,
        statistics=link.statistics,
    )


def carries_default_route(name: str, uppers: Iterable[Upper], routes: Iterable[Route]) -> bool:
    """Whether a default route of the main table goes over a link or what stands on it."""
    over = {name, *(upper.interface for upper in uppers)}
    for route in routes:
        if route.destination == "default" and route.table == _MAIN and route.type == "unicast":
            interfaces = {route.interface, *(hop.interface for hop in route.nexthops)}
            if not over.isdisjoint(interfaces):
                return True
    return False
