# SPDX-License-Identifier: GPL-2.0-or-later
"""News that wait for the network: one small file each, so that neither a crash nor a boot loses them, and each target gets each of them once.

Who sends marks a file before it tries, and takes the target out of it when that has it. What was tried when the power went may have arrived or not;
it is sent again, and says so: told twice harms less than not told.
"""

import contextlib
import json
import os
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from nicmedic.host.files import make_folder, write_file
from nicmedic.model.errors import StateError
from nicmedic.model.policy import Telling

__all__ = ["Letter", "Outbox", "name_target", "name_targets"]

_MOST_LETTERS = 500
_MOST_IN_MEMORY = 50
_MOST_BYTES = 256 << 10
_OLDEST_S = 7 * 86400.0


def name_target(kind: str, what: object) -> str:
    """Names a target without telling its secrets. A checksum does: targets of one policy must differ, and hashlib loads all of OpenSSL."""
    return f"{kind}:{zlib.crc32(json.dumps(what).encode()):08x}"


def name_targets(telling: Telling, *, for_people: bool = True) -> tuple[str, ...]:
    """All of a policy; ``for_people``: messages too, not only the command."""
    command = (name_target("command", telling.command),) if telling.command else ()
    return (*command, *(name_target("url", url) for url in telling.urls if for_people))


@dataclass(slots=True, kw_only=True)
class Letter:
    """One piece of news, and who has not got it yet."""

    path: str
    targets: list[str]
    at_s: float
    """Seconds since 1970."""
    document: Mapping[str, object]
    title: str
    text: str
    trying: str = ""
    """Whom it was being sent to when this was written."""

    def render(self) -> str:
        """As it stands on disk."""
        fields = {name: getattr(self, name) for name in ("targets", "at_s", "document", "title", "text", "trying")}
        return json.dumps(fields) + "\n"

    def save(self) -> None:
        """Write it, or remove it when everybody has it.

        Raises:
            StateError: the disk does not take it.
        """
        if self.targets:
            write_file(self.path, self.render())
        else:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self.path)  # noqa: PTH108  # strings throughout


def _read_letter(path: str) -> Letter | None:
    """None: it is none, or torn."""
    try:
        with open(path, "rb") as file:  # noqa: PTH123  # as above
            known = json.loads(file.read(_MOST_BYTES))
        return Letter(
            path=path,
            targets=[str(name) for name in known["targets"]],
            at_s=float(known["at_s"]),
            document=cast("Mapping[str, object]", dict(known["document"])),
            title=str(known["title"]),
            text=str(known["text"]),
            trying=str(known["trying"]),
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


class Outbox:
    """A folder of letters. Who watches adds to it; one child at a time sends, and takes away."""

    def __init__(self, folder: str) -> None:
        """``folder``: need not be there yet."""
        self.folder = folder
        self._unwritten: list[Letter] = []
        self._next = 1 + max((int(name[:-5]) for name in self._names()), default=0)
        self.lost = 0
        """Letters that had to be given up."""

    def _names(self) -> list[str]:
        try:
            return sorted(name for name in os.listdir(self.folder) if name.endswith(".json") and name[:-5].isdecimal())  # noqa: PTH208  # as above
        except OSError:
            return []

    def __len__(self) -> int:
        return len(self._names()) + len(self._unwritten)

    def add(self, *, targets: Sequence[str], at_s: float, document: Mapping[str, object], title: str, text: str) -> None:
        """One more. If the disk does not take it, it waits in memory."""
        path = f"{self.folder}/{self._next:08d}.json"
        self._next += 1
        self._unwritten.append(Letter(path=path, targets=list(targets), at_s=at_s, document=document, title=title, text=text))
        self.flush()

    def flush(self) -> None:
        """Write what the disk has not taken yet."""
        try:
            while self._unwritten:
                make_folder(self.folder)
                self._unwritten[0].save()
                del self._unwritten[0]
        except StateError:
            self.lost += max(0, len(self._unwritten) - _MOST_IN_MEMORY)
            del self._unwritten[:-_MOST_IN_MEMORY]
            return
        self._thin()

    def _thin(self) -> None:
        """The oldest go when there are too many."""
        for name in self._names()[:-_MOST_LETTERS]:
            with contextlib.suppress(OSError):
                os.unlink(f"{self.folder}/{name}")  # noqa: PTH108  # as above
                self.lost += 1

    def read(self, targets: Sequence[str], now_s: float) -> list[Letter]:
        """What waits, oldest first. What is torn, too old, or for nobody who is still in the policy, is removed."""
        found = []
        for name in self._names():
            letter = _read_letter(f"{self.folder}/{name}")
            if letter is not None and now_s - letter.at_s <= _OLDEST_S:
                letter.targets = [target for target in letter.targets if target in targets]
                if letter.targets:
                    found.append(letter)
                    continue
            with contextlib.suppress(OSError):
                os.unlink(f"{self.folder}/{name}")  # noqa: PTH108  # as above
        return found
