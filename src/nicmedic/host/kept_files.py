# SPDX-License-Identifier: GPL-2.0-or-later
"""``nicmedic.ports.keeping.ConfigFiles`` on this machine, or below a folder that stands for its root.

Links are followed as the host itself would follow them, and the file at their end is replaced: a link stays a link.
"""

import array
import contextlib
import fcntl
import os
import stat
from collections.abc import Sequence

from nicmedic.host import mounts
from nicmedic.host.files import remove_left, remove_theirs, replace_theirs, sync_folder
from nicmedic.model.errors import StateError, UnreadableInputError
from nicmedic.model.keeping import FileEdit
from nicmedic.ports.keeping import FileNow
from nicmedic.remedy.script.words import quote_word
from nicmedic.report.escape import escape_terminal

__all__ = ["HostConfigFiles"]

_LARGEST = 1 << 20
_MOST_LINKS = 40
_PSEUDO = ("/proc/", "/sys/", "/run/")
"""What cannot be read there is as if it were not there: nothing is ever written there."""
_GET_FLAGS = 0x80086601
"""FS_IOC_GETFLAGS (include/uapi/linux/fs.h) where a long has eight bytes; elsewhere the kernel says that it knows no such call."""
_IMMUTABLE, _APPEND_ONLY = 0x10, 0x20
_CONTROLS = (".git", ".hg", ".bzr", "_darcs", ".svn")
_FOLDER_MODE = 0o755


