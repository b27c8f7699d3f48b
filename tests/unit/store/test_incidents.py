# SPDX-License-Identifier: GPL-2.0-or-later
"""Incidents that are kept: the same tests for the store in memory and the one on disk, then what only a disk can do."""

import dataclasses
import sqlite3
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nicmedic.model.errors import StateError, UsageError
from nicmedic.model.incident import Action, ActionState, Evidence, EvidenceKind, Incident, IncidentVerdict
from nicmedic.ports.watching import IncidentStore
from nicmedic.store import HostIncidents
from nicmedic.store.schema import MIGRATIONS, NEWEST
from nicmedic.testing.incidents import FakeIncidents
from tests.unit.store.incidents import EVIDENCE, HELPED, HOST, RUNNING, keep, list_names, make

# Both ------------------------------------------------------------------------------------------------------------------------


def test_incidents_that_something_was_done_about_are_found_behind_all_others(store: IncidentStore) -> None:
    reboot = dataclasses.replace(HELPED, what="reboot")
    numbers = [store.add_incident(make(actions=(RUNNING, reboot)), ()).id for _ in range(2)]
    for _ in range(20):
        store.add_incident(make(actions=(HELPED, dataclasses.replace(reboot, state=ActionState.HELD_BACK))), ())
    assert [one.id for one in store.list_acted("reboot", newest=5)] == numbers
    (last,) = store.list_acted("reboot", newest=1)
    assert (last.id, last.actions) == (numbers[-1], (RUNNING, reboot))
    assert store.list_acted("prevent", newest=1) == ()


def test_what_was_added_is_there(store: IncidentStore) -> None:
    assert store.list_incidents() == ()
    assert (store.find_incident(1), store.read_evidence(1), store.put_aside()) == (None, (), None)
    added = store.add_incident(make(), EVIDENCE)
    assert added == make(id=1)
    assert store.list_incidents() == (added,)
    assert store.find_incident(1) == added
    assert store.read_evidence(1) == EVIDENCE
    store.add_evidence(1, HOST)
    assert store.read_evidence(1) == (*EVIDENCE, HOST)


def test_the_newest_are_chosen_and_told_oldest_first(store: IncidentStore) -> None:
    for name in ("eth0", "eth1", "eth2"):
        store.add_incident(make(interface=name), ())
    assert [incident.id for incident in store.list_incidents()] == [1, 2, 3]
    assert [incident.interface for incident in store.list_incidents(newest=2)] == ["eth1", "eth2"]
    assert store.list_incidents(newest=0) == ()
    assert len(store.list_incidents(newest=9)) == 3


def test_an_update_leaves_actions_and_evidence(store: IncidentStore) -> None:
    store.add_incident(make(), EVIDENCE)
    assert (store.add_action(1, RUNNING), store.add_action(1, RUNNING)) == (0, 1)
    ended = make(
        id=1, restored="2026-11-23T03:00:04+01:00", restored_uptime_s=125.0, ended="2026-11-23T03:00:04+01:00", ended_why="restored"
    )
    store.update_incident(ended)
    store.update_action(1, 0, HELPED)
    assert store.find_incident(1) == dataclasses.replace(ended, actions=(HELPED, RUNNING))
    assert store.read_evidence(1) == EVIDENCE


def test_actions_that_an_incident_brings_are_kept(store: IncidentStore) -> None:
    store.add_incident(make(actions=(HELPED,)), ())
    assert store.add_action(1, RUNNING) == 1
    assert [incident.actions for incident in store.list_incidents()] == [(HELPED, RUNNING)]


def test_an_incident_without_a_number_cannot_be_updated(store: IncidentStore) -> None:
    with pytest.raises(ValueError, match="has no number"):
        store.update_incident(make())


def test_what_was_lost_is_written_again_with_its_number(store: IncidentStore) -> None:
    store.update_incident(make(id=7))
    store.update_action(7, 0, HELPED)
    assert store.list_incidents() == (make(id=7, actions=(HELPED,)),)
    assert store.add_incident(make(), ()).id == 8


