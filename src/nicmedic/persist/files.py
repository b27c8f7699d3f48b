# SPDX-License-Identifier: GPL-2.0-or-later
"""The configuration files that were found, as a value. Not for reading them: ``host/config_files.py`` does that.

All paths are as the host itself sees them, wherever its root was when they were read.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TypeVar, cast

__all__ = ["FoundFiles", "base_name", "glob_pattern"]


T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundFiles:
    """What stood on the host when it was looked at. A path that is in none of these was looked for and is not there."""

    texts: Mapping[str, str] = field(default_factory=dict)
    """Path to text, with secrets withheld."""
    links: Mapping[str, str] = field(default_factory=dict)
    """Symbolic links and where they point, as it stands in them."""
    present: frozenset[str] = frozenset()
    """There, and text was not asked for or makes no sense: programs, folders."""
    unreadable: Mapping[str, str] = field(default_factory=dict)
    """Files and folders that are there and could not be read, with the reason."""

    _made: dict[str, object] = field(default_factory=dict, init=False, repr=False, compare=False)

    def make_once(self, name: str, make: Callable[["FoundFiles"], T]) -> T:
        """What was made out of these files under a name: the files of a host with 200 cards are parsed once, and not for each card."""
        if name not in self._made:
            self._made[name] = make(self)
        return cast("T", self._made[name])

    def find(self, *globs: str) -> Iterator[tuple[str, str]]:
        """Path and text of every file that was read and that one of the globs fits, in the order of the paths."""
        patterns = [glob_pattern(each) for each in globs]
        for path in sorted(self.texts):
            if any(pattern.match(path) for pattern in patterns):
                yield path, self.texts[path]

    def exists(self, *globs: str) -> bool:
        """Whether anything that one of the globs fits is there, readable or not."""
        patterns = [glob_pattern(each) for each in globs]
        paths = (*self.texts, *self.links, *self.present, *self.unreadable)
        return any(pattern.match(path) for path in paths for pattern in patterns)

    def find_unreadable(self, *globs: str) -> Iterator[tuple[str, str]]:
        """Path and reason of what could not be read: the files that a glob fits, and the folders that might hold such."""
        for path, reason in sorted(self.unreadable.items()):
            for each in globs:
                if glob_pattern(each).match(path) or each.startswith(f"{path}/"):
                    yield path, reason
                    break


@lru_cache(maxsize=512)
def glob_pattern(glob: str) -> re.Pattern[str]:
    """A shell glob over whole paths: ``*`` and ``?`` stop at a slash, and a leading dot must be spelled, as in ``glob(7)``.

    >>> bool(glob_pattern("/etc/*.d/*").match("/etc/a.d/x")), bool(glob_pattern("/etc/*").match("/etc/a/b"))
    (True, False)
    """
    pieces: list[str] = []
    at = 0
    while at < len(glob):
        letter = glob[at]
        if letter in "*?" and (at == 0 or glob[at - 1] == "/"):
            pieces.append(r"(?!\.)")
        if letter == "*":
            pieces.append("[^/]*")
        elif letter == "?":
            pieces.append("[^/]")
        elif letter == "[" and (found := re.match(r"\[([!^]?)(\]?[^\]/]+)\]", glob[at:])):
            pieces.append(f"(?!/)[{'^' if found[1] else ''}{_spell_set(found[2])}]")
            at += found.end() - 1
        else:
            pieces.append(re.escape(letter))
        at += 1
    return re.compile("".join(pieces) + r"\Z", re.DOTALL)


def _spell_set(chosen: str) -> str:
    """What stands between brackets, in the words of ``re``; a range that runs backwards fits nothing, where ``re`` would refuse it."""
    spelled = ""
    at = 0
    while at < len(chosen):
        first, last = chosen[at], chosen[at + 2] if chosen[at + 1 : at + 2] == "-" and at + 2 < len(chosen) else chosen[at]
        if first <= last:
            spelled += re.escape(first) if first == last else f"{re.escape(first)}-{re.escape(last)}"
        at += 3 if chosen[at + 1 : at + 2] == "-" and at + 2 < len(chosen) else 1
    return spelled or "/"


def base_name(path: str) -> str:
    """The last part of a path."""
    return path.rsplit("/", 1)[-1]
