# SPDX-License-Identifier: GPL-2.0-or-later
"""Lines of the form ``[section]`` and ``key=value`` with their numbers, and shell assignments. Reads only; never raises.

systemd joins lines that end with a backslash (systemd.syntax(7)); GLib's key files, which NetworkManager has, do not.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

__all__ = ["Setting", "parse_assignments", "parse_ini", "split_words"]

_MOST_LINES = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One assignment, where it stands."""

    section: str
    key: str
    value: str
    line: int


def parse_ini(text: str, *, joined: bool = True) -> Iterator[Setting]:
    r"""Every assignment in order; what is neither section, comment nor assignment is passed over.

    >>> [(setting.section, setting.key, setting.value, setting.line) for setting in parse_ini("[Match]\n# x\nName=en*\n")]
    [('Match', 'Name', 'en*', 3)]
    """
    section, began = "", 0
    held: list[str] = []
    for number, raw in enumerate(text.split("\n", _MOST_LINES)[:_MOST_LINES], 1):
        line = raw.strip()
        if line.startswith(("#", ";")) or (not line and not held):
            continue
        if joined and line.endswith("\\"):
            held.append(line[:-1])
            began = began or number
            continue
        line, at = " ".join((*held, line)).strip(), began or number
        held, began = [], 0
        if line.startswith("[") and line.endswith("]"):
            section = line[1:-1]
        elif "=" in line:
            key, _, value = line.partition("=")
            yield Setting(section=section, key=key.strip(), value=value.strip(), line=at)


_ASSIGNMENT = re.compile(r"\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)=(?:\"((?:[^\"\\]|\\.)*)\"|'([^']*)'|([^\s#;]*))")


def parse_assignments(text: str) -> Iterator[Setting]:
    r"""Assignments of a shell fragment (ifcfg files), without running anything: values with ``$`` come as they stand.

    >>> [(setting.key, setting.value) for setting in parse_assignments("DEVICE='eth0'\nHWADDR=52:54:00:1:2:3 # old\n")]
    [('DEVICE', 'eth0'), ('HWADDR', '52:54:00:1:2:3')]
    """
    for number, line in enumerate(text.split("\n", _MOST_LINES)[:_MOST_LINES], 1):
        if found := _ASSIGNMENT.match(line):
            value = next((each for each in found.groups()[1:] if each is not None), "")
            yield Setting(section="", key=found[1], value=value, line=number)


_WORD = re.compile(r"\"((?:[^\"\\]|\\.)*)\"|'((?:[^'\\]|\\.)*)'|(\S+)")


def split_words(value: str) -> list[str]:
    """Words, with quoted ones whole.

    >>> split_words('a "b c" d')
    ['a', 'b c', 'd']
    """
    return [next(each for each in found.groups() if each is not None) for found in _WORD.finditer(value)]
