# SPDX-License-Identifier: GPL-2.0-or-later
"""``nicmedic incidents``, the whole program, over a real database."""

import dataclasses
import json
import os
import pty
import re
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from nicmedic.cli.main import main
from nicmedic.host.watching.lock import hold_lock
from nicmedic.host.watching.sign_of_life import is_watched, read_last_sign
from nicmedic.model.incident import Action, ActionState, Evidence, EvidenceKind, Incident, IncidentVerdict
from nicmedic.store import HostIncidents

SCHEMA = json.loads((Path(__file__).parents[2] / "docs/schema/incidents-1.json").read_text(encoding="utf-8"))
BOOT_ID = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
LOG = b"[  121.0] e1000e 0000:02:00.0 eth0: Detected Hardware Unit Hang \x1b[2J\xff\n"
ARCHIVE = b"\x1f\x8b\x00\xff"
OPEN = Incident(
    boot_id=BOOT_ID,
    interface="eth0",
    driver="e1000e",
    verdict=IncidentVerdict.NIC_HUNG,
    reasons=("queue 0 holds 196 bytes",),
    began="2026-11-23T02:59:59+00:00",
    began_uptime_s=1.0,
    detected="2026-11-23T03:00:00+00:00",
    detected_uptime_s=1.6,
)
PAST = dataclasses.replace(OPEN, boot_id="earlier", began="2026-11-20T02:59:59", verdict=IncidentVerdict.LINK)
PIECES = (
    Evidence(kind=EvidenceKind.KERNEL_LOG, at=OPEN.detected, data=LOG),
    Evidence(kind=EvidenceKind.HOST, at=OPEN.detected, data=ARCHIVE),
    Evidence(kind=EvidenceKind.SAMPLES, at=OPEN.detected, data=b"", thinned=True),
)


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("NICMEDIC_STATE", str(tmp_path / "state"))
    return tmp_path / "state"


@pytest.fixture(autouse=True)
def lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """As if this process watched; what other tests leave behind does not count."""
    path = tmp_path / "watch.lock"
    monkeypatch.setattr("nicmedic.host.watching.sign_of_life.LOCK", str(path))
    monkeypatch.setattr("nicmedic.host.watching.sign_of_life.METRICS_FILE", str(tmp_path / "metrics.prom"))
    descriptor, odd = hold_lock(str(path))
    assert odd is None
    yield path
    os.close(descriptor)


@pytest.fixture
def store(state: Path) -> HostIncidents:
    store = HostIncidents(str(state), evidence_bytes=64 << 20)
    store.add_incident(PAST, ())
    return store


