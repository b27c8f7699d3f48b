# SPDX-License-Identifier: GPL-2.0-or-later
"""Undo compression, told by magic number and never by name, with limits against files made to explode.

A cut end is normal for a copy that was taken while the log was written: what can be decoded is read, then an error says so.
"""

import bz2
import gzip
import io
import lzma
import zlib
from collections.abc import Callable
from typing import BinaryIO, cast

from nicmedic.model.errors import MissingToolError, UnreadableInputError
from nicmedic.report.escape import quote_file_name

__all__ = ["MAGIC_BYTES", "PeekedStream", "expand", "find_magic"]

MAGIC_BYTES = 300
"""Bytes that ``find_magic`` wants to see: tar has its mark at 257."""
MOST_EXPANDED = 64 << 30
"""Bytes that one file may expand to."""
MOST_RATIO = 4000
"""Expansion beyond ``FREE_EXPANDED`` that no log reaches: text repeated line by line gets to about 1000 with gzip, 3000 with zstd."""
FREE_EXPANDED = 256 << 20
_DEEPEST = 4
_ZSTD_BYTES = 1024
"""Bytes that are expanded at once: each four may stand for a block of 128 KiB (RFC 8878 3.1.1.2)."""
_XZ_MEMORY = 100 << 20
"""``xz -9`` asks for 65 MiB; a header may ask for 1.5 GiB."""

_MAGIC = ((b"\x1f\x8b", "gzip"), (b"\xfd7zXZ\x00", "xz"), (b"BZh", "bzip2"), (b"\x28\xb5\x2f\xfd", "zstd"), (b"LPKSHHRH", "journal"),
          (b"PK\x03\x04", "zip"), (b"\x04\x22\x4d\x18", "lz4"), (b"7z\xbc\xaf\x27\x1c", "7z"))  # fmt: skip


class PeekedStream(io.RawIOBase):
    """A stream whose first bytes have been looked at; counts what is taken from it. Does not need to be able to seek."""

    def __init__(self, stream: BinaryIO) -> None:
        """Wrap a stream at its beginning."""
        super().__init__()
        self._stream = stream
        self._held = b""
        self.taken = 0

    def peek(self, size: int) -> bytes:
        """The first bytes, fewer at the end of the stream, without taking them."""
        while len(self._held) < size:
            more = self._stream.read(size - len(self._held))
            if not more:
                break
            self._held += more
        return self._held[:size]

    def readable(self) -> bool:
        """Always."""
        return True

    def read(self, size: int = -1) -> bytes:
        """The next bytes as the stream below gives them; the way through ``readinto`` would copy each block twice."""
        if size < 0:
            return self.readall()
        data, self._held = self._held[:size], self._held[size:]
        if not data:
            data = self._stream.read(size) or b""
        self.taken += len(data)
        return data

    def readinto(self, buffer: "memoryview") -> int:  # type: ignore[override]  # RawIOBase says WriteableBuffer
        """Fill a buffer."""
        data, self._held = self._held[: len(buffer)], self._held[len(buffer) :]
        if not data:
            data = self._stream.read(len(buffer)) or b""
        buffer[: len(data)] = data
        self.taken += len(data)
        return len(data)


def find_magic(start: bytes) -> str | None:
    """What a file is, by its first bytes; None: nothing known, so perhaps text."""
    for mark, name in _MAGIC:
        if start.startswith(mark):
            return name
    return "tar" if start[257:262] == b"ustar" else None


class _ZstdStream:
    """Frames after each other. zstandard's own ``stream_reader`` takes a cut for an end, and says nothing."""

    def __init__(self, stream: BinaryIO) -> None:
        try:
            import zstandard  # only for such files: its import takes 5 ms
        except ImportError:
            message = "this file is compressed with zstd, and Python's zstandard is not installed"
            raise MissingToolError(message, hint="apt-get install python3-zstandard   # or: zstdcat FILE | nicmedic explain -") from None
        self._decompressor = zstandard.ZstdDecompressor(max_window_size=1 << 27)
        self._frame = self._decompressor.decompressobj()
        self._begun = False
        self._stream, self._held, self._ready = stream, b"", b""

    def read1(self, size: int) -> bytes:
        """Up to ``size`` bytes; none at the end."""
        while not self._ready:
            if not self._held:
                self._held = self._stream.read(_ZSTD_BYTES)
                if not self._held:
                    if self._begun:
                        raise EOFError
                    return b""
            self._begun = True
            self._ready, self._held = self._frame.decompress(self._held), b""
            if self._frame.eof:
                self._held = self._frame.unused_data
                self._frame, self._begun = self._decompressor.decompressobj(), False
        data, self._ready = self._ready[:size], self._ready[size:]
        return data


