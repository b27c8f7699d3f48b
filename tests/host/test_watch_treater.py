# SPDX-License-Identifier: GPL-2.0-or-later
"""Treatments that the watcher begins: real processes, woken up beforehand or not, ended by themselves."""

import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from nicmedic.cli import stand_by
from nicmedic.host.watching import jobs, treater
from nicmedic.host.watching.errands import HostErrands
from nicmedic.host.watching.treater import HostTreater
from nicmedic.model.incident import Incident, IncidentVerdict

PROGRAM = (sys.executable, "-m", "nicmedic")
INCIDENT = Incident(
    id=1,
    boot_id="b",
    interface="nothing0",
    verdict=IncidentVerdict.NIC_HUNG,
    reasons=("r",),
    began="2026-01-01T00:00:00Z",
    began_uptime_s=1.0,
    detected="2026-01-01T00:00:01Z",
    detected_uptime_s=2.0,
)
RESTORE = ("--ladder", "restore")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("NICMEDIC_STATE", str(tmp_path / "state"))
    monkeypatch.setattr(treater, "JOBS", str(tmp_path / "jobs"))
    return tmp_path


def await_end(ours: HostTreater) -> tuple[int, int, str, tuple[int, ...]]:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        if ended := ours.read_ended():
            assert len(ended) == 1
            return ended[0]
        time.sleep(0.05)
    pytest.fail("it did not end")


def list_fifos(folder: Path) -> list[Path]:
    return [path for path in (folder / "jobs").glob("*") if stat.S_ISFIFO(path.stat().st_mode)]


def script(folder: Path, text: str) -> tuple[str, ...]:
    path = folder / "program"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return (str(path),)


def test_a_treatment_is_begun_and_its_end_is_told() -> None:
    ours = HostTreater(PROGRAM)
    assert ours.begin(INCIDENT, "restore", RESTORE) == 1
    number, status, line, transactions = await_end(ours)
    assert (number, status, transactions) == (1, 22, ())
    assert "nothing0" in line
    assert not line.startswith("nicmedic")
    assert ours.read_ended() == ()


def test_one_that_was_woken_up_is_told_what_to_do(folder: Path) -> None:
    ours = HostTreater(PROGRAM)
    ours.warm_up("nothing0")
    ours.warm_up("nothing0")
    assert len(list_fifos(folder)) == 1
    awake = ours._awake["nothing0"].job
    assert ours.begin(INCIDENT, "restore", (*RESTORE, "--probe", "none:gateway")) == 1
    assert ours._running[1].job is awake
    assert await_end(ours)[1] == 22
    assert list_fifos(folder) == []


def test_one_that_was_woken_up_for_nothing_goes_by_itself(folder: Path) -> None:
    ours = HostTreater(PROGRAM)
    ours.warm_up("nothing0")
    time.sleep(1.0)
    ours._awake["nothing0"].until_s = 0.0
    until = time.monotonic() + 40
    while (ours._awake or ours._asleep) and time.monotonic() < until:
        assert ours.read_ended() == ()
        time.sleep(0.1)
    assert not ours._awake
    assert not ours._asleep
    assert list_fifos(folder) == []


def test_one_that_is_no_longer_fresh_is_not_relied_on() -> None:
    ours = HostTreater(PROGRAM)
    ours.warm_up("nothing0")
    ours._awake["nothing0"].until_s = 0.0
    awake = ours._awake["nothing0"].job
    ours.begin(INCIDENT, "restore", RESTORE)
    assert ours._running[1].job is not awake
    assert await_end(ours)[1] == 22


def test_one_that_loads_longer_than_it_would_wait_still_hears_what_came_meanwhile() -> None:
    read, write = os.pipe()
    os.write(write, b'["treat", "nothing0"]\n')
    assert stand_by._read_words(read, time.monotonic() - 5) == ["treat", "nothing0"]
    assert stand_by._read_words(read, time.monotonic() - 5) == []
    os.close(read)
    os.close(write)


