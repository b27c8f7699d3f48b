# SPDX-License-Identifier: GPL-2.0-or-later
"""What would be gone for good if the card's interface were made anew: a sentence each, for the one who decides."""

from collections.abc import Iterator

from nicmedic.model.host import Host
from nicmedic.model.nic import Nic
from nicmedic.remedy.stack.device import find_even_spread
from nicmedic.remedy.stack.links import find_deleted, is_remade
from nicmedic.remedy.stack.qdiscs import tell_lost_qdiscs
from nicmedic.remedy.stack.routes import find_own_routes, tell_lost_routes

__all__ = ["find_bystanders", "find_down_losses", "find_losses"]

_TUNNELS = frozenset({"vxlan", "geneve", "gre", "gretap", "ip6gre", "ip6gretap", "ipip", "sit", "ip6tnl", "erspan", "vti", "vti6", "xfrm"})


def _above(host: Host, nic: Nic) -> Iterator[str]:
    kinds = {link.interface: link for link in host.links}
    for upper in find_deleted(nic):
        if is_remade(upper):
            link = kinds.get(upper.interface)
            yield from tell_lost_qdiscs(upper.interface, None if link is None else link.qdiscs)
            if link is None or (upper.kind == "vlan" and "vlan_id" not in (link.details or {})):
                yield f"{upper.interface} ({upper.kind}) stands on it, and its settings cannot be read."
        elif upper.kind == "macvtap":
            yield f"{upper.interface} (macvtap) stands on it: the virtual machine that uses it loses its network until it is started anew."
        elif upper.kind == "macsec":
            yield f"{upper.interface} (macsec) stands on it: its keys cannot be read."
        elif upper.kind in _TUNNELS:
            yield f"{upper.interface} ({upper.kind}) is bound to it, and would have to be made anew."
        else:
            yield f"{upper.interface} ({upper.kind or 'of an unknown kind'}) stands on it, and cannot be put back."


def _names(nic: Nic) -> frozenset[str]:
    return frozenset({nic.interface, *(upper.interface for upper in nic.uppers or ())})


def _unknown(host: Host, nic: Nic) -> Iterator[str]:
    lists = {"links": nic.uppers, "addresses": nic.addresses, "routes": host.routes, "rules": host.rules, "neighbours": host.neighbours}
    missing = [name for name, value in lists.items() if value is None]
    if missing:
        yield f"What stands on it is not known: {', '.join(missing)} could not be read."


def find_losses(host: Host, nic: Nic) -> tuple[str, ...]:
    """Everything that ``build_put_back`` cannot bring back once the interface was made anew; empty: nothing."""
    return tuple(_find_losses(host, nic))


def find_down_losses(host: Host, nic: Nic) -> tuple[str, ...]:
    """What it cannot bring back once the interface was only down, or IPv6 was off it for a moment."""
    return (*_unknown(host, nic), *tell_lost_routes(find_own_routes(host, _names(nic))))


def _find_losses(host: Host, nic: Nic) -> Iterator[str]:
    yield from _unknown(host, nic)
    if nic.pcie is not None and nic.pcie.vfs:
        yield f"Its {nic.pcie.vfs} virtual functions (SR-IOV) go with the driver, and the guests on them lose their network."
    if nic.xdp is not None:
        yield f"An XDP program ({nic.xdp.mode}) is attached; the program that loaded it must do so again."
    if nic.receive_rules:
        yield f"{nic.receive_rules} rules for received packets (ethtool -n) cannot be put back."
    if nic.spread is not None and nic.spread.table and find_even_spread(nic.spread.table) is None:
        yield "How received packets are spread over the queues (ethtool -x) was set by hand, and cannot be put back."
    yield from tell_lost_qdiscs(nic.interface, nic.qdiscs)
    yield from _above(host, nic)
    yield from tell_lost_routes(find_own_routes(host, _names(nic)))


def find_bystanders(nic: Nic) -> tuple[str, ...]:
    """What stays where it is and notices: sentences for the risks of a change."""
    made = []
    if nic.packet_sockets:
        many = "programs listen" if nic.packet_sockets > 1 else "program listens"
        made.append(
            f"{nic.packet_sockets} {many} on this very interface (a DHCP client, lldpd, tcpdump, …): one that does not notice must be restarted."
        )
    if nic.beside:
        made.append(f"{', '.join(nic.beside)} beside it in the bridge stay, and are cut off from the network meanwhile.")
    return tuple(made)
