# SPDX-License-Identifier: GPL-2.0-or-later
"""``nicmedic.ports.watching.IncidentStore`` in SQLite. Not for the file itself: that is ``store/database.py``."""

import dataclasses
import operator
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeVar

from nicmedic.model.errors import StateError
from nicmedic.model.incident import Action, ActionState, Evidence, EvidenceKind, Incident, IncidentVerdict
from nicmedic.model.state_folder import find_state_folder
from nicmedic.store.database import Connection, Database, Role
from nicmedic.store.failures import describe_failure
from nicmedic.store.folder import find_damage_age_s
from nicmedic.store.rows import (
    ACTION_COLUMNS,
    EVIDENCE_COLUMNS,
    INCIDENT_COLUMNS,
    Packed,
    UnreadableRowError,
    build_action,
    build_evidence,
    build_facts,
    build_incident,
    list_action_values,
    list_incident_values,
    pack_evidence,
    render_facts,
)
from nicmedic.store.salvage import save_readable
from nicmedic.store.thinning import STEPS, Step, cut_log, thin_samples

__all__ = ["HostIncidents"]

T = TypeVar("T")

_MOST_INCIDENTS = 20_000
_NEVER_FORGOTTEN = 1000
_MOST_BOOTS = 1000
_FORGOTTEN_EVERY = 100
"""So many more incidents: a resident watcher may never see another boot."""
_BEYOND = 10**9
_LEFT_ALONE = 2
"""The newest incidents: somebody may be at them."""
_AT_ONCE = 16
"""Pieces that are made smaller after one write, so that nobody waits long."""


def _insert(table: str, columns: Sequence[str]) -> str:
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})"  # noqa: S608  # our own names


def _upsert(table: str, columns: Sequence[str], keys: Sequence[str]) -> str:
    changes = ", ".join(f"{name}=excluded.{name}" for name in columns if name not in keys)
    return f"{_insert(table, columns)} ON CONFLICT ({', '.join(keys)}) DO UPDATE SET {changes}"


_ADD_INCIDENT = _insert("incident", INCIDENT_COLUMNS)
_PUT_INCIDENT = _upsert("incident", INCIDENT_COLUMNS, ("id",))  # also where a damaged database has lost it
_PUT_ACTION = _upsert("action", ACTION_COLUMNS, ("incident", "place"))
_ADD_EVIDENCE = _insert("evidence", EVIDENCE_COLUMNS)
_INCIDENTS = f"SELECT {', '.join(INCIDENT_COLUMNS)} FROM incident"  # noqa: S608  # our own names
_ACTIONS = f"SELECT {', '.join(ACTION_COLUMNS)} FROM action"  # noqa: S608  # our own names
_STORED = EVIDENCE_COLUMNS.index("stored")
_EVIDENCE = f"SELECT {', '.join(EVIDENCE_COLUMNS)} FROM evidence"  # noqa: S608  # our own names


Build = Callable[[Sequence[object]], T]


def _build_readable(build: Build[T], rows: Iterable[Sequence[object]]) -> tuple[list[T], int]:
    """What they hold, and how many are not what was written: one of those hides no other."""
    built: list[T] = []
    unreadable = 0
    for row in rows:
        try:
            built.append(build(row))
        except UnreadableRowError:
            unreadable += 1
    return built, unreadable


def _read_incidents(connection: Connection, condition: str, values: Sequence[object]) -> tuple[list[Incident], int]:
    """Oldest first, and how many rows cannot be read."""
    rows = connection.execute(f"{_INCIDENTS} {condition}", values).fetchall()
    rows.sort(key=operator.itemgetter(0))
    found = connection.execute(
        f"{_ACTIONS} WHERE incident BETWEEN ? AND ? ORDER BY incident, place", (rows[0][0], rows[-1][0]) if rows else (0, -1)
    )
    done, unreadable = _build_readable(lambda row: (row[0], build_action(row)), found)
    actions: dict[object, list[Action]] = {}
    for number, action in done:
        actions.setdefault(number, []).append(action)
    built, more = _build_readable(lambda row: build_incident(row, actions.get(row[0], ())), rows)
    return built, unreadable + more


