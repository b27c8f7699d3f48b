# SPDX-License-Identifier: GPL-2.0-or-later
"""Real drivers: the host is read as ip, tc, ethtool and lspci show it, whether its card works, hangs, or holds the lock of all networking."""

import json
import sys
import time

import pytest

from lab.fixtures import FaultSetter, MachineMaker
from lab.machine import Machine
from lab.segment import PARTNER, Segment
from nicmedic.model.counters import Counters
from nicmedic.model.host import Host
from nicmedic.model.note import Lack
from nicmedic.model.plain import from_plain
from tests.agreement import ask_tools, disagreements

SHOW = """
import json, sys
from nicmedic.host.machine import HostMachine
from nicmedic.model.plain import to_plain
machine = HostMachine()
print(json.dumps(to_plain(machine.read_counters(sys.argv[1:]) if sys.argv[1:] else machine.read_host())))
"""
PATIENCE_S = 120  # an emulated processor is twenty times slower, and other machines run beside it


def read_host(machine: Machine) -> Host:
    """The machine as nicmedic inside it sees it."""
    return from_plain(Host, json.loads(machine.check(sys.executable, "-c", SHOW, timeout_s=PATIENCE_S)))


def read_counters(machine: Machine) -> Counters:
    """Its card, at a second look."""
    text = machine.check(sys.executable, "-c", SHOW, machine.interface, timeout_s=PATIENCE_S)
    return from_plain(Counters, json.loads(text)[0])


LONG = [pytest.param(nic, marks=pytest.mark.long) for nic in ("e1000", "pcnet32")]


@pytest.mark.parametrize("nic", ["e1000e", "8139cp", "virtio-net", "vmxnet3", "hangsim", *LONG])
def test_a_card_is_read_as_the_tools_show_it(nic: str, vm: MachineMaker, segment: Segment) -> None:
    # below a root port, with ASPM, and not hanging by itself
    machine = vm(nic, memory_mb=768, machine="q35", after_s=-1, link_ms=200, aspm=1) if nic == "hangsim" else vm(nic, memory_mb=768)
    machine.check("ping", "-c", "1", PARTNER)
    before = read_host(machine)
    tools = ask_tools(lambda command: machine.run("sh", "-c", command, timeout_s=PATIENCE_S).out, [machine.interface])
    after = read_host(machine)
    assert disagreements(before, tools, after) == []
    card = after.find_nic(machine.interface)
    assert card is not None
    assert card.driver == machine.nic.driver
    assert card is after.find_nic(machine.bus_address), "a virtio card is known by the PCI function that carries it too"
    assert card.interrupts
    assert nic == "hangsim" or any(interrupt.total for interrupt in card.interrupts), "hangsim's frames come in through another card"
    assert after.virtualization is not None
    assert after.virtualization.kind in {"qemu-guest", "kvm-guest"}


def test_a_card_that_may_not_reach_memory_is_seen_so_and_its_queue_stands(vm: MachineMaker, segment: Segment, fault: FaultSetter) -> None:
    machine = vm("e1000e", memory_mb=768)
    assert read_counters(machine).bus_master is True
    machine.flood(PARTNER, seconds=90)
    with fault("bus-master-off", machine):
        first, second = read_counters(machine), read_counters(machine)
    assert first.bus_master is second.bus_master is False
    held, late = first.queues[0], second.queues[0]
    stands = bool(held.inflight) and (held.inflight, first.tx_packets) == (late.inflight, second.tx_packets)
    assert stands or late.tx_timeout, "the watchdog may have been faster than an emulated processor starts Python"


def lock_networking(machine: Machine, segment: Segment, fault: FaultSetter) -> None:
    """As in test_hangs: an e100 that failed its own reset and is unbound waits in ``napi_disable`` for ever."""
    with segment.probe() as probe:
        probe.wait_back(10)
        machine.flood(PARTNER, seconds=30)
        with fault("bus-master-off", machine):
            probe.wait_lost(1.0)
            machine.wait_log(r"NETDEV WATCHDOG", 20)
            time.sleep(1)
        machine.start("sh", "-c", f"echo {machine.bus_address} >/sys/bus/pci/drivers/e100/unbind")
        time.sleep(5)
        waiting = machine.start("ip", "link", "add", "dummy0", "type", "dummy")
        time.sleep(3)
        assert waiting.poll() is None


def test_a_driver_that_holds_the_lock_of_all_networking_holds_nobody_who_reads(
    vm: MachineMaker, segment: Segment, fault: FaultSetter
) -> None:
    machine = vm("e100", memory_mb=768, cpus=2)  # the unbind keeps one of them busy
    lock_networking(machine, segment, fault)
    host = read_host(machine)
    assert [note.why for note in host.notes if note.what == "netlink"] == [Lack.STUCK]
    card = host.find_nic(machine.interface)
    assert card is not None
    assert card.sysfs_path is not None
    assert card.tx_queues
    assert card.tx_queues[0].tx_timeout
    assert card.link is None
    assert read_counters(machine).ifindex == card.ifindex
    checked = machine.run(sys.executable, "-m", "nicmedic", "check", timeout_s=PATIENCE_S)
    assert checked.status == 1, checked.err
    assert "something holds the lock of all networking (RTNL)" in checked.out.splitlines()[0]
    assert "nicmedic snapshot" in checked.out


def test_a_snapshot_ends_and_holds_the_kernel_log_while_a_driver_holds_the_lock_of_all_networking(
    vm: MachineMaker, segment: Segment, fault: FaultSetter
) -> None:
    machine = vm("e100", memory_mb=768, cpus=2)  # as above
    lock_networking(machine, segment, fault)
    machine.check(sys.executable, "-m", "nicmedic", "snapshot", "-o", "/run/s.tar.gz", timeout_s=PATIENCE_S)
    show = "import tarfile; a = tarfile.open('/run/s.tar.gz'); print(a.extractfile('log/ring-buffer.kmsg').read().decode(), *a.getnames(), sep='\\n')"
    told = machine.check(sys.executable, "-c", show, timeout_s=PATIENCE_S)
    assert "NETDEV WATCHDOG" in told
    assert "raw/proc/interrupts" in told.split()
