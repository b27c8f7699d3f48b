# SPDX-License-Identifier: GPL-2.0-or-later
"""Ask several things side by side, each in a child of its own that can be left behind.

A thread would not do: one that sleeps uninterruptibly, as on the lock of all networking, keeps its whole process from ending.
"""

import contextlib
import os
import select
import signal
import time
from collections.abc import Callable, Sequence

from nicmedic.host.timed_reader import keep_descriptors

__all__ = ["LeftBehindError", "ask_side_by_side", "is_left"]

_MOST_BYTES = 1 << 16
_TURNS, _TURN_S = 20, 0.002


def _run(job: Callable[[], str], keep: Sequence[int], write_end: int) -> None:
    """In the child: what it finds out, and what goes wrong with that, is told the same way."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    keep_descriptors(write_end, *keep)
    os.write(write_end, b"+" + job().encode("utf-8", "surrogateescape")[: _MOST_BYTES - 1])


def _start(job: Callable[[], str], keep: Sequence[int]) -> tuple[int, int]:
    read_end, write_end = os.pipe()
    try:
        child = os.fork()
    except OSError:
        os.close(read_end)
        raise
    else:
        if child == 0:
            try:
                _run(job, keep, write_end)
            except BaseException as error:  # noqa: BLE001  # the end of the child's world: nobody else could tell
                text = isinstance(error, OSError) and error.strerror
                os.write(write_end, f"-{text or repr(error)}".encode("utf-8", "surrogateescape"))
            finally:
                os._exit(0)
    finally:
        os.close(write_end)
    return child, read_end


def _collect(read_ends: Sequence[int], until: float) -> dict[int, bytes]:
    """What each child says until it ends; those that do not answer in time are missing."""
    said: dict[int, bytes] = {}
    waiting = dict.fromkeys(read_ends, b"")
    while waiting and (left := until - time.monotonic()) > 0:
        for read_end in select.select(list(waiting), [], [], left)[0]:
            piece = os.read(read_end, _MOST_BYTES)
            waiting[read_end] += piece
            if not piece:
                said[read_end] = waiting.pop(read_end)
    return said


class LeftBehindError(TimeoutError):
    """No answer in time, and the child sleeps in the kernel, where it cannot be ended."""

    def __init__(self, within_s: float, child: int) -> None:
        super().__init__(
            None, f"no answer within {within_s:.1f} s: it waits in the kernel, where something may hold the lock of all networking"
        )
        self.child = child


def is_left(child: int) -> bool:
    """Whether a child that was left behind is still there; takes note of its end."""
    try:
        return os.waitpid(child, os.WNOHANG)[0] == 0
    except ChildProcessError:
        return False


def _end_all(children: Sequence[tuple[int, int]]) -> frozenset[int]:
    """End them; those that stay are returned, and go as soon as the kernel lets them."""
    for child, read_end in children:
        os.close(read_end)
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
    left = frozenset(child for child, _ in children)
    for _ in range(_TURNS):
        left = frozenset(child for child in left if is_left(child))
        if not left:
            break
        time.sleep(_TURN_S)
    return left


def _read_answer(answer: bytes | None, within_s: float) -> str | OSError:
    if answer is None:
        return TimeoutError(None, f"no answer within {within_s:.1f} s")
    text = answer[1:].decode("utf-8", "surrogateescape")
    return text if answer.startswith(b"+") else OSError(None, text or "who asked was ended")


def ask_side_by_side(jobs: Sequence[Callable[[], str]], within_s: float, keep: Sequence[int] = ()) -> tuple[str | OSError, ...]:
    """Let each job find something out; what it returns, in their order, or why there is no answer.

    Args:
        jobs: carried out in a child each: what they change stays there.
        within_s: for all of them; who has not answered then is killed, and left behind where the kernel does not let it go.
        keep: descriptors that the jobs use; all others are closed there.
    """
    until = time.monotonic() + within_s
    children: dict[int, tuple[int, int]] = {}
    made: list[str | OSError] = [OSError() for _ in jobs]
    try:
        for number, job in enumerate(jobs):
            try:
                children[number] = _start(job, keep)
            except OSError as error:
                made[number] = OSError(error.errno, f"no child can be started: {error.strerror or error}")
        said = _collect([read_end for _, read_end in children.values()], until)
    finally:
        left = _end_all(tuple(children.values()))
    for number, (child, read_end) in children.items():
        stays = child in left and read_end not in said
        made[number] = LeftBehindError(within_s, child) if stays else _read_answer(said.get(read_end), within_s)
    return tuple(made)
