# SPDX-License-Identifier: GPL-2.0-or-later
"""A host's past out of everything that tells of it: reads each kernel log once, in bounded memory, and puts all together."""

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

from nicmedic.app.sparse import SparseReader
from nicmedic.evidence.history.log_boots import LITERALS, LogBoots
from nicmedic.evidence.history.reconcile import Told, reconcile
from nicmedic.evidence.history.sighting import Sighting
from nicmedic.kernlog.clock import Upper
from nicmedic.kernlog.decode import looks_binary
from nicmedic.kernlog.events import EventCollector
from nicmedic.kernlog.match import SignalIndex
from nicmedic.kernlog.order import restore_order
from nicmedic.kernlog.reader import LogReader
from nicmedic.kernlog.scan import LineScanner, build_scanner, find_texts
from nicmedic.kernlog.system import LITERALS as SYSTEM_LITERALS
from nicmedic.knowledge.base import KnowledgeBase
from nicmedic.model.errors import NicmedicError, NotAKernelLogError, UnreadableInputError
from nicmedic.model.history import History, PackageChange, Source
from nicmedic.model.incident import Incident
from nicmedic.model.record import Record
from nicmedic.ports.histories import HistorySource, LogChain
from nicmedic.ports.logs import LogStream

__all__ = ["Collected", "collect_history"]

