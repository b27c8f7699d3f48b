# SPDX-License-Identifier: GPL-2.0-or-later
"""The steps that put back what stands on a card, as commands, and what cannot be; that they work is shown in ``tests/host`` and ``tests/lab``."""

import dataclasses

import pytest

from nicmedic.model.host import Host
from nicmedic.model.nic import Nic
from nicmedic.model.ownership import Manager, Ownership
from nicmedic.model.pcie import Pcie, PciFunction
from nicmedic.model.queue import Qdisc, Spread
from nicmedic.model.stack import (
    Address,
    ForwardingEntry,
    GroupMember,
    Membership,
    Neighbour,
    NextHop,
    NextHopObject,
    Port,
    Route,
    Rule,
    Upper,
    VirtualLink,
    Xdp,
)
from nicmedic.model.step import Run
from nicmedic.remedy.stack.losses import find_bystanders, find_down_losses, find_losses
from nicmedic.remedy.stack.put_back import build_put_back
from tests.unit.remedy.stack.cards import EMPTY, FIX, FLAGS, card, find_step, lines


@pytest.mark.parametrize(
    ("qdisc", "line"),
    [
        (
            Qdisc(kind="fq_codel", handle="8001:", parent="root", options={"fq_codel_limit": 500, "fq_codel_target": 6999, "fq_codel_ecn": 0}),
            "tc qdisc replace dev eth0 root handle 8001: fq_codel limit 500 target 6999us noecn",
        ),
        (Qdisc(kind="mq", handle="1:", parent="root"), "tc qdisc replace dev eth0 root handle 1: mq"),
        (
            Qdisc(kind="codel", handle="2:", parent="1:1", options={"codel_limit": 9, "codel_ecn": 1}),
            "tc qdisc replace dev eth0 parent 1:1 handle 2: codel limit 9 ecn",
        ),
    ],
)  # fmt: skip
def test_queueing_disciplines_whose_settings_are_known(qdisc: Qdisc, line: str) -> None:
    assert lines(card(qdiscs=(qdisc,))) == [line]
    assert find_losses(EMPTY, card(qdiscs=(qdisc,))) == ()


@pytest.mark.parametrize(
    "qdisc",
    [
        Qdisc(kind="htb", handle="1:", parent="root"),
        Qdisc(kind="fq_codel", handle="1:", parent="root"),
        Qdisc(kind="fq_codel", handle="1:", parent="root", options={"fq_codel_new": 1}),
        Qdisc(kind="clsact", handle="ffff:", parent="clsact"),
        Qdisc(kind="ingress", parent="ingress"),
    ],
)
def test_queueing_disciplines_whose_settings_are_not_known_are_a_loss(qdisc: Qdisc) -> None:
    assert lines(card(qdiscs=(qdisc,))) == []
    (loss,) = find_losses(EMPTY, card(qdiscs=(qdisc, Qdisc(kind="pfifo_fast", parent="root"))))
    assert qdisc.kind in loss


