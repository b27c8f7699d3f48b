# SPDX-License-Identifier: GPL-2.0-or-later
"""The only place that starts programs. No shell, a fixed locale, and nothing out of a log among the arguments.

The resident watcher loads it and begins programs by ``start_program``, so what only the other ways need is imported where it is used: 1 MB.
"""

import contextlib
import os
import signal
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NoReturn

from nicmedic.model.errors import MissingToolError, UnreadableInputError

if TYPE_CHECKING:
    import subprocess

__all__ = ["Started", "become_program", "find_program", "run_limited", "start_program", "stream_program"]

_ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8", "SYSTEMD_COLORS": "0", "SYSTEMD_PAGER": "", "TZ": "UTC"}
_BLOCK = 1 << 20
_MOST_COMPLAINT = 4096
_MOST_SAID = 64 << 10


def find_program(name: str) -> str | None:
    """Path of a program of this machine; None: it is not installed."""
    for folder in ("",) if "/" in name else _ENVIRONMENT["PATH"].split(":"):
        path = os.path.join(folder, name)  # noqa: PTH118  # strings throughout
        if os.access(path, os.X_OK) and os.path.isfile(path):  # noqa: PTH113  # strings throughout
            return path
    return None


def stream_program(command: Sequence[str], *, hint: str = "") -> Iterator[bytes]:
    """Run a program and yield what it prints, in blocks of up to 1 MiB.

    Raises:
        MissingToolError: it is not installed; ``hint`` tells what to do then.
        UnreadableInputError: it cannot be started, or failed; what it said stands in the message.
    """
    import shlex
    import subprocess

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


def run_limited(command: Sequence[str], within_s: float, *, spare: bool = False, given: str = "") -> tuple[int | None, str]:
    """Run a program in a session of its own, and give up on it after a time: it is killed then with all that it started.

    One that sleeps uninterruptibly in the kernel cannot be killed; it is left behind, for waiting could last for ever.

    Args:
        command: the program and its arguments; no shell.
        within_s: the time that it has.
        spare: it is not killed, neither then nor when we are ended: it goes on alone.
        given: what it reads on its standard input.

    Returns:
        Its status, negative if a signal ended it, None if it was given up on; and the last that it printed on both its outputs.

    Raises:
        FileNotFoundError: it is not installed.
        OSError: it cannot be started.
    """
    import subprocess

    program = find_program(command[0])
    if program is None:
        raise FileNotFoundError(None, f"{command[0]} is not installed")
    with contextlib.ExitStack() as opened:  # pipes would stay open as long as anybody whom the program leaves behind, and one may be full
        said, asked = (opened.enter_context(os.fdopen(os.memfd_create("nicmedic"), "w+b")) for _ in range(2))
        asked.write(os.fsencode(given))
        asked.seek(0)
        process = subprocess.Popen(  # nothing but what a plan says, and its own undo
            [program, *command[1:]],
            stdin=asked if given else subprocess.DEVNULL,
            stdout=said,
            stderr=said,
            env=_ENVIRONMENT,
            cwd="/",
            start_new_session=True,
        )
        try:
            status: int | None = process.wait(within_s)
        except subprocess.TimeoutExpired:
            status = None
            _leave(process, spare=spare)
        except BaseException:
            _leave(process, spare=spare)
            raise
        said.seek(max(0, said.seek(0, os.SEEK_END) - _MOST_COMPLAINT))
        return status, said.read(_MOST_COMPLAINT).decode("utf-8", "replace")


def _leave(process: "subprocess.Popen[bytes]", *, spare: bool) -> None:
    """End it with its group; where the kernel does not let it go, or it is spared, do without it."""
    import subprocess

    if not spare:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(0.2)
    if process.returncode is None:
        process.returncode = -signal.SIGKILL  # else Python warns of it, and waits for it some other time


def become_program(command: Sequence[str]) -> NoReturn:
    """Go on as another program, in the same process.

    Args:
        command: the program, with its path, and its arguments; no shell.

    Raises:
        OSError: it cannot be started.
    """
    os.execv(command[0], tuple(command))  # noqa: S606  # no shell


class Started:
    """A program that goes on by itself, also when we are ended. Its end is asked for, never waited for."""

    def __init__(self, pid: int, said: int) -> None:
        """``said``: a descriptor of what it prints."""
        self.pid, self._said = pid, said
        self._status: int | None = None

    def read_status(self) -> int | None:
        """Its status, negative if a signal ended it; None: it runs."""
        if self._status is None:
            try:
                pid, status = os.waitpid(self.pid, os.WNOHANG)
            except ChildProcessError:  # somebody else took note of its end
                pid, status = self.pid, signal.SIGKILL
            if pid:
                self._status = os.waitstatus_to_exitcode(status)
        return self._status

    def read_output(self, most_bytes: int = _MOST_SAID) -> bytes:
        """The last that it printed, on both its outputs."""
        size = os.fstat(self._said).st_size
        return os.pread(self._said, most_bytes, max(0, size - most_bytes))

    def close(self) -> None:
        """What it said is read."""
        os.close(self._said)


def start_program(command: Sequence[str], environment: Mapping[str, str] | None = None) -> Started:
    """Begin a program in a session of its own, with nothing to read. It works in our own folder.

    Args:
        command: the program, with its path, and its arguments; no shell.
        environment: what it gets beside the usual.

    Raises:
        OSError: it cannot be started.
    """
    said = os.memfd_create("nicmedic")  # a pipe would fill up, and would have to be read meanwhile
    try:
        pid = os.posix_spawn(  # noqa: TID251  # here is the one place
            command[0],
            tuple(command),
            {**_ENVIRONMENT, **(environment or {})},
            file_actions=(
                (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                (os.POSIX_SPAWN_DUP2, said, 1),
                (os.POSIX_SPAWN_DUP2, said, 2),
            ),
            setsid=True,
            setsigmask=(),
            setsigdef=(signal.SIGINT, signal.SIGPIPE, signal.SIGTERM, signal.SIGHUP),
        )
    except BaseException:
        os.close(said)
        raise
    return Started(pid, said)
