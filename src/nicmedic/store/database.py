# SPDX-License-Identifier: GPL-2.0-or-later
"""One SQLite file that is opened when it is needed, put aside when it is damaged, and opened again after any trouble. Not for what is in it.

A write-ahead log, not a rollback journal, because (https://sqlite.org/wal.html)
- a commit is one sync of one file instead of three or four, and what was committed survives a power cut (``synchronous=FULL``);
- who reads (``nicmedic incidents``, even stopped with Ctrl-Z) never makes the resident watcher wait, nor the other way round;
- the log is filled with zeros to ``_RESERVE`` bytes beforehand, so that a commit writes over blocks that it has: quicker, and an incident
  finds room on a full disk. SQLite takes a log without its magic number for an empty one, and checks each frame of a used one (walIndexRecover).
Pages go from the log into the database between commits (``tidy``), not within one.

One process is the keeper, the watcher: it keeps the file open, makes it smaller, and alone puts it aside, for who closes a file that has got
another name would remove the log of the new one (https://sqlite.org/howtocorrupt.html, 2.4). Every other one that writes opens it for a moment.

Not after a fork: SQLite keeps account of the locks of a process, and a child inherits the account and not the locks
(https://sqlite.org/howtocorrupt.html, 2.6). A child that was forked hands what is to be written to its parent; one that was started anew may open it.
"""

import contextlib
import os
import sqlite3
from collections.abc import Callable, Iterator
from enum import Enum
from typing import TypeVar

from nicmedic.model.errors import StateError
from nicmedic.report.escape import escape_terminal, quote_file_name
from nicmedic.store.failures import DamagedError, describe_failure, is_damage, is_passing
from nicmedic.store.folder import hold_lock, make_file, make_folder, remove_database, replace_damaged, sync_folder
from nicmedic.store.schema import MIGRATIONS, NEWEST

__all__ = ["Connection", "Database", "Role", "open_reader"]

Connection = sqlite3.Connection
T = TypeVar("T")

_RESERVE = 512 << 10
_CHECKPOINT_AFTER = _RESERVE // 2
_MOST_LOG = 4 << 20
_KEEPER_PATIENCE_S = 0.5
"""Others write seldom; the watcher must not stand still for whoever does."""
_PATIENCE_S = 5.0
_REPLACING_PATIENCE_S = 2.0
_HEADER = b"SQLite format 3\0"
_IMPLAUSIBLE = 1000
"""No nicmedic has so many migrations: a damaged header, not the future."""
_FREE_PAGES = 1024
"""More of them are given back to the file system."""
_SETTINGS = (
    "PRAGMA auto_vacuum=INCREMENTAL",  # counts only for a new file
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",
    f"PRAGMA journal_size_limit={_MOST_LOG}",
    "PRAGMA wal_autocheckpoint=4000",  # tidy() comes first
    "PRAGMA cache_size=-256",  # KiB: the watcher is small
)


class Role(Enum):
    """What a process may do to the file."""

    KEEPER = "keeper"
    GUEST = "guest"
    """Writes, and has it open only meanwhile."""
    READER = "reader"


def _set_up(connection: Connection) -> None:
    connection.isolation_level = None  # transactions are begun and ended by name
    connection.text_factory = lambda data: data.decode("utf-8", "replace")


def open_reader(path: str, *, immutable: bool = False) -> Connection:
    """A connection that changes nothing; ``immutable``: for a folder that takes no file, as long as no log stands beside the database."""
    quoted = path.replace("%", "%25").replace("?", "%3f").replace("#", "%23")
    flag = "immutable=1" if immutable else "mode=ro"
    connection = sqlite3.connect(f"file:{quoted}?{flag}", uri=True, timeout=_PATIENCE_S, cached_statements=16)
    _set_up(connection)
    return connection


def _check_header(path: str) -> None:
    """What SQLite itself would take for something else. Before there is a connection: closing a file gives up all locks on it."""
    with open(path, "rb") as file:  # noqa: PTH123  # strings throughout
        header = file.read(100)
    if header and (len(header) < 100 or not header.startswith(_HEADER) or header[18] not in (1, 2) or header[19] not in (1, 2)):
        raise DamagedError("file is not a database of SQLite")


