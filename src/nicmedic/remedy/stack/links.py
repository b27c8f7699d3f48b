# SPDX-License-Identifier: GPL-2.0-or-later
"""Links above the card: membership in a bridge, bond or VRF, and the VLANs and their like that the kernel deletes together with the card.

At unregister of a card its master lets go of it (net/core/dev.c ``unregister_netdevice_many``, net/bridge/br.c ``br_device_event``,
drivers/net/bonding/bond_main.c ``bond_slave_netdev_event``), and links of kind vlan, macvlan and ipvlan are deleted with it
(net/8021q/vlan.c ``vlan_device_event``, drivers/net/macvlan.c and ipvlan ``…_device_event``). A bridge, a bond or a VRF stays, with its addresses.
With an MTU below 1280, which a bridge takes over from its port, the settings of IPv6 go too (net/ipv6/addrconf.c ``addrconf_notify``).
At down VLANs go down too, and come up again with the card, also those that were down (``vlan_device_event``, ``NETDEV_UP``).
"""

from collections.abc import Collection, Iterable, Iterator, Mapping

from nicmedic.model.host import Host
from nicmedic.model.nic import Nic
from nicmedic.model.stack import BridgeVlan, Detail, Port, Upper, VirtualLink
from nicmedic.model.step import INTERFACE, Run, Shown, Step
from nicmedic.remedy.stack.guards import reads, set_link, show_link, write_file

__all__ = ["find_deleted", "is_remade", "put_back_flags", "put_back_membership", "put_back_port", "put_back_upper"]

_REMADE = frozenset({"vlan", "macvlan", "ipvlan"})
_JOINED = frozenset({"bridge", "bond", "team", "vrf"})
"""Masters that ``ip link set … master`` joins. An Open vSwitch takes its port back by name (vswitchd listens to rtnetlink)."""
_PORT_WORDS: Mapping[str, tuple[str, int]] = {
    "brport_priority": ("priority", 32),
    "brport_cost": ("cost", -1),
    "brport_multicast_router": ("mcast_router", 1),
    "brport_group_fwd_mask": ("group_fwd_mask", 0),
}
"""What ``ip link set … type bridge_slave`` calls a setting, and what a new port has. The cost follows the speed of the link: told if it differs."""
_PORT_SWITCHES: Mapping[str, tuple[str, int]] = {
    "brport_mode": ("hairpin", 0),
    "brport_guard": ("guard", 0),
    "brport_protect": ("root_block", 0),
    "brport_fast_leave": ("fastleave", 0),
    "brport_learning": ("learning", 1),
    "brport_unicast_flood": ("flood", 1),
    "brport_proxyarp": ("proxy_arp", 0),
    "brport_proxyarp_wifi": ("proxy_arp_wifi", 0),
    "brport_mcast_flood": ("mcast_flood", 1),
    "brport_bcast_flood": ("bcast_flood", 1),
    "brport_mcast_to_ucast": ("mcast_to_unicast", 0),
    "brport_neigh_suppress": ("neigh_suppress", 0),
    "brport_vlan_tunnel": ("vlan_tunnel", 0),
    "brport_isolated": ("isolated", 0),
    "brport_locked": ("locked", 0),
}
_VLAN_FLAGS = {1: "reorder_hdr", 2: "gvrp", 4: "loose_binding", 8: "mvrp", 16: "bridge_binding"}
_VLAN_PROTOCOLS: Mapping[object, str] = {0x8100: "802.1Q", 0x88A8: "802.1ad"}
_IPVLAN_MODES: Mapping[object, str] = {0: "l2", 1: "l3", 2: "l3s"}


def find_deleted(nic: Nic) -> tuple[Upper, ...]:
    """What the kernel deletes with the interface, nearest first: all that is stacked on it, not its masters and what stands on these."""
    gone = {nic.interface}
    deleted = []
    for upper in nic.uppers or ():
        if upper.below in gone and upper.kind not in {*_JOINED, "openvswitch"}:
            gone.add(upper.interface)
            deleted.append(upper)
    return tuple(deleted)


