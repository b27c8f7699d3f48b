# SPDX-License-Identifier: GPL-2.0-or-later
"""Open what a user names: files, folders, archives, standard input, binary journals; or this machine's own kernel log.

Archives are read as streams and never unpacked, so no path in them can climb out. The one thing written is a temporary copy of a binary journal that
stands in an archive, because journalctl reads files only.
"""

import contextlib
import datetime
import os
import re
import stat
import sys
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import BinaryIO, cast

from nicmedic.host.blocks import read_blocks
from nicmedic.host.containers import PeekedStream, expand
from nicmedic.host.kmsg import read_kmsg
from nicmedic.host.run import find_program, stream_program
from nicmedic.model.errors import KernelLogAccessError, NicmedicError, UnreadableInputError
from nicmedic.ports.logs import LogStream
from nicmedic.report.escape import quote_file_name

__all__ = ["HostLogs", "is_log_name"]

STDIN = "-"
MOST_FILES = 100_000
_LARGEST_COPY = 4 << 30
_JOURNAL_FIELDS = "MESSAGE,PRIORITY,SYSLOG_IDENTIFIER,_TRANSPORT,_BOOT_ID,_HOSTNAME,_SOURCE_MONOTONIC_TIMESTAMP,_KERNEL_DEVICE"
_JOURNALCTL = ("journalctl", "--quiet", "--no-pager", "--all", "--output=json", f"--output-fields={_JOURNAL_FIELDS}")
_JOURNAL_FOLDERS = ("/run/log/journal", "/var/log/journal")
_NO_JOURNALCTL = "apt-get install systemd   # or, where journalctl is: journalctl -k -b all -o export > log.export"

# What sos, supportconfig, apport, ABRT, XenServer and plain /var/log folders call their kernel logs; reference: their collectors' sources.
_LOG_NAME = re.compile(
    r"(?:^|/)(?:kern(?:el)?\.log|syslog(?:\.txt)?|messages(?:\.txt)?|dmesg|boot\.(?:txt|log)|crash\.txt|vmcore-dmesg\.txt|journalctl[^/]*|dmesg_[^/]*"
    r"|(?:Current|Boot)Dmesg(?:\.txt)?|KernLog(?:\.txt)?|console-ramoops[^/]*|dmesg-(?:ramoops|efi|erst)[^/]*|guest-[^/]*\.log|xl-dmesg[^/]*|logread[^/]*"
    r"|last_kmsg|netconsole[^/]*|[^/]*\.journal~?|[^/]*\.kmsg|kexec-dmesg-none)(?:[.-]\d[\w.-]*)?(?:\.(?:gz|xz|bz2|zst|log|old|txt))?$"
)
_NEVER = re.compile(r"(?:^|/)(?:kexec-dmesg\.log|lastlog|wtmp|btmp|faillog)")


def _day(seconds: float) -> tuple[int, int, int] | None:
    try:
        moment = datetime.datetime.fromtimestamp(seconds, datetime.UTC) + datetime.timedelta(days=1)
    except (ValueError, OverflowError, OSError):
        return None
    return moment.year, moment.month, moment.day


def _reason(error: OSError) -> str:
    return error.strerror or str(error)


class HostLogs:
    """``nicmedic.ports.logs.LogSource`` on the real machine."""

    def open_logs(self, names: Iterable[str]) -> Iterator[LogStream | NicmedicError]:
        """See ``LogSource.open_logs``."""
        for name in names:
            if name == STDIN:
                yield from _open_stream(STDIN, cast("BinaryIO", sys.stdin.buffer), None, optional=False)
            elif os.path.isdir(name):  # noqa: PTH112  # names are bytes of a user's choosing, not ours to normalise
                yield from _open_folder(name)
            else:
                yield from _open_file(name, optional=False)

    def open_own_log(self, since: str | None) -> Iterator[LogStream | NicmedicError]:
        """See ``LogSource.open_own_log``: the journal of all boots; where there is none, /dev/kmsg; else dmesg."""
        if find_program("journalctl") is not None and any(Path(folder).is_dir() for folder in _JOURNAL_FOLDERS):
            # Nothing since then is an answer, when the last message shows that there is a journal: the ring buffer would tell of older hangs.
            for options in ([f"--since={since}"], ["--lines=1"]) if since else ([],):
                stream = PeekedStream(cast("BinaryIO", _IteratorStream(stream_program([*_JOURNALCTL, "_TRANSPORT=kernel", *options]))))
                with contextlib.suppress(NicmedicError):
                    if stream.peek(1):
                        yield LogStream(name="journal of this machine", blocks=read_blocks(cast("BinaryIO", stream)))
                        return
        yield from _open_ring("sudo nicmedic explain")

    def open_boot_log(self) -> Iterator[LogStream | NicmedicError]:
        """See ``LogSource.open_boot_log``; for a user who may not read /dev/kmsg, the journal of this boot."""
        try:
            data = read_kmsg()
        except OSError:
            if find_program("journalctl") is not None:
                stream = PeekedStream(cast("BinaryIO", _IteratorStream(stream_program([*_JOURNALCTL, "_TRANSPORT=kernel", "--boot=0"]))))
                with contextlib.suppress(NicmedicError):
                    if stream.peek(1):
                        yield LogStream(name="journal of this machine", blocks=read_blocks(cast("BinaryIO", stream)))
                        return
            yield from _open_ring("sudo nicmedic check")
        else:
            yield LogStream(name="/dev/kmsg", blocks=iter([data]))


