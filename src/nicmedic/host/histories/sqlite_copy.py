# SPDX-License-Identifier: GPL-2.0-or-later
"""Ask a SQLite file that others write: a copy is asked, so that nothing beside it is created and no lock of it is taken."""

import contextlib
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Sequence

__all__ = ["ask_copy"]


def ask_copy(path: str, queries: Sequence[str]) -> list[tuple[object, ...]] | None:
    """Rows of the first query that its tables allow; None: none of them does.

    Raises:
        OSError: the file cannot be read, or is no database.
    """
    with tempfile.TemporaryDirectory(prefix="nicmedic-") as folder:
        copy = os.path.join(folder, "copy.sqlite")  # noqa: PTH118  # names are bytes of a user's choosing
        shutil.copyfile(path, copy)
        with contextlib.suppress(OSError):
            shutil.copyfile(f"{path}-wal", f"{copy}-wal")  # what was committed and not yet moved into the file
        complaint = ""
        try:
            with contextlib.closing(sqlite3.connect(copy)) as database:
                for query in queries:
                    try:
                        return list(database.execute(query))
                    except sqlite3.OperationalError as error:
                        complaint = str(error)
        except sqlite3.Error as error:
            raise OSError(None, f"damaged: {error}") from None
    if "no such" in complaint:
        return None
    raise OSError(None, f"damaged: {complaint}")
