# SPDX-License-Identifier: GPL-2.0-or-later
"""Each network card: traffic flows, the card hangs, the outside notices, the kernel says what it says, a rebind cures it."""

import time

import pytest

from lab import kernels
from lab.errors import LabError
from lab.fixtures import FaultSetter, MachineMaker
from lab.kernel_vm import KernelVM
from lab.segment import PARTNER, Segment

WATCHDOG = r"NETDEV WATCHDOG: CPU: \d+: transmit queue 0 timed out \d+ ms"

# What is printed when the bus-master bit is cleared under a flood, and the longest time it may take
# (seen with Debian's 6.1.192-2; which of the two e1000 prints first depends on its own timer).
WORDS = {
    "e1000": (r"Detected Tx Unit Hang|" + WATCHDOG, 20),
    "e1000e": (WATCHDOG, 20),
    "8139cp": (WATCHDOG, 20),
    "pcnet32": (WATCHDOG, 20),
    "virtio-net": (WATCHDOG, 20),
    "vmxnet3": (WATCHDOG, 20),
}


def other_kernels() -> list[str]:
    """The oldest kernel of the present one's series that Debian still has, and its newest of all."""
    try:
        return list(kernels.span()[1:])
    except (LabError, OSError):  # no apt: the ring is off, and says why
        return []


@pytest.mark.parametrize("nic", WORDS)
def test_a_card_hangs_under_traffic_and_a_rebind_brings_it_back(nic: str, vm: MachineMaker, segment: Segment, fault: FaultSetter) -> None:
    hang_and_rebind(vm(nic), segment, fault)


@pytest.mark.long
@pytest.mark.parametrize("kernel", other_kernels())
@pytest.mark.parametrize("nic", WORDS)
def test_so_it_is_with_other_kernels(nic: str, kernel: str, vm: MachineMaker, segment: Segment, fault: FaultSetter) -> None:
    hang_and_rebind(vm(nic, kernel=kernel), segment, fault)


def hang_and_rebind(machine: KernelVM, segment: Segment, fault: FaultSetter) -> None:
    assert machine.check("ethtool", "-i", machine.interface).startswith(f"driver: {machine.nic.driver}\n")
    with segment.probe() as probe:
        probe.wait_back(10)
        flood = machine.flood(PARTNER, seconds=30)
        began = time.time()
        with fault("bus-master-off", machine):
            assert probe.wait_lost(1.0) < began + 1.0
            words, within_s = WORDS[machine.nic.name]
            line = machine.wait_log(words, within_s)
            assert f"{machine.nic.driver} " in line
            assert machine.interface in line
        flood.kill()
        time.sleep(1)
        assert probe.silent_s() > 2, "clearing the fault alone must not be the cure that is shown"
        machine.rebind()
        machine.configure()
        probe.wait_back(15)


def test_an_e100_that_failed_its_own_reset_can_only_be_rebooted(vm: MachineMaker, segment: Segment, fault: FaultSetter) -> None:
    """A bug of the driver, seen on 6.1.192-2.

    Its reset task takes the card down and cannot bring it up, which leaves NAPI disabled. Whatever takes it down again
    (ifdown, unbind) waits in ``napi_disable`` for ever, and holds the RTNL: no other link can be changed either.
    """
    machine = vm("e100")
    with segment.probe() as probe:
        probe.wait_back(10)
        machine.flood(PARTNER, seconds=30)
        with fault("bus-master-off", machine):
            began = time.time()
            assert probe.wait_lost(1.0) < began + 1.0
            machine.wait_log(WATCHDOG, 20)
            time.sleep(1)
        unbind = machine.start("sh", "-c", f"echo {machine.bus_address} >/sys/bus/pci/drivers/e100/unbind")
        time.sleep(3)
        assert unbind.poll() is None
        assert "napi_disable" in machine.read(f"/proc/{unbind.pid}/stack").splitlines()[0]
        other = machine.start("ip", "link", "add", "dummy0", "type", "dummy")
        time.sleep(2)
        assert other.poll() is None
        assert probe.silent_s() > 5


def test_an_e100_that_is_rebound_before_its_own_reset_comes_back(vm: MachineMaker, segment: Segment, fault: FaultSetter) -> None:
    machine = vm("e100")
    with segment.probe() as probe:
        probe.wait_back(10)
        with fault("bus-master-off", machine):
            probe.wait_lost(1.0)
        machine.rebind()
        machine.configure()
        probe.wait_back(15)


def test_with_hardly_any_traffic_the_kernel_never_says_a_word(vm: MachineMaker, fault: FaultSetter) -> None:
    """The case that the watchdog is blind to: nothing stops the queue, so nothing times out.

    A fresh queue is stopped by one frame already, since its byte limit is still 0; hence the traffic before.
    """
    machine = vm("8139cp")
    queue = f"/sys/class/net/{machine.interface}/queues/tx-0"
    machine.flood(PARTNER, seconds=2).wait(30)
    assert machine.read(f"{queue}/byte_queue_limits/inflight") == "0"
    assert int(machine.read(f"{queue}/byte_queue_limits/limit")) > 500
    with fault("bus-master-off", machine):
        machine.run("ping", "-n", "-q", "-c", "1", "-W", "1", PARTNER)
        time.sleep(12)
        assert 0 < int(machine.read(f"{queue}/byte_queue_limits/inflight")) < 500
        assert machine.read(f"{queue}/tx_timeout") == "0"
        assert machine.read(f"/sys/class/net/{machine.interface}/carrier") == "1"
        assert "WATCHDOG" not in machine.kernel_log()


def test_a_card_that_hangs_by_a_rule_hangs_only_while_the_setting_holds(vm: MachineMaker, segment: Segment, fault: FaultSetter) -> None:
    machine = vm("e1000e")
    with segment.probe() as probe:
        probe.wait_back(10)
        machine.check("ethtool", "-K", machine.interface, "tso", "off")
        with fault("hang-when", machine, settings={"tcp-segmentation-offload": "on"}, after_s=1):
            time.sleep(4)
            assert probe.silent_s() < 1
            machine.check("ethtool", "-K", machine.interface, "tso", "on")
            probe.wait_lost(15)
            time.sleep(2)
            assert probe.silent_s() > 2
        machine.rebind()
        machine.configure()
        probe.wait_back(15)
