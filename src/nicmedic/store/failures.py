# SPDX-License-Identifier: GPL-2.0-or-later
"""What SQLite and the kernel say when something is wrong, as errors that tell what, where, the value seen and the next command."""

import errno
import os
import sqlite3

from nicmedic.model.errors import StateError
from nicmedic.report.escape import escape_terminal, quote_file_name

__all__ = ["DamagedError", "describe_failure", "is_damage", "is_passing"]

_DAMAGE = frozenset(
    {
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_NOTADB,
        sqlite3.SQLITE_FORMAT,
        # Our statements are right; these come of a schema or of rows that are no longer what was written.
        sqlite3.SQLITE_ERROR,
        sqlite3.SQLITE_SCHEMA,
        sqlite3.SQLITE_TOOBIG,
        sqlite3.SQLITE_CONSTRAINT,
        sqlite3.SQLITE_MISMATCH,
    }
)
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


class DamagedError(sqlite3.DatabaseError):
    """The file as a whole is not what was written, though SQLite does not say so."""


def _code(error: BaseException) -> int | None:
    code = getattr(error, "sqlite_errorcode", None)  # some errors of the module itself have none
    return code if isinstance(code, int) else None


def is_damage(error: sqlite3.Error) -> bool:
    """Whether the file is not a database of ours any more, or not whole."""
    code = _code(error)
    if code is None:
        return isinstance(error, DamagedError)
    return (code & 0xFF) in _DAMAGE or code == sqlite3.SQLITE_IOERR_SHORT_READ


def is_passing(error: BaseException) -> bool:
    """Whether the same connection works again as soon as the reason is gone; any other is given up."""
    code = _code(error)
    return code is not None and (code & 0xFF) in {sqlite3.SQLITE_FULL, sqlite3.SQLITE_BUSY}


def _say_room(folder: str) -> str:
    try:
        room = os.statvfs(folder)
    except OSError:
        return ""
    return f"; {room.f_bavail * room.f_frsize} bytes are free there"


def describe_failure(path: str, error: sqlite3.Error | OSError) -> StateError:
    """The error for whoever asked."""
    folder = os.path.dirname(path)  # noqa: PTH120  # strings throughout
    where, shell = escape_terminal(path), quote_file_name(folder)
    low = None if (code := _code(error)) is None else code & 0xFF
    said = (error.strerror or str(error)) if isinstance(error, OSError) else str(error)
    said = escape_terminal(said)[:200]
    if low == sqlite3.SQLITE_FULL or (isinstance(error, OSError) and error.errno in _FULL):
        return StateError(f"{where}: no room: {said}{_say_room(folder)}", hint=f"df -h {shell} ; df -i {shell}")
    if isinstance(error, PermissionError):
        return StateError(f"{where}: {said}; this is user {os.geteuid()}", hint="sudo -i   # or su -, then the same again")
    if low == sqlite3.SQLITE_BUSY:
        return StateError(f"{where}: another process holds it: {said}", hint=f"fuser -v {quote_file_name(path)}   # who has it open")
    if isinstance(error, sqlite3.Error) and is_damage(error):
        hint = f"systemctl restart nicmedic-watch   # puts it aside, saves what can be read, begins a new one\nls -l {shell}"
        return StateError(f"{where}: damaged: {said}", hint=hint)
    return StateError(f"{where}: {said}", hint=f"ls -ld {shell} {quote_file_name(path)} ; findmnt -T {shell}")
