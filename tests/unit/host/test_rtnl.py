# SPDX-License-Identifier: GPL-2.0-or-later
"""Messages of rtnetlink to values, in the words of ip and tc."""

from collections.abc import Mapping

import pytest

from nicmedic.host.netlink import Message
from nicmedic.host.rtnl_links import flags_of, make_links, make_qdiscs, make_vlans
from nicmedic.host.rtnl_values import make_addresses, make_neighbours, make_routes, make_rules
from nicmedic.host.stacks import carries_default_route, find_beside, find_uppers, make_port, make_virtual_link
from nicmedic.model.queue import Qdisc
from nicmedic.model.stack import BridgeVlan, NextHop, Route, Upper

NAMES = {2: "eth0", 3: "eth1"}


def link(index: int, name: str | bytes, kind: str | None = None, **more: object) -> Message:
    """A link as netlink lists it."""
    info: Mapping[str, object] = {"IFLA_LINKINFO": {"IFLA_INFO_KIND": kind}} if kind else {}
    return {"index": index, "ifi_type": 1, "flags": 0x11043, "IFLA_IFNAME": name, **info, **more}


def test_addresses_have_their_flags_in_words() -> None:
    made = make_addresses(
        [
            {
                "family": 2,
                "index": 2,
                "prefixlen": 24,
                "flags": 0x80,
                "IFA_LOCAL": "192.0.2.1",
                "IFA_ADDRESS": "192.0.2.1",
                "IFA_LABEL": "eth0:1",
            },
            {
                "family": 10,
                "index": 2,
                "prefixlen": 64,
                "scope": 0,
                "IFA_ADDRESS": "2001:db8::1",
                "IFA_FLAGS": 0x301,
                "IFA_CACHEINFO": {"ifa_preferred": 100, "ifa_valid": 0xFFFFFFFF},
                "IFA_PROTO": 2,
            },
            {"family": 2, "index": 3, "prefixlen": 32, "scope": 77, "IFA_LOCAL": "198.51.100.1", "IFA_ADDRESS": "198.51.100.2"},
            {"family": 17, "index": 2, "IFA_ADDRESS": "x"},
            {"family": 2, "index": 9, "IFA_ADDRESS": "192.0.2.9"},
            {"family": 2, "index": 2},
        ],
        NAMES,
    )
    first, second = made["eth0"]
    assert (first.flags, first.label, first.peer) == (("permanent",), "eth0:1", None)
    assert second.flags == ("temporary", "mngtmpaddr", "noprefixroute", "dynamic")
    assert (second.preferred_lifetime_s, second.valid_lifetime_s, second.protocol) == (100, None, 2)
    (third,) = made["eth1"]
    assert (third.peer, third.scope, third.flags) == ("198.51.100.2", "77", ("dynamic",))
    assert made["if9"][0].address == "192.0.2.9"


