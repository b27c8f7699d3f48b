# SPDX-License-Identifier: GPL-2.0-or-later
"""Read a log of any size sparsely: its head, its tail, and a window of lines around every line that may matter.

The stream comes in pieces cut anywhere; what comes out depends on its bytes alone, never on the cuts or on the number of threads.
Memory is bounded at any size: a line longer than ``LINE_BYTES_MAX`` is cut there, a window is handed out in pieces of at most
``PIECE_BYTES_MAX`` bytes, and no context reaches back over more than ``BACK_BYTES_MAX`` bytes.
Not for what a line means: the scanner says which lines may matter, the parser reads the windows.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain

from nicmedic.kernlog.scan import LineScanner

__all__ = ["BACK_BYTES_MAX", "LINE_BYTES_MAX", "PIECE_BYTES_MAX", "SparseReader", "Window"]

LINE_BYTES_MAX = 1 << 20
"""Bytes of a line that are kept, its line feed not counted."""
PIECE_BYTES_MAX = 4 << 20
"""Bytes of whole lines in one window."""
BACK_BYTES_MAX = 4 << 20
"""Bytes that the lines before a hit, and the tail, may hold together."""
BLOCKS_AHEAD = 2
"""Blocks that wait for each thread."""
LINE_FEED = b"\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Some whole lines of a log that follow each other.

    A window that begins where the last one ended is the same window, handed out in pieces: nothing is missing between them.
    """

    first_line: int
    """Number of its first line, from 1."""
    data: bytes
    """Whole lines; the last line of a log may lack its line feed."""


@dataclass(frozen=True, slots=True)
class _Scanned:
    """A block of whole lines, and what was found in it."""

    data: bytes
    hits: list[int]
    """Offsets where lines with a hit begin."""
    lines: int


class SparseReader:
    """Reads one stream; when its windows are through, it tells what it read."""

    def __init__(
        self,
        scanner: LineScanner,
        *,
        before_lines: int = 30,
        after_lines: int = 120,
        head_lines: int = 400,
        tail_lines: int = 400,
        workers: int = 1,
    ) -> None:
        """Set what is kept.

        Args:
            scanner: says which lines may matter; it is not used for a log that head and tail cover.
            before_lines: lines kept before such a line.
            after_lines: lines kept after it.
            head_lines: lines kept at the beginning of the stream, whatever they hold.
            tail_lines: lines kept at its end.
            workers: threads that scan; more than one only helps a scanner that releases the GIL.
        """
        self._scanner = scanner
        self._before = before_lines
        self._after = after_lines
        self._head = head_lines
        self._tail = tail_lines
        self._workers = workers
        self.lines = 0
        """Lines read, a last line without a line feed included."""
        self.bytes_read = 0
        """Bytes read, what was cut included."""
        self.cut_lines = 0
        """Lines that were longer than ``LINE_BYTES_MAX``; what was beyond is in no window."""

    def read_windows(self, blocks: Iterable[bytes]) -> Iterator[Window]:
        """Read a stream to its end.

        Args:
            blocks: the stream, cut anywhere.

        Yields:
            Windows in order; they do not overlap.
        """
        whole = self._read_whole_lines(blocks)
        first: list[bytes] = []
        lines = size = 0
        for block in whole:
            first.append(block)
            lines += _count_lines(block)
            size += len(block)
            if lines > self._head + self._tail or size > BACK_BYTES_MAX:
                break
        else:
            self.lines = lines
            if first:
                yield Window(first_line=1, data=b"".join(first))
            return
        cutter = _WindowCutter(self._before, self._after, self._head, self._tail)
        for scanned in self._scan(chain(first, whole)):
            self.lines += scanned.lines
            yield from cutter.add(scanned)
        yield from cutter.finish()

    def _read_whole_lines(self, blocks: Iterable[bytes]) -> Iterator[bytes]:
        """Cut the stream behind line feeds, into pieces of at most two of the longest lines."""
        held = bytearray()  # the beginning of a line, never more than LINE_BYTES_MAX + 1 bytes
        for block in blocks:
            self.bytes_read += len(block)
            for start in range(0, len(block), LINE_BYTES_MAX):
                part = block if len(block) <= LINE_BYTES_MAX else block[start : start + LINE_BYTES_MAX]
                line_end = part.find(LINE_FEED)
                if line_end < 0:
                    held += part[: LINE_BYTES_MAX + 1 - len(held)]
                    continue
                last_end = part.rfind(LINE_FEED) + 1
                if len(held) + line_end > LINE_BYTES_MAX:
                    self.cut_lines += 1
                    yield bytes(held + part[:line_end])[:LINE_BYTES_MAX] + part[line_end:last_end]
                else:
                    yield b"".join((held, memoryview(part)[:last_end]))
                held = bytearray(part[last_end:])
        if len(held) > LINE_BYTES_MAX:
            self.cut_lines += 1
            del held[LINE_BYTES_MAX:]
        if held:
            yield bytes(held)

    def _scan_block(self, block: bytes) -> _Scanned:
        return _Scanned(block, self._scanner.find_hits(block), _count_lines(block))

    def _scan(self, blocks: Iterable[bytes]) -> Iterator[_Scanned]:
        """Scan blocks, in threads where that helps; the order stays."""
        if self._workers < 2 or not self._scanner.releases_gil:  # two make a pair
            yield from map(self._scan_block, blocks)
            return
        from concurrent.futures import Future, ThreadPoolExecutor  # only here: short logs should not wait 10 ms for it

        waiting: deque[Future[_Scanned]] = deque()
        with ThreadPoolExecutor(self._workers) as pool:
            for block in blocks:
                waiting.append(pool.submit(self._scan_block, block))
                if len(waiting) > self._workers * BLOCKS_AHEAD:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()


