# SPDX-License-Identifier: GPL-2.0-or-later
"""Which probes make sense for a card: out of the host as it was read, and of what the user asked for. Pure."""

import ipaddress
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from nicmedic.host.probes.target import Target
from nicmedic.model.errors import UsageError
from nicmedic.model.host import Host
from nicmedic.model.nic import Nic
from nicmedic.model.probe_words import Ip, parse_address, parse_probe_words
from nicmedic.model.stack import Address, Route

__all__ = ["Asked", "choose", "find_gateways", "find_over", "parse_asked"]

_MOST_GATEWAYS = 4
_MAIN = 254
_HINT = "--probe gateway:ADDRESS, ping:ADDRESS, tcp:HOST:PORT, or none:KIND to leave one out"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What the user typed, taken apart."""

    targets: tuple[Target, ...] = ()
    left_out: frozenset[str] = frozenset()
    names: Mapping[str, tuple[Target, ...]] | None = None
    """Host names that are yet to be looked up, and the probes that want them."""


def parse_asked(asked: Sequence[str], kinds: Iterable[str]) -> Asked:
    """Take the words of ``--probe`` apart.

    Raises:
        UsageError: one of them is not understood.
    """
    targets: list[Target] = []
    names: dict[str, tuple[Target, ...]] = {}
    left_out: set[str] = set()
    known = tuple(kinds)
    for words in asked:
        try:
            one = parse_probe_words(words, known)
        except ValueError as error:
            raise UsageError(f"--probe {words!r}: {error}", hint=_HINT) from None
        target = Target(kind=one.kind, address=one.address, port=one.port, over=one.zone)
        if one.is_left_out:
            left_out.add(one.kind)
        elif one.name is None:
            targets.append(target)
        else:
            names[one.name] = (*names.get(one.name, ()), target)
    return Asked(targets=tuple(targets), left_out=frozenset(left_out), names=names)


def _over(nic: Nic) -> tuple[str, ...]:
    """The card and all that stands on it."""
    return nic.interface, *(upper.interface for upper in nic.uppers or ())


def _hops(routes: Iterable[Route]) -> Iterator[tuple[Route, str | None, str | None]]:
    """Each way of each route: over which interface, by which gateway."""
    for route in routes:
        if route.type == "unicast":
            yield route, route.interface, route.gateway
            for hop in route.nexthops:
                yield route, hop.interface, hop.gateway


def _length(route: Route) -> int:
    return 0 if route.destination == "default" else int(route.destination.partition("/")[2] or 128)


def _holds(route: Route, address: Ip) -> bool:
    if route.family != ("inet" if address.version == 4 else "inet6"):
        return False
    try:
        return route.destination == "default" or address in ipaddress.ip_network(route.destination, strict=False)
    except ValueError:
        return False


def _addresses(host: Host, nic: Nic, interface: str) -> tuple[Address, ...]:
    links = {link.interface: link.addresses for link in host.links}
    return (nic.addresses if interface == nic.interface else links.get(interface)) or ()


def find_over(host: Host, nic: Nic, address: Ip) -> str | None:
    """What stands on the card and has the best way to an address; None: the card itself, or nothing has."""
    over = _over(nic)
    ways = [(route, name) for route, name, _ in _hops(host.routes or ()) if name in over and _holds(route, address)]
    if ways:
        best = min(ways, key=lambda way: (-_length(way[0]), way[0].table != _MAIN, way[0].metric or 0))[1]
        return None if best == nic.interface else best
    family = "inet" if address.version == 4 else "inet6"
    having = (name for name in over if any(one.family == family for one in _addresses(host, nic, name)))
    best = next(having, nic.interface)
    return None if best == nic.interface else best


def find_gateways(host: Host, nic: Nic) -> tuple[Target, ...]:
    """Over this card and what stands on it: those of default routes first, of each family."""
    over = _over(nic)
    hops = [(route, name, gateway) for route, name, gateway in _hops(host.routes or ()) if name in over and gateway]
    hops.sort(key=lambda hop: (_length(hop[0]), hop[0].table != _MAIN, hop[0].metric or 0))
    found: dict[Target, None] = {}
    for _, name, gateway in hops:
        address = parse_address(gateway or "")
        if address is not None:
            found[Target(kind="gateway", address=address, over=None if name == nic.interface else name)] = None
    four = [target for target in found if target.address is not None and target.address.version == 4]
    six = [target for target in found if target not in four]
    return (*four[: _MOST_GATEWAYS // 2], *six[: _MOST_GATEWAYS // 2])


def choose(host: Host, nic: Nic, asked: Asked, *, known: Iterable[Target] = (), ssh: str | None = None) -> tuple[Target, ...]:
    """All probes for a card, in the order in which they are told.

    Args:
        host: as it was read.
        nic: the card of it.
        asked: by the user, names looked up.
        known: neighbours, for a card without a gateway.
        ssh: the interface over which the operator's session leaves; None: it is not known, or there is none.
    """
    near = find_gateways(host, nic) or tuple(known)
    made = [Target(kind="carrier"), Target(kind="tx"), *near, *(replace(target, kind="ping") for target in near)]
    if ssh is not None and ssh in _over(nic):
        made.append(Target(kind="ssh"))
    made = [target for target in made if target.kind not in asked.left_out]
    for target in asked.targets:
        if target.address is not None:
            over = target.over if target.over in _over(nic) else find_over(host, nic, target.address)
            made.append(replace(target, over=None if over == nic.interface else over))
    return tuple(dict.fromkeys(made))
