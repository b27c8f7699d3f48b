# SPDX-License-Identifier: GPL-2.0-or-later
"""The tracepoint ``net:net_dev_xmit_timeout`` (include/trace/events/net.h), which tells each expiry of the transmit watchdog as it happens.

It is switched on in an instance of tracefs of our own, which nobody else's tracing disturbs, and which is removed at the end.
A line of ``trace_pipe``:

              <idle>-0       [001] d.s2.  1234.567890: net_dev_xmit_timeout: dev=eth0 driver=r8169 queue=0
"""

import contextlib
import os
import re

__all__ = ["ROOTS", "Tracepoint", "find_tracefs", "parse_timeouts"]

ROOTS = ("/sys/kernel/tracing", "/sys/kernel/debug/tracing")
_INSTANCE = "instances/nicmedic"
_EVENT = "events/net/net_dev_xmit_timeout"
_SETTINGS = (("buffer_size_kb", b"16"), ("buffer_percent", b"0"), ("tracing_on", b"1"))
"""The second since Linux 5.0: a reader is woken by the first event."""
_LINE = re.compile(rb": net_dev_xmit_timeout: dev=(\S+) driver=(.*) queue=(\d+)\s*$", re.MULTILINE)
_MOST_BYTES = 1 << 16


def find_tracefs() -> str | None:
    """Where it is mounted."""
    return next((root for root in ROOTS if os.path.isdir(f"{root}/instances")), None)  # noqa: PTH112  # strings, as the kernel has them


def parse_timeouts(data: bytes) -> list[tuple[str, str, int]]:
    """Interface, driver and queue of each. The event is told for all network namespaces, and an interface is called the same in many."""
    return [(_decode(name), _decode(driver), int(queue)) for name, driver, queue in _LINE.findall(data)]


def _decode(word: bytes) -> str:
    return word.decode("utf-8", "surrogateescape")


def _write(path: str, data: bytes) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(handle, data)
    finally:
        os.close(handle)


class Tracepoint:
    """The event, switched on."""

    def __init__(self, root: str) -> None:
        """``root``: of tracefs.

        Raises:
            OSError: the kernel has no such event, or does not let us.
        """
        self._folder = f"{root}/{_INSTANCE}"
        os.stat(f"{root}/{_EVENT}")  # noqa: PTH116  # strings, as the kernel has them; it says why not
        with contextlib.suppress(FileExistsError):  # one that was killed has left it
            os.mkdir(self._folder)  # noqa: PTH102  # strings, as the kernel has them
        self._handle = -1
        try:
            for name, value in _SETTINGS:
                with contextlib.suppress(OSError):
                    _write(f"{self._folder}/{name}", value)
            self._handle = os.open(f"{self._folder}/trace_pipe", os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
            _write(f"{self._folder}/{_EVENT}/enable", b"1")
        except OSError:
            self.close()
            raise

    def fileno(self) -> int:
        """What to wait on."""
        return self._handle

    def read(self) -> list[tuple[str, str, int]]:
        """What is there; does not wait."""
        with contextlib.suppress(OSError):
            return parse_timeouts(os.read(self._handle, _MOST_BYTES))
        return []

    def close(self) -> None:
        """Leave tracefs as it was."""
        with contextlib.suppress(OSError):
            _write(f"{self._folder}/{_EVENT}/enable", b"0")
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1
        with contextlib.suppress(OSError):
            os.rmdir(self._folder)  # noqa: PTH106  # strings, as the kernel has them
