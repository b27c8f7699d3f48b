# SPDX-License-Identifier: GPL-2.0-or-later
"""hangsim hangs by its rule and is cured by what it names, and by nothing milder: rule, setting, outcome.

So a remedy that helps on such a card has shown that it does what it says.
"""

import time

import pytest

from lab.fixtures import MachineMaker
from lab.kernel_vm import KernelVM
from lab.probe import Probe
from lab.segment import PARTNER, Segment

# The rule, the command that ends its condition, and the one that brings it about; {if} is the interface, {pci} its address.
RULES = {
    "speed=1000": ("ethtool -s {if} autoneg on advertise 0x008", "ethtool -s {if} autoneg on advertise 0x02f"),
    "tx=1": ("ethtool -K {if} tx off", "ethtool -K {if} tx on"),
    "sg=1": ("ethtool -K {if} sg off", "ethtool -K {if} sg on"),
    "tso=1": ("ethtool -K {if} tso off", "ethtool -K {if} tso on"),
    "gso=1": ("ethtool -K {if} gso off", "ethtool -K {if} gso on"),
    "eee=1": ("ethtool --set-eee {if} eee off", "ethtool --set-eee {if} eee on"),
    "pause=1": ("ethtool -A {if} autoneg off rx off tx off", "ethtool -A {if} autoneg on rx on tx on"),
    "mtu=1400": ("ip link set {if} mtu 1400", "ip link set {if} mtu 1500"),
    "ring=128": ("ethtool -G {if} tx 128", "ethtool -G {if} tx 256"),
    "coalesce=50": ("ethtool -C {if} tx-usecs 50", "ethtool -C {if} tx-usecs 100"),
    "rpm=1": ("echo on >/sys/bus/pci/devices/{pci}/power/control", "echo auto >/sys/bus/pci/devices/{pci}/power/control"),
}

# What a person can do to a card, mildest first; each cures what it is named after and all that is named before it.
ACTIONS = {
    "renegotiate": "ethtool -r {if}",
    "bounce": "ip link set {if} down; ip link set {if} up",
    "reset": "echo 1 >/sys/bus/pci/devices/{pci}/reset",
    "rebind": "cd /sys/bus/pci/drivers/hangsim; echo {pci} >unbind; echo {pci} >bind",
    "rescan": (
        "echo 1 >/sys/bus/pci/devices/{pci}/remove; echo 1 >/sys/bus/pci/rescan; sleep 0.5; cd /sys/bus/pci;"
        " echo hangsim >devices/{pci}/driver_override; echo {pci} >drivers_probe"
    ),
}

PARAMETERS = "/sys/module/hangsim/parameters"


def carry_out(machine: KernelVM, command: str) -> None:
    machine.sh(command.replace("{if}", machine.interface).replace("{pci}", machine.bus_address))


def set_parameters(machine: KernelVM, **values: object) -> None:
    machine.sh("; ".join(f"echo {value} >{PARAMETERS}/{name}" for name, value in values.items()))


def hangs(probe: Probe, within_s: float) -> bool:
    """Whether the outside loses the card for more than a second; a link that restarts is back before."""
    until = time.time() + within_s
    while time.time() < until:
        if probe.silent_s() > 1.5:
            return True
        time.sleep(0.05)
    return False


def test_a_card_hangs_under_its_rule_and_only_then(vm: MachineMaker, segment: Segment) -> None:
    machine = vm("hangsim", after_s=0, armed=0, sticky=0, link_ms=200)
    outcomes = {}
    with segment.probe() as probe:
        for rule, (ends, begins) in RULES.items():
            name, value = rule.split("=")
            carry_out(machine, ends)
            set_parameters(machine, **{name: value, "armed": 1})
            probe.wait_back(10)
            held_not = hangs(probe, 1.2)
            carry_out(machine, begins)
            held = hangs(probe, 4)
            carry_out(machine, ends)
            probe.wait_back(10)
            set_parameters(machine, **{"armed": 0, name: -1})
            carry_out(machine, begins)
            outcomes[rule] = (held_not, held)
    assert outcomes == dict.fromkeys(RULES, (False, True))


