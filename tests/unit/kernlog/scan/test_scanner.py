# SPDX-License-Identifier: GPL-2.0-or-later
"""Every scanner gives what ``any(literal in line for literal in literals)`` gives, to the byte."""

import importlib.util
import sys
from collections.abc import Callable, Collection

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from nicmedic.kernlog.scan import LineScanner, build_scanner, shapes
from nicmedic.kernlog.scan.anchors import AnchorScanner
from nicmedic.kernlog.scan.scanner import drop_covered

HAS_HYPERSCAN = importlib.util.find_spec("hyperscan") is not None
needs_hyperscan = pytest.mark.skipif(not HAS_HYPERSCAN, reason="the optional package hyperscan is not installed")

KERNEL_LITERALS = (
    b"NETDEV WATCHDOG",
    b"transmit queue",
    b"Detected Hardware Unit Hang",
    b"Reset adapter unexpectedly",
    b"e1000e",
    b"rtl_rxtx_empty_cond",
    b"Tx timeout",
    b"nobody cared",
    b"\xc2\xb5s late",
)
ORDINARY = b"Jan  3 06:26:%02d srv4 kernel: [%5d.123456] [UFW BLOCK] IN=enp2s0 SRC=192.0.2.%d LEN=%d PROTO=TCP SYN\n"

Build = Callable[[Collection[bytes]], LineScanner]
BUILDERS = [
    pytest.param(lambda literals: build_scanner(literals, fast=False), id="python"),
    pytest.param(AnchorScanner, id="anchors"),
    pytest.param(lambda literals: build_scanner(literals, fast=True), id="hyperscan", marks=needs_hyperscan),
    pytest.param(build_scanner, id="preferred"),
]
every_scanner = pytest.mark.parametrize("build", BUILDERS)


def find_hits_naively(block: bytes, literals: Collection[bytes]) -> list[int]:
    hits, start = [], 0
    for line in block.removesuffix(b"\n").split(b"\n") if block else []:
        if any(literal in line for literal in literals):
            hits.append(start)
        start += len(line) + 1
    return hits


def make_ordinary(lines: int) -> bytes:
    return b"".join(ORDINARY % (number % 60, number, number % 256, number * 7 % 1500) for number in range(lines))


pieces = st.one_of(
    st.sampled_from(
        [*KERNEL_LITERALS, b"\n", b"\r\n", b"\0", b" ", b"Tx time", b"out", b"NETDEV WATCH", b"e1000", b"\xc2", b"\xb5s late", ORDINARY]
    ),
    st.binary(max_size=6),
    st.text("NETDVWACHOGab01 \n", max_size=12).map(str.encode),
)
texts = st.lists(pieces, max_size=40).map(b"".join)
literal_sets = st.one_of(
    st.just(KERNEL_LITERALS),
    st.lists(st.sampled_from(KERNEL_LITERALS), max_size=4),
    st.lists(st.one_of(st.binary(max_size=9), st.text("ab01 ", max_size=9).map(str.encode)), max_size=6),
)


@every_scanner
@given(block=texts, literals=literal_sets)
@example(block=b"", literals=[b"", b"a"])
@example(block=b"\n\na", literals=[b""])
@example(block=b"abc\0def\nabc\n", literals=[b"c\0d"])
@example(block=b"one\r\ntwo\r\n", literals=[b"e\r", b"two\r"])
@example(block=b"last line without an end: Tx timeout", literals=[b"Tx timeout"])
@example(block=b"Tx timeout\n", literals=[])
@example(block=b"abcdef\nghijkl\n", literals=[b"def\nghi"])
@settings(max_examples=300, deadline=None)
def test_gives_what_looking_for_each_literal_in_each_line_gives(build: Build, block: bytes, literals: Collection[bytes]) -> None:
    assert build(literals).find_hits(block) == find_hits_naively(block, literals)


@every_scanner
@given(
    planted=st.lists(st.tuples(st.integers(0, 700_000), st.sampled_from(KERNEL_LITERALS), st.booleans()), max_size=12),
    blocks=st.integers(1, 3),
)
@settings(max_examples=25, deadline=None)
def test_finds_what_is_planted_in_a_long_ordinary_log_in_block_after_block(
    build: Build, planted: list[tuple[int, bytes, bool]], blocks: int
) -> None:
    text = bytearray(make_ordinary(7_000))
    for place, literal, breaks_line in planted:
        at = place % len(text)
        text[at:at] = literal + b"\n" * breaks_line
    scanner = build(KERNEL_LITERALS)
    for _ in range(blocks):
        assert scanner.find_hits(bytes(text)) == find_hits_naively(bytes(text), KERNEL_LITERALS)


