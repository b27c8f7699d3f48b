# SPDX-License-Identifier: GPL-2.0-or-later
"""``treat --ladder prevent``: a card that hangs by a rule ends on the one setting that keeps it from hanging; where none does, as it was.

hangsim plays the silicon: the driver's whole life is real, the reason for the hang is a rule.
"""

import dataclasses
import json
from collections.abc import Mapping
from typing import Any

import pytest

from lab.fixtures import MachineMaker
from lab.kernel_vm import KernelVM
from lab.segment import PARTNER, Segment
from tests.lab.inside import Inside, read_state

AFTER_S = 75
"""Longer than it takes to bring traffic back on an emulated processor."""
HOLD_S = 120
PARAMETERS = "/sys/module/hangsim/parameters"
TRAFFIC = "while :; do ping -n -q -i 0.1 -c 50 {partner} >/dev/null; done"
NO_OFFLOADS = "ethtool -K eth0 tso off gso off gro off tx off sg off; "
NO_EEE = "ethtool --set-eee eth0 eee off; "
NO_PAUSE = "ethtool -A eth0 rx off tx off; "
SMALL = "ethtool -G eth0 tx 64; ethtool -C eth0 tx-usecs 0 rx-usecs 0; "


@dataclasses.dataclass(frozen=True)
class Rule:
    """When the card hangs, what is off already so that fewer factors are left to try, and which one helps."""

    parameters: Mapping[str, Any]
    remedy: str | None
    already: str = ""


RULES: Mapping[str, Rule] = {
    "tso": Rule({"tso": 1}, "offload-off:tso"),
    "tso, unreported by the kernel": Rule({"tso": 1, "silent": "Y"}, "offload-off:tso"),
    "eee": Rule({"eee": 1}, "eee-off", NO_OFFLOADS + "ethtool -K eth0 sg on tx on; "),
    "pause": Rule({"pause": 1}, "pause-off", NO_OFFLOADS + SMALL),
    "mtu": Rule({"mtu": 1500}, "mtu:1500", "ip link set dev eth0 mtu 4000; " + NO_OFFLOADS + NO_EEE + SMALL),
    "speed": Rule({"speed": 1000}, "link-advertise-100", NO_OFFLOADS + NO_PAUSE + SMALL),
    "nothing that can be set": Rule({}, None, NO_OFFLOADS + NO_PAUSE + SMALL),
}
QUICK = ("tso, unreported by the kernel",)
"""What CI climbs; the others are climbed by ``make test-long``."""


def make(vm: MachineMaker, rule: Rule) -> KernelVM:
    machine = vm("hangsim", memory_mb=768, cpus=1, after_s=-1, cure="bounce", **rule.parameters)
    machine.run("sh", "-c", rule.already)
    machine.wait_reaches(PARTNER)
    machine.start("sh", "-c", TRAFFIC.format(partner=PARTNER), capture=False)
    return machine


@pytest.mark.parametrize("name", [name if name in QUICK else pytest.param(name, marks=pytest.mark.long) for name in RULES])
def test_prevent_ends_on_the_right_single_remedy(name: str, vm: MachineMaker, segment: Segment) -> None:
    rule = RULES[name]
    machine = make(vm, rule)
    inside = Inside(machine)
    assert inside.nicmedic("transactions").status == 0
    before = read_state(machine)
    machine.sh(f"echo {AFTER_S} >{PARAMETERS}/after_s")
    treated = inside.nicmedic("treat", "eth0", "--ladder", "prevent", "--hold", f"{HOLD_S}s", "--timeout", "300s", "--json", timeout_s=1500)
    machine.sh(f"echo -1 >{PARAMETERS}/after_s")
    if rule.remedy is None:
        assert treated.status == 43, repr(treated)  # pytest shortens what is no text
        assert read_state(machine) == before
        return
    assert treated.status == 0, repr(treated)
    document = json.loads(treated.out)
    assert document["ladder"]["kept"] == [rule.remedy], repr(treated)
    assert document["transactions"][0]["state"] == "confirmed"
    hung = [attempt for attempt in document["ladder"]["attempts"] if attempt["outcome"] == "hung"]
    assert (document["ladder"]["certainty"] is not None) is bool(hung)
    assert inside.nicmedic("undo", str(document["transactions"][0]["id"])).status == 0
    assert read_state(machine) == before
