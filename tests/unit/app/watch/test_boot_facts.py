# SPDX-License-Identifier: GPL-2.0-or-later
"""What a boot is like, and what is not as it was."""

import json

from nicmedic.app.watch.boot_facts import list_boot_facts, render_changes
from nicmedic.model.host import Aspm, Host, Machine
from nicmedic.model.link import Feature
from nicmedic.model.nic import Nic
from nicmedic.model.pcie import PowerManagement

HOST = Host(
    kernel_release="6.1.0-56-amd64",
    kernel_package="6.1.176-1",
    uptime_s=77.0,
    boot_id="b",
    command_line_words={"pcie_aspm": "off"},
    machine=Machine(product="X", bios_version="1.2"),
    aspm=Aspm(policy="default", owner="os"),
    nics=(
        Nic(
            interface="eth0",
            driver="r8169",
            firmware_version="rtl8168h-2",
            mtu=1500,
            statistics={"tx_packets": 5},
            features={
                "tx-tcp-segmentation": Feature(on=True, fixed=False, requested=True),
                "rx-gro": Feature(on=False, fixed=False, requested=False),
            },
            power=PowerManagement(control="auto"),
        ),
    ),
)


def test_facts_are_what_somebody_sets_or_installs() -> None:
    facts = list_boot_facts(HOST)
    assert facts["kernel.kernel_package"] == "6.1.176-1"
    assert facts["kernel.command_line_words.pcie_aspm"] == "off"
    assert facts["machine.bios_version"] == "1.2"
    assert facts["aspm.policy"] == "default"
    assert facts["eth0.firmware_version"] == "rtl8168h-2"
    assert facts["eth0.features"] == "tx-tcp-segmentation"
    assert facts["eth0.power.control"] == "auto"
    assert not [name for name in facts if "uptime" in name or "packets" in name or "boot_id" in name]
    assert not [name for name, value in facts.items() if value == "None"]


def test_what_changed_is_told_with_both_values() -> None:
    was = {"a": "1", "b": "2", "c": "3"}
    now = {"a": "1", "b": "9", "d": "4"}
    assert json.loads(render_changes(now, was)) == {
        "compared": True,
        "changes": [
            {"what": "b", "was": "2", "is": "9"},
            {"what": "c", "was": "3", "is": None},
            {"what": "d", "was": None, "is": "4"},
        ],
    }


def test_nothing_to_compare_with_is_not_no_change() -> None:
    assert json.loads(render_changes({"a": "1"}, None)) == {"compared": False, "changes": []}
    assert json.loads(render_changes({"a": "1"}, {"a": "1"})) == {"compared": True, "changes": []}
