# SPDX-License-Identifier: GPL-2.0-or-later
"""Real drivers: probes tell a card that hangs from one that works, also below VLANs and bonds, and after a rename."""

import json
import sys
import time
from pathlib import Path

import pytest

from lab.fixtures import FaultSetter, MachineMaker
from lab.kernel_vm import KernelVM
from lab.segment import GATEWAY, GATEWAY6, GUEST, PARTNER, Segment

PROBER = Path(__file__).with_name("prober.py")
PATIENCE_S = 180  # an emulated processor is twenty times slower, and other machines run beside it
WITHIN_S = 4.0
UPPERS = """
    modprobe -a 8021q bonding macvlan veth
    ip netns add far
    ip link add v0 type veth peer name v0 netns far
    ip link add v1 type veth peer name v1 netns far
    ip -n far link set v0 up; ip -n far link set v1 up
    ip link set v0 up
    ip link add link v0 name v0.5 type vlan id 5; ip -n far link add link v0 name v0.5 type vlan id 5
    ip link add link v0.5 name inner type vlan id 7; ip -n far link add link v0.5 name inner type vlan id 7
    ip link add link v0 name mac0 type macvlan mode bridge
    for link in v0.5 inner mac0; do ip link set $link up; done
    for link in v0.5 inner; do ip -n far link set $link up; done
    ip address add 10.5.0.2/24 dev v0.5; ip -n far address add 10.5.0.1/24 dev v0.5
    ip address add 10.7.0.2/24 dev inner; ip -n far address add 10.7.0.1/24 dev inner
    ip address add fd07::2/64 dev inner nodad; ip -n far address add fd07::1/64 dev inner nodad
    ip address add 10.6.0.2/24 dev mac0; ip -n far address add 10.6.0.1/24 dev v0
"""
BOND = """
    ip link add bond0 type bond mode active-backup miimon 50
    ip link set v0 down; ip link set v1 down
    ip link set v0 master bond0; ip link set v1 master bond0
    ip link set bond0 up
    ip address add 10.8.0.2/24 dev bond0
    ip -n far link add br0 type bridge forward_delay 0; ip -n far link set br0 up
    ip -n far link set v0 master br0; ip -n far link set v1 master br0
    ip -n far address add 10.8.0.1/24 dev br0
    sleep 1
    echo v0 >/sys/class/net/bond0/bonding/active_slave
"""


class Prober:
    """A prober within a machine."""

    def __init__(self, machine: KernelVM) -> None:
        self.machine = machine
        self.number = 0
        self.took_s = 0.0
        self.path = ""
        self.details: dict[str, str] = {}
        self.job = machine.start(sys.executable, str(PROBER))

    def ask(self, **asked: object) -> list[list[str]]:
        self.number += 1
        number = self.number
        text = json.dumps(asked)
        script = f'mkdir -p /run/probe; printf %s "$1" >/run/probe/tmp; mv /run/probe/tmp /run/probe/ask-{number}'
        self.machine.check(
            "sh", "-c", f"{script}; until [ -e /run/probe/answer-{number} ]; do sleep 0.05; done", "sh", text, timeout_s=PATIENCE_S
        )
        answer = json.loads(self.machine.check("cat", f"/run/probe/answer-{number}"))
        self.took_s = answer["took_s"]
        found: list[list[str]] = answer["answer"]
        return found

    def nic(self) -> dict[str, str]:
        """The card under test, by its device; its name is wrong on purpose."""
        if not self.path:
            self.path = self.machine.check("readlink", "-f", f"/sys/class/net/{self.machine.interface}/device").strip()
        return {"interface": "another", "sysfs_path": self.path}

    def run(self, *probes: str, nic: dict[str, str] | None = None, within_s: float = WITHIN_S) -> dict[str, str]:
        """Kind and whom it asked, and its state."""
        results = self.ask(nic=nic or self.nic(), probes=probes, within_s=within_s)
        self.details = {words: detail for words, _, detail in results}
        return {words: state for words, state, _ in results}


