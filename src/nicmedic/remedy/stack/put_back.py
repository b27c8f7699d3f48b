# SPDX-License-Identifier: GPL-2.0-or-later
"""Everything that stood on a card is put back: one list for all that may have happened to it.

Whether it was only down for a moment, or its driver made a new interface, or nothing was lost at all: each step looks first whether there is anything
to do. The order is that of dependence: what the interface itself needs while it is down, its network manager, its masters, up, what its link does,
addresses, what stands on it, routes, rules and stations; last what the kernel makes by itself when it is given the time.
"""

from collections.abc import Iterator

from nicmedic.model.host import Host
from nicmedic.model.nic import Nic
from nicmedic.model.step import INTERFACE, AwaitNic, Rename, Step
from nicmedic.remedy.stack.addresses import put_back_addresses
from nicmedic.remedy.stack.device import put_back_before_up, put_back_link, put_back_queues
from nicmedic.remedy.stack.links import find_deleted, is_remade, put_back_flags, put_back_membership, put_back_port, put_back_upper
from nicmedic.remedy.stack.manager import call_manager
from nicmedic.remedy.stack.qdiscs import put_back_qdiscs
from nicmedic.remedy.stack.routes import put_back_nexthops, put_back_routes, put_back_rules
from nicmedic.remedy.stack.stations import put_back_stations

__all__ = ["build_put_back"]

_CARRIER_S = 10
"""Negotiating takes 2 to 5 s."""


def build_put_back(host: Host, nic: Nic) -> tuple[Step, ...]:
    """Steps that bring back what stood on the card when the host was read; what they cannot, ``find_losses`` tells."""
    return tuple(_build(host, nic))


def _build(host: Host, nic: Nic) -> Iterator[Step]:
    uppers = [upper for upper in nic.uppers or () if upper not in find_deleted(nic) or is_remade(upper)]
    above = {upper.interface for upper in uppers}
    links = {link.interface: link for link in host.links if link.interface in above}
    names = {nic.interface, *above}
    yield Rename(name=nic.interface)
    yield from put_back_before_up(nic)
    yield from call_manager(nic)
    yield from put_back_membership(INTERFACE, nic.port)
    yield from put_back_flags(INTERFACE, nic.flags)
    yield from put_back_link(nic)
    yield from put_back_queues(nic, host.cpus_online)
    yield from put_back_qdiscs(INTERFACE, nic.qdiscs)
    if nic.carrier:
        yield AwaitNic(within_s=_CARRIER_S, carrier=True)
    yield from put_back_port(INTERFACE, nic.port)
    yield from put_back_addresses(INTERFACE, nic.addresses)
    for upper in uppers:
        yield from put_back_upper(host, nic, upper)
        if upper.interface in links:
            yield from put_back_qdiscs(upper.interface, links[upper.interface].qdiscs)
            yield from put_back_addresses(upper.interface, links[upper.interface].addresses)
    stood = [address.address for addresses in (nic.addresses, *(link.addresses for link in links.values())) for address in addresses or ()]
    yield from put_back_nexthops(host, nic.interface, names)
    yield from put_back_routes(host, nic.interface, names)
    yield from put_back_rules(host, names, stood)
    yield from put_back_stations(host, nic.interface, names)
    yield from put_back_addresses(INTERFACE, nic.addresses, by_kernel=True)
    for link in links.values():
        yield from put_back_addresses(link.interface, link.addresses, by_kernel=True)
    yield from put_back_routes(host, nic.interface, names, by_router=True)
