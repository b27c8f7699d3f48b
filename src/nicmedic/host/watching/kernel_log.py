# SPDX-License-Identifier: GPL-2.0-or-later
"""Follow /dev/kmsg: the kernel's own records, and the newest part of all of them kept in memory.

A user's program may write there too, but never as the kernel: its facility is 1 or more (kernel/printk/printk.c ``devkmsg_write``). What it can have
the kernel itself say in its words, ``kernlog/chosen_words.py`` leaves out. When records are overwritten before they were read the kernel says so once
(EPIPE), and the next record's number tells how many are missing.
"""

import collections
import contextlib
import errno
import os
import re
import time
from typing import NamedTuple

__all__ = ["KernelLog", "KernelRecord", "open_kernel_log", "parse_record", "sequence_of"]

_RECORD = 8192
"""One read gives one record; a shorter buffer makes the kernel answer EINVAL."""
_KERNEL = ord("8")
_MOST = 4000
"""Records in one turn."""
_TURN_S = 0.006
"""At 50,000 lines a second every fifth moment is spent with them, and no more."""
_PAUSE_S = 0.025
_BEGIN_S = 2.0
"""For what is there at the start, should more be written as fast as it is read."""
_ESCAPE = re.compile(rb"\\x([0-9a-f]{2})")
_DEVICE = re.compile(rb"\n DEVICE=\+[\w-]+:([^\s\\]+)")


class KernelRecord(NamedTuple):
    """One message of the kernel."""

    text: str
    device: str | None = None
    """Address on its bus, where the driver's core put it into the record's dictionary."""


def open_kernel_log(path: str = "/dev/kmsg") -> int:
    """A descriptor that does not wait.

    Raises:
        OSError: no right to it, or no such device.
    """
    return os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)


def sequence_of(record: bytes) -> int | None:
    """Its number in the log."""
    with contextlib.suppress(ValueError, IndexError):
        return int(record.split(b",", 2)[1])
    return None


def parse_record(record: bytes) -> KernelRecord:
    r"""A record of the kernel; what it escaped (``\xNN``) comes back.

    >>> parse_record(b"6,1234,551326415,-;NETDEV WATCHDOG: eth0\n SUBSYSTEM=pci\n DEVICE=+pci:0000:02:00.0\n")
    KernelRecord(text='NETDEV WATCHDOG: eth0', device='0000:02:00.0')
    """
    body = record.partition(b";")[2]
    text = body.partition(b"\n")[0]
    if b"\\x" in text:
        text = _ESCAPE.sub(lambda found: bytes((int(found[1], 16),)), text)
    device = _DEVICE.search(body)
    return KernelRecord(text.decode("utf-8", "surrogateescape"), None if device is None else device[1].decode("utf-8", "surrogateescape"))


class KernelLog:
    """Reads what is new, a bounded part of it at a time."""

    def __init__(self, handle: int, keep_bytes: int) -> None:
        """Take what is there already; it counts as old."""
        self._handle = handle
        self._keep_bytes, self._kept_bytes = keep_bytes, 0
        self._kept: collections.deque[bytes] = collections.deque()
        self._last: bytes | None = None
        self._has_gap = False
        self.lost = 0
        """Records that were overwritten before they were read; whoever tells of them sets it back."""
        self.rest_until_s = 0.0
        """Until then there is a pause: too much is written."""
        end_s = time.monotonic() + _BEGIN_S
        while self._read(_MOST, end_s)[1] and time.monotonic() < end_s:
            pass
        self.lost, self.rest_until_s = 0, 0.0

    def fileno(self) -> int:
        """What to wait on."""
        return self._handle

    def close(self) -> None:
        """Follow no more."""
        os.close(self._handle)

    def read(self) -> list[bytes]:
        """Records of the kernel since the last time, as it wrote them."""
        found, is_more = self._read(_MOST, time.monotonic() + _TURN_S)
        if is_more:
            self.rest_until_s = time.monotonic() + _PAUSE_S
        return found

    def _read(self, most: int, end_s: float) -> tuple[list[bytes], bool]:
        found: list[bytes] = []
        handle, kept, read = self._handle, self._kept, os.read
        for number in range(most):
            try:
                record = read(handle, _RECORD)
            except BlockingIOError:
                return found, False
            except OSError as error:
                if error.errno != errno.EPIPE:
                    return found, False
                self._has_gap = True
                continue
            if not record:
                return found, False
            if self._has_gap:
                self._count_gap(record)
            kept.append(record)
            self._kept_bytes += len(record)
            while self._kept_bytes > self._keep_bytes:
                self._kept_bytes -= len(kept.popleft())
            self._last = record
            if record[1:2] == b"," and record[0] < _KERNEL:
                found.append(record)
            if not number & 63 and time.monotonic() >= end_s:
                return found, True
        return found, True

    def _count_gap(self, record: bytes) -> None:
        self._has_gap = False
        before, now = None if self._last is None else sequence_of(self._last), sequence_of(record)
        self.lost += 1 if before is None or now is None else max(1, now - before - 1)

    def newest(self, most_bytes: int) -> bytes:
        """The newest whole records, oldest first."""
        taken: list[bytes] = []
        size = 0
        for record in reversed(self._kept):
            size += len(record)
            if size > most_bytes:
                break
            taken.append(record)
        return b"".join(reversed(taken))
