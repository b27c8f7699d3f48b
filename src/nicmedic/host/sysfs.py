# SPDX-License-Identifier: GPL-2.0-or-later
"""Read small files below a root folder: the sysfs and procfs of this machine, or of an unpacked copy of another.

Whatever is missing, forbidden, vanishing or strange becomes None, and a note where the caller gives the field a name. Nothing raises.
Files of a copy may be links that lead out of it: those are not followed.
"""

import errno
import os
import re
import stat

from nicmedic.model.note import Lack, Note

__all__ = ["Folder", "lack_of"]

MOST_BYTES = 1 << 16
_LACKS = {
    errno.ENOENT: Lack.ABSENT,
    errno.ENOTDIR: Lack.ABSENT,
    errno.EACCES: Lack.REFUSED,
    errno.EPERM: Lack.REFUSED,
    errno.EOPNOTSUPP: Lack.UNSUPPORTED,
    errno.ENODEV: Lack.GONE,
    errno.ENXIO: Lack.GONE,
    errno.ESTALE: Lack.GONE,
}
_DIGITS = re.compile(r"(\d+)")


def lack_of(error: OSError) -> Lack:
    """What an error means for the one who asked."""
    return _LACKS.get(error.errno or 0, Lack.ODD)


def _natural(name: str) -> list[tuple[int, str]]:
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in _DIGITS.split(name)]


class Folder:
    """One folder of the host. Folders made out of it share its notes."""

    def __init__(self, root: str = "/", path: str = "", notes: list[Note] | None = None, *, avoid: frozenset[str] = frozenset()) -> None:
        """``root``: where the host's ``/`` is; ``path``: below it; ``notes``: where lacks are written down; ``avoid``: files not to be opened."""
        self._root = os.path.realpath(root)
        self._path = path.strip("/")
        self._avoid = avoid
        self.notes: list[Note] = [] if notes is None else notes

    def folder(self, path: str, notes: list[Note] | None = None) -> "Folder":
        """A folder below."""
        return Folder(self._root, f"{self._path}/{path}", self.notes if notes is None else notes, avoid=self._avoid)

    @property
    def path(self) -> str:
        """As the host itself would call it."""
        return f"/{self._path}"

    def _find(self, name: str) -> str:
        path = os.path.join(self._root, self._path, name)  # noqa: PTH118  # thousands of files: pathlib costs more than the read
        if self._root != "/":
            resolved = os.path.realpath(path)
            if os.path.commonpath([resolved, self._root]) != self._root:
                raise FileNotFoundError(errno.ENOENT, "leads out of the copy")
            return resolved
        return path

    def _note(self, name: str, note: str, error: OSError) -> None:
        if note:
            reason = error.strerror or str(error)
            self.notes.append(Note(what=note, why=lack_of(error), detail=f"{self.path}/{name}: {reason}"))

    def raw(self, name: str, *, note: str = "", most: int = MOST_BYTES) -> bytes | None:
        """A file's bytes; ``note``: the field that is unknown without them."""
        if name.rsplit("/", 1)[-1] in self._avoid:
            return None
        try:
            descriptor = os.open(self._find(name), os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
            try:
                if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                    raise OSError(errno.EINVAL, "not a regular file")
                parts = []
                while most > 0 and (part := os.read(descriptor, most)):  # procfs gives a page a read
                    parts.append(part)
                    most -= len(part)
                return b"".join(parts)
            finally:
                os.close(descriptor)
        except OSError as error:
            self._note(name, note, error)
        except ValueError:  # a name with a NUL
            pass
        return None

    def text(self, name: str, *, note: str = "", most: int = MOST_BYTES) -> str | None:
        """A file's text without blanks at the ends; None too where it is empty."""
        data = self.raw(name, note=note, most=most)
        return None if data is None else data.decode("utf-8", "surrogateescape").strip("\0 \t\r\n") or None

    def number(self, name: str, *, note: str = "") -> int | None:
        """A decimal number, or a hexadecimal one with ``0x``."""
        text = self.text(name, note=note, most=64)
        if text is None:
            return None
        try:
            return int(text, 0) if text[:2] in {"0x", "0X"} else int(text)
        except ValueError:
            if note:
                self.notes.append(Note(what=note, why=Lack.ODD, detail=f"{self.path}/{name}: {text!r} is no number"))
            return None

    def flag(self, name: str, *, note: str = "") -> bool | None:
        """0 or 1."""
        number = self.number(name, note=note)
        return None if number is None else number != 0

    def names(self, name: str = "", *, note: str = "") -> tuple[str, ...]:
        """What is in it, numbers in their order: ``tx-2`` before ``tx-10``. Empty too where it is missing."""
        try:
            return tuple(sorted(os.listdir(self._find(name)), key=_natural))  # noqa: PTH208  # as _find
        except OSError as error:
            self._note(name, note, error)
        except ValueError:  # as above
            pass
        return ()

    def has(self, name: str) -> bool:
        """Whether there is such a file or folder."""
        try:
            return os.path.exists(self._find(name))  # noqa: PTH110  # as _find
        except (OSError, ValueError):
            return False

    def target(self, name: str = "") -> str | None:
        """Where a link leads, all links resolved, as the host itself would call it; None: no such link."""
        try:
            path = os.path.realpath(self._find(name), strict=True)
        except (OSError, ValueError):
            return None
        return path if self._root == "/" else path[len(self._root) :]
