# SPDX-License-Identifier: GPL-2.0-or-later
"""`nicmedic knowledge` as a whole program."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from nicmedic.cli import output
from nicmedic.host.knowledge import read_knowledge

BAD = 'schema = "nicmedic.knowledge/1"\ndriver = "mynic"\n[[tried]]\nremedy = "pray"\nresult = "worked"\nsource = "s"\n'
GOOD = """\
schema = "nicmedic.knowledge/1"
driver = "mynic"
title = "My NIC"
bus = "pci"
[[signal]]
id = "stuck"
kind = "hw_hang"
literal = "mynic transmitter stuck"
pattern = 'mynic transmitter stuck'
example = "mynic 0000:01:00.0 eth0: mynic transmitter stuck"
printed_by = "mynic_timeout(), drivers/net/mynic.c"
means = "the transmitter stands"
"""


def knowledge(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the program as a user does."""
    command = [sys.executable, "-m", "nicmedic", "knowledge", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)


def test_a_driver_is_shown_by_its_name_and_by_an_alias() -> None:
    shown = knowledge("show", "r8169")
    assert shown.returncode == 0
    assert shown.stdout.startswith("r8169: ")
    alias = next(name for name in read_knowledge().driver_names if read_knowledge().find_driver(name).name != name)  # type: ignore[union-attr]  # all are known
    assert "Also called" in knowledge("show", alias).stdout


def test_the_list_names_drivers_and_the_shared_files() -> None:
    names = {line.split()[0] for line in knowledge("show").stdout.splitlines()}
    assert {"r8169", "e1000e", "core", "platform"} <= names


def test_json_of_a_driver_and_of_the_list_are_one_document_each() -> None:
    assert json.loads(knowledge("show", "--json", "r8169").stdout)["name"] == "r8169"
    assert len(json.loads(knowledge("show", "--json").stdout)["drivers"]) > 50


def test_an_unknown_driver_ends_with_2_and_the_next_command() -> None:
    done = knowledge("show", "nosuch")
    assert (done.returncode, done.stdout) == (2, "")
    assert "nicmedic knowledge show" in done.stderr


def test_a_file_of_ones_own_is_checked_and_problems_are_told_by_line(tmp_path: Path) -> None:
    path = tmp_path / "mynic.toml"
    path.write_text(BAD)
    done = knowledge("lint", str(path))
    first, summary = done.stdout.splitlines()
    assert done.returncode == 1
    assert first.startswith(f"{path}:4: [[tried]] pray: 'pray' is none of link-advertise-100, ")
    assert summary == "1 file, 1 problem"


def test_a_good_file_ends_with_0(tmp_path: Path) -> None:
    path = tmp_path / "mynic.toml"
    path.write_text(GOOD)
    done = knowledge("lint", str(path))
    assert (done.returncode, done.stdout) == (0, "1 file, no problem\n")


@pytest.mark.parametrize("front", [r"[^\n]{0,60}", ".*", r"(?:[^\n]*)?", "^.+ "])
def test_a_hang_whose_words_may_stand_anywhere_in_a_line_is_a_problem(tmp_path: Path, front: str) -> None:
    path = tmp_path / "mynic.toml"
    path.write_text(GOOD.replace("pattern = '", f'where = "message"\npattern = \'{front}'))
    done = knowledge("lint", str(path))
    assert done.stdout.splitlines()[0].startswith(f"{path}:6: [[signal]] stuck: pattern begins with anything"), done.stdout


def test_a_file_that_is_not_there_is_a_problem(tmp_path: Path) -> None:
    done = knowledge("lint", str(tmp_path / "gone.toml"))
    assert done.returncode == 1
    assert "No such file or directory" in done.stdout


def test_an_operators_problem_is_printed_with_file_line_and_reason(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "mynic.toml").write_text(BAD)
    base = read_knowledge(tmp_path)
    assert base.trials
    for problem in base.problems:
        output.print_problem(problem)
    assert capsys.readouterr().err.startswith(f"nicmedic: knowledge: {tmp_path / 'mynic.toml'}:4: [[tried]] pray: 'pray' is none of")


def test_literals_are_one_a_line() -> None:
    lines = knowledge("literals").stdout.splitlines()
    assert "NETDEV WATCHDOG" in "\n".join(lines)
    assert len(lines) == len(set(lines)) > 100


def test_the_literals_are_those_that_big_logs_are_searched_for() -> None:
    lines = set(knowledge("literals").stdout.splitlines())
    assert "NETDEV WATCHDOG: " in lines
    assert "link becomes ready" not in lines
