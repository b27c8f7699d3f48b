# SPDX-License-Identifier: GPL-2.0-or-later
"""A picture of this host in one archive: taken in seconds, from a host whose network is dead, safe on disk before the next freeze.

Members of ``snapshot.tar.gz``: ``host.json`` (the model's Host), ``looks.json`` (the model's Looks), ``log/`` (kernel logs, by names that
``explain`` knows), ``raw/`` (files as they stood below ``/``: proc, sys, configuration with secrets withheld), and last ``MANIFEST.json``
(schema ``nicmedic.snapshot/1``), which also says what is missing and why. ``raw/`` unpacked is a root folder that everything which reads
a host can read.
"""

import contextlib
import errno
import gzip
import io
import json
import os
import secrets
import tarfile
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import BinaryIO, cast

from nicmedic import __version__
from nicmedic.host.archives import read_tar_members
from nicmedic.host.config_files import read_config_files
from nicmedic.host.containers import expand
from nicmedic.host.log_copies import read_kernel_logs
from nicmedic.host.raw_files import Member, Missing, read_logs_of_packages, read_proc, read_sys
from nicmedic.host.rtnl_guard import LOCKED_FILES
from nicmedic.host.timed_reader import TimedReader
from nicmedic.model.counters import Looks
from nicmedic.model.errors import NotASnapshotError, UnreadableInputError, UnwritableOutputError
from nicmedic.model.host import Host
from nicmedic.model.note import Lack
from nicmedic.model.plain import from_plain, to_plain
from nicmedic.report.escape import escape_terminal, quote_file_name

__all__ = [
    "SCHEMA",
    "Manifest",
    "Snapshot",
    "collect_parts",
    "open_private_file",
    "read_snapshot",
    "refuse_taken",
    "tell_failure",
    "write_snapshot",
]