def test_the_last_healthy_boot_is_the_newest_before_without_a_hang(store: IncidentStore) -> None:
    assert store.find_last_healthy_boot("b1") is None
    for number in range(1, 5):
        store.note_boot(f"b{number}", {"kernel": str(number)}, "2026-11-23T03:00:00+01:00")
    store.note_boot("b1", {"kernel": "1a"}, "2026-11-23T03:01:00+01:00")  # keeps its place
    assert store.find_last_healthy_boot("b1") is None
    assert store.find_last_healthy_boot("b4") == {"kernel": "3"}
    assert store.find_last_healthy_boot("unknown") == {"kernel": "4"}
    store.add_incident(make(boot_id="b3"), ())
    store.add_incident(make(boot_id="b2", verdict=IncidentVerdict.LINK), ())
    assert store.find_last_healthy_boot("b4") == {"kernel": "2"}
    store.add_incident(make(boot_id="b2"), ())
    assert store.find_last_healthy_boot("b4") == {"kernel": "1a"}


TEXT = st.text(st.characters(codec="utf-8"), max_size=30)
INCIDENTS = st.builds(
    make,
    interface=TEXT,
    driver=st.none() | TEXT,
    verdict=st.sampled_from(IncidentVerdict),
    reasons=st.lists(TEXT, max_size=3).map(tuple),
    restored_uptime_s=st.none() | st.floats(0, 1e9),
)
ACTIONS = st.builds(
    Action,
    what=TEXT,
    state=st.sampled_from(ActionState),
    began=TEXT,
    ended=st.none() | TEXT,
    transactions=st.lists(st.integers(0, 2**62), max_size=3).map(tuple),
    detail=TEXT,
)
PIECES = st.builds(Evidence, kind=st.sampled_from(EvidenceKind), at=TEXT, data=st.binary(max_size=300), thinned=st.booleans())


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=20)
@given(incident=INCIDENTS, action=ACTIONS, piece=PIECES)
def test_whatever_is_written_is_read(store: IncidentStore, incident: Incident, action: Action, piece: Evidence) -> None:
    number = store.add_incident(incident, (piece,)).id
    assert number is not None
    store.add_action(number, action)
    assert store.find_incident(number) == dataclasses.replace(incident, id=number, actions=(action,))
    assert store.read_evidence(number) == (piece,)


# The fake --------------------------------------------------------------------------------------------------------------------


def test_the_fake_fails_at_the_call_that_is_named_or_when_it_writes() -> None:
    fake = FakeIncidents()
    fake.fails_at = frozenset({2})
    fake.add_incident(make(), ())
    with pytest.raises(StateError, match="no room"):
        fake.update_incident(make(id=1))
    fake.update_incident(make(id=1))
    fake.is_full = True
    with pytest.raises(StateError):
        fake.add_action(1, RUNNING)
    assert fake.list_incidents() == (make(id=1),)
    assert fake.calls == ["add_incident", "update_incident", "update_incident", "add_action", "list_incidents"]


# The disk --------------------------------------------------------------------------------------------------------------------


def test_the_folder_is_named_by_the_environment_and_a_whole_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NICMEDIC_STATE", raising=False)
    assert HostIncidents().path == "/var/lib/nicmedic/incidents.db"
    monkeypatch.setenv("NICMEDIC_STATE", "/srv/x")
    assert HostIncidents().path == "/srv/x/incidents.db"
    monkeypatch.setenv("NICMEDIC_STATE", "here")
    with pytest.raises(UsageError, match="not a whole path"):
        HostIncidents()


def test_only_its_owner_may_read_it(folder: Path) -> None:
    keep(folder).add_incident(make(), ())
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {(path.name, path.stat().st_mode & 0o777) for path in folder.iterdir()} == {
        (name, 0o600) for name in ("incidents.db", "incidents.db-shm", "incidents.db-wal")
    }


def test_room_for_an_incident_is_there_beforehand(folder: Path) -> None:
    store = keep(folder)
    assert store.list_incidents() == ()
    assert (folder / "incidents.db-wal").stat().st_size == 512 << 10
    for _ in range(100):
        store.add_incident(make(), ())
        store.add_evidence(1, HOST)
    assert (folder / "incidents.db-wal").stat().st_size == 512 << 10
    store.close()
    assert list_names(folder) == ["incidents.db"]
    assert len(keep(folder).read_evidence(1)) == 100