def nicmedic(*words: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([sys.executable, "-m", "nicmedic", *words], capture_output=True, check=False, timeout=60)


def test_where_nobody_watched_that_is_told(state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["incidents"]) == 0
    assert capsys.readouterr().out.startswith("no incidents: nobody has watched this host yet\n\n  nicmedic install-service ")
    assert main(["incidents", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"schema": "nicmedic.incidents/1", "database": None, "incidents": []}
    assert main(["incidents", "3"]) == 30
    assert "there is no incident 3" in capsys.readouterr().err
    assert not state.exists()


def test_the_status_tells_whether_one_is_open(store: HostIncidents, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["incidents"]) == main(["incidents", "1"]) == 0
    assert capsys.readouterr().out.startswith("no incident is open; the last one, 1: eth0 (e1000e) had no link")
    store.add_incident(OPEN, ())
    assert main(["incidents"]) == main(["incidents", "2"]) == main(["incidents", "--json"]) == 1
    assert capsys.readouterr().out.startswith("eth0 (e1000e) hangs since 2026-11-23 02:59:59, for ")
    assert main(["incidents", "1"]) == 0
    store.update_incident(
        dataclasses.replace(OPEN, id=2, ended=OPEN.detected, ended_why="restored", restored=OPEN.detected, restored_uptime_s=3.0)
    )
    assert main(["incidents"]) == 0


def test_whether_anybody_watches_now_is_told(
    store: HostIncidents, lock: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    store.add_incident(OPEN, ())
    assert is_watched(str(lock)) is True
    monkeypatch.setattr("nicmedic.host.watching.sign_of_life.LOCK", str(lock.parent / "none"))
    assert (is_watched(), read_last_sign()) == (False, None)
    assert main(["incidents"]) == 1
    said = " ".join(capsys.readouterr().out.split())
    assert said.startswith("nobody watches now: eth0 (e1000e) hung at 2026-11-23 02:59:59, open when the watcher ended")
    (lock.parent / "metrics.prom").write_text("nicmedic_hung 1\nnicmedic_watch_heartbeat_timestamp_seconds 1.0e9\n")
    assert str(read_last_sign())[:10] in {"2001-09-08", "2001-09-09"}  # somewhere on earth
    (lock.parent / "metrics.prom").write_text("nicmedic_watch_heartbeat_timestamp_seconds 1e300\n")
    assert read_last_sign() is None
    assert is_watched(f"{lock}/x") is None
    (lock.parent / "free").touch()
    assert is_watched(str(lock.parent / "free")) is False


def test_an_open_one_is_told_however_old_it_is(store: HostIncidents, capsys: pytest.CaptureFixture[str]) -> None:
    store.add_incident(OPEN, ())
    for _ in range(24):
        store.add_incident(PAST, ())
    assert main(["incidents", "--json", "--last", "2"]) == main(["incidents", "--last", "2"]) == 1
    told = capsys.readouterr().out.partition("\n}\n")[2]
    assert told.startswith("eth0 (e1000e) hangs since 2026-11-23 02:59:59, for ")
    assert "\n  24 more: nicmedic incidents --last 26\n" in told


def test_it_is_read_while_it_is_written(store: HostIncidents) -> None:
    for number in range(2, 6):
        store.add_incident(PAST, PIECES)
        listed = json.loads(nicmedic("incidents", "--json").stdout)
        assert [one["id"] for one in listed["incidents"]] == list(range(1, number + 1))


def test_the_json_fits_its_schema(store: HostIncidents, state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store.add_incident(OPEN, PIECES)
    store.add_action(2, Action(what="restore", state=ActionState.HELPED, began=OPEN.detected, transactions=(4,)))
    document: dict[str, Any] = {}
    for words in (["incidents", "--json"], ["incidents", "2", "--json"]):
        assert main(words) == 1
        document = json.loads(capsys.readouterr().out)
        jsonschema.Draft202012Validator(SCHEMA).validate(document)
        assert document["database"] == str(state / "incidents.db")
    assert [piece["kind"] for piece in document["incidents"][0]["evidence"]] == ["kernel_log", "host", "samples"]


def test_some_can_be_chosen(store: HostIncidents, capsys: pytest.CaptureFixture[str]) -> None:
    for _ in range(24):
        store.add_incident(dataclasses.replace(PAST, began="2020-01-01T00:00:00+00:00"), ())
    store.add_incident(OPEN, ())

    def list_ids(*words: str) -> list[int]:
        assert main(["incidents", *words]) == 1
        return [int(found) for found in re.findall(r"^ +(\d+)  2", capsys.readouterr().out, re.MULTILINE)]

    assert list_ids() == list(range(26, 6, -1))
    assert list_ids("--last", "2") == [26, 25]
    assert list_ids("--since", "2026-11-01") == [26, 1]
    assert list_ids("--since", "2026-11-01", "--last", "1") == [26]
    assert main(["incidents", "--json", "--since", "2026-11-21"]) == 1
    assert [one["id"] for one in json.loads(capsys.readouterr().out)["incidents"]] == [26]


def test_a_piece_of_evidence_is_handed_out_as_it_was_kept(store: HostIncidents, tmp_path: Path) -> None:
    store.add_incident(OPEN, PIECES)
    for words, data in ((("kernel_log",), LOG), (("1",), LOG), (("host",), ARCHIVE)):
        done = nicmedic("incidents", "2", "--evidence", *words)
        assert (done.returncode, done.stdout, done.stderr) == (0, data, b"")
    file = tmp_path / "archive"
    assert nicmedic("incidents", "2", "--evidence", "2", "-o", str(file)).returncode == 0
    assert file.read_bytes() == ARCHIVE
    assert nicmedic("incidents", "2", "--evidence", "host", "-o", str(tmp_path / "none/x")).returncode == 20
    with open("/dev/full", "wb") as full:  # noqa: PTH123  # a device
        command = [sys.executable, "-m", "nicmedic", "incidents", "2", "--evidence", "host"]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, check=False, timeout=60)
    assert done.returncode == 10
    assert b"standard output cannot be written: No space left" in done.stderr


def test_its_kernel_log_can_be_explained(store: HostIncidents, tmp_path: Path) -> None:
    store.add_incident(OPEN, PIECES)
    log = tmp_path / "log"
    log.write_bytes(nicmedic("incidents", "2", "--evidence", "kernel_log").stdout)
    assert nicmedic("explain", str(log)).returncode == 1


@pytest.mark.parametrize(
    ("words", "status", "told"),
    [
        (("2", "--evidence", "samples"), 30, "was given up"),
        (("2", "--evidence", "changes"), 30, "has no evidence changes"),
        (("2", "--evidence", "9"), 30, "has no evidence 9"),
        (("2", "--evidence", "0"), 30, "has no evidence 0"),
        (("2", "--evidence", "tea"), 2, "no kind of evidence"),
        (("--evidence", "host"), 2, "one piece of one incident"),
        (("2", "--json", "--evidence", "host"), 2, "one piece of one incident"),
        (("2", "--output", "x"), 2, "is for a piece of evidence"),
        (("2", "--last", "3"), 2, "one was named"),
        (("--last", "0"), 2, "no number of incidents"),
        (("-3",), 2, ""),
        (("x",), 2, "no number of an incident"),
        (("--since", "never"), 2, "no point in time"),
        (("99",), 30, "there is no incident 99"),
    ],
)
def test_what_makes_no_sense_is_told(
    store: HostIncidents, words: tuple[str, ...], status: int, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    store.add_incident(OPEN, PIECES)
    try:
        assert main(["incidents", *words]) == status
    except SystemExit as ended:
        assert ended.code == status  # noqa: PT017  # argparse's own way
    assert told in capsys.readouterr().err


def test_a_terminal_gets_no_escapes_of_a_log_and_no_archive(store: HostIncidents) -> None:
    store.add_incident(OPEN, PIECES)

    def show(kind: str) -> tuple[int, bytes]:
        ours, theirs = pty.openpty()
        command = [sys.executable, "-m", "nicmedic", "incidents", "2", "--evidence", kind]
        with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=theirs, stderr=theirs) as process:
            os.close(theirs)
            shown = b""
            try:
                while more := os.read(ours, 4096):
                    shown += more
            except OSError:  # the other end is closed
                pass
            os.close(ours)
        return process.returncode, shown

    status, shown = show("kernel_log")
    assert status == 0
    assert b"Hardware Unit Hang \\x1b[2J" in shown
    assert b"\x1b" not in shown
    status, shown = show("host")
    assert status == 2
    assert b"is an archive" in shown
    assert b"\x1f" not in shown


def test_a_damaged_database_is_told_and_left_alone(store: HostIncidents, state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store.close()
    (state / "incidents.db").write_bytes(b"rot" * 1000)
    assert main(["incidents"]) == 27
    told = capsys.readouterr().err
    assert "damaged: file is not a database" in told
    assert "nicmedic-watch" in told
    assert [path.name for path in state.iterdir()] == ["incidents.db"]


def test_one_of_the_future_is_told(store: HostIncidents, state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store.close()
    connection = sqlite3.connect(state / "incidents.db")
    connection.execute("PRAGMA user_version=77")
    connection.close()
    assert main(["incidents"]) == 27
    assert "version 77" in capsys.readouterr().err


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_somebody_who_may_not_read_it_is_told_so(store: HostIncidents) -> None:
    store.close()
    assert main(["incidents"]) == 0  # all that it imports is there: this checkout may be closed to others
    ours, theirs = os.pipe()
    child = os.fork()
    if child == 0:
        os.setgid(65534)
        os.setuid(65534)
        os.dup2(theirs, 2)
        sys.stderr = os.fdopen(2, "w", closefd=False)
        os._exit(main(["incidents"]))
    os.close(theirs)
    with os.fdopen(ours) as told:
        assert re.search("Permission denied; this is user 65534\n +sudo -i ", told.read())
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 27
