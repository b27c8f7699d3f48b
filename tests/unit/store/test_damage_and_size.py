# SPDX-License-Identifier: GPL-2.0-or-later
"""What becomes of incidents on a disk that rots, and of their evidence where it takes too much."""

import dataclasses
import json
import sqlite3
import zlib
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nicmedic.model.errors import StateError
from nicmedic.model.incident import Action, Incident, IncidentVerdict
from nicmedic.store import HostIncidents
from nicmedic.store.folder import hold_lock
from nicmedic.store.incidents import _read_stored
from nicmedic.store.rows import build_incident
from nicmedic.store.thinning import cut_log, thin_samples
from tests.unit.store.incidents import EVIDENCE, HELPED, HOST, keep, list_names, make

# Damage ----------------------------------------------------------------------------------------------------------------------


def test_what_is_no_database_is_put_aside_and_a_new_one_begun(folder: Path) -> None:
    folder.mkdir()
    (folder / "incidents.db").write_bytes(b"not a database, but something that somebody may want\n" * 50)
    with pytest.raises(StateError, match=r"damaged.*file is not a database") as caught:
        HostIncidents(str(folder), read_only=True).list_incidents()
    assert "puts it aside" in caught.value.hint
    store = keep(folder)
    aside = store.put_aside()
    assert aside is not None
    assert aside.startswith(f"{folder}/incidents.db.damaged-")
    assert Path(aside).read_bytes().startswith(b"not a database")
    assert store.add_incident(make(), ()).id == 1
    again = keep(folder)
    assert again.put_aside() is None
    age_s = again.read_damage_age_s()
    assert age_s is not None
    assert -1 < age_s < 60
    Path(aside).unlink()
    assert again.read_damage_age_s() is None


def damage(folder: Path, find: bytes, replacement: bytes) -> None:
    path = folder / "incidents.db"
    data = path.read_bytes()
    assert find in data
    path.write_bytes(data.replace(find, replacement))


def test_what_can_be_read_of_a_damaged_one_is_saved(folder: Path) -> None:
    store = keep(folder)
    for name in ("eth0", "eth1", "eth2"):
        store.add_incident(make(interface=name), EVIDENCE)
    store.add_action(3, HELPED)
    store.note_boot("b0", {"kernel": "1"}, "2026-11-23T03:00:00+01:00")
    store.close()
    damage(folder, b"eth1e1000epci0000:02:00.0nic_hung", b"eth1e1000epci0000:02:00.0nic_hurt")
    damage(folder, b"CREATE INDEX evidence_of_incident", b"CREATE INDEX evidence_of_accident")
    store = keep(folder)
    assert [incident.interface for incident in store.list_incidents()] == ["eth0", "eth2"]
    aside = store.put_aside()
    assert aside is not None
    assert Path(aside).exists()
    assert store.read_evidence(3) == EVIDENCE
    assert [incident.actions for incident in store.list_incidents()] == [(), (HELPED,)]
    assert store.find_last_healthy_boot("b1") == {"kernel": "1"}
    assert store.add_incident(make(), ()).id == 4
    store.close()
    assert keep(folder).put_aside() is None


def test_a_row_that_is_not_ours_is_passed_over_and_costs_nothing_else(folder: Path) -> None:
    store = keep(folder)
    for name in ("eth0", "eth1", "eth2"):
        store.add_incident(make(interface=name), EVIDENCE)
    store.add_action(3, HELPED)
    for number in (1, 2):
        store.note_boot(f"b{number}", {"kernel": str(number)}, "2026-11-23T03:00:00+01:00")
    store.update_incident(make(id=1, interface="eth0", boot_id="b9"))
    connection = sqlite3.connect(folder / "incidents.db")
    connection.execute("UPDATE incident SET reasons = '[', boot_id = 'b9' WHERE id = 2")
    connection.execute("UPDATE incident SET boot_id = 'b9'")
    connection.execute("UPDATE action SET state = 'tea' WHERE incident = 3")
    connection.execute("UPDATE boot SET facts = '[' WHERE boot_id = 'b2'")
    connection.commit()
    connection.close()
    for again in (store, keep(folder), HostIncidents(str(folder), read_only=True)):
        assert [(incident.interface, incident.actions) for incident in again.list_incidents()] == [("eth0", ()), ("eth2", ())]
        assert again.unreadable == 2
        assert (again.find_incident(2), again.unreadable) == (None, 1)
        assert (again.read_evidence(2), again.unreadable) == (EVIDENCE, 0)
        assert again.find_last_healthy_boot("b3") == {"kernel": "1"}
        assert again.put_aside() is None
        again.close()