def _migrate(connection: Connection, path: str) -> None:
    """Carry out what is missing, each migration whole or not at all."""
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    if not 0 <= version < _IMPLAUSIBLE:
        raise DamagedError(f"user_version {version}")
    if version > NEWEST:
        message = f"{escape_terminal(path)}: version {version}, and this nicmedic knows versions up to {NEWEST}: a newer one wrote it"
        raise StateError(
            message, hint=f"nicmedic --version   # a newer one reads it; or: mv {quote_file_name(path)} {quote_file_name(path)}.newer"
        )
    for number in range(version, NEWEST):
        with _transaction(connection):
            if int(connection.execute("PRAGMA user_version").fetchone()[0]) > number:
                continue  # another process was quicker
            for statement in MIGRATIONS[number]:
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version={number + 1}")


@contextlib.contextmanager
def _transaction(connection: Connection, begin: str = "BEGIN IMMEDIATE") -> Iterator[None]:
    connection.execute(begin)
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:  # SQLite ends it by itself after some errors
            with contextlib.suppress(sqlite3.Error):
                connection.execute("ROLLBACK")
        raise


def _reserve_room(path: str) -> None:
    """Best effort: without it commits are slower, and a full disk takes none."""
    try:
        handle = os.open(f"{path}-wal", os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC)  # SQLite made it; it locks other files than this
    except OSError:
        return
    try:
        size = os.fstat(handle).st_size
        with contextlib.suppress(OSError):
            os.lseek(handle, size, os.SEEK_SET)
            while size < _RESERVE:
                size += os.write(handle, bytes(min(_RESERVE - size, 64 << 10)))
            os.fsync(handle)
    finally:
        os.close(handle)