def test_one_that_never_heard_what_to_do_has_not_helped(folder: Path) -> None:
    ours = HostTreater(script(folder, "sleep 0.5; exit 0"))
    ours.warm_up("nothing0")
    ours.begin(INCIDENT, "restore", RESTORE)
    _, status, line, _ = await_end(ours)
    assert (status, line) == (10, "it had not heard what to do, and did nothing")


def test_one_that_ends_without_orders_says_so_by_its_status(folder: Path) -> None:
    os.mkfifo(folder / "go")
    write = os.open(folder / "go", os.O_RDWR | os.O_NONBLOCK)
    os.write(write, b'["treat", "cut o')
    environment = {**os.environ, "NICMEDIC_GO": str(folder / "go")}
    line = (*PROGRAM, "treat", "nothing0", "--ladder", "restore")
    ended = subprocess.run(line, env=environment, capture_output=True, timeout=60, check=False)
    os.close(write)
    assert (ended.returncode, ended.stdout, ended.stderr) == (10, b"", b"")


def test_more_than_a_pipe_takes_at_once_is_given_to_another(folder: Path) -> None:
    ours = HostTreater(PROGRAM)
    ours.warm_up("nothing0")
    awake = ours._awake["nothing0"].job
    ours.begin(INCIDENT, "restore", (*RESTORE, *["--probe=tcp:192.0.2.123:8443"] * 200))
    assert ours._running[1].job is not awake
    assert await_end(ours)[1] == 22


@pytest.mark.parametrize(
    ("journal", "files", "undecided"),
    [
        (["planned"], [], True),
        (["planned", "armed", "applying", "applied", "probed"], [], True),
        (["planned", "applied"], ["decided"], False),
        (["planned", "applied", "confirmed"], [], False),
        (["planned", "abandoned"], [], False),
        (["-planned", "-applied"], [], False),
        ([], [], False),
    ],
)
def test_a_transaction_that_nobody_has_decided_yet_is_told(journal: list[str], files: list[str], undecided: bool, folder: Path) -> None:
    boot_id = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    room = folder / "state/transactions/900000"
    room.mkdir(parents=True)
    for name in files:
        (room / name).symlink_to("confirmed")
    lines = [f"1.00 2026-01-01T00:00:00Z {'other' if word[0] == '-' else boot_id} {word.lstrip('-')} x\n" for word in journal]
    (room / "journal").write_text("".join(lines))
    assert HostTreater(PROGRAM).list_undecided() == ((900000,) if undecided else ())