def _open_ring(hint: str) -> Iterator[LogStream | NicmedicError]:
    """The kernel's ring buffer, by /dev/kmsg or dmesg."""
    try:
        yield LogStream(name="/dev/kmsg", blocks=iter([read_kmsg()]))
    except PermissionError:
        message = "this user may not read the kernel log (kernel.dmesg_restrict=1, not in the group systemd-journal or adm)"
        yield KernelLogAccessError(message, hint=hint)
    except OSError as error:
        if find_program("dmesg") is None:
            yield KernelLogAccessError(f"/dev/kmsg: {_reason(error)}, and there is neither journal nor dmesg", hint="nicmedic explain FILE")
        else:
            yield LogStream(name="dmesg", blocks=stream_program(["dmesg", "--raw"]))


class _IteratorStream:
    """``read`` over an iterator of blocks."""

    def __init__(self, blocks: Iterator[bytes]) -> None:
        self._blocks, self._held = blocks, b""

    def read(self, size: int) -> bytes:
        if not self._held:
            self._held = next(self._blocks, b"")
        data, self._held = self._held[:size], self._held[size:]
        return data


def _open_file(path: str, *, optional: bool, label: str | None = None) -> Iterator[LogStream | NicmedicError]:
    name = label or path
    try:
        status = os.stat(path)  # noqa: PTH116  # see above
        if not (stat.S_ISREG(status.st_mode) or stat.S_ISFIFO(status.st_mode) or stat.S_ISCHR(status.st_mode)):
            yield UnreadableInputError(f"{name}: neither a file nor a folder", hint=f"ls -l {quote_file_name(name)}")
            return
        if stat.S_ISCHR(status.st_mode) and path == "/dev/kmsg":
            yield LogStream(name=name, blocks=iter([read_kmsg()]))
            return
        with open(path, "rb", buffering=0) as file:  # noqa: PTH123  # see above
            written = _day(status.st_mtime) if stat.S_ISREG(status.st_mode) else None
            yield from _open_stream(name, cast("BinaryIO", file), written, optional=optional, path=path)
    except FileNotFoundError:
        yield UnreadableInputError(f"{name}: there is no such file", hint="ls -l /var/log/kern.log* /var/log/messages* /var/log/syslog*")
    except PermissionError:
        yield UnreadableInputError(f"{name}: this user may not read it", hint=f"sudo nicmedic explain {quote_file_name(name)}")
    except OSError as error:
        yield UnreadableInputError(f"{name}: {_reason(error)}", hint=f"ls -l {quote_file_name(name)}")


def _open_folder(folder: str) -> Iterator[LogStream | NicmedicError]:
    """Every log in a folder tree, oldest rotation first; links are not followed."""
    found: list[str] = []
    for parent, folders, files in os.walk(folder, followlinks=False):
        folders.sort()
        for name in files:
            path = os.path.join(parent, name)  # noqa: PTH118  # see above
            if os.path.islink(path) or not os.path.isfile(path):  # noqa: PTH113, PTH114  # see above
                continue
            found.append(path)
            if len(found) > MOST_FILES:
                yield UnreadableInputError(f"{folder}: more than {MOST_FILES} files", hint="name the log files one by one")
                return
    logs = [path for path in found if is_log_name(path)] or [path for path in found if not _NEVER.search(path)]
    if not logs:
        yield UnreadableInputError(f"{folder}: there is no file in it", hint=f"ls -lR {quote_file_name(folder)}")
    for path in sorted(logs, key=_rotation_key):
        yield from _open_file(path, optional=True)


def is_log_name(path: str) -> bool:
    """Whether a path in a folder or an archive is called like a kernel log."""
    return _LOG_NAME.search(path) is not None and _NEVER.search(path) is None


def _rotation_key(path: str) -> tuple[str, int]:
    """``kern.log.2.gz`` before ``kern.log.1`` before ``kern.log``."""
    found = re.search(r"\.(\d{1,4})(?:\.(?:gz|xz|bz2|zst))?$", path)
    return (path[: found.start()], -int(found[1])) if found else (path, 0)