def test_addresses_have_all_they_had_and_those_of_the_kernel_come_last() -> None:
    addresses = (
        Address(family="inet", address="192.0.2.1", prefix_length=24, broadcast="192.0.2.255", label="eth0:x", flags=("permanent",)),
        Address(family="inet", address="198.51.100.1", prefix_length=32, peer="198.51.100.2", scope="link", metric=77, flags=("permanent",)),
        Address(
            family="inet", address="203.0.113.1", prefix_length=24, valid_lifetime_s=50, preferred_lifetime_s=40, flags=("noprefixroute", "dynamic")
        ),
        Address(family="inet6", address="2001:db8::1", prefix_length=64, flags=("nodad", "permanent")),
        Address(family="inet6", address="2001:db8::2", prefix_length=64, scope="77", flags=("permanent",)),
        Address(family="inet6", address="2001:db8::3", prefix_length=64, valid_lifetime_s=9, flags=("mngtmpaddr", "dynamic")),
        Address(family="inet6", address="fe80::1", prefix_length=64, scope="link", flags=("permanent",)),
        Address(family="inet6", address="fe80::2", prefix_length=64, scope="link", protocol=3, flags=("permanent",)),
        Address(family="inet6", address="fe80::3", prefix_length=64, scope="link", protocol=1, flags=("permanent",)),
    )  # fmt: skip
    told = lines(card(addresses=addresses))
    assert told == [
        "ip -4 address replace 192.0.2.1/24 broadcast 192.0.2.255 scope global label eth0:x dev eth0",
        "ip -4 address replace 198.51.100.1 peer 198.51.100.2/32 scope link metric 77 dev eth0",
        "ip -4 address replace 203.0.113.1/24 scope global valid_lft 50 preferred_lft 40 noprefixroute dev eth0",
        "ip -6 address replace fe80::3/64 dev eth0",
        "ip -6 address replace 2001:db8::2/64 scope 77 dev eth0",
        "ip -6 address replace 2001:db8::1/64 nodad dev eth0",
        "ip -6 address replace fe80::2/64 dev eth0",
        "ip -6 address replace fe80::1/64 dev eth0",
        "ip -6 address replace 2001:db8::3/64 valid_lft 9 mngtmpaddr dev eth0",
    ]
    step = find_step(build_put_back(EMPTY, card(addresses=addresses)), "198.51.100.1")
    assert step.unless is not None
    assert step.unless.text == "inet 198.51.100.1 peer 198.51.100.2/32"


def vlan(name: str, below: str, **details: str | int) -> tuple[Upper, VirtualLink]:
    link = VirtualLink(
        interface=name, kind="vlan", details=details, mtu=1500, flags=FLAGS, address="02:00:00:00:00:01", addresses=(), qdiscs=()
    )
    return Upper(interface=name, kind="vlan", below=below), link


def test_links_that_go_with_the_card_are_made_anew_and_others_are_not() -> None:
    first, one = vlan("eth0.20", "eth0", vlan_id=20, vlan_protocol=0x8100, vlan_egress_qos="0:3 2:5")
    second, two = vlan("q0", "eth0.20", vlan_id=7, vlan_protocol=0x88A8)
    two = dataclasses.replace(
        two, address="02:00:00:00:00:77", alias="x", altnames=("an-altname",), txqueuelen=5, sysctls={"ipv4.conf.rp_filter": "2"}
    )
    bridge = Upper(interface="br0", kind="bridge", below="q0")
    above, over = vlan("br0.9", "br0", vlan_id=9)
    switch, vanished = Upper(interface="ovs", kind="openvswitch", below="eth0"), Upper(interface="gone", kind="vlan", below="eth0")
    macvtap = Upper(interface="macvtap0", kind="macvtap", below="eth0")
    links = (
        dataclasses.replace(one, details={**(one.details or {}), "vlan_flags.flags": 4, "vlan_ingress_qos": 5}),
        dataclasses.replace(two, port=Port(master="br0", kind="bridge")),
        VirtualLink(
            interface="br0",
            kind="bridge",
            flags=("UP",),
            addresses=(Address(family="inet", address="192.0.2.1", prefix_length=24),),
            sysctls={"ipv6.conf.accept_ra": "2"},
        ),
        dataclasses.replace(over, flags=None, mtu=None),
        VirtualLink(interface="ovs", kind="openvswitch"),
        VirtualLink(interface="macvtap0", kind="macvtap"),
    )
    nic = card(address="02:00:00:00:00:01", uppers=(first, switch, macvtap, vanished, second, bridge, above), mtu=None)
    host = dataclasses.replace(EMPTY, links=links)
    assert lines(nic, host)[2:] == [
        "ip link add link eth0 name eth0.20 type vlan protocol 802.1Q id 20 reorder_hdr off loose_binding on egress-qos-map 0:3 2:5",
        "ip link set dev eth0.20 mtu 1500",
        "ip link set dev eth0.20 up",
        "ip link add link eth0.20 name q0 address 02:00:00:00:00:77 type vlan protocol 802.1ad id 7 reorder_hdr off",
        "ip link set dev q0 address 02:00:00:00:00:77",
        "ip link set dev q0 alias x",
        "ip link property add dev q0 altname an-altname",
        "ip link set dev q0 txqueuelen 5",
        "ip link set dev q0 mtu 1500",
        "echo 2 > /proc/sys/net/ipv4/conf/q0/rp_filter",
        "ip link set dev q0 master br0",
        "ip link set dev q0 up",
        "echo 2 > /proc/sys/net/ipv6/conf/br0/accept_ra",
        "ip link set dev br0 multicast off",
        "ip link set dev br0 up",
        "ip -4 address replace 192.0.2.1/24 scope global dev br0",
    ]
    step = find_step(build_put_back(dataclasses.replace(host, nics=(nic,)), nic), "name eth0.20")
    assert step.unless is not None
    assert step.unless.text == "eth0.20@\0:"
    assert find_losses(host, nic) == (
        "macvtap0 (macvtap) stands on it: the virtual machine that uses it loses its network until it is started anew.",
        "gone (vlan) stands on it, and its settings cannot be read.",
    )