def is_remade(upper: Upper) -> bool:
    """Whether it can be made anew from what was read."""
    return upper.kind in _REMADE


def put_back_membership(interface: str, port: Port | None) -> Iterator[Step]:
    """Into its bridge, bond, team or VRF. A bond takes only a port that is down, and brings it up itself (``bond_enslave``)."""
    if port is None or port.kind not in _JOINED:
        return
    joined = show_link(interface, f"master {port.master}")
    if port.kind in {"bond", "team"}:
        yield set_link(interface, "down", unless=joined)
    yield Run(argv=("ip", "link", "set", "dev", interface, "master", port.master), unless=joined, tries=2)


def put_back_port(interface: str, port: Port | None) -> Iterator[Step]:
    """Settings and VLANs of the membership, after the link is there: the cost follows its speed."""
    settings = (port.settings if port is not None else None) or {}
    kind = port.kind if port is not None else None
    if kind == "bond" and settings.get("bond_slave_queue_id"):
        queue = str(settings["bond_slave_queue_id"])
        there = show_link(interface, f"queue_id {queue}")
        yield Run(argv=("ip", "link", "set", "dev", interface, "type", "bond_slave", "queue_id", queue), unless=there, needed=False)
    if port is None or kind != "bridge":
        return
    for key, (word, usual) in {**_PORT_WORDS, **_PORT_SWITCHES}.items():
        value = settings.get(key)
        if value is None or value == usual:
            continue
        text = ("on" if value else "off") if key in _PORT_SWITCHES else str(value)
        there = show_link(interface, f"{word} {text}")
        yield Run(argv=("ip", "link", "set", "dev", interface, "type", "bridge_slave", word, text), unless=there, needed=False)
    yield from _port_vlans(interface, port.vlans)


def _port_vlans(interface: str, vlans: Iterable[BridgeVlan] | None) -> Iterator[Step]:
    """Adding one that is there changes nothing. A new port is given VLAN 1, which is taken away again where it was not there."""
    if vlans is None:
        return
    vlans = tuple(vlans)
    for first, last in _find_ranges(vlans):
        span = str(first.vid) if first.vid == last.vid else f"{first.vid}-{last.vid}"
        words = (*(("pvid",) if first.pvid else ()), *(("untagged",) if first.untagged else ()))
        yield Run(argv=("bridge", "vlan", "add", "dev", interface, "vid", span, *words))
    if all(vlan.vid != 1 for vlan in vlans):
        yield Run(argv=("bridge", "vlan", "delete", "dev", interface, "vid", "1"), otherwise=("true",), needed=False)


def _find_ranges(vlans: Iterable[BridgeVlan]) -> Iterator[tuple[BridgeVlan, BridgeVlan]]:
    """Neighbouring numbers with the same flags: 4093 VLANs are one command."""
    first: BridgeVlan | None = None
    last: BridgeVlan | None = None
    for vlan in vlans:
        if (
            first is not None
            and last is not None
            and vlan.vid == last.vid + 1
            and not first.pvid
            and not vlan.pvid
            and vlan.untagged == first.untagged
        ):
            last = vlan
            continue
        if first is not None and last is not None:
            yield first, last
        first = last = vlan
    if first is not None and last is not None:
        yield first, last


def put_back_flags(interface: str, flags: Collection[str] | None) -> Iterator[Step]:
    """Whether it is up, and the other flags that somebody may set. None of it does anything where it is so."""
    if flags is None:
        return
    for flag, word in (("PROMISC", "promisc"), ("ALLMULTI", "allmulticast")):
        if flag in flags:
            yield set_link(interface, word, "on", needed=False)
    if "NOARP" in flags:
        yield set_link(interface, "arp", "off", needed=False)
    if "MULTICAST" not in flags:
        yield set_link(interface, "multicast", "off", needed=False)
    if "UP" in flags:
        yield Run(argv=("ip", "link", "set", "dev", interface, "up"), within_s=30, tries=3)
    else:
        yield set_link(interface, "down", needed=False)


