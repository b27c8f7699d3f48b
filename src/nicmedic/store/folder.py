# SPDX-License-Identifier: GPL-2.0-or-later
"""Where the database stands, and its names on disk. Not for its content."""

import contextlib
import errno
import fcntl
import os
import time
from collections.abc import Iterator

__all__ = ["find_damage_age_s", "hold_lock", "make_file", "make_folder", "remove_database", "replace_damaged", "sync_folder"]

_BESIDE = ("-wal", "-shm", "-journal", "")
"""What SQLite keeps beside a database; the database itself last, so that no moment leaves a new one beside the old log of another."""
_MOST_ASIDE = 3
_STEP_S = 0.02


def sync_folder(path: str) -> None:
    """Names that were made, changed or removed in it are on disk then."""
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def make_folder(path: str) -> None:
    """A folder that only its owner may enter, and those above it; none of them is missing after a power cut."""
    if os.path.isdir(path):  # noqa: PTH112  # strings throughout, as the kernel has them
        return
    above = os.path.dirname(path) or "/"  # noqa: PTH120  # strings throughout
    make_folder(above)
    with contextlib.suppress(FileExistsError):
        os.mkdir(path, 0o700)  # noqa: PTH102  # strings throughout
    sync_folder(above)


def make_file(path: str) -> None:
    """An empty file that only its owner may read, unless there is one; SQLite gives its other files the same mode."""
    with contextlib.suppress(FileExistsError):
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600))
        sync_folder(os.path.dirname(path))  # noqa: PTH120  # strings throughout


def _find_free_name(path: str) -> str:
    while True:
        seconds, rest = divmod(time.time_ns(), 10**9)
        name = f"{path}.damaged-{time.strftime('%Y%m%dT%H%M%S', time.gmtime(seconds))}.{rest // 1000:06}Z"
        if not any(os.path.lexists(f"{name}{end}") for end in _BESIDE):
            return name


@contextlib.contextmanager
def hold_lock(path: str, *, alone: bool, patience_s: float) -> Iterator[None]:
    """Shared with others, or alone; a lock of the process, so that a child that was left behind in the kernel does not hold it on.

    Raises:
        BlockingIOError: somebody else holds it for longer.
    """
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        until = time.monotonic() + patience_s
        while True:
            try:
                fcntl.lockf(handle, (fcntl.LOCK_EX if alone else fcntl.LOCK_SH) | fcntl.LOCK_NB)
                break
            except OSError as error:
                if error.errno not in {errno.EAGAIN, errno.EACCES}:
                    raise
                if time.monotonic() > until:
                    raise BlockingIOError(errno.EAGAIN, "another process is at it") from None
                time.sleep(_STEP_S)
        yield
    finally:
        os.close(handle)


def remove_database(path: str) -> None:
    """With what SQLite keeps beside it."""
    for end in _BESIDE:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(f"{path}{end}")  # noqa: PTH108  # strings throughout


def _list_asides(path: str) -> set[str]:
    """Names of the damaged ones, without what SQLite keeps beside them."""
    folder, name = os.path.split(path)
    entries = [entry for entry in os.listdir(folder) if entry.startswith(f"{name}.damaged-")]  # noqa: PTH208  # strings throughout
    return {entry.removesuffix("-wal").removesuffix("-shm").removesuffix("-journal") for entry in entries}


def find_damage_age_s(path: str) -> float | None:
    """How long ago one was given another name last; None: none is here. Below 0: the clock was set back."""
    ages = []
    for name in _list_asides(path):
        with contextlib.suppress(FileNotFoundError):
            ages.append(time.time() - os.stat(f"{os.path.dirname(path)}/{name}").st_ctime)  # noqa: PTH116, PTH120  # strings throughout
    return min(ages, default=None)


def _forget_oldest(path: str, aside: str) -> None:
    """A disk that damages everything must not be filled by that."""
    others = _list_asides(path) - {os.path.basename(aside)}  # noqa: PTH119  # strings throughout
    for name in sorted(others)[: 1 - _MOST_ASIDE]:  # a clock may have been set back
        with contextlib.suppress(OSError):
            remove_database(f"{os.path.dirname(path)}/{name}")  # noqa: PTH120  # strings throughout


def replace_damaged(path: str, new: str) -> str:
    """Give a damaged database another name, and its name to a new one that is closed; returns the other name. Only the newest few are kept."""
    aside = _find_free_name(path)
    for end in _BESIDE:
        with contextlib.suppress(FileNotFoundError):
            os.rename(f"{path}{end}", f"{aside}{end}")  # noqa: PTH104  # strings throughout
    os.rename(new, path)  # noqa: PTH104  # strings throughout
    _forget_oldest(path, aside)
    sync_folder(os.path.dirname(path))  # noqa: PTH120  # strings throughout
    return aside
