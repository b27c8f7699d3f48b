# SPDX-License-Identifier: GPL-2.0-or-later
"""The tables, as numbered migrations; ``PRAGMA user_version`` is the number of the last that was carried out.

A migration that was released is never changed: the next one changes what it made. No STRICT, no RETURNING: RHEL 9 has SQLite 3.34.
"""

__all__ = ["MIGRATIONS", "NEWEST"]

MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        """CREATE TABLE incident (
            id INTEGER PRIMARY KEY,
            boot_id TEXT NOT NULL,
            interface TEXT NOT NULL,
            driver TEXT,
            bus TEXT,
            bus_address TEXT,
            permanent_address TEXT,
            verdict TEXT NOT NULL,
            reasons TEXT NOT NULL,
            began TEXT NOT NULL,
            began_uptime_s REAL NOT NULL,
            detected TEXT NOT NULL,
            detected_uptime_s REAL NOT NULL,
            restored TEXT,
            restored_uptime_s REAL,
            ended TEXT,
            ended_why TEXT,
            kernel_release TEXT,
            kernel_package TEXT)""",
        "CREATE INDEX incident_of_boot ON incident (boot_id, verdict)",
        """CREATE TABLE action (
            incident INTEGER NOT NULL,
            place INTEGER NOT NULL,
            what TEXT NOT NULL,
            state TEXT NOT NULL,
            began TEXT NOT NULL,
            ended TEXT,
            transactions TEXT NOT NULL,
            detail TEXT NOT NULL,
            PRIMARY KEY (incident, place)) WITHOUT ROWID""",
        # stage: 0 as it was kept, 1 made smaller (or found to be small), 2 given up. packed: 1 with zlib.
        """CREATE TABLE evidence (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            incident INTEGER NOT NULL,
            kind TEXT NOT NULL,
            at TEXT NOT NULL,
            stage INTEGER NOT NULL,
            thinned INTEGER NOT NULL,
            packed INTEGER NOT NULL,
            stored INTEGER NOT NULL,
            data BLOB NOT NULL)""",
        "CREATE INDEX evidence_of_incident ON evidence (incident)",
        "CREATE INDEX evidence_by_stage ON evidence (stage, kind, incident, stored)",  # thinning chooses without reading the pieces
        "CREATE TABLE boot (number INTEGER PRIMARY KEY AUTOINCREMENT, boot_id TEXT NOT NULL UNIQUE, facts TEXT NOT NULL, at TEXT NOT NULL)",
    ),
)
NEWEST = len(MIGRATIONS)
"""The version that this nicmedic writes."""
