# SPDX-License-Identifier: GPL-2.0-or-later
"""The lines of one hang with what stands around them, bounded. The log is read a second time, for an explanation keeps events and not lines."""

from collections.abc import Iterable, Iterator, Sequence

from nicmedic.kernlog.decode import find_encoding
from nicmedic.kernlog.order import restore_order
from nicmedic.kernlog.reader import LogReader
from nicmedic.model.bug_report import Excerpt, ExcerptLine
from nicmedic.model.errors import NicmedicError
from nicmedic.model.event import Event
from nicmedic.model.explanation import Explanation
from nicmedic.model.finding import Hang
from nicmedic.model.record import Record
from nicmedic.ports.logs import LogSource, LogStream

__all__ = ["choose_hang", "read_excerpt"]

_BEFORE, _AFTER = 12, 45
_MOST_LINES = 60
_LONGEST = 240
_MOST_BYTES = 1 << 20


def choose_hang(explanation: Explanation, interface: str | None, package: str | None) -> Hang | None:
    """The first of the card, or of one that is not named; of those with the suspected kernel, if the log has one."""
    own = [hang for hang in explanation.hangs if interface is None or hang.interface == interface]
    hangs = own or [hang for hang in explanation.hangs if hang.interface is None]
    suspects = {boot.index for boot in explanation.boots if package is not None and boot.kernel_package == package}
    return next((hang for hang in hangs if hang.boot in suspects), hangs[0] if hangs else None)


def read_excerpt(
    logs: LogSource, names: Sequence[str], explanation: Explanation, interface: str | None, package: str | None
) -> Excerpt | None:
    """Lines of the first hang; None: the log tells of none.

    Args:
        logs: opens the same logs again; standard input cannot be, and of it there are the lines that tell of the hang only.
        names: as ``explain`` was given them.
        explanation: what it made of them.
        interface: the card; None: any.
        package: of the suspected kernel.
    """
    hang = choose_hang(explanation, interface, package)
    if hang is None:
        return None
    events = [explanation.events[number] for number in hang.events]
    boot = next((boot for boot in explanation.boots if boot.index == hang.boot), None)
    first = max(1, events[0].line - _BEFORE)
    data = _read_again(logs, names, events[0].source, first, events[0].line + _AFTER)
    lines = (_read_lines(data, first, events) or [_line(_say_event(event), tells=True) for event in events])[:_MOST_LINES]
    others = [event for other in explanation.hangs if other.interface == hang.interface for event in other.events]
    return Excerpt(
        source=events[0].source,
        kernel_package=None if boot is None else boot.kernel_package,
        lines=tuple(lines),
        left_out=max(0, len(others) - sum(line.tells for line in lines)),
    )


def _read_again(logs: LogSource, names: Sequence[str], source: str, first: int, last: int) -> bytes:
    """Lines of a log that was read before; empty: it is not to be had again. A log can be read only while its place in the row has not passed."""
    if "-" in names:
        return b""
    for stream in logs.open_logs(names) if names else logs.open_own_log(None):
        if isinstance(stream, LogStream) and stream.name == source:
            return _cut(stream.blocks, first, last)
    return b""


def _read_lines(data: bytes, first: int, events: Sequence[Event]) -> list[ExcerptLine]:
    """Empty: there is no log, or it is not the same any more."""
    if not data or find_encoding(data)[0] != "utf-8":
        return []
    reader, parts, records = LogReader(), list[int | None](), list[Record]()
    for record in _all_records(reader, data, first):
        records.append(record)
        parts.append(reader.part)
    return _select(restore_order(records, parts), events)


def _all_records(reader: LogReader, data: bytes, first: int) -> Iterator[Record]:
    yield from reader.read(data, first)
    yield from reader.finish()


def _cut(blocks: Iterable[bytes], first: int, last: int) -> bytes:
    """Whole lines ``first`` to ``last``, counted from 1."""
    number, kept, rest = 1, bytearray(), b""
    try:
        for block in blocks:
            count = block.count(b"\n")
            if number + count < first:  # nothing of it is wanted
                number, rest = number + count, b""
                continue
            *lines, rest = (rest + block).split(b"\n")
            for line in lines:
                if first <= number <= last:
                    kept += line + b"\n"
                number += 1
            if number > last or len(kept) > _MOST_BYTES:
                return bytes(kept[:_MOST_BYTES])
    except (NicmedicError, OSError):
        return bytes(kept)
    if rest and first <= number <= last:
        kept += rest + b"\n"
    return bytes(kept[:_MOST_BYTES])


def _select(records: Sequence[Record], events: Sequence[Event]) -> list[ExcerptLine]:
    """Of the kernel only, of one boot, around the first line that tells of the hang."""
    first = events[0]
    same = [place for place, record in enumerate(records) if _head(record) == _first_line(first.text)]
    at = next((place for place in same if records[place].line == first.line), same[0] if same else None)
    if at is None:
        return []
    begins = [place for place in range(1, len(records)) if _begins_boot(records[place - 1], records[place])]
    begin = max((place for place in begins if place <= at), default=0)
    end = min((place for place in begins if place > at), default=len(records))
    telling = {_first_line(event.text) for event in events}
    lines: list[ExcerptLine] = []
    for record in records[begin:end]:
        if record.kernel is not False:
            tells, stamp = _head(record) in telling, _stamp(record)
            lines += [_line(f"{stamp}{text}", tells=tells and not number) for number, text in enumerate(record.text.split("\n"))]
    return lines


def _begins_boot(before: Record, record: Record) -> bool:
    """A separator, a banner, or a clock that goes back by more than processors differ."""
    back = before.uptime_s is not None and record.uptime_s is not None and record.uptime_s < before.uptime_s - 1
    return record.new_boot or back or _head(record).startswith("Linux version ")


def _first_line(text: str) -> str:
    return text.split("\n", 1)[0]


def _head(record: Record) -> str:
    return _first_line(record.text)


def _stamp(record: Record) -> str:
    if record.uptime_s is not None:
        return f"[{record.uptime_s:12.6f}] "
    wall = record.wall
    if wall is None:
        return ""
    date = f"{wall.month:02}-{wall.day:02}" if wall.year is None else f"{wall.year:04}-{wall.month:02}-{wall.day:02}"
    return f"{date} {wall.hour:02}:{wall.minute:02}:{wall.second:02} "


def _say_event(event: Event) -> str:
    if event.uptime_s is not None:
        return f"[{event.uptime_s:12.6f}] {event.text}"
    return f"{event.local_time.replace('T', ' ').removeprefix('--')} {event.text}" if event.local_time else event.text


def _line(text: str, *, tells: bool) -> ExcerptLine:
    text = text.replace("\n", " ")
    return ExcerptLine(text=text if len(text) <= _LONGEST else f"{text[:_LONGEST]} [cut]", tells=tells)
