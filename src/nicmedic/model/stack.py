# SPDX-License-Identifier: GPL-2.0-or-later
"""What stands on an interface, and how packets get to it: addresses, routes, rules, neighbours, bridges, bonds, VLANs.

Enough to put everything back after the interface was gone for a moment.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from nicmedic.model.queue import Qdisc

__all__ = [
    "Address",
    "BridgeVlan",
    "Detail",
    "ForwardingEntry",
    "GroupMember",
    "Membership",
    "Neighbour",
    "NextHop",
    "NextHopObject",
    "Port",
    "Route",
    "Rule",
    "Upper",
    "VirtualLink",
    "Xdp",
]

Detail = str | int
"""A setting of a link kind, as the kernel's attribute of that name has it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """One line of ``ip -d address``."""

    family: str
    """``inet`` or ``inet6``."""
    address: str
    prefix_length: int
    peer: str | None = None
    """The other end, where it differs from the address."""
    broadcast: str | None = None
    scope: str = "global"
    """``global``, ``link``, ``host``, ``site``, or a number."""
    flags: tuple[str, ...] = ()
    """In ip's words: ``permanent``, ``dynamic``, ``secondary``, ``temporary``, ``mngtmpaddr``, ``tentative``, ``noprefixroute``, …"""
    label: str | None = None
    protocol: int | None = None
    """Who made it (``IFA_PROTO``, since Linux 5.18): 1 loopback, 2 router advertisement, 3 link-local."""
    preferred_lifetime_s: int | None = None
    """None: for ever."""
    valid_lifetime_s: int | None = None
    metric: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NextHop:
    """One way of a route with several."""

    interface: str | None = None
    gateway: str | None = None
    weight: int = 1
    flags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One line of ``ip -d route show table all``."""

    family: str
    """``inet`` or ``inet6``."""
    destination: str
    """``default``, or an address with its prefix length."""
    table: int = 254
    """254 is ``main``, 255 ``local``, 253 ``default``."""
    type: str = "unicast"
    """``unicast``, ``local``, ``broadcast``, ``multicast``, ``blackhole``, ``unreachable``, ``prohibit``, …"""
    gateway: str | None = None
    """May be of the other family (``via inet6 …``)."""
    interface: str | None = None
    protocol: int | None = None
    """2 kernel, 3 boot, 4 static, 9 ra, 16 dhcp, …; names stand in ``/etc/iproute2/rt_protos``."""
    scope: str | None = None
    """None for IPv6, which has no scopes."""
    source: str | None = None
    """``src``: the address that outgoing packets get."""
    from_prefix: str | None = None
    metric: int | None = None
    tos: int = 0
    flags: tuple[str, ...] = ()
    """``onlink``, ``linkdown``, ``dead``, ``offload``, …"""
    metrics: Mapping[str, Detail] | None = None
    """``mtu``, ``advmss``, ``window``, …, and ``cc_algo`` with a name; None: none set."""
    nexthops: tuple[NextHop, ...] = ()
    nexthop_id: int | None = None
    preference: str | None = None
    """IPv6 router preference: ``low``, ``medium``, ``high``."""
    expires_s: int | None = None
    encapsulation: str | None = None
    """``mpls``, ``seg6``, …: such a route is named, and cannot be put back from here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One line of ``ip rule``."""

    family: str
    priority: int
    action: str
    """``lookup``, ``goto``, ``nop``, ``blackhole``, ``unreachable``, ``prohibit``."""
    table: int | None = None
    inverted: bool = False
    """``not``."""
    from_prefix: str | None = None
    to_prefix: str | None = None
    incoming: str | None = None
    """``iif``."""
    outgoing: str | None = None
    """``oif``."""
    tos: int = 0
    fwmark: int | None = None
    fwmask: int | None = None
    goto: int | None = None
    suppress_prefix_length: int | None = None
    suppress_interface_group: int | None = None
    l3mdev: bool = False
    ip_protocol: int | None = None
    source_ports: str | None = None
    """``80`` or ``80-90``."""
    destination_ports: str | None = None
    user_range: str | None = None
    protocol: int | None = None
    """As of a route: who made it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbour:
    """One line of ``ip -d neighbour``: permanent ones, gateways whatever their state, and what ``ip neighbour show proxy`` lists (flag ``proxy``)."""

    family: str
    address: str
    interface: str | None
    lladdr: str | None = None
    state: str | None = None
    """``permanent``, ``reachable``, ``stale``, ``delay``, ``probe``, ``failed``, ``incomplete``, ``noarp``."""
    flags: tuple[str, ...] = ()
    """``router``, ``proxy``, ``extern_learn``, …"""
    gateway: bool = False
    """Some route goes over it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupMember:
    """One way of a group of next hops."""

    id: int
    weight: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class NextHopObject:
    """One line of ``ip nexthop`` (since Linux 5.3): routes refer to it by its number."""

    id: int
    family: str | None = None
    """``inet``, ``inet6``; None: a group."""
    gateway: str | None = None
    interface: str | None = None
    scope: str | None = None
    protocol: int | None = None
    flags: tuple[str, ...] = ()
    members: tuple[GroupMember, ...] = ()
    """Of a group, in its order."""
    plain: bool = True
    """False: it has more to it than stands here (an encapsulation, a resilient group), so that it cannot be put back from here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ForwardingEntry:
    """One line of ``bridge fdb`` that somebody set by hand: an address of a single station, permanent or static."""

    interface: str
    address: str
    master: bool = False
    """In the bridge's table (``master``); else the card itself receives it (``self``)."""
    static: bool = False
    """``static``: the bridge forwards to it; else ``permanent``: it is the host's own."""
    vlan: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Membership:
    """A multicast address of the link layer that somebody set by hand: ``static`` in ``ip maddress``."""

    interface: str
    address: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BridgeVlan:
    """One VLAN of a port of a VLAN-aware bridge, ``bridge vlan``."""

    vid: int
    pvid: bool = False
    untagged: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Port:
    """Membership in a bridge, bond, team or Open vSwitch."""

    master: str
    kind: str | None = None
    """``bridge``, ``bond``, ``team``, ``openvswitch``, ``vrf``; None: unknown."""
    settings: Mapping[str, Detail] | None = None
    """``IFLA_INFO_SLAVE_DATA`` by the kernel's attribute names in lower case: ``brport_cost`` → 5, ``bond_slave_queue_id`` → 0."""
    vlans: tuple[BridgeVlan, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Upper:
    """An interface above this one, directly or over others."""

    interface: str
    kind: str | None = None
    """``bridge``, ``bond``, ``vlan``, ``macvlan``, ``macvtap``, ``ipvlan``, ``team``, ``openvswitch``, ``vrf``, …"""
    below: str
    """What it stands on directly."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Xdp:
    """A program on the driver's receive path."""

    mode: str
    """``driver``, ``generic``, ``offload``, ``multiple``."""
    program_id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VirtualLink:
    """A link that is no NIC: bridge, bond, VLAN, tap, tunnel, loopback."""

    interface: str
    ifindex: int | None = None
    altnames: tuple[str, ...] = ()
    kind: str | None = None
    """``IFLA_INFO_KIND``: ``bridge``, ``bond``, ``vlan``, ``tun``, ``veth``, …; ``loopback``; None: unknown."""
    details: Mapping[str, Detail] | None = None
    """``IFLA_INFO_DATA`` by the kernel's attribute names in lower case: ``vlan_id`` → 20, ``br_stp_state`` → 0."""
    port: Port | None = None
    lower: tuple[str, ...] | None = None
    """What it stands on: its ports, or the parent of a VLAN."""
    flags: tuple[str, ...] | None = None
    operstate: str | None = None
    carrier: bool | None = None
    mtu: int | None = None
    address: str | None = None
    addresses: tuple[Address, ...] | None = None
    txqueuelen: int | None = None
    alias: str | None = None
    qdiscs: tuple[Qdisc, ...] | None = None
    sysctls: Mapping[str, str] | None = None
    """As of a ``Nic``; read only of what may stand on a card: bridge, bond, team, VRF, VLAN, macvlan, ipvlan."""
    statistics: Mapping[str, int] | None = None