def _add_evidence(connection: Connection, number: int, pieces: Sequence[Packed]) -> None:
    connection.executemany(_ADD_EVIDENCE, [(number, *piece) for piece in pieces])


def _add_action(connection: Connection, number: int, action: Action) -> int:
    place = int(connection.execute("SELECT coalesce(max(place) + 1, 0) FROM action WHERE incident = ?", (number,)).fetchone()[0])
    connection.execute(_PUT_ACTION, list_action_values(number, place, action))
    return place


def _find_number(connection: Connection) -> int:
    """The next one. A damaged database may have lost an incident and not its evidence, or hold a number that nobody gave."""
    last = [
        connection.execute(f"SELECT coalesce(max({column}), 0) FROM {table} WHERE {column} < ?", (_BEYOND,)).fetchone()[0]  # noqa: S608  # our own names
        for table, column in (("incident", "id"), ("action", "incident"), ("evidence", "incident"))
    ]
    return int(max(last)) + 1


def _forget_oldest(connection: Connection) -> None:
    """Only far beyond thousands, and those of hung cards last."""
    count = int(connection.execute("SELECT count(*) FROM incident").fetchone()[0])
    if count <= _MOST_INCIDENTS:
        return
    oldest = "SELECT id FROM incident WHERE id <= (SELECT max(id) FROM incident) - ? ORDER BY verdict = ?, id LIMIT ?"
    numbers = connection.execute(oldest, (_NEVER_FORGOTTEN, str(IncidentVerdict.NIC_HUNG), count - _MOST_INCIDENTS)).fetchall()
    for table, column in (("evidence", "incident"), ("action", "incident"), ("incident", "id")):
        connection.executemany(f"DELETE FROM {table} WHERE {column} = ?", numbers)  # noqa: S608  # our own names


def _read_stored(connection: Connection) -> int:
    return int(connection.execute("SELECT coalesce(sum(stored), 0) FROM evidence").fetchone()[0])


def _shrink(evidence: Evidence, names: tuple[str, ...]) -> Evidence:
    if evidence.kind is EvidenceKind.SAMPLES:
        smaller = thin_samples(evidence.data)
    elif evidence.kind in {EvidenceKind.KERNEL_LOG, EvidenceKind.KERNEL_LOG_AFTER}:
        smaller = cut_log(evidence.data, names)
    else:
        smaller = evidence.data
    return dataclasses.replace(evidence, data=smaller, thinned=True) if len(smaller) < len(evidence.data) else evidence


def _thin_piece(connection: Connection, piece: int, step: Step) -> int:
    """Returns by how much it is smaller."""
    row = connection.execute(f"{_EVIDENCE} WHERE id = ?", (piece,)).fetchone()
    before = row[_STORED] if isinstance(row[_STORED], int) else 0
    names = connection.execute("SELECT interface, driver, bus_address FROM incident WHERE id = ?", (row[0],)).fetchone() or ()
    kept = [] if step.gives_up else _build_readable(build_evidence, [row])[0]
    if not kept:  # what cannot be read goes, too
        connection.execute("UPDATE evidence SET stage = 2, thinned = 1, packed = 0, stored = 0, data = x'' WHERE id = ?", (piece,))
        return before
    packed = pack_evidence(_shrink(kept[0], tuple(name for name in names if name)), stage=1)
    change = "UPDATE evidence SET kind = ?, at = ?, stage = ?, thinned = ?, packed = ?, stored = ?, data = ? WHERE id = ?"
    connection.execute(change, (*packed, piece))
    return before - packed[5]


