# SPDX-License-Identifier: GPL-2.0-or-later
"""The only place that starts programs. No shell, a fixed locale, and nothing out of a log among the arguments."""

import contextlib
import os
import shlex
import shutil
import subprocess
from collections.abc import Iterator, Sequence

from nicmedic.model.errors import MissingToolError, UnreadableInputError

__all__ = ["find_program", "stream_program"]

_ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8", "SYSTEMD_COLORS": "0", "SYSTEMD_PAGER": "", "TZ": "UTC"}
_BLOCK = 1 << 20
_MOST_COMPLAINT = 4096


def find_program(name: str) -> str | None:
    """Path of a program of this machine; None: it is not installed."""
    return shutil.which(name, path=_ENVIRONMENT["PATH"])


def stream_program(command: Sequence[str], *, hint: str = "") -> Iterator[bytes]:
    """Run a program and yield what it prints, in blocks of up to 1 MiB.

    Raises:
        MissingToolError: it is not installed; ``hint`` tells what to do then.
        UnreadableInputError: it cannot be started, or failed; what it said stands in the message.
    """
    program = find_program(command[0])
    if program is None:
        message = f"{command[0]} is needed here and is not installed"
        raise MissingToolError(message, hint=hint)
    with contextlib.ExitStack() as opened:
        try:
            # A pipe that is read only at the end would block a program that complains more than 64 KiB; a file needs a folder to be written in.
            complaints = opened.enter_context(os.fdopen(os.memfd_create("nicmedic"), "w+b"))
            process = opened.enter_context(
                subprocess.Popen(  # a fixed program with fixed options and a path
                    [program, *command[1:]], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=complaints, env=_ENVIRONMENT
                )
            )
        except OSError as error:
            message = f"{command[0]} cannot be started: {error.strerror or error}"
            raise UnreadableInputError(message, hint=shlex.join(command)) from None
        assert process.stdout is not None  # noqa: S101  # asked for above
        try:
            while block := process.stdout.read1(_BLOCK):  # type: ignore[attr-defined]  # a BufferedReader, says the subprocess manual
                yield block
            if process.wait() != 0:
                complaints.seek(0)
                complaint = complaints.read(_MOST_COMPLAINT).decode("utf-8", "replace").strip()
                message = f"{command[0]} failed with status {process.returncode}: {complaint or 'it said nothing'}"
                raise UnreadableInputError(message, hint=shlex.join(command))
        finally:
            if process.poll() is None:
                process.kill()
