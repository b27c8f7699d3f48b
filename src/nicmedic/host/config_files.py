# SPDX-License-Identifier: GPL-2.0-or-later
"""Read the files of all network managers below a root folder. What they mean is in ``nicmedic.persist``.

Never a traceback: what cannot be read is noted. Secrets are taken out before anything else sees the text. Links are followed as the host itself would
follow them, so that a copied tree (a sosreport, a snapshot) never leads out of it.
"""

import os
import stat
from collections.abc import Iterable, Iterator

from nicmedic.persist.files import FoundFiles, glob_pattern
from nicmedic.persist.managers.table import MANAGERS
from nicmedic.persist.secrets import withhold_secrets

__all__ = ["read_config_files"]

LARGEST = 1 << 20
MOST_FILES = 5000
MOST_BYTES = 32 << 20
_ROUNDS = 8
"""Of includes within includes."""
_MOST_LINKS = 20
_ONLY_PRESENCE = (".service", "/ifup", "/ifstatenew")


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)


class _Reader:
    """One reading of one tree."""

    def __init__(self, root: str) -> None:
        self.root = root.rstrip("/")
        self.texts: dict[str, str] = {}
        self.links: dict[str, str] = {}
        self.present: set[str] = set()
        self.unreadable: dict[str, str] = {}
        self.bytes_left = MOST_BYTES

    def found(self) -> FoundFiles:
        return FoundFiles(texts=self.texts, links=self.links, present=frozenset(self.present), unreadable=self.unreadable)

    def knows(self, path: str) -> bool:
        return path in self.texts or path in self.present or path in self.unreadable

    def read_glob(self, glob: str) -> list[str]:
        """Read every file that a glob fits; the paths that are new."""
        new = []
        for path in self._expand("", [part for part in glob.split("/") if part]):
            if not self.knows(path):
                if len(self.texts) >= MOST_FILES:
                    self.unreadable[path] = f"more than {MOST_FILES} files: not read"
                    break
                self._read(path)
                new.append(path)
        return new

    def _expand(self, folder: str, parts: list[str]) -> Iterator[str]:
        """Paths that the rest of a glob fits below a folder."""
        for index, part in enumerate(parts):
            if set("*?[") & set(part):
                for name in self._list(folder):
                    if glob_pattern(part).match(name):
                        yield from self._expand(f"{folder}/{name}", parts[index + 1 :])
                return
            folder = f"{folder}/{part}"
        try:
            os.lstat(self._real(folder, last=False))
        except PermissionError as error:
            self.unreadable[folder] = _reason(error)
        except (OSError, ValueError):
            return
        else:
            yield folder

    def _list(self, folder: str) -> list[str]:
        try:
            return sorted(os.listdir(self._real(folder)))  # noqa: PTH208  # as host/knowledge.py
        except PermissionError as error:
            self.unreadable[folder] = _reason(error)
        except (OSError, ValueError):
            return []
        return []

    def _real(self, path: str, *, last: bool = True) -> str:
        """Where a path of the host stands on this machine, with links followed inside the root; ``last``: that of the last part too."""
        done: list[str] = []
        waiting = [part for part in path.split("/") if part]
        followed = 0
        while waiting:
            part = waiting.pop(0)
            if part == "..":
                del done[-1:]
                continue
            here = f"{self.root}/{'/'.join([*done, part])}"
            if (waiting or last) and part != "." and os.path.islink(here):  # noqa: PTH114  # names are bytes of somebody's choosing
                followed += 1
                if followed > _MOST_LINKS:
                    raise OSError(None, "too many links")
                target = os.readlink(here)  # noqa: PTH115  # names are bytes of somebody's choosing
                if target.startswith("/"):
                    done = []
                waiting = [each for each in target.split("/") if each] + waiting
            elif part != ".":
                done.append(part)
        return f"{self.root}/{'/'.join(done)}"

    def _read(self, path: str) -> None:
        try:
            here = self._real(path, last=False)
            if os.path.islink(here):  # noqa: PTH114  # names are bytes of somebody's choosing
                self.links[path] = os.readlink(here)  # noqa: PTH115  # names are bytes of somebody's choosing
                if self.links[path] == "/dev/null":
                    return
            if path.endswith(_ONLY_PRESENCE):
                self.present.add(path)
                return
            self._read_text(path, self._real(path))
        except FileNotFoundError:
            return  # a link that leads nowhere, or gone in between
        except (OSError, ValueError) as error:
            self.unreadable[path] = _reason(error)

    def _read_text(self, path: str, real: str) -> None:
        handle = os.open(real, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)  # a pipe must not hold us up
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            os.close(handle)
            self.present.add(path)
            return
        with os.fdopen(handle, "rb") as file:
            data = file.read(LARGEST + 1)
        if len(data) > LARGEST or len(data) > self.bytes_left:
            self.unreadable[path] = f"larger than {LARGEST >> 20} MiB: not read" if len(data) > LARGEST else "too much in all: not read"
        elif b"\0" in data:
            self.present.add(path)
        else:
            self.bytes_left -= len(data)
            self.texts[path] = withhold_secrets(data.decode("utf-8", "replace"))


def read_config_files(root: str = "/", also: Iterable[str] = ()) -> FoundFiles:
    """Everything that any manager reads, and the state that it leaves.

    Args:
        root: of this machine, or of a copied tree.
        also: further globs.
    """
    reader = _Reader(root)
    for glob in also:
        reader.read_glob(glob)
    for manager in MANAGERS:
        for glob in manager.paths:
            reader.read_glob(glob)
    asked: set[str] = set()
    for _ in range(_ROUNDS):
        before = len(asked)
        for manager in MANAGERS:
            for glob in manager.follow(reader.found()):
                if glob in asked:
                    continue
                asked.add(glob)
                for path in reader.read_glob(glob):
                    if path in reader.texts and not manager.keep(reader.texts[path]):
                        del reader.texts[path]  # a line may name any file of the host; only what the manager would understand is kept
                        reader.present.add(path)
        if len(asked) == before:
            break
    return reader.found()