def _thin(connection: Connection, most: int, stored: int) -> int:
    """A few pieces of what evidence takes; returns what it takes then."""
    left = _AT_ONCE
    newest = connection.execute("SELECT coalesce(max(id), 0) FROM incident").fetchone()[0]
    for step in STEPS:
        choice = (
            "SELECT e.id FROM evidence e LEFT JOIN incident i ON i.id = e.incident "  # noqa: S608  # our own names
            f"WHERE {step.where} AND e.incident <= ? ORDER BY e.id LIMIT ?"
        )
        for (piece,) in connection.execute(choice, (newest - _LEFT_ALONE, left)).fetchall():
            if stored <= most:
                return stored
            stored -= _thin_piece(connection, piece, step)
            left -= 1
        if left <= 0:
            break
    return stored


class HostIncidents:
    """``incidents.db`` of this machine."""

    def __init__(self, folder: str | None = None, *, evidence_bytes: int | None = None, read_only: bool = False) -> None:
        """Nothing is opened yet.

        Args:
            folder: where it is; None: as NICMEDIC_STATE says.
            evidence_bytes: what all evidence may take; whoever says so is the keeper, of whom there is one: the watcher. It may be changed later.
                None: others, who write now and then. They make nothing smaller, and tell of damage instead of putting it aside.
            read_only: for who only looks.

        Raises:
            UsageError: NICMEDIC_STATE is no whole path.
        """
        role = Role.READER if read_only else Role.GUEST if evidence_bytes is None else Role.KEEPER
        self.evidence_bytes = evidence_bytes
        self._database = Database(find_state_folder(os.environ.get("NICMEDIC_STATE")) if folder is None else folder, role, save_readable)
        self.unreadable = 0
        """Rows that the last reading passed over, for they are not what was written."""
        self._stored: int | None = None
        """What all evidence takes, as far as we know; None: to be asked."""
        self._stand: object = None
        """Of the file, when that was asked."""
        self._added = 0

    @property
    def path(self) -> str:
        """Of the file."""
        return self._database.path

    def exists(self) -> bool:
        """Whether anything was ever kept: no file, nobody watched.

        Raises:
            StateError: that cannot be found out.
        """
        return self._database.exists()

    def add_incident(self, incident: Incident, evidence: Sequence[Evidence]) -> Incident:
        pieces = [pack_evidence(piece) for piece in evidence]

        def work(connection: Connection) -> int:
            number = _find_number(connection)
            connection.execute(_ADD_INCIDENT, [number, *list_incident_values(incident)[1:]])
            for action in incident.actions:
                _add_action(connection, number, action)
            _add_evidence(connection, number, pieces)
            return number

        number = self._database.change(work, self._count(pieces))
        self._added += 1
        most = self.evidence_bytes
        if most is not None and (self._stored is None or self._stored > most + most // 4):  # else at a quieter moment
            self._tidy()
        return dataclasses.replace(incident, id=number)

    def update_incident(self, incident: Incident) -> None:
        if incident.id is None:
            raise ValueError("an incident that was not added has no number")
        self._database.change(lambda connection: connection.execute(_PUT_INCIDENT, list_incident_values(incident)))
        self._tidy()

    def add_evidence(self, number: int, evidence: Evidence) -> None:
        pieces = [pack_evidence(evidence)]
        self._database.change(lambda connection: _add_evidence(connection, number, pieces), self._count(pieces))
        self._tidy()

    def add_action(self, number: int, action: Action) -> int:
        return self._database.change(lambda connection: _add_action(connection, number, action))

    def update_action(self, number: int, place: int, action: Action) -> None:
        self._database.change(lambda connection: connection.execute(_PUT_ACTION, list_action_values(number, place, action)))
        self._tidy()

    def list_incidents(self, *, newest: int | None = None) -> tuple[Incident, ...]:
        return self._read("ORDER BY id DESC LIMIT ?", (-1 if newest is None else newest,))

    def list_open(self, boot_id: str | None) -> tuple[Incident, ...]:
        """Those of this boot whose end was not seen, oldest first; None: of any boot."""
        return self._read("WHERE ended IS NULL AND (? IS NULL OR boot_id = ?)", (boot_id, boot_id))

    def count_incidents(self) -> int:
        """All that there are."""
        return int(self._database.look(lambda connection: connection.execute("SELECT count(*) FROM incident").fetchone()[0]))

    def list_acted(self, what: str, *, newest: int) -> tuple[Incident, ...]:
        query = "SELECT DISTINCT incident FROM action WHERE what = ? AND state != ? ORDER BY incident DESC LIMIT ?"

        def work(connection: Connection) -> tuple[Incident, ...]:
            numbers = [row[0] for row in connection.execute(query, (what, str(ActionState.HELD_BACK), newest)).fetchall()]
            return tuple(one for number in reversed(numbers) for one in _read_incidents(connection, "WHERE id = ?", (number,))[0])

        return self._database.look(work)

    def find_incident(self, number: int) -> Incident | None:
        found = self._read("WHERE id = ?", (number,))
        return found[0] if found else None

    def read_evidence(self, number: int) -> tuple[Evidence, ...]:
        def work(connection: Connection) -> tuple[list[Evidence], int]:
            return _build_readable(build_evidence, connection.execute(f"{_EVIDENCE} WHERE incident = ? ORDER BY id", (number,)))

        found, self.unreadable = self._database.look(work)
        return tuple(found)

    def note_boot(self, boot_id: str, facts: Mapping[str, str], at: str) -> None:
        def work(connection: Connection) -> None:
            put = _upsert("boot", ("boot_id", "facts", "at"), ("boot_id",))
            connection.execute(put, (boot_id, render_facts(facts), at))
            connection.execute("DELETE FROM boot WHERE number <= (SELECT max(number) FROM boot) - ?", (_MOST_BOOTS,))
            _forget_oldest(connection)

        self._database.change(work)
        self._tidy()

    def find_last_healthy_boot(self, before_boot_id: str) -> Mapping[str, str] | None:
        query = """SELECT facts FROM boot
            WHERE number < coalesce((SELECT number FROM boot WHERE boot_id = ?), (SELECT max(number) + 1 FROM boot))
            AND NOT EXISTS (SELECT 1 FROM incident WHERE incident.boot_id = boot.boot_id AND verdict = ?)
            ORDER BY number DESC LIMIT 8"""
        values = (before_boot_id, str(IncidentVerdict.NIC_HUNG))
        rows = self._database.look(lambda connection: connection.execute(query, values).fetchall())
        found, _ = _build_readable(lambda row: build_facts(row[0]), rows)
        return found[0] if found else None

    def put_aside(self) -> str | None:
        """Also what was found damaged later: the newest."""
        self._database.look(lambda _connection: None)
        return self._database.aside

    def read_damage_age_s(self) -> float | None:
        try:
            return find_damage_age_s(self._database.path)
        except OSError as error:
            raise describe_failure(self._database.path, error) from error

    def close(self) -> None:
        """The next call opens it again."""
        self._database.close()

    def _read(self, condition: str, values: Sequence[object]) -> tuple[Incident, ...]:
        found, self.unreadable = self._database.look(lambda connection: _read_incidents(connection, condition, values))
        return tuple(found)

    def _count(self, pieces: Sequence[Packed]) -> int:
        size = sum(piece[5] for piece in pieces)
        if self._stored is not None:
            self._stored += size
        return size

    def _tidy(self) -> None:
        """What was asked for is on disk; that this fails is no failure of it."""
        most = self.evidence_bytes
        if most is None:
            return
        try:
            if self._added >= _FORGOTTEN_EVERY:
                self._database.change(_forget_oldest)
                self._stored, self._added = None, 0
            stand = self._database.read_stand()
            if self._stored is None or stand != self._stand:  # others write too
                self._stored, self._stand = self._database.look(_read_stored), stand
            if self._stored > most:
                stored = self._stored
                self._stored = self._database.change(lambda connection: _thin(connection, most, stored), most // 64)
        except StateError:
            self._stored = None
        self._database.tidy()