def test_routes_of_all_shapes() -> None:
    hop = {"oif": 3, "hops": 2, "flags": 4, "attrs": [], "RTA_GATEWAY": "192.0.2.8"}
    made = make_routes(
        [
            {
                "family": 2,
                "dst_len": 0,
                "table": 254,
                "proto": 16,
                "scope": 0,
                "type": 1,
                "RTA_GATEWAY": "192.0.2.254",
                "RTA_OIF": 2,
                "RTA_PRIORITY": 50,
            },
            {
                "family": 2,
                "dst_len": 32,
                "RTA_DST": "192.0.2.1",
                "RTA_TABLE": 255,
                "type": 2,
                "scope": 254,
                "RTA_OIF": 2,
                "RTA_PREFSRC": "192.0.2.1",
            },
            {"family": 2, "dst_len": 8, "type": 1, "RTA_TABLE": 700, "RTA_METRICS": {"RTAX_MTU": 1400, "RTAX_LOCK": None}, "RTA_OIF": 2},
            {"family": 2, "dst_len": 16, "RTA_DST": "10.6.0.0", "type": 6, "table": 254, "RTA_MULTIPATH": [hop]},
            {
                "family": 2,
                "dst_len": 16,
                "RTA_DST": "10.7.0.0",
                "type": 1,
                "table": 254,
                "RTA_VIA": {"family": 10, "addr": "fe80::1"},
                "flags": 4,
                "RTA_OIF": 2,
            },
            {
                "family": 10,
                "dst_len": 0,
                "type": 1,
                "table": 254,
                "RTA_GATEWAY": "fe80::2",
                "RTA_OIF": 9,
                "RTA_PREF": 3,
                "RTA_CACHEINFO": {"rta_expires": 1799_99},
                "RTA_ENCAP_TYPE": 5,
                "RTA_NH_ID": 4,
            },
            {"family": 10, "dst_len": 3, "type": 99, "table": 254, "RTA_CACHEINFO": {"rta_expires": 0xFFFFFF00}},
            {"family": 2, "dst_len": 0, "type": 1, "flags": 0x200},
            {"family": 28, "dst_len": 20, "type": 1},
        ],
        NAMES,
    )
    default, local, metrics, many, via, six, odd = made
    assert (default.destination, default.gateway, default.interface, default.metric, default.scope) == (
        "default",
        "192.0.2.254",
        "eth0",
        50,
        "global",
    )
    assert (local.destination, local.type, local.scope, local.source, local.table) == ("192.0.2.1", "local", "host", "192.0.2.1", 255)
    assert (metrics.destination, metrics.metrics, metrics.table) == ("0.0.0.0/8", {"mtu": 1400}, 700)
    assert (many.type, many.nexthops) == ("blackhole", (NextHop(interface="eth1", gateway="192.0.2.8", weight=3, flags=("onlink",)),))
    assert (via.gateway, via.flags) == ("fe80::1", ("onlink",))
    assert (six.preference, six.expires_s, six.encapsulation, six.nexthop_id, six.interface, six.scope) == (
        "low",
        1799,
        "seg6",
        4,
        "if9",
        None,
    )
    assert (odd.destination, odd.type, odd.expires_s) == ("::/3", "99", None)


def test_rules_keep_what_they_select_by() -> None:
    made = make_rules(
        [
            {
                "family": 2,
                "table": 254,
                "action": 1,
                "FRA_PRIORITY": 32766,
                "FRA_TABLE": 254,
                "FRA_SUPPRESS_PREFIXLEN": 0xFFFFFFFF,
                "FRA_PROTOCOL": 2,
            },
            {
                "family": 10,
                "action": 2,
                "flags": 2,
                "src_len": 32,
                "FRA_SRC": "2001:db8::",
                "FRA_GOTO": 500,
                "FRA_SUPPRESS_PREFIXLEN": 0,
                "FRA_DPORT_RANGE": {"start": 80, "end": 90},
                "FRA_SPORT_RANGE": {"start": 5, "end": 5},
                "FRA_IIFNAME": "eth0",
                "FRA_L3MDEV": 1,
            },
            {"family": 2, "action": 9},
            {"family": 128, "action": 1},
        ]
    )
    main, other, odd = made
    assert (main.priority, main.action, main.table, main.suppress_prefix_length, main.from_prefix) == (32766, "lookup", 254, None, None)
    assert (other.action, other.goto, other.inverted, other.from_prefix, other.suppress_prefix_length) == (
        "goto",
        500,
        True,
        "2001:db8::/32",
        0,
    )
    assert (other.destination_ports, other.source_ports, other.incoming, other.l3mdev) == ("80-90", "5", "eth0", True)
    assert odd.action == "9"