WHOLE_BYTES = 8 << 20
WHOLE_LINES = 60_000
"""A log up to this size is read whole; of a bigger one what stands around lines that may matter."""
_WINDOW_BYTES = 512 << 10
_WRITTEN_WITHIN_S = 300.0
"""Between a boot's last message and the program that writes them all down."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Collected:
    """The history, and what could not be read."""

    history: History
    errors: tuple[NicmedicError, ...]


class _Knowing:
    """What is looked for in every log."""

    def __init__(self, knowledge: KnowledgeBase, workers: int) -> None:
        self.index = SignalIndex((literal.decode() for literal in knowledge.literals), knowledge.find_signals)
        literals = (*knowledge.scan_literals, *(literal.encode() for literal in (*SYSTEM_LITERALS, *LITERALS)))
        self.lines: LineScanner = build_scanner(literals)
        self.records: LineScanner = build_scanner(knowledge.literals, fast=False)
        self.workers = workers


def collect_history(
    source: HistorySource,
    knowledge: KnowledgeBase,
    names: Sequence[str],
    *,
    incidents: Sequence[Incident] = (),
    workers: int = 1,
    on_progress: Callable[[str, int], None] | None = None,
) -> Collected:
    """Read and reconcile.

    Args:
        source: opens what is named.
        knowledge: how drivers tell of a hang.
        names: what one host left; none: this machine.
        incidents: of our own watcher, if they are of this host.
        workers: threads that may scan a big log.
        on_progress: called with a source's name and the bytes read of it so far.
    """
    told, errors = Told(incidents=list(incidents)), list[NicmedicError]()
    knowing = _Knowing(knowledge, workers)
    for item in source.read_history(names):
        if isinstance(item, NicmedicError):
            errors.append(item)
        elif isinstance(item, Sighting):
            told.sightings.append(item)
        elif isinstance(item, PackageChange):
            told.changes.append(item)
        elif isinstance(item, Source):
            told.sources.append(item)
        else:
            _read_chain(item, knowing, told, errors, on_progress)
    if names and not told.sightings and not told.changes and not errors:
        message = f"{', '.join(names)}: nothing in it tells of a boot or of a package"
        errors.append(
            NotAKernelLogError(message, hint="nicmedic history /var/log   # or a snapshot, a sosreport, a copy of a host's files")
        )
    return Collected(history=reconcile(told), errors=tuple(errors))


def _read_chain(
    log: LogChain,
    knowing: _Knowing,
    told: Told,
    errors: list[NicmedicError],
    on_progress: Callable[[str, int], None] | None,
) -> None:
    boots = LogBoots(log.name, EventCollector(index=knowing.index, source=log.name), log.zone, log.tells_end)
    upper: Upper | None = None
    trouble: list[str] = []
    for part in log.parts:
        if isinstance(part, NicmedicError):
            errors.append(part)
            continue
        if part.follows is False:
            boots.break_off()
            trouble.append(f"a rotation before {part.stream.name} is missing")
        elif part.follows is None:
            boots.doubt()
        complaint = _read_part(part.stream, boots, knowing, on_progress)
        if boots.was_silent():
            trouble.append(f"a rotation before {part.stream.name} may be missing: nothing was written for most of a day")
        upper = part.stream.written if upper is None or (part.stream.written or upper) > upper else upper
        if complaint is not None:
            errors.append(complaint)
    sightings = boots.finish(upper)
    told.sources += [Source(name=log.name, trouble=each) for each in trouble]
    if boots.kernel_lines == 0 and not any(sighting.events for sighting in sightings):
        return  # programs only, or no log at all
    told.sightings += [_as_named(each, log, last=each is sightings[-1]) for each in sightings]


def _as_named(sighting: Sighting, log: LogChain, *, last: bool) -> Sighting:
    """With what the log itself does not say, but whoever opened it knows."""
    sighting = dataclasses.replace(sighting, kernels_own=log.kernels_own)
    if log.boot_id is not None and sighting.boot_id is None:
        sighting = dataclasses.replace(sighting, boot_id=log.boot_id)
    if log.written_s is not None and last and sighting.began is None and sighting.covers_uptime:
        began = log.written_s - sighting.covers_uptime[-1][1]
        sighting = dataclasses.replace(sighting, began=began, within_s=_WRITTEN_WITHIN_S, seen=(began, log.written_s))
    if log.uptime_s is not None and last and sighting.covers_uptime and not sighting.suspends:
        *spans, (first, until) = sighting.covers_uptime
        sighting = dataclasses.replace(sighting, covers_uptime=(*spans, (first, max(until, log.uptime_s))))
    return sighting


def _read_part(
    stream: LogStream, boots: LogBoots, knowing: _Knowing, on_progress: Callable[[str, int], None] | None
) -> NicmedicError | None:
    """One file into the boots of its log; what is wrong with it, after all that could be read of it was read."""
    complaints: list[NicmedicError] = []

    def blocks() -> Iterator[bytes]:
        size = 0
        try:
            for block in stream.blocks:
                size += len(block)
                if on_progress is not None:
                    on_progress(stream.name, size)
                yield block
        except NicmedicError as error:
            complaints.append(error)
        except OSError as error:
            complaints.append(UnreadableInputError(f"{stream.name}: {error.strerror or error}", hint="copy the file again"))

    coming = blocks()
    start: list[bytes] = []
    size = lines = 0
    for block in coming:
        start.append(block)
        size, lines = size + len(block), lines + block.count(b"\n")
        if size > WHOLE_BYTES or lines > WHOLE_LINES:
            break
    data = b"".join(start)
    reader = LogReader()
    if looks_binary(data):
        return complaints[0] if complaints else None
    if size <= WHOLE_BYTES and lines <= WHOLE_LINES:
        records = list(chain(reader.read(data), reader.finish()))
        _add(restore_order(records), boots, knowing.records)
    else:
        _read_sparse(reader, chain((data,), coming), boots, knowing)
    return complaints[0] if complaints else None


def _read_sparse(reader: LogReader, blocks: Iterable[bytes], boots: LogBoots, knowing: _Knowing) -> None:
    sparse = SparseReader(knowing.lines, workers=knowing.workers, before_lines=30, after_lines=80)
    expected = 1
    for window in sparse.read_windows(blocks):
        line, position = window.first_line, 0
        while position < len(window.data):
            end = window.data.find(b"\n", min(position + _WINDOW_BYTES, len(window.data) - 1)) + 1 or len(window.data)
            piece = window.data[position:end]
            _add(list(reader.read(piece, line, gap=line != expected)), boots, knowing.records)
            line, position = line + piece.count(b"\n"), end
            expected = line
    _add(list(reader.finish()), boots, knowing.records)


def _add(records: Sequence[Record], boots: LogBoots, scanner: LineScanner) -> None:
    """A scanner says first which of them may matter."""
    hits = find_texts([record.text for record in records], scanner)
    for number, record in enumerate(records):
        boots.add(record, look=number in hits)
