# SPDX-License-Identifier: GPL-2.0-or-later
"""What the kernel itself printed in the lab: ``tests/cases/lab/KERNEL-NIC-FAULT`` (``make lab-harvest`` records them).

The label says what the lab did, and on which lines a plain search finds the known words; it knows nothing of nicmedic.
"""

import json
from pathlib import Path

import pytest

from nicmedic.app.explain import Request, explain
from nicmedic.host.knowledge import read_knowledge
from nicmedic.model.explanation import Explanation
from nicmedic.testing.logs import FakeLogs

CASES = sorted((Path(__file__).parents[2] / "cases" / "lab").iterdir())
KNOWLEDGE = read_knowledge()


def name(case: Path) -> str:
    """The test's id."""
    return case.name


def explained(case: Path) -> Explanation:
    return explain(FakeLogs({"dmesg.log": (case / "dmesg.log").read_bytes()}), KNOWLEDGE, Request(names=("dmesg.log",), fast=False))


@pytest.mark.parametrize("case", CASES, ids=name)
def test_explain_finds_the_hangs_that_the_kernel_printed_and_no_others(case: Path) -> None:
    label = json.loads((case / "label.json").read_text(encoding="utf-8"))
    explanation = explained(case)
    (boot,) = explanation.boots
    assert boot.kernel_release == label["kernel_release"]
    assert label["kernel_package_version"] in (boot.kernel_package or "")
    timeouts = [event for event in explanation.events if event.kind == "tx_timeout"]
    hangs = [event for event in explanation.events if event.kind == "hw_hang"]
    assert {event.line for event in timeouts} == set(label["watchdog_lines"])
    assert {event.line for event in hangs} >= set(label["unit_hang_lines"])
    assert {(event.interface, event.driver) for event in timeouts + hangs} <= {(label["interface"], label["driver"])}
    if not label["watchdog_lines"] and not label["unit_hang_lines"]:
        assert not hangs


@pytest.mark.parametrize("case", CASES, ids=name)
def test_explain_has_a_finding_for_each_card_that_hung(case: Path) -> None:
    label = json.loads((case / "label.json").read_text(encoding="utf-8"))
    drivers = {finding.driver for finding in explained(case).findings}
    if label["watchdog_lines"] or label["unit_hang_lines"]:
        assert label["driver"] in drivers
    elif label["fault"] in {"healthy", "driver-reload", "link-down"}:
        assert label["driver"] not in drivers
