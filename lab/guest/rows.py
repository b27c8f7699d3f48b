# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs in a machine of the lab: prints what the database FILE of incidents holds, as JSON, without starting nicmedic: ``rows.py FILE``."""

import json
import sqlite3
import sys


def main() -> None:
    """Read and print."""
    connection = sqlite3.connect(f"file:{sys.argv[1]}?mode=ro", uri=True, timeout=10)
    connection.row_factory = sqlite3.Row
    incidents = [dict(row) for row in connection.execute("SELECT * FROM incident ORDER BY id")]
    for incident in incidents:
        number = (incident["id"],)
        incident["actions"] = [dict(row) for row in connection.execute("SELECT * FROM action WHERE incident = ? ORDER BY place", number)]
        incident["evidence"] = [row[0] for row in connection.execute("SELECT kind FROM evidence WHERE incident = ? ORDER BY id", number)]
    print(json.dumps(incidents))


if __name__ == "__main__":
    main()
