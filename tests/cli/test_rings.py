# SPDX-License-Identifier: GPL-2.0-or-later
"""What tests/conftest.py promises: rings are told, and a required ring may neither skip nor be empty."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

CONFTEST = Path(__file__).parents[1] / "conftest.py"


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    """A test suite with one passing test, one skip and a test in a ring that is off."""
    for ring, body in {
        "unit": "def test_a(): pass\n",
        "cli": "import pytest\ndef test_b(): pytest.skip('no such tool')\n",
        "lab": "def test_c(): pass\n",
    }.items():
        folder = tmp_path / "tests" / ring
        folder.mkdir(parents=True)
        (folder / f"test_{ring}.py").write_text(body)
    (tmp_path / "lab").mkdir()
    (tmp_path / "lab/needs.py").write_text("def why_not(): return 'no QEMU here'\n")
    (tmp_path / "tests/conftest.py").write_text(CONFTEST.read_text(encoding="utf-8"))
    markers = "".join(f"    {ring}: a ring\n" for ring in ("unit", "cli", "host", "lab"))
    (tmp_path / "pytest.ini").write_text(f"[pytest]\ntestpaths = tests\npythonpath = .\naddopts = --strict-markers\nmarkers =\n{markers}")
    return tmp_path


def run(suite: Path, require: str, *args: str) -> tuple[int, str]:
    """Run pytest there; exit status and all it said."""
    environment = {**os.environ, "NICMEDIC_REQUIRE": require}
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *args]
    done = subprocess.run(command, cwd=suite, env=environment, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def test_skips_are_fine_unless_their_ring_is_required(suite: Path) -> None:
    status, output = run(suite, "")
    assert status == 0, output
    assert "1 passed, 2 skipped" in output
    assert "lab off (no QEMU here)" in output


@pytest.mark.parametrize(("ring", "reason"), [("cli", "no such tool"), ("lab", "no QEMU here")])
def test_skip_in_a_required_ring_is_a_failure(suite: Path, ring: str, reason: str) -> None:
    status, output = run(suite, f"unit,{ring}")
    assert status == 1, output
    assert "NICMEDIC_REQUIRE names this ring" in output
    assert reason in output


def test_required_ring_without_tests_is_an_error(suite: Path) -> None:
    (suite / "tests/unit/test_unit.py").unlink()
    status, output = run(suite, "unit")
    assert status == pytest.ExitCode.USAGE_ERROR, output
    assert "this ring holds no test" in output


def test_part_of_the_suite_may_leave_a_required_ring_out(suite: Path) -> None:
    status, output = run(suite, "unit,cli", "tests/unit")
    assert status == 0, output


def test_misspelt_ring_is_an_error(suite: Path) -> None:
    status, output = run(suite, "untit")
    assert status == pytest.ExitCode.USAGE_ERROR, output
    assert "no ring is called untit" in output