def _open_stream(
    name: str, stream: BinaryIO, written: tuple[int, int, int] | None, *, optional: bool, path: str | None = None
) -> Iterator[LogStream | NicmedicError]:
    """One stream, whatever it is: text, compressed text, an archive of them, a binary journal."""
    try:
        inner, kind = expand(name, stream)
        if kind == "tar":
            yield from _open_tar(name, inner, written, optional=optional)
        elif kind == "zip":
            yield from _open_zip(name, inner, written, optional=optional)
        elif kind == "journal":
            yield from _open_journal(name, inner, path if inner.taken == 0 and path is not None and _is_plain(path) else None)
        elif kind is not None:
            yield UnreadableInputError(f"{name}: a {kind} file, which nicmedic does not read", hint="expand it and hand in the log")
        else:
            yield LogStream(name=name, blocks=read_blocks(cast("BinaryIO", inner)), written=written, optional=optional)
    except NicmedicError as error:
        yield error


def _is_plain(path: str) -> bool:
    with open(path, "rb") as file:  # noqa: PTH123  # see above
        return file.read(8) == b"LPKSHHRH"


def _open_tar(
    name: str, stream: PeekedStream, written: tuple[int, int, int] | None, *, optional: bool
) -> Iterator[LogStream | NicmedicError]:
    """Members that are called like logs, in the archive's order; when none is, the archive is named."""
    from nicmedic.host.archives import read_tar_members  # with the rest of this module it would cost every start 3 ms

    count = 0
    for path, file, seconds in read_tar_members(name, cast("BinaryIO", stream)):
        if is_log_name(path):
            count += 1
            yield from _open_stream(f"{name}:{path}", file, _day(seconds) or written, optional=True)
    if not count and not optional:
        yield UnreadableInputError(f"{name}: no file in this archive is called like a kernel log", hint=f"tar tf {quote_file_name(name)}")


def _open_zip(
    name: str, stream: PeekedStream, written: tuple[int, int, int] | None, *, optional: bool
) -> Iterator[LogStream | NicmedicError]:
    """As tar; a zip archive has its table at the end, so it is first copied into a temporary file."""
    import tempfile

    from nicmedic.host.archives import read_zip_members  # as above

    count = 0
    with tempfile.TemporaryFile(prefix="nicmedic-") as copy:
        _copy(name, stream, cast("BinaryIO", copy))
        for path, file in read_zip_members(name, cast("BinaryIO", copy)):
            if is_log_name(path):
                count += 1
                yield from _open_stream(f"{name}:{path}", file, written, optional=True)
    if not count and not optional:
        yield UnreadableInputError(f"{name}: no file in this archive is called like a kernel log", hint=f"unzip -l {quote_file_name(name)}")


def _copy(name: str, stream: PeekedStream, target: BinaryIO) -> None:
    size = 0
    while block := stream.read(1 << 20):
        size += len(block)
        if size > _LARGEST_COPY:
            raise UnreadableInputError(f"{name}: larger than {_LARGEST_COPY >> 30} GiB", hint="unpack it and hand in the logs")
        target.write(block)
    target.flush()


def _open_journal(name: str, stream: PeekedStream, path: str | None) -> Iterator[LogStream | NicmedicError]:
    """A binary journal, through journalctl; one in an archive is copied into a temporary file first."""
    import tempfile  # as tarfile

    if path is not None:
        yield LogStream(name=name, blocks=_begin(_read_journal(name, path, f"journalctl --verify --file={quote_file_name(path)}")))
        return
    with tempfile.NamedTemporaryFile(prefix="nicmedic-", suffix=".journal") as copy:
        _copy(name, stream, cast("BinaryIO", copy))
        hint = "journalctl --verify --file=FILE   # FILE: this journal, unpacked"
        yield LogStream(name=name, blocks=_begin(_read_journal(name, copy.name, hint)))


def _begin(blocks: Iterator[bytes]) -> Iterator[bytes]:
    """The same blocks, the first of them asked for now: what fails at once is not opened at all, and not called empty too."""
    return chain([next(blocks, b"")], blocks)


def _read_journal(name: str, path: str, hint: str) -> Iterator[bytes]:
    """Through journalctl, with an error that speaks of what the user named and not of a copy.

    Raises:
        UnreadableInputError: journalctl cannot read it; ``hint`` tells what to do then.
        MissingToolError: there is no journalctl.
    """
    try:
        yield from stream_program([*_JOURNALCTL, f"--file={path}", "_TRANSPORT=kernel"], hint=_NO_JOURNALCTL)
    except UnreadableInputError as error:
        raise UnreadableInputError(f"{name}: {error.message.replace(path, name)}", hint=hint) from None
