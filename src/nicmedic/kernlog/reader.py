# SPDX-License-Identifier: GPL-2.0-or-later
"""Lines to records: finds each line's container, puts broken messages together again, and says where boots and gaps are.

A reader is fed a source piece by piece and remembers what it learned; the same text gives the same records however it was cut at line ends.
"""

import json
from collections import Counter
from collections.abc import Generator, Iterator
from typing import NamedTuple

from nicmedic.kernlog.decode import clean_line, decode_text, find_encoding
from nicmedic.kernlog.formats import LINE_FORMATS, Head, LineFormat
from nicmedic.kernlog.formats.journal import EXPORT_FIELD, VERBOSE_FIELD, VERBOSE_HEAD, flatten_export, parse_entry
from nicmedic.kernlog.formats.kmsg import parse_dictionary
from nicmedic.kernlog.formats.wrappers import Wrapped, unwrap_json, unwrap_line
from nicmedic.kernlog.lazy import lazy_pattern
from nicmedic.kernlog.paste import Repair, decode_quoted_printable, find_repairs, is_quoted_printable
from nicmedic.model.record import Record, WallTime

__all__ = ["BARE", "LogReader"]

BARE = "bare"
"""Container of a line without any prefix."""

LONGEST_LINE = 65_536
"""Characters of a line that are looked at; what is beyond is dropped and the line counted as cut."""
_LONGEST_RECORD = 8192
_WRAP_WIDTH = 60
_LONGEST_OBJECT = 400
_LONGEST_ANSWER = 8 << 20
"""Characters of JSON on one line: the whole answer to a query."""
_JUDGED_LINES = 300
"""Lines at the beginning of a source from which repairs are decided."""
_MOST_FRAGMENTED = 64
"""Messages of which fragments wait; further ones push the oldest out."""

_EMBEDDED = lazy_pattern(r"(?<=\S) ?(?=(?:<\d>)?\[ {0,6}\d{1,9}\.\d{6}\] ?\S)")
_BOOT_MARK = lazy_pattern(r"-- (?:Boot (?P<id>[0-9a-f]{32})|Reboot) ?-{0,2}")
_NO_LOG = lazy_pattern(
    r"-- (?:Journal begins|Logs begin|No entries|Subject:|Support:)|lines \d+-\d+|\(END\)|~\Z|\[\.\.\.\](?!: )|<snip>|\.\.\.\Z|MARK --"
)
_SECTION = lazy_pattern(
    r"#==\[ |(?:Panic|Oops|Emergency|Shutdown|Unknown|Restart|Halt|Poweroff)#\d+ Part(?P<part>\d+)\Z|====\d+\.\d+-[CD]\Z"
)
_STRONG_START = lazy_pattern(
    r"\s*(?:NETDEV WATCHDOG: |-{4,}\[ cut here|[\w.-]+ [\w:.-]*\d[\w:.-]* [\w.@-]+: |[\w.-]+ [0-9a-f]{4}:[0-9a-f]{2}:[0-9a-f]{2}\.\d: )"
)
_UNFINISHED = lazy_pattern(
    r"NETDEV WATCHDOG:(?: CPU: \d{1,5}:)?(?: [^\s:()]{1,63}(?: \([^()\n]{0,32}\))?:?)?(?: transmit(?: queue(?: \d{1,6}(?: timed)?)?| timed)?)?\s?\Z"
    r"|[Cc]omm: [^\s]{1,16} (?:Not tainted|Tainted: [A-Z](?:[A-Z ]{0,40}[A-Z])?)\s{0,8}\Z"
)
"""A watchdog line that broke off before its end, and the head of a trace before the kernel's release."""
_FOREIGN_HEAD = lazy_pattern(
    r"[^\n]{0,47}?[\])|>:] {0,3}(?=NETDEV WATCHDOG: |[a-z][\w-]{1,31} "
    r"(?:[0-9a-f]{4}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]|\d{1,3}-[\d.]{1,16}:\d\.\d|virtio\d{1,3}|[0-9a-f]{6,12}\.[a-z]{3,12})(?:: | [\w.@-]{1,32}: ))"
)
"""What some program or person put before a message and no container has: ``[kern.err] [kernel: .]: ``, ``00:11:25,101 CRIT kernel:``, ``2) ``."""
_LONGEST_UNFINISHED = 200
_GLUE = tuple("/-_.,(<[+=")
_ADDRESS = lazy_pattern(r"[^\n]*\b[0-9a-f]{1,4}:\Z")
_BROKEN_STAMP = lazy_pattern(r"\[\s*\d{1,9}\.\d{1,7}(?![\d\]]) ?(?=[^\W\d_])")
_STAMP_REST = lazy_pattern(r"[\s\d.]{0,16}\] ?(?=\S)")
_PAGER_CUT = lazy_pattern(
    r"(NETDEV WATCHDOG: [^\n>]{0,120}\btransmit (?:queue \d+ )?)(?:t|ti|tim|time|timed|timed |timed o|timed ou|timed out)?>\Z"
)
"""``less -S`` cuts at the screen's edge and writes ``>``; what is cut off of a watchdog line here can only be ``timed out``."""
_OBJECT_ENDS = frozenset({"}", "},", "}]", "} ]", "}]}", "}}"})
_NEXT_OBJECT = frozenset({"},{", "}, {"})
_CLOSING = frozenset({"}", "]", "},", "],", "]}"})
_DENIED = lazy_pattern(
    r"dmesg: (?:read kernel buffer|klogctl)[^\n]{0,20}: Operation not permitted|Hint: You are currently not seeing messages from "
)
"""What dmesg and journalctl say to a user who may not read the kernel's log."""