@dataclass(slots=True)
class _Segment:
    """Some lines that wait: later ones may show that they are wanted."""

    data: bytes
    lines: int
    wanted: bool


class _WindowCutter:
    """Takes scanned blocks in order and gives windows.

    What is not wanted yet is held back as far as a hit's context, or the tail, may reach.
    """

    def __init__(self, before: int, after: int, head: int, tail: int) -> None:
        self._before = before
        self._after = after
        self._tail = tail
        self._held_lines_min = max(before, tail)
        self._next_line = 1
        """Number of the line at which the next block begins."""
        self._wanted_to = head + 1
        """Number of the first line that is not wanted as yet."""
        self._segments: deque[_Segment] = deque()
        self._held_lines = 0
        self._held_bytes = 0
        self._joiner = _Joiner()

    def add(self, block: _Scanned) -> Iterator[Window]:
        """Take the next block."""
        data = block.data
        done, line = 0, self._next_line  # how far this block is dealt with, and the number of the line there
        known, known_line = 0, line  # the last place of which the number of the line was counted
        for hit in block.hits:
            known_line += data.count(LINE_FEED, known, hit)
            known = hit
            if known_line > self._wanted_to:
                end, taken = _find_forward(data, done, self._wanted_to - line)
                self._hold(data[done:end], taken, wanted=True)
                start, back = _find_back(data[end:hit], self._before, BACK_BYTES_MAX)
                start += end
                self._hold(data[end:start], known_line - back - line - taken, wanted=False)
                if start == end:
                    self._want_back(self._before - back, BACK_BYTES_MAX - (hit - start))
                done, line = start, known_line - back
            self._wanted_to = max(self._wanted_to, known_line + self._after + 1)
        self._next_line += block.lines
        end, taken = _find_forward(data, done, min(self._wanted_to, self._next_line) - line)
        self._hold(data[done:end], taken, wanted=True)
        self._hold(data[end:], self._next_line - line - taken, wanted=False)
        yield from self._release()

    def finish(self) -> Iterator[Window]:
        """Give what is left, and the tail in any case."""
        self._want_back(self._tail, BACK_BYTES_MAX, over_wanted=True)
        for segment in self._segments:
            yield from self._joiner.add(segment)
        yield from self._joiner.flush()

    def _hold(self, data: bytes, lines: int, *, wanted: bool) -> None:
        if data:
            self._segments.append(_Segment(data, lines, wanted))
            self._held_lines += lines
            self._held_bytes += len(data)

    def _want_back(self, lines: int, size: int, *, over_wanted: bool = False) -> None:
        """Want the last lines that are held: at most so many lines and bytes, and not beyond those that are wanted already."""
        back: list[_Segment] = []
        while lines > 0 and self._segments and (over_wanted or not self._segments[-1].wanted):
            segment = self._segments.pop()
            start, taken = _find_back(segment.data, lines, size)
            if start:
                self._segments.append(_Segment(segment.data[:start], segment.lines - taken, segment.wanted))
            if taken:
                back.append(_Segment(segment.data[start:], taken, wanted=True))
            if start:
                break
            lines -= taken
            size -= len(segment.data)
        self._segments.extend(reversed(back))

    def _release(self) -> Iterator[Window]:
        """Let go of what no later line can reach."""
        while self._segments:
            first = self._segments[0]
            if self._held_lines - first.lines < self._held_lines_min and self._held_bytes - len(first.data) < BACK_BYTES_MAX:
                return
            self._segments.popleft()
            self._held_lines -= first.lines
            self._held_bytes -= len(first.data)
            yield from self._joiner.add(first)


