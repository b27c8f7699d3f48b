# SPDX-License-Identifier: GPL-2.0-or-later
"""A folder of records that one process at a time may change: a lock file in it, which the kernel lets go when its holder ends."""

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator

from nicmedic.host.files import make_folder, tell_state
from nicmedic.model.errors import BusyError

__all__ = ["hold_folder"]


@contextlib.contextmanager
def hold_folder(folder: str, patience_s: float, *, who: str, hint: str) -> Iterator[None]:
    """Nobody else changes it meanwhile; it is made if it is not there.

    Args:
        folder: with ``lock`` in it.
        patience_s: how long to wait for somebody else.
        who: what that is, for the message.
        hint: what to look at, behind ``fuser``.

    Raises:
        BusyError: somebody else holds it all that time.
        StateError: it cannot be made.
    """
    make_folder(folder)
    path = f"{folder}/lock"
    with tell_state(path):
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        until = time.monotonic() + patience_s
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except OSError as error:
                if time.monotonic() >= until:
                    message = f"{who}: it has held {path} for {patience_s:.0f} s ({error.strerror})"
                    raise BusyError(message, hint=f"fuser -v {path} ; {hint}") from None
            time.sleep(0.05)
        yield
    finally:
        os.close(handle)
