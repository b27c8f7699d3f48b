# SPDX-License-Identifier: GPL-2.0-or-later
"""Lines of ours in somebody else's file, between two comments that say whose they are and how to be rid of them.

::

    # >>> nicmedic 3: offload-off:tso; nicmedic release 3 takes this away
        offload-tso off
    # <<< nicmedic 3 5c1f2a90

The last word is a checksum of what stands between, so that lines which somebody has edited since are known and left alone. Every format that nicmedic
writes takes lines that begin with ``#`` for comments. A file keeps its kind of line end; one without a newline at its end has none after release,
in whatever order several blocks are taken out.
"""

import re
import zlib
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from nicmedic.model.keeping import FileEdit, NoPlace

__all__ = ["Block", "behind_blocks", "find_block", "insert_block", "list_numbers", "split_lines", "take_out_block", "take_out_marked"]

_BEGIN = re.compile(rb"[ \t]*# >>> nicmedic (?P<number>[1-9]\d{0,8})(?P<joined> \(newline added\))?: [^\r\n]*\r?\n?\Z")
_END = re.compile(rb"[ \t]*# <<< nicmedic (?P<number>[1-9]\d{0,8}) (?P<sum>[0-9a-f]{8})\r?\n?\Z")
_ODD = re.compile(r"[^A-Za-z0-9 .,:;=_/()+-]")
"""What has no business in a comment that programs read too: Mako, in ifupdown2, would carry out what stands in ``${}``."""


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


