# SPDX-License-Identifier: GPL-2.0-or-later
"""The guard of this ring: a unit test that starts a program, uses a socket or writes outside temporary folders fails.

It hears of these through Python's audit events, so it sees what libraries do too. It keeps honest tests honest;
it is no sandbox.
"""

import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

SPAWNS = frozenset({"os.exec", "os.fork", "os.forkpty", "os.posix_spawn", "os.system", "pty.spawn", "subprocess.Popen"})
SOCKETS = frozenset({"socket.bind", "socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendmsg", "socket.sendto"})
# event -> where its arguments hold a path, and the folder descriptor that a relative path starts from
WRITES = {
    "os.chmod": ((0, 2),),
    "os.chown": ((0, 3),),
    "os.link": ((1, 3),),
    "os.mkdir": ((0, 2),),
    "os.remove": ((0, 1),),
    "os.rename": ((0, 2), (1, 3)),
    "os.rmdir": ((0, 1),),
    "os.symlink": ((1, 2),),
    "os.truncate": ((0, None),),
    "os.utime": ((0, 3),),
    "sqlite3.connect": ((0, None),),
}
ROOT = Path(__file__).resolve().parents[2]
CACHES = frozenset({"__pycache__", ".hypothesis"})
WRITE_FLAGS = os.O_WRONLY | os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_TRUNC


class GuardedActionError(RuntimeError):
    """A unit test did what this ring does not allow."""


class Guard:
    """Raises on a forbidden action, and remembers it should the code under test swallow that."""

    def __init__(self) -> None:
        self.active = False
        self.basetemp = self.tempdir = Path("/nonexistent")
        self.seen: list[str] = []

    def hear(self, event: str, args: tuple[object, ...]) -> None:
        """Judge one audit event."""
        if not self.active:
            return
        self.active = False  # the judgement itself must not be judged
        try:
            complaint = self.complaint(event, args)
            if complaint:
                self.seen.append(complaint)
                raise GuardedActionError(complaint)
        finally:
            self.active = True

    def complaint(self, event: str, args: tuple[object, ...]) -> str:
        """What is wrong with an action; empty if nothing is."""
        if event in SPAWNS:
            return f"a unit test starts no program: {event}{args[:2]}"
        if event in SOCKETS:
            return f"a unit test uses no socket: {event}{args[1:]}"
        paths: list[object] = []
        if event == "open":
            if isinstance(args[2], int) and args[2] & WRITE_FLAGS:
                paths = [args[0]]
        else:
            paths = [located(args[path], -1 if fd is None else args[fd]) for path, fd in WRITES.get(event, ())]
        if event == "sqlite3.connect":
            paths = [str(path).removeprefix("file:").partition("?")[0] for path in paths]  # SQLite takes a URI too
        for path in paths:
            if not self.may_write(path):
                return f"a unit test writes to tmp_path only: {event} {path!r}"
        return ""

    def may_write(self, path: object) -> bool:
        """Whether a path is temporary (or a file descriptor: whoever opened it was asked)."""
        if not isinstance(path, str | bytes | os.PathLike):
            return True
        name = os.fsdecode(path)
        if name in {os.devnull, ":memory:", ""} or CACHES.intersection(Path(name).parts):
            return True
        place = Path(name).resolve()
        if place.is_relative_to(self.basetemp):
            return True
        return place.is_relative_to(self.tempdir) and not place.is_relative_to(ROOT)  # a clone may stand in /tmp


def located(path: object, fd: object) -> object:
    """A path with the folder that it is relative to."""
    if isinstance(path, str | bytes | os.PathLike) and isinstance(fd, int) and fd >= 0:
        return Path(f"/proc/self/fd/{fd}").readlink() / os.fsdecode(path)
    return path


GUARD = Guard()
sys.addaudithook(GUARD.hear)


@pytest.fixture(autouse=True)
def guard(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guard]:
    """Watch over one test."""
    GUARD.tempdir = Path(tempfile.gettempdir()).resolve()
    GUARD.basetemp = tmp_path_factory.getbasetemp().resolve()
    GUARD.seen = []
    GUARD.active = True
    yield GUARD
    GUARD.active = False
    if GUARD.seen:
        pytest.fail("\n".join(GUARD.seen), pytrace=False)