def test_macvlan_and_ipvlan() -> None:
    links = (
        VirtualLink(
            interface="m0", kind="macvlan", details={"macvlan_mode": "bridge", "macvlan_flags": "nopromisc"}, address="02:00:00:00:00:05"
        ),
        VirtualLink(interface="m1", kind="macvlan", details={"macvlan_mode": "private", "macvlan_flags": "none"}),
        VirtualLink(interface="i0", kind="ipvlan", details={"ipvlan_mode": 1}, address="02:00:00:00:00:01"),
        VirtualLink(interface="i1", kind="ipvlan"),
    )
    uppers = tuple(Upper(interface=link.interface, kind=link.kind, below="eth0") for link in links)
    assert lines(card(uppers=uppers), dataclasses.replace(EMPTY, links=links)) == [
        "ip link add link eth0 name m0 address 02:00:00:00:00:05 type macvlan mode bridge nopromisc",
        "ip link set dev m0 address 02:00:00:00:00:05",
        "ip link add link eth0 name m1 type macvlan mode private",
        "ip link add link eth0 name i0 type ipvlan mode l3",
        "ip link add link eth0 name i1 type ipvlan",
    ]


ROUTES = (
    Route(family="inet", destination="default", gateway="192.0.2.254", interface="eth0", protocol=3, scope="global"),
    Route(family="inet", destination="10.6.0.0/16", interface="eth0", scope="link", metric=9, flags=("onlink",), tos=16, type="local"),
    Route(
        family="inet", destination="10.1.0.0/16", gateway="192.0.2.3", interface="eth0", table=77, source="192.0.2.1",
        metrics={"mtu": 1200, "lock": 4, "rto_min": 50, "rtt": 8, "cc_algo": "reno"},
    ),
    Route(
        family="inet", destination="10.2.0.0/16",
        nexthops=(
            NextHop(interface="eth1"), NextHop(interface="eth0", gateway="192.0.2.4", weight=3, flags=("onlink",)), NextHop(gateway="192.0.2.5"),
        ),
    ),
    Route(family="inet", destination="10.5.0.0/16", nexthop_id=7, nexthops=(NextHop(interface="eth0"),)),
    Route(family="inet", destination="10.7.0.0/16", gateway="fe80::ff", interface="eth0"),
    Route(
        family="inet6", destination="2001:db8::/32", gateway="fe80::ff", interface="eth0", source="2001:db8::1", from_prefix="2001:db8::/64",
        preference="high", metric=5, protocol=4,
    ),
    Route(family="inet6", destination="default", gateway="fe80::9", interface="eth0", protocol=9, metric=1024, expires_s=1700, preference="medium"),
    Route(family="inet", destination="10.8.0.0/16", interface="eth0", encapsulation="mpls"),
    Route(family="inet", destination="10.9.0.0/16", interface="eth0", protocol=2),
    Route(family="inet", destination="10.10.0.0/16", interface="eth0", protocol=186),
    Route(family="inet", destination="10.11.0.0/16", interface="eth1"),
    Route(family="inet", destination="10.12.0.0/16", type="blackhole"),
    Route(family="inet", destination="10.13.0.0/16", nexthops=(NextHop(interface="eth0"),)),
)  # fmt: skip
SECOND_HOP = "via 192.0.2.4 dev eth0 onlink weight 3"
NEXTHOPS = (
    NextHopObject(id=5, family="inet", gateway="192.0.2.254", interface="eth0", protocol=4, flags=("onlink",)),
    NextHopObject(id=8, family="inet6", interface="eth0"),
    NextHopObject(id=9, interface="eth1"),
    NextHopObject(id=10, interface="eth0", plain=False),
    NextHopObject(id=7, members=(GroupMember(id=5, weight=3), GroupMember(id=9))),
    NextHopObject(id=11, members=(GroupMember(id=9),)),
)


