# SPDX-License-Identifier: GPL-2.0-or-later
"""``treat --ladder restore``: a card that hangs under traffic is reached again from outside, and everything that stood on it is back."""

import pytest

from lab.fixtures import FaultSetter, MachineMaker
from lab.segment import PARTNER, Segment
from tests.lab.inside import Inside, read_state

HANG = "/sys/module/hangsim/parameters/hang"


@pytest.mark.parametrize("nic", ["e1000e", "8139cp", "hangsim"])
def test_a_card_that_hangs_under_traffic_is_reached_again(nic: str, vm: MachineMaker, segment: Segment, fault: FaultSetter) -> None:
    machine = vm(nic, memory_mb=768, after_s=-1, cure="rebind") if nic == "hangsim" else vm(nic, memory_mb=768)
    machine.sh(
        "ip address add 10.77.0.77/24 dev eth0; ip -6 address add fd00:77::2/64 dev eth0 nodad; ip route add 10.99.0.0/16 via 10.77.0.254 metric 7"
    )
    machine.sh("ip rule add from 10.77.0.77 table 77; ip route add default via 10.77.0.254 dev eth0 table 77")
    inside = Inside(machine)
    nothing = inside.nicmedic("treat", "eth0", "--ladder", "restore")
    assert nothing.status == 0, nothing
    assert "nothing to restore" in nothing.first, nothing
    before = read_state(machine)
    with segment.probe() as probe:
        probe.wait_back(30)
        machine.start("ping", "-n", "-q", "-f", "-l", "100", "-s", "1400", PARTNER, capture=False)
        if nic == "hangsim":
            machine.sh(f"echo 1 >{HANG}")
        else:
            hang = fault("bus-master-off", machine)
            hang.__enter__()  # nothing but the treatment ends it
        lost = probe.wait_lost(10)
        treated = inside.nicmedic("treat", "eth0", "--ladder", "restore", "--timeout", "60s")
        assert treated.status == 0, treated
        back = probe.wait_back(10, after=lost)
        assert back > lost
    assert read_state(machine) == before
    told = inside.nicmedic("transactions")
    assert "confirmed" in told.out, told
