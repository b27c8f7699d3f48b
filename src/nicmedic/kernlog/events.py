# SPDX-License-Identifier: GPL-2.0-or-later
"""Records of one source to events: which messages matter, which NIC they speak of, and what stands around them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from nicmedic.kernlog.boots import BootDraft, BootTracker
from nicmedic.kernlog.clock import Upper
from nicmedic.kernlog.dump import DumpReader
from nicmedic.kernlog.lazy import lazy_pattern
from nicmedic.kernlog.match import SignalIndex, SignalMatch
from nicmedic.model.boot import Boot
from nicmedic.model.event import Duplex, Event, EventKind
from nicmedic.model.record import Record

__all__ = ["EventCollector", "Fact", "SourceEvents"]

MOST_EVENTS = 10_000
"""Events kept of one source; further ones are only counted, so that memory stays bounded."""
_LONGEST_TEXT = 400
_NEAR_RECORDS = 12
"""Between the WARNING and the watchdog line of one time-out stand fewer messages."""
_BLOCK_RECORDS = 80
"""A WARNING block with its registers and trace is shorter than that many lines."""
_STATE_WORDS = lazy_pattern(r" ?\((?:unnamed net_device|uninitialized|unregistering|unregistered|released|unknown)\)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """Something a message told that is no event: a chip's name, a firmware version, a lost-message counter."""

    signal: str
    boot: int
    driver: str | None
    interface: str | None
    bus: str | None
    values: tuple[tuple[str, str], ...]
    line: int
    uptime_s: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceEvents:
    """All that one source gave."""

    boots: tuple[Boot, ...]
    events: tuple[Event, ...]
    facts: tuple[Fact, ...]
    uncounted: int
    """Events beyond the limit that are not in ``events``."""


@dataclass(slots=True)
class _Draft:
    """An event while its source is being read."""

    match: SignalMatch
    record: Record
    number: int
    """Position of the record in its source."""
    epoch: int
    boot: BootDraft
    interface: str | None
    driver: str | None
    bus: str | None
    repeated: int
    process: str | None = None
    dump: DumpReader | None = None


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and text.isascii() and text.isdigit() and len(text) <= 18 else None  # 64 bit


def _speed_mbps(fields: dict[str, str]) -> int | None:
    speed = _number(fields.get("speed_mbps"))
    if speed is not None:
        return speed
    try:
        return round(float(fields["speed_gbps"]) * 1000) if "speed_gbps" in fields else None
    except ValueError:
        return None


def _duplex(word: str | None) -> Duplex | None:
    return (
        None
        if word is None
        else Duplex.HALF
        if word.lower().startswith("half")
        else Duplex.FULL
        if word.lower().startswith("full")
        else None
    )