_Taken = Generator[Record, None, bool]
"""Yields records; returns whether the line was used up."""


class _Pending(NamedTuple):
    """A record that may still go on in the next line."""

    record: Record
    raw_length: int
    part: int | None


class LogReader:
    """Turns one source into records. Feed it pieces of whole lines in order, then call ``finish``.

    UTF-16 has to come in one piece, or already turned into UTF-8: its lines do not end where its bytes say so.
    """

    def __init__(self) -> None:
        """A reader that has seen nothing yet."""
        self.containers: Counter[str] = Counter()
        self.records = 0
        self.unread_lines = 0
        self.process_records = 0
        """Records that a process wrote, not the kernel."""
        self.cut_lines = 0
        self.denied = False
        """A line says that whoever took this log was not allowed to."""
        self.part: int | None = None
        """Number of the pstore part in which the record stood that was given last."""
        self._part: int | None = None
        self._format: LineFormat | None = None
        self._start: list[bytes] = []
        self._start_line = 1
        self._repairs: tuple[Repair, ...] | None = None
        self._quoted_printable = False
        self._pending: _Pending | None = None
        self._new_boot = False
        self._gap = False
        self._boot_id: str | None = None
        self._anchor: WallTime | None = None
        self._object: list[str] | None = None
        self._object_line = 0
        self._fields: dict[str, object] | None = None
        self._fields_line = 0
        self._verbose = False
        self._fragments: dict[str, list[tuple[int, int, Head]]] = {}
        self._partial: dict[str, tuple[int, Wrapped]] = {}

    def read(self, data: bytes, first_line: int = 1, *, gap: bool = False) -> Iterator[Record]:
        """Records of one piece of whole lines. ``gap``: lines before this piece were left out."""
        if gap:
            yield from self._read_start()
            yield from self._flush()
            self._object, self._fields, self._gap = None, None, True
        if self._repairs is None:  # wait until there is enough to judge from
            self._start_line = self._start_line if self._start else first_line
            self._start.append(data)
            if sum(piece.count(b"\n") for piece in self._start) >= _JUDGED_LINES:
                yield from self._read_start()
            return
        yield from self._read_piece(data, first_line)

    def _read_start(self) -> Iterator[Record]:
        """Judge from the beginning of the source what all of it needs, and read that beginning."""
        if self._repairs is None and self._start:
            data = b"".join(self._start)
            self._start = []
            encoding, skip = find_encoding(data)
            data = data[skip:] if encoding == "utf-8" else decode_text(data[skip:], encoding).encode("utf-8", "replace")
            self._quoted_printable = is_quoted_printable(data)
            beginning = b"\n".join(data.split(b"\n", _JUDGED_LINES)[:_JUDGED_LINES])
            self._repairs = find_repairs([clean_line(line[:LONGEST_LINE]) for line in self._split_lines(beginning)[:_JUDGED_LINES]])
            yield from self._read_piece(data, self._start_line)

    def _split_lines(self, data: bytes) -> list[str]:
        data = flatten_export(data)
        lines = decode_text(decode_quoted_printable(data) if self._quoted_printable else data, "utf-8").split("\n")
        if lines and not lines[-1]:
            lines.pop()
        return lines

    def _read_piece(self, data: bytes, first_line: int) -> Iterator[Record]:
        for number, raw in enumerate(self._split_lines(data), first_line):
            if len(raw) > LONGEST_LINE:
                answer = _load_answer(raw)
                if answer is not None:
                    yield from self._read_value(number, answer, 0)
                    continue
                self.cut_lines += 1
                raw = raw[:LONGEST_LINE]  # noqa: PLW2901  # what is beyond is not looked at again
            for piece in raw.rstrip("\r").split("\r") if "\r" in raw else (raw,):
                line = clean_line(piece)
                for repair in self._repairs or ():
                    line = repair(line)
                if self._is_rest_of_process_line(number):
                    self._extend("\n" + line)
                    continue
                yield from self._read_line(number, line)

    def _is_rest_of_process_line(self, number: int) -> bool:
        """Whether this line, cut at a carriage return, began as a line that a process wrote: then no part of it is the kernel's."""
        return self._pending is not None and self._pending.record.line == number and self._pending.record.kernel is False

    def finish(self) -> Iterator[Record]:
        """Records that were waiting for a line that did not come."""
        yield from self._read_start()
        if self._fields is not None:
            yield from self._end_fields()
        for number, wrapped in list(self._partial.values()):
            yield from self._read_wrapped(number, wrapped._replace(partial=False, line=""), 0)
        for pieces in list(self._fragments.values()):
            yield from self._emit(pieces[0][0], _join_pieces(pieces), "kmsg", 0)
        yield from self._flush()

    # Lines -------------------------------------------------------------------------------------------------------------------

    def _read_line(self, number: int, line: str) -> Iterator[Record]:
        if not line.strip():
            if self._fields is not None and not self._verbose:
                yield from self._end_fields()
            return
        if line[0] in "-#=POESURHl~([<.Md" and self._read_mark(line):
            yield from self._flush()
            return
        if self._fields is not None or line[0] in "_ABCDEFGHIJKLMNOPQRSTUVWXYZ" or line[-1] == "]":
            taken = yield from self._read_field(number, line)
            if taken:
                return
        if line[0] in "{\x1e d\t[}" or self._object is not None:
            taken = yield from self._read_json(number, line)
            if taken:
                return
        if line[0] == " " and self._read_dictionary(line):
            return
        wrapped = unwrap_line(line)
        if wrapped is not None:
            yield from self._read_wrapped(number, wrapped, len(line))
            return
        yield from self._read_plain(number, line, None)

    def _read_mark(self, line: str) -> bool:
        """Separators that are no message: boots, sections, grep's gaps, a pager's footer."""
        boot = _BOOT_MARK.match(line)
        if boot is not None:
            self._new_boot, self._boot_id = True, boot["id"]
            return True
        if line == "--":
            self._gap = True
            return True
        section = _SECTION.match(line)
        if section is not None:
            self._part = int(section["part"]) if section["part"] else None
            self._gap = True
            return True
        if _DENIED.match(line):
            self.denied = True
        return _NO_LOG.match(line) is not None

    def _read_dictionary(self, line: str) -> bool:
        """``DEVICE=+pci:0000:02:00.0`` below a record."""
        pair = parse_dictionary(line)
        if pair is None or self._pending is None:
            return False
        if pair[0] == "DEVICE":
            self._pending = self._pending._replace(record=self._pending.record._replace(device=pair[1]))
        return True

    # Entries of several lines ------------------------------------------------------------------------------------------------

    def _read_field(self, number: int, line: str) -> _Taken:
        """Lines of ``journalctl -o verbose`` and ``-o export``."""
        head = VERBOSE_HEAD.match(line)
        if head is not None:
            if self._fields is not None:
                yield from self._end_fields()
            self._fields = {
                "_BOOT_ID": head["boot"],
                "__REALTIME_TIMESTAMP": str(int(head["real"], 16)),
                "__MONOTONIC_TIMESTAMP": str(int(head["mono"], 16)),
            }
            self._fields_line, self._verbose = number, True
            return True
        if self._fields is None:
            if line.startswith(("__CURSOR=", "__REALTIME_TIMESTAMP=")):
                self._fields, self._fields_line, self._verbose = {}, number, False
            else:
                return False
        field = (VERBOSE_FIELD if self._verbose else EXPORT_FIELD).match(line)
        if field is None:
            if self._verbose and line.startswith("     "):
                return True  # a further line of a field: a register dump's inner lines
            yield from self._end_fields()
            return False
        value = field["value"]
        self._fields.setdefault(field["key"], value if self._verbose else value.replace("\\x0a", "\n"))
        return True

    def _end_fields(self) -> Iterator[Record]:
        fields, self._fields = self._fields or {}, None
        head = parse_entry(fields)
        if head is not None:
            name = "journal-verbose" if self._verbose else "journal-export"
            yield from self._emit(self._fields_line, head, name, 0)

    def _read_json(self, number: int, line: str) -> _Taken:
        """Objects on one line, or pretty-printed over several."""
        stripped = line.lstrip("\x1e").strip()
        stripped = stripped.removeprefix("data: ") if stripped.startswith("data: {") else stripped
        if self._object is None:
            if stripped == "{":
                self._object, self._object_line = ["{"], number
                return True
            if stripped in _CLOSING:
                return True
            if not (stripped.startswith(('{"', "[{", "[ {")) and stripped.rstrip(",").endswith(("}", "]"))):
                return False
            value = _load_json(stripped.rstrip(","))
            if value is None:
                return False
            yield from self._read_value(number, value, len(line))
            return True
        if stripped == "{":
            self._object, self._object_line = ["{"], number
            return True
        if stripped.startswith('{"') and stripped.endswith(("}", "},")):  # whole entries one a line in a list that was broken into lines
            value = _load_json(stripped.rstrip(","))
            if value is not None:
                self._object = None
                yield from self._read_value(number, value, len(line))
                return True
        if stripped in _OBJECT_ENDS or stripped in _NEXT_OBJECT:
            value = _load_json("\n".join(self._object) + "\n}")
            first_line, following = self._object_line, stripped in _NEXT_OBJECT
            if value is not None or following:
                self._object, self._object_line = (["{"], number) if following else (None, 0)
                yield from self._read_value(first_line, value, 0)
                return True
        self._object.append(stripped)
        if len(self._object) > _LONGEST_OBJECT:
            self._object = None
        return True

    def _read_value(self, number: int, value: object, length: int) -> Iterator[Record]:
        for wrapped in unwrap_json(value):
            yield from self._read_wrapped(number, wrapped, length)

    def _read_wrapped(self, number: int, wrapped: Wrapped, length: int) -> Iterator[Record]:
        if wrapped.head is not None:
            yield from self._emit(number, wrapped.head, wrapped.name, 0)
            return
        before = self._partial.pop(wrapped.name, None)
        if before is not None:
            number, wrapped = before[0], before[1]._replace(line=before[1].line + wrapped.line, partial=wrapped.partial)
        if wrapped.partial and len(wrapped.line) < LONGEST_LINE:
            self._partial[wrapped.name] = number, wrapped
            return
        for piece in wrapped.line.split("\n"):
            line = clean_line(piece[:LONGEST_LINE])
            if line.strip():
                yield from self._read_plain(number, line, wrapped, length)

    # Lines of their own ------------------------------------------------------------------------------------------------------

    def _parse_head(self, line: str) -> tuple[Head, str] | None:
        if self._format is not None:
            head = self._format.parse(line)
            if head is not None:
                return head, self._format.name
        for form in LINE_FORMATS:
            if form is not self._format:
                head = form.parse(line)
                if head is not None:
                    self._format = form
                    return head, form.name
        return None

    def _read_plain(self, number: int, line: str, wrapped: Wrapped | None, length: int = 0) -> Iterator[Record]:
        parsed = self._parse_head(line)
        if parsed is None and line[0] in " \t" and not line.startswith("     "):
            parsed = self._parse_head(line.lstrip())
        if parsed is None:
            if wrapped is not None:
                head = Head(line, wall=wrapped.wall, host=wrapped.host, kernel=wrapped.kernel)
                yield from self._emit(number, head, wrapped.name, length)
                return
            pieces = _EMBEDDED.split(line) if "[" in line else [line]
            yield from self._read_headless(number, pieces[0])
            for piece in pieces[1:]:
                yield from self._read_plain(number, piece, None)
            return
        head, name = parsed
        if wrapped is not None:
            kernel = head.kernel if wrapped.kernel is None else wrapped.kernel
            head = head._replace(wall=head.wall or wrapped.wall, host=head.host or wrapped.host, kernel=kernel)
        # What a process wrote stays what a process wrote, also where it looks like a kernel line further on.
        pieces = _EMBEDDED.split(head.text) if "[" in head.text and head.kernel is not False else [head.text]
        yield from self._emit(number, head._replace(text=pieces[0]), name, len(line))
        for piece in pieces[1:]:
            yield from self._read_plain(number, piece, None)

    def _read_headless(self, number: int, line: str) -> Iterator[Record]:
        """A line without prefix: the rest of the line before it, or a message of its own."""
        foreign = None if _STRONG_START.match(line) else _FOREIGN_HEAD.match(line)
        line = line[foreign.end() :] if foreign else line
        pending = self._pending
        if pending is not None and not _STRONG_START.match(line):
            text = pending.record.text
            if _UNFINISHED.search(text, max(0, len(text) - _LONGEST_UNFINISHED)):
                self._extend((" " if text[-1] != " " else "") + line.strip())
                return
            if line[0] in " \t":
                self._extend("\n" + line)
                return
            if pending.record.container != BARE and text.endswith(" ") and number == pending.record.line + 1 + text.count("\n"):
                self._extend(line, len(line))  # format=flowed (RFC 3676): a blank at the end says that the line goes on
                return
            if (
                pending.record.container != BARE
                and pending.raw_length >= _WRAP_WIDTH
                and number - pending.record.line <= 1 + text.count("\n")
            ):
                self._extend(line if text.endswith(_GLUE) or _ADDRESS.match(text) else " " + line, len(line))
                return
        broken = _BROKEN_STAMP.match(line) or (_STAMP_REST.match(line) if self.records == 0 and pending is None else None)
        yield from self._emit(number, Head(line[broken.end() :] if broken else line), BARE, len(line))

    def _extend(self, more: str, raw_length: int = 0) -> None:
        assert self._pending is not None  # noqa: S101  # callers looked
        record = self._pending.record
        if len(record.text) + len(more) <= _LONGEST_RECORD:
            self._pending = self._pending._replace(record=record._replace(text=record.text + more), raw_length=raw_length)

    # Records -----------------------------------------------------------------------------------------------------------------

    def _emit(self, number: int, head: Head, name: str, raw_length: int) -> Iterator[Record]:
        """Close the record before this one and hold this one back."""
        if head.fragment is not None:
            joined = self._join_fragment(number, head)
            if joined is None:
                return
            number, head = joined
        yield from self._flush()
        wall = head.wall
        if name == "dmesg-reltime":
            self._anchor = wall or self._anchor
            wall = self._anchor
        if name == BARE:
            self.unread_lines += 1
        text = head.text
        if text.endswith(">"):
            cut = _PAGER_CUT.search(text, max(0, len(text) - _LONGEST_UNFINISHED))
            text = f"{text[: cut.end(1)]}timed out" if cut else text
        record = Record(
            line=number,
            text=text,
            wall=wall,
            uptime_s=head.uptime_s,
            host=head.host,
            level=head.level,
            kernel=head.kernel,
            boot_id=head.boot_id or self._boot_id,
            new_boot=self._new_boot,
            gap=self._gap,
            device=head.device,
            repeated=head.repeated,
            container=name,
            release=head.release,
        )
        self._new_boot = self._gap = False
        self._pending = _Pending(record, raw_length, self._part)

    def _join_fragment(self, number: int, head: Head) -> tuple[int, Head] | None:
        """Collect the pieces of an extended netconsole record, with the line of the first; None until the last one is there."""
        assert head.fragment is not None  # noqa: S101  # the caller looked
        key, offset, total = head.fragment
        if key not in self._fragments and len(self._fragments) >= _MOST_FRAGMENTED:
            del self._fragments[next(iter(self._fragments))]
        pieces = self._fragments.setdefault(key, [])
        pieces.append((number, offset, head))
        joined = _join_pieces(pieces)
        if len(joined.text.encode("utf-8", "replace")) < total and len(pieces) < 16:  # a record has 1 KiB, a fragment 960 bytes
            return None
        del self._fragments[key]
        return pieces[0][0], joined

    def _flush(self) -> Iterator[Record]:
        if self._pending is not None:
            record, _, self.part = self._pending
            self._pending = None
            self.records += 1
            self.process_records += record.kernel is False
            self.containers[record.container] += 1
            yield record


def _join_pieces(pieces: list[tuple[int, int, Head]]) -> Head:
    """One message out of what has arrived of it."""
    ordered = sorted(pieces, key=lambda piece: piece[1])
    return ordered[0][2]._replace(text="".join(head.text for _, _, head in ordered), fragment=None)


def _load_answer(line: str) -> object:
    """A query's answer or a whole export on one very long line; None: it is no JSON."""
    stripped = line.lstrip("\x1e \t").rstrip()
    if len(line) > _LONGEST_ANSWER or not (stripped.startswith(("{", "[")) and stripped.endswith(("}", "]"))):
        return None
    return _load_json(stripped)


def _load_json(text: str) -> object:
    """A JSON value; None where the text is none."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
