# SPDX-License-Identifier: GPL-2.0-or-later
"""Walk through tar and zip archives without trusting them: nothing is unpacked, tables and headers have limits, damage is an error in words.

Not for which members are logs, nor for what is in them. Imported only when there is an archive: tarfile and zipfile cost every start 3 ms.
"""

import io
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from functools import partial
from typing import IO, BinaryIO, cast

from nicmedic.model.errors import NicmedicError, UnreadableInputError

__all__ = ["MOST_MEMBERS", "read_tar_members", "read_zip_members"]

MOST_MEMBERS = 100_000
_LARGEST_HEADER = 1 << 20
_LARGEST_TABLE = 16 << 20
"""Bytes of a zip archive's table: about 150 a member with its name."""
_END_BYTES = 22 + 65_535
"""A zip archive's last record, and the longest comment behind it (APPNOTE.TXT 4.3.16)."""
_MOST_RATIO = 1100
"""Deflate gets to 1032."""
_FREE_EXPANDED = 256 << 20
_HEADERS = (tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK)


class _CarefulTarInfo(tarfile.TarInfo):
    """A member whose extended headers are not read into memory whatever size they claim: tarfile reads them whole."""

    def _proc_member(self, archive: tarfile.TarFile) -> tarfile.TarInfo:
        if self.type in _HEADERS and self.size > _LARGEST_HEADER:
            raise tarfile.ReadError(f"a header of {self.size} bytes")
        return cast("tarfile.TarInfo", super()._proc_member(archive))  # type: ignore[misc]  # private, and the only place to look before it reads


class _Member(io.RawIOBase):
    """One member's bytes, opened when they are asked for, with whatever the archive modules raise turned into an error in words."""

    def __init__(self, name: str, open_member: Callable[[], IO[bytes] | None]) -> None:
        super().__init__()
        self._name, self._open = name, open_member
        self._file: IO[bytes] | None = None

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "memoryview") -> int:  # type: ignore[override]  # RawIOBase says WriteableBuffer
        try:
            if self._file is None:
                self._file = self._open() or io.BytesIO()
            data = self._file.read(len(buffer))
        except NicmedicError:
            raise
        except Exception as error:  # noqa: BLE001  # hostile archives bring up more than tarfile and zipfile document
            raise UnreadableInputError(f"{self._name}: damaged or cut off: {error}", hint="copy the archive again") from None
        buffer[: len(data)] = data
        return len(data)


def _too_many(name: str) -> UnreadableInputError:
    return UnreadableInputError(f"{name}: more than {MOST_MEMBERS} members", hint="unpack it and hand in the logs")


def read_tar_members(name: str, stream: BinaryIO) -> Iterator[tuple[str, BinaryIO, float]]:
    """Path, content and time of every regular file, in the archive's order; each must be read before the next is asked for.

    Raises:
        UnreadableInputError: it is damaged, cut off, or beyond a limit; what came before stands.
    """
    count = 0
    try:
        with tarfile.open(fileobj=stream, mode="r|", errors="backslashreplace", tarinfo=_CarefulTarInfo) as archive:
            while (member := archive.next()) is not None:
                archive.members.clear()  # type: ignore[attr-defined]  # kept for going back, which a stream cannot
                count += 1
                if count > MOST_MEMBERS:
                    raise _too_many(name)
                if member.isreg():
                    opened = _Member(f"{name}:{member.name}", partial(archive.extractfile, member))
                    yield member.name, cast("BinaryIO", opened), member.mtime
    except NicmedicError:
        raise
    except Exception as error:  # noqa: BLE001  # hostile archives bring up more than tarfile and zipfile document
        message = f"{name}: the archive is damaged or cut off after {count} members: {error}"
        raise UnreadableInputError(message, hint="copy it again, or unpack what is there") from None


def _check_table(name: str, file: BinaryIO) -> None:
    """Look at the size of the table before zipfile makes an object of every entry."""
    size = file.seek(0, io.SEEK_END)
    file.seek(max(0, size - _END_BYTES))
    end = file.read()
    at = end.rfind(b"PK\x05\x06")
    if at >= 0 and int.from_bytes(end[at + 12 : at + 16], "little") > _LARGEST_TABLE:
        raise _too_many(name)
    file.seek(0)


def _open_zipped(name: str, archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> IO[bytes]:
    if member.file_size > max(_FREE_EXPANDED, _MOST_RATIO * member.compress_size):
        message = f"{name}:{member.filename}: {member.compress_size} bytes expand to {member.file_size}: no log does that"
        raise UnreadableInputError(message, hint="expand it yourself and hand in the part that matters")
    return archive.open(member)


def read_zip_members(name: str, file: BinaryIO) -> Iterator[tuple[str, BinaryIO]]:
    """Path and content of every file of a zip archive that can be read from any place.

    Raises:
        UnreadableInputError: it is damaged, has a password, or is beyond a limit.
    """
    try:
        _check_table(name, file)
        with zipfile.ZipFile(file) as archive:
            members = archive.infolist()
            if len(members) > MOST_MEMBERS:
                raise _too_many(name)
            for member in members:
                if member.is_dir():
                    continue
                yield member.filename, cast("BinaryIO", _Member(f"{name}:{member.filename}", partial(_open_zipped, name, archive, member)))
    except NicmedicError:
        raise
    except Exception as error:  # noqa: BLE001  # hostile archives bring up more than tarfile and zipfile document
        message = f"{name}: the archive is damaged, or has a password: {error}"
        raise UnreadableInputError(message, hint="unpack it and hand in the logs") from None
