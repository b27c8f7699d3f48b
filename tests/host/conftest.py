# SPDX-License-Identifier: GPL-2.0-or-later
"""What the tests of both shell scripts share: a room, the shells, and something to run in it."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.papers import BASE, Paper
from tests.rooms import Room, open_room
from tests.undo_folders import BOOT, PLAN, Folder, Make

SHELLS = {"dash": ("dash",), "busybox": ("busybox", "sh"), "bash": ("bash", "--posix")}


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    """Namespaces of its own."""
    with open_room(tmp_path) as opened:
        opened.run("mkdir", "-m", "700", BASE)
        yield opened


@pytest.fixture(params=SHELLS)
def shell(request: pytest.FixtureRequest) -> tuple[str, ...]:
    """Each of the shells."""
    if shutil.which(SHELLS[request.param][0]) is None:
        pytest.skip(f"needs {request.param}")
    return SHELLS[request.param]


@pytest.fixture
def paper(shell: tuple[str, ...], room: Room, tmp_path: Path) -> Paper:
    """A prescription, under each of the shells."""
    return Paper(room, tmp_path / "rx.sh", shell)


@pytest.fixture
def dash(room: Room, tmp_path: Path) -> Paper:
    """A prescription where the shell makes no difference."""
    return Paper(room, tmp_path / "rx.sh", ("dash",))


@pytest.fixture
def make(room: Room, tmp_path: Path) -> Make:
    """Makes a transaction of a plan, whose changes were all begun unless told."""
    return lambda plan=PLAN, *begun, boot=BOOT: Folder(room, tmp_path / "7", plan, *begun, boot=boot)