def test_routes_of_all_tables_and_shapes() -> None:
    host = dataclasses.replace(EMPTY, routes=ROUTES, nexthops=NEXTHOPS)
    assert lines(FIX, host) == [
        "ip nexthop replace id 5 via 192.0.2.254 dev eth0 onlink protocol 4",
        "ip -6 nexthop replace id 8 dev eth0",
        "ip nexthop replace id 7 group 5,3/9",
        "ip -4 route append local 10.6.0.0/16 tos 0x10 dev eth0 onlink table 254 scope link metric 9",
        "ip -4 route append 10.1.0.0/16 via 192.0.2.3 dev eth0 table 77 src 192.0.2.1 mtu lock 1200 rto_min 50ms congctl reno",
        f"ip -4 route replace 10.2.0.0/16 table 254 nexthop dev eth1 weight 1 nexthop {SECOND_HOP} nexthop via 192.0.2.5 weight 1",
        "ip -4 route append 10.5.0.0/16 nhid 7 table 254",
        "ip -4 route append 10.7.0.0/16 via inet6 fe80::ff dev eth0 table 254",
        "ip -6 route append 2001:db8::/32 from 2001:db8::/64 via fe80::ff dev eth0 table 254 proto 4 src 2001:db8::1 metric 5 pref high",
        "ip -4 route replace 10.13.0.0/16 table 254 nexthop dev eth0 weight 1",
        "ip -4 route append default via 192.0.2.254 dev eth0 table 254 proto 3 scope global",
        "ip -6 route append default via fe80::9 dev eth0 table 254 proto 9 metric 1024 expires 1700",
    ]
    steps = build_put_back(host, FIX)
    guards = {words: find_step(steps, words).unless for words in ("10.6.0.0", "10.2.0.0", "append 10.5.0.0", "append default via 192")}
    assert [guard.text for guard in guards.values() if guard] == ["metric 9", "nexthop via 192.0.2.4 dev \0 weight 3", "nhid 7", "default"]
    assert find_down_losses(host, FIX) == (
        "The route 10.1.0.0/16 of table 77 has metrics that cannot be put back: rtt.",
        "The route 10.8.0.0/16 of table 254 encapsulates (mpls), and cannot be put back.",
    )


def test_so_many_routes_are_somebody_elses() -> None:
    routes = tuple(Route(family="inet", destination=f"10.{number >> 8}.{number & 255}.0/24", interface="eth0") for number in range(1001))
    host = dataclasses.replace(EMPTY, routes=routes)
    assert len(lines(FIX, host)) == 1000
    assert find_losses(host, FIX) == ("There are 1001 routes over it; more than 1000 are not put back.",)


