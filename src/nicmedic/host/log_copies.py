# SPDX-License-Identifier: GPL-2.0-or-later
"""Copies of this machine's kernel logs for an archive: this boot's ring buffer, and what journal, syslog and pstore keep of boots before.

The copies have names that ``explain`` takes for logs (``host/logs.py``). Not for what is in them.
"""

import os
import re
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from nicmedic.host.kmsg import read_kmsg
from nicmedic.host.raw_files import Member, Missing, read_expanded
from nicmedic.host.run import find_program, stream_program
from nicmedic.model.errors import NicmedicError

__all__ = ["read_kernel_logs"]

LARGEST_LOG = 8 << 20
MOST_LINES = 20_000
"""Of the journal: the last ones, of whatever boot."""
_FIELDS = "MESSAGE,PRIORITY,SYSLOG_IDENTIFIER,_TRANSPORT,_BOOT_ID,_HOSTNAME,_SOURCE_MONOTONIC_TIMESTAMP,_KERNEL_DEVICE"
_JOURNAL = ("journalctl", "--quiet", "--no-pager", "--all", "--output=json", f"--output-fields={_FIELDS}", f"--lines={MOST_LINES}")
_JOURNAL_FOLDERS = ("/run/log/journal", "/var/log/journal")
_KERNEL_ONLY = re.compile(r"kern\.log(?:[.-]\d+)?(?:\.(?:gz|xz|zst))?\Z")
_MIXED = re.compile(r"(?:messages|syslog)(?:[.-]\d+)?(?:\.(?:gz|xz|zst))?\Z")
_KERNEL_LINE = re.compile(rb"\bkernel(?:\[\d+\])?: ")
_PSTORE = ("/sys/fs/pstore", "/var/lib/systemd/pstore")


def read_kernel_logs(deadline: float, root: str = "") -> Iterator[Member | Missing]:
    """Every log there is, the ring buffer first; ``deadline``: on the monotonic clock; ``root``: where the files are, for tests."""
    yield from _read_ring_buffer(deadline)
    yield from _read_pstore(root)
    kept = list(_read_journal(deadline))
    yield from kept
    if not any(isinstance(each, Member) for each in kept):
        yield from _read_syslog(deadline, root)


def _read_ring_buffer(deadline: float) -> Iterator[Member | Missing]:
    try:
        yield Member(name="log/ring-buffer.kmsg", data=read_kmsg())
    except OSError as error:
        yield Missing(what="/dev/kmsg", why=error.strerror or str(error))
        if not isinstance(error, PermissionError) and find_program("dmesg") is not None:
            yield from _run(["dmesg", "--raw"], "log/dmesg", deadline)


def _read_journal(deadline: float) -> Iterator[Member | Missing]:
    if find_program("journalctl") is None or not any(Path(folder).is_dir() for folder in _JOURNAL_FOLDERS):
        yield Missing(what="journal", why="there is none, or no journalctl")
        return
    yield from _run([*_JOURNAL, "_TRANSPORT=kernel"], "log/journalctl-kernel.json", deadline)


def _run(command: list[str], name: str, deadline: float) -> Iterator[Member | Missing]:
    """A program's output. One that does not end in time is left behind; it ends when nobody reads any more."""
    blocks: list[bytes] = []
    complaints: list[NicmedicError] = []

    def collect() -> None:
        try:
            for block in stream_program(command):
                blocks.append(block)
                if time.monotonic() > deadline or sum(map(len, blocks)) > 4 * LARGEST_LOG:
                    return
        except NicmedicError as error:
            complaints.append(error)

    thread = threading.Thread(target=collect, daemon=True, name="nicmedic-log")
    try:
        thread.start()
    except RuntimeError as error:  # no more processes are allowed
        yield Missing(what=command[0], why=str(error))
        return
    thread.join(max(0.0, deadline - time.monotonic()))
    late = thread.is_alive()
    data = b"".join(blocks)
    if late or complaints:
        yield Missing(what=command[0], why=complaints[0].message if complaints else "it did not end in time; what came until then is kept")
    if data:
        yield Member(name=name, data=data)
    elif not late and not complaints:
        yield Missing(what=command[0], why="it has no kernel messages")


def _read_syslog(deadline: float, root: str) -> Iterator[Member | Missing]:
    """Files of kernel messages; where there are none, the kernel's lines of the others."""
    names = _list(f"{root}/var/log")
    for pattern in (_KERNEL_ONLY, _MIXED):
        found = sorted(filter(pattern.match, names), key=lambda name: -_written(f"{root}/var/log/{name}"))
        left = 2 * LARGEST_LOG
        for name in found:
            path = f"/var/log/{name}"
            if left <= 0 or time.monotonic() > deadline:
                yield Missing(what=path, why="older logs are left out" if left <= 0 else "no time left")
                continue
            try:
                data = read_expanded(f"{root}{path}", LARGEST_LOG)
            except OSError as error:
                yield Missing(what=path, why=error.strerror or str(error))
                continue
            if pattern is _MIXED:
                data = b"".join(line for line in data.splitlines(keepends=True) if _KERNEL_LINE.search(line))
            left -= len(data)
            yield Member(name=f"log/{re.sub(r'[.](?:gz|xz|zst)$', '', name)}", data=data, mtime=_written(f"{root}{path}"))
        if found:
            return
    yield Missing(what="/var/log/kern.log, messages, syslog", why="there is none")


def _read_pstore(root: str) -> Iterator[Member | Missing]:
    for folder in _PSTORE:
        for parent, folders, names in os.walk(f"{root}{folder}"):
            folders.sort()
            for name in sorted(names):
                try:
                    yield Member(name=f"log/pstore/{name}", data=read_expanded(f"{parent}/{name}", LARGEST_LOG))
                except OSError as error:
                    yield Missing(what=f"{parent}/{name}", why=error.strerror or str(error))


def _list(folder: str) -> list[str]:
    try:
        return os.listdir(folder)  # noqa: PTH208  # as host/knowledge.py
    except OSError:
        return []


def _written(path: str) -> float:
    try:
        return os.stat(path).st_mtime  # noqa: PTH116  # as host/logs.py
    except OSError:
        return 0.0
