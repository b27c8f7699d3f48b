# SPDX-License-Identifier: GPL-2.0-or-later
"""What is read of a long log depends on the log alone: not on how the stream is cut, nor on how many threads scan."""

import resource
import time
from collections.abc import Iterator
from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from nicmedic.app import sparse
from nicmedic.app.sparse import SparseReader, Window
from nicmedic.kernlog.scan import build_scanner

HIT = b"Tx timeout"
LINE_MAX, BACK_MAX, PIECE_MAX = 40, 120, 120


class SlowScanner:
    """Finds hits out of step, as threads may."""

    name = "slow"
    releases_gil = True

    def find_hits(self, block: bytes) -> list[int]:
        time.sleep(0.002 * (len(block) % 3))
        return build_scanner([HIT], fast=False).find_hits(block)


class NoScanner:
    """Must not be asked."""

    name = "none"
    releases_gil = False

    def find_hits(self, block: bytes) -> list[int]:
        raise AssertionError(block)


def cut_lines_naively(data: bytes, line_max: int) -> list[bytes]:
    lines = data.split(b"\n")
    ended = [line[:line_max] + b"\n" for line in lines[:-1]]
    return ended + ([lines[-1][:line_max]] if lines[-1] else [])


def want_back_naively(lines: list[bytes], end: int, count: int) -> range:
    start, size = end, 0
    while start > 0 and end - start < count and size + len(lines[start - 1]) <= BACK_MAX:
        start -= 1
        size += len(lines[start])
    return range(start, end)


def read_naively(data: bytes, before: int, after: int, head: int, tail: int) -> list[Window]:
    lines = cut_lines_naively(data, LINE_MAX)
    wanted = set(range(min(head, len(lines)))) | set(want_back_naively(lines, len(lines), tail))
    for number, line in enumerate(lines):
        if HIT in line:
            wanted |= set(want_back_naively(lines, number, before)) | set(range(number, min(len(lines), number + after + 1)))
    windows: list[Window] = []
    open_window = False
    for number, line in enumerate(lines):
        if number not in wanted:
            open_window = False
        elif open_window and len(windows[-1].data) + len(line) <= PIECE_MAX:
            windows[-1] = Window(first_line=windows[-1].first_line, data=windows[-1].data + line)
        else:
            windows.append(Window(first_line=number + 1, data=line))
            open_window = True
    return windows


def cut_stream(data: bytes, cuts: list[int]) -> Iterator[bytes]:
    places = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    for start, end in pairwise(places):
        yield data[start:end]


@pytest.fixture
def small_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sparse, "LINE_BYTES_MAX", LINE_MAX)
    monkeypatch.setattr(sparse, "BACK_BYTES_MAX", BACK_MAX)
    monkeypatch.setattr(sparse, "PIECE_BYTES_MAX", PIECE_MAX)


lines = st.lists(
    st.sampled_from([b"\n", b"all is well\n", b"a\r\n", b"\0\n", b"x: Tx timeout\n", b"Tx timeo", b"ut", b"y" * 41, b"z" * 90, b"c\n" * 9]),
    max_size=60,
)
counts = st.integers(0, 6)


@pytest.mark.usefixtures("small_limits")
@pytest.mark.parametrize("workers", [1, 2])
@given(parts=lines, cuts=st.lists(st.integers(0, 10_000), max_size=12), before=counts, after=counts, head=counts, tail=counts)
@example(parts=[], cuts=[], before=1, after=1, head=1, tail=1)
@example(parts=[b"a\n"] * 50 + [b"x: Tx timeout\n"] + [b"a\n"] * 3, cuts=[], before=3, after=1, head=2, tail=6)
@settings(max_examples=400, deadline=None)
def test_windows_are_those_of_the_plain_definition_however_the_stream_is_cut(
    workers: int, parts: list[bytes], cuts: list[int], before: int, after: int, head: int, tail: int
) -> None:
    data = b"".join(parts)
    scanner = build_scanner([HIT], fast=False) if workers == 1 else SlowScanner()
    reader = SparseReader(scanner, before_lines=before, after_lines=after, head_lines=head, tail_lines=tail, workers=workers)
    assert list(reader.read_windows(cut_stream(data, cuts))) == read_naively(data, before, after, head, tail)
    assert reader.bytes_read == len(data)
    assert reader.lines == len(cut_lines_naively(data, LINE_MAX))
    assert reader.cut_lines == sum(len(line) > LINE_MAX for line in data.split(b"\n"))


def test_a_log_that_head_and_tail_cover_is_one_window_and_is_not_scanned() -> None:
    data = b"some line\n" * 800
    assert list(SparseReader(NoScanner()).read_windows([data[:1000], data[1000:]])) == [Window(first_line=1, data=data)]


def test_an_empty_stream_gives_nothing() -> None:
    reader = SparseReader(NoScanner())
    assert list(reader.read_windows([])) == []
    assert (reader.lines, reader.bytes_read, reader.cut_lines) == (0, 0, 0)


def test_one_hit_in_a_long_log_comes_with_its_context_between_head_and_tail() -> None:
    data = b"".join(b"%d%s\n" % (number, b" Tx timeout" * (number == 50_000)) for number in range(1, 100_001))
    windows = list(SparseReader(build_scanner([HIT], fast=False)).read_windows([data]))
    assert [(window.first_line, window.data.count(b"\n")) for window in windows] == [(1, 400), (49_970, 151), (99_601, 400)]
    assert all(window.data.startswith(b"%d" % window.first_line) for window in windows)


def test_an_error_of_the_scanner_in_a_thread_reaches_the_reader() -> None:
    class Broken(NoScanner):
        releases_gil = True

    with pytest.raises(AssertionError):
        list(SparseReader(Broken(), workers=2).read_windows([b"line\n" * 2_000]))


@pytest.mark.parametrize(
    "text", [b"x" * 65_536, (b"eth0: Tx timeout" + b" and more" * 20 + b"\n") * 500, b"y" * 1_500_000 + b"\n"], ids=["line", "hits", "long"]
)
def test_memory_is_bounded_whatever_the_log_is(text: bytes) -> None:
    """64 MB of one line, of hits in every line, of lines that are cut: the peak may grow by 32 MB at most."""
    before_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    reader = SparseReader(build_scanner([HIT], fast=False))
    kept = sum(len(window.data) for window in reader.read_windows(text for _ in range((64 << 20) // len(text))))
    assert kept <= reader.bytes_read
    assert max(len(text), 1) * ((64 << 20) // len(text)) == reader.bytes_read
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kib < 32 << 10
