# SPDX-License-Identifier: GPL-2.0-or-later
"""What can be read of a damaged database, copied into a new one: incidents, what was done, boots, and as much evidence as a second allows.

The damaged file stays as it is; who wants the rest of it has ``sqlite3 FILE .recover``.
"""

import contextlib
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence

from nicmedic.store.database import Connection, open_reader
from nicmedic.store.rows import (
    ACTION_COLUMNS,
    EVIDENCE_COLUMNS,
    INCIDENT_COLUMNS,
    UnreadableRowError,
    build_action,
    build_evidence,
    build_facts,
    build_incident,
)

__all__ = ["save_readable"]

_PATIENCE_S = 1.0
_BOOT_COLUMNS = ("number", "boot_id", "facts", "at")
Row = Sequence[object]


def _read_rows(damaged: Connection, table: str, columns: Sequence[str], order: str) -> Iterator[Row]:
    """From both ends: a damaged page stops each way, and what lies beyond it is reached from the other."""
    for direction in ("DESC", "ASC"):
        with contextlib.suppress(sqlite3.Error, UnicodeDecodeError):  # complaints quote the damage, and the module cannot read them
            yield from damaged.execute(f"SELECT {', '.join(columns)} FROM {table} ORDER BY {order} {direction}")  # noqa: S608  # our own names
            return


def _check_boot(row: Row) -> object:
    build_facts(row[2])
    if not isinstance(row[1], str) or not isinstance(row[3], str):
        raise UnreadableRowError("a boot without its name")
    return row


_TABLES: tuple[tuple[str, Sequence[str], str, Callable[[Row], object]], ...] = (
    ("incident", INCIDENT_COLUMNS, "id", lambda row: build_incident(row, ())),
    ("boot", _BOOT_COLUMNS, "number", _check_boot),
    ("action", ACTION_COLUMNS, "incident * 1000000 + place", build_action),
    ("evidence", ("id", *EVIDENCE_COLUMNS), "id", lambda row: build_evidence(row[1:])),
)


def save_readable(path: str, connection: Connection) -> None:
    """Copy what is whole; ``connection`` is to the new database, within a transaction."""
    damaged = open_reader(path)
    try:
        damaged.execute(
            "PRAGMA writable_schema=ON"
        )  # pass over what is damaged of the schema itself (sqlite3InitOne, SQLITE_NoSchemaError)
        for table, columns, order, check in _TABLES:
            until = time.monotonic() + _PATIENCE_S  # for evidence alone: however many incidents there are, theirs is not given up
            statement = f"INSERT OR IGNORE INTO {table} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})"  # noqa: S608  # our own names
            for row in _read_rows(damaged, table, columns, order):
                with contextlib.suppress(UnreadableRowError, sqlite3.IntegrityError, sqlite3.DataError):
                    check(row)
                    connection.execute(statement, row)
                if table == "evidence" and time.monotonic() > until:
                    break
    finally:
        damaged.close()
