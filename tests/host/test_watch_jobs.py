# SPDX-License-Identifier: GPL-2.0-or-later
"""Programs that nobody waits for: one that is never begun, one that never ends, and what a watcher that was killed has left of its own."""

import os
import time
from pathlib import Path

import pytest

from nicmedic.host import outside
from nicmedic.host.run import start_program
from nicmedic.host.watching import errands, jobs
from nicmedic.host.watching.errands import HostErrands


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for place in (outside, jobs):
        monkeypatch.setattr(place, "JOBS", str(tmp_path / "jobs"))
    monkeypatch.setattr(outside, "_CGROUPS", (str(tmp_path),))
    (tmp_path / "jobs").mkdir()
    return tmp_path


def asked(name: str) -> jobs.Job:
    """A job that process 1 was asked for, and took note of."""
    job = jobs.Job(name, start_program(("/bin/true",)), outside=True)
    until = time.monotonic() + 20
    while job._started is not None and job._started.read_status() is None and time.monotonic() < until:
        time.sleep(0.02)
    return job


def test_what_process_1_never_begins_could_not_be_begun(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    never, late = asked("treat-1"), asked("treat-2")
    assert never.read_status() is late.read_status() is None
    (folder / "jobs/treat-2.out").write_text("it works\n")
    (folder / "system.slice/nicmedic-treat-2.service").mkdir(parents=True)
    monkeypatch.setattr(jobs, "_BEGINS_WITHIN_S", 0.0)
    assert late.read_status() is None
    assert never.read_status() == 10
    assert "process 1 did not begin it" in never.read_output()
    for job in (never, late):
        job.forget()
    assert not list((folder / "jobs").iterdir())


def test_what_a_killed_watcher_left_is_not_read_as_if_it_were_ours(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for left in ("keep-77-1.out", "keep-77-1.status", "treat-77-2.out", "treat-78-1.status.tmp", "go-77-1", "Else.out"):
        (folder / "jobs" / left).write_text("exited 0\n")
    (folder / "system.slice/nicmedic-treat-77-2.service").mkdir(parents=True)
    HostErrands(("/bin/true",))
    assert sorted(path.name for path in (folder / "jobs").iterdir()) == ["Else.out", "go-77-1", "treat-77-2.out"]
    monkeypatch.setattr(jobs, "is_confined", lambda: True)
    monkeypatch.setattr(jobs, "_COUNTER", iter([5]))
    monkeypatch.setattr(jobs, "find_program", lambda _name: "/bin/true")
    (folder / f"jobs/keep-{os.getpid()}-5.status").write_text("exited 0\n")
    job = jobs.start_job("keep", ("/bin/true",), description="x")
    until = time.monotonic() + 1
    while job.read_status() is None and time.monotonic() < until:
        time.sleep(0.02)
    assert job.read_status() is None
    job.forget()


def test_an_errand_that_does_not_end_holds_up_no_other(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = folder / "program"
    program.write_text(f'#!/bin/sh\necho "$3" >>{folder}/said\n[ "$3" != 1 ] || exec sleep 5\n')
    program.chmod(0o755)
    ours = HostErrands((str(program),))
    assert ours.keep_evidence(1)
    assert ours.keep_evidence(2)
    assert (ours.is_keeping(1), ours.is_keeping(2), ours.is_keeping(3)) == (True, True, False)
    until = time.monotonic() + 20
    while not (folder / "said").exists() and time.monotonic() < until:
        time.sleep(0.02)
    ours.turn()
    assert (folder / "said").read_text() == "1\n"
    monkeypatch.setattr(errands, "_GIVEN_UP_S", 0.0)
    ours.turn()
    monkeypatch.undo()
    while (folder / "said").read_text() != "1\n2\n" and time.monotonic() < until:
        time.sleep(0.02)
    assert (folder / "said").read_text() == "1\n2\n"
    assert not ours.is_keeping(1)
    assert [ours.keep_evidence(number) for number in range(3, 40)].count(False) > 0
