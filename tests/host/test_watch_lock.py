# SPDX-License-Identifier: GPL-2.0-or-later
"""One watcher a host, unless the one that is there can neither work nor be ended."""

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from nicmedic.host.watching import lock
from nicmedic.host.watching.lock import hold_lock
from nicmedic.model.errors import BusyError

State = Callable[[str, int], None]


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> State:
    """Sets how the holder, which is this process, seems to be."""
    folder = tmp_path / str(os.getpid())
    folder.mkdir()
    monkeypatch.setattr(lock, "_PROC", str(tmp_path))
    monkeypatch.setattr(lock, "_PATIENCE_S", 0.2)
    monkeypatch.setattr(lock, "_LOOK_S", 0.05)

    def change(letter: str, sleeps: int) -> None:
        (folder / "new").write_text(f"Name:\tnicmedic\nState:\t{letter} (x)\nvoluntary_ctxt_switches:\t{sleeps}\n")
        (folder / "new").replace(folder / "status")

    return change


def test_a_second_watcher_only_goes_beside_one_that_sleeps_all_the_time(tmp_path: Path, state: State) -> None:
    path = str(tmp_path / "watch.lock")
    held, odd = hold_lock(path)
    assert odd is None
    state("S", 1)
    with pytest.raises(BusyError, match=f"process {os.getpid()} watches this host already"):
        hold_lock(path)
    state("D", 1)
    beside, odd = hold_lock(path)
    assert "cannot be ended" in (odd or "")
    for handle in (held, beside):
        os.close(handle)


def test_a_watcher_that_waits_for_its_disk_is_in_order(tmp_path: Path, state: State) -> None:
    path = str(tmp_path / "watch.lock")
    held, _ = hold_lock(path)
    state("D", 1)
    is_over = threading.Event()

    def sync() -> None:
        for sleeps in range(2, 100):
            if is_over.wait(0.1):
                return
            state("D", sleeps)

    thread = threading.Thread(target=sync)
    thread.start()
    began = time.monotonic()
    with pytest.raises(BusyError):
        hold_lock(path)
    assert time.monotonic() - began < 5
    is_over.set()
    thread.join()
    os.close(held)