def test_evidence_is_saved_however_long_incidents_took(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = keep(folder)
    for _ in range(3):
        store.add_incident(make(), EVIDENCE)
    store.close()
    damage(folder, b"CREATE INDEX evidence_of_incident", b"CREATE INDEX evidence_of_accident")
    now_s = 0.0

    def build(row: Sequence[object], actions: Sequence[Action]) -> Incident:
        nonlocal now_s
        now_s += 60
        return build_incident(row, actions)

    monkeypatch.setattr("nicmedic.store.salvage.build_incident", build)
    monkeypatch.setattr("nicmedic.store.salvage.time.monotonic", lambda: now_s)
    store = keep(folder)
    assert store.put_aside() is not None
    assert [store.read_evidence(number) for number in (1, 2, 3)] == [EVIDENCE] * 3


def test_a_guest_tells_of_damage_and_leaves_it_to_the_keeper(folder: Path) -> None:
    keep(folder).close()
    folder.mkdir(exist_ok=True)
    (folder / "incidents.db").write_bytes(b"rot" * 1000)
    with pytest.raises(StateError, match="damaged: file is not a database"):
        HostIncidents(str(folder)).list_incidents()
    assert (folder / "incidents.db").read_bytes() == b"rot" * 1000
    with hold_lock(f"{folder}/incidents.db.lock", alone=False, patience_s=1):  # a lock of this process stands in nobody's way here
        assert keep(folder).list_incidents() == ()


def test_a_guest_gives_up_no_evidence(folder: Path) -> None:
    keeper, guest = HostIncidents(str(folder), evidence_bytes=1000), HostIncidents(str(folder))
    for _ in range(4):
        guest.add_incident(make(), EVIDENCE)
        guest.update_incident(make(id=1))
    assert guest.read_evidence(1) == EVIDENCE
    keeper.update_incident(make(id=1))
    assert all(piece.thinned for piece in guest.read_evidence(1))
    assert guest.read_evidence(4) == EVIDENCE


def test_evidence_that_rotted_is_found_out(folder: Path) -> None:
    store = keep(folder)
    store.add_incident(make(), EVIDENCE[:1])
    store.close()
    packed = zlib.compress(EVIDENCE[0].data, 1)
    damage(folder, packed[20:40], bytes(20))
    store = HostIncidents(str(folder), evidence_bytes=0)
    for again in (HostIncidents(str(folder), read_only=True), store):
        assert (again.read_evidence(1), again.unreadable) == ((), 1)
        assert again.find_incident(1) == make(id=1)
    for _ in range(3):
        store.update_incident(store.add_incident(make(), ()))
    assert sum_stored(folder) == 0
    assert store.put_aside() is None


def test_a_replacement_that_a_kill_left_unnamed_gets_its_name(folder: Path) -> None:
    store = keep(folder)
    store.add_incident(make(), EVIDENCE)
    store.close()
    (folder / "incidents.db").rename(folder / "incidents.db.new")
    assert keep(folder).list_incidents() == (make(id=1),)


def test_only_the_newest_damaged_ones_are_kept(folder: Path) -> None:
    folder.mkdir()
    for number in range(6):
        (folder / "incidents.db").write_bytes(b"%d" % number)
        store = keep(folder)
        aside = store.put_aside()
        assert aside is not None
        assert Path(aside).read_bytes() == b"%d" % number
        store.close()
    assert len([name for name in list_names(folder) if "damaged" in name]) == 3


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(data=st.data())
def test_damage_anywhere_ends_in_a_working_store(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    """Whatever a disk does to the bytes: it goes on, and what it tells of before is what was written, or nothing."""
    folder = tmp_path_factory.mktemp("state")
    store = keep(folder)
    written = [store.add_incident(make(interface=f"eth{number}"), EVIDENCE) for number in range(5)]
    names = ["incidents.db"]
    if data.draw(st.booleans(), "as a kill leaves it"):
        copies = {path.name: path.read_bytes() for path in folder.iterdir()}
        store.close()
        for name, content in copies.items():
            (folder / name).write_bytes(content)
        names.append("incidents.db-wal")
    store.close()
    path = folder / data.draw(st.sampled_from(names))
    broken = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(broken) - 1) | st.integers(0, 100))
        junk = data.draw(st.binary(min_size=1, max_size=64))
        broken[place : place + len(junk)] = junk
    path.write_bytes(bytes(broken)[: data.draw(st.just(len(broken)) | st.integers(0, len(broken)))])
    store = keep(folder)
    try:
        known = store.list_incidents()
    except StateError as error:
        assert "a newer one wrote it" in error.message  # noqa: PT017  # one flipped bit may look like the future
        return
    assert {incident.id for incident in known} <= {incident.id for incident in written} | {None}
    for incident in known:
        assert incident.id is not None
        store.read_evidence(incident.id)
    added = store.add_incident(make(interface="after"), EVIDENCE)
    assert added.id is not None
    assert store.find_incident(added.id) == added
    assert store.read_evidence(added.id) == EVIDENCE
    store.close()
    again = keep(folder)
    assert (again.put_aside(), again.find_incident(added.id)) == (None, added)
    again.close()


