# SPDX-License-Identifier: GPL-2.0-or-later
"""Stations that somebody named by hand: neighbours, static entries of a bridge's table, multicast addresses, further own addresses.

At down the kernel drops neighbours, permanent ones too (net/core/neighbour.c ``neigh_ifdown``); the others go with the interface.
"""

from collections.abc import Collection, Iterator

from nicmedic.model.host import Host
from nicmedic.model.step import INTERFACE, Run, Shown, Step

__all__ = ["put_back_stations"]


def _neighbours(host: Host, own: str, names: Collection[str]) -> Iterator[Step]:
    for one in host.neighbours or ():
        proxy = "proxy" in one.flags
        if one.interface not in names or not (proxy or one.state == "permanent"):
            continue
        interface = INTERFACE if one.interface == own else one.interface or ""
        family = "-6" if one.family == "inet6" else "-4"
        if proxy:
            there = Shown(argv=("ip", family, "neighbour", "show", "proxy", "dev", interface), text=one.address)
            yield Run(argv=("ip", family, "neighbour", "replace", "proxy", one.address, "dev", interface), unless=there)
        elif one.lladdr is not None:
            there = Shown(
                argv=("ip", family, "neighbour", "show", "dev", interface, "nud", "permanent"), text=f"{one.address} lladdr {one.lladdr}"
            )
            words = (one.address, "lladdr", one.lladdr, "nud", "permanent", "dev", interface)
            router = ("router",) if "router" in one.flags else ()
            yield Run(argv=("ip", family, "neighbour", "replace", *words, *router), unless=there)


def _entries(host: Host, own: str, names: Collection[str]) -> Iterator[Step]:
    own_addresses = {nic.address for nic in host.nics} | {link.address for link in host.links}
    for one in host.forwarding or ():
        if one.interface not in names or (one.address in own_addresses and not one.static):
            continue
        interface = INTERFACE if one.interface == own else one.interface
        vlan = () if one.vlan is None else ("vlan", str(one.vlan))
        where = ("master", "static" if one.static else "permanent") if one.master else ("self",)
        there = Shown(argv=("bridge", "fdb", "show", "dev", interface), text=" ".join((one.address, *vlan)))
        yield Run(argv=("bridge", "fdb", "replace", one.address, "dev", interface, *where, *vlan), unless=there, needed=False)


def _memberships(host: Host, own: str, names: Collection[str]) -> Iterator[Step]:
    for one in host.memberships or ():
        if one.interface in names:
            interface = INTERFACE if one.interface == own else one.interface
            there = Shown(argv=("ip", "maddress", "show", "dev", interface), text=f"link {one.address}")
            yield Run(argv=("ip", "maddress", "add", one.address, "dev", interface), unless=there, needed=False)


def put_back_stations(host: Host, own: str, names: Collection[str]) -> Iterator[Step]:
    """On the card and on what stands on it."""
    yield from _neighbours(host, own, names)
    yield from _entries(host, own, names)
    yield from _memberships(host, own, names)
