# SPDX-License-Identifier: GPL-2.0-or-later
"""Programs that give a log: one that hangs is left behind in time, one that fails or says nothing is told."""

import errno
import os
import subprocess
import tempfile
import threading
import time

import pytest

from nicmedic.host.log_copies import _run, read_kernel_logs
from nicmedic.host.raw_files import Member, Missing


@pytest.mark.parametrize(
    ("command", "kept", "told"),
    [
        ("printf a; sleep 3", b"a", "it did not end in time"),
        ("printf a; exit 3", b"a", "failed with status 3"),
        ("printf a", b"a", None),
        ("true", None, "no kernel messages"),
    ],
)
def test_what_a_program_says_is_kept_and_how_it_ended_told(command: str, kept: bytes | None, told: str | None) -> None:
    begin = time.monotonic()
    parts = list(_run(["sh", "-c", command], "log/dmesg", time.monotonic() + 0.5))
    assert time.monotonic() - begin < 1.5
    assert [part.data for part in parts if isinstance(part, Member)] == ([] if kept is None else [kept])
    whys = [part.why for part in parts if isinstance(part, Missing)]
    assert len(whys) == (told is not None)
    assert all(told is not None and told in why for why in whys)


def test_this_machines_own_log_is_read() -> None:
    names = [part.name for part in read_kernel_logs(time.monotonic() + 4) if isinstance(part, Member)]
    assert names[:1] in (["log/ring-buffer.kmsg"], ["log/dmesg"])


def test_a_program_needs_no_folder_for_temporary_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", "/nowhere")
    assert list(_run(["sh", "-c", "printf a"], "log/dmesg", time.monotonic() + 5)) == [Member(name="log/dmesg", data=b"a")]


def test_a_program_or_a_thread_that_cannot_be_started_is_told_with_the_true_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse_fork(*_: object, **__: object) -> None:
        raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))

    def refuse_thread(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(subprocess, "Popen", refuse_fork)
        parts = list(_run(["sh", "-c", "printf a"], "log/dmesg", time.monotonic() + 5))
    assert parts == [Missing(what="sh", why="sh cannot be started: Resource temporarily unavailable")]
    monkeypatch.setattr(threading.Thread, "start", refuse_thread)
    parts = list(_run(["sh", "-c", "printf a"], "log/dmesg", time.monotonic() + 5))
    assert parts == [Missing(what="sh", why="can't start new thread")]
