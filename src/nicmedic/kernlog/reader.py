# SPDX-License-Identifier: GPL-2.0-or-later
"""Lines to records: finds each line's container, puts broken messages together again, and says where boots and gaps are.

A reader is fed a source piece by piece and remembers what it learned; the same text gives the same records however it was cut at line ends.
"""

import json
from collections import Counter
from collections.abc import Generator, Iterator
from typing import NamedTuple

from nicmedic.kernlog.decode import clean_line, decode_text
from nicmedic.kernlog.formats import LINE_FORMATS, Head, LineFormat
from nicmedic.kernlog.formats.journal import EXPORT_FIELD, VERBOSE_FIELD, VERBOSE_HEAD, flatten_export, parse_entry
from nicmedic.kernlog.formats.kmsg import parse_dictionary
from nicmedic.kernlog.formats.wrappers import Wrapped, unwrap_json, unwrap_line
from nicmedic.kernlog.lazy import lazy_pattern
from nicmedic.kernlog.paste import Repair, decode_quoted_printable, find_repairs
from nicmedic.model.record import Record, WallTime

__all__ = ["BARE", "LogReader"]

BARE = "bare"
"""Container of a line without any prefix."""

LONGEST_LINE = 65_536
"""Characters of a line that are looked at; what is beyond is dropped and the line counted as cut."""
_LONGEST_RECORD = 8192
_WRAP_WIDTH = 60
_LONGEST_OBJECT = 400

_EMBEDDED = lazy_pattern(r"(?<=\S) ?(?=(?:<\d>)?\[ {0,6}\d{1,9}\.\d{6}\] ?\S)")
_BOOT_MARK = lazy_pattern(r"-- (?:Boot (?P<id>[0-9a-f]{32})|Reboot) ?-{0,2}")
_NO_LOG = lazy_pattern(
    r"-- (?:Journal begins|Logs begin|No entries|Subject:|Support:)|lines \d+-\d+|\(END\)|~\Z|\[\.\.\.\]|<snip>|\.\.\.\Z|MARK --"
)
_SECTION = lazy_pattern(
    r"#==\[ |(?:Panic|Oops|Emergency|Shutdown|Unknown|Restart|Halt|Poweroff)#\d+ Part(?P<part>\d+)\Z|====\d+\.\d+-[CD]\Z"
)
_STRONG_START = lazy_pattern(
    r"\s*(?:NETDEV WATCHDOG: |-{4,}\[ cut here|[\w.-]+ [\w:.-]*\d[\w:.-]* [\w.@-]+: |[\w.-]+ [0-9a-f]{4}:[0-9a-f]{2}:[0-9a-f]{2}\.\d: )"
)
_UNFINISHED = lazy_pattern(
    r"(?:[^\n]*\s)?NETDEV WATCHDOG: [^\n]*?\b(?:transmit|transmit queue|transmit queue \d+|transmit queue \d+ timed|transmit timed)\Z"
)
_GLUE = tuple(":/-_.,(<[+=")
_OBJECT_ENDS = frozenset({"}", "},", "}]", "} ]", "}]}", "}}"})


_Taken = Generator[Record, None, bool]
"""Yields records; returns whether the line was used up."""


class _Pending(NamedTuple):
    """A record that may still go on in the next line."""

    record: Record
    raw_length: int