@dataclass(slots=True)
class EventCollector:
    """Follows the records of one source in order."""

    index: SignalIndex
    source: str
    boots: BootTracker = field(default_factory=BootTracker)
    uncounted: int = 0
    _drafts: list[_Draft] = field(default_factory=list)
    _facts: dict[tuple[str, int, str | None, tuple[tuple[str, str], ...]], tuple[Record, dict[str, str]]] = field(default_factory=dict)
    _block: _Draft | None = None
    _block_records: int = 0
    _last_event: dict[str | None, _Draft] = field(default_factory=dict)
    _records: int = 0

    def add(self, record: Record, *, look: bool = True) -> None:
        """Take the next record. ``look = False``: a scanner already knows that no signal is in it."""
        self._records += 1
        boot, facts, epoch = self.boots.track(record)
        if not record.text:
            last = self._last_event.get(record.host)
            if record.repeated and last is not None:
                last.repeated += record.repeated
            return
        if record.kernel is False:
            self._last_event.pop(record.host, None)
            return
        if self._block is not None:
            self._read_block(record, boot, facts.process if facts else None)
        matches = self.index.find_matches(record.text) if look else []
        event = None
        for match in matches:
            if match.signal.kind is None:
                key = (match.signal.key, boot.number, match.fields.get("interface"), tuple(sorted(match.fields.items())))
                if len(self._facts) < MOST_EVENTS:
                    self._facts.setdefault(key, (record, match.fields))
            else:
                event = self._add_event(match, record, epoch, boot)
        if event is not None:
            self._last_event[record.host] = event
        else:
            self._last_event.pop(record.host, None)

    def _add_event(self, match: SignalMatch, record: Record, epoch: int, boot: BootDraft) -> _Draft:
        fields = match.fields
        interface = fields.get("interface") or fields.get("pinterface")
        if interface is not None and not interface.startswith("("):
            interface = _STATE_WORDS.sub("", interface)
        draft = _Draft(
            match=match,
            record=record._replace(text=record.text.split("\n", 1)[0][:_LONGEST_TEXT]),
            number=self._records,
            epoch=epoch,
            boot=boot,
            interface=interface,
            driver=fields.get("driver") or fields.get("pdriver") or None,
            bus=fields.get("bus") or record.device,
            repeated=record.repeated,
        )
        if len(self._drafts) < MOST_EVENTS:
            self._drafts.append(draft)
        else:
            self.uncounted += 1
        if match.signal.kind in (EventKind.TX_TIMEOUT, EventKind.HW_HANG):
            self._block, self._block_records = draft, 0
            if match.signal.kind is EventKind.HW_HANG:
                draft.dump = DumpReader()
                draft.dump.read(record.text)
        return draft

    def _read_block(self, record: Record, boot: BootDraft, process: str | None) -> None:
        """What belongs to the last hang report: the task in its trace, its register dump."""
        block = self._block
        assert block is not None  # noqa: S101  # the caller looked
        self._block_records += 1
        if block.dump is not None:
            block.dump.read(record.text)
        if process is not None and block.process is None and block.boot is boot:
            block.process = process
        if self._block_records > _BLOCK_RECORDS or block.boot is not boot:
            self._block = None

    def finish(self, first_boot: int, upper: Upper | None) -> SourceEvents:
        """Events with their boots, times and NICs. ``upper``: day after which nothing in the source can have been written."""
        boots = self.boots.finish(first_boot, upper)
        facts = tuple(
            Fact(
                signal=key[0],
                boot=first_boot + key[1],
                driver=fields.get("driver"),
                interface=fields.get("interface"),
                bus=fields.get("bus"),
                values=key[3],
                line=record.line,
                uptime_s=record.uptime_s,
            )
            for key, (record, fields) in self._facts.items()
        )
        self._drafts = _drop_nameless(self._drafts)
        _fill_names(self._drafts, [(key[1], fields) for key, (_, fields) in self._facts.items()])
        events = tuple(self._freeze(draft, first_boot, upper) for draft in self._drafts)
        return SourceEvents(boots=tuple(boots), events=events, facts=facts, uncounted=self.uncounted)

    def _freeze(self, draft: _Draft, first_boot: int, upper: Upper | None) -> Event:
        signal, fields, record = draft.match.signal, draft.match.fields, draft.record
        time, local_time = self.boots.render_times(record.wall, draft.epoch, upper)
        assert signal.kind is not None  # noqa: S101  # facts are kept apart
        return Event(
            kind=signal.kind,
            signal=signal.key,
            hang=signal.hang,
            interface=draft.interface,
            driver=draft.driver,
            bus=draft.bus,
            queue=_number(fields.get("queue")),
            stall_ms=_number(fields.get("stall_ms")),
            uptime_s=record.uptime_s,
            time=time,
            local_time=local_time,
            boot=first_boot + draft.boot.number,
            source=self.source,
            line=record.line,
            text=record.text,
            repeated=draft.repeated,
            speed_mbps=_speed_mbps(fields),
            duplex=_duplex(fields.get("duplex")),
            process=draft.process,
            dump=draft.dump.read_facts() if draft.dump is not None else frozenset(),
        )


def _drop_nameless(drafts: Sequence[_Draft]) -> list[_Draft]:
    """Leave out reports without any name beside a watchdog line of the same boot: the WARNING that belongs to it."""
    named = [draft for draft in drafts if draft.match.signal.kind is EventKind.TX_TIMEOUT]
    near = {(draft.boot.number, draft.number + shift) for draft in named for shift in range(-_NEAR_RECORDS, _NEAR_RECORDS + 1)}
    return [
        draft
        for draft in drafts
        if draft.interface or draft.driver or draft.bus or not draft.match.signal.hang or (draft.boot.number, draft.number) not in near
    ]


class _Names(NamedTuple):
    """What one message calls a NIC."""

    interface: str | None
    driver: str | None
    bus: str | None


def _fill_names(drafts: Sequence[_Draft], facts: Iterable[tuple[int, dict[str, str]]]) -> None:
    """Give events the interface, driver and bus that other messages of their boot name together."""
    known: dict[tuple[int, str], _Names] = {}
    named = [(draft.boot.number, _Names(draft.interface, draft.driver, draft.bus)) for draft in drafts]
    named += [(boot, _Names(fields.get("interface"), fields.get("driver"), fields.get("bus"))) for boot, fields in facts]
    for boot, names in named:
        for name in (names.interface, names.bus):
            if name is not None and (names.driver or names.bus) and names.interface:
                older = known.get((boot, name))
                if older is None or (older.driver is None and names.driver) or (older.bus is None and names.bus and names.driver):
                    known[(boot, name)] = names
    for draft in drafts:
        other = known.get((draft.boot.number, draft.interface or draft.bus or ""))
        if other is not None and (draft.driver is None or other.driver is None or draft.driver == other.driver):
            draft.interface = draft.interface or other.interface
            draft.driver = draft.driver or other.driver
            draft.bus = draft.bus or other.bus