@pytest.mark.parametrize("nic", ["e1000e", "8139cp", "virtio-net"])
def test_probes_pass_on_a_card_that_works_and_fail_on_one_that_hangs(
    nic: str, vm: MachineMaker, segment: Segment, fault: FaultSetter
) -> None:
    machine = vm(nic, memory_mb=768)
    prober = Prober(machine)
    machine.sh(f"ip -6 route add default via {GATEWAY6} dev {machine.interface}")
    card = {**prober.nic(), "interface": machine.interface}
    chosen = [str(words) for words in prober.ask(nic=card, choose=[f"tcp:{PARTNER}:9"])]
    probes = [f"gateway {GATEWAY}", f"gateway {GATEWAY6}", f"ping {GATEWAY}", f"ping {GATEWAY6}", f"tcp {PARTNER}:9"]
    assert chosen == ["carrier", "tx", *probes]
    before = prober.run(*chosen)
    assert before == dict.fromkeys(chosen, "passed"), prober.details
    flood = machine.flood(PARTNER, seconds=60)
    loaded = prober.run(*chosen)
    assert loaded["tx"] == "passed", prober.details
    assert "failed" not in {loaded["carrier"], loaded["tx"]}
    flood.kill()
    with fault("bus-master-off", machine):
        hung = prober.run(*chosen)
        assert hung["carrier"] == "passed"
        assert {hung[words] for words in probes} == {"failed"}, prober.details
        assert hung["tx"] == "failed", prober.details
        assert prober.took_s < WITHIN_S + 0.5 + 2  # an emulated processor starts children slowly
        assert "WATCHDOG" not in machine.kernel_log() or nic == "virtio-net"
    machine.rebind()
    assert prober.run("carrier", f"gateway {GATEWAY}")[f"gateway {GATEWAY}"] == "failed"  # nobody gave it its addresses back
    machine.configure()
    machine.wait_reaches(GATEWAY)
    assert prober.run("carrier", "tx", f"gateway {GATEWAY}") == dict.fromkeys(("carrier", "tx", f"gateway {GATEWAY}"), "passed"), (
        prober.details
    )
    name = machine.interface
    machine.sh(f"ip link set {name} down; ip link set {name} name lan7; ip link set lan7 up; ip address replace {GUEST}/24 dev lan7")
    machine.wait_reaches(GATEWAY)
    assert prober.run("tx", f"gateway {GATEWAY}") == {"tx": "passed", f"gateway {GATEWAY}": "passed"}, prober.details
    machine.sh(
        "ip link set lan7 down; cd /sys/bus/pci/devices/" + machine.bus_address + "/driver; echo " + machine.bus_address + " >unbind"
    )
    assert set(prober.run("carrier", "tx", f"gateway {GATEWAY}").values()) == {"failed"}
    assert prober.took_s < 1 + 2


def test_an_idle_card_is_not_called_hung(vm: MachineMaker, segment: Segment) -> None:
    machine = vm("e1000e", memory_mb=768)
    prober = Prober(machine)
    segment.set_silent(silent=True)
    states = prober.run("carrier", "tx", f"gateway {GATEWAY}")
    assert states == {"carrier": "passed", "tx": "passed", f"gateway {GATEWAY}": "failed"}, prober.details


def test_answers_are_seen_on_the_card_below_vlans_and_bonds(vm: MachineMaker) -> None:
    machine = vm("e1000e", memory_mb=768)
    prober = Prober(machine)
    machine.sh(UPPERS)
    v0, v1 = {"interface": "v0"}, {"interface": "v1"}
    vlans = ["gateway 10.5.0.1 over v0.5", "ping 10.5.0.1 over v0.5", "tcp 10.5.0.1:9 over v0.5", "gateway 10.6.0.1 over mac0"]
    inner = ["gateway 10.7.0.1 over inner", "ping 10.7.0.1 over inner", "gateway fd07::1 over inner", "ping fd07::1 over inner"]
    assert prober.run(*vlans, *inner, nic=v0) == dict.fromkeys([*vlans, *inner], "passed"), prober.details
    for feature in ("txvlan", "rxvlan"):
        machine.run("ethtool", "-K", "v0", feature, "off")
    assert prober.run(*vlans, *inner, nic=v0) == dict.fromkeys([*vlans, *inner], "passed"), prober.details
    machine.sh("ip link delete v0.5; ip link delete mac0")
    machine.sh(BOND)
    asked = ["gateway 10.8.0.1 over bond0", "ping 10.8.0.1 over bond0"]
    assert prober.run(*asked, nic=v0) == dict.fromkeys(asked, "passed"), prober.details
    assert prober.run(*asked, nic=v1) == dict.fromkeys(asked, "unknown"), prober.details


def test_while_a_driver_holds_the_lock_of_all_networking_probes_end_and_few_children_are_left(
    vm: MachineMaker, segment: Segment, fault: FaultSetter
) -> None:
    """As in test_read_host: an e100 that failed its own reset and is unbound waits in ``napi_disable`` for ever."""
    machine = vm("e100", memory_mb=768, cpus=2)  # the unbind keeps one of them busy
    prober = Prober(machine)
    probes = ("carrier", "tx", f"gateway {GATEWAY}", f"ping {GATEWAY}", "ssh")
    assert prober.run(*probes)["carrier"] == "passed"
    machine.flood(PARTNER, seconds=30)
    with fault("bus-master-off", machine):
        machine.wait_log(r"NETDEV WATCHDOG", 20)
        time.sleep(1)
    machine.start("sh", "-c", f"echo {machine.bus_address} >/sys/bus/pci/drivers/e100/unbind")
    time.sleep(5)
    waiting = machine.start("ip", "link", "add", "dummy0", "type", "dummy")
    time.sleep(3)
    assert waiting.poll() is None
    for _ in range(4):
        states = prober.run(*probes, within_s=2.0)
        assert "passed" not in states.values(), prober.details
        assert states["tx"] == states[f"gateway {GATEWAY}"] == "unknown", prober.details
        assert states[f"ping {GATEWAY}"] == "failed", prober.details
        assert prober.took_s < 2.0 + 0.5 + 2
    assert "still waits in the kernel" in prober.details["tx"]
    left = machine.run("sh", "-c", f"cat /proc/{prober.job.pid}/task/*/children").out.split()
    assert len(left) <= len(probes), left
