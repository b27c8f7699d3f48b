# SPDX-License-Identifier: GPL-2.0-or-later
"""What stood on an interface stands again after it was down, and after it was deleted and made anew; where nothing is lost nothing moves."""

import difflib
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

RUNNER = Path(__file__).with_name("stack_runner.py")
MAKE = "ip link add c0 type veth peer name p0"
PEER = "ip link set p0 address 02:00:00:00:00:aa; ip link set p0 up; ip address add 192.0.2.254/24 dev p0; ip address add fe80::ff/64 dev p0 nodad"
REBUILD = f"ip link delete c0; {MAKE}; {PEER}"
BOUNCE = "ip link set c0 down; sleep 0.2; ip link set c0 up"
STATE = r"""
exec 2>&1
ip -d -o link | grep -v ': p0@' | sed -E 's/^[0-9]+: //; s/ state [A-Z]+ / /' |
    sed -E 's/(hello|topology|gc|tcn|designated|port_id|port_no|hold|message|forward_delay)[a-z_]* +[^ ]+//g' | sort
for family in -4 -6; do
    ip -o $family address | sed -E 's/^[0-9]+: //; s/valid_lft.*//' | grep -v ^p0 | sort -s -k 1,1
done
for family in -4 -6; do
    ip -d $family route show table all | grep -v -w p0 | sort
    ip -d $family rule; ip -d $family neighbour show nud permanent | sort; ip $family neighbour show proxy
done
ip nexthop | sort; ip maddress show dev c0 | grep static; bridge fdb show | grep -e static -e :66 | sort
for file in mtu tx_queue_len ifalias netdev_group gro_flush_timeout queues/rx-0/rps_cpus; do echo "$file: $(cat /sys/class/net/c0/$file)"; done
for file in ipv4/conf/c0/rp_filter ipv6/conf/c0/accept_ra ipv6/conf/c0/hop_limit; do
    echo "$file: $(cat /proc/sys/net/$file)"
done
ethtool -k c0 | grep -v fixed
"""
PLAIN = """
ip link set c0 address 02:00:00:00:00:01 txqueuelen 777 alias 'the  "uplink"; $(x)'
ip link set c0 group 7
ip link set c0 mtu 1400
ip link property add dev c0 altname a-name-that-is-longer-than-fifteen
echo 2 >/proc/sys/net/ipv4/conf/c0/rp_filter
echo 0 >/proc/sys/net/ipv6/conf/c0/accept_ra
echo 99 >/proc/sys/net/ipv6/conf/c0/hop_limit
echo 20000 >/sys/class/net/c0/gro_flush_timeout
echo 1 >/sys/class/net/c0/queues/rx-0/rps_cpus
ethtool -K c0 tso off gso off
ip link set c0 promisc on; ip link set c0 up
ip address add 192.0.2.1/24 broadcast + dev c0 label c0:x
ip address add 192.0.2.7/24 dev c0
ip address add 198.51.100.1 peer 198.51.100.2/32 dev c0
ip address add 203.0.113.1/24 dev c0 noprefixroute valid_lft 5000 preferred_lft 4000
ip address add 203.0.113.99/32 dev c0 scope link metric 77
ip -6 address add 2001:db8::1/64 dev c0 nodad
ip -6 address add 2001:db8:2::1/64 dev c0 noprefixroute
ip -6 address add 2001:db8:3::1 peer 2001:db8:3::2/128 dev c0 nodad
ip nexthop add id 5 via 192.0.2.254 dev c0
ip nexthop add id 6 via 192.0.2.253 dev c0 protocol static
ip nexthop add id 7 group 5,3/6
ip -6 nexthop add id 8 via fe80::ff dev c0
ip route add default via 192.0.2.254 dev c0
ip route add default via 192.0.2.253 dev c0 metric 900 mtu 1300 advmss 1200 initcwnd 20 src 192.0.2.7
ip route add 10.1.0.0/16 via 192.0.2.3 dev c0 table 77 proto static mtu lock 1200 congctl reno
ip route add 10.2.0.0/16 nexthop via 192.0.2.4 dev c0 weight 3 nexthop via 192.0.2.5 dev c0
ip route add 10.4.0.0/16 via 203.0.113.77 dev c0 onlink tos 0x10
ip route add 10.5.0.0/16 nhid 7
ip route add 10.6.0.0/16 dev c0 scope link
ip route add 10.7.0.0/16 via inet6 fe80::ff dev c0
ip route add local 10.8.0.1 dev c0 table 88 proto static
ip -6 route add default via fe80::ff dev c0 metric 50 pref high
ip -6 route add 2001:db8:9::/48 via fe80::ff dev c0 src 2001:db8::1 table 78 hoplimit 5
ip -6 route add 2001:db8:a::/48 nexthop via fe80::1 dev c0 nexthop via fe80::2 dev c0 weight 2
ip -6 route add 2001:db8:b::/48 nhid 8
ip rule add from 192.0.2.1 fwmark 7/0xff table 77 priority 100
ip rule add not to 10.99.0.0/16 iif c0 ipproto tcp dport 80-90 lookup 88 priority 101 protocol static
ip rule add oif c0 suppress_prefixlength 0 lookup main priority 102
ip rule add from 192.0.2.7 prohibit priority 103
ip -6 rule add from 2001:db8::/64 table 78 priority 100
ip neighbour add 192.0.2.9 lladdr 02:00:00:00:00:09 nud permanent dev c0
ip -6 neighbour add 2001:db8::9 lladdr 02:00:00:00:00:09 nud permanent dev c0 router
ip -6 neighbour add proxy 2001:db8::77 dev c0
ip maddress add 33:33:00:00:00:99 dev c0
bridge fdb add 02:00:00:00:00:66 dev c0 self
"""
UPPERS = """
ip link set c0 up; ip address add 192.0.2.1/24 dev c0
ip link add m0 link c0 mtu 1300 type macvlan mode bridge
echo 2 >/proc/sys/net/ipv4/conf/m0/rp_filter
ip link set m0 alias 'a macvlan' txqueuelen 50; ip link set m0 up
ip address add 198.51.100.1/24 dev m0; ip -6 address add 2001:db8:5::1/64 dev m0 nodad
ip link add m1 link c0 address 02:00:00:00:00:31 type macvlan mode private
ip link add r0 type bridge; ip link set r0 up; ip link add t0 type veth peer name t1; ip link set t0 master r0; ip link set t0 up; ip link set t1 up
ip link set m1 master r0; ip link set m1 up; ip address add 203.0.113.1/24 dev r0
ip route add 10.1.0.0/16 via 198.51.100.9 dev m0 table 77
ip neighbour add 198.51.100.9 lladdr 02:00:00:00:00:09 nud permanent dev m0
"""
BRIDGED = """
ip link add r0 type bridge; ip link set r0 address 02:00:00:00:00:01; ip link set r0 up; ip link set c0 master r0; ip link set c0 up
ip link add t0 type veth peer name t1; ip link set t0 master r0; ip link set t0 up; ip link set t1 up
ip address add 192.0.2.1/24 dev r0; ip route add default via 192.0.2.254 dev r0; ip -6 address add 2001:db8::1/64 dev r0 nodad
bridge link set dev c0 cost 7 priority 5 hairpin on learning off guard on mcast_flood off
bridge fdb add 02:00:00:00:00:55 dev c0 master static
"""