def test_neighbours_are_permanent_or_gateways() -> None:
    routes = [
        Route(family="inet", destination="default", gateway="192.0.2.254", interface="eth0"),
        Route(family="inet", destination="10.0.0.0/8", nexthops=(NextHop(interface="eth1", gateway="192.0.2.8"),)),
    ]
    entry: Message = {"family": 2, "ifindex": 2, "state": 2, "NDA_DST": "192.0.2.254", "NDA_LLADDR": "02:00:00:00:00:01", "flags": 0x80}
    made = make_neighbours(
        [
            entry,
            {**entry, "NDA_DST": "192.0.2.77"},
            {**entry, "NDA_DST": "192.0.2.78", "state": 0x80},
            {**entry, "state": 0, "flags": 8},
            {**entry, "ifindex": 3, "NDA_DST": "192.0.2.8", "state": 0x20},
            {**entry, "family": 7},
            {"family": 2, "ifindex": 2},
        ],
        NAMES,
        routes,
    )
    assert [(one.address, one.state, one.gateway) for one in made] == [
        ("192.0.2.254", "reachable", True),
        ("192.0.2.78", "permanent", False),
        ("192.0.2.254", "none", False),
        ("192.0.2.8", "failed", True),
    ]
    assert made[0].flags == ("router",)


def test_links_tell_kind_place_and_oddities() -> None:
    made = make_links(
        [
            {"index": 1, "ifi_type": 772, "IFLA_IFNAME": "lo", "flags": 0x49},
            link(
                2,
                b'v\xff"x;y\0',
                IFLA_PROP_LIST={"IFLA_ALT_IFNAME": ["a", "b"]},
                IFLA_OPERSTATE="UP",
                IFLA_CARRIER=1,
                IFLA_STATS64={"rx_packets": 7, "x": None},
                IFLA_XDP={"IFLA_XDP_ATTACHED": "xdpgeneric", "IFLA_XDP_PROG_ID": 9},
                IFLA_MASTER=4,
            ),
            link(3, "veth0", "veth", IFLA_LINK=2, flags=0x1002, IFLA_CARRIER=0),
            {
                **link(4, "br0", "bridge"),
                "IFLA_LINKINFO": {
                    "IFLA_INFO_KIND": "bridge",
                    "IFLA_INFO_DATA": {"IFLA_BR_STP_STATE": 0, "IFLA_BR_ID": {"prio": 1, "x": b""}},
                },
            },
            link(5, "v.20", "vlan", IFLA_LINK=2, IFLA_STATS={"rx_packets": 1}),
            link(6, "gone", "vlan", IFLA_LINK=2, IFLA_LINK_NETNSID=0),
            {"index": 7},
        ]
    )
    odd = made['v\udcff"x;y']
    assert (odd.altnames, odd.operstate, odd.carrier, odd.statistics) == (("a", "b"), "up", True, {"rx_packets": 7})
    assert odd.xdp is not None
    assert (odd.xdp.mode, odd.xdp.program_id) == ("generic", 9)
    assert made["lo"].kind == "loopback"
    assert (made["veth0"].below, made["veth0"].carrier) == (None, None)
    assert made["br0"].details == {"br_stp_state": 0, "br_id.prio": 1}
    assert (made["v.20"].below, made["gone"].below) == (2, None)
    assert len(made) == 6


@pytest.mark.parametrize(
    ("mask", "known", "words"),
    [
        (0x1003, True, ("NO-CARRIER", "BROADCAST", "MULTICAST", "UP")),
        (0x1003, False, ("BROADCAST", "MULTICAST", "UP")),
        (0x11043, True, ("BROADCAST", "MULTICAST", "UP", "LOWER_UP")),
        (0x1002, True, ("BROADCAST", "MULTICAST")),
    ],
)
def test_flags_are_those_of_ip(mask: int, known: bool, words: tuple[str, ...]) -> None:
    assert flags_of(mask, known_running=known) == words


