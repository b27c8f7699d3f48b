# SPDX-License-Identifier: GPL-2.0-or-later
"""News that wait for the network: one small file each, so that neither a crash nor a boot loses them, and each target gets each of them once.

Who sends marks a file before it tries, and takes the target out of it when that has it. What was tried when the power went may have arrived or not;
it is sent again, and says so: told twice harms less than not told.
"""

import contextlib
import json
import mmap
import os
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from nicmedic.host.files import make_folder, write_file
from nicmedic.model.errors import StateError
from nicmedic.model.policy import Telling

__all__ = ["Letter", "Loan", "Outbox", "name_target", "name_targets"]

_MOST_LETTERS = 500
_MOST_IN_MEMORY = 50
_MOST_BYTES = 256 << 10
_ROOM_BYTES = 1 << 10
"""For whom it is being sent to."""
_COUNT_BYTES = 4
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
        with open(path, "rb") as file:  # noqa: PTH123  # strings throughout
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


class Loan:
    """Letters that only memory holds, for a child to send. What it could send it notes in memory that both see, for no disk takes that either."""

    def __init__(self, letters: Sequence[Letter]) -> None:
        """``letters``: oldest first."""
        self.letters = tuple(letters)
        self._pairs = [(letter, target) for letter in letters for target in letter.targets]
        self._notes = mmap.mmap(-1, _COUNT_BYTES + len(self._pairs))

    def note_sent(self, letter: Letter, target: str) -> None:
        """In the child: it has it."""
        self._notes[_COUNT_BYTES + self._pairs.index((letter, target))] = 1

    def note_lost(self, count: int) -> None:
        """In the child: so many letters of the disk had to be given up."""
        self._notes[:_COUNT_BYTES] = count.to_bytes(_COUNT_BYTES, "little")

    def settle(self) -> int:
        """When the child has ended: who has a letter need not get it again. Returns how many were lost."""
        for (letter, target), was_sent in zip(self._pairs, self._notes[_COUNT_BYTES:], strict=True):
            if was_sent:
                letter.targets.remove(target)
        lost = int.from_bytes(self._notes[:_COUNT_BYTES], "little")
        self._notes.close()
        return lost


def _shorten(document: Mapping[str, object]) -> dict[str, object]:
    """Without what is in it that is large."""
    return {key: None if isinstance(value, dict | list) else value for key, value in document.items()}


class Outbox:
    """A folder of letters. Who watches adds to it; one child at a time sends, and takes away."""

    def __init__(self, folder: str) -> None:
        """``folder``: need not be there yet."""
        self.folder = folder
        self._unwritten: list[Letter] = []
        self._loan: Loan | None = None
        self._next = 1 + max((int(name[:-5]) for name in self._names()), default=0)
        self.lost = 0
        """Letters that had to be given up."""

    def _names(self) -> list[str]:
        try:
            return sorted(name for name in os.listdir(self.folder) if name.endswith(".json") and name[:-5].isdecimal())  # noqa: PTH208  # strings throughout
        except OSError:
            return []

    def __len__(self) -> int:
        return len(self._names()) + len(self._unwritten)

    def add(self, *, targets: Sequence[str], at_s: float, document: Mapping[str, object], title: str, text: str) -> None:
        """One more. If the disk does not take it, it waits in memory; of one that is too large to be read again only the text is told."""
        path = f"{self.folder}/{self._next:08d}.json"
        self._next += 1
        letter = Letter(path=path, targets=list(targets), at_s=at_s, document=document, title=title, text=text)
        if len(letter.render()) > _MOST_BYTES - _ROOM_BYTES:
            letter.document = _shorten(document)
        self._unwritten.append(letter)
        self.flush()

    def flush(self) -> None:
        """Write what the disk has not taken yet, and nobody is sending now."""
        lent = () if self._loan is None else self._loan.letters
        try:
            for letter in [letter for letter in self._unwritten if letter not in lent]:
                make_folder(self.folder)
                letter.save()
                self._unwritten.remove(letter)
        except StateError:
            self.lost += max(0, len(self._unwritten) - _MOST_IN_MEMORY)
            del self._unwritten[:-_MOST_IN_MEMORY]
            return
        self._thin()

    def lend(self) -> Loan:
        """What the disk does not take, for a child that begins now."""
        self.flush()
        self._loan = Loan(self._unwritten)
        return self._loan

    def take_back(self) -> None:
        """That child has ended."""
        if self._loan is not None:
            self.lost += self._loan.settle()
            self._loan = None
            self._unwritten = [letter for letter in self._unwritten if letter.targets]
            self.flush()

    def _thin(self) -> None:
        """The oldest go when there are too many."""
        for name in self._names()[:-_MOST_LETTERS]:
            with contextlib.suppress(OSError):
                os.unlink(f"{self.folder}/{name}")  # noqa: PTH108  # strings throughout
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
            else:
                self.lost += 1
            with contextlib.suppress(OSError):
                os.unlink(f"{self.folder}/{name}")  # noqa: PTH108  # strings throughout
        return found