def _vlan_words(details: Mapping[str, Detail]) -> Iterator[str]:
    protocol = details.get("vlan_protocol")
    if protocol in _VLAN_PROTOCOLS:
        yield from ("protocol", _VLAN_PROTOCOLS[protocol])
    yield from ("id", str(details.get("vlan_id")))
    flags = details.get("vlan_flags.flags", 0)  # told only where some are set (net/8021q/vlan_netlink.c vlan_fill_info)
    for bit, word in _VLAN_FLAGS.items():
        if bool(int(flags) & bit) is not (bit == 1):
            yield from (word, "on" if int(flags) & bit else "off")
    for direction in ("ingress", "egress"):
        pairs = details.get(f"vlan_{direction}_qos")
        if isinstance(pairs, str):
            yield from (f"{direction}-qos-map", *pairs.split())


def _kind_words(link: VirtualLink) -> Iterator[str]:
    details = link.details or {}
    if link.kind == "vlan":
        yield from _vlan_words(details)
    elif link.kind == "macvlan":
        yield from ("mode", str(details.get("macvlan_mode", "vepa")))
        if details.get("macvlan_flags") == "nopromisc":
            yield "nopromisc"
    elif details.get("ipvlan_mode") in _IPVLAN_MODES:
        yield from ("mode", _IPVLAN_MODES[details["ipvlan_mode"]])


def _find_address(host: Host, interface: str) -> str | None:
    addresses = {nic.interface: nic.address for nic in host.nics} | {link.interface: link.address for link in host.links}
    return addresses.get(interface)


def _make(host: Host, nic: Nic, upper: Upper, link: VirtualLink) -> Iterator[Step]:
    """Anew, with all it had of its own."""
    below = INTERFACE if upper.below == nic.interface else upper.below
    name = link.interface
    here = Shown(argv=("ip", "-o", "link", "show", "dev", name), text=f"{name}@{below}:")
    own = link.address is not None and link.kind != "ipvlan" and link.address != _find_address(host, upper.below)
    address = ("address", link.address or "") if own else ()
    words = ("link", below, "name", name, *address, "type", link.kind or "", *_kind_words(link))
    yield Run(argv=("ip", "link", "add", *words), unless=here, tries=2)
    if own:
        yield set_link(
            name, "address", link.address or "", unless=reads(f"/sys/class/net/{name}/address", link.address or ""), needed=False
        )
    if link.alias:
        yield set_link(name, "alias", link.alias, unless=reads(f"/sys/class/net/{name}/ifalias", link.alias), needed=False)
    for altname in link.altnames:
        there = Shown(argv=("ip", "-o", "link", "show", "dev", name), text=f"altname {altname}")
        yield Run(argv=("ip", "link", "property", "add", "dev", name, "altname", altname), unless=there, needed=False)


def put_back_upper(host: Host, nic: Nic, upper: Upper) -> Iterator[Step]:
    """One link above the card, that is there still or can be remade: made anew where it was deleted, and up with its size and membership."""
    link = next((link for link in host.links if link.interface == upper.interface), None)
    if link is None or upper.kind == "openvswitch":
        return
    if upper in find_deleted(nic):
        yield from _make(host, nic, upper, link)
    name = link.interface
    if link.txqueuelen is not None:
        unless = reads(f"/sys/class/net/{name}/tx_queue_len", str(link.txqueuelen))
        yield set_link(name, "txqueuelen", str(link.txqueuelen), unless=unless, needed=False)
    if link.mtu is not None:
        yield set_link(name, "mtu", str(link.mtu), unless=reads(f"/sys/class/net/{name}/mtu", str(link.mtu)), needed=False)
    for key, value in (link.sysctls or {}).items():
        family, kind, setting = key.split(".", 2)
        yield write_file(f"/proc/sys/net/{family}/{kind}/{name}/{setting}", value)
    yield from put_back_membership(name, link.port)
    yield from put_back_flags(name, link.flags)
    yield from put_back_port(name, link.port)
