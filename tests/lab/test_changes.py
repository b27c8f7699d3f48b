# SPDX-License-Identifier: GPL-2.0-or-later
"""Real drivers: each change of a setting does what its plan says, and its undo, carried out twice, leaves nothing behind."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from lab.fixtures import MachineMaker
from lab.kernel_vm import KernelVM

CHANGER = Path(__file__).with_name("setting_changer.py")
PATIENCE_S = 900  # an emulated processor is twenty times slower, and other machines run beside it
ABOVE = """
modprobe 8021q; modprobe bridge; echo auto >/sys/class/net/eth0/device/power/control
ip link add eth0.5 link eth0 type vlan id 5; ip link set eth0.5 up
ip link add br0 type bridge; ip link set br0 up; ip link add eth0.6 link eth0 type vlan id 6; ip link set eth0.6 master br0
ip link add eth0.5.7 link eth0.5 type vlan id 7
"""
REMEDIES = (
    "link-advertise-100", "link-force-100", "renegotiate", "offload-off", "offload-off:tx", "offload-off:sg", "offload-off:rx", "offload-off:gro",
    "offload-off:txvlan", "offload-off:rxvlan", "eee-off", "aspm-off", "runtime-pm-off", "mtu:1400", "mtu:1200", "pause-off", "ring:128",
    "ring:tx=512,rx=512", "interrupt-mode:coalesce=0", "interrupt-mode:coalesce=60", "interrupt-mode:affinity=0",
)  # fmt: skip
MUST = {
    "hangsim": {"link-advertise-100", "offload-off", "offload-off:sg", "eee-off", "runtime-pm-off", "mtu:1400", "pause-off", "ring:128",
                "interrupt-mode:coalesce=60"},
    "e1000e": {"link-advertise-100", "link-force-100", "renegotiate", "offload-off", "offload-off:tx", "mtu:1400", "mtu:1200", "ring:128"},
    "virtio-net": {"mtu:1400"},  # the lab's tap gives it no offloads
    "8139cp": {"mtu:1400"},
    "vmxnet3": {"offload-off", "mtu:1400"},
}  # fmt: skip
"""What the card is known to take; the rest may be refused, by the plan or by the driver."""
SHORT = ("hangsim", "e1000e")


def change_all(machine: KernelVM) -> dict[str, Any]:
    """Carry all of them out in the machine, one after the other."""
    machine.run("sh", "-c", ABOVE)
    rows: dict[str, Any] = json.loads(machine.check(sys.executable, str(CHANGER), machine.interface, *REMEDIES, timeout_s=PATIENCE_S))
    return rows


@pytest.mark.parametrize("nic", [pytest.param(nic, marks=() if nic in SHORT else pytest.mark.long) for nic in MUST])
def test_each_change_does_what_it_says_and_its_undo_leaves_nothing(vm: MachineMaker, nic: str) -> None:
    machine = vm(nic, after_s=-1, link_ms=200) if nic == "hangsim" else vm(nic)
    rows = change_all(machine)
    assert {remedy: row for remedy, row in rows.items() if row.get("undo_failed") or row.get("undo_differs") or row.get("left")} == {}
    assert {remedy: rows[remedy] for remedy in MUST[nic] if any(rows[remedy].values())} == {}
    # A driver that refuses says so, or what is read again shows it (e1000e: e1000_fix_features() lets txvlan follow rxvlan).
    assert {remedy: row for remedy, row in rows.items() if row.get("failed") and not row["differs"]} == {}