class Database:
    """``incidents.db`` in a folder. Nothing is opened before it is asked."""

    def __init__(
        self, folder: str, role: Role = Role.KEEPER, save: Callable[[str, Connection], None] = lambda _path, _connection: None
    ) -> None:
        """``save`` copies from a damaged file, which it is told, into a new database what can be read; it may raise ``sqlite3.Error``."""
        self.path = f"{folder}/incidents.db"
        self.aside: str | None = None
        """The new path of what was put aside last."""
        self._folder, self._role, self._save = folder, role, save
        self._connection: Connection | None = None
        self._pid = 0
        self._file: tuple[int, int] | None = None
        self._seen: tuple[int, int] | None = None
        """Which file was tried last."""
        self._was_checked = False
        self._openings = 0
        self._since_checkpoint = 0

    def exists(self) -> bool:
        """Whether anything was ever kept.

        Raises:
            StateError: that cannot be found out.
        """
        try:
            return self._find_file() is not None
        except OSError as error:
            raise describe_failure(self.path, error) from error

    def look(self, work: Callable[[Connection], T]) -> T:
        """Read, all of one moment.

        Raises:
            StateError: it cannot be read.
        """
        return self._guard(work, "BEGIN")

    def change(self, work: Callable[[Connection], T], size: int = 0) -> T:
        """Write; synced when it returns. ``size``: about how many bytes.

        Raises:
            StateError: it could not be written, and nothing of it was.
        """
        self._since_checkpoint += size + 8192
        return self._guard(work, "BEGIN IMMEDIATE")

    def read_stand(self) -> tuple[int, int]:
        """Differs from what it was if another process has written since, or the file was opened anew.

        Raises:
            StateError: it cannot be read.
        """
        version = self.look(lambda connection: int(connection.execute("PRAGMA data_version").fetchone()[0]))
        return self._openings, version

    def tidy(self) -> None:
        """Between two writes: pages go from the log into the database. What fails is tried again at the next occasion."""
        if self._connection is None or self._since_checkpoint < _CHECKPOINT_AFTER:
            return
        with contextlib.suppress(sqlite3.Error):
            if int(self._connection.execute("PRAGMA freelist_count").fetchone()[0]) > _FREE_PAGES:
                self._connection.execute(f"PRAGMA incremental_vacuum({_FREE_PAGES // 4})").fetchall()
            _, frames, moved = self._connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
            if frames == moved:  # nobody reads what is older
                self._since_checkpoint = 0

    def close(self) -> None:
        """As if nothing had been asked yet."""
        if self._pid not in (0, os.getpid()):
            return  # the parent's
        connection, self._connection, self._pid = self._connection, None, 0
        if connection is not None:
            with contextlib.suppress(sqlite3.Error):
                connection.close()

    def _guard(self, work: Callable[[Connection], T], begin: str) -> T:
        try:
            if self._role is Role.GUEST:
                return self._visit(work, begin)
            try:
                return self._run(work, begin)
            except sqlite3.Error as error:
                if self._role is Role.READER or not is_damage(error):
                    raise
                self._begin_anew()
                return self._run(work, begin)
        except StateError:
            self.close()
            raise
        except (sqlite3.Error, OSError) as error:
            if not is_passing(error):
                self.close()
            raise describe_failure(self.path, error) from error

    def _visit(self, work: Callable[[Connection], T], begin: str) -> T:
        make_folder(self._folder)
        with hold_lock(f"{self.path}.lock", alone=False, patience_s=_PATIENCE_S):
            try:
                return self._run(work, begin)
            finally:
                self.close()

    def _run(self, work: Callable[[Connection], T], begin: str) -> T:
        try:
            connection = self._open()
            with _transaction(connection, begin):
                return work(connection)
        except UnicodeDecodeError:  # SQLite's complaint quotes the damage, and the module cannot read it
            raise DamagedError("malformed database schema") from None

    def _open(self) -> Connection:
        if self._pid not in (0, os.getpid()):
            raise RuntimeError("a database that was used before a fork is none for the child: hand what is to be written to the parent")
        if self._connection is not None and self._find_file() == self._file:
            return self._connection
        self.close()  # somebody took the file away: what is written there would be lost
        self._connection = self._open_for_reading() if self._role is Role.READER else self._open_for_writing()
        self._pid, self._file = os.getpid(), self._find_file()
        self._openings += 1
        return self._connection

    def _find_file(self) -> tuple[int, int] | None:
        try:
            found = os.stat(self.path)  # noqa: PTH116  # strings throughout
        except FileNotFoundError:
            return None
        return found.st_dev, found.st_ino

    def _open_for_reading(self) -> Connection:
        _check_header(self.path)
        connection = open_reader(self.path)
        try:
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        except sqlite3.OperationalError:
            connection.close()
            log = f"{self.path}-wal"
            if os.path.exists(log) and os.path.getsize(log):  # noqa: PTH110, PTH202  # strings throughout
                raise
            connection = open_reader(self.path, immutable=True)
        try:
            self._check_version(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _check_version(self, connection: Connection) -> None:
        """A reader changes nothing: it takes this version only."""
        version = int(connection.execute("PRAGMA user_version").fetchone()[0])
        if version < NEWEST:
            message = f"{escape_terminal(self.path)}: version {version}, and this nicmedic reads version {NEWEST}"
            raise StateError(message, hint="systemctl restart nicmedic-watch   # watch brings it up to date when it starts")
        _migrate(connection, self.path)

    def _open_for_writing(self) -> Connection:
        make_folder(self._folder)
        new = f"{self.path}.new"
        if os.path.exists(new) and not os.path.exists(self.path):  # noqa: PTH110  # strings throughout
            os.rename(new, self.path)  # noqa: PTH104  # strings throughout; we were killed in between
            sync_folder(self._folder)
        make_file(self.path)
        self._seen = self._find_file()
        connection = self._open_file(self.path)
        if self._role is Role.KEEPER:
            _reserve_room(self.path)
        self._since_checkpoint = 0
        return connection

    def _open_file(self, path: str) -> Connection:
        make_file(path)
        _check_header(path)
        patience_s = _KEEPER_PATIENCE_S if self._role is Role.KEEPER else _PATIENCE_S
        connection = sqlite3.connect(path, timeout=patience_s, cached_statements=32)
        try:
            _set_up(connection)
            for setting in _SETTINGS:
                connection.execute(setting).fetchall()
            _migrate(connection, path)
            if self._role is Role.KEEPER and not self._was_checked:
                self._check(connection)
            connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
        except BaseException:
            with contextlib.suppress(sqlite3.Error):
                connection.close()
            raise
        return connection

    def _check(self, connection: Connection) -> None:
        """Once a process, at its first opening: better then than in the moment of a hang."""
        said = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
        if said != "ok":
            raise DamagedError(str(said))
        self._was_checked = True

    def _begin_anew(self) -> None:
        """A new one with what can be read of the damaged one, which then goes aside: killed at any moment, we find all of it again."""
        self.close()
        with hold_lock(f"{self.path}.lock", alone=True, patience_s=_REPLACING_PATIENCE_S):
            if self._find_file() == self._seen:  # else somebody has done it meanwhile
                self._replace()

    def _replace(self) -> None:
        new = f"{self.path}.new"
        remove_database(new)
        connection = self._open_file(new)
        try:
            with _transaction(connection):
                self._save(self.path, connection)
        except sqlite3.Error as error:
            if is_passing(error):  # no room now
                raise
        finally:
            connection.close()  # all of it is in the one file then
        self.aside = replace_damaged(self.path, new)
