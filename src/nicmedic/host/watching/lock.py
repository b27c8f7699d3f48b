# SPDX-License-Identifier: GPL-2.0-or-later
"""One watcher a host: two would write every incident twice, and treat a card against each other. Resident."""

import fcntl
import os
import time

from nicmedic.host.files import make_folder, tell_state
from nicmedic.model.errors import BusyError

__all__ = ["LOCK", "hold_lock"]

LOCK = "/run/nicmedic/watch.lock"
_PATIENCE_S = 3.0
"""A service that is started anew may come before the last one is wholly gone."""


def _read_holder(descriptor: int) -> int | None:
    text = os.pread(descriptor, 20, 0).strip()
    return int(text) if text.isdigit() else None


def _sleeps_for_ever(pid: int) -> bool:
    """Whether a process cannot even be killed now: it sleeps uninterruptibly in the kernel, and keeps its locks."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:  # noqa: PTH123  # strings throughout
            return file.read(4096).rpartition(b")")[2].split()[:1] == [b"D"]
    except OSError:
        return False


def hold_lock(path: str = LOCK) -> tuple[int, str | None]:
    """Hold it until this process ends.

    Returns:
        The descriptor, and what is odd about it, if anything: another one holds it too, but cannot go.

    Raises:
        BusyError: another watcher runs.
        StateError: the folder cannot be written.
    """
    make_folder(os.path.dirname(path))  # noqa: PTH120  # as above
    with tell_state(path):
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    until = time.monotonic() + _PATIENCE_S
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = _read_holder(descriptor)
            if time.monotonic() < until:
                time.sleep(0.1)
                continue
            if holder is not None and _sleeps_for_ever(holder):
                return (
                    descriptor,
                    f"process {holder} watches too, and cannot be ended: it sleeps in the kernel. This one goes on beside it.",
                )
            os.close(descriptor)
            who = f"process {holder}" if holder is not None else "another process"
            hint = "systemctl status nicmedic-watch ; nicmedic incidents"
            raise BusyError(f"{who} watches this host already", hint=hint) from None
        with tell_state(path):
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        return descriptor, None
