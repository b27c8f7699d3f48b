# SPDX-License-Identifier: GPL-2.0-or-later
"""Incidents on a disk that fills up, goes read-only, and belongs to processes that are killed."""

import json
import os
import random
import select
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from nicmedic.model.errors import StateError
from nicmedic.model.incident import Evidence, EvidenceKind, Incident, IncidentVerdict
from nicmedic.store import HostIncidents

BEGIN = """
import os, sys
from nicmedic.model.errors import StateError
from nicmedic.model.incident import Action, ActionState, Evidence, EvidenceKind, Incident, IncidentVerdict
from nicmedic.store import HostIncidents

def make(name="eth0"):
    return Incident(
        boot_id="b", interface=name, verdict=IncidentVerdict.NIC_HUNG, reasons=("r",), began="t", began_uptime_s=1.0, detected="t",
        detected_uptime_s=2.0,
    )

def piece(size=30_000):
    return Evidence(kind=EvidenceKind.HOST, at="t", data=b"\\x1f\\x8b" + os.urandom(size))

folder = sys.argv[1]
def keep(folder):
    return HostIncidents(folder, evidence_bytes=64 << 20)

store = keep(folder)
"""
WRITE_FOR_EVER = """
if sys.argv[2] == "eth1":
    store = HostIncidents(folder)  # a guest, beside the keeper
while True:
    incident = store.add_incident(make(sys.argv[2]), (piece(),))
    print(incident.id, flush=True)
    place = store.add_action(incident.id, Action(what="restore", state=ActionState.RUNNING, began="t"))
    store.add_evidence(incident.id, piece(100_000))
"""


def begin(code: str, *arguments: str, before: tuple[str, ...] = ()) -> subprocess.Popen[str]:
    """A program in a process of its own."""
    command = [*before, sys.executable, "-c", BEGIN + textwrap.dedent(code), *arguments]
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def run(code: str, folder: Path, size: str = "8m") -> dict[str, object]:
    """A program with a small file system of its own at the folder; what it prints last, as JSON."""
    folder.mkdir()
    mount = f'mount -t tmpfs -o size={size},mode=700 tmpfs "$0" && exec "$@"'
    process = begin(code, str(folder), before=("unshare", "--mount", "sh", "-c", mount, str(folder)))
    told, complaints = process.communicate(timeout=120)
    assert process.returncode == 0, complaints
    found = json.loads(told.splitlines()[-1])
    assert isinstance(found, dict)
    return found


# Killed ----------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("round_number", range(3))
def test_what_was_reported_is_there_after_any_kill(tmp_path: Path, round_number: int) -> None:
    folder, chance = tmp_path / "state", random.Random(round_number)
    reported: list[int] = []
    for kill in range(8):
        with begin(WRITE_FOR_EVER, str(folder), "eth0") as writer:
            assert writer.stdout is not None
            if kill % 4 == 3:  # while it opens the database, or begins one
                select.select([writer.stdout], [], [], chance.uniform(0, 0.4))
            else:
                reported.append(int(writer.stdout.readline()))
                select.select([], [], [], chance.uniform(0, 0.2))
            writer.kill()
            reported += [int(line) for line in writer.stdout if line.endswith("\n")]
        reader = HostIncidents(str(folder), read_only=True)
        if (folder / "incidents.db").exists() and reported:
            known = {incident.id for incident in reader.list_incidents()}
            assert set(reported) <= known
            assert all(reader.read_evidence(number) for number in reported[-3:])
        reader.close()
    assert len(reported) == len(set(reported)) > 5
    store = HostIncidents(str(folder), evidence_bytes=64 << 20)
    assert store.put_aside() is None
    assert {incident.id for incident in store.list_incidents()} >= set(reported)