def need(*programs: str) -> None:
    """Skip where a program is missing."""
    for program in programs:
        if shutil.which(program) is None:
            pytest.skip(f"needs {program}: apt-get install iproute2 ethtool util-linux")


def run(command: str, namespace: str) -> str:
    """What a command prints, in a namespace with a /sys of its own; it must not fail."""
    done = subprocess.run(["ip", "netns", "exec", namespace, "sh", "-ec", command], capture_output=True, check=False, timeout=60, text=True)
    assert done.returncode == 0, (done.stdout, done.stderr)
    return done.stdout


@pytest.fixture
def net() -> Iterator[str]:
    """A namespace with a card c0, whose wire ends at p0."""
    need("ip", "ethtool", "bridge")
    name = f"putback-{os.getpid()}-{time.monotonic_ns() % 10**6}"
    subprocess.run(["ip", "netns", "add", name], check=True, timeout=20)
    run(f"ip link set lo up; {MAKE}; {PEER}", name)
    yield name
    subprocess.run(["ip", "netns", "delete", name], check=False, timeout=20)


def read_state(namespace: str) -> list[str]:
    """As ip, bridge, ethtool and sysfs print it, without numbers of interfaces."""
    text = run(STATE.replace("grep static", "grep static || true"), namespace)
    return [re.sub(r"@if\d+", "@p0", " ".join(line.split())) for line in text.splitlines()]


def differences(before: list[str], after: list[str]) -> list[str]:
    """Lines that came and went."""
    return [line for line in difflib.unified_diff(before, after, n=0, lineterm="") if not line.startswith(("@@", "---", "+++"))]


def put_back(namespace: str, destroy: str) -> dict[str, Any]:
    """Read, destroy, put back, and do so again."""
    command = ["ip", "netns", "exec", namespace, sys.executable, str(RUNNER), "c0", destroy]
    done = subprocess.run(command, capture_output=True, check=False, timeout=120, text=True)
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


@pytest.mark.parametrize("destroy", [BOUNCE, REBUILD, "true", "ip link set c0 down"], ids=["bounce", "rebuild", "nothing", "down"])
@pytest.mark.parametrize("stack", [PLAIN, UPPERS, BRIDGED], ids=["plain", "uppers", "bridged"])
def test_everything_stands_again_and_a_second_round_moves_nothing(stack: str, destroy: str, net: str) -> None:
    run(f"{stack}\nsleep 2.5", net)
    before = read_state(net)
    told = put_back(net, destroy)
    assert told["failed"] == []
    assert told["losses"] == []
    changed = differences(before, read_state(net))
    assert not changed, "\n".join(changed)
    assert told["untouched"] == []
    assert told["again"] == []
