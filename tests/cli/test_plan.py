# SPDX-License-Identifier: GPL-2.0-or-later
"""``nicmedic plan`` as a whole, on the copy of a host's files and on whatever machine runs the tests."""

import argparse
import json
from pathlib import Path

import pytest

from nicmedic.cli.declare import add_arguments
from nicmedic.cli.plan import PLAN
from nicmedic.host.machine import HostMachine
from nicmedic.host.tools import find_tools
from nicmedic.model.errors import NicmedicError


def plan(*words: str) -> int:
    """Run the command; the exit status."""
    parser = argparse.ArgumentParser(allow_abbrev=False)
    add_arguments(parser, PLAN)
    options = parser.parse_args(words)
    assert PLAN.run is not None
    try:
        return PLAN.run(options)
    except NicmedicError as error:
        return error.code


@pytest.fixture
def copy(tmp_path: Path) -> str:
    """The files of a host with one card."""
    device = tmp_path / "sys/devices/pci0000:00/0000:00:03.0"
    net = device / "net/eth0"
    net.mkdir(parents=True)
    for name, text in (("ifindex", "2"), ("mtu", "9000"), ("flags", "0x1003"), ("address", "02:00:00:00:00:01")):
        (net / name).write_text(f"{text}\n", encoding="ascii")
    (net / "device").symlink_to("../..")
    (tmp_path / "sys/bus/pci").mkdir(parents=True)
    (device / "subsystem").symlink_to("../../../bus/pci")
    (tmp_path / "sys/class/net").mkdir(parents=True)
    (tmp_path / "sys/class/net/eth0").symlink_to("../../devices/pci0000:00/0000:00:03.0/net/eth0")
    return str(tmp_path)


def test_a_plan_for_another_host(copy: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert plan("eth0", "--remedy", "mtu:1500", "--remedy", "eee-off", "--from", copy) == 0
    text = capsys.readouterr().out
    assert text.startswith("On eth0 1 change would be made, 1 refused. Nothing has been changed.\n")
    assert "       ip link set dev eth0 mtu 1500 || ifconfig eth0 mtu 1500\n" in text


def test_all_refused_has_a_status_of_its_own(copy: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert plan("eth0", "--remedy", "mtu:9000", "--from", copy) == 23
    assert capsys.readouterr().out.startswith("Nothing would be done on eth0: mtu:9000 is refused.")


def test_without_a_wish_it_tells_what_is_possible(copy: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert plan("eth0", "--from", copy) == 0
    assert " of 27 remedies can be carried out on eth0 as it is now." in capsys.readouterr().out


def test_json_for_a_script(copy: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert plan("eth0", "--ladder", "prevent", "--json", "--from", copy) == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["schema"], document["ladder"]) == ("nicmedic.plan/1", "prevent")


@pytest.mark.parametrize(
    ("words", "status"),
    [
        (["eth7"], 22),
        (["eth0", "--remedy", "pray"], 2),
        (["eth0", "--ladder", "up"], 2),
        (["eth0", "--ladder", "restore", "--remedy", "reboot"], 2),
    ],
)
def test_bad_use(copy: str, words: list[str], status: int) -> None:
    assert plan(*words, "--from", copy) == status


def test_here_it_changes_nothing_and_ends() -> None:
    cards = HostMachine().read_host().nics
    status = plan(cards[0].interface if cards else "eth0")
    assert status == (0 if cards else 22)
    now = HostMachine().read_host().nics
    assert [(nic.interface, nic.mtu, nic.features, nic.ring) for nic in now] == [
        (nic.interface, nic.mtu, nic.features, nic.ring) for nic in cards
    ]


def test_programs_are_looked_for() -> None:
    assert find_tools(("sh", "no-such-program")) == {"sh"}
