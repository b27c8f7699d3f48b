# SPDX-License-Identifier: GPL-2.0-or-later
"""``/var/lib/wtmpdb/wtmp.db``, which stands in place of wtmp since Debian 13 and openSUSE of 2023: SQLite, 64-bit microseconds.

Of a boot (type 1) the login is its beginning, the logout its shutdown, and the remote host the kernel's release (thkukuk/wtmpdb, include/wtmpdb.h and
src/wtmpdb.c ``main_boot``). A soft reboot keeps the kernel, and is none here.
"""

import datetime
import re
from collections.abc import Iterator, Sequence

from nicmedic.host.histories.logins import Login, LoginKind, build_boots
from nicmedic.host.histories.places import Found, Place
from nicmedic.host.histories.reader import Reader
from nicmedic.host.histories.sqlite_copy import ask_copy
from nicmedic.model.history import Source
from nicmedic.ports.histories import HistoryItem

__all__ = ["READER"]

_QUERY = "SELECT Type, User, Login, Logout, RemoteHost FROM wtmp ORDER BY Login, ID LIMIT 1000000"
_BOOT = 1


def _records(rows: Sequence[tuple[object, ...]]) -> list[Login]:
    found = []
    for kind, user, login, logout, remote in rows:
        if not isinstance(login, int) or user == "soft-reboot":
            continue
        release = remote if isinstance(remote, str) and remote else None
        found.append(Login(LoginKind.BOOT if kind == _BOOT else LoginKind.OTHER, login / 1e6, release))
        if isinstance(logout, int):
            found.append(Login(LoginKind.SHUTDOWN if kind == _BOOT else LoginKind.OTHER, logout / 1e6))
    # a boot stands before all that has its moment, and a shutdown behind it
    return sorted(found, key=lambda record: (record.moment, record.kind is not LoginKind.BOOT, record.kind is LoginKind.SHUTDOWN))


def _read(_place: Place, files: Sequence[Found], _zone: datetime.tzinfo | None) -> Iterator[HistoryItem]:
    for file in files:
        try:
            rows = ask_copy(file.path, (_QUERY,))
        except OSError as error:
            yield Source(name=file.shown, trouble=error.strerror or str(error))
            continue
        if rows is None:
            yield Source(name=file.shown, trouble="no table of logins is in it")
        else:
            yield from build_boots(_records(rows), file.shown)


READER = Reader("wtmpdb", re.compile(r"(?:^|/)wtmp\.db\Z"), _read)