def test_uppers_are_followed_through_bonds_bridges_and_vlans() -> None:
    links = make_links(
        [
            link(2, "eth0", IFLA_MASTER=3),
            link(3, "bond0", "bond", IFLA_MASTER=4),
            link(4, "br0", "bridge"),
            link(5, "br0.7", "vlan", IFLA_LINK=4),
            link(6, "tap0", "tun", IFLA_MASTER=4),
            link(7, "eth1", IFLA_MASTER=99),
        ]
    )
    uppers = find_uppers("eth0", links)
    assert uppers == (
        Upper(interface="bond0", kind="bond", below="eth0"),
        Upper(interface="br0", kind="bridge", below="bond0"),
        Upper(interface="br0.7", kind="vlan", below="br0"),
    )
    assert find_beside("eth0", uppers, links) == ("tap0",)
    assert find_uppers("nothing", links) == ()
    port = make_port(links["bond0"], links, {3: (BridgeVlan(vid=20, pvid=True),)})
    assert port is not None
    assert (port.master, port.kind, port.vlans) == ("br0", "bridge", (BridgeVlan(vid=20, pvid=True),))
    assert make_port(links["eth1"], links, {}) is None
    assert make_virtual_link(links["br0"], links, {}, None).lower == ("bond0", "tap0")
    assert make_virtual_link(links["br0.7"], links, {}, {}).lower == ("br0",)
    routes = [Route(family="inet", destination="default", interface="br0.7")]
    assert carries_default_route("eth0", uppers, routes)
    assert not carries_default_route("eth1", (), routes)
    assert not carries_default_route("eth0", uppers, [Route(family="inet", destination="default", interface="br0.7", table=77)])


def test_links_that_stand_on_each_other_in_a_circle_end() -> None:
    links = make_links([link(2, "a", IFLA_MASTER=3), link(3, "b", IFLA_MASTER=2)])
    assert [upper.interface for upper in find_uppers("a", links)] == ["b"]


def test_vlans_of_bridge_ports() -> None:
    entries = [{"vid": 1, "flags": 4}, {"vid": 20, "flags": 6}]
    made = make_vlans([{"index": 3, "IFLA_AF_SPEC": {"IFLA_BRIDGE_VLAN_INFO": entries}}, {"index": 4}])
    assert made == {3: (BridgeVlan(vid=1, untagged=True), BridgeVlan(vid=20, pvid=True, untagged=True))}


def test_disciplines_are_placed_as_tc_places_them() -> None:
    statistics = {
        "TCA_STATS_BASIC": {"bytes": 10, "packets": 2},
        "TCA_STATS_QUEUE": {"qlen": 1, "backlog": 60, "drops": 3, "requeues": 4, "overlimits": 5},
    }
    made = make_qdiscs(
        [
            {"index": 2, "handle": 0, "parent": 0xFFFFFFFF, "TCA_KIND": "mq"},
            {
                "index": 2,
                "handle": 0,
                "parent": 2,
                "TCA_KIND": "fq_codel",
                "TCA_STATS2": statistics,
                "TCA_OPTIONS": {"TCA_FQ_CODEL_LIMIT": 99, "TCA_X": None},
            },
            {"index": 2, "handle": 0xFFFF0000, "parent": 0xFFFFFFF1, "TCA_KIND": "clsact"},
            {"index": 3, "handle": 0x80010000, "parent": 0xFFFFFFFF, "TCA_KIND": "htb"},
            {"index": 3, "handle": 0, "parent": 0x8001000A, "TCA_KIND": "pfifo"},
            {"index": 3, "handle": 0xFFFF0000, "parent": 0xFFFFFFF1, "TCA_KIND": "ingress"},
            {"index": 3, "handle": 0},
            {"index": 77, "TCA_KIND": "noqueue"},
        ],
        NAMES,
    )
    assert made["eth0"][1] == Qdisc(
        kind="fq_codel",
        parent=":2",
        queue=1,
        bytes=10,
        packets=2,
        drops=3,
        overlimits=5,
        requeues=4,
        backlog_bytes=60,
        qlen=1,
        options={"fq_codel_limit": 99},
    )
    assert [(one.parent, one.handle, one.queue) for one in made["eth0"]] == [
        ("root", None, None),
        (":2", None, 1),
        ("clsact", "ffff:", None),
    ]
    assert [(one.parent, one.handle, one.queue) for one in made["eth1"]] == [
        ("root", "8001:", None),
        ("8001:a", None, None),
        ("ingress", "ffff:", None),
    ]
    assert set(made) == {"eth0", "eth1"}
