# SPDX-License-Identifier: GPL-2.0-or-later
"""The senses of the resident watcher on a real kernel with a card that hangs: its queue stands still, the kernel log and the tracepoint tell."""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lab.fixtures import FaultSetter, MachineMaker
from lab.kernel_vm import KernelVM
from lab.segment import PARTNER, Segment

RECORDER = Path(__file__).with_name("senses_recorder.py")
RUNNER = Path(__file__).parents[1] / "host" / "senses_runner.py"
INSTANCE = "/sys/kernel/tracing/instances/nicmedic"
PATIENCE_S = 120  # an emulated processor is twenty times slower, and other machines run beside it

VLAN_ON_BRIDGE = """
    ip netns add far
    ip link add br0 type bridge forward_delay 0
    for card in c0 c1; do
        ip link add $card type veth peer name $card netns far
        ip -n far link set $card up; ip link set $card up master br0
    done
    ip link set br0 up
    ip link add link br0 name br0.7 type vlan id 7; ip -n far link add link c0 name c0.7 type vlan id 7
    ip link set br0.7 up; ip -n far link set c0.7 up
    ip address add 192.0.2.2/24 dev br0.7; ip -n far address add 192.0.2.1/24 dev c0.7
    ip route replace default via 192.0.2.1
    sleep 1
"""
"""The gateway is in a VLAN on a bridge of two cards, behind the first."""


class Recorder:
    """The senses within a machine."""

    def __init__(self, machine: KernelVM) -> None:
        self.machine = machine
        self.asked = 0
        machine.sh("mountpoint -q /sys/kernel/tracing || mount -t tracefs tracefs /sys/kernel/tracing")
        self.job = machine.start(sys.executable, str(RECORDER), machine.interface)

    def read(self) -> list[dict[str, Any]]:
        text = self.machine.sh("cat /run/senses/log 2>/dev/null || true", timeout_s=PATIENCE_S)
        return [json.loads(line) for line in text.splitlines() if line.endswith("}")]

    def wait(self, what: str, fits: Callable[[dict[str, Any]], bool] = lambda line: True) -> dict[str, Any]:  # noqa: ARG005  # any line fits
        """The first line of that kind that fits."""
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            assert self.job.poll() is None, "the recorder ended"
            found = next((line for line in self.read() if line["what"] == what and fits(line)), None)
            if found is not None:
                return found
            time.sleep(0.5)
        pytest.fail(f"no {what}: {self.read()[-20:]}")

    def ask(self) -> dict[str, Any]:
        """A closer look and a probe."""
        number = len([line for line in self.read() if line["what"] == "answer"])
        self.machine.sh(f"touch /run/senses/ask-{self.asked}")
        self.asked += 1
        self.wait("answer", lambda _: len([line for line in self.read() if line["what"] == "answer"]) > number)
        return [line for line in self.read() if line["what"] == "answer"][-1]


@pytest.mark.parametrize("nic", ["e1000e", "8139cp"])
def test_a_card_that_hangs_is_seen_and_heard_in_every_way(nic: str, vm: MachineMaker, segment: Segment, fault: FaultSetter) -> None:
    machine = vm(nic, memory_mb=768)
    recorder = Recorder(machine)
    ready = recorder.wait("ready")
    assert machine.interface in ready["cards"]
    assert not [sentence for sentence in ready["blind"] if "tracepoint" in sentence or "kmsg" in sentence]
    machine.sh(f"ip route replace default via {PARTNER} dev {machine.interface}")
    good = recorder.ask()
    assert (good["stuck"], good["bus_master"], good["lost"], good["probed"]) == (False, True, False, True), good
    assert good["took_s"] < 2.0  # a second, and what it takes here to begin and end a child
    flood = machine.flood(PARTNER, seconds=120)
    with fault("bus-master-off", machine):
        expired = recorder.wait("signal", lambda line: line["kind"] == "xmit_timeout")
        assert (expired["interface"], expired["value"]) == (machine.interface, 0)
        hang = recorder.wait("signal", lambda line: line["kind"] == "hang_line" and "NETDEV WATCHDOG" in line["text"])
        assert hang["interface"] == machine.interface
        standing = [line["sample"] for line in recorder.read() if line["what"] == "sample" and line["at"] < expired["at"]][-8:]
        assert len({(sample[3], sample[7][0][0]) for sample in standing}) == 1, standing  # tx_packets and inflight of its queue
        assert standing[0][7][0][0] > 0
        bad = recorder.ask()
        assert bad["probed"] is not True
    flood.kill()
    machine.sh("touch /run/senses/stop; until [ -e /run/senses/ended ]; do sleep 0.1; done", timeout_s=PATIENCE_S)
    assert machine.sh(f"ls -d {INSTANCE} 2>/dev/null || echo gone").strip() == "gone"


def test_a_driver_that_holds_the_lock_of_networking_keeps_nobody(vm: MachineMaker, segment: Segment, fault: FaultSetter) -> None:
    """As in test_read_host: an e100 that failed its own reset and is unbound waits in ``napi_disable`` for ever."""
    machine = vm("e100", memory_mb=768, cpus=2)  # the unbind keeps one of them busy
    recorder = Recorder(machine)
    recorder.wait("ready")
    assert recorder.ask()["stuck"] is False
    machine.flood(PARTNER, seconds=60)
    with fault("bus-master-off", machine):
        machine.wait_log("NETDEV WATCHDOG", PATIENCE_S)
        time.sleep(2)
        machine.start("sh", "-c", f"echo {machine.bus_address} >/sys/bus/pci/drivers/e100/unbind")
        recorder.wait("signal", lambda line: line["kind"] == "fault_line" or line["kind"] == "hang_line")
        end = time.monotonic() + PATIENCE_S
        while not (answer := recorder.ask())["stuck"] and time.monotonic() < end:
            time.sleep(1)
        assert answer["stuck"] is True
        assert recorder.wait("signal", lambda line: line["kind"] == "rtnl_stuck")
        again = recorder.ask()
        assert (again["stuck"], again["took_s"] < 0.5) == (True, True)
        assert answer["took_s"] < 2.0
        before, after = recorder.wait("ready"), recorder.read()[-1]
        assert after["at"] > before["at"] + 5  # it goes on


def test_a_gateway_in_a_vlan_on_a_bridge_is_asked_over_each_card(vm: MachineMaker) -> None:
    machine = vm("e1000e", memory_mb=768)
    machine.sh(VLAN_ON_BRIDGE)
    asked = [["cards"], *(words for card in ("c0", "c1") for words in (["begin_probe", card], ["wait", 3.0], ["read_probe", card]))]
    lines = "\n".join(json.dumps(words) for words in asked)
    script = 'printf "%s\n" "$1" | "$2" "$3" "c[01]"'
    told = machine.check("sh", "-c", script, "sh", lines, sys.executable, str(RUNNER), timeout_s=PATIENCE_S)
    _, cards, began_0, _, over_0, began_1, _, over_1 = (json.loads(line) for line in told.splitlines())
    assert {card[0]: card[4] for card in cards if card[0] in {"c0", "c1"}} == {"c0": ["br0", "br0.7"], "c1": ["br0", "br0.7"]}
    assert (began_0, over_0) == (True, True)
    assert (began_1, over_1) == (True, None)  # heard on the bridge: the gateway is behind the other card
