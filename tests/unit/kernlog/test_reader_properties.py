# SPDX-License-Identifier: GPL-2.0-or-later
"""What holds for any input: nothing raises, cuts do not matter, and what is rendered in a container is read back from it."""

import datetime
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import nicmedic.app.explain as explain_module
from nicmedic.app.explain import Request, explain
from nicmedic.host.knowledge import read_knowledge
from nicmedic.kernlog.boots import BootTracker
from nicmedic.kernlog.events import EventCollector
from nicmedic.kernlog.formats import LINE_FORMATS
from nicmedic.kernlog.match import SignalIndex
from nicmedic.kernlog.reader import LogReader
from nicmedic.model.errors import NicmedicError
from nicmedic.model.event import Event, EventKind
from nicmedic.model.explanation import Explanation
from nicmedic.model.record import Record, WallTime
from nicmedic.ports.logs import LogStream

CASES = sorted((Path(__file__).parents[2] / "cases" / "containers").iterdir())
KNOWLEDGE = read_knowledge()
INDEX = SignalIndex.of(KNOWLEDGE.signals)

# Pieces that mean something to some reader, put together without sense.
SHARDS = [
    b"[  551.326415] ",
    b"[  551.326415][    C0] ",
    b"[<    0.000025>] ",
    b"[  +0.000025] ",
    b"[Apr 1 12:00] ",
    b"[Tue Apr  1 12:00:00 2025] ",
    b"2025-04-01T12:00:00,000000+02:00 ",
    b"2025-04-01T12:00:00.123456789Z stdout P ",
    b"<6>",
    b"<30>",
    b"<999>",
    b"kern  :info  : ",
    b"Apr  1 12:00:00 nas1 kernel: ",
    b"Feb 30 25:61:61 ",
    b"Apr 31 12:00:00 h kernel: ",
    b"<6>1 2025-04-01T12:00:00.000214+02:00 nas1 kernel - - ",
    b'[a@1 b="\\]"] ',
    b"6,1234,551326415,-;",
    b"6,1,99999999999999999,-,ncfrag=0/1320;",
    b" SUBSYSTEM=pci\n",
    b" DEVICE=+pci:0000:02:00.0\n",
    b'{"MESSAGE":',
    b'{"__REALTIME_TIMESTAMP":"99999999999999999999","_BOOT_ID":3,',
    b'"NETDEV WATCHDOG: eth0 (r8169): transmit queue 0 timed out"}',
    b"[[[[",
    b"]]",
    b"{",
    b"}",
    b"},{",
    b"\x1e",
    b"data: {",
    b'{"log":"a',
    b'"}\n',
    b"null",
    b"1e999",
    b"__CURSOR=s=4f\n",
    b"MESSAGE\n\xff\xff\xff\xff\xff\xff\xff\x7f",
    b"MESSAGE\n\x03\0\0\0\0\0\0\0abc\n",
    b"MESSAGE=x\n",
    b"_BOOT_ID=\n",
    b"-- Boot 0123456789abcdef0123456789abcdef --\n",
    b"-- Reboot --\n",
    b"--\n",
    b"Oops#1 Part99999999999999999999\n",
    b"#==[ Command ]===#\n",
    b"\xff\xfe",
    b"\xef\xbb\xbf",
    b"\0",
    b"\r",
    b"\n",
    b"\n\n",
    b"\t",
    b" ",
    b"     ",
    b"> ",
    b"| ",
    b"&lt;6&gt;",
    b"&#10;",
    b"&#13;",
    b"&#27;[2J",
    b"&amp;lt;",
    b"=3D",
    b"=\n",
    b"=20=\n",
    b"`",
    b"- ",
    b"12. ",
    b"\x1b[31m",
    b"\x1b]8;;x",
    b"\x1bP",
    b"\xe2\x80\x8b",
    b"\xc2\x85",
    b'"Apr 1, 2025 @ 12:00:00.000","a',
    b'"Apr 99, 2025 @ 99:00:00.000"\t',
    b"message repeated 999999999 times: [ ",
    b"nas1 last message repeated 3 times\n",
    b"NETDEV WATCHDOG: eth0 (r8169): transmit queue 0 timed out",
    b"NETDEV WATCHDOG: ",
    b"transmit queue 99999999999999999999 timed out 99999999999999999999 ms",
    b"e1000 0000:02:01.0 eth0: Detected Tx Unit Hang",
    b"  TDH                  <zz>",
    b"  dma                  <fffffffffffffffff>",
    b"Linux version 6.1.0-13-amd64 (2023-99-99) #1 SMP Foo Feb 31 1:2:3 9999\n",
    b"setting system clock to 9999-99-99 99:99:99",
    b"setting system clock to 2024-12-31T23:00:00 UTC",
    b"renamed from eth0",
    b"eth0: ",
    b"(XEN) ",
    b"cpu2:4245)",
    b"99999:00:00:00.000 cpu1:1)",
    b"------------[ cut here ]------------\n",
    b"PM: suspend entry",
    b"\xed\xa0\x80",
    b"\xf0\x9f\x98\x80",
    "Mär".encode(),
    "ⅯⅫ½³".encode(),
    "٣".encode(),
    b"0\xd9\xa3",
]
soup = st.lists(st.sampled_from(SHARDS) | st.binary(max_size=6), max_size=40).map(b"".join)


