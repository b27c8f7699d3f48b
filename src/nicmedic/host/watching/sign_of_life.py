# SPDX-License-Identifier: GPL-2.0-or-later
"""Whether somebody watches this host now, and when a watcher last said that it lives. For who reads what it wrote; nobody is disturbed."""

import datetime
import fcntl
import os

from nicmedic.host.watching.lock import LOCK
from nicmedic.host.watching.teller import METRICS_FILE
from nicmedic.report.metrics_text import parse_metrics

__all__ = ["is_watched", "read_last_sign"]

_HEARTBEAT = "nicmedic_watch_heartbeat_timestamp_seconds"
_MOST_BYTES = 4 << 20


def is_watched(path: str | None = None) -> bool | None:
    """Whether a process holds the watcher's lock; None: that cannot be found out.

    A watcher that begins while we try it tries again for seconds.
    """
    try:
        descriptor = os.open(LOCK if path is None else path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except FileNotFoundError:
        return False  # it is in memory: since this boot nobody has
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return None
    finally:
        os.close(descriptor)
    return False


def read_last_sign() -> str | None:
    """The heartbeat that a watcher of this boot wrote last, by its own clock (ISO 8601); None: there is none."""
    try:
        with open(METRICS_FILE, encoding="utf-8", errors="replace") as file:  # noqa: PTH123  # strings throughout
            beat = parse_metrics(file.read(_MOST_BYTES), prefix=_HEARTBEAT).get(_HEARTBEAT)
        return None if beat is None else datetime.datetime.fromtimestamp(beat).astimezone().isoformat(timespec="seconds")
    except (OSError, ValueError, OverflowError):
        return None
