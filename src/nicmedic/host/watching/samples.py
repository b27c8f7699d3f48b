# SPDX-License-Identifier: GPL-2.0-or-later
"""Counters of a card several times a second, from files that are opened once.

None of them can block: ``inflight`` and ``tx_timeout`` of a queue take no lock, and a driver is asked for its statistics under a lock that forbids
sleeping (``dev_base_lock`` in net/core/net-sysfs.c ``netstat_show``, RCU in net/core/net-procfs.c ``dev_seq_start`` and in newer sysfs).
Each file below ``statistics/`` asks the driver once more, and some drivers ask their card, register by register (e1000e, igb) or by a transfer that
they wait for (r8169 ``rtl8169_update_counters``). So where there are few interfaces all four numbers are taken from ``/proc/net/dev`` at once.
"""

import contextlib
import os
import resource
import time

from nicmedic.host.sysfs import Folder
from nicmedic.host.timed_reader import MOST_DESCRIPTORS
from nicmedic.host.watching.cards import NET
from nicmedic.host.watching.link_table import Link
from nicmedic.model.sample import QueueSample, Sample

__all__ = ["CardReader", "NetDev", "parse_net_dev_line"]

_COUNTERS = ("tx_packets", "tx_bytes", "rx_packets", "rx_bytes")
_UP = 1
_LONG = 8192
"""Bytes of ``/proc/net/dev`` up to which it is the cheaper way: some 70 interfaces."""
_FRESH_S = 0.005
_TIMEOUTS_EVERY_S = 1.0
"""The kernel's watchdog takes 5 s, so its count need not be read at each look."""
_PIECE = 1 << 16
_RESERVE = 64
"""Descriptors that are left to everything else: children, questions, the database, metrics."""
_Numbers = tuple[int | None, int | None, int | None, int | None]
_UNKNOWN: _Numbers = (None, None, None, None)


def parse_net_dev_line(data: bytes, name: bytes) -> _Numbers | None:
    """Sent packets and bytes, received packets and bytes of one interface; None: it does not stand there.

    >>> parse_net_dev_line(b"  eth0: 1000 10 0 0 0 0 0 0 500 5 0 0 0 0 0 0", b"eth0")
    (5, 500, 10, 1000)
    """
    at = -1
    while (at := data.find(name + b":", at + 1)) >= 0:
        if at == 0 or data[at - 1] in b" \n":
            end = data.find(b"\n", at)
            fields = data[at + len(name) + 1 : end if end >= 0 else len(data)].split()
            if len(fields) < 10:
                return None
            return int(fields[9]), int(fields[8]), int(fields[1]), int(fields[0])
    return None


class NetDev:
    """``/proc/net/dev``, read once for all cards that are looked at in the same moment."""

    def __init__(self, path: str = "/proc/net/dev") -> None:
        self._handle = -1
        with contextlib.suppress(OSError):
            self._handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        self._data, self._read_s, self._is_whole = b"", 0.0, False
        self._taken: set[bytes] = set()

    def close(self) -> None:
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1

    def numbers(self, name: bytes) -> _Numbers | None:
        """Of one interface; nothing is told twice."""
        now = time.monotonic()
        if name in self._taken or now - self._read_s > _FRESH_S:
            self._data, self._read_s, self._is_whole = b"", now, False
            self._taken.clear()
        self._taken.add(name)
        found = parse_net_dev_line(self._data, name)
        while found is None and not self._is_whole:  # it comes in pieces of a page; most often the first one will do
            self._read_on()
            found = parse_net_dev_line(self._data, name)
        return found

    @property
    def is_long(self) -> bool:
        """Whether so much of it had to be read that a card's own files are the better way."""
        return len(self._data) > _LONG

    def _read_on(self) -> None:
        piece = b""
        with contextlib.suppress(OSError):
            piece = os.pread(self._handle, _PIECE, len(self._data)) if self._handle >= 0 else b""
        self._data += piece
        self._is_whole = not piece or len(self._data) >= _PIECE


def _open(folder: Folder, name: str) -> int | None:
    with contextlib.suppress(OSError):
        return os.open(f"{folder.path}/{name}", os.O_RDONLY | os.O_CLOEXEC)
    return None