def test_a_damaged_one_is_replaced_wholly_or_not_yet_whenever_it_is_killed(tmp_path: Path) -> None:
    folder, chance = tmp_path / "state", random.Random(7)
    store = HostIncidents(str(folder), evidence_bytes=64 << 20)
    incident = Incident(
        boot_id="b", interface="eth0", verdict=IncidentVerdict.LINK, reasons=(), began="t", began_uptime_s=1, detected="t", detected_uptime_s=2
    )  # fmt: skip
    for _ in range(200):
        store.add_incident(incident, (Evidence(kind=EvidenceKind.SAMPLES, at="t", data=b"x" * 3000),))
    store.close()
    good = (folder / "incidents.db").read_bytes()
    damaged = good.replace(b"CREATE INDEX evidence_of_incident", b"CREATE INDEX evidence_of_accident")
    assert damaged != good
    for _ in range(10):
        for path in folder.iterdir():
            path.unlink()
        (folder / "incidents.db").write_bytes(damaged)
        with begin("store.put_aside(); print('done', flush=True)", str(folder)) as opener:
            assert opener.stdout is not None
            select.select([opener.stdout], [], [], chance.uniform(0.05, 0.3))
            opener.kill()
        again = HostIncidents(str(folder), evidence_bytes=64 << 20)
        assert len(again.list_incidents()) == 200
        again.close()


# Two of them -----------------------------------------------------------------------------------------------------------------


@pytest.fixture
def writers(tmp_path: Path) -> Iterator[list[subprocess.Popen[str]]]:
    started = [begin(WRITE_FOR_EVER, str(tmp_path / "state"), name) for name in ("eth0", "eth1")]
    yield started
    for writer in started:
        writer.kill()
        writer.communicate()


def test_two_write_and_one_reads(writers: list[subprocess.Popen[str]], tmp_path: Path) -> None:
    numbers: list[int] = []
    for _ in range(15):
        for writer in writers:
            assert writer.stdout is not None
            told = writer.stdout.readline()
            assert told, writer.communicate()[1]
            numbers.append(int(told))
        reader = HostIncidents(str(tmp_path / "state"), read_only=True)
        assert set(numbers) <= {incident.id for incident in reader.list_incidents()}
        reader.close()
    assert len(set(numbers)) == len(numbers)


