# SPDX-License-Identifier: GPL-2.0-or-later
"""Each fault does what its name says, seen from outside, and goes when it is cleared."""

import re
import time

import pytest

from lab import faults
from lab.errors import LabError
from lab.fixtures import FaultSetter, MachineMaker
from lab.segment import FAR, GATEWAY, GUEST, PARTNER, Segment


def answered(segment: Segment, address: str, count: int = 50) -> int:
    """How many of a hundred pings a second from outside were answered."""
    text = segment.run("ping", "-n", "-q", "-i", "0.02", "-c", str(count), "-W", "1", address).stdout
    found = re.search(r"(\d+) received", text)
    assert found, text
    return int(found[1]) * 100 // count


@pytest.mark.parametrize("nic", ["e1000e-intx", "8139cp", "pcnet32", "virtio-net", "vmxnet3"])
def test_a_card_without_its_cable_has_no_carrier(nic: str, vm: MachineMaker, segment: Segment, fault: FaultSetter) -> None:
    machine = vm(nic)
    with segment.probe() as probe:
        probe.wait_back(10)
        with fault("link-down", machine):
            probe.wait_lost(1.0)
            machine.sh("until [ $(cat /sys/class/net/eth0/carrier) = 0 ]; do sleep 0.1; done", timeout_s=10)
        probe.wait_back(15)


def test_a_loose_cable_is_in_and_out(vm: MachineMaker, segment: Segment, fault: FaultSetter) -> None:
    machine = vm("e1000e-intx")
    with segment.probe() as probe:
        probe.wait_back(10)
        with fault("link-flapping", machine, down_s=1.0, up_s=4.0):
            time.sleep(11)
        assert machine.kernel_log().count("Link is Down") >= 2
        probe.wait_back(15)


def test_a_card_that_is_not_told_of_its_cable_is_refused(vm: MachineMaker, fault: FaultSetter) -> None:
    machine = vm("e1000e")
    with (
        pytest.raises(LabError, match="QEMU does not tell e1000e of its cable; take one of e1000, e1000e-intx,"),
        fault("link-down", machine),
    ):
        pass


def test_what_goes_wrong_outside_leaves_the_carrier_up(vm: MachineMaker, segment: Segment, fault: FaultSetter) -> None:
    machine = vm("e1000e")
    with segment.probe() as probe:
        probe.wait_back(10)
        with fault("partner-gone", machine):
            probe.wait_lost(1.0)
            assert machine.read("/sys/class/net/eth0/carrier") == "1"
        probe.wait_back(10)
        with fault("gateway-gone", machine):
            assert machine.run("ping", "-n", "-q", "-c", "2", "-W", "1", GATEWAY).status == 1
            assert machine.run("ping", "-n", "-q", "-c", "2", "-W", "1", PARTNER).status == 0
        machine.wait_reaches(FAR)
        with fault("lossy-segment", machine, percent=30):
            assert 25 <= answered(segment, GUEST, 100) <= 75  # 0.7 there, 0.7 back
        assert answered(segment, GUEST) == 100


def test_a_paused_machine_goes_on_where_it_stood(vm: MachineMaker, segment: Segment, fault: FaultSetter) -> None:
    machine = vm("e1000e")
    with segment.probe() as probe:
        probe.wait_back(10)
        with fault("paused", machine):
            probe.wait_lost(1.0)
            time.sleep(3)
        probe.wait_back(5)
    assert "WATCHDOG" not in machine.kernel_log()


def test_a_starved_machine_still_answers_the_lab_and_has_a_twentieth_left(vm: MachineMaker, fault: FaultSetter) -> None:
    machine = vm("")
    count = "n=0; end=$(($(date +%s) + 4)); while [ $(date +%s) -lt $end ]; do n=$((n + 1)); done; echo $n"
    alone = int(machine.sh(count))
    with fault("cpu-starved", machine, left_percent=5):
        starved = int(machine.sh(count, timeout_s=60))
    assert starved < alone * 0.3


@pytest.mark.parametrize("nic", ["e1000e", "8139cp", "virtio-net"])
def test_a_card_whose_interrupts_get_lost_falls_silent(nic: str, vm: MachineMaker, segment: Segment, fault: FaultSetter) -> None:
    """MSI-X, a line, and virtio's MSI-X."""
    machine = vm(nic)
    with segment.probe() as probe:
        probe.wait_back(10)
        with fault("interrupt-lost", machine):
            probe.wait_lost(3.0)
            before = machine.sh("grep -E 'eth0|virtio.-(in|out)put' /proc/interrupts; true")
            time.sleep(1)
            assert machine.sh("grep -E 'eth0|virtio.-(in|out)put' /proc/interrupts; true") == before
        machine.rebind()
        machine.configure()
        probe.wait_back(15)


def test_a_driver_is_reloaded_under_load(vm: MachineMaker, segment: Segment, fault: FaultSetter) -> None:
    machine = vm("e1000e")
    with segment.probe() as probe:
        probe.wait_back(10)
        machine.flood(PARTNER, seconds=30)
        with fault("driver-reload", machine):
            probe.wait_lost(5.0)
        machine.configure()
        probe.wait_back(15)


def test_power_goes_between_two_writes_and_a_kernel_vm_does_not_come_back(vm: MachineMaker) -> None:
    machine = vm("")
    machine.sh("echo one >/run/lab/one")
    machine.start("sh", "-c", "echo two >/run/lab/two; sh /mnt/power-cut; echo three >/run/lab/three")
    until = time.monotonic() + 10
    while machine.qemu.alive and time.monotonic() < until:
        time.sleep(0.05)
    assert not machine.qemu.alive
    assert sorted(path.name for path in (machine.folder / "share").iterdir()) == ["one", "two"]
    with pytest.raises(LabError, match="take a disk VM"):
        faults.find("power-cut")().clear(machine)
