# SPDX-License-Identifier: GPL-2.0-or-later
"""Next hops with numbers, static entries of bridges, multicast addresses set by hand."""

import struct

from nicmedic.host.rtnl_links import make_links
from nicmedic.host.rtnl_stations import make_forwarding, make_nexthops, parse_memberships
from nicmedic.model.stack import ForwardingEntry, GroupMember, Membership, NextHopObject

NAMES = {2: "eth0"}


def attribute(kind: int, data: bytes) -> bytes:
    padded = data + bytes(-len(data) % 4)
    return struct.pack("=HH", 4 + len(data), kind) + padded


def message(family: int, *attributes: bytes, scope: int = 253, protocol: int = 4, flags: int = 0) -> bytes:
    return bytes(16) + struct.pack("=BBBxI", family, scope, protocol, flags) + b"".join(attributes)


def number(value: int) -> bytes:
    return struct.pack("=I", value)


def test_a_next_hop_and_a_group_of_them() -> None:
    one = message(2, attribute(1, number(5)), attribute(5, number(2)), attribute(6, bytes([192, 0, 2, 8])), flags=4)
    six = message(10, attribute(1, number(6)), attribute(5, number(9)), attribute(6, bytes([0xFE, 0x80, *bytes(13), 1])), scope=7)
    group = message(0, attribute(1, number(7)), attribute(2, struct.pack("=IBBHIBBH", 5, 2, 0, 0, 6, 0, 0, 0)), scope=0)
    hole = message(2, attribute(1, number(8)), attribute(4, b""))
    resilient = message(0, attribute(1, number(9)), attribute(2, struct.pack("=IBBH", 5, 0, 0, 0)), attribute(3, struct.pack("=H", 1)))
    assert make_nexthops([one, six, group, hole, resilient, message(2), b"short"], NAMES) == (
        NextHopObject(id=5, family="inet", gateway="192.0.2.8", interface="eth0", scope="link", protocol=4, flags=("onlink",)),
        NextHopObject(id=6, family="inet6", gateway="fe80::1", interface="if9", scope="7", protocol=4),
        NextHopObject(id=7, scope="global", protocol=4, members=(GroupMember(id=5, weight=3), GroupMember(id=6))),
        NextHopObject(id=8, family="inet", scope="link", protocol=4, plain=False),
        NextHopObject(id=9, scope="link", protocol=4, members=(GroupMember(id=5),), plain=False),
    )


def test_what_packets_taught_a_bridge_and_groups_are_left_out() -> None:
    entry = {"ifindex": 2, "state": 0x40, "flags": 4, "NDA_LLADDR": "02:00:00:00:00:55"}
    left_out = (
        {**entry, "state": 2},
        {**entry, "flags": 0x14},
        {**entry, "ifindex": 3},
        {**entry, "NDA_LLADDR": "33:33:00:00:00:01"},
        {**entry, "NDA_DST": "192.0.2.1"},
        {"ifindex": 2, "state": 0x40},
    )
    assert make_forwarding([{**entry, "NDA_VLAN": 20}, {**entry, "state": 0x80, "flags": 2}, *left_out], NAMES) == (
        ForwardingEntry(interface="eth0", address="02:00:00:00:00:55", master=True, static=True, vlan=20),
        ForwardingEntry(interface="eth0", address="02:00:00:00:00:55"),
    )


def test_memberships_that_nobody_set_by_hand_are_left_out() -> None:
    told = "2    eth0            1     0     333300000001\n2    eth0            2     1     01005e000099\nodd line\n"
    assert parse_memberships(told) == (Membership(interface="eth0", address="01:00:5e:00:00:99"),)
    assert parse_memberships(None) is None


def test_maps_of_priorities_of_a_vlan_are_kept() -> None:
    data = {
        "IFLA_VLAN_ID": 20,
        "IFLA_VLAN_EGRESS_QOS": {"IFLA_VLAN_QOS_MAPPING": [{"from": 0, "to": 3}, {"from": 2, "to": 5}]},
        "IFLA_VLAN_INGRESS_QOS": {"IFLA_VLAN_QOS_MAPPING": {"from": 1, "to": 4}},
    }
    links = make_links([{"index": 3, "IFLA_IFNAME": "v20", "IFLA_LINKINFO": {"IFLA_INFO_KIND": "vlan", "IFLA_INFO_DATA": data}}])
    assert links["v20"].details == {"vlan_id": 20, "vlan_egress_qos": "0:3 2:5", "vlan_ingress_qos": "1:4"}
