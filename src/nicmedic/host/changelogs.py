# SPDX-License-Identifier: GPL-2.0-or-later
"""Changelogs of kernel packages: of Debian and Ubuntu below /usr/share/doc, of RPM by ``rpm -q --changelog``, or a copy of one."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, cast

from nicmedic.host.containers import expand
from nicmedic.host.run import find_program, stream_program
from nicmedic.model.errors import NicmedicError, UnreadableInputError

__all__ = ["find_changelog", "read_changelog_file"]

_NAMES = ("changelog.Debian.gz", "changelog.gz", "changelog.Debian", "changelog")
_DOC = "/usr/share/doc"
_BLOCK = 1 << 18
_MOST_BYTES = 64 << 20


def _lines(blocks: Iterable[bytes]) -> Iterator[str]:
    rest = b""
    for block in blocks:
        *whole, rest = (rest + block).split(b"\n")
        for line in whole:
            yield line.decode("utf-8", "replace")
    if rest:
        yield rest.decode("utf-8", "replace")


def _blocks(stream: BinaryIO) -> Iterator[bytes]:
    left = _MOST_BYTES
    while left > 0 and (block := stream.read(_BLOCK)):
        left -= len(block)
        yield block


def read_changelog_file(path: str) -> Iterator[str]:
    """Lines of a changelog, compressed or not.

    Raises:
        UnreadableInputError: it cannot be read.
    """
    try:
        with Path(path).open("rb") as file:
            stream, _ = expand(path, file)
            yield from _lines(_blocks(cast("BinaryIO", stream)))
    except OSError as error:
        raise UnreadableInputError(f"{path}: {error.strerror or error}", hint=f"ls -l {path}") from None


def _find_debian(releases: Iterable[str], root: str) -> str | None:
    """Of the image of a release; Ubuntu keeps it with the modules or the signed image."""
    for release in releases:
        for package in (f"linux-image-{release}", f"linux-modules-{release}", f"linux-image-unsigned-{release}"):
            for name in _NAMES:
                path = Path(root, package, name)
                if path.is_file():
                    return str(path)
    return None


def _read_rpm(package: str) -> Iterator[str] | None:
    if find_program("rpm") is None:
        return None
    for name in ("kernel-core", "kernel", "kernel-default"):
        command = ["rpm", "-q", "--changelog", f"{name}-{package}"]
        try:
            found = list(_lines(stream_program(command)))
        except NicmedicError:
            continue
        return iter(found)
    return None


def find_changelog(package: str, releases: Iterable[str], root: str = _DOC) -> Iterator[str] | None:
    """Lines of the changelog of an installed kernel package; None: this machine has none.

    Args:
        package: its version.
        releases: what ``uname -r`` says of it.
        root: where documents are.
    """
    path = _find_debian(releases, root)
    return read_changelog_file(path) if path is not None else _read_rpm(package)