SCHEMA = "nicmedic.snapshot/1"
SECONDS = 5.0
_LEAST_SECONDS = 1.5
"""For /proc and /sys, however long the logs before them took."""
MOST_BYTES = 64 << 20
_LARGEST_HOST = 16 << 20
"""A host of a hundred cards has 2 MB. As values of Python a member takes up to thirty times its size."""
_MANIFEST, _HOST, _LOOKS = "MANIFEST.json", "host.json", "looks.json"
_LEVEL = 1
"""gzip: level 1 packs 64 MB of logs in 0.7 s, level 9 in 4 s."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What is in an archive, and what is not."""

    version: str
    """Of the nicmedic that wrote it."""
    created: str
    """RFC 3339."""
    scrubbed: bool
    members: tuple[tuple[str, int], ...]
    missing: tuple[Missing, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """What an archive tells."""

    host: Host | None
    """None: it was written without."""
    looks: Looks
    """Empty: it was written without."""
    manifest: Manifest


@dataclass(frozen=True, slots=True, kw_only=True)
class _ToldMember:
    name: str
    bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _ToldManifest:
    """As it stands in the file."""

    nicmedic: str
    created: str
    scrubbed: bool = False
    members: tuple[_ToldMember, ...] = ()
    missing: tuple[Missing, ...] = ()


def collect_parts(host: Host | None, looks: Looks | None = None, *, seconds: float = SECONDS) -> Iterator[Member | Missing]:
    """Everything for the archive, what matters most first. Never raises; after about ``seconds`` what is left is told as missing."""
    begin = time.monotonic()
    if host is None:
        yield Missing(what=_HOST, why="the host was not read")
    else:
        yield Member(name=_HOST, data=_dump(to_plain(host)))
    if looks is not None:
        yield Member(name=_LOOKS, data=_dump(to_plain(looks)))
    stuck = host is not None and any(note.why is Lack.STUCK for note in host.notes)
    yield from read_kernel_logs(begin + seconds * 0.6)
    yield from _config_parts()
    with contextlib.closing(TimedReader(max(begin + seconds, time.monotonic() + _LEAST_SECONDS))) as reader:
        yield from read_proc(reader)
        yield from read_sys(reader, avoid=LOCKED_FILES if stuck else ())
        yield from read_logs_of_packages(reader)


def _config_parts() -> Iterator[Member | Missing]:
    found = read_config_files()
    for path, text in sorted(found.texts.items()):
        yield Member(name=f"raw{path}", data=text.encode("utf-8", "surrogateescape"))
    for path, target in sorted(found.links.items()):
        if path not in found.texts:
            yield Member(name=f"raw{path}", link=target)
    for path in sorted(found.present - set(found.links)):
        yield Member(name=f"raw{path}")
    for path, reason in sorted(found.unreadable.items()):
        yield Missing(what=path, why=reason)


def _dump(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=True, indent=1).encode("ascii") + b"\n"


def write_snapshot(
    path: str,
    parts: Iterable[Member | Missing],
    *,
    created: str,
    scrubbed: bool = False,
    before_naming: Callable[[], None] = lambda: None,
) -> Manifest:
    """Write the archive: under a temporary name, synced, then renamed, so that there is a whole one or none.

    ``before_naming`` is called when all is written: what it raises leaves no archive behind.

    Raises:
        UnwritableOutputError: the disk is full, the folder is read-only, or the name is taken.
    """
    refuse_taken(path)
    folder = os.path.dirname(path) or "."  # noqa: PTH120  # names are bytes of a user's choosing
    temporary = os.path.join(folder, f".{os.path.basename(path)[:100]}.{secrets.token_hex(4)}.tmp")  # noqa: PTH118, PTH119  # names are bytes of a user's choosing
    try:
        try:
            handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            with os.fdopen(handle, "wb") as file:
                manifest = _write_archive(cast("BinaryIO", file), parts, created=created, scrubbed=scrubbed)
                file.flush()
                os.fsync(file.fileno())
            before_naming()
            _move(temporary, path)
        finally:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(temporary)  # noqa: PTH108  # names are bytes of a user's choosing
        _sync_folder(folder)
    except OSError as error:
        raise tell_failure(path, error) from None
    return manifest


def refuse_taken(path: str) -> None:
    """Nothing that is there is ever replaced.

    Raises:
        UnwritableOutputError: the name is taken.
    """
    if os.path.lexists(path):
        raise UnwritableOutputError(
            f"{escape_terminal(path)}: is there already", hint="nicmedic snapshot -o FILE   # another name, or a folder"
        )


def tell_failure(path: str, error: OSError) -> UnwritableOutputError:
    """Why a file could not be written, and what to look at. Not a folder in memory: a reboot would take the evidence away."""
    folder = quote_file_name(os.path.dirname(path) or ".")  # noqa: PTH120  # names are bytes of a user's choosing
    look = f"df -h {folder}" if error.errno in (errno.ENOSPC, errno.EDQUOT) else f"ls -ld {folder}"
    message = f"{escape_terminal(path)}: {error.strerror or error}; nothing was left behind"
    return UnwritableOutputError(message, hint=f"{look} ; nicmedic snapshot -o FOLDER   # on another disk, or a USB stick")


def _write_archive(file: BinaryIO, parts: Iterable[Member | Missing], *, created: str, scrubbed: bool) -> Manifest:
    missing: list[Missing] = []
    members: dict[str, int] = {}
    left = MOST_BYTES
    with (
        gzip.GzipFile(filename="", mode="wb", compresslevel=_LEVEL, fileobj=file, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w|", format=tarfile.PAX_FORMAT, errors="surrogateescape") as archive,
    ):
        for part in parts:
            if isinstance(part, Missing):
                missing.append(part)
            elif len(part.data) > left:
                missing.append(Missing(what=part.name, why=f"the archive would be larger than {MOST_BYTES >> 20} MiB"))
            elif part.name not in members:
                left -= len(part.data)
                members[part.name] = len(part.data)
                _add(archive, part)
        manifest = Manifest(version=__version__, created=created, scrubbed=scrubbed, members=tuple(members.items()), missing=tuple(missing))
        _add(archive, Member(name=_MANIFEST, data=_dump({"schema": SCHEMA, **_plain_manifest(manifest)})))
    return manifest


def _add(archive: tarfile.TarFile, part: Member) -> None:
    info = tarfile.TarInfo(part.name)
    info.size, info.mode, info.mtime = len(part.data), 0o600, int(part.mtime)
    if part.link:
        info.type, info.linkname, info.mode = tarfile.SYMTYPE, part.link, 0o777
    elif part.is_folder:
        info.type, info.mode = tarfile.DIRTYPE, 0o700
    archive.addfile(info, io.BytesIO(part.data))


def _move(temporary: str, path: str) -> None:
    """A link refuses to replace a file that came up meanwhile, which a rename would do; FAT and some network file systems have no links."""
    try:
        os.link(temporary, path)
    except FileExistsError:
        raise
    except OSError:
        os.rename(temporary, path)  # noqa: PTH104  # names are bytes of a user's choosing


def _sync_folder(folder: str) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextlib.contextmanager
def open_private_file(path: str) -> Iterator[BinaryIO]:
    """A new file that only its owner may read, synced at the end: for the map of what was replaced. After any failure it is gone again.

    Raises:
        UnwritableOutputError: it cannot be written, or is there already.
    """
    refuse_taken(path)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise tell_failure(path, error) from None
    try:
        with os.fdopen(handle, "wb") as file:
            yield cast("BinaryIO", file)
            file.flush()
            os.fsync(file.fileno())
        _sync_folder(os.path.dirname(path) or ".")  # noqa: PTH120  # names are bytes of a user's choosing
    except BaseException as error:
        with contextlib.suppress(OSError):
            os.unlink(path)  # noqa: PTH108  # names are bytes of a user's choosing
        if isinstance(error, OSError):
            raise tell_failure(path, error) from None
        raise


def _plain_manifest(manifest: Manifest) -> dict[str, object]:
    return {
        "nicmedic": manifest.version,
        "created": manifest.created,
        "scrubbed": manifest.scrubbed,
        "members": [{"name": name, "bytes": size} for name, size in manifest.members],
        "missing": [{"what": each.what, "why": each.why} for each in manifest.missing],
    }


def read_snapshot(path: str) -> Snapshot:
    """Read an archive, packed in any way, or the folder that it was unpacked into.

    Raises:
        NotASnapshotError: there is no manifest of ours in it, or one of another schema.
        UnreadableInputError: it is damaged, or may not be read.
    """
    name = escape_terminal(path)
    if os.path.exists(path) and not os.path.isdir(path) and not os.path.isfile(path):  # noqa: PTH110, PTH112, PTH113  # names are bytes of a user's choosing
        raise UnreadableInputError(f"{name}: neither a file nor a folder", hint=f"ls -ld {quote_file_name(path)}")
    found = _read_folder(path) if os.path.isdir(path) else _read_archive(path)  # noqa: PTH112  # names are bytes of a user's choosing
    hint = "nicmedic snapshot -o FILE   # on the host in question"
    if _MANIFEST not in found:
        raise NotASnapshotError(f"{name}: there is no {_MANIFEST} in it, so it is no snapshot", hint=hint)
    try:
        plain = json.loads(found[_MANIFEST])
        if not isinstance(plain, dict) or plain.get("schema") != SCHEMA:
            schema = plain.get("schema") if isinstance(plain, dict) else None
            raise NotASnapshotError(f"{name}: its schema is {escape_terminal(str(schema))}, not {SCHEMA}", hint=hint)
        manifest = _build_manifest(plain)
        host = from_plain(Host, json.loads(found[_HOST])) if _HOST in found else None
        looks = from_plain(Looks, json.loads(found[_LOOKS])) if _LOOKS in found else Looks()
    except RecursionError:
        raise UnreadableInputError(f"{name}: damaged: brackets in brackets without end", hint="copy it again") from None
    except ValueError as error:
        raise UnreadableInputError(f"{name}: damaged: {escape_terminal(str(error))}", hint="copy it again") from None
    return Snapshot(host=host, looks=looks, manifest=manifest)


def _build_manifest(plain: dict[str, object]) -> Manifest:
    told = from_plain(_ToldManifest, plain)
    return Manifest(
        version=told.nicmedic,
        created=told.created,
        scrubbed=told.scrubbed,
        members=tuple((each.name, each.bytes) for each in told.members),
        missing=told.missing,
    )


def _read_folder(path: str) -> dict[str, bytes]:
    found = {}
    for name in (_MANIFEST, _HOST, _LOOKS):
        file = os.path.join(path, name)  # noqa: PTH118  # names are bytes of a user's choosing
        with contextlib.suppress(FileNotFoundError):
            found[name] = _open_and_read(file, path)
    return found


def _open_and_read(file: str, name: str) -> bytes:
    try:
        with open(file, "rb") as opened:  # noqa: PTH123  # names are bytes of a user's choosing
            return _bounded(cast("BinaryIO", opened), name)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise UnreadableInputError(f"{escape_terminal(name)}: {error.strerror}", hint=f"ls -ld {quote_file_name(name)}") from None


def _bounded(stream: BinaryIO, name: str) -> bytes:
    pieces: list[bytes] = []
    size = 0
    while block := stream.read(1 << 20):
        size += len(block)
        if size > _LARGEST_HOST:
            raise UnreadableInputError(f"{escape_terminal(name)}: a member is larger than {_LARGEST_HOST >> 20} MiB", hint="copy it again")
        pieces.append(block)
    return b"".join(pieces)


def _read_archive(path: str) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    name = escape_terminal(path)
    try:
        with open(path, "rb", buffering=0) as file:  # noqa: PTH123  # names are bytes of a user's choosing
            stream, kind = expand(name, cast("BinaryIO", file))
            if kind != "tar":
                raise NotASnapshotError(f"{name}: no tar archive", hint="nicmedic snapshot -o FILE   # on the host in question")
            for member, content, _ in read_tar_members(name, cast("BinaryIO", stream)):
                plain = member.removeprefix("./")
                if plain in (_MANIFEST, _HOST, _LOOKS) and plain not in found:
                    found[plain] = _bounded(content, name)
    except OSError as error:
        raise UnreadableInputError(f"{name}: {error.strerror or error}", hint=f"ls -ld {quote_file_name(path)}") from None
    return found