class _XzStream:
    """As ``lzma.LZMAFile``, with a limit on memory, which that lacks. Streams may follow each other, with zeros between (xz(1), STREAM PADDING)."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream, self._held = stream, b""
        self._decompressor: lzma.LZMADecompressor | None = None

    def read1(self, size: int) -> bytes:
        """Up to ``size`` bytes; none at the end."""
        while True:
            if self._decompressor is None:
                while not self._held.lstrip(b"\0"):
                    self._held = self._stream.read(io.DEFAULT_BUFFER_SIZE)
                    if not self._held:
                        return b""
                self._held = self._held.lstrip(b"\0")
                self._decompressor = lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_XZ_MEMORY)
            if self._decompressor.needs_input and not self._held:
                self._held = self._stream.read(io.DEFAULT_BUFFER_SIZE)
                if not self._held:
                    raise EOFError
            data = self._decompressor.decompress(self._held, size)
            self._held = b""
            if self._decompressor.eof:
                self._held, self._decompressor = self._decompressor.unused_data, None
            if data:
                return data


_OPENERS: dict[str, Callable[[BinaryIO], BinaryIO]] = {
    "gzip": lambda stream: cast("BinaryIO", gzip.GzipFile(fileobj=stream)),
    "xz": lambda stream: cast("BinaryIO", _XzStream(stream)),
    "bzip2": lambda stream: cast("BinaryIO", bz2.BZ2File(stream)),
    "zstd": lambda stream: cast("BinaryIO", _ZstdStream(stream)),
}


class _Expanded(io.RawIOBase):
    """A decompressor's output with limits, and with its errors in words."""

    def __init__(self, name: str, kind: str, source: PeekedStream, outermost: PeekedStream) -> None:
        super().__init__()
        self._name, self._kind, self._source = name, kind, outermost
        self._inner = _OPENERS[kind](cast("BinaryIO", source))
        self._given = 0

    def readable(self) -> bool:
        return True

    def _damaged(self, error: Exception) -> UnreadableInputError:
        message = f"{self._name}: damaged {self._kind} data after {self._given} bytes: {error}"
        return UnreadableInputError(message, hint="copy the file again")

    def readinto(self, buffer: "memoryview") -> int:  # type: ignore[override]  # RawIOBase says WriteableBuffer
        try:
            data = self._inner.read1(len(buffer))  # type: ignore[attr-defined]  # all four have it; read() would lose what stands before a cut
        except EOFError:
            message = f"{self._name}: the {self._kind} data is cut off; what came before was read"
            raise UnreadableInputError(message, hint="copy the file again, or go on with what is there") from None
        except lzma.LZMAError as error:
            if "Memory usage limit" in str(error):  # liblzma's LZMA_MEMLIMIT_ERROR, in _lzma's words; there is no class for it
                message = f"{self._name}: this xz file needs more memory to expand than the {_XZ_MEMORY >> 20} MiB that nicmedic takes"
                raise UnreadableInputError(message, hint=f"xz -dc {quote_file_name(self._name)} | nicmedic explain -") from None
            raise self._damaged(error) from None
        except (OSError, zlib.error, ValueError, RuntimeError) as error:
            raise self._damaged(error) from None
        except Exception as error:
            if type(error).__module__.split(".", 1)[0] != "zstandard":
                raise
            raise self._damaged(error) from None
        self._given += len(data)
        if self._given > MOST_EXPANDED or (self._given > FREE_EXPANDED and self._given > MOST_RATIO * max(1, self._source.taken)):
            message = (
                f"{self._name}: {self._source.taken} bytes expand to more than {self._given}: no log does that, so it is not read further"
            )
            raise UnreadableInputError(message, hint="expand it yourself and hand in the part that matters")
        buffer[: len(data)] = data
        return len(data)


def expand(name: str, stream: BinaryIO) -> tuple[PeekedStream, str | None]:
    """Undo all layers of compression.

    Returns:
        The stream below, and what it is: tar, zip, journal, lz4, 7z, or None for what may be text.
    """
    peeked = outermost = PeekedStream(stream)
    for _ in range(_DEEPEST):
        kind = find_magic(peeked.peek(MAGIC_BYTES))
        if kind is None or kind not in _OPENERS:
            return peeked, kind
        peeked = PeekedStream(cast("BinaryIO", _Expanded(name, kind, peeked, outermost)))
    message = f"{name}: compressed more than {_DEEPEST} times over: not read"
    raise UnreadableInputError(message, hint="expand it yourself and hand in the part that matters")
