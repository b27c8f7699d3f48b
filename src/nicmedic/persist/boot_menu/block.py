# SPDX-License-Identifier: GPL-2.0-or-later
"""Our lines in custom.cfg, between two comments; everything else in that file stays as it is, to the byte.

::

    # >>> nicmedic trial 7: nicmedic trial abort takes this away
    set default="nicmedic-old"
    # <<< nicmedic trial 7 5c1f2a90

The last word is a checksum of what stands between: lines that somebody has edited since are known, and left to a person.
"""

import re
import zlib
from dataclasses import dataclass

from nicmedic.persist.marks import split_lines

__all__ = ["Found", "find_ours", "put_in", "take_out"]

_BEGIN = re.compile(rb"# >>> nicmedic trial (?P<trial>[1-9]\d{0,8})(?P<how>| \(newline added\)| \(file made\)): [^\r\n]*\r?\n?\Z")
_END = re.compile(rb"# <<< nicmedic trial (?P<trial>[1-9]\d{0,8}) (?P<sum>[0-9a-f]{8})\r?\n?\Z")
_OURS = re.compile(rb"[ \t]*# (?:>>>|<<<) nicmedic trial\b")


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Where our lines are."""

    trial: int | None
    """None: there are none of ours."""
    first: int = 0
    last: int = 0
    how: bytes = b""
    wrong: str = ""
    """Why they cannot be replaced or taken out."""


def _sum(lines: list[bytes]) -> bytes:
    return b"%08x" % zlib.crc32(b"".join(lines))


def find_ours(data: bytes) -> Found:
    """Our lines in a file."""
    lines = split_lines(data)
    marks = [at for at, line in enumerate(lines) if _OURS.match(line)]
    if not marks:
        return Found(trial=None)
    begin, end = _BEGIN.match(lines[marks[0]]), _END.match(lines[marks[-1]])
    if len(marks) != 2 or begin is None or end is None or begin["trial"] != end["trial"]:
        at = ", ".join(str(each + 1) for each in marks)
        return Found(trial=None, wrong=f"the two comments around nicmedic's lines do not stand there as they were written (line {at})")
    first, last = marks
    wrong = ""
    if _sum(lines[first + 1 : last]) != end["sum"]:
        wrong = f"lines {first + 1} to {last + 1} are nicmedic's and were edited since"
    return Found(trial=int(begin["trial"]), first=first, last=last, how=begin["how"], wrong=wrong)


def take_out(data: bytes | None) -> bytes | None:
    """The file without our lines; None: there is none then. Call it where nothing is wrong with them."""
    if data is None:
        return None
    found = find_ours(data)
    if found.trial is None:
        return data
    lines = split_lines(data)
    behind = lines[found.last + 1 :]
    left = [*lines[: found.first], *behind]
    if found.how == b" (newline added)" and not behind and left:
        left[-1] = left[-1].removesuffix(b"\n")
    return None if found.how == b" (file made)" and not left else b"".join(left)


def put_in(data: bytes | None, trial: int, lines: list[str]) -> bytes:
    """The file with these lines at its end, in place of what was there of ours before.

    >>> put_in(b"set color=red", 7, ["set default=0"]).decode().splitlines()[1]
    '# >>> nicmedic trial 7 (newline added): nicmedic trial abort takes this away'
    """
    theirs = take_out(data)
    how = b" (file made)" if theirs is None else b"" if theirs.endswith(b"\n") or not theirs else b" (newline added)"
    ours = [line.encode("utf-8", "surrogateescape") + b"\n" for text in lines for line in text.split("\n")]
    number = str(trial).encode()
    begin = b"# >>> nicmedic trial " + number + how + b": nicmedic trial abort takes this away\n"
    newline = b"\n" if how == b" (newline added)" else b""
    return (theirs or b"") + newline + begin + b"".join(ours) + b"# <<< nicmedic trial " + number + b" " + _sum(ours) + b"\n"
