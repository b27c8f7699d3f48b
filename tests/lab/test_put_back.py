# SPDX-License-Identifier: GPL-2.0-or-later
"""Real drivers: what stood on a card stands again after its driver was bound anew, its module loaded anew, the card reset or rescanned."""

import difflib
import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from lab.fixtures import MachineMaker
from lab.kernel_vm import KernelVM
from lab.segment import GATEWAY, GUEST, Segment

RESTARTER = Path(__file__).with_name("stack_restarter.py")
PATIENCE_S = 400  # an emulated processor is twenty times slower, and other machines run beside it
# a link that was never up has the queueing discipline noop, and noqueue ever after: eth0.40 comes up with its card, for a moment
STATE = r"""
exec 2>&1
ip -d -o link | sed -E 's/^[0-9]+: //; s/ state [A-Z]+ / /; s/@if[0-9]+/@if/; s/ noop / noqueue /' |
    sed -E 's/(hello|topology|gc|tcn|designated|port_id|port_no|hold|message|forward_delay|link_failure_count|mii_status)[a-z_]* +[^ ]+//g' | sort
for family in -4 -6; do
    ip -o $family address | sed -E 's/^[0-9]+: //; s/valid_lft.*//' | sort -s -k 1,1
    ip -d $family route show table all | sort
    ip -d $family rule; ip -d $family neighbour show nud permanent | sort
done
ip nexthop | sort; ip maddress show dev eth0 | grep static; bridge fdb show | grep -w -e static -e :66 | sort; bridge vlan show | sort
ethtool eth0 | grep -v -e 'Current message level' -e 'Link partner'
for what in -k -g -a -c -l --show-eee -P; do ethtool $what eth0; done
tc qdisc show | grep -v 'dev eth0.40' | sort
grep . /proc/sys/net/ipv[46]/conf/*/{accept_ra,rp_filter,hop_limit} /proc/sys/net/ipv4/neigh/*/ucast_solicit
for file in mtu tx_queue_len ifalias netdev_group device/power/control; do echo "$file: $(cat /sys/class/net/eth0/$file)"; done
"""
ROUTED = f"""
modprobe 8021q; modprobe dummy; modprobe macvlan; modprobe vrf
echo 5 >/proc/sys/net/ipv4/neigh/eth0/ucast_solicit
echo 2 >/proc/sys/net/ipv4/conf/eth0/rp_filter
echo 0 >/proc/sys/net/ipv6/conf/eth0/accept_ra
ip link set eth0 txqueuelen 777 alias uplink
ip link property add dev eth0 altname a-name-that-is-longer-than-fifteen
ethtool -K eth0 gro off 2>/dev/null
ethtool -G eth0 tx 512 2>/dev/null
for name in rx-usecs tx-usecs; do ethtool -C eth0 $name 0 2>/dev/null; done
tc qdisc replace dev eth0 root handle 8001: fq_codel limit 500 target 7ms noecn
ip address add 10.77.0.99/24 dev eth0 label eth0:x
ip -6 address add fd77::99/64 dev eth0
ip route add 10.1.0.0/16 via {GATEWAY} dev eth0 table 77 mtu 1300 src 10.77.0.99
ip route add 10.2.0.0/16 nexthop via 10.77.0.4 dev eth0 weight 3 nexthop via 10.77.0.5 dev eth0
ip -6 route add 2001:db8::/48 via fd77::fe dev eth0 src fd77::99
ip rule add from 10.77.0.99 table 77 priority 100
ip -6 rule add from fd77::99 table 78 priority 100
ip neighbour add 10.77.0.9 lladdr 02:00:00:00:00:09 nud permanent dev eth0
ip maddress add 33:33:00:00:00:99 dev eth0
bridge fdb add 02:00:00:00:00:66 dev eth0 self
ip link add eth0.20 link eth0 type vlan id 20 reorder_hdr off egress-qos-map 0:3 2:5 ingress-qos-map 1:4
ip link set eth0.20 mtu 1400; ip link set eth0.20 up
echo 2 >/proc/sys/net/ipv4/conf/eth0.20/rp_filter
ip address add 198.51.100.1/24 dev eth0.20; ip -6 address add 2001:db8:20::1/64 dev eth0.20
ip route add 10.20.0.0/16 via 198.51.100.254 dev eth0.20 table 20
ip rule add iif eth0.20 table 20 priority 120
ip link add q0 link eth0 type vlan protocol 802.1ad id 30; ip link set q0 up
ip link add q0.7 link q0 type vlan id 7; ip link set q0.7 up; ip address add 203.0.113.1/24 dev q0.7
ip link add eth0.40 link eth0 type vlan id 40; ip link set eth0.40 up; ip link set eth0.40 down
ip link add m0 link eth0 type macvlan mode bridge; ip link set m0 up
ip link add red type vrf table 500; ip link set red up; ip link add eth0.50 link eth0 type vlan id 50
ip link set eth0.50 master red; ip link set eth0.50 up; ip address add 192.0.2.50/24 dev eth0.50
ip link add r0 type bridge; ip link set r0 up; ip link add eth0.60 link eth0 type vlan id 60
ip link set eth0.60 master r0; ip link set eth0.60 up; ip address add 192.0.2.129/25 dev r0
"""
BRIDGED = f"""
modprobe bridge; modprobe dummy; modprobe tun
ip address flush dev eth0 scope global; ip route flush dev eth0
ip link add vmbr0 type bridge vlan_filtering 1; ip link set vmbr0 address $(cat /sys/class/net/eth0/address); ip link set vmbr0 up
ip link set eth0 master vmbr0; ip link set eth0 up
bridge vlan add dev eth0 vid 2-4094; bridge vlan add dev eth0 vid 5 untagged
bridge link set dev eth0 priority 5 guard on mcast_flood off
ip tuntap add tap100i0 mode tap; ip link set tap100i0 master vmbr0; ip link set tap100i0 up
bridge fdb add 02:00:00:00:00:55 dev eth0 master static vlan 5
ip address add {GUEST}/24 dev vmbr0; ip route add default via {GATEWAY} dev vmbr0
"""
BONDED = f"""
modprobe bonding; modprobe 8021q; modprobe dummy
ip address flush dev eth0; ip route flush dev eth0; ip link set eth0 down
ip link add bond0 type bond mode active-backup miimon 100
ip link set bond0 address $(cat /sys/class/net/eth0/address)
ip link set eth0 master bond0; ip link set eth0 type bond_slave queue_id 2; ip link set bond0 up
ip address add {GUEST}/24 dev bond0; ip route add default via {GATEWAY} dev bond0; ip -6 address add fd77::2/64 dev bond0
ip link add bond0.20 link bond0 type vlan id 20; ip link set bond0.20 up; ip address add 198.51.100.1/24 dev bond0.20
"""
STACKS = {"routed": ROUTED, "bridged": BRIDGED, "bonded": BONDED}


