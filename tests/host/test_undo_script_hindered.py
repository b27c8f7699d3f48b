# SPDX-License-Identifier: GPL-2.0-or-later
"""The undo script where the host stands in its way: the kernel does not let go, no process can be started, a folder or a disk is gone."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from nicmedic.model.plan import Identity
from nicmedic.model.step import Run, Write
from tests.rooms import Room, wait_for
from tests.undo_folders import MTU_BACK, TSO_ON, Make, change, plan_of

FREEZER = Path("/sys/fs/cgroup/freezer")


@pytest.fixture
def frozen() -> Iterator[Path]:
    """A group whose processes sleep in the kernel and do not even hear SIGKILL, as below a hung driver."""
    if not (FREEZER / "tasks").exists():
        pytest.skip("needs the freezer of cgroup v1")
    group = FREEZER / f"nicmedic-{os.getpid()}"
    group.mkdir()
    (group / "freezer.state").write_text("FROZEN")
    yield group
    (group / "freezer.state").write_text("THAWED")
    for pid in (group / "tasks").read_text().split():
        os.kill(int(pid), signal.SIGKILL)
    wait_for(lambda: not (group / "tasks").read_text())
    group.rmdir()


def test_program_that_the_kernel_does_not_let_go_of_is_left_behind(room: Room, make: Make, frozen: Path, shell: tuple[str, ...]) -> None:
    before = room.look()
    hang = Run(argv=("sh", "-c", f"echo $$ > {frozen}/tasks; sleep 300"), within_s=1)
    folder = make(plan_of(MTU_BACK, hang, TSO_ON))
    change(room)
    began = time.monotonic()
    done = folder.undo(shell=shell)
    assert time.monotonic() - began < 12
    assert done.returncode == 1
    assert "hangs in the kernel" in done.stdout
    assert room.look() == before
    assert (frozen / "tasks").read_text(), "it stays behind"


def test_file_that_never_takes_its_line_is_left_behind(room: Room, make: Make, tmp_path: Path, shell: tuple[str, ...]) -> None:
    os.mkfifo(tmp_path / "pipe")
    before = room.look()
    folder = make(plan_of(Write(path=f"{tmp_path}/pipe", text="0000:02:00.0", within_s=1, needed=False), TSO_ON, MTU_BACK))
    change(room)
    assert folder.undo(shell=shell).returncode == 0
    assert room.look() == before


def test_switch_that_finds_no_process_for_a_while_lives_on(make: Make, tmp_path: Path, shell: tuple[str, ...]) -> None:
    folder = make(plan_of(Write(path=f"{tmp_path}/undone", text="1"), nic=Identity(interface="lo")))
    folder.set_deadline(8)
    nobody = 61000 + os.getpid() % 1000
    for path in (tmp_path, *tmp_path.rglob("*")):
        os.chown(path, nobody, nobody)
    for above in tmp_path.parents:
        if above.owner() == "root" and above.name.startswith(("pytest-", "popen-")):
            above.chmod(0o755)
    command = ["prlimit", "--nproc=6:6", *shell, f"{folder.path}/undo.sh", "switch"]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL, user=nobody, group=nobody) as switch:
        time.sleep(2)
        hogs = [subprocess.Popen(["sleep", "3"], user=nobody, group=nobody) for _ in range(7)]
        for hog in hogs:
            hog.wait()
        assert switch.poll() is None
        assert not (tmp_path / "undone").exists()
        assert switch.wait(30) == 0
    assert (tmp_path / "undone").exists()


def test_switch_undoes_though_the_folder_for_scratch_went_away(room: Room, make: Make, shell: tuple[str, ...]) -> None:
    before = room.look()
    folder = make()
    change(room)
    folder.set_deadline(3)
    with folder.start("switch", shell) as switch:
        time.sleep(1)
        room.run("rm", "-rf", "/run/nicmedic")
        assert switch.wait(20) == 0
    assert room.look() == before
    assert folder.words() == ["undoing switch", "undone"]


def hang(room: Room, *programs: str) -> None:
    """Let these never come back, as on a disk that does not answer."""
    lines = [f"printf '#!/bin/sh\\nexec sleep 100\\n' >/usr/local/sbin/{name}; chmod 755 /usr/local/sbin/{name}" for name in programs]
    room.run("sh", "-ec", "; ".join(["mount -t tmpfs none /usr/local/sbin", *lines]))


def test_switch_undoes_though_its_folder_does_not_answer_any_more(room: Room, make: Make, shell: tuple[str, ...]) -> None:
    before = room.look()
    folder = make()
    change(room)
    folder.set_deadline(8)
    with folder.start("switch", shell) as switch:
        time.sleep(2)
        hang(room, "readlink", "cat")
        began = time.monotonic()
        assert switch.wait(40) == 0
    assert time.monotonic() - began < 25
    assert room.look() == before


def test_disk_that_answers_again_is_asked_before_anything_is_undone(room: Room, make: Make) -> None:
    folder = make()
    change(room)
    after = room.look()
    folder.set_deadline(12)
    with folder.start("switch") as switch:
        time.sleep(2)
        hang(room, "readlink")
        time.sleep(5)
        (folder.path / "decided").symlink_to("confirmed")
        room.run("umount", "-l", "/usr/local/sbin")
        assert switch.wait(20) == 3
    assert room.look() == after
