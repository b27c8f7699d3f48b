# SPDX-License-Identifier: GPL-2.0-or-later
"""The service of a kept remedy: the real systemd reads it, and what it would start is carried out on a pair of interfaces."""

import shutil
import subprocess
from pathlib import Path

import pytest

from nicmedic.model.finding import RemedyId
from nicmedic.model.keeping import Placement, Wish
from nicmedic.model.plan import Identity, Setting
from nicmedic.model.step import INTERFACE, Pause, Run, Shown, Step, Write
from nicmedic.persist.back_end import Place
from nicmedic.persist.back_ends import unit
from nicmedic.persist.files import FoundFiles
from nicmedic.persist.values import Owner, Target
from tests.rooms import Room

pytestmark = [pytest.mark.host, pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd-analyze")]

_WORDS = ("it's", "a b", '"x"', "$HOME", "${1}", "100%", "%n", "\\n", "a\\", "ü", ";", "$(false)", "`false`", "-e", "*", "")


_STATE = "/run/systemd/netif/links/$(cat /sys/class/net/card0/ifindex)"


def _render(folder: Path, *steps: Step, version: tuple[int, ...] | None = (252,), title: str = "mtu:1400", manager: str = "none") -> Path:
    """The service, with its instance for the card."""
    place = Place(
        number=3,
        nic=Identity(interface="card0", sysfs_path="/sys/devices/virtual"),
        target=Target(interface="card0"),
        owner=Owner(interface="card0", manager=manager, why="test"),
        files=FoundFiles(),
        versions={} if version is None else {"systemd": version},
        tools=frozenset({"udevadm", "systemctl", "networkctl", "ethtool", "ip"}),
    )
    wish = Wish(remedy=RemedyId.MTU, title=title, settings=(Setting(name="mtu", value="1400"),), steps=steps)
    answer = unit.BACK_END.place(place, wish, {"/proc/1/comm": b"systemd\n"})
    assert isinstance(answer, Placement), answer
    path = folder / "nicmedic-kept-3@sys-devices-virtual-net-card0.service"
    path.write_bytes(answer.edits[0].after or b"")
    return path


def _verify(path: Path, **environment: str) -> str:
    """What systemd says of it; nothing, unless it is asked for more."""
    done = subprocess.run(
        ["systemd-analyze", "verify", str(path)], capture_output=True, text=True, check=True, env={"PATH": "/usr/bin", **environment}
    )
    return done.stdout + done.stderr


def _list_commands(path: Path) -> list[list[str]]:
    """What it would start, word for word: as systemd has read it, with a dollar for each two (man systemd.service)."""
    lines = [line.strip() for line in _verify(path, SYSTEMD_LOG_LEVEL="debug").splitlines()]
    told = [line.removeprefix("Command Line: ") for line in lines if line.startswith("Command Line: ")]
    split = [subprocess.run(["sh", "-c", f"printf '%s\\0' {line}"], capture_output=True, text=True, check=True).stdout for line in told]
    return [[word.replace("$$", "$") for word in line.split("\0")[:-1]] for line in split]


@pytest.mark.parametrize("manager", ["none", "networkd"])
@pytest.mark.parametrize("version", [None, (239,), (252,), (257,)])
def test_systemd_has_nothing_to_say_against_it(version: tuple[int, ...] | None, manager: str, tmp_path: Path) -> None:
    steps = (Run(argv=("ip", "link", "set", "dev", INTERFACE, "mtu", "1400")), Pause(seconds=1))
    assert _verify(_render(tmp_path, *steps, version=version, title='5% of $HOME "x" \\', manager=manager)) == ""


@pytest.mark.parametrize("word", _WORDS)
def test_words_reach_the_program_as_they_are(word: str, tmp_path: Path) -> None:
    unless = Shown(argv=("printf", "%s\\n", word + "!"), text=word + "?")
    path = _render(
        tmp_path, Run(argv=("printf", "%s|", word, INTERFACE), unless=unless), Run(argv=("false",), otherwise=("printf", "%s\\n", word))
    )
    printed = [subprocess.run(command, capture_output=True, text=True, check=True).stdout for command in _list_commands(path)]
    assert printed == [f"{word}|card0|", f"{word}\n"]


def test_it_sets_what_the_steps_set(room: Room, tmp_path: Path) -> None:
    path = _render(
        tmp_path,
        Run(argv=("ip", "link", "set", "dev", INTERFACE, "mtu", "1400")),
        Run(argv=("ethtool", "-K", INTERFACE, "tso", "off")),
        Run(argv=("ethtool", "-K", INTERFACE, "no-such-feature", "off"), needed=False),
        Write(path=f"/sys/class/net/{INTERFACE}/tx_queue_len", text="77"),
    )
    for index, command in enumerate(_list_commands(path)):
        done = room.run("sh", "-c", 'umount /sys/class/net 2>/dev/null; exec "$@"', "sh", *command, check=False)
        assert (done.returncode == 0) is (index != 2), done.stderr
    shown = room.read("ip", "-o", "link", "show", "dev", "card0")
    assert " mtu 1400 " in shown
    assert " qlen 77" in shown
    assert "tcp-segmentation-offload: off" in room.read("ethtool", "-k", "card0")
    assert "ExecStart=-/bin/sh" in path.read_text()


def test_what_is_set_already_is_left_alone_and_what_fails_is_tried_again(tmp_path: Path) -> None:
    count = tmp_path / "count"
    look = Shown(argv=("wc", "-l", str(count)), text=f"2 {count}")
    more = ("sh", "-c", 'echo >> "$0"; false', str(count))
    count.touch()
    path = _render(tmp_path, Run(argv=more, unless=look, tries=5))
    (command,) = _list_commands(path)
    assert subprocess.run(command, check=False, timeout=30).returncode == 0
    assert count.read_text() == "\n\n"  # twice in vain, then it is shown
    path = _render(tmp_path, Run(argv=more, tries=2))
    (command,) = _list_commands(path)
    assert subprocess.run(command, check=False, timeout=30).returncode == 1
    assert count.read_text() == "\n\n\n\n"


@pytest.mark.parametrize(
    ("first", "then", "seconds", "asked"),
    [
        ("failed", {}, 1, True),
        ("configuring", {3: "failed"}, 4, True),  # while the link is away
        ("failed", {1: "configuring"}, 1, False),  # networkd tries again itself
        ("configuring", {1: "configured"}, 15, False),
        ("configured", {}, 15, False),
        ("", {}, 15, False),
        ("failed_otherwise", {}, 15, False),
    ],
)
def test_networkd_is_asked_once_and_only_where_it_gave_up(
    first: str, then: dict[int, str], seconds: int, *, asked: bool, room: Room, tmp_path: Path
) -> None:
    path = _render(tmp_path, Run(argv=("ip", "link", "set", "dev", INTERFACE, "mtu", "1400")), manager="networkd")
    assert path.read_text().count("\nExecStartPost=-/bin/sh ") == 1
    _, command = _list_commands(path)
    assert _look_after(room, tmp_path, command, first, then) == (seconds, ["reconfigure card0"] if asked else [])


def test_networkd_is_asked_within_a_bound_where_the_link_stays_away(room: Room, tmp_path: Path) -> None:
    room.run("ip", "link", "set", "dev", "switch0", "down")
    _, command = _list_commands(_render(tmp_path, Run(argv=("ethtool", "-s", INTERFACE, "autoneg", "off")), manager="networkd"))
    assert _look_after(room, tmp_path, command, "failed", {}) == (20, ["reconfigure card0"])


def _look_after(room: Room, folder: Path, command: list[str], first: str, then: dict[int, str]) -> tuple[int, list[str]]:
    """For how many seconds it looks while networkd's state changes after so many of them, and what networkctl is asked for."""
    tools, seconds, asked = folder / "tools", folder / "seconds", folder / "asked"
    tools.mkdir()
    states = "\n".join(f'{after}) printf "ADMIN_STATE={state}\\n" >"{_STATE}";;' for after, state in then.items())
    (tools / "sleep").write_text(f"#!/bin/sh\necho >>{seconds}\ncase $(wc -l <{seconds}) in\n{states}\nesac\n")
    (tools / "networkctl").write_text(f'#!/bin/sh\necho "$*" >>{asked}\n')
    for tool in tools.iterdir():
        tool.chmod(0o755)
    room.run("sh", "-c", f'mkdir -p /run/systemd/netif/links; printf "# private\\nADMIN_STATE={first}\\nOPER_STATE=carrier\\n" >"{_STATE}"')
    room.run(*command, env={"PATH": f"{tools}:/usr/bin:/bin"})
    return len(seconds.read_text()), asked.read_text().splitlines() if asked.exists() else []