@st.composite
def damaged_cases(draw: st.DrawFn) -> bytes:
    """A real input with some bytes taken out, put in, or turned."""
    data = bytearray(next(draw(st.sampled_from(CASES)).glob("input.*")).read_bytes())
    for _ in range(draw(st.integers(0, 6))):
        at = draw(st.integers(0, max(0, len(data) - 1)))
        data[at : at + draw(st.integers(0, 3))] = draw(st.sampled_from(SHARDS) | st.binary(max_size=3))
    return bytes(data)


anything = soup | damaged_cases() | st.binary(max_size=200)


def at_least(examples: int) -> settings:
    """So many examples, or as many as the profile asks for (``make fuzz``)."""
    return settings(max_examples=max(examples, settings().max_examples))


@dataclass(frozen=True)
class OneLog:
    blocks: tuple[bytes, ...]

    def open_logs(self, names: Iterable[str]) -> Iterator[LogStream | NicmedicError]:
        for name in names:
            yield LogStream(name=name, blocks=iter(self.blocks), written=(2025, 4, 2))

    def open_own_log(self, since: str | None) -> Iterator[LogStream | NicmedicError]:
        raise AssertionError(since)

    def open_boot_log(self) -> Iterator[LogStream | NicmedicError]:
        raise AssertionError


def explain_blocks(*blocks: bytes) -> Explanation:
    return explain(OneLog(blocks), KNOWLEDGE, Request(names=("log",), fast=False))


def read_pieces(pieces: Iterable[bytes]) -> list[Record]:
    reader, line = LogReader(), 1
    records: list[Record] = []
    for piece in pieces:
        records += reader.read(piece, line)
        line += piece.count(b"\n")
    return records + list(reader.finish())


def check_record(record: Record, lines: int) -> None:
    assert 1 <= record.line <= max(1, lines)
    assert "\r" not in record.text
    assert "\x1b" not in record.text
    assert record.repeated >= 0 or not record.text
    if record.wall is not None:
        year = record.wall.year or 2000
        datetime.datetime(year, *record.wall[1:7], tzinfo=datetime.UTC)  # raises where it is no moment


@given(anything)
@at_least(400)
def test_any_bytes_are_read(data: bytes) -> None:
    records = read_pieces([data])
    tracker, collector = BootTracker(), EventCollector(index=INDEX, source="log")
    for record in records:
        check_record(record, data.count(b"\n") + 1)
        tracker.track(record)
        collector.add(record)
    found = collector.finish(0, (2025, 4, 2))
    assert len(found.boots) == len(tracker.finish(0, None))
    assert all(event.boot is not None and 0 <= event.boot < len(found.boots) for event in found.events)


@given(anything)
@at_least(300)
def test_any_bytes_are_explained_or_refused_with_a_reason(data: bytes) -> None:
    explanation = explain_blocks(data)
    assert explanation.sources or [error.message for error in explanation.errors if error.message]
    assert all(0 <= (event.boot or 0) < len(explanation.boots) for event in explanation.events)