# Size ------------------------------------------------------------------------------------------------------------------------


def sum_stored(folder: Path) -> int:
    connection = sqlite3.connect(folder / "incidents.db")
    total = int(connection.execute("SELECT sum(length(data)) FROM evidence").fetchone()[0])
    connection.close()
    return total


def test_evidence_is_given_up_step_by_step_and_incidents_never(folder: Path) -> None:
    most = 200_000
    store = HostIncidents(str(folder), evidence_bytes=most)
    for number in range(60):
        verdict = IncidentVerdict.NIC_HUNG if number % 2 else IncidentVerdict.LINK
        added = store.add_incident(make(verdict=verdict), EVIDENCE)
        assert added.id is not None
        store.add_evidence(added.id, HOST)
        store.update_incident(dataclasses.replace(added, ended_why="restored"))
    assert len(store.list_incidents()) == 60
    assert sum_stored(folder) <= most
    assert store.read_evidence(60) == store.read_evidence(59) == (*EVIDENCE, HOST)
    pieces = {number: store.read_evidence(number) for number in range(1, 61)}
    assert all(len(found) == 3 for found in pieces.values())
    hosts = {number: bool(found[2].data) for number, found in pieces.items()}
    assert not any(kept for number, kept in hosts.items() if number % 2 and number < 59)
    assert all(found[2].thinned is not hosts[number] for number, found in pieces.items())


def test_thinning_takes_what_is_worth_least_first(folder: Path) -> None:
    store = HostIncidents(str(folder), evidence_bytes=10**9)
    for verdict in (IncidentVerdict.NIC_HUNG, IncidentVerdict.HOST, IncidentVerdict.LINK, IncidentVerdict.LINK):
        added = store.add_incident(make(verdict=verdict), EVIDENCE)
        assert added.id is not None
        store.add_evidence(added.id, HOST)
    total = sum_stored(folder)

    def tell(most: int) -> list[str]:
        store.evidence_bytes = most
        store.update_incident(make(id=4, verdict=IncidentVerdict.LINK))
        assert sum_stored(folder) <= most
        pieces = [(number, piece) for number in (1, 2) for piece in store.read_evidence(number)]
        return [f"{number} {piece.kind}{'' if piece.data else ' gone'}" for number, piece in pieces if piece.thinned]

    assert tell(total) == []
    assert tell(total - 1) == ["2 host gone"]
    assert tell(total - 20_003) == ["1 host gone", "2 host gone"]
    assert "2 kernel_log" in tell(total - 2 * 20_002 - 1)
    total = sum_stored(folder)
    assert "1 kernel_log" not in tell(total)
    assert {"1 kernel_log", "2 kernel_log"} <= set(tell(sum_stored(folder) - 1))


def test_a_log_keeps_its_end_and_the_lines_of_the_card() -> None:
    lines = [b"[%d] other: line %d\n" % (number, number) for number in range(200)]
    lines[20] = b"[20] e1000e 0000:02:00.0 eth0: Detected Hardware Unit Hang\n"
    kept = cut_log(b"".join(lines), ("eth0", "e1000e", ""))
    assert kept.splitlines(keepends=True) == [
        b"[20 lines were given up here]\n",
        lines[20],
        b"[119 lines were given up here]\n",
        *lines[140:],
    ]
    assert cut_log(b"".join(lines[:50]), ()) == b"".join(lines[:50])