class LogReader:
    """Turns one source into records. Feed it pieces of whole lines in order, then call ``finish``."""

    def __init__(self) -> None:
        """A reader that has seen nothing yet."""
        self.containers: Counter[str] = Counter()
        self.records = 0
        self.unread_lines = 0
        self.cut_lines = 0
        self.part: int | None = None
        """Number of the pstore part that is being read."""
        self._format: LineFormat | None = None
        self._repairs: tuple[Repair, ...] | None = None
        self._pending: _Pending | None = None
        self._new_boot = False
        self._gap = False
        self._boot_id: str | None = None
        self._anchor: WallTime | None = None
        self._object: list[str] | None = None
        self._fields: dict[str, object] | None = None
        self._fields_line = 0
        self._verbose = False
        self._fragments: dict[str, list[tuple[int, str]]] = {}
        self._partial: dict[str, str] = {}

    def read(self, data: bytes, first_line: int = 1, *, gap: bool = False) -> Iterator[Record]:
        """Records of one piece of whole lines. ``gap``: lines before this piece were left out."""
        if gap:
            yield from self._flush()
            self._object, self._fields, self._gap = None, None, True
        text = decode_text(decode_quoted_printable(flatten_export(data)))
        lines = text.split("\n")
        if lines and not lines[-1]:
            lines.pop()
        if self._repairs is None:
            self._repairs = find_repairs([clean_line(line) for line in lines[:300]])
        for number, raw in enumerate(lines, first_line):
            if len(raw) > LONGEST_LINE:
                self.cut_lines += 1
                raw = raw[:LONGEST_LINE]  # noqa: PLW2901  # what is beyond is not looked at again
            for piece in raw.rstrip("\r").split("\r") if "\r" in raw else (raw,):
                line = clean_line(piece)
                for repair in self._repairs:
                    line = repair(line)
                yield from self._read_line(number, line)

    def finish(self) -> Iterator[Record]:
        """Records that were waiting for a line that did not come."""
        if self._fields is not None:
            yield from self._end_fields()
        yield from self._flush()

    # Lines -------------------------------------------------------------------------------------------------------------------

    def _read_line(self, number: int, line: str) -> Iterator[Record]:
        if not line.strip():
            if self._fields is not None and not self._verbose:
                yield from self._end_fields()
            return
        if line[0] in "-#=POESURHl~([<.M" and self._read_mark(line):
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
            self.part = int(section["part"]) if section["part"] else None
            self._gap = True
            return True
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
                self._object = ["{"]
                return True
            if not (stripped.startswith(('{"', "[{", "[ {")) and stripped.rstrip(",").endswith(("}", "]"))):
                return False
            value = _load_json(stripped.rstrip(","))
            if value is None:
                return False
            yield from self._read_value(number, value, len(line))
            return True
        if stripped == "{":
            self._object = ["{"]
            return True
        self._object.append(stripped)
        if stripped in _OBJECT_ENDS:
            value = _load_json("\n".join(self._object)[: -len(stripped)] + "}")
            if value is not None:
                self._object = None
                yield from self._read_value(number, value, 0)
        elif len(self._object) > _LONGEST_OBJECT:
            self._object = None
        return True

    def _read_value(self, number: int, value: object, length: int) -> Iterator[Record]:
        for wrapped in unwrap_json(value):
            yield from self._read_wrapped(number, wrapped, length)

    def _read_wrapped(self, number: int, wrapped: Wrapped, length: int) -> Iterator[Record]:
        if wrapped.head is not None:
            yield from self._emit(number, wrapped.head, wrapped.name, 0)
            return
        line = self._partial.pop(wrapped.name, "") + wrapped.line
        if wrapped.partial and len(line) < LONGEST_LINE:
            self._partial[wrapped.name] = line
            return
        for piece in line.split("\n"):
            if piece.strip():
                yield from self._read_plain(number, clean_line(piece), wrapped, length)

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
        if parsed is None and line[0] == " " and not line.startswith("     "):
            parsed = self._parse_head(line.lstrip())
        if parsed is None:
            if wrapped is not None:
                yield from self._emit(number, Head(line, wall=wrapped.wall, host=wrapped.host), wrapped.name, length)
                return
            pieces = _EMBEDDED.split(line, maxsplit=8) if "[" in line else [line]
            yield from self._read_headless(number, pieces[0])
            for piece in pieces[1:]:
                yield from self._read_plain(number, piece, None)
            return
        head, name = parsed
        if wrapped is not None:
            head = head._replace(wall=head.wall or wrapped.wall, host=head.host or wrapped.host)
        pieces = _EMBEDDED.split(head.text, maxsplit=8) if "[" in head.text else [head.text]
        yield from self._emit(number, head._replace(text=pieces[0]), name, len(line))
        for piece in pieces[1:]:
            yield from self._read_plain(number, piece, None)

    def _read_headless(self, number: int, line: str) -> Iterator[Record]:
        """A line without prefix: the rest of the line before it, or a message of its own."""
        pending = self._pending
        if pending is not None and not _STRONG_START.match(line):
            text = pending.record.text
            if _UNFINISHED.match(text):
                self._extend(" " + line.strip())
                return
            if line[0] in " \t":
                self._extend("\n" + line)
                return
            if (
                pending.record.container != BARE
                and pending.raw_length >= _WRAP_WIDTH
                and number - pending.record.line <= 1 + text.count("\n")
            ):
                self._extend(line if text.endswith(_GLUE) else " " + line, len(line))
                return
        yield from self._emit(number, Head(line), BARE, len(line))

    def _extend(self, more: str, raw_length: int = 0) -> None:
        assert self._pending is not None  # noqa: S101  # callers looked
        record = self._pending.record
        if len(record.text) + len(more) <= _LONGEST_RECORD:
            self._pending = _Pending(record._replace(text=record.text + more), raw_length)

    # Records -----------------------------------------------------------------------------------------------------------------

    def _emit(self, number: int, head: Head, name: str, raw_length: int) -> Iterator[Record]:
        """Close the record before this one and hold this one back."""
        if head.fragment is not None:
            joined = self._join_fragment(head)
            if joined is None:
                return
            head = joined
        yield from self._flush()
        wall = head.wall
        if name == "dmesg-reltime":
            self._anchor = wall or self._anchor
            wall = self._anchor
        if name == BARE:
            self.unread_lines += 1
        record = Record(
            line=number,
            text=head.text,
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
        )
        self._new_boot = self._gap = False
        self._pending = _Pending(record, raw_length)

    def _join_fragment(self, head: Head) -> Head | None:
        """Collect the pieces of an extended netconsole record; None until the last one is there."""
        assert head.fragment is not None  # noqa: S101  # the caller looked
        key, offset, total = head.fragment
        pieces = self._fragments.setdefault(key, [])
        pieces.append((offset, head.text))
        text = "".join(piece for _, piece in sorted(pieces))
        if len(text.encode("utf-8", "replace")) < total and len(pieces) < 16:  # a record has 1 KiB, a fragment 960 bytes
            return None
        del self._fragments[key]
        return head._replace(text=text, fragment=None)

    def _flush(self) -> Iterator[Record]:
        if self._pending is not None:
            record, self._pending = self._pending.record, None
            self.records += 1
            self.containers[record.container] += 1
            yield record


def _load_json(text: str) -> object:
    """A JSON value; None where the text is none."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
