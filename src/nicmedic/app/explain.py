# SPDX-License-Identifier: GPL-2.0-or-later
"""The main job: logs in, an explanation out. Reads each source once, in bounded memory, and goes on after a source that cannot be read."""

import codecs
import dataclasses
import datetime
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain

from nicmedic.app.sparse import SparseReader, Window
from nicmedic.diagnosis.evidence import Evidence
from nicmedic.kernlog.boots import MOST_BOOTS
from nicmedic.kernlog.decode import find_encoding, looks_binary
from nicmedic.kernlog.events import EventCollector, Fact
from nicmedic.kernlog.hangs import group_hangs
from nicmedic.kernlog.match import SignalIndex
from nicmedic.kernlog.merge import merge_sources
from nicmedic.kernlog.order import is_newest_first, restore_order
from nicmedic.kernlog.reader import BARE, LogReader
from nicmedic.kernlog.scan import LineScanner, build_scanner, find_texts
from nicmedic.kernlog.system import LITERALS as SYSTEM_LITERALS
from nicmedic.knowledge.base import KnowledgeBase
from nicmedic.model.boot import Boot
from nicmedic.model.errors import EmptyInputError, KernelLogAccessError, NicmedicError, NotAKernelLogError, UnreadableInputError
from nicmedic.model.event import Event
from nicmedic.model.explanation import Explanation, SourceReport
from nicmedic.model.record import Record
from nicmedic.ports.logs import LogSource, LogStream
from nicmedic.report.escape import quote_file_name

__all__ = ["Gathered", "Request", "explain", "gather"]