@given(anything, st.lists(st.integers(0, 10_000), max_size=5))
@at_least(300)
@example(b"a\n" * 10 + b"&lt;6&gt;[    1.000000] x\n", [1])
def test_pieces_cut_at_line_ends_give_the_records_of_the_whole(data: bytes, cuts: list[int]) -> None:
    if LEAVES_LINES.search(data) or data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return
    data = data.replace(b"\0", b"")  # without that nothing looks like UTF-16
    ends = [found.end() for found in re.finditer(rb"\n", data)]
    places = sorted({0, len(data), *(ends[cut % len(ends)] for cut in cuts if ends)})
    pieces = [data[start:end] for start, end in pairwise(places)]
    assert read_pieces(pieces) == read_pieces([data])


LEAVES_LINES = re.compile(rb"=[ \t]*\r?\n|^[A-Z_][A-Z0-9_]*\n", re.MULTILINE)
"""Quoted-printable and binary fields of the export format go over line ends."""


# Whole and sparse --------------------------------------------------------------------------------------------------------

FILLER = [
    "usb 1-1: new high-speed USB device number 2 using xhci_hcd",
    "audit: type=1130",
    "loop: module loaded",
    "EXT4-fs (sda1): mounted filesystem",
    "perf: interrupt took too long",
]
TRACE = [
    "------------[ cut here ]------------",
    "NETDEV WATCHDOG: {nic} (r8169): transmit queue {queue} timed out",
    "WARNING: CPU: 3 PID: 0 at net/sched/sch_generic.c:477 dev_watchdog+0x264/0x270",
    "CPU: 3 PID: 0 Comm: swapper/3 Not tainted 6.1.0-13-amd64 #1  Debian 6.1.55-1",
    *[f" ? function_{number}+0x10/0x20" for number in range(25)],
    "---[ end trace 0000000000000000 ]---",
    "r8169 0000:02:00.0 {nic}: Link is Up - 1Gbps/Full - flow control rx/tx",
]
steps = st.lists(
    st.tuples(st.sampled_from(["filler", "filler", "filler", "hang", "boot", "line"]), st.integers(1, 700), st.integers(0, 3)),
    min_size=3,
    max_size=14,
)


def render_big_log(plan: list[tuple[str, int, int]], stamped: bool, dated: bool) -> bytes:
    lines: list[str] = []
    uptime_s, day = 100.0, 1

    def add(text: str) -> None:
        nonlocal uptime_s
        uptime_s += 0.75
        date = (
            f"Apr {day:2d} {int(uptime_s) // 3600 % 24:02d}:{int(uptime_s) // 60 % 60:02d}:{int(uptime_s) % 60:02d} nas1 kernel: "
            if dated
            else ""
        )
        lines.append(date + (f"[{uptime_s:12.6f}] " if stamped else "") + text)

    for what, count, queue in plan:
        if what == "filler":
            for number in range(count):
                add(FILLER[number % len(FILLER)])
        elif what == "hang":
            for text in TRACE:
                add(text.format(nic=f"eth{count % 2}", queue=queue))
        elif what == "line":
            add(f"NETDEV WATCHDOG: eth{count % 2} (r8169): transmit queue {queue} timed out {count} ms")
        else:
            uptime_s, day = 0.0, day + 1
            add("Linux version 6.1.0-13-amd64 (debian-kernel@lists.debian.org) #1 SMP PREEMPT_DYNAMIC Debian 6.1.55-1 (2023-09-29)")
    return ("\n".join(lines) + "\n").encode()


def tell_timeouts(explanation: Explanation) -> list[Event]:
    return [event for event in explanation.events if event.kind is EventKind.TX_TIMEOUT]


@given(plan=steps, stamped=st.booleans(), dated=st.booleans(), block=st.integers(50, 5000))
@at_least(40)
def test_a_log_that_is_read_sparsely_tells_the_time_outs_of_the_whole(
    plan: list[tuple[str, int, int]], stamped: bool, dated: bool, block: int
) -> None:
    data = render_big_log(plan, stamped, dated or not stamped)
    whole = explain_blocks(data)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(explain_module, "WHOLE_BYTES", 1000)
        sparse = explain_blocks(*(data[at : at + block] for at in range(0, len(data), block)))
    assert all(source.sparse for source in sparse.sources) == (len(data) > 1000)
    assert tell_timeouts(sparse) == tell_timeouts(whole)
    assert [(boot.started, boot.host, boot.kernel_release) for boot in sparse.boots] == [
        (boot.started, boot.host, boot.kernel_release) for boot in whole.boots
    ]