def test_rules_that_have_to_do_with_the_card() -> None:
    rules = (
        Rule(family="inet", priority=0, action="lookup", table=255),
        Rule(family="inet", priority=100, action="lookup", table=77, from_prefix="192.0.2.1", fwmark=7, fwmask=255, protocol=4),
        Rule(family="inet", priority=101, action="lookup", table=88, inverted=True, to_prefix="10.0.0.0/8", incoming="eth0", ip_protocol=6, tos=8,
             source_ports="5", destination_ports="80-90", user_range="0-9"),
        Rule(family="inet", priority=102, action="lookup", outgoing="eth0", suppress_prefix_length=0, suppress_interface_group=3,
             fwmark=1, fwmask=0xFFFFFFFF),
        Rule(family="inet", priority=103, action="goto", goto=200, from_prefix="192.0.2.0/24"),
        Rule(family="inet6", priority=104, action="prohibit", to_prefix="2001:db8::/32"),
        Rule(family="inet", priority=105, action="lookup", table=99),
        Rule(family="inet", priority=106, action="lookup", table=99, from_prefix="198.51.100.1"),
        Rule(family="inet", priority=1000, action="lookup", l3mdev=True, incoming="eth0"),
    )  # fmt: skip
    addresses = (
        Address(family="inet", address="192.0.2.9", prefix_length=24, flags=("permanent",)),
        Address(family="inet6", address="2001:db8::1", prefix_length=64, flags=("permanent",)),
    )
    host = dataclasses.replace(EMPTY, routes=ROUTES, rules=rules)
    told = [line for line in lines(card(addresses=addresses), host) if " rule " in line]
    assert told == [
        "ip -4 rule add priority 100 from 192.0.2.1 fwmark 0x7/0xff protocol 4 lookup 77",
        "ip -4 rule add not priority 101 to 10.0.0.0/8 iif eth0 tos 0x08 ipproto 6 sport 5 dport 80-90 uidrange 0-9 lookup 88",
        "ip -4 rule add priority 102 oif eth0 fwmark 0x1 suppress_prefixlength 0 suppress_ifgroup 3 lookup 254",
        "ip -4 rule add priority 103 from 192.0.2.0/24 goto 200",
        "ip -6 rule add priority 104 to 2001:db8::/32 type prohibit",
    ]


def test_stations_that_somebody_named() -> None:
    first, link = vlan("eth0.20", "eth0", vlan_id=20)
    host = dataclasses.replace(
        EMPTY,
        links=(link,),
        neighbours=(
            Neighbour(family="inet", address="192.0.2.9", interface="eth0", lladdr="02:00:00:00:00:09", state="permanent"),
            Neighbour(
                family="inet6", address="2001:db8::9", interface="eth0.20", lladdr="02:00:00:00:00:0a", state="permanent", flags=("router",)
            ),
            Neighbour(family="inet", address="192.0.2.10", interface="eth0", state="permanent"),
            Neighbour(family="inet6", address="2001:db8::77", interface="eth0", state="none", flags=("proxy",)),
            Neighbour(family="inet", address="192.0.2.254", interface="eth0", lladdr="02:00:00:00:00:0b", state="reachable"),
            Neighbour(family="inet", address="192.0.2.11", interface="eth1", lladdr="02:00:00:00:00:0c", state="permanent"),
        ),
        forwarding=(
            ForwardingEntry(interface="eth0", address="02:00:00:00:00:55", master=True, static=True, vlan=20),
            ForwardingEntry(interface="eth0.20", address="02:00:00:00:00:56", master=True),
            ForwardingEntry(interface="eth0", address="02:00:00:00:00:66"),
            ForwardingEntry(interface="eth0", address="02:00:00:00:00:01", master=True),
            ForwardingEntry(interface="eth1", address="02:00:00:00:00:67"),
        ),
        memberships=(Membership(interface="eth0", address="33:33:00:00:00:99"), Membership(interface="eth0.20", address="33:33:00:00:00:98"),
                     Membership(interface="eth1", address="33:33:00:00:00:99")),
    )  # fmt: skip
    assert lines(card(uppers=(first,)), host)[4:] == [
        "ip -4 neighbour replace 192.0.2.9 lladdr 02:00:00:00:00:09 nud permanent dev eth0",
        "ip -6 neighbour replace 2001:db8::9 lladdr 02:00:00:00:00:0a nud permanent dev eth0.20 router",
        "ip -6 neighbour replace proxy 2001:db8::77 dev eth0",
        "bridge fdb replace 02:00:00:00:00:55 dev eth0 master static vlan 20",
        "bridge fdb replace 02:00:00:00:00:56 dev eth0.20 master permanent",
        "bridge fdb replace 02:00:00:00:00:66 dev eth0 self",
        "ip maddress add 33:33:00:00:00:99 dev eth0",
        "ip maddress add 33:33:00:00:00:98 dev eth0.20",
    ]


