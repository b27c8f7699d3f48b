# SPDX-License-Identifier: GPL-2.0-or-later
"""Lines of ours in somebody else's file, between two comments that say whose they are and how to be rid of them.

::

    # >>> nicmedic 3: offload-off:tso; nicmedic release 3 takes this away
        offload-tso off
    # <<< nicmedic 3 5c1f2a90

The last word is a checksum of what stands between, so that lines which somebody has edited since are known and left alone. Every format that nicmedic
writes takes lines that begin with ``#`` for comments. A file keeps its kind of line end; one without a newline at its end has none after release.
"""

import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Block", "find_block", "insert_block", "list_numbers", "take_out_block"]

_BEGIN = re.compile(rb"[ \t]*# >>> nicmedic (?P<number>[1-9]\d{0,8})(?P<joined> \(newline added\))?: [^\r\n]*\r?\n?\Z")
_END = re.compile(rb"[ \t]*# <<< nicmedic (?P<number>[1-9]\d{0,8}) (?P<sum>[0-9a-f]{8})\r?\n?\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """Our lines, as they were found."""

    first: int
    """Index of the line with the first comment, from 0."""
    last: int
    """Of that with the second."""
    joined: bool
    """The line before had no newline until we came."""
    edited: bool
    """What stands between is not what was written."""


def _split(data: bytes) -> list[bytes]:
    """Lines with their ends, at newlines only."""
    return re.findall(rb"[^\n]*\n|[^\n]+", data)


def _end_of_line(lines: Sequence[bytes]) -> bytes:
    """What most lines end with."""
    ends = [line.endswith(b"\r\n") for line in lines if line.endswith(b"\n")]
    return b"\r\n" if ends and sum(ends) * 2 > len(ends) else b"\n"


def _sum(lines: Sequence[bytes]) -> bytes:
    return b"%08x" % zlib.crc32(b"\n".join(line.rstrip(b"\r\n") for line in lines))


def insert_block(data: bytes, after: int, lines: Sequence[str], number: int, title: str, indent: str = "") -> bytes:
    r"""A file with our lines in it.

    Args:
        data: the file as it is.
        after: index of the line, from 0, behind which ours are put; -1: at the beginning.
        lines: ours, without ends; they are written as they stand.
        number: of the kept remedy.
        title: what it is, one line.
        indent: before the comments.

    >>> insert_block(b"iface a inet dhcp", 0, ["  mtu 1400"], 3, "mtu:1400").decode().splitlines()[1]
    '# >>> nicmedic 3 (newline added): mtu:1400; nicmedic release 3 takes this away'
    """
    held = _split(data)
    end = _end_of_line(held)
    joined = after >= 0 and after < len(held) and not held[after].endswith(b"\n")
    if joined:
        held[after] += end
    ours = [line.encode("utf-8", "surrogateescape") for line in lines]
    told = " ".join(title.split())
    begin = f"{indent}# >>> nicmedic {number}{' (newline added)' if joined else ''}: {told}; nicmedic release {number} takes this away"
    last = f"{indent}# <<< nicmedic {number} ".encode() + _sum(ours)
    block = [line + end for line in (begin.encode("utf-8", "surrogateescape"), *ours, last)]
    return b"".join((*held[: after + 1], *block, *held[after + 1 :]))


def find_block(data: bytes, number: int) -> Block | None:
    """Our lines of one kept remedy; None: both comments are not there, once each and in order."""
    lines = _split(data)
    begins = [(at, found) for at, line in enumerate(lines) if (found := _BEGIN.match(line)) and int(found["number"]) == number]
    ends = [(at, found) for at, line in enumerate(lines) if (found := _END.match(line)) and int(found["number"]) == number]
    if len(begins) != 1 or len(ends) != 1 or begins[0][0] > ends[0][0]:
        return None
    (first, begin), (last, end) = begins[0], ends[0]
    return Block(first=first, last=last, joined=begin["joined"] is not None, edited=_sum(lines[first + 1 : last]) != end["sum"])


def take_out_block(data: bytes, block: Block) -> bytes:
    """The file without our lines, everything else to the byte."""
    lines = _split(data)
    before, behind = lines[: block.first], lines[block.last + 1 :]
    if block.joined and before and not behind:
        before[-1] = before[-1].removesuffix(_end_of_line(lines[block.first : block.first + 1]))
    return b"".join((*before, *behind))


def list_numbers(data: bytes) -> tuple[int, ...]:
    """Of all kept remedies that have a comment of ours in a file, whole or torn."""
    found = (_BEGIN.match(line) or _END.match(line) for line in _split(data))
    return tuple(sorted({int(each["number"]) for each in found if each}))
