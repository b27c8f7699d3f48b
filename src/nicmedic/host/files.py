# SPDX-License-Identifier: GPL-2.0-or-later
"""The only writer of small files: whole or not at all, and on disk when a function returns. Archives are written by ``host/snapshot.py``.

Every failure is a ``StateError`` that tells the path and what the kernel said; of somebody else's file (``replace_theirs``) an ``OSError``.
"""

import contextlib
import errno
import os
import stat
from collections.abc import Iterator

from nicmedic.host.outside import is_confined
from nicmedic.model.errors import StateError
from nicmedic.report.escape import escape_terminal, quote_file_name

__all__ = [
    "append_line",
    "make_folder",
    "make_link",
    "remove_left",
    "remove_theirs",
    "remove_torn",
    "remove_tree",
    "rename_folder",
    "replace_theirs",
    "sync_folder",
    "tell_state",
    "write_bytes",
    "write_file",
]

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
_NO_ATTRIBUTES = frozenset({errno.ENOTSUP, errno.ENODATA})


@contextlib.contextmanager
def tell_state(path: str) -> Iterator[None]:
    """An ``OSError`` within becomes a ``StateError`` about this path."""
    try:
        yield
    except OSError as error:
        folder = quote_file_name(os.path.dirname(path) or ".")  # noqa: PTH120  # strings throughout, as the kernel has them
        look = f"df -h {folder} ; df -i {folder}" if error.errno in _FULL else f"ls -ld {folder} ; findmnt -T {folder}"
        # A service has its folder from its unit.
        elsewhere = "" if is_confined() else "   # NICMEDIC_STATE=/run/nicmedic-state keeps transactions elsewhere"
        raise StateError(f"{escape_terminal(path)}: {error.strerror or error}", hint=look + elsewhere) from error


def sync_folder(path: str) -> None:
    """Names that were made, changed or removed in it are on disk then."""
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _parent(path: str) -> str:
    return os.path.dirname(path) or "."  # noqa: PTH120  # strings throughout


def make_folder(path: str) -> None:
    """A folder that only its owner may enter, and those above it; none of them must be missing after a power cut."""
    with tell_state(path):
        if os.path.isdir(path):  # noqa: PTH112  # strings throughout
            return
        if not os.path.isdir(_parent(path)):  # noqa: PTH112  # strings throughout
            make_folder(_parent(path))
        with contextlib.suppress(FileExistsError):
            os.mkdir(path, 0o700)  # noqa: PTH102  # strings throughout
        sync_folder(_parent(path))


def _write_all(handle: int, data: bytes, *, sync: bool = True) -> None:
    while data:
        data = data[os.write(handle, data) :]
    if sync:
        os.fsync(handle)


def write_file(path: str, text: str, mode: int = 0o600, *, sync: bool = True) -> None:
    """Replace or make a file: who reads it finds the old one or the new one, also after a power cut.

    Without ``sync`` a power cut may leave an empty one, and no disk is waited for: for what is written anew all the time.
    """
    write_bytes(path, os.fsencode(text), mode, sync=sync)


def write_bytes(path: str, data: bytes, mode: int = 0o600, *, sync: bool = True) -> None:
    """The same with bytes."""
    temporary = f"{path}.{os.getpid()}.tmp"
    with tell_state(path):
        try:
            handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, mode)
            try:
                os.fchmod(handle, mode)  # whatever the umask: metrics are for others to read
                _write_all(handle, data, sync=sync)
            finally:
                os.close(handle)
            os.rename(temporary, path)  # noqa: PTH104  # strings throughout
        except OSError:
            with contextlib.suppress(OSError):
                os.unlink(temporary)  # noqa: PTH108  # strings throughout
            raise
        if sync:
            sync_folder(_parent(path))


def remove_torn(path: str) -> None:
    """Remove what a crash in the middle of ``write_file`` has left beside the file: for folders that are not ours alone."""
    begin = f"{os.path.basename(path)}."  # noqa: PTH119  # strings throughout
    with tell_state(path), contextlib.suppress(FileNotFoundError, NotADirectoryError):
        for name in os.listdir(_parent(path)):  # noqa: PTH208  # strings throughout
            if name.startswith(begin) and name.endswith(".tmp") and name[len(begin) : -len(".tmp")].isdecimal():
                os.unlink(f"{_parent(path)}/{name}")  # noqa: PTH108  # strings throughout


