# SPDX-License-Identifier: GPL-2.0-or-later
"""Which of two package versions is the newer, in dpkg's order (deb-version(7)), to which rpm's comes down for versions of kernels."""

import re
from typing import Final

__all__ = ["is_older"]

_PART: Final = re.compile(r"(\D*)(\d*)", re.ASCII)

_Key = list[tuple[tuple[int, ...], int]]


def _weigh(letter: str) -> int:
    """A tilde comes before the end of a part, letters before all else."""
    return -1 if letter == "~" else ord(letter) if letter.isalpha() else ord(letter) + 0x110000


def _sort_key(text: str) -> _Key:
    """Parts without digits and numbers by turns; the last, empty one stands for the end."""
    return [((*map(_weigh, found[1]), 0), int(found[2] or 0)) for found in _PART.finditer(text)]


def _parse(version: str) -> tuple[int, _Key, _Key] | None:
    epoch, colon, rest = version.partition(":")
    number, rest = (epoch, rest) if colon else ("0", version)
    if not (number.isascii() and number.isdecimal() and rest[:1].isdecimal()):
        return None
    upstream, _, revision = rest.rpartition("-") if "-" in rest else (rest, "", "")
    return int(number), _sort_key(upstream), _sort_key(revision)


def is_older(one: str, other: str) -> bool | None:
    """Whether the first is the older; None: one of them is no version.

    >>> is_older("6.1.153-1", "6.12.48-1"), is_older("6.17~rc4-1~exp1", "6.17-1"), is_older("3.2.73-2", "3.2.73-2"), is_older("#88-Ubuntu", "6.8")
    (True, True, False, None)
    """
    first, second = _parse(one), _parse(other)
    return None if first is None or second is None else first < second