class HostConfigFiles:
    """Files below a root."""

    def __init__(self, root: str = "/") -> None:
        """``root``: of this machine, or a folder that stands for it."""
        self._root = root.rstrip("/")

    def _resolve(self, path: str) -> tuple[str, list[str]]:
        """The file itself, as the host calls it, and the links on the way there. A part that is missing stays as it is named."""
        done: list[str] = []
        waiting = [part for part in path.split("/") if part not in {"", "."}]
        links: list[str] = []
        while waiting:
            part = waiting.pop(0)
            if part == "..":
                del done[-1:]
                continue
            here = "/" + "/".join([*done, part])
            if not os.path.islink(self._root + here):  # noqa: PTH114  # names are bytes of somebody's choosing
                done.append(part)
                continue
            links.append(here)
            if len(links) > _MOST_LINKS:
                raise OSError(None, "too many links")
            target = os.readlink(self._root + here)  # noqa: PTH115  # names are bytes of somebody's choosing
            done = [] if target.startswith("/") else done
            waiting = [each for each in target.split("/") if each not in {"", "."}] + waiting
        return "/" + "/".join(done), links

    def read_file(self, path: str) -> FileNow:
        shown = escape_terminal(path)
        try:
            real, links = self._resolve(path)
            return self._read(path, real, links)
        except OSError as error:
            if path.startswith(_PSEUDO):
                return FileNow(path=path, data=None)
            hint = f"ls -ld {quote_word(path)} ; namei -l {quote_word(path)}"
            raise UnreadableInputError(f"{shown}: {error.strerror or error}", hint=hint) from None

    def _read(self, path: str, real: str, links: Sequence[str]) -> FileNow:
        try:
            handle = os.open(self._root + real, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
        except (FileNotFoundError, NotADirectoryError):
            return FileNow(path=real, data=None, notes=self._tell_links(path, real, links))
        with os.fdopen(handle, "rb") as file:
            found = os.fstat(handle)
            if not stat.S_ISREG(found.st_mode):
                raise OSError(None, "is no plain file")
            data = file.read(_LARGEST + 1)
        if len(data) > _LARGEST:
            raise OSError(None, f"larger than {_LARGEST >> 20} MiB")
        notes = self._tell_links(path, real, links)
        if found.st_nlink > 1 and not path.startswith(_PSEUDO):
            notes = (*notes, f"{escape_terminal(real)} has {found.st_nlink} names (hard links); the others keep the former text.")
        return FileNow(path=real, data=data, notes=notes)

    @staticmethod
    def _tell_links(path: str, real: str, links: Sequence[str]) -> tuple[str, ...]:
        return (f"{escape_terminal(path)} leads to {escape_terminal(real)} by a link: that file is written.",) if links else ()

    def _find_folder(self, path: str) -> str:
        """The nearest folder above a file that is there, as the host calls it."""
        folder = os.path.dirname(path)  # noqa: PTH120  # names are bytes of somebody's choosing
        while folder != "/" and not os.path.isdir(self._root + folder):  # noqa: PTH112  # names are bytes of somebody's choosing
            folder = os.path.dirname(folder)  # noqa: PTH120  # names are bytes of somebody's choosing
        return folder

    def find_obstacle(self, path: str) -> str | None:
        shown = escape_terminal(path)
        folder = self._find_folder(path)
        here = self._root + folder or "/"
        try:
            if os.statvfs(here).f_flag & os.ST_RDONLY:
                return f"{shown}: the file system of {escape_terminal(folder)} is read-only"
            for name in (self._root + path, here):
                word = _read_lock(name)
                if word is not None:
                    return f"{escape_terminal(name.removeprefix(self._root))} is {word} (lsattr)"
            if os.path.lexists(self._root + path) and os.path.ismount(self._root + path):
                return f"{shown} is mounted by itself, so it cannot be replaced"
        except OSError as error:
            return f"{shown}: {error.strerror or error}"
        return None if os.access(here, os.W_OK | os.X_OK) else f"{escape_terminal(folder)} is not for us to write in"

    def find_fleeting(self, path: str) -> str | None:
        try:
            real, _ = self._resolve(path)
            folder = self._find_folder(real)
            kind = None if real.startswith(_PSEUDO) else mounts.find_fleeting(self._root + folder, self._root)
        except OSError:  # in a rescue system without /proc it cannot be told
            return None
        shown = escape_terminal(path if real == path else f"{path} leads to {real}, which")
        if real.startswith(_PSEUDO):
            return f"{shown} is made anew at each boot"
        return None if kind is None else f"{shown} is in memory ({kind} at {escape_terminal(folder)}), and gone after a boot"

    def list_missing_folders(self, path: str) -> tuple[str, ...]:
        missing = []
        folder, there = os.path.dirname(path), self._find_folder(path)  # noqa: PTH120  # names are bytes of somebody's choosing
        while folder != there:
            missing.append(folder)
            folder = os.path.dirname(folder)  # noqa: PTH120  # names are bytes of somebody's choosing
        return tuple(reversed(missing))

    def replace_file(self, edit: FileEdit) -> None:
        path = edit.path
        try:
            if edit.after is None:
                remove_theirs(self._root + path, edit.before)
                return
            for folder in self.list_missing_folders(path):
                os.mkdir(self._root + folder, _FOLDER_MODE)  # noqa: PTH102  # names are bytes of somebody's choosing
                os.chmod(self._root + folder, _FOLDER_MODE)  # noqa: PTH101  # whatever the umask
                sync_folder(os.path.dirname(self._root + folder))  # noqa: PTH120  # names are bytes of somebody's choosing
            replace_theirs(self._root + path, edit.before, edit.after, 0o644 if edit.mode is None else edit.mode)
        except OSError as error:
            hint = f"ls -ld {quote_word(path)} ; lsattr -d {quote_word(path)} ; findmnt -T {quote_word(path)}"
            raise StateError(f"{escape_terminal(path)}: {error.strerror or error}", hint=hint) from error

    def remove_left(self, paths: Sequence[str]) -> None:
        for path in paths:
            with contextlib.suppress(OSError):  # it cannot be read by anybody as what it was to be
                remove_left(self._root + path)

    def remove_folders(self, paths: Sequence[str]) -> None:
        for path in sorted(paths, key=len, reverse=True):
            with contextlib.suppress(OSError):  # not empty, or gone
                os.rmdir(self._root + path)  # noqa: PTH106  # names are bytes of somebody's choosing
                sync_folder(os.path.dirname(self._root + path))  # noqa: PTH120  # names are bytes of somebody's choosing

    def find_version_control(self, path: str) -> str | None:
        folder = os.path.dirname(path)  # noqa: PTH120  # names are bytes of somebody's choosing
        while folder not in {"", "/"}:
            for name in _CONTROLS:
                if os.path.lexists(f"{self._root}{folder}/{name}"):
                    return f"{escape_terminal(folder)} ({name})"
            folder = os.path.dirname(folder)  # noqa: PTH120  # names are bytes of somebody's choosing
        return None


def _read_lock(path: str) -> str | None:
    """Whether a file may not be replaced, or a folder not be changed, by a flag of its file system."""
    flags = array.array("l", [0])
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.ioctl(handle, _GET_FLAGS, flags)
    except OSError:  # its file system has no such flags
        return None
    finally:
        os.close(handle)
    if flags[0] & _IMMUTABLE:
        return "immutable"
    return "append-only" if flags[0] & _APPEND_ONLY else None