def test_one_that_stands_by_serves_whichever_card_and_is_followed_by_another(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ours = HostTreater(PROGRAM)
    ours.stand_by = True
    assert ours.read_ended() == ()
    awake = ours._awake[""].job
    ours.warm_up("nothing0")
    assert list(ours._awake) == [""]
    assert ours.read_ended() == ()
    assert ours._awake[""].job is awake
    ours.begin(INCIDENT, "restore", RESTORE)
    assert ours._running[1].job is awake
    assert await_end(ours)[1] == 22
    assert not ours._awake
    monkeypatch.setattr(treater, "_AGAIN_S", 0.0)
    ours._any_at_s = 0.0
    assert ours.read_ended() == ()
    assert ours._awake[""].job is not awake
    ours.stand_by = False
    until = time.monotonic() + 40
    while (ours._awake or ours._asleep) and time.monotonic() < until:
        assert ours.read_ended() == ()
        time.sleep(0.1)
    assert not ours._asleep
    assert list_fifos(folder) == []


def test_its_transactions_are_found_and_those_of_others_are_not(folder: Path) -> None:
    text = """
state=$NICMEDIC_STATE/transactions
for each in 4:nothing0 5:other0 6:nothing0; do
    mkdir -p "$state/${each%:*}"
    printf '{"plan": {"nic": {"interface": "%s"}}}' "${each#*:}" >"$state/${each%:*}/plan.json"
done
mkdir "$state/7"
echo 'nicmedic: looking: 2 cards' >&2
echo 'nothing0 is back: traffic flows since driver-rebind (transaction 6)'
echo
echo 'What was tried'
"""
    (folder / "state/transactions/3").mkdir(parents=True)
    (folder / "state/transactions/3/plan.json").write_text('{"plan": {"nic": {"interface": "nothing0"}}}')
    ours = HostTreater(script(folder, text))
    ours.begin(INCIDENT, "restore", RESTORE)
    assert await_end(ours) == (1, 0, "nothing0 is back: traffic flows since driver-rebind (transaction 6)", (4, 6))


@pytest.mark.parametrize(
    ("text", "status", "line"),
    [
        ("echo 'nicmedic: rolled back: x'; echo '     nicmedic undo'; exit 43", 43, "rolled back: x"),
        ("echo odd; exit 7", 7, "odd"),
        ("exit 7", 7, "it ended with status 7 and said nothing"),
        ("kill -9 $$", -9, "it ended with status -9 and said nothing"),
    ],
)
def test_what_it_said_last_is_told(text: str, status: int, line: str, folder: Path) -> None:
    ours = HostTreater(script(folder, text))
    ours.begin(INCIDENT, "restore", RESTORE)
    assert await_end(ours) == (1, status, line, ())


def test_what_cannot_be_started_has_ended(folder: Path) -> None:
    ours = HostTreater((str(folder / "none"),))
    ours.begin(INCIDENT, "restore", RESTORE)
    number, status, line, _ = await_end(ours)
    assert (number, status) == (1, 10)
    assert "cannot be started" in line
    ours = HostTreater(("nicmedic-that-is-nowhere",))
    ours.begin(INCIDENT, "restore", RESTORE)
    assert await_end(ours)[2] == "nicmedic-that-is-nowhere is not installed"


def test_a_treatment_outlives_the_watcher(folder: Path) -> None:
    program = script(folder, f"sleep 1; echo done >{folder}/done")
    child = os.fork()
    if child == 0:
        HostTreater(program).begin(INCIDENT, "restore", RESTORE)
        os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(child, 0)
    until = time.monotonic() + 20
    while not (folder / "done").exists() and time.monotonic() < until:
        time.sleep(0.1)
    assert (folder / "done").read_text() == "done\n"


def test_a_woken_one_goes_with_the_watcher(folder: Path) -> None:
    """It holds no end of the FIFO for writing, so it sees that nobody does any more."""
    ready, write = os.pipe()
    child = os.fork()
    if child == 0:
        ours = HostTreater(PROGRAM)
        ours.warm_up("nothing0")
        started = ours._awake["nothing0"].job._started
        assert started is not None
        os.write(write, str(started.pid).encode())
        time.sleep(3)
        os.kill(os.getpid(), signal.SIGKILL)
    pid = int(os.read(ready, 20))
    os.close(ready)
    os.close(write)
    os.waitpid(child, 0)
    until = time.monotonic() + 15
    while Path(f"/proc/{pid}/cmdline").exists() and Path(f"/proc/{pid}/cmdline").read_bytes() and time.monotonic() < until:
        time.sleep(0.1)
    assert not Path(f"/proc/{pid}/cmdline").exists() or not Path(f"/proc/{pid}/cmdline").read_bytes()


def test_errands_are_done_one_after_the_other(folder: Path) -> None:
    ours = HostErrands(script(folder, f'echo "$*" >>{folder}/said; sleep 0.3'))
    ours.keep_evidence(3)
    ours.keep_evidence(4)
    ours.note_boot()
    until = time.monotonic() + 20
    while (ours._job or ours._waiting) and time.monotonic() < until:
        ours.turn()
        time.sleep(0.05)
    assert (folder / "said").read_text().splitlines() == ["watch --keep 3", "watch --keep 4", "watch --keep boot"]


def test_outside_of_the_unit_it_is_process_1_that_begins_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Here systemd-run cannot: the job has ended, and says why."""
    monkeypatch.setattr(jobs, "is_confined", lambda: True)
    monkeypatch.setattr(jobs, "JOBS", str(folder / "jobs"))
    job = jobs.start_job("treat", ("/bin/true",), description="x")
    until = time.monotonic() + 20
    while job.read_status() is None and time.monotonic() < until:
        time.sleep(0.05)
    if not Path("/run/systemd/system").is_dir():
        assert job.read_status() == 10
        assert job.read_output()
    job.forget()
