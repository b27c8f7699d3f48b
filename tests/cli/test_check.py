# SPDX-License-Identifier: GPL-2.0-or-later
"""``nicmedic check`` and ``nicmedic snapshot`` on whatever machine runs the tests: exit statuses, complaints, and that one reads the other."""

import json
import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest


def nicmedic(*words: str, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "nicmedic", *words]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60, cwd=folder)


def test_it_says_something_of_this_machine_whatever_it_has() -> None:
    done = nicmedic("check", "--json", "--wait", "0.5")
    assert done.returncode in {0, 1}, done.stderr
    document = json.loads(done.stdout)
    assert document["schema"] == "nicmedic.check/1"
    assert document["host"]["kernel_release"] == os.uname().release
    assert done.stderr == ""


@pytest.mark.parametrize("wait", ["x", "-1", "0.3", "61", "nan", "inf"])
def test_a_wait_that_is_none_is_refused(wait: str) -> None:
    done = nicmedic("check", f"--wait={wait}")
    assert (done.returncode, done.stdout) == (2, "")
    assert "neither 0 nor a number of seconds from 0.5 to 60" in done.stderr


def test_a_card_that_is_not_there() -> None:
    done = nicmedic("check", "no\x1bsuch")
    assert (done.returncode, done.stdout) == (22, "")
    assert done.stderr.startswith("nicmedic: no\\x1bsuch: there is no such network card; ")


def test_what_is_no_snapshot(tmp_path: Path) -> None:
    assert nicmedic("check", "--from", str(tmp_path / "missing")).returncode == 11
    assert nicmedic("check", "--from", str(tmp_path)).returncode == 21
    (tmp_path / "text").write_text("not a tar archive\n" * 100, encoding="ascii")
    done = nicmedic("check", "--from", str(tmp_path / "text"))
    assert done.returncode in {11, 21}
    assert "Traceback" not in done.stderr


def test_a_snapshot_is_written_whole_and_read_by_check(tmp_path: Path) -> None:
    done = nicmedic("snapshot", "-o", "s.tar.gz", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("s.tar.gz: ")
    assert {path.name for path in tmp_path.iterdir()} == {"s.tar.gz"}
    with tarfile.open(tmp_path / "s.tar.gz") as archive:
        assert {"host.json", "looks.json", "MANIFEST.json"} <= set(archive.getnames())
    read = nicmedic("check", "--from", "s.tar.gz", "--json", folder=tmp_path)
    assert read.returncode in {0, 1}, read.stderr
    assert json.loads(read.stdout)["host"]["kernel_release"] == os.uname().release
    again = nicmedic("snapshot", "-o", "s.tar.gz", folder=tmp_path)
    assert again.returncode == 20
    assert "is there already" in again.stderr


def test_a_scrubbed_snapshot_leaves_its_map_with_the_user(tmp_path: Path) -> None:
    done = nicmedic("snapshot", "--scrub", "-o", "s.tar.gz", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert {path.name for path in tmp_path.iterdir()} == {"s.tar.gz", "s.tar.gz.map"}
    assert (tmp_path / "s.tar.gz.map").stat().st_mode & 0o777 == 0o600
    assert nicmedic("check", "--from", "s.tar.gz", folder=tmp_path).returncode in {0, 1}


def test_a_map_whose_name_is_taken_is_refused_before_all_else(tmp_path: Path) -> None:
    (tmp_path / "s.tar.gz.map").write_text("mine", encoding="ascii")
    done = nicmedic("snapshot", "--scrub", "-o", "s.tar.gz", folder=tmp_path)
    assert (done.returncode, done.stdout) == (20, "")
    assert [path.name for path in tmp_path.iterdir()] == ["s.tar.gz.map"]


def test_the_archive_may_go_into_a_folder_and_never_to_standard_output(tmp_path: Path) -> None:
    done = nicmedic("snapshot", "-o", str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert [path.suffixes[-2:] for path in tmp_path.iterdir()] == [[".tar", ".gz"]]
    for name in ("-", ""):
        done = nicmedic("snapshot", "-o", name)
        assert (done.returncode, done.stdout) == (2, "")
        assert "needs the name of a file" in done.stderr


def test_a_folder_where_nothing_can_be_written(tmp_path: Path) -> None:
    done = nicmedic("snapshot", "-o", str(tmp_path / "no" / "s.tar.gz"))
    assert (done.returncode, done.stdout) == (20, "")
    assert "nothing was left behind" in done.stderr


def test_a_sosreport_is_read_and_what_it_cannot_tell_is_unknown() -> None:
    done = nicmedic("check", "--from", "tests/cases/sosreports/bridge", "--json")
    assert done.returncode == 1, done.stderr
    card = json.loads(done.stdout)["nics"][0]
    assert (card["driver"], card["verdict"], card["manager"]["manager"]) == ("r8169", "unknown", "ifupdown")


def test_the_copies_in_a_snapshot_unpacked_are_a_host_too(tmp_path: Path) -> None:
    assert nicmedic("snapshot", "-o", "s.tar.gz", folder=tmp_path).returncode == 0
    with tarfile.open(tmp_path / "s.tar.gz") as archive:
        archive.extractall(tmp_path / "un", filter="tar")
    for folder in ("un", "un/raw"):
        read = nicmedic("check", "--from", folder, "--json", folder=tmp_path)
        assert read.returncode in {0, 1}, read.stderr
        assert json.loads(read.stdout)["host"]["kernel_release"] == os.uname().release