class _Joiner:
    """Joins wanted lines that follow each other, and cuts what gets too long."""

    def __init__(self) -> None:
        self._next_line = 1
        self._parts: list[bytes] = []
        self._size = 0
        self._first_line = 1

    def add(self, segment: _Segment) -> Iterator[Window]:
        """Take the next lines, wanted or not."""
        if segment.wanted:
            if not self._parts:
                self._first_line = self._next_line
            self._parts.append(segment.data)
            self._size += len(segment.data)
            if self._size > PIECE_BYTES_MAX:
                yield from self._cut()
        else:
            yield from self.flush()
        self._next_line += segment.lines

    def flush(self) -> Iterator[Window]:
        """Give what is there: the lines that follow are not wanted."""
        if self._parts:
            yield Window(first_line=self._first_line, data=b"".join(self._parts))
        self._parts, self._size = [], 0

    def _cut(self) -> Iterator[Window]:
        data = b"".join(self._parts)
        start = 0
        while len(data) - start > PIECE_BYTES_MAX:
            end = data.rfind(LINE_FEED, start, start + PIECE_BYTES_MAX) + 1
            piece = data[start:end]
            yield Window(first_line=self._first_line, data=piece)
            self._first_line += piece.count(LINE_FEED)
            start = end
        self._parts, self._size = [data[start:]], len(data) - start


def _count_lines(data: bytes) -> int:
    return data.count(LINE_FEED) + (not data.endswith(LINE_FEED))


def _find_back(data: bytes, lines: int, size: int) -> tuple[int, int]:
    """Find where the last lines of some whole lines begin: at most so many lines and bytes.

    Returns:
        The offset, and how many lines follow it.
    """
    floor = max(0, len(data) - size)
    start, taken = len(data), 0
    while taken < lines and start > floor:
        # This line's own end is at start - 1: a line feed, or for the last line of a log any byte.
        begin = data.rfind(LINE_FEED, 0, start - 1) + 1
        if begin < floor:
            break
        start = begin
        taken += 1
    return start, taken


def _find_forward(data: bytes, start: int, lines: int) -> tuple[int, int]:
    """Go forward from where a line begins: the offset behind so many lines, or behind the last one, and how many they are."""
    taken = 0
    while taken < lines and start < len(data):
        start = data.find(LINE_FEED, start) + 1 or len(data)
        taken += 1
    return start, taken