@pytest.mark.parametrize(
    ("owner", "line"),
    [
        (Ownership(manager=Manager.IFUPDOWN), "ifup --force eth0"),
        (Ownership(manager=Manager.NETPLAN, renderer=Manager.NETWORKMANAGER), "nmcli --wait 20 device connect eth0"),
        (Ownership(manager=Manager.NETWORKD), "/lib/systemd/systemd-networkd-wait-online --interface eth0 --timeout 15"),
        (Ownership(manager=Manager.NETPLAN), ""),
        (Ownership(manager=Manager.NONE), ""),
    ],
)
def test_the_network_manager_goes_first_and_need_not_succeed(owner: Ownership, line: str) -> None:
    assert lines(card(manager=owner)) == ([line] if line else [])
    assert lines(card(manager=owner, flags=("BROADCAST", "MULTICAST"))) == ["ip link set dev eth0 down"]
    if line:
        step = find_step(build_put_back(EMPTY, card(manager=owner)), line)
        assert isinstance(step, Run)
        assert not step.needed
        assert step.unless is not None
        assert step.within_s <= 30


def test_losses_are_told_one_by_one() -> None:
    kinds = ("vxlan", "macsec", "wonder", None)
    uppers = tuple(Upper(interface=f"u{number}", kind=kind, below="eth0") for number, kind in enumerate(kinds))
    broken, link = vlan("eth0.20", "eth0")
    shaped, shaper = vlan("eth0.30", "eth0", vlan_id=30)
    shaper = dataclasses.replace(shaper, qdiscs=(Qdisc(kind="htb", handle="1:", parent="root"),))
    nic = card(
        uppers=(*uppers, broken, shaped),
        pcie=Pcie(device=PciFunction(address="0000:02:00.0"), vfs=4),
        xdp=Xdp(mode="driver"),
        receive_rules=3,
        spread=Spread(rings=2, table=(0, 0, 1, 1)),
    )
    assert find_losses(dataclasses.replace(EMPTY, links=(link, shaper)), nic) == (
        "Its 4 virtual functions (SR-IOV) go with the driver, and the guests on them lose their network.",
        "An XDP program (driver) is attached; the program that loaded it must do so again.",
        "3 rules for received packets (ethtool -n) cannot be put back.",
        "How received packets are spread over the queues (ethtool -x) was set by hand, and cannot be put back.",
        "u0 (vxlan) is bound to it, and would have to be made anew.",
        "u1 (macsec) stands on it: its keys cannot be read.",
        "u2 (wonder) stands on it, and cannot be put back.",
        "u3 (of an unknown kind) stands on it, and cannot be put back.",
        "eth0.20 (vlan) stands on it, and its settings cannot be read.",
        "The queueing discipline htb of eth0.30, with the classes and filters that it may have, cannot be put back.",
    )
    (unknown,) = find_losses(Host(), Nic(interface="eth0"))
    assert unknown == "What stands on it is not known: links, addresses, routes, rules, neighbours could not be read."


def test_bystanders_are_told() -> None:
    assert find_bystanders(FIX) == ()
    assert find_bystanders(card(packet_sockets=1, beside=("tap0", "tap1"))) == (
        "1 program listens on this very interface (a DHCP client, lldpd, tcpdump, …): one that does not notice must be restarted.",
        "tap0, tap1 beside it in the bridge stay, and are cut off from the network meanwhile.",
    )
    assert find_bystanders(card(packet_sockets=2))[0].startswith("2 programs listen on")
