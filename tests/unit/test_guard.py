# SPDX-License-Identifier: GPL-2.0-or-later
"""The guard in conftest.py catches what it says it catches."""

import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import pytest

HERE = Path(__file__).parent


class Seen(Protocol):
    """What these tests need of the guard."""

    seen: list[str]


def connect() -> None:
    with socket.socket() as sock:
        sock.connect(("127.0.0.1", 9))


FORBIDDEN: dict[str, Callable[[], object]] = {
    "starts no program: subprocess": lambda: subprocess.run(["true"], check=True),
    "starts no program: os.fork": os.fork,
    "uses no socket": connect,
    "writes to tmp_path only: open": lambda: (HERE / "stray").write_text("x"),
    "writes to tmp_path only: os.mkdir": (HERE / "stray").mkdir,
    "writes to tmp_path only: os.remove": (HERE / "stray").unlink,
}


@pytest.mark.parametrize("complaint", FORBIDDEN)
def test_forbidden_action_is_stopped_and_remembered(complaint: str, guard: Seen) -> None:
    with pytest.raises(RuntimeError, match=complaint):
        FORBIDDEN[complaint]()
    assert len(guard.seen) == 1
    guard.seen.clear()  # it was this test's purpose
    assert not (HERE / "stray").exists()


def test_temporary_files_and_reading_are_free(tmp_path: Path, guard: Seen) -> None:
    (tmp_path / "file").write_text("x")
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "file").write_bytes(b"x")
    assert Path(sys.executable).stat().st_size > 0
    assert Path(__file__).read_text(encoding="utf-8")
    assert not guard.seen
