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
_LOOKS, _LOOK_S = 10, 0.5
_PROC = "/proc"


def _read_holder(descriptor: int) -> int | None:
    text = os.pread(descriptor, 20, 0).strip()
    return int(text) if text.isdigit() else None


def _read_state(pid: int) -> list[bytes]:
    """Its state, and how often it has gone to sleep."""
    try:
        with open(f"{_PROC}/{pid}/status", "rb") as file:  # noqa: PTH123  # strings throughout
            return [line.split()[1] for line in file if line.startswith((b"State:", b"voluntary_ctxt_switches:"))]
    except OSError:
        return []


def _sleeps_for_ever(pid: int) -> bool:
    """Whether a process cannot even be killed: it sleeps uninterruptibly in the kernel, and keeps its locks.

    So does whoever waits for a disk, for a moment; so it must be found in the very same sleep each time.
    """
    seen = _read_state(pid)
    for _ in range(_LOOKS):
        if seen[:1] != [b"D"]:
            return False
        time.sleep(_LOOK_S)
        if _read_state(pid) != seen:
            return False
    return True


def hold_lock(path: str = LOCK) -> tuple[int, str | None]:
    """Hold it until this process ends.

    Returns:
        The descriptor, and what is odd about it, if anything: another one holds it too, but cannot go.

    Raises:
        BusyError: another watcher runs.
        StateError: the folder cannot be written.
    """
    make_folder(os.path.dirname(path))  # noqa: PTH120  # strings throughout
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