def test_names_that_are_no_unicode_are_kept_as_escapes(folder: Path) -> None:
    store = keep(folder)
    store.add_incident(make(interface="eth\udcff"), ())
    assert [incident.interface for incident in store.list_incidents()] == ["eth\\udcff"]


def test_the_tables_have_a_column_for_every_field(folder: Path) -> None:
    """Who gives ``Incident`` or ``Action`` a field writes a migration."""
    store = keep(folder)
    store.add_incident(make(), ())
    connection = sqlite3.connect(folder / "incidents.db")
    for table, cls, more in (("incident", Incident, {"actions"}), ("action", Action, set[str]())):
        columns = {row[1] for row in connection.execute(f"PRAGMA table_info({table})")} - {"incident", "place"}
        assert columns == {field.name for field in dataclasses.fields(cls)} - more
    connection.close()
    assert len(MIGRATIONS) == NEWEST


def test_a_database_of_the_future_is_refused_and_left_alone(folder: Path) -> None:
    store = keep(folder)
    store.add_incident(make(), ())
    store.close()
    connection = sqlite3.connect(folder / "incidents.db")
    connection.execute("PRAGMA user_version=99")
    connection.close()
    for again in (keep(folder), HostIncidents(str(folder), read_only=True)):
        with pytest.raises(StateError, match="version 99, and this nicmedic knows versions up to"):
            again.list_incidents()
    assert list_names(folder)[0] == "incidents.db"
    assert not [name for name in list_names(folder) if "damaged" in name]


def test_a_reader_of_an_older_database_says_who_brings_it_up_to_date(folder: Path) -> None:
    folder.mkdir()
    connection = sqlite3.connect(folder / "incidents.db")
    connection.execute("CREATE TABLE t (a)")
    connection.close()
    with pytest.raises(StateError, match="version 0, and this nicmedic reads version"):
        HostIncidents(str(folder), read_only=True).list_incidents()


def test_a_reader_writes_nothing(folder: Path) -> None:
    with pytest.raises(StateError, match="No such file"):
        HostIncidents(str(folder), read_only=True).list_incidents()
    assert not folder.exists()
    writer, reader = keep(folder), HostIncidents(str(folder), read_only=True)
    writer.add_incident(make(), EVIDENCE)
    assert (len(reader.list_incidents()), reader.read_evidence(1)) == (1, EVIDENCE)
    writer.add_incident(make(), ())
    assert len(reader.list_incidents()) == 2
    with pytest.raises(StateError, match="readonly"):
        reader.add_incident(make(), ())


def test_who_holds_the_database_is_waited_for_shortly_and_told(folder: Path) -> None:
    store = keep(folder)
    store.add_incident(make(), ())
    other = sqlite3.connect(folder / "incidents.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StateError, match="another process holds it") as caught:
        store.add_incident(make(), ())
    assert caught.value.hint.startswith("fuser -v ")
    assert len(store.list_incidents()) == 1
    other.execute("ROLLBACK")
    assert store.add_incident(make(), ()).id == 2
    other.close()


def test_a_reader_that_stands_still_holds_nobody_up(folder: Path) -> None:
    store = keep(folder)
    store.add_incident(make(), ())
    reader = sqlite3.connect(folder / "incidents.db", isolation_level=None)
    reader.execute("BEGIN")
    assert reader.execute("SELECT count(*) FROM incident").fetchone() == (1,)
    for _ in range(60):
        store.add_incident(make(), EVIDENCE)
        store.add_evidence(1, HOST)
    assert reader.execute("SELECT count(*) FROM incident").fetchone() == (1,)
    reader.close()
    for _ in range(60):
        store.add_evidence(1, HOST)
    assert len(store.list_incidents()) == 61
    assert (folder / "incidents.db-wal").stat().st_size < 6 << 20


def test_a_file_that_was_taken_away_is_not_written_to(folder: Path) -> None:
    store = keep(folder)
    store.add_incident(make(), ())
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()
    store.add_incident(make(interface="eth9"), ())
    assert [incident.interface for incident in keep(folder).list_incidents()] == ["eth9"]


def test_after_a_fork_it_says_that_it_is_of_no_use(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = keep(folder)
    store.add_incident(make(), ())
    monkeypatch.setattr("os.getpid", lambda: 1)
    with pytest.raises(RuntimeError, match="before a fork"):
        store.list_incidents()
