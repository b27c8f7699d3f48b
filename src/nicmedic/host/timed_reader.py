# SPDX-License-Identifier: GPL-2.0-or-later
"""Read small files, each with a limit of time, for a driver that hangs may never answer.

A child reads. One that never comes back is left behind, and the next file gets a new one. A thread would not do: one that sleeps
uninterruptibly keeps its whole process from ending (kernel/exit.c, ``delay_group_leader``: a process is gone when its last thread is).
"""

import os
import select
import signal
import stat
import struct
import time
from typing import BinaryIO, cast

__all__ = ["LARGEST", "MOST_DESCRIPTORS", "TimedReader", "keep_descriptors", "read_bounded"]

LARGEST = 256 << 10
_READ_SECONDS = 1.0
_LEAST_SECONDS = 0.1
MOST_DESCRIPTORS = 8192
"""No process of ours has more, or a child would keep some."""
_REQUEST = struct.Struct("<IQ")
"""How long the path is, and how many bytes of the file are wanted."""
_ANSWER = struct.Struct("<?iQ")
"""Whether it could be read, the error's number, and how much follows: data, or what the error says."""


def keep_descriptors(*wanted: int) -> None:
    """In a child: hold nothing that somebody else might wait for, but these."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in range(3):
        os.dup2(nowhere, descriptor)
    begin = 3
    for kept in sorted(wanted):
        os.closerange(begin, kept)
        begin = kept + 1
    os.closerange(begin, MOST_DESCRIPTORS)


def read_bounded(path: str, most: int) -> bytes:
    """A regular file's first bytes, through several reads, as procfs needs it."""
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise OSError(None, "not a regular file")
        pieces = []
        while most > 0 and (piece := os.read(handle, most)):
            pieces.append(piece)
            most -= len(piece)
        return b"".join(pieces)
    finally:
        os.close(handle)


def _serve(requests: BinaryIO, answers: BinaryIO) -> None:
    """In the child, until the parent closes its end or is gone."""
    while head := requests.read(_REQUEST.size):
        length, most = _REQUEST.unpack(head)
        try:
            answer = read_bounded(os.fsdecode(requests.read(length)), most)
            answers.write(_ANSWER.pack(True, 0, len(answer)) + answer)  # noqa: FBT003  # a field of the format
        except (OSError, ValueError) as error:
            number = error.errno if isinstance(error, OSError) else None
            text = "" if number else str(error.strerror if isinstance(error, OSError) else error)
            answers.write(_ANSWER.pack(False, number or 0, len(text.encode())) + text.encode())  # noqa: FBT003  # a field of the format
        answers.flush()


class TimedReader:
    """Reads until a deadline. After each file that does not answer it waits half as long for the next, so that many cost little."""

    def __init__(self, deadline: float, seconds: float = _READ_SECONDS) -> None:
        self._deadline, self._seconds = deadline, seconds
        self._child: int | None = None
        self._ask = self._answer = -1
        self._left: list[int] = []

    @property
    def is_late(self) -> bool:
        """Whether the time for all of it is over."""
        return time.monotonic() >= self._deadline

    def read(self, path: str, most: int = LARGEST) -> bytes:
        """Up to ``most`` bytes.

        Raises:
            OSError: it cannot be read; TimeoutError: it did not answer.
        """
        seconds = min(self._seconds, self._deadline - time.monotonic())
        if seconds <= 0:
            raise TimeoutError(None, "no time left")
        if self._child is None:
            self._start()
        name = os.fsencode(path)
        end = time.monotonic() + seconds
        try:
            os.write(self._ask, _REQUEST.pack(len(name), most) + name)
            could, number, length = _ANSWER.unpack(self._receive(_ANSWER.size, end))
            data = self._receive(length, max(end, self._deadline))
        except (TimeoutError, BrokenPipeError, EOFError) as error:
            self._leave()
            self._seconds = max(min(self._seconds, _LEAST_SECONDS), self._seconds / 2)
            why = f"did not answer within {seconds:.1f} s" if isinstance(error, TimeoutError) else "who read it was ended"
            raise TimeoutError(None, why) from None
        if not could:
            raise OSError(number, os.strerror(number)) if number else OSError(None, data.decode())
        return data

    def _start(self) -> None:
        ask_read, self._ask = os.pipe()
        self._answer, answer_write = os.pipe()
        try:
            child = os.fork()
        except OSError:
            for descriptor in (self._ask, self._answer):
                os.close(descriptor)
            raise
        else:
            if child == 0:
                self._be_the_child(ask_read, answer_write)
        finally:
            os.close(ask_read)
            os.close(answer_write)
        self._child = child

    @staticmethod
    def _be_the_child(ask_read: int, answer_write: int) -> None:
        try:
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                signal.signal(number, signal.SIG_DFL)
            keep_descriptors(ask_read, answer_write)
            _serve(cast("BinaryIO", os.fdopen(ask_read, "rb")), cast("BinaryIO", os.fdopen(answer_write, "wb")))
        finally:
            os._exit(0)

    def _receive(self, length: int, end: float) -> bytes:
        pieces = []
        while length > 0:
            ready, _, _ = select.select([self._answer], [], [], max(0.0, end - time.monotonic()))
            if not ready:
                raise TimeoutError
            piece = os.read(self._answer, min(length, 1 << 20))
            if not piece:
                raise EOFError
            pieces.append(piece)
            length -= len(piece)
        return b"".join(pieces)

    def _leave(self) -> None:
        """Do without this child, whether it can be ended or not."""
        if self._child is not None:
            os.close(self._ask)
            os.close(self._answer)
            os.kill(self._child, signal.SIGKILL)  # in vain while it sleeps in the kernel; it goes when that wakes up
            self._left.append(self._child)
            self._child = None

    def close(self) -> None:
        """End the child that waits for the next question; take note of the end of those that were left behind."""
        if self._child is not None:
            idle = self._child
            self._leave()
            os.waitpid(idle, 0)
            self._left.remove(idle)
        for child in self._left:
            os.waitpid(child, os.WNOHANG)
        self._left.clear()