# Rendering and reading back -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Line:
    """What a log may know of one message."""

    text: str
    wall: WallTime
    uptime_us: int
    host: str
    level: int

    @property
    def uptime_s(self) -> float:
        return self.uptime_us / 1e6

    @property
    def stamp(self) -> str:
        return f"[{self.uptime_us // 1_000_000:5d}.{self.uptime_us % 1_000_000:06d}] "

    @property
    def iso(self) -> str:
        year, month, day, hour, minute, second, micro = self.wall[:7]
        return f"{year:04d}-{month:02d}-{day:02d}T{hour:02d}:{minute:02d}:{second:02d}.{micro:06d}"

    @property
    def zone(self) -> str:
        offset = self.wall.offset_minutes or 0
        return f"{'-' if offset < 0 else '+'}{abs(offset) // 60:02d}:{abs(offset) % 60:02d}"

    @property
    def syslog(self) -> str:
        return f"{MONTHS[self.wall.month - 1]} {self.wall.day:2d} {self.iso[11:19]}"

    @property
    def ctime(self) -> str:
        at = datetime.date(self.wall.year or 0, self.wall.month, self.wall.day)
        return f"{DAYS[at.weekday()]} {self.syslog} {self.wall.year}"

    @property
    def epoch_us(self) -> int:
        at = datetime.datetime(self.wall.year or 0, *self.wall[1:7], tzinfo=datetime.UTC) - datetime.timedelta(
            minutes=self.wall.offset_minutes or 0
        )
        return (at - datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)) // datetime.timedelta(microseconds=1)


MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
DAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
LEVELS = ["emerg", "alert", "crit", "err", "warn", "notice", "info", "debug"]
words = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=12)
messages = st.sampled_from(
    [
        "NETDEV WATCHDOG: eth0 (r8169): transmit queue 0 timed out",
        "r8169 0000:02:00.0 eth0: Link is Down",
        "usb 1-1: new device",
        "PM: suspend exit",
    ]
) | st.lists(words, min_size=1, max_size=8).map(lambda parts: "x: " + " ".join(parts))
moments = st.integers(1_000_000_000, 4_000_000_000).map(lambda second: datetime.datetime.fromtimestamp(second, datetime.UTC))


@st.composite
def log_lines(draw: st.DrawFn) -> Line:
    at = draw(moments)
    wall = WallTime(
        at.year, at.month, at.day, at.hour, at.minute, at.second, draw(st.integers(0, 999_999)), draw(st.integers(-48, 56)) * 15
    )
    host = draw(
        st.from_regex(r"[a-z][a-z0-9-]{0,20}", fullmatch=True).filter(lambda name: name not in ("kernel", "kern", "last", "message"))
    )
    return Line(draw(messages), wall, draw(st.integers(0, 10**14)), host, draw(st.integers(0, 7)))


def entry(line: Line) -> Mapping[str, str]:
    return {
        "__REALTIME_TIMESTAMP": str(line.epoch_us),
        "__MONOTONIC_TIMESTAMP": str(line.uptime_us),
        "_SOURCE_MONOTONIC_TIMESTAMP": str(line.uptime_us),
        "_TRANSPORT": "kernel",
        "_BOOT_ID": "0123456789abcdef" * 2,
        "_HOSTNAME": line.host,
        "PRIORITY": str(line.level),
        "MESSAGE": line.text,
    }


