# SPDX-License-Identifier: GPL-2.0-or-later
"""Which build a kernel image on disk is, so that it can be told from the one that runs: a point release replaces it under the same name.

x86: the banner in the setup code of a bzImage, release, builder and version, ``kernel_version`` at offset 0x20e of the header
(Documentation/x86/boot.rst; arch/x86/boot/version.c: ``UTS_RELEASE " (" LINUX_COMPILE_BY "@" LINUX_COMPILE_HOST ") " UTS_VERSION``). Elsewhere the
banner ``Linux version …`` in an image that is not packed, as Debian's for arm64.
"""

import mmap
import re
import struct
from dataclasses import dataclass

__all__ = ["Build", "find_build", "read_build"]

_HEADER, _POINTER, _SECTORS = 0x202, 0x20E, 0x1F1
_SECTOR = 0x200
_MOST = 512
_BZIMAGE = re.compile(rb"(?P<release>\S+) \([^)\n]*\) (?P<version>#\d[^\0\n]*)\Z")
_PLAIN = re.compile(rb"Linux version (?P<release>\d\S*) \([^\0\n]*?\) (?P<version>#\d[^\0\n]*)\n")


@dataclass(frozen=True, slots=True, kw_only=True)
class Build:
    """One."""

    release: str
    """``uname -r``."""
    version: str
    """``uname -v``: number, time or version of the package."""


def _take(found: re.Match[bytes] | None) -> Build | None:
    if found is None:
        return None
    return Build(release=found["release"].decode("utf-8", "replace"), version=found["version"].decode("utf-8", "replace"))


def find_build(data: bytes | mmap.mmap) -> Build | None:
    """Of the bytes of an image; None: it does not tell.

    Args:
        data: all of them.
    """
    if data[_HEADER : _HEADER + 4] != b"HdrS":
        return _take(_PLAIN.search(data))
    (pointer,) = struct.unpack("<H", data[_POINTER : _POINTER + 2])
    sectors = data[_SECTORS] or 4
    if not pointer or pointer >= sectors * _SECTOR:
        return None
    return _take(_BZIMAGE.match(data[_SECTOR + pointer : _SECTOR + pointer + _MOST].split(b"\0", 1)[0]))


def read_build(path: str) -> Build | None:
    """Of a file; None: it does not tell.

    Raises:
        OSError: it cannot be read.
    """
    with open(path, "rb") as file:  # noqa: PTH123  # strings throughout
        try:
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
                return find_build(data)
        except ValueError:  # an empty file
            return None