def _keep_open(folder: Folder, name: str, below: int) -> int | None:
    """As ``_open``, of what may be many. The kernel gives the lowest descriptor that is free."""
    handle = _open(folder, name)
    if handle is not None and handle >= below:
        os.close(handle)
        return None
    return handle


def _find_bound() -> int:
    return max(_RESERVE, min(resource.getrlimit(resource.RLIMIT_NOFILE)[0], MOST_DESCRIPTORS) - _RESERVE)


def _number(handle: int | None) -> int | None:
    if handle is None:
        return None
    with contextlib.suppress(ValueError):
        return int(os.pread(handle, 32, 0))
    return None


class CardReader:
    """One card's files; useless once its interface is gone or has another name."""

    def __init__(self, interface: str, net_dev: NetDev) -> None:
        """Open them.

        Raises:
            OSError: there is no such interface.
        """
        self._name = os.fsencode(interface)
        self._net_dev = net_dev
        folder = Folder().folder(f"{NET}/{interface}")
        self._flags = os.open(f"{folder.path}/flags", os.O_RDONLY | os.O_CLOEXEC)
        self._state = _open(folder, "operstate")
        queues = [f"queues/{queue}" for queue in folder.names("queues") if queue.startswith("tx-")]
        bound = _find_bound()
        files = [f"{queue}/byte_queue_limits/inflight" for queue in queues]
        self._inflight = [_keep_open(folder, file, bound) for file in files]
        self.unread = sum(handle is None and folder.has(file) for handle, file in zip(self._inflight, files, strict=True))
        """Of so many queues it is not seen what is in flight, for too many files would be open."""
        self._timeout = [f"{queue}/tx_timeout" for queue in queues]
        self._folder: int | None = None
        with contextlib.suppress(OSError):
            self._folder = os.open(folder.path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        self._counters: list[int | None] = []
        self._timeouts: list[int | None] = []
        self._timeouts_s = float("-inf")

    def _open_counters(self) -> None:
        folder = Folder().folder(f"{NET}/{os.fsdecode(self._name)}/statistics")
        self._counters = [_open(folder, name) for name in _COUNTERS]

    def close(self) -> None:
        """Close all."""
        for handle in (self._flags, self._state, self._folder, *self._inflight, *self._counters):
            if handle is not None:
                os.close(handle)

    def _read_counters(self) -> _Numbers:
        if not self._counters:
            found = self._net_dev.numbers(self._name)
            if found is None or self._net_dev.is_long:
                self._open_counters()
            if found is not None:
                return found
        first, second, third, fourth = map(_number, self._counters)
        return first, second, third, fourth

    def _read_timeout(self, file: str) -> int | None:
        """Once a second, and there may be thousands: not kept open."""
        if self._folder is None:
            return None
        with contextlib.suppress(OSError, ValueError):
            handle = os.open(file, os.O_RDONLY | os.O_CLOEXEC, dir_fd=self._folder)
            try:
                return int(os.read(handle, 32))
            finally:
                os.close(handle)
        return None

    def _guess_carrier(self) -> bool | None:
        """Without word from the kernel: not quite the same, but sysfs tells it without a lock (``carrier`` takes one since Linux 6.5)."""
        state = b"" if self._state is None else os.pread(self._state, 32, 0).strip()
        return {b"up": True, b"down": False, b"lowerlayerdown": False}.get(state)

    def read(self, link: Link | None) -> Sample:
        """Now.

        Raises:
            OSError: it is gone.
        """
        counters = self._read_counters()
        inflight = [_number(handle) for handle in self._inflight]
        now = time.monotonic()
        if now - self._timeouts_s >= _TIMEOUTS_EVERY_S:
            self._timeouts, self._timeouts_s = [self._read_timeout(file) for file in self._timeout], now
        is_up = bool(int(os.pread(self._flags, 32, 0), 0) & _UP)
        carrier = self._guess_carrier() if link is None else link.lower_up
        return Sample(now, is_up, carrier if is_up else None, *counters, tuple(map(QueueSample, inflight, self._timeouts)))