def test_aspm_is_a_rule_too(vm: MachineMaker, segment: Segment) -> None:
    """On a card below a PCIe root port, with the kernel's own ``link/l0s_aspm``."""
    machine = vm("hangsim", machine="q35", after_s=-1, link_ms=200, sticky=0, aspm=1)
    state = f"/sys/bus/pci/devices/{machine.bus_address}/link/l0s_aspm"
    machine.sh(f"echo powersave >/sys/module/pcie_aspm/parameters/policy; echo 0 >{state}")
    set_parameters(machine, after_s=0)
    with segment.probe() as probe:
        probe.wait_back(10)
        assert not hangs(probe, 2)
        machine.sh(f"echo 1 >{state}")
        assert hangs(probe, 4)
        machine.sh(f"echo 0 >{state}")
        probe.wait_back(10)


def test_each_cure_helps_and_nothing_milder_does(vm: MachineMaker, segment: Segment) -> None:
    machine = vm("hangsim", machine="q35", after_s=-1, link_ms=200, silent=1)
    outcomes = {}
    with segment.probe() as probe:
        probe.wait_back(10)
        for number, cure in enumerate(ACTIONS):
            set_parameters(machine, cure=cure, hang=1)
            assert hangs(probe, 4)
            if number:
                milder = list(ACTIONS)[number - 1]
                carry_out(machine, ACTIONS[milder])
                machine.wait_interface()
                machine.configure()
                outcomes[cure, milder] = not hangs(probe, 3)
            carry_out(machine, ACTIONS[cure])
            machine.wait_interface()
            machine.configure()
            probe.wait_back(10)
            outcomes[cure, cure] = True
    assert not [pair for pair, cured in outcomes.items() if cured != (pair[0] == pair[1])]


def test_the_kernel_reports_the_hang_and_its_own_reset_cures_it_where_the_rule_says_so(vm: MachineMaker, segment: Segment) -> None:
    machine = vm("hangsim", after_s=-1, cure="timeout")
    with segment.probe() as probe:
        probe.wait_back(10)
        machine.flood(PARTNER, seconds=20)
        set_parameters(machine, hang=1)
        probe.wait_lost(2)
        line = machine.wait_log(r"hangsim 0000:00:09.0 eth0: NETDEV WATCHDOG: CPU: \d+: transmit queue \d+ timed out \d+ ms", 20)
        assert line
        probe.wait_back(10)


@pytest.mark.parametrize("silent", [0, 1])
def test_one_queue_hangs_while_the_others_go_on(silent: int, vm: MachineMaker) -> None:
    """And a driver without a tx-timeout handler has no line and no count, ever."""
    machine = vm("hangsim", after_s=-1, queue=2, silent=silent, cure="never")
    queues = f"/sys/class/net/{machine.interface}/queues"
    machine.flood(PARTNER, seconds=30)
    set_parameters(machine, hang=1)
    time.sleep(10)
    inflight = [int(machine.read(f"{queues}/tx-{number}/byte_queue_limits/inflight")) for number in range(4)]
    counts = [int(machine.read(f"{queues}/tx-{number}/tx_timeout")) for number in range(4)]
    assert inflight[2] > 0
    assert counts[0] == counts[1] == counts[3] == 0
    assert (counts[2] == 0) == bool(silent)
    assert ("transmit queue 2 timed out" in machine.kernel_log()) == (not silent)


def test_a_hang_comes_after_its_time_and_volume(vm: MachineMaker, segment: Segment) -> None:
    machine = vm("hangsim", after_s=-1, cure="bounce", link_ms=200)
    with segment.probe() as probe:
        probe.wait_back(10)
        set_parameters(machine, after_s=3)
        began = time.time()
        assert 2 < probe.wait_lost(8) - began < 5
        set_parameters(machine, after_s=0, bytes=2_000_000)
        carry_out(machine, ACTIONS["bounce"])
        machine.configure()
        probe.wait_back(10)
        assert not hangs(probe, 3)
        machine.flood(PARTNER, seconds=10)
        assert hangs(probe, 15)