def read_state(machine: KernelVM) -> list[str]:
    """As the tools print it."""
    out = machine.run("bash", "-c", STATE, timeout_s=PATIENCE_S).out
    return [" ".join(line.split()) for line in out.splitlines()]


def restart(machine: KernelVM, remedy: str) -> dict[str, Any]:
    """Carry a change out in the machine."""
    told: dict[str, Any] = json.loads(machine.check(sys.executable, str(RESTARTER), machine.interface, remedy, timeout_s=PATIENCE_S))
    return told


def check(machine: KernelVM, stack: str, remedy: str) -> None:
    """Build a stack, restart the card, compare."""
    machine.run("bash", "-c", f"sleep 0\n{STACKS[stack]}\nsleep 4", timeout_s=PATIENCE_S)
    machine.wait_reaches(GATEWAY, within_s=60)
    before = read_state(machine)
    index = machine.read(f"/sys/class/net/{machine.interface}/ifindex")
    told = restart(machine, remedy)
    assert told["losses"] == []
    machine.sh("sleep 4")
    after = read_state(machine)
    changed = [line for line in difflib.unified_diff(before, after, n=0, lineterm="") if not re.match(r"@@|---|\+\+\+", line)]
    assert not changed, "\n".join(changed)
    assert told["failed"] == [], told
    remade = machine.read(f"/sys/class/net/{machine.interface}/ifindex") != index
    assert remade == (remedy not in {"link-bounce", "put-back"})
    machine.wait_reaches(GATEWAY, within_s=60)


def make(nic: str, vm: MachineMaker) -> KernelVM:
    """A machine with that card; hangsim's stands below a root port, knows a reset, and does not hang."""
    return vm(nic, memory_mb=768, machine="q35", after_s=-1, link_ms=200) if nic == "hangsim" else vm(nic, memory_mb=768)


@pytest.mark.parametrize("nic", ["e1000e", "8139cp", "hangsim"])
def test_everything_stands_again_after_a_new_binding(nic: str, vm: MachineMaker, segment: Segment) -> None:
    check(make(nic, vm), "routed", "driver-rebind")


@pytest.mark.parametrize("stack", ["bridged", "bonded"])
def test_membership_stands_again_after_a_new_binding(stack: str, vm: MachineMaker, segment: Segment) -> None:
    check(make("e1000e", vm), stack, "driver-rebind")


OTHERS = [
    ("e1000e", "link-bounce"),
    ("e1000e", "pci-reset"),
    ("virtio-net", "driver-rebind"),
    ("e1000e", "pci-rescan"),
    ("8139cp", "module-reload"),
]


@pytest.mark.long
@pytest.mark.parametrize(("nic", "remedy"), OTHERS)
def test_everything_stands_again_after_other_restarts(nic: str, remedy: str, vm: MachineMaker, segment: Segment) -> None:
    check(make(nic, vm), "routed", remedy)
