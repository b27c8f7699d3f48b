# SPDX-License-Identifier: GPL-2.0-or-later
"""A history belongs to this machine if it has a boot of it; a name alone, which many hosts share, shows nothing."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from nicmedic.cli.main import main
from nicmedic.model.history import BootRecord, History
from nicmedic.model.plain import to_plain
from tests.unit.evidence.story import NEW, boot

OTHER = "The history is of a host called like this one, and has no boot of this one: it is taken for another's."


def report(tmp_path: Path, capsys: pytest.CaptureFixture[str], past: BootRecord) -> dict[str, Any]:
    file = tmp_path / "history.json"
    told = History(host=os.uname().nodename, boots=(past,))
    file.write_text(json.dumps({"schema": "nicmedic.history/1", "history": to_plain(told)}), encoding="utf-8")
    assert main(["report", "eth0", "--for", "json", "--history", str(file)]) == 0
    document: dict[str, Any] = json.loads(capsys.readouterr().out)
    return document


def test_a_namesake_gets_nothing_of_this_machine(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    document = report(tmp_path, capsys, boot("2016-01-02T09:00:00Z", NEW, 0.3, 500.0))
    assert (document["host"], document["nic"]) == (None, None)
    assert OTHER in document["unknowns"]
    assert "What was tried on that host is not known here." in document["unknowns"]


def test_a_history_with_the_boot_that_runs_is_of_here(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    boot_id = Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip().replace("-", "")
    document = report(tmp_path, capsys, boot("2026-01-02T09:00:00Z", NEW, 0.3, 500.0, boot_id=boot_id))
    assert document["host"]["kernel_release"] == os.uname().release
    assert OTHER not in document["unknowns"]
