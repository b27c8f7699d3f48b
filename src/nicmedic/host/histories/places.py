# SPDX-License-Identifier: GPL-2.0-or-later
"""What a user names as files that readers can choose from: this machine, a folder, a snapshot, a sosreport, packed or not, or single files."""

import contextlib
import json
import os
import re
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO, cast

from nicmedic.host.archives import read_tar_members
from nicmedic.host.containers import expand
from nicmedic.host.logs import is_log_name
from nicmedic.host.sosreport import find_sosreport
from nicmedic.model.errors import NicmedicError, UnreadableInputError
from nicmedic.report.escape import escape_terminal, quote_file_name

__all__ = ["Found", "Place", "open_places", "read_file", "rotation"]

_FOLDERS = (
    "var/log",
    "var/log/apt",
    "var/log/zypp",
    "var/log/journal",
    "run/log/journal",
    "var/lib/wtmpdb",
    "var/lib/dnf",
    "usr/lib/sysimage/libdnf5",
    "usr/lib/sysimage/libdnf",
    "log",
    "sos_commands",
)
_DEEP = frozenset({"var/log/journal", "run/log/journal", "log", "sos_commands"})
_MOST_FILES = 100_000
_SMALL = 1 << 16
_MOST_BYTES = 1 << 30
_LARGEST = 256 << 20
_WANTED = re.compile(
    r"(?:MANIFEST\.json|.*/?installed-rpms|(?:.*/)?(?:raw/)?(?:proc/(?:version|uptime|cmdline|sys/kernel/random/boot_id|sys/kernel/hostname)"
    r"|etc/(?:timezone|localtime|hostname)|var/(?:log|lib)/.+|log/.+|sos_commands/.+/(?:last\w*|journalctl[^/]*|dmesg[^/]*)))\Z"
)
_ROTATED = re.compile(r"(?:[.-](?P<number>\d{1,8}))?(?P<old>\.old)?(?:\.(?:gz|xz|bz2|zst))?\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One file."""

    path: str
    """Where it can be opened now."""
    name: str
    """Where it stood on its host: ``/var/log/wtmp``; of a single file, its path."""
    shown: str
    """What a person calls it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A host's files, as far as they are there."""

    root: str | None
    """The folder that stands for ``/``; None: loose files of unknown origin."""
    files: tuple[Found, ...]
    live: bool = False
    """This machine, running now."""
    taken: float | None = None
    """When they were collected; seconds since 1970."""


def rotation(name: str) -> tuple[str, float]:
    """A log's name without its number, and a key that is the smaller the older the file is.

    Counts begin with 1 (logrotate) or 0 (savelog); dates are below all counts.

    >>> rotation("/var/log/kern.log.2.gz"), rotation("/var/log/kern.log"), rotation("/var/log/dmesg.0")
    (('/var/log/kern.log', -2), ('/var/log/kern.log', 0), ('/var/log/dmesg', -0.5))
    """
    found = _ROTATED.search(name)
    if found is None or not (found["number"] or found["old"]):
        return re.sub(r"\.(?:gz|xz|bz2|zst)\Z", "", name), 0
    number = int(found["number"] or 1)
    return name[: found.start()], number - 10**9 if number > 10**6 else -number or -0.5


def read_file(place: Place, name: str) -> str | None:
    """A small file of a host, without blanks around it; None: it is not there, or empty."""
    try:
        with open(f"{place.root}/{name}", "rb") as file:  # noqa: PTH123  # names are bytes of a user's choosing
            return file.read(_SMALL).decode("utf-8", "replace").strip() or None
    except OSError:
        return None


def open_places(names: Sequence[str], opened: contextlib.ExitStack) -> Iterator[Place | NicmedicError]:
    """The places that are meant; what is unpacked is gone when ``opened`` is closed."""
    if not names:
        yield Place(root="", files=tuple(_list_root("", "")), live=True)
        return
    loose: list[Found] = []
    for name in dict.fromkeys(names):
        try:
            if os.path.isdir(name):  # noqa: PTH112  # names are bytes of a user's choosing
                yield _open_folder(name, name)
            elif (folder := _unpack_if_archive(name, opened)) is not None:
                yield _open_folder(folder, name)
            elif name != "-" and not os.path.exists(name):  # noqa: PTH110  # names are bytes of a user's choosing
                yield UnreadableInputError(f"{name}: there is no such file", hint=f"ls -l {quote_file_name(name)}")
            else:
                loose.append(Found(path=name, name=name, shown=name))
        except NicmedicError as error:
            yield error
        except OSError as error:
            yield UnreadableInputError(f"{name}: {error.strerror or error}", hint=f"ls -ld {quote_file_name(name)}")
    if loose:
        yield Place(root=None, files=tuple(loose))


def _open_folder(folder: str, shown: str) -> Place:
    top = find_sosreport(folder) or folder
    raw = os.path.join(top, "raw")  # noqa: PTH118  # names are bytes of a user's choosing
    taken = _read_taken(top)
    if os.path.isdir(raw):  # noqa: PTH112  # names are bytes of a user's choosing
        files = [*_list_root(raw, f"{shown}:"), *_list_root(top, f"{shown}:")]
        return Place(root=raw, files=tuple(files), taken=taken)
    if any(os.path.isdir(os.path.join(top, name)) for name in ("var/log", "proc", "sos_commands")):  # noqa: PTH112, PTH118  # names are bytes of a user's choosing
        return Place(root=top, files=tuple(_list_root(top, f"{shown}:" if top != shown else top)), taken=taken)
    return Place(root=None, files=tuple(_walk(folder, shown)), taken=taken)


def _read_taken(folder: str) -> float | None:
    """When a snapshot of ours was written, or the kernel's uptime was copied."""
    import datetime

    with contextlib.suppress(OSError, ValueError, TypeError, KeyError):
        with open(os.path.join(folder, "MANIFEST.json"), encoding="utf-8") as file:  # noqa: PTH118, PTH123  # names are bytes of a user's choosing
            moment = datetime.datetime.fromisoformat(json.loads(file.read(16 << 20))["created"])
        return moment.timestamp() if moment.tzinfo is not None else None
    with contextlib.suppress(OSError):
        written = os.stat(os.path.join(folder, "proc/uptime")).st_mtime  # noqa: PTH116, PTH118  # names are bytes of a user's choosing
        return written if written > 10**9 else None
    return None


def _list_root(root: str, shown: str) -> Iterator[Found]:
    for folder in _FOLDERS:
        path = f"{root}/{folder}"
        if folder in _DEEP:
            yield from (
                Found(path=each.path, name=f"/{folder}{each.name}", shown=f"{shown}/{folder}{each.name}") for each in _walk(path, "")
            )
            continue
        with contextlib.suppress(OSError):
            for name in sorted(os.listdir(path)):  # noqa: PTH208  # names are bytes of a user's choosing
                if _is_plain(f"{path}/{name}"):
                    yield Found(path=f"{path}/{name}", name=f"/{folder}/{name}", shown=f"{shown}/{folder}/{name}")
    if _is_plain(f"{root}/installed-rpms"):
        yield Found(path=f"{root}/installed-rpms", name="/installed-rpms", shown=f"{shown}/installed-rpms")


def _walk(folder: str, shown: str) -> Iterator[Found]:
    count = 0
    for parent, folders, names in os.walk(folder, followlinks=False):
        folders.sort()
        for name in sorted(names):
            path = os.path.join(parent, name)  # noqa: PTH118  # names are bytes of a user's choosing
            if _is_plain(path) and (count := count + 1) <= _MOST_FILES:
                below = path[len(folder) :]
                yield Found(path=path, name=below, shown=f"{shown}{below}")


def _is_plain(path: str) -> bool:
    return os.path.isfile(path) and not os.path.islink(path)  # noqa: PTH113, PTH114  # names are bytes of a user's choosing


def _unpack_if_archive(name: str, opened: contextlib.ExitStack) -> str | None:
    """The folder that its files were unpacked into; None: this is no tar archive."""
    if name == "-" or not os.path.isfile(name):  # noqa: PTH113  # names are bytes of a user's choosing
        return None
    shown = escape_terminal(name)
    with open(name, "rb", buffering=0) as file:  # noqa: PTH123  # names are bytes of a user's choosing
        stream, kind = expand(shown, cast("BinaryIO", file))
        if kind != "tar":
            return None
        folder = opened.enter_context(tempfile.TemporaryDirectory(prefix="nicmedic-"))
        _unpack(shown, cast("BinaryIO", stream), folder)
    return folder


def _unpack(shown: str, stream: BinaryIO, folder: str) -> None:
    """Plain files that matter, each within limits; a name that would lead out of the folder is passed over."""
    left, count = _MOST_BYTES, 0
    for member, content, seconds in read_tar_members(shown, stream):
        plain = member.removeprefix("./")
        if not (_WANTED.match(plain) or is_log_name(plain)) or ".." in plain.split("/") or "\0" in plain or plain.startswith("/"):
            continue
        data = content.read(_LARGEST)
        left, count = left - len(data), count + 1
        if left < 0 or count > _MOST_FILES:
            raise UnreadableInputError(f"{shown}: too large to read whole", hint="unpack it, and name the folder")
        target = os.path.join(folder, plain)  # noqa: PTH118  # names are bytes of a user's choosing
        with contextlib.suppress(FileExistsError, NotADirectoryError, IsADirectoryError):
            os.makedirs(os.path.dirname(target), exist_ok=True)  # noqa: PTH103, PTH120  # names are bytes of a user's choosing
            with open(target, "xb") as copy:  # noqa: PTH123  # names are bytes of a user's choosing
                copy.write(data)
            os.utime(target, (max(0.0, seconds), max(0.0, seconds)))
