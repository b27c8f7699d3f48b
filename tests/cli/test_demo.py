# SPDX-License-Identifier: GPL-2.0-or-later
"""``make demo`` is the first thing that a newcomer types: it ends well also where this user may not read the kernel log."""

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def demo(folder: Path, *, sample: int, own: int) -> int:
    """Status of make, with a program in place of nicmedic that ends so for the sample and for this machine's log."""
    program = folder / "nicmedic"
    program.write_text(f"#!/bin/sh\n[ $# -gt 1 ] && exit {sample}\nexit {own}\n")
    program.chmod(0o755)
    command = ["make", "-o", ".venv/.ready-run", f"BIN={folder}", "demo"]
    return subprocess.run(command, cwd=ROOT, capture_output=True, check=False, timeout=60).returncode


@pytest.mark.parametrize("own", [0, 1, 11, 12, 13, 14, 15])
def test_the_demo_ends_well_whether_or_not_this_machine_has_a_readable_log(own: int, tmp_path: Path) -> None:
    assert demo(tmp_path, sample=1, own=own) == 0


@pytest.mark.parametrize(("sample", "own"), [(11, 0), (10, 0), (1, 10), (1, 2), (1, 127)])
def test_the_demo_fails_when_nicmedic_does(sample: int, own: int, tmp_path: Path) -> None:
    assert demo(tmp_path, sample=sample, own=own) != 0