def test_nothing_is_put_aside_while_somebody_has_it_open(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    folder.mkdir()
    (folder / "incidents.db").write_bytes(b"rot" * 1000)
    code = """
    import time
    from nicmedic.store.folder import hold_lock
    with hold_lock(folder + "/incidents.db.lock", alone=False, patience_s=1):
        print("held", flush=True)
        time.sleep(60)
    """
    with begin(code, str(folder)) as guest:
        assert guest.stdout is not None
        assert guest.stdout.readline() == "held\n"
        store = HostIncidents(str(folder), evidence_bytes=64 << 20)
        with pytest.raises(StateError, match="another process is at it"):
            store.list_incidents()
        guest.kill()
    aside = store.put_aside()
    assert aside is not None
    assert Path(aside).read_bytes() == b"rot" * 1000


# A disk that does not take it ------------------------------------------------------------------------------------------------


def test_a_full_disk_takes_incidents_out_of_the_reserve_then_says_so_and_goes_on_when_there_is_room(tmp_path: Path) -> None:
    found = run(
        """
        import json
        store.add_incident(make(), (piece(),))
        with open(folder + "/filler", "wb", buffering=0) as filler:
            try:
                while True:
                    filler.write(bytes(4096))
            except OSError:
                pass
        taken, message = 0, ""
        while not message:
            try:
                store.add_incident(make("full"), (piece(),))
                taken += 1
            except StateError as error:
                message = error.message + " " + error.hint
        still = []
        for _ in range(3):  # no transaction is left open, reading goes on
            try:
                store.update_incident(make())
            except (StateError, ValueError) as error:
                still.append(type(error).__name__)
            still.append(len(store.list_incidents()))
        os.unlink(folder + "/filler")
        after = store.add_incident(make("after"), (piece(),)).id
        store.add_evidence(after, piece())
        store.close()
        known = keep(folder).list_incidents()
        print(json.dumps({"taken": taken, "message": message, "after": after, "known": len(known), "last": known[-1].interface}))
        """,
        tmp_path / "state",
    )
    assert isinstance(found["taken"], int)
    assert found["taken"] >= 5  # some 500 KiB were there beforehand
    assert "incidents.db: no room: database or disk is full; 0 bytes are free there df -h " in str(found["message"])
    assert (found["known"], found["last"]) == (found["taken"] + 2, "after")


def test_a_disk_that_is_full_from_the_start_is_told(tmp_path: Path) -> None:
    found = run(
        """
        import json
        with open(folder + "/filler", "wb", buffering=0) as filler:
            try:
                while True:
                    filler.write(bytes(4096))
            except OSError:
                pass
        messages = []
        for _ in range(2):
            try:
                store.add_incident(make(), ())
            except StateError as error:
                messages.append(error.message)
        os.unlink(folder + "/filler")
        print(json.dumps({"messages": messages, "after": store.add_incident(make(), ()).id}))
        """,
        tmp_path / "state",
        "256k",
    )
    assert ["no room" in str(message) for message in found["messages"]] == [True, True]  # type: ignore[attr-defined]  # a list
    assert found["after"] == 1


def test_a_disk_that_goes_read_only_can_be_read_and_is_written_again_afterwards(tmp_path: Path) -> None:
    found = run(
        """
        import json
        def remount(how):
            assert os.system(f"mount -o remount,{how} {folder}") == 0
        def refuse(store):
            try:
                store.add_incident(make(), ())
            except StateError as error:
                return error.message
        store.add_incident(make(), (piece(),))
        store.close()
        remount("ro")
        readers = [len(HostIncidents(folder, read_only=True).list_incidents())]  # nothing beside the database
        messages = [refuse(store), refuse(store)]
        remount("rw")
        store.add_incident(make(), (piece(),))
        if os.fork() == 0:
            other = keep(folder + "/other")
            other.add_incident(make(), ())
            os.kill(os.getpid(), 9)  # leaves its log behind
        os.wait()
        store.close()
        remount("ro")
        readers.append(len(HostIncidents(folder + "/other", read_only=True).list_incidents()))
        remount("rw")
        last = store.add_incident(make(), (piece(),)).id
        print(json.dumps({"readers": readers, "messages": messages, "last": last}))
        """,
        tmp_path / "state",
    )
    assert found["readers"] == [1, 1]
    assert all("read" in str(message) and "incidents.db" in str(message) for message in found["messages"])  # type: ignore[attr-defined]  # a list
    assert found["last"] == 3


def test_a_folder_that_is_read_only_and_empty_is_told(tmp_path: Path) -> None:
    found = run(
        """
        import json
        assert os.system(f"mount -o remount,ro {folder}") == 0
        messages = []
        for one in (store, keep(folder + "/below"), HostIncidents(folder + "/guest")):
            try:
                one.add_incident(make(), ())
            except StateError as error:
                messages.append(error.message + " " + error.hint)
        print(json.dumps({"messages": messages}))
        """,
        tmp_path / "state",
    )
    assert len(found["messages"]) == 3  # type: ignore[arg-type]  # a list
    assert all("Read-only file system ls -ld " in str(message) for message in found["messages"])  # type: ignore[attr-defined]  # a list


# Small -----------------------------------------------------------------------------------------------------------------------


def test_the_watcher_gets_nothing_heavy_with_it(tmp_path: Path) -> None:
    code = "store.add_incident(make(), (piece(),)); print(*sorted(sys.modules))"
    with begin(code, str(tmp_path / "state")) as process:
        assert process.stdout is not None
        modules = set(process.stdout.read().split())
    assert "sqlite3" in modules
    heavy = {"yaml", "pyroute2", "zstandard", "subprocess", "urllib", "pathlib", "shutil", "tempfile", "asyncio", "socket"}
    assert not modules & heavy
    ours = {name for name in modules if name.startswith("nicmedic.") and name.split(".")[1] not in {"store", "model"}}
    assert ours == {"nicmedic.report", "nicmedic.report.escape"}
    assert os.path.exists(tmp_path / "state")  # noqa: PTH110  # it did what it was asked