WHOLE_BYTES = 4 << 20
"""A source up to this size is read whole; of a bigger one only what stands around the lines that may matter."""
_WESTERNMOST = datetime.timedelta(hours=12)
"""A clock there shows the least: UTC is so much later at most."""
_PIECE_BYTES = 512 << 10
"""Bytes of a window that become records at a time."""
WHOLE_LINES = 60_000
"""And up to so many lines: a record takes more memory than the few bytes of a short line."""
_SCANNED_RECORDS = 200
"""From so many records on a scanner looks first which of them may matter."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What the user asks."""

    names: Sequence[str] = ()
    """Files, folders, ``-``; none: this machine's own log."""
    interface: str | None = None
    since: datetime.datetime | None = None
    """Aware; events known to be older are left out."""
    workers: int = 1
    fast: bool | None = None
    """True: only the compiled scanner; False: only plain Python; None: the best that is installed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scanners:
    """What is looked for first."""

    lines: LineScanner
    """In a big source: what makes a line worth reading, with its neighbours."""
    records: LineScanner
    """Among records: any signal."""


@dataclass(slots=True)
class _Reading:
    """What has been gathered over all sources."""

    boots: list[Boot] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    facts: list[Fact] = field(default_factory=list)
    reports: list[SourceReport] = field(default_factory=list)
    errors: list[NicmedicError] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathered:
    """What logs say, before anybody asks why."""

    evidence: Evidence
    reports: Sequence[SourceReport]
    notes: Sequence[str]
    errors: Sequence[NicmedicError]


def explain(
    logs: LogSource, knowledge: KnowledgeBase, request: Request, on_progress: Callable[[str, int], None] | None = None
) -> Explanation:
    """Read, diagnose, answer.

    Args:
        logs: opens what the request names.
        knowledge: what is known of drivers.
        request: what is asked.
        on_progress: called with a source's name and the bytes read of it so far, at least once a MiB.
    """
    from nicmedic.diagnosis.diagnose import diagnose  # check gathers without them
    from nicmedic.diagnosis.unknowns import find_unknowns

    since = request.since.astimezone(datetime.UTC).strftime("%Y-%m-%d %H:%M:%S UTC") if request.since else None
    streams = logs.open_logs(request.names) if request.names else logs.open_own_log(since)
    gathered = gather(streams, knowledge, request, on_progress)
    evidence = gathered.evidence
    findings = diagnose(evidence, knowledge)
    return Explanation(
        interface=request.interface,
        sources=tuple(gathered.reports),
        boots=tuple(evidence.boots),
        events=tuple(evidence.events),
        hangs=tuple(evidence.hangs),
        findings=tuple(findings),
        unknowns=tuple(find_unknowns(evidence, findings)),
        notes=tuple(gathered.notes),
        errors=tuple(gathered.errors),
        knowledge_problems=tuple(
            f"{problem.file}{f':{problem.line}' if problem.line else ''}: {problem.reason}" for problem in knowledge.problems
        ),
    )


def gather(
    streams: Iterable[LogStream | NicmedicError],
    knowledge: KnowledgeBase,
    request: Request,
    on_progress: Callable[[str, int], None] | None = None,
) -> Gathered:
    """Read logs to the end, and put together what they say; arguments as of ``explain``."""
    reading = _Reading()
    index = SignalIndex((literal.decode() for literal in knowledge.literals), knowledge.find_signals)
    scanners = _Scanners(
        lines=build_scanner((*knowledge.scan_literals, *(literal.encode() for literal in SYSTEM_LITERALS)), fast=request.fast),
        records=build_scanner(knowledge.literals, fast=False),
    )
    for stream in streams:
        if isinstance(stream, NicmedicError):
            reading.errors.append(stream)
        else:
            _read_stream(stream, index, scanners, request, reading, on_progress)
    if request.names and not reading.reports and not reading.errors:
        message = f"{', '.join(request.names)}: no file in it holds kernel messages"
        reading.errors.append(NotAKernelLogError(message, hint="journalctl -k -b all > kern.log   # or: dmesg > kern.log"))
    boots, events, facts = merge_sources(reading.boots, reading.events, reading.facts)
    named = sorted({event.interface for event in events if event.interface is not None})
    if request.interface is not None and named and request.interface not in named:
        reading.notes.append(f"no message that matters names {request.interface}; these are named: {', '.join(named)}")
    events, facts = _filter(events, facts, request)
    evidence = Evidence(boots=boots, events=events, facts=facts, hangs=group_hangs(events))
    return Gathered(evidence=evidence, reports=reading.reports, notes=reading.notes, errors=reading.errors)


def _transcode(blocks: Iterator[bytes], encoding: str) -> Iterator[bytes]:
    """UTF-16 to UTF-8, block by block: what scans and windows look for is ASCII."""
    decoder = codecs.getincrementaldecoder(encoding)(errors="replace")
    for block in blocks:
        yield decoder.decode(block).encode("utf-8", "replace")
    yield decoder.decode(b"", final=True).encode("utf-8", "replace")


class _Held:
    """Blocks with their errors held back, so that what came before an error is still read."""

    def __init__(self, stream: LogStream, on_progress: Callable[[str, int], None] | None) -> None:
        self._stream, self._on_progress = stream, on_progress
        self.error: NicmedicError | None = None
        self.size = 0

    def __iter__(self) -> Iterator[bytes]:
        try:
            for block in self._stream.blocks:
                self.size += len(block)
                if self._on_progress is not None:
                    self._on_progress(self._stream.name, self.size)
                yield block
        except NicmedicError as error:
            self.error = error
        except OSError as error:
            self.error = UnreadableInputError(
                f"{self._stream.name}: {error.strerror or error} after {self.size} bytes", hint="copy the file again"
            )


def _read_stream(
    stream: LogStream,
    index: SignalIndex,
    scanners: _Scanners,
    request: Request,
    reading: _Reading,
    on_progress: Callable[[str, int], None] | None,
) -> None:
    """One source: whole when it is small, else in windows."""
    held = _Held(stream, on_progress)
    blocks = iter(held)
    start: list[bytes] = []
    size = lines = 0
    whole = True
    for block in blocks:
        start.append(block)
        size += len(block)
        lines += block.count(b"\n")
        if size > WHOLE_BYTES or lines > WHOLE_LINES:
            whole = False
            break
    data = b"".join(start)
    if looks_binary(data):
        if not stream.optional:
            reading.errors.append(
                NotAKernelLogError(f"{stream.name}: a binary file, not a log", hint=f"file {quote_file_name(stream.name)}")
            )
        return
    reader, collector = LogReader(), EventCollector(index=index, source=stream.name)
    if whole:
        lines += 0 if data.endswith(b"\n") or not data else 1
        _collect(_read_whole(reader, data), collector, scanners.records)
        sparse = None
    else:
        encoding, _ = find_encoding(data)
        rest: Iterable[bytes] = chain((data,), blocks)
        if encoding != "utf-8":
            rest = _transcode(iter(rest), encoding)
        sparse = SparseReader(scanners.lines, workers=request.workers, before_lines=20, after_lines=80)
        head: list[Record] = []
        for records in _read_sparse(reader, sparse.read_windows(rest)):
            head = head or records
            _collect(records, collector, scanners.records)
        lines = sparse.lines
        if is_newest_first(head):
            reading.notes.append(
                f"{stream.name}: its newest lines stand first and it is too big to be turned round; boots may be wrong: tac it"
            )
    if held.error is not None:
        reading.errors.append(held.error)
    _report(stream, reader, collector, reading, lines, sparse, held.size)


def _read_whole(reader: LogReader, data: bytes) -> list[Record]:
    """All records of a small source, oldest first."""
    records: list[Record] = []
    parts: list[int | None] = []
    for record in chain(reader.read(data), reader.finish()):
        records.append(record)
        parts.append(reader.part)
    return restore_order(records, parts)


def _read_sparse(reader: LogReader, windows: Iterable[Window]) -> Iterator[list[Record]]:
    expected = 1
    for window in windows:
        line, position = window.first_line, 0
        while position < len(window.data):
            end = window.data.find(b"\n", min(position + _PIECE_BYTES, len(window.data) - 1)) + 1 or len(window.data)
            piece = window.data[position:end]
            yield list(reader.read(piece, line, gap=line != expected))
            line, position = line + piece.count(b"\n"), end
            expected = line
    yield list(reader.finish())


def _collect(records: Sequence[Record], collector: EventCollector, scanner: LineScanner) -> None:
    """Give records to the collector; of many, a scanner says first which may matter."""
    if len(records) < _SCANNED_RECORDS:
        for record in records:
            collector.add(record)
        return
    hits = find_texts([record.text for record in records], scanner)
    for number, record in enumerate(records):
        collector.add(record, look=number in hits)


def _report(
    stream: LogStream, reader: LogReader, collector: EventCollector, reading: _Reading, lines: int, sparse: SparseReader | None, size: int
) -> None:
    found = collector.finish(len(reading.boots), stream.written)
    kernel_lines = reader.records - reader.containers[BARE]
    if sparse is None:  # of a big log most is not seen
        kernel_lines -= reader.process_records
    if size == 0:
        if not stream.optional:
            reading.errors.append(
                EmptyInputError(f"{stream.name}: empty", hint="journalctl -k -b -1 > kern.log   # the boot before this one")
            )
        return
    if not found.events and not kernel_lines:
        if not stream.optional:
            if reader.denied:
                message = f"{stream.name}: whoever took this log was not allowed to read the kernel's messages"
                reading.errors.append(
                    KernelLogAccessError(message, hint="sudo journalctl -k -b all > kern.log   # or: sudo dmesg > kern.log")
                )
            else:
                message = f"{stream.name}: none of its {lines} lines is a kernel message"
                reading.errors.append(NotAKernelLogError(message, hint="journalctl -k -b all > kern.log   # or: dmesg > kern.log"))
        return
    if collector.boots.uncounted:
        reading.notes.append(f"{stream.name}: more than {MOST_BOOTS} boots; the further ones are counted with the last")
    if found.uncounted:
        reading.notes.append(f"{stream.name}: {found.uncounted} further events are not listed; counts are lower bounds")
    cut = reader.cut_lines + (sparse.cut_lines if sparse else 0)
    if cut:
        reading.notes.append(f"{stream.name}: {cut} lines were too long and were read in part only")
    reading.reports.append(
        SourceReport(
            name=stream.name,
            container=reader.containers.most_common(1)[0][0] if reader.containers else None,
            containers=tuple(name for name, _ in reader.containers.most_common()),
            records=None if sparse else reader.records,
            boots=len(found.boots),
            unread_lines=None if sparse else (0 if kernel_lines == 0 else reader.unread_lines),
            lines=lines,
            cut_lines=cut,
            sparse=sparse is not None,
        )
    )
    offset = len(reading.events)
    reading.boots += found.boots
    reading.events += [
        dataclasses.replace(event, same_as=None if event.same_as is None else event.same_as + offset) for event in found.events
    ]
    reading.facts += found.facts


def _filter(events: list[Event], facts: list[Fact], request: Request) -> tuple[list[Event], list[Fact]]:
    """Leave out other NICs and what is known to be older than asked; what the log does not date stays."""
    kept = [event for event in events if _is_wanted(event, request)]
    if len(kept) < len(events):
        numbers = {id(event): number for number, event in enumerate(kept)}
        kept = [
            event if event.same_as is None else dataclasses.replace(event, same_as=numbers.get(id(events[event.same_as]))) for event in kept
        ]
    if request.interface is not None:
        facts = [fact for fact in facts if fact.interface in (None, request.interface)]
    return kept, facts


def _is_wanted(event: Event, request: Request) -> bool:
    if request.interface is not None and event.interface not in (None, request.interface):
        return False
    if request.since is None:
        return True
    if event.time is not None:
        return datetime.datetime.fromisoformat(event.time) >= request.since
    if event.local_time is not None and not event.local_time.startswith("--"):
        # The zone is not known: only what is older in every zone is known to be older.
        latest = datetime.datetime.fromisoformat(event.local_time).replace(tzinfo=datetime.UTC) + _WESTERNMOST
        return latest >= request.since
    return True
