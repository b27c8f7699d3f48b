# SPDX-License-Identifier: GPL-2.0-or-later
"""Standard streams that may be closed, full, or unable to take a character. Not for what is written: that is ``cli/output.py``.

Imported at every start, so it imports nothing of ours until something is wrong.
"""

import contextlib
import errno
import io
import os
import sys
from collections.abc import Iterator
from typing import TextIO

__all__ = ["mend_streams", "turn_away", "write_answer", "write_complaint", "write_data"]


def mend_streams() -> None:
    """Put something in place of closed streams, and let characters that the encoding lacks be written as escapes.

    A closed descriptor would be given to the next file that is opened, and Python has None for its stream. Standard output gets one
    that cannot be written to, so that an answer that nobody gets is an error, as with a full disk.
    """
    if sys.stdin is None:
        sys.stdin = open(os.devnull, encoding="utf-8")  # noqa: PTH123, SIM115  # open as long as the program
    if sys.stdout is None:
        sys.stdout = os.fdopen(os.open(os.devnull, os.O_RDONLY), "w", encoding="utf-8")
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115  # open as long as the program
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def turn_away(stream: TextIO) -> None:
    """Let what a stream still holds vanish: Python would complain once more at exit."""
    with contextlib.suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


@contextlib.contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        from nicmedic.model.errors import NicmedicError  # --help does not need it

        turn_away(sys.stdout)
        hint = "df -h   # is there room?" if error.errno in {errno.ENOSPC, errno.EDQUOT} else ""
        raise NicmedicError(f"standard output cannot be written: {error.strerror or error}", hint=hint) from error


def write_answer(text: str) -> None:
    """Write to standard output, now.

    Raises:
        NicmedicError: it cannot be written; BrokenPipeError, when the reader went away, stays what it is.
    """
    with _told():
        sys.stdout.write(text)
        sys.stdout.flush()


def write_data(data: bytes) -> None:
    """Write bytes as they are to standard output, now.

    Raises:
        NicmedicError: as ``write_answer``.
    """
    with _told():
        sys.stdout.flush()
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()


def write_complaint(text: str) -> None:
    """Write to standard error; where that fails, there is nobody left to tell."""
    try:
        sys.stderr.write(text)
        sys.stderr.flush()
    except OSError:
        turn_away(sys.stderr)
