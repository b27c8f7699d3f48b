# SPDX-License-Identifier: GPL-2.0-or-later
"""A prescription on real drivers: written in the machine, carried out there by busybox sh, forgotten, and taken back."""

import sys

import pytest

from lab.fixtures import MachineMaker
from lab.kernel_vm import KernelVM
from lab.segment import GATEWAY, Segment

PATIENCE_S = 300  # an emulated processor is twenty times slower, and other machines run beside it
WRITE = """
import argparse, sys
from nicmedic.cli.declare import add_arguments
from nicmedic.cli.prescribe import PRESCRIBE
parser = argparse.ArgumentParser()
add_arguments(parser, PRESCRIBE)
arguments = parser.parse_args(sys.argv[1:])
sys.exit(arguments.run(arguments))
"""
STATE = r"""
exec 2>&1
ip -d -o link show dev eth0 | sed -E 's/^[0-9]+: //; s/ state [A-Z]+ / /'
for family in -4 -6; do
    ip -o $family address show dev eth0 | sed -E 's/^[0-9]+: //; s/valid_lft.*//' | sort
    ip -d $family route show table all | sort
done
ip rule; ip neighbour show nud permanent
ethtool eth0 | grep -v -e 'Current message level' -e 'Link partner'
for what in -k -g -a -c --show-eee; do ethtool $what eth0; done
cat /proc/sys/net/ipv4/conf/eth0/rp_filter /sys/class/net/eth0/{mtu,tx_queue_len,address}
"""
STACK = f"""
echo 2 >/proc/sys/net/ipv4/conf/eth0/rp_filter
ip link set eth0 txqueuelen 777 mtu 1400
ethtool -K eth0 gro off
ethtool -G eth0 tx 512 2>/dev/null
ethtool -A eth0 autoneg off rx off tx on 2>/dev/null
ip address add 10.77.0.99/24 dev eth0 label eth0:x
ip -6 address add fd77::99/64 dev eth0
ip route add 10.1.0.0/16 via {GATEWAY} dev eth0 table 77 mtu 1300 src 10.77.0.99
ip route add 10.2.0.0/16 nexthop via 10.77.0.4 dev eth0 weight 3 nexthop via 10.77.0.5 dev eth0
ip -6 route add 2001:db8::/48 via fd77::fe dev eth0
ip rule add from 10.77.0.99 table 77 priority 100
ip neighbour add 10.77.0.9 lladdr 02:00:00:00:00:09 nud permanent dev eth0
sleep 4
"""


def prescribe(machine: KernelVM, *remedies: str) -> None:
    """Write it to /run/rx.sh."""
    words = [word for remedy in remedies for word in ("--remedy", remedy)]
    machine.check(sys.executable, "-c", WRITE, "eth0", *words, "--accept-losses", "-o", "/run/rx.sh", timeout_s=PATIENCE_S)


def read_state(machine: KernelVM) -> list[str]:
    """As the tools print it."""
    return machine.run("bash", "-c", STATE, timeout_s=PATIENCE_S).out.splitlines()


def use(machine: KernelVM, *words: str) -> str:
    """Run the script."""
    done = machine.run("busybox", "sh", "/run/rx.sh", *words, timeout_s=PATIENCE_S)
    assert done.status == 0, f"{done.out}\n{done.err}"
    return done.out


@pytest.mark.parametrize("nic", ["e1000e", "8139cp"])
def test_everything_stands_again_after_a_new_binding(nic: str, vm: MachineMaker, segment: Segment) -> None:
    machine = vm(nic, memory_mb=768)
    machine.run("bash", "-c", STACK, timeout_s=PATIENCE_S)
    machine.wait_reaches(GATEWAY, within_s=60)
    before = read_state(machine)
    index = machine.read("/sys/class/net/eth0/ifindex")
    prescribe(machine, "driver-rebind")
    use(machine, "apply", "--timeout", "240")
    machine.sh("sleep 4")
    assert read_state(machine) == before
    assert machine.read("/sys/class/net/eth0/ifindex") != index
    machine.wait_reaches(GATEWAY, within_s=60)
    use(machine, "undo")
    assert read_state(machine) == before


def test_what_nobody_keeps_is_taken_back_on_a_real_card(vm: MachineMaker, segment: Segment) -> None:
    machine = vm("e1000e", memory_mb=768)
    machine.run("bash", "-c", STACK, timeout_s=PATIENCE_S)
    machine.wait_reaches(GATEWAY, within_s=60)
    before = read_state(machine)
    prescribe(machine, "offload-off:tso,gso,sg,tx", "link-advertise-100", "ring:tx=256", "mtu:1300")
    said = use(machine, "apply", "--timeout", "240")
    assert "  now: autoneg on advertise 0x" in said
    assert "  now: ring TX 256" in said
    machine.sh("for f in /var/lib/nicmedic/prescriptions/*/deadline; do echo 1 > $f.new; mv $f.new $f; done")
    machine.sh(
        "n=0; until grep -q ' undone' /var/lib/nicmedic/prescriptions/*/journal; do sleep 1; n=$((n+1)); [ $n -lt 120 ] || exit 1; done"
    )
    machine.sh("sleep 5")
    assert read_state(machine) == before