def test_samples_keep_every_tenth_and_the_last() -> None:
    samples = list(range(60))
    kept = [0, 10, 20, 30, 40, *range(50, 60)]
    assert json.loads(thin_samples(json.dumps(samples).encode())) == kept
    assert json.loads(thin_samples(json.dumps({"fields": ["a"], "rows": samples}).encode())) == {"fields": ["a"], "rows": kept}
    assert thin_samples(b"no JSON") == b"no JSON"


def test_far_beyond_thousands_the_oldest_go_those_of_hung_cards_last(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nicmedic.store.incidents._MOST_INCIDENTS", 3)
    monkeypatch.setattr("nicmedic.store.incidents._NEVER_FORGOTTEN", 2)
    monkeypatch.setattr("nicmedic.store.incidents._MOST_BOOTS", 2)
    store = keep(folder)
    for number in range(1, 8):
        store.add_incident(make(verdict=IncidentVerdict.NIC_HUNG if number == 2 else IncidentVerdict.LINK, actions=(HELPED,)), EVIDENCE[:1])
    for number in range(1, 5):
        store.note_boot(f"b{number}", {"number": str(number)}, "2026-11-23T03:00:00+01:00")
    assert [incident.id for incident in store.list_incidents()] == [2, 6, 7]
    assert (store.read_evidence(1), store.read_evidence(2)) == ((), EVIDENCE[:1])
    store.add_incident(make(boot_id="b4"), ())
    assert store.find_last_healthy_boot("unknown") == {"number": "3"}
    assert store.find_last_healthy_boot("b3") is None


def test_that_thinning_fails_is_no_failure_of_what_was_asked(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = HostIncidents(str(folder), evidence_bytes=1)
    for _ in range(4):
        store.add_incident(make(), EVIDENCE)

    def fail(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("nicmedic.store.incidents._thin", fail)
    store.add_evidence(4, HOST)
    assert store.read_evidence(4) == (*EVIDENCE, HOST)


def test_the_number_of_incidents_is_bounded_within_one_boot_too(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nicmedic.store.incidents._MOST_INCIDENTS", 3)
    monkeypatch.setattr("nicmedic.store.incidents._NEVER_FORGOTTEN", 2)
    monkeypatch.setattr("nicmedic.store.incidents._FORGOTTEN_EVERY", 4)
    store = keep(folder)
    for _ in range(8):
        store.update_incident(store.add_incident(make(verdict=IncidentVerdict.LINK), EVIDENCE))
    assert [incident.id for incident in store.list_incidents()] == [6, 7, 8]


def test_what_evidence_takes_is_added_up_anew_only_when_others_wrote(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sums: list[int] = []

    def read(connection: sqlite3.Connection) -> int:
        sums.append(_read_stored(connection))
        return sums[-1]

    monkeypatch.setattr("nicmedic.store.incidents._read_stored", read)
    store, guest = keep(folder), HostIncidents(str(folder))

    def write() -> None:
        for _ in range(3):
            store.update_incident(store.add_incident(make(), EVIDENCE))
            store.add_evidence(1, HOST)

    write()
    assert len(sums) == 1
    guest.add_evidence(1, HOST)
    write()
    assert len(sums) == 2
    store.close()
    write()
    assert len(sums) == 3
    assert store._stored == sum_stored(folder)  # what would be thinned too early or too late
    store.evidence_bytes = sum_stored(folder) - 60_000
    store.update_incident(make(id=1))
    assert store._stored == sum_stored(folder) <= store.evidence_bytes
    assert len(sums) == 3


def test_open_ones_are_found_without_reading_all(folder: Path) -> None:
    store = keep(folder)
    store.add_incident(make(), ())
    store.add_incident(make(ended="2026-11-23T03:00:04+01:00"), ())
    store.add_incident(make(boot_id="b2"), ())
    assert [incident.id for incident in store.list_open("b1")] == [1]
    assert [incident.id for incident in store.list_open(None)] == [1, 3]
    assert store.count_incidents() == 3
