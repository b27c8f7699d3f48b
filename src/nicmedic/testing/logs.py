# SPDX-License-Identifier: GPL-2.0-or-later
"""Logs in memory, and one read of them that fails."""

from collections.abc import Iterable, Iterator, Mapping

from nicmedic.model.errors import KernelLogAccessError, NicmedicError, UnreadableInputError
from nicmedic.ports.logs import LogStream

__all__ = ["FakeLogs"]


class FakeLogs:
    """``nicmedic.ports.logs.LogSource`` without a machine. One contract test runs against this and the real one."""

    def __init__(
        self,
        logs: Mapping[str, bytes],
        *,
        own: bytes | None = None,
        block_size: int = 1 << 16,
        fail_at: int | None = None,
        error: Exception | None = None,
    ) -> None:
        """Keep the logs.

        Args:
            logs: name to content.
            own: the machine's own kernel log; None: this user may not read it.
            block_size: so many bytes come in one block.
            fail_at: the read, counted from 0 over all logs, that raises.
            error: what it raises; by default an ``UnreadableInputError``.
        """
        self._logs, self._own, self._block_size = logs, own, block_size
        self._fail_at = fail_at
        self._error = UnreadableInputError("read failed as asked", hint="read it again") if error is None else error
        self._turn = 0
        self.reads = 0
        """Blocks asked for so far, over all logs."""
        self.since: str | None = None
        """What ``open_own_log`` was asked for last."""

    def _blocks(self, data: bytes, turn: int) -> Iterator[bytes]:
        for start in range(0, len(data), self._block_size):
            if turn != self._turn:
                raise ValueError("I/O operation on closed file")  # as on the machine: the next log was asked for
            number, self.reads = self.reads, self.reads + 1
            if number == self._fail_at:
                raise self._error
            yield data[start : start + self._block_size]

    def open_logs(self, names: Iterable[str]) -> Iterator[LogStream | NicmedicError]:
        for name in names:
            if name in self._logs:
                yield LogStream(name=name, blocks=self._blocks(self._logs[name], self._turn))
            else:
                yield UnreadableInputError(f"{name}: there is no such file", hint="ls")
            self._turn += 1

    def open_own_log(self, since: str | None) -> Iterator[LogStream | NicmedicError]:
        self.since = since
        if self._own is None:
            yield KernelLogAccessError("this user may not read the kernel log", hint="sudo nicmedic explain")
        else:
            yield LogStream(name="journal of this machine", blocks=self._blocks(self._own, self._turn))

    def open_boot_log(self) -> Iterator[LogStream | NicmedicError]:
        if self._own is None:
            yield KernelLogAccessError("this user may not read the kernel log", hint="sudo nicmedic check")
        else:
            yield LogStream(name="/dev/kmsg", blocks=self._blocks(self._own, self._turn))