# name -> how a line is rendered, and what of it can be read back
UPTIME, WALL, DAY, SECOND, HOST, LEVEL, UTC, COMPUTED = "uptime", "wall", "day", "second", "host", "level", "utc", "computed"
RENDERINGS: Mapping[str, tuple[Callable[[Line], str], frozenset[str]]] = {
    "dmesg": (lambda line: line.stamp + line.text, frozenset({UPTIME})),
    "dmesg-raw": (lambda line: f"<{line.level}>{line.stamp}{line.text}", frozenset({UPTIME, LEVEL})),
    "dmesg-decoded": (lambda line: f"kern  :{LEVELS[line.level]:6s}: {line.stamp}{line.text}", frozenset({UPTIME, LEVEL})),
    "dmesg-caller": (lambda line: f"{line.stamp[:-1]}[    C0] {line.text}", frozenset({UPTIME})),
    "dmesg-ctime": (lambda line: f"[{line.ctime}] {line.text}", frozenset({SECOND, COMPUTED})),
    "dmesg-iso": (lambda line: f"{line.iso.replace('.', ',')}{line.zone} {line.text}", frozenset({WALL, COMPUTED})),
    "rfc3164": (lambda line: f"{line.syslog} {line.host} kernel: {line.stamp}{line.text}", frozenset({DAY, UPTIME, HOST})),
    "rfc3164-bare": (lambda line: f"{line.syslog} {line.host} kernel: {line.text}", frozenset({DAY, HOST})),
    "rfc3339": (lambda line: f"{line.iso}{line.zone} {line.host} kernel: {line.stamp}{line.text}", frozenset({WALL, UPTIME, HOST})),
    "rfc5424": (
        lambda line: f"<{line.level}>1 {line.iso}{line.zone} {line.host} kernel - - - {line.stamp}{line.text}",
        frozenset({WALL, UPTIME, HOST, LEVEL}),
    ),
    "busybox": (
        lambda line: f"{line.syslog} {line.host} kern.{LEVELS[line.level]} kernel: {line.stamp}{line.text}",
        frozenset({DAY, UPTIME, HOST, LEVEL}),
    ),
    "openwrt": (lambda line: f"{line.ctime} kern.{LEVELS[line.level]} kernel: {line.stamp}{line.text}", frozenset({SECOND, UPTIME, LEVEL})),
    "journal-monotonic": (lambda line: f"{line.stamp}{line.host} kernel: {line.text}", frozenset({UPTIME, HOST})),
    "journal-unix": (
        lambda line: f"{line.epoch_us // 1_000_000}.{line.epoch_us % 1_000_000:06d} {line.host} kernel: {line.text}",
        frozenset({UTC, HOST}),
    ),
    "journal-json": (lambda line: json.dumps(entry(line)), frozenset({UTC, UPTIME, HOST, LEVEL})),
    "journal-export": (
        lambda line: "__CURSOR=s=4f\n" + "".join(f"{key}={value}\n" for key, value in entry(line).items()),
        frozenset({UTC, UPTIME, HOST, LEVEL}),
    ),
    "kmsg": (
        lambda line: f"{line.level},1234,{line.uptime_us},-;" + line.text.replace("\\", "\\x5c"),
        frozenset({UPTIME, LEVEL}),
    ),
    "dmesg-json": (
        lambda line: json.dumps({"dmesg": [{"pri": line.level, "time": line.uptime_s, "msg": line.text}]}, indent=3),
        frozenset({UPTIME, LEVEL}),
    ),
    "docker": (
        lambda line: json.dumps({"log": f"{line.stamp}{line.text}\n", "stream": "stdout", "time": line.iso + "Z"}),
        frozenset({UPTIME}),
    ),
    "cri": (lambda line: f"{line.iso}Z stdout F {line.stamp}{line.text}", frozenset({UPTIME})),
}


@pytest.mark.parametrize("rendering", RENDERINGS)
@given(line=log_lines())
@at_least(100)
def test_what_is_rendered_is_read_back(rendering: str, line: Line) -> None:
    render, told = RENDERINGS[rendering]
    (record,) = read_pieces([render(line).encode() + b"\n"])
    assert record.text == line.text
    assert record.uptime_s == (pytest.approx(line.uptime_s, abs=1e-6) if UPTIME in told else None)
    if HOST in told:
        assert record.host == line.host
    if LEVEL in told:
        assert record.level == line.level
    wall = line.wall
    if DAY in told:
        assert record.wall == wall._replace(year=None, microsecond=0, offset_minutes=None)
    elif SECOND in told:
        assert record.wall == wall._replace(microsecond=0, offset_minutes=None, computed=COMPUTED in told)
    elif WALL in told:
        assert record.wall == wall._replace(computed=COMPUTED in told)
    elif UTC in told:
        assert record.wall is not None
        assert Line("", record.wall, 0, "", 0).epoch_us == line.epoch_us


@given(log_lines())
def test_no_two_containers_claim_one_line_with_different_texts(line: Line) -> None:
    """The order of the tuple of formats must not decide what a message says."""
    for rendering in ("rfc3164", "rfc3339", "rfc5424", "busybox", "kmsg", "dmesg-raw"):
        text = RENDERINGS[rendering][0](line)
        heads = [head for head in (form.parse(text) for form in LINE_FORMATS) if head is not None]
        assert heads[0].text == line.text
