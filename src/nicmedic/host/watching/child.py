# SPDX-License-Identifier: GPL-2.0-or-later
"""Questions that may sleep in the kernel for ever are asked by a forked child; one that does not come back is left behind.

Not for starting programs: that is ``nicmedic.host.run``.
"""

import contextlib
import json
import os
import select
import signal
import time
from collections.abc import Callable, Mapping

from nicmedic.host.timed_reader import keep_descriptors

__all__ = ["Child", "Tell", "Work"]

Tell = Callable[[Mapping[str, object]], None]
"""How the child says something; it may do so several times."""
Work = Callable[[Tell], None]
_MOST_BYTES = 8 << 20


def _be_the_child(work: Work, write_end: int) -> None:
    try:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_DFL)
        keep_descriptors(write_end)

        def tell(said: Mapping[str, object]) -> None:
            data = json.dumps(said).encode() + b"\n"
            while data:
                data = data[os.write(write_end, data) :]

        work(tell)
    finally:
        os._exit(0)


class Child:
    """One child with one question. What it says comes line by line, so that a part of it counts when the rest never comes."""

    def __init__(self, work: Work) -> None:
        """Start it.

        Raises:
            OSError: no child can be started.
        """
        self.began_s = time.monotonic()
        self._read_end, write_end = os.pipe()
        try:
            self._pid = os.fork()
        except OSError:
            os.close(self._read_end)
            os.close(write_end)
            raise
        if self._pid == 0:
            _be_the_child(work, write_end)
        os.close(write_end)
        os.set_blocking(self._read_end, False)
        self._data = b""
        self._is_open, self._is_reaped = True, False
        self.ended = False
        """It has said all that it had to say."""

    def fileno(self) -> int:
        """What to wait on."""
        return self._read_end

    def read(self) -> None:
        """Take what is there; does not wait."""
        while self._is_open and not self.ended and len(self._data) < _MOST_BYTES:
            try:
                piece = os.read(self._read_end, 1 << 16)
            except BlockingIOError:
                return
            self._data += piece
            self.ended = not piece

    def wait(self, within_s: float) -> bool:
        """Whether it ends in that time."""
        end = time.monotonic() + within_s
        waiting = select.poll()
        waiting.register(self._read_end, select.POLLIN)
        while not self.ended and (left := end - time.monotonic()) > 0:
            waiting.poll(1 + left * 1000)
            self.read()
        return self.ended

    def said(self) -> dict[str, object]:
        """All that it said up to now, as one; a line that is not whole does not count."""
        made: dict[str, object] = {}
        for line in self._data.split(b"\n")[:-1]:
            with contextlib.suppress(ValueError):
                said = json.loads(line)
                made.update(said if isinstance(said, dict) else {})
        return made

    def is_gone(self) -> bool:
        """Whether the kernel has let go of it. Does not wait."""
        if not self._is_reaped:
            try:
                self._is_reaped = os.waitpid(self._pid, os.WNOHANG)[0] != 0
            except ChildProcessError:  # somebody else took note of its end
                self._is_reaped = True
        return self._is_reaped

    def leave(self) -> None:
        """Do without it. In vain as long as it sleeps in the kernel; it goes when that wakes up."""
        if self._is_open:
            os.close(self._read_end)
            self._is_open = False
        if not self.is_gone():
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._pid, signal.SIGKILL)
            if self.ended:
                with contextlib.suppress(ChildProcessError):
                    os.waitpid(self._pid, 0)
                self._is_reaped = True
