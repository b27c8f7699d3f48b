# SPDX-License-Identifier: GPL-2.0-or-later
"""What a line for a shell sets of a card is read out of it, and nothing is read that is of another card."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nicmedic.persist.hook_lines import read_hook

MTU = [("mtu", [("mtu", "9000")])]
TSO = [("features", [("tso", "on")])]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("ip link set dev eth0 mtu 9000", MTU),
        ("/sbin/ip link set eth0 mtu 9000 up", MTU),
        ("ip -4 l s mtu 9000 dev eth0", MTU),
        ('ip link set "$IFACE" mtu 9000 || true', MTU),
        ("test -e /x && ip link set dev ${IFACE} mtu 9000", MTU),
        ("ifconfig eth0 mtu 9000", MTU),
        ("/sbin/ifconfig $IFACE 192.0.2.1 netmask 255.255.255.0 mtu 9000 up", MTU),
        ("ethtool -K eth0 tso on", TSO),
        ("(sleep 5;ethtool --offload $IFACE tso on)&", TSO),
        ("FOO=1 nice ethtool --features eth0 tso on 2>/dev/null", TSO),
        ("ethtool -K eth0 tso on || echo 'it's", TSO),
        ("ethtool -G eth0 rx 4096 tx 4096; ethtool -A eth0 rx on", [("ring", [("rx", "4096"), ("tx", "4096")]), ("pause", [("rx", "on")])]),
        ("ethtool -s eth0 speed 1000 duplex full autoneg on", [("link", [("speed", "1000"), ("duplex", "full"), ("autoneg", "on")])]),
        ("ethtool --set-eee eth0 eee on", [("eee", [("eee", "on")])]),
        ("ethtool -C eth0 rx-usecs $USECS", [("coalesce", [])]),
    ],
)
def test_what_is_set_of_the_card_is_read(line: str, said: list[object]) -> None:
    assert list(read_hook(line, "eth0", own=True)) == said


@pytest.mark.parametrize(
    "line",
    [
        "ip link set dev eth0.10 mtu 9000",
        "ip link set dev br0 mtu 9000",
        "ip link set dev eth0 up",
        "ip link set dev eth0 mtu $MTU",
        "ip link show eth0 mtu 9000",
        "ip addr add 192.0.2.1/24 dev eth0",
        "ip",
        "ifconfig eth0 up",
        "ifconfig",
        "ethtool -K eth1 tso on",
        "ethtool -k eth0",
        "ethtool -i eth0 x",
        "echo 9000 > /sys/class/net/eth0/mtu",
        "",
    ],
)
def test_what_sets_nothing_that_is_known_of_the_card_is_passed_over(line: str) -> None:
    assert list(read_hook(line, "eth0", own=True)) == []


def test_the_variable_is_the_card_in_its_own_stanza_only() -> None:
    assert list(read_hook("ethtool -K $IFACE tso on", "eth0", own=False)) == []


@given(
    line=st.text()
    | st.lists(st.sampled_from(["ip", "link", "set", "dev", "eth0", "mtu", "'", '"', ";", "\\", "ethtool", "-K"])).map(" ".join)
)
def test_no_line_makes_it_raise(line: str) -> None:
    list(read_hook(line, "eth0", own=True))
