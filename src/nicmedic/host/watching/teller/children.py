# SPDX-License-Identifier: GPL-2.0-or-later
"""Children that send and serve: forked, so that they begin at once and hold the policy with its secrets in memory only. Resident."""

import contextlib
import os
import signal
import time
from collections.abc import Callable

from nicmedic.host.timed_reader import keep_descriptors

__all__ = ["Helper"]

_ORDINARY = "0"
"""The watcher is spared when memory is short; who only tells is not."""
_MODESTY = 15
"""A treatment that runs at the same time goes first."""


class Helper:
    """One child with a task. It sees the end of ``until_closed`` when we are gone, however that came."""

    def __init__(self, task: Callable[[int], None], *, within_s: float | None = None) -> None:
        """Begin it.

        Args:
            task: gets the descriptor ``until_closed``.
            within_s: it is ended then.

        Raises:
            OSError: no process can be made.
        """
        read_end, self._write_end = os.pipe()
        try:
            self._pid = os.fork()
        except OSError:
            os.close(self._write_end)
            raise
        else:
            if self._pid == 0:
                self._be_the_child(task, read_end)
        finally:
            os.close(read_end)
        self._until_s = None if within_s is None else time.monotonic() + within_s

    @staticmethod
    def _be_the_child(task: Callable[[int], None], read_end: int) -> None:
        status = 1
        try:
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                signal.signal(number, signal.SIG_DFL)
            keep_descriptors(read_end)
            with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w", encoding="ascii") as file:  # noqa: PTH123  # a string
                file.write(_ORDINARY)
            with contextlib.suppress(OSError):
                os.nice(_MODESTY)
            task(read_end)
            status = 0
        finally:
            os._exit(status)

    def has_ended(self) -> bool:
        """Whether it is gone; one whose time is over is ended."""
        with contextlib.suppress(ChildProcessError):
            pid, _ = os.waitpid(self._pid, os.WNOHANG)
            if pid == 0:
                if self._until_s is not None and time.monotonic() >= self._until_s:
                    self.end()
                return False
        with contextlib.suppress(OSError):
            os.close(self._write_end)
        return True

    def end(self) -> None:
        """It goes, as soon as the kernel lets it."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._pid, signal.SIGKILL)
