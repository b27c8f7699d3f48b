# SPDX-License-Identifier: GPL-2.0-or-later
"""Addresses as they stood, with all that ``ip address`` can say of them.

At down the kernel keeps those of IPv4 and drops those of IPv6 (net/ipv6/addrconf.c ``addrconf_ifdown``, unless ``keep_addr_on_down``); both go
with the interface. An address that is there is left alone, its lifetime too. Those that the kernel makes by itself (of the link, or announced by
a router) come last, so that it has the time to do so: then they have their origin again.
"""

from collections.abc import Iterable, Iterator

from nicmedic.model.stack import Address
from nicmedic.model.step import Run, Shown, Step

__all__ = ["put_back_addresses"]

_SET_BY_HAND = ("home", "nodad", "optimistic", "mngtmpaddr", "noprefixroute", "autojoin")
_LINK_LOCAL = 3
_DYNAMIC = frozenset({"dynamic", "temporary"})


def _shown(address: Address) -> str:
    if address.peer is not None:
        return f"{address.family} {address.address} peer {address.peer}/{address.prefix_length}"
    return f"{address.family} {address.address}/{address.prefix_length}"


def _made_by_kernel(address: Address) -> bool:
    """Of the link: by who made it where the kernel tells (since Linux 5.18), else by what it looks like."""
    if address.family != "inet6":
        return False
    link_local = address.protocol == _LINK_LOCAL or (address.protocol is None and address.address.startswith("fe80:"))
    return link_local or not _DYNAMIC.isdisjoint(address.flags)


def _words(address: Address) -> Iterator[str]:
    if address.peer is None:
        yield f"{address.address}/{address.prefix_length}"
    else:
        yield from (address.address, "peer", f"{address.peer}/{address.prefix_length}")
    if address.broadcast is not None:
        yield from ("broadcast", address.broadcast)
    if address.family == "inet" or address.scope not in {"global", "link", "host", "site"}:
        yield from ("scope", address.scope)
    if address.label is not None:
        yield from ("label", address.label)
    if address.metric:
        yield from ("metric", str(address.metric))
    if address.valid_lifetime_s is not None:
        yield from ("valid_lft", str(address.valid_lifetime_s))
    if address.preferred_lifetime_s is not None:
        yield from ("preferred_lft", str(address.preferred_lifetime_s))
    yield from (flag for flag in _SET_BY_HAND if flag in address.flags)


def put_back_addresses(interface: str, addresses: Iterable[Address] | None, *, by_kernel: bool = False) -> Iterator[Step]:
    """Of one interface. The first of a subnet of IPv4 is its primary one; those of IPv6 are listed with the newest first (``ipv6_link_dev_addr``).

    Args:
        interface: its name, or the card's.
        addresses: that stood on it.
        by_kernel: those of IPv6 that the kernel makes by itself, or the others.
    """
    told = tuple(addresses or ())
    for address in (*(one for one in told if one.family != "inet6"), *(one for one in reversed(told) if one.family == "inet6")):
        if _made_by_kernel(address) is not by_kernel:
            continue
        family = "-6" if address.family == "inet6" else "-4"
        there = Shown(argv=("ip", "-o", family, "address", "show", "dev", interface, "to", address.address), text=_shown(address))
        argv = ("ip", family, "address", "replace", *_words(address), "dev", interface)
        yield Run(argv=argv, unless=there, needed=not by_kernel, tries=2)
