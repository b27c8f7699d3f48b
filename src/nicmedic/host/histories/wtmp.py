# SPDX-License-Identifier: GPL-2.0-or-later
"""``/var/log/wtmp``: boots, shutdowns and logins as ``last -x`` shows them, read as records of utmp(5).

glibc keeps 32-bit times in it even on 64-bit machines that also run 32-bit programs (``__WORDSIZE_TIME64_COMPAT32``, bits/utmp.h), so that a record
has 384 bytes, and 400 where there are no such programs (arm64); the 32 bits are read without a sign, which carries them to 2106. A file that was cut
or overwritten is taken up again at the next record that makes sense.
"""

import datetime
import re
import struct
from collections.abc import Iterator, Sequence

from nicmedic.evidence.history.sighting import Sighting
from nicmedic.host.histories.logins import Login, LoginKind, build_boots
from nicmedic.host.histories.places import Found, Place, rotation
from nicmedic.host.histories.reader import Reader
from nicmedic.host.raw_files import read_expanded
from nicmedic.model.history import Source
from nicmedic.ports.histories import HistoryItem

__all__ = ["READER", "parse_wtmp"]

_SHORT = struct.Struct("<hxxi32s4s32s256shhiIi16s20x")
_LONG = struct.Struct("<hxxi32s4s32s256shhqQq16s20xxxxx")
_RUN_LEVEL, _BOOT, _NEW_TIME, _OLD_TIME, _LAST_TYPE = 1, 2, 3, 4, 9
_EARLIEST, _LATEST = 631_152_000, 4_294_967_295
"""1990, and where 32 bits end."""
_TEXT = re.compile(rb"[^\x00-\x08\x0e-\x1f\x7f]*\x00*\Z")
_LARGEST = 64 << 20
_STEP = 4
"""Records that were written after a cut stand at any place; everything in them is aligned so."""


def parse_wtmp(data: bytes) -> tuple[list[Login], int]:
    """The records in their order, and how many bytes made no sense."""
    layout = _LONG if len(data) % _SHORT.size and not len(data) % _LONG.size else _SHORT
    records: list[Login] = []
    position = bad = 0
    while position + layout.size <= len(data):
        record = _parse_record(layout, data, position)
        if record is None:
            position, bad = position + _STEP, bad + _STEP
            continue
        if record.kind is not None:
            records.append(record.login)
        position += layout.size
    return records, bad + len(data) - position


class _Record:
    """One record that makes sense; ``kind`` None: it tells nothing."""

    __slots__ = ("kind", "moment", "release")

    def __init__(self, kind: LoginKind | None, moment: float, release: str | None) -> None:
        self.kind, self.moment, self.release = kind, moment, release

    @property
    def login(self) -> Login:
        assert self.kind is not None  # noqa: S101  # asked before
        return Login(self.kind, self.moment, self.release)


def _parse_record(layout: struct.Struct, data: bytes, position: int) -> _Record | None:
    kind, pid, line, _, user, host, _, _, _, seconds, micro, _ = layout.unpack_from(data, position)
    if not 0 <= kind <= _LAST_TYPE or not 0 <= micro < 1_000_000 or pid < 0:
        return None
    if not all(_TEXT.match(text) for text in (line, user, host)):
        return None
    if kind == 0 and seconds == 0:
        return _Record(None, 0.0, None)
    if not _EARLIEST <= seconds <= _LATEST:
        return None
    moment = seconds + micro / 1e6
    if kind == _BOOT:
        return _Record(LoginKind.BOOT, moment, _text(host) or None)
    if kind == _RUN_LEVEL:
        down = _text(user) == "shutdown" or (_text(user) == "runlevel" and chr(pid & 0x7F) in "06")
        return _Record(LoginKind.SHUTDOWN if down else LoginKind.OTHER, moment, None)
    return _Record(None if kind in (_NEW_TIME, _OLD_TIME) else LoginKind.OTHER, moment, None)


def _text(field: bytes) -> str:
    return field.split(b"\0", 1)[0].decode("utf-8", "replace")


def _read(_place: Place, files: Sequence[Found], _zone: datetime.tzinfo | None) -> Iterator[HistoryItem]:
    """Each with its rotations as one list."""
    chains: dict[str, list[Found]] = {}
    for file in files:
        chains.setdefault(rotation(file.name)[0], []).append(file)
    for chain in chains.values():
        records: list[Login] = []
        name, bad, read = chain[-1].shown, 0, 0
        for file in chain:
            try:
                found, more = parse_wtmp(_read_whole(file.path))
            except OSError as error:
                yield Source(name=file.shown, trouble=error.strerror or str(error))
                continue
            records, bad, read = records + found, bad + more, read + 1
        boots: list[Sighting] = build_boots(records, name)
        yield from boots
        if read and (bad or not boots):
            trouble = f"damaged: {bad} bytes of it are no records" if bad else "no boot is written down in it"
            yield Source(name=name, trouble=trouble)


def _read_whole(path: str) -> bytes:
    """A binary file, compressed or not; of one beyond all measure nothing."""
    data = read_expanded(path, _LARGEST)
    return data if len(data) < _LARGEST else b""


READER = Reader("wtmp", re.compile(r"(?:^|/)wtmp(?:[.-]\d{1,8})?(?:\.(?:gz|xz|bz2|zst))?\Z"), _read)