def _name_temporary(path: str) -> str:
    """Beside a file of somebody else. No program that reads a folder takes a name with a dot before it and this ending."""
    return f"{_parent(path)}/.{os.path.basename(path)}.nicmedic-new"  # noqa: PTH119  # strings throughout


def _copy_attributes(source: str, handle: int) -> None:
    """Owner, mode and extended attributes: capabilities, access lists, labels of SELinux. What the file system does not know is not there either."""
    found = os.stat(source)  # noqa: PTH116  # strings throughout
    os.fchown(handle, found.st_uid, found.st_gid)
    os.fchmod(handle, stat.S_IMODE(found.st_mode))
    try:
        names = os.listxattr(source)
    except OSError as error:
        if error.errno in _NO_ATTRIBUTES:
            return
        raise
    for name in names:
        try:
            os.setxattr(handle, name, os.getxattr(source, name))
        except OSError as error:
            if error.errno not in _NO_ATTRIBUTES:
                raise


def _check_unchanged(path: str, before: bytes | None) -> None:
    """Raises ``OSError`` where a file is not what it was."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        now = None
    else:
        with os.fdopen(handle, "rb") as file:
            now = file.read()
    if now != before:
        raise OSError(None, "somebody else changed it this moment")


def replace_theirs(path: str, before: bytes | None, data: bytes, mode: int) -> None:
    """Replace or make a file of somebody else; links are not followed.

    A disk may take seconds to sync, in which somebody may write it: so it is looked at after that, right before it gets its name.

    Args:
        path: of the file.
        before: what stands in it; None: there is none.
        data: what shall.
        mode: of a new one.

    Raises:
        OSError: it cannot be written, or is not what it was; it is left as it is.
    """
    temporary = _name_temporary(path)
    try:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)  # noqa: PTH108  # left by a crash
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            _write_all(handle, data, sync=False)
            if os.path.lexists(path):
                _copy_attributes(path, handle)
            else:
                os.fchmod(handle, mode)
            os.fsync(handle)
        finally:
            os.close(handle)
        _check_unchanged(path, before)
        os.rename(temporary, path)  # noqa: PTH104  # strings throughout
    except OSError:
        with contextlib.suppress(OSError):
            os.unlink(temporary)  # noqa: PTH108  # strings throughout
        raise
    sync_folder(_parent(path))


def remove_left(path: str) -> None:
    """Remove what a crash has left beside a file of somebody else, if anything.

    Raises:
        OSError: it cannot be removed.
    """
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        os.unlink(_name_temporary(path))  # noqa: PTH108  # strings throughout
        sync_folder(_parent(path))


def remove_theirs(path: str, before: bytes | None) -> None:
    """Remove a file, and what a crash has left beside it.

    Raises:
        OSError: it cannot be removed, or is not what it was before.
    """
    remove_left(path)
    if os.path.lexists(path):
        _check_unchanged(path, before)
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)  # noqa: PTH108  # strings throughout
    with contextlib.suppress(FileNotFoundError):  # the folder is gone as well
        sync_folder(_parent(path))


def append_line(path: str, line: str) -> None:
    """One more line at the end of a file. A line that a full disk or a power cut has torn before it is ended first."""
    with tell_state(path):
        is_new = not os.path.lexists(path)
        handle = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            size = os.fstat(handle).st_size
            torn = size > 0 and os.pread(handle, 1, size - 1) != b"\n"
            _write_all(handle, (b"\n" if torn else b"") + os.fsencode(line) + b"\n")
        finally:
            os.close(handle)
        if is_new:
            sync_folder(_parent(path))


def make_link(path: str, target: str) -> bool:
    """A symbolic link that says something by where it leads; False: there is one already. Of several who try at once exactly one makes it.

    It counts from the moment that it is there, for everybody looks at it: a disk that then does not sync makes no difference before the next boot.
    """
    with tell_state(path):
        try:
            os.symlink(target, path)  # noqa: PTH211  # strings throughout
        except FileExistsError:
            return False
        try:
            sync_folder(_parent(path))
        except OSError:
            if os.readlink(path) != target:  # noqa: PTH115  # strings throughout
                raise
        return True


def rename_folder(path: str, name: str) -> None:
    """Give a finished folder its name."""
    with tell_state(name):
        sync_folder(path)
        os.rename(path, name)  # noqa: PTH104  # strings throughout
        sync_folder(_parent(name))


def remove_tree(path: str) -> None:
    """A folder with all in it; what cannot be removed stays, and harms nobody."""
    import shutil  # rarely wanted

    shutil.rmtree(path, ignore_errors=True)