@every_scanner
def test_finds_every_line_when_every_line_is_a_hit(build: Build) -> None:
    text = b"".join(b"eth%d: Tx timeout, Tx timeout after %d ms, e1000e\n" % (number % 4, number) for number in range(40_000))
    scanner = build(KERNEL_LITERALS)
    assert scanner.find_hits(text) == find_hits_naively(text, KERNEL_LITERALS)
    assert scanner.find_hits(text) == find_hits_naively(text, KERNEL_LITERALS)


@every_scanner
def test_finds_the_start_of_one_line_of_many_megabytes(build: Build) -> None:
    line = b"x" * 3_000_001 + b"Detected Hardware Unit Hang" + b"Tx timeout " * 100_000
    assert build(KERNEL_LITERALS).find_hits(b"first\n" + line + b"\nlast e1000e") == [6, 6 + len(line) + 1]


@every_scanner
def test_gives_the_same_in_text_that_is_not_ascii_and_would_be_surrogates_in_utf16(build: Build) -> None:
    text = b"\xd8\xdc" * 500 + b"\n" + b"\xff\xfe Tx timeout \xd8\n\xc2\xb5s late\nB5s late\n" * 3
    assert build(KERNEL_LITERALS).find_hits(text) == find_hits_naively(text, KERNEL_LITERALS)


@every_scanner
def test_stays_right_when_the_log_changes_its_character(build: Build) -> None:
    """Other text, text without repeats, text full of near misses: the scanner learns anew, and misses nothing."""
    scanner = build(KERNEL_LITERALS)
    noise = b"".join(b"%d Tx timeou e100e NETDEV WATCHDO %s\n" % (n, bytes(97 + (n * k) % 26 for k in range(60))) for n in range(40_000))
    for text in (make_ordinary(9_000), noise + b"nobody cared\n" + noise, noise, make_ordinary(9_000) + b"Tx timeout\n"):
        assert scanner.find_hits(text) == find_hits_naively(text, KERNEL_LITERALS)


@every_scanner
def test_finds_each_of_six_hundred_literals(build: Build) -> None:
    literals = [b"driver %d reports that queue %x hangs" % (number * 37 % 600, number) for number in range(600)]
    text = make_ordinary(2_000) + b"".join(b"[%5d] x: %s!\n" % (number, literal) for number, literal in enumerate(literals))
    assert build(literals).find_hits(text) == find_hits_naively(text, literals)


@every_scanner
def test_finds_a_short_literal_in_a_last_line_without_an_end(build: Build) -> None:
    assert build([b"ab1"]).find_hits(b"x\n..ab1") == [2]


@every_scanner
def test_what_literals_share_is_no_hit_by_itself(build: Build) -> None:
    text = make_ordinary(2_000) + b"e1000e 0000:00:19.0\ne1000e 0000:00:1f.6\ne1000e 0000:00:1e.2\n" + make_ordinary(100)
    literals = [b"0000:00:19.0", b"0000:00:1f.6"]
    assert build(literals).find_hits(text) == find_hits_naively(text, literals)


def test_forgets_known_lines_rather_than_grow_and_misses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shapes, "KNOWN_BYTES_MAX", 2_000)
    scanner = build_scanner(KERNEL_LITERALS, fast=False)
    for word in (b"go", b"up", b"to", b"in"):
        text = b"".join(b"line %s\n" % (word * number) for number in range(60)) + b"Tx timeout\n"
        assert scanner.find_hits(text) == find_hits_naively(text, KERNEL_LITERALS)


@given(literals=st.lists(st.text("ab\n", max_size=5).map(str.encode), max_size=12), line=st.text("ab", max_size=8).map(str.encode))
def test_what_is_dropped_as_covered_changes_no_answer(literals: list[bytes], line: bytes) -> None:
    kept = drop_covered(literals)
    assert set(kept) <= set(literals)
    assert any(literal in line for literal in kept) == any(literal in line for literal in literals)
    assert not any(one in other for one in kept for other in kept if one != other)


def test_python_can_be_asked_for() -> None:
    scanner = build_scanner(KERNEL_LITERALS, fast=False)
    assert (scanner.name, scanner.releases_gil) == ("python", False)


@needs_hyperscan
def test_hyperscan_is_preferred_where_it_is_installed() -> None:
    assert build_scanner(KERNEL_LITERALS).name == "hyperscan"
    assert build_scanner(KERNEL_LITERALS, fast=True).name == "hyperscan"


@needs_hyperscan
def test_hyperscan_serves_threads_only_where_python_has_its_lock() -> None:
    """Without the GIL the binding takes a lock of its own around every scan."""
    has_lock = bool(getattr(sys, "_is_gil_enabled", lambda: True)())
    assert build_scanner(KERNEL_LITERALS, fast=True).releases_gil is has_lock
