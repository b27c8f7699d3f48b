# SPDX-License-Identifier: GPL-2.0-or-later
"""The light pieces of evidence: counters of the minute before, and what the kernel said before and after. The heavy ones are errands."""

import json
from collections.abc import Sequence

from nicmedic.model.incident import Evidence, EvidenceKind
from nicmedic.model.sample import Sample

__all__ = ["find_last_line", "keep_log", "keep_log_after", "keep_samples"]

_FIELDS = ("up", "carrier", "tx_packets", "tx_bytes", "rx_packets", "rx_bytes", "backlog_bytes", "dequeued")
_LONGEST_LINE = 512


def keep_samples(samples: Sequence[Sample], now_s: float, at: str) -> Evidence:
    """One row a second, oldest first, with seconds before the verdict; a queue is a pair: bytes in flight, expiries of its watchdog."""
    rows = [
        [round(sample.monotonic_s - now_s, 3), *(getattr(sample, name) for name in _FIELDS), [list(queue) for queue in sample.queues]]
        for sample in samples
    ]
    table = {"columns": ["seconds", *_FIELDS, "queues"], "queue": ["inflight", "tx_timeout"], "rows": rows}
    return Evidence(kind=EvidenceKind.SAMPLES, at=at, data=json.dumps(table, separators=(",", ":")).encode())


def keep_log(log: bytes, at: str) -> Evidence:
    """The newest lines there were when it was noticed."""
    return Evidence(kind=EvidenceKind.KERNEL_LOG, at=at, data=log)


def find_last_line(log: bytes) -> bytes:
    """To find it again in what comes later."""
    return log.rstrip(b"\n").rpartition(b"\n")[2][-_LONGEST_LINE:]


def keep_log_after(log: bytes, last_line: bytes, at: str) -> Evidence | None:
    """What came after a line; all of it where the line is not in it any more; None: nothing came."""
    _, found, after = log.rpartition(last_line) if last_line else (b"", b"", log)
    data = (after if found else log).lstrip(b"\n")
    return Evidence(kind=EvidenceKind.KERNEL_LOG_AFTER, at=at, data=data) if data else None