def split_lines(data: bytes) -> list[bytes]:
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
        after: index of the line, from 0, behind which ours are put; -1: at the beginning; more than there are: at the end.
        lines: ours, without ends; they are written as they stand.
        number: of the kept remedy.
        title: what it is; odd letters are replaced.
        indent: before the comments.

    >>> insert_block(b"iface a inet dhcp", 0, ["  mtu 1400"], 3, "mtu:1400").decode().splitlines()[1]
    '# >>> nicmedic 3 (newline added): mtu:1400; nicmedic release 3 takes this away'
    """
    held = split_lines(data)
    after = min(after, len(held) - 1)
    end = _end_of_line(held)
    joined = after >= 0 and not held[after].endswith(b"\n")
    if joined:
        held[after] += end
    ours = [line.encode("utf-8", "surrogateescape") for line in lines]
    told = _ODD.sub("?", " ".join(title.split()))
    begin = f"{indent}# >>> nicmedic {number}{' (newline added)' if joined else ''}: {told}; nicmedic release {number} takes this away"
    last = f"{indent}# <<< nicmedic {number} ".encode() + _sum(ours)
    block = [line + end for line in (begin.encode("utf-8", "surrogateescape"), *ours, last)]
    return b"".join((*held[: after + 1], *block, *held[after + 1 :]))


def find_block(data: bytes, number: int) -> Block | None:
    """Our lines of one kept remedy; None: both comments are not there, once each and in order."""
    lines = split_lines(data)
    begins = [(at, found) for at, line in enumerate(lines) if (found := _BEGIN.match(line)) and int(found["number"]) == number]
    ends = [(at, found) for at, line in enumerate(lines) if (found := _END.match(line)) and int(found["number"]) == number]
    if len(begins) != 1 or len(ends) != 1 or begins[0][0] > ends[0][0]:
        return None
    (first, begin), (last, end) = begins[0], ends[0]
    return Block(first=first, last=last, joined=begin["joined"] is not None, edited=_sum(lines[first + 1 : last]) != end["sum"])


def behind_blocks(data: bytes, after: int) -> int:
    """The line itself, or the last line of the block of ours that it stands in: nothing may be put between two comments."""
    return max((last for first, last in _list_spans(split_lines(data)) if first <= after < last), default=after)


def _list_spans(lines: Sequence[bytes]) -> list[tuple[int, int]]:
    """First and last lines of all whole blocks, whatever their number."""
    begins, ends = _find_marks(lines)
    return [(begins[number][0], ends[number][0]) for number in begins if len(begins[number]) == len(ends.get(number, ())) == 1]


def _find_marks(lines: Sequence[bytes]) -> tuple[dict[int, list[int]], dict[int, list[int]]]:
    """Where the first and the second comments of each number stand."""
    begins: dict[int, list[int]] = {}
    ends: dict[int, list[int]] = {}
    for at, line in enumerate(lines):
        for pattern, found in ((_BEGIN, begins), (_END, ends)):
            if mark := pattern.match(line):
                found.setdefault(int(mark["number"]), []).append(at)
    return begins, ends


def _find_last_blocks(lines: Sequence[bytes]) -> tuple[int, ...]:
    """Where the blocks begin that are the end of a file, the last first; nothing else stands between them."""
    marks, _ = _find_marks(lines)
    begins: list[int] = []
    at = len(lines)
    while at and (end := _END.match(lines[at - 1])):
        held = marks.get(int(end["number"]), [])
        index = bisect_left(held, at)
        if index == 0:
            break
        at = held[index - 1]
        begins.append(at)
    return tuple(begins)


def take_out_block(data: bytes, block: Block) -> bytes:
    """The file without our lines, everything else to the byte. A newline that we added stays as long as another block of ours needs it."""
    lines = split_lines(data)
    behind = lines[block.last + 1 :]
    left = [*lines[: block.first], *behind]
    blocks = _find_last_blocks(left)
    if block.joined and blocks and blocks[-1] <= block.first:
        begin = _BEGIN.match(left[blocks[0]])
        if begin and not begin["joined"]:
            at = begin.end("number")
            left[blocks[0]] = left[blocks[0]][:at] + b" (newline added)" + left[blocks[0]][at:]
    elif block.joined and left and not behind:
        left[-1] = left[-1].removesuffix(_end_of_line(lines[block.first : block.first + 1]))
    return b"".join(left)


def list_numbers(data: bytes) -> tuple[int, ...]:
    """Of all kept remedies that have a comment of ours in a file, whole or torn."""
    found = (_BEGIN.match(line) or _END.match(line) for line in split_lines(data))
    return tuple(sorted({int(each["number"]) for each in found if each}))


def _list_bare(lines: Sequence[bytes]) -> list[tuple[int, bytes]]:
    """Lines outside of all blocks of ours that say something, with their indices, and blanks as one space."""
    inside = {index for first, last in _list_spans(lines) for index in range(first, last + 1)}
    bare = ((index, b" ".join(line.split())) for index, line in enumerate(lines) if index not in inside)
    return [(index, line) for index, line in bare if line and not line.startswith(b"#")]


def _count_lines(bare: Iterable[tuple[int, bytes]]) -> Counter[bytes]:
    return Counter(line for _, line in bare)


def _find_unmarked(edit: FileEdit, now: bytes, number: int) -> list[str]:
    """Lines of ours that stand in a file without our comments around them: more of them than there were before we came."""
    block = find_block(edit.after or b"", number)
    if block is None:
        return []
    ours = {b" ".join(line.split()) for line in split_lines(edit.after or b"")[block.first + 1 : block.last]}
    bare, before = _list_bare(split_lines(now)), _count_lines(_list_bare(split_lines(edit.before or b"")))
    added = {line for line, count in _count_lines(bare).items() if line in ours and count > before[line]}
    return [f"line {index + 1} ({line.decode('utf-8', 'replace')})" for index, line in bare if line in added]


def take_out_marked(back_end: str, edit: FileEdit, now: bytes, number: int) -> bytes | NoPlace | None:
    """``BackEnd.take_out`` of a file in which our lines are marked, its first argument given: ``partial(take_out_marked, "ifupdown")``.

    Lines that somebody has changed between our comments, comments that do not stand as they did, and lines that have lost them are left to a person.
    """
    block = find_block(now, number)
    if block is None and number not in list_numbers(now):
        left = _find_unmarked(edit, now, number)
        reason = f"{edit.path} has lost the comments of nicmedic {number}; of its lines these are there: {', '.join(left)}"
        return NoPlace(back_end=back_end, reasons=(reason,)) if left else now
    if block is None:
        at = [
            str(index)
            for index, line in enumerate(split_lines(now), 1)
            if (found := _BEGIN.match(line) or _END.match(line)) and int(found["number"]) == number
        ]
        reason = f"{edit.path}: of the two comments around nicmedic's lines one is missing or they are not in order (line {', '.join(at)})"
        return NoPlace(back_end=back_end, reasons=(reason,))
    if block.edited:
        reason = (
            f"{edit.path}: lines {block.first + 1} to {block.last + 1} are nicmedic's and were edited since; take out what is not wanted"
        )
        return NoPlace(back_end=back_end, reasons=(reason,))
    rest = take_out_block(now, block)
    return rest if rest or edit.before is not None else None
