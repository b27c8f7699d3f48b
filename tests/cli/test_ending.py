# SPDX-License-Identifier: GPL-2.0-or-later
"""Whoever ends the program, at whatever moment, gets a quiet end, the status of the signal, and nothing left behind."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from nicmedic.cli.main import main

SLOW = """
import sys, time
from nicmedic.host import snapshot
def parts(*_, **__):
    yield snapshot.Member(name="a", data=b"x" * 100_000)
    print("begun", flush=True)
    time.sleep(30)
import nicmedic.host.archive_writer as writer
writer.collect_parts = parts
from nicmedic.__main__ import start
sys.exit(start())
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("more", [(), ("--scrub",)])
def test_a_snapshot_that_is_ended_leaves_nothing_behind(number: signal.Signals, more: tuple[str, ...], tmp_path: Path) -> None:
    slow = SLOW.replace("yield snap", "print('begun', flush=True); yield snap") if more else SLOW  # all is collected before it is scrubbed
    command = [sys.executable, "-c", slow, "snapshot", *more, "-o", str(tmp_path / "s.tar.gz")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"begun\n"
        process.send_signal(number)
        _, complaints = process.communicate(timeout=20)
    assert (process.returncode, complaints) == (128 + number, b"")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("delay", [0.1, 0.15, 0.2, 0.3, 0.4])
def test_an_interruption_is_quiet_at_every_moment(delay: float, tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "nicmedic", "snapshot"], cwd=tmp_path, stderr=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        time.sleep(delay)
        process.send_signal(signal.SIGINT)
        _, complaints = process.communicate(timeout=20)
    if b"runpy" not in complaints:  # Python itself was still starting
        assert b"bug" not in complaints
        assert b"Traceback" not in complaints
        assert process.returncode in {130, -signal.SIGINT}
    assert list(tmp_path.iterdir()) == []


def test_who_asked_for_no_hangup_gets_none(tmp_path: Path) -> None:
    with subprocess.Popen(
        ["nohup", sys.executable, "-c", SLOW.replace("sleep(30)", "sleep(1)"), "snapshot", "-o", str(tmp_path / "s")],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"begun\n"
        process.send_signal(signal.SIGHUP)
        process.communicate(timeout=20)
    assert process.returncode == 0
    assert os.listdir(tmp_path) == ["s"]  # noqa: PTH208  # names are what counts


def test_an_interruption_that_python_wraps_is_no_bug(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def wrap(_: object) -> None:
        raise RuntimeError("Error calling __set_name__") from KeyboardInterrupt()

    monkeypatch.setattr("nicmedic.cli.main._parse", wrap)
    assert main(["check"]) == 130
    assert capsys.readouterr().err == ""
