# SPDX-License-Identifier: GPL-2.0-or-later
"""The lines of one hang with what stands around them, bounded. The log is read a second time, for an explanation keeps events and not lines."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from nicmedic.evidence.spells import find_card
from nicmedic.kernlog.decode import find_encoding
from nicmedic.kernlog.order import restore_order
from nicmedic.kernlog.reader import LogReader
from nicmedic.model.bug_report import Excerpt, ExcerptLine
from nicmedic.model.errors import NicmedicError
from nicmedic.model.event import Event
from nicmedic.model.explanation import Explanation
from nicmedic.model.finding import Hang
from nicmedic.model.history import History
from nicmedic.model.host import Host
from nicmedic.model.record import Record
from nicmedic.ports.logs import LogSource, LogStream

__all__ = ["Meant", "choose_hang", "find_meant", "read_excerpt"]

_PCI = re.compile(r"[0-9A-Fa-f]{4,8}:[0-9A-Fa-f]{2}:[01][0-9A-Fa-f]\.[0-7]")
_BEFORE, _AFTER = 12, 45
_MOST_LINES = 60
_LONGEST = 240
_MOST_BYTES = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Meant:
    """The card that is reported, by what a log may say of it."""

    interface: str | None = None
    """None: any."""
    drivers: frozenset[str] = frozenset()
    """Empty: not known."""
    pci_addresses: frozenset[str] = frozenset()
    """Where it is on the bus, if that is PCI."""
    other_drivers: frozenset[str] = frozenset()
    """Of other cards of this host."""
    alone: bool = False
    """The host has no other card."""

    def owns(self, hang: Hang, bus: str | None) -> bool | None:
        """Whether a hang is its own; None: nothing tells."""
        if self.interface is None:
            return True
        if hang.interface is not None:
            return hang.interface == self.interface
        if bus is not None and _PCI.fullmatch(bus) and self.pci_addresses:
            return bus.lower() in self.pci_addresses
        if hang.driver is None or not self.drivers:
            return True if self.alone else None
        if hang.driver not in self.drivers:
            return False
        return None if hang.driver in self.other_drivers else True


def find_meant(interface: str | None, history: History, host: Host | None, explanation: Explanation | None) -> Meant:
    """What host, past and log tell of the card."""
    nic = None if host is None or interface is None else host.find_nic(interface)
    nics = host.nics if host is not None else ()
    events = [event for event in (explanation.events if explanation is not None else ()) if interface and event.interface == interface]
    drivers = {nic.driver if nic is not None else None, *find_card(history, interface).drivers, *(event.driver for event in events)}
    buses = {nic.bus_address if nic is not None else None, *(event.bus for event in events)}
    return Meant(
        interface=interface,
        drivers=frozenset(one for one in drivers if one),
        pci_addresses=frozenset(one.lower() for one in buses if one and _PCI.fullmatch(one)),
        other_drivers=frozenset(one.driver for one in nics if one is not nic and one.driver),
        alone=nic is not None and len(nics) == 1,
    )


def choose_hang(explanation: Explanation, meant: Meant, package: str | None) -> tuple[Hang, bool] | None:
    """The first of the card, else of one that is not named; of those with the suspected kernel, if the log has one; and whether it is its own."""
    told = [(hang, meant.owns(hang, explanation.events[hang.events[0]].bus)) for hang in explanation.hangs]
    own = [hang for hang, owned in told if owned]
    hangs = own or [hang for hang, owned in told if owned is None]
    suspects = {boot.index for boot in explanation.boots if package is not None and boot.kernel_package == package}
    chosen = next((hang for hang in hangs if hang.boot in suspects), hangs[0] if hangs else None)
    return None if chosen is None else (chosen, bool(own))


def read_excerpt(logs: LogSource, names: Sequence[str], explanation: Explanation, meant: Meant, package: str | None) -> Excerpt | None:
    """Lines of the first hang; None: the log tells of none.

    Args:
        logs: opens the same logs again; standard input cannot be, and of it there are the lines that tell of the hang only.
        names: as ``explain`` was given them.
        explanation: what it made of them.
        meant: the card.
        package: of the suspected kernel.
    """
    found = choose_hang(explanation, meant, package)
    if found is None:
        return None
    hang, own = found
    events = [explanation.events[number] for number in hang.events]
    boot = next((boot for boot in explanation.boots if boot.index == hang.boot), None)
    first = max(1, events[0].line - _BEFORE)
    data = _read_again(logs, names, events[0].source, first, events[0].line + _AFTER)
    lines = (_read_lines(data, first, events) or [_line(_say_event(event), tells=True) for event in events])[:_MOST_LINES]
    others = [event for other in explanation.hangs if other.interface == hang.interface for event in other.events]
    return Excerpt(
        source=events[0].source,
        own=own,
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
