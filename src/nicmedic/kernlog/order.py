# SPDX-License-Identifier: GPL-2.0-or-later
"""Put the records of one source into the order of time where a tool turned them round. Pure and stable: equal times keep their order."""

from collections.abc import Sequence
from itertools import pairwise

from nicmedic.model.record import Record

__all__ = ["is_newest_first", "restore_order"]

_FEWEST = 5
_MOST = 0.9


def _key(record: Record) -> tuple[float, ...] | None:
    if record.uptime_s is not None:
        return (record.uptime_s,)
    if record.wall is not None and record.wall.year is not None:
        return tuple(float(part or 0) for part in record.wall[:7])
    return None


def is_newest_first(records: Sequence[Record]) -> bool:
    """Whether stamps fall steadily: Loki, Elastic and ``journalctl -r`` show the newest line first."""
    keys = [key for key in map(_key, records) if key is not None]
    pairs = [(first, second) for first, second in pairwise(keys) if first != second and len(first) == len(second)]
    falling = sum(1 for first, second in pairs if second < first)
    return len(pairs) >= _FEWEST and falling >= _MOST * len(pairs)


def restore_order(records: Sequence[Record], parts: Sequence[int | None] = ()) -> list[Record]:
    """Records oldest first. ``parts``: for each record the pstore part it stood in; part 1 is the newest piece."""
    if any(part is not None for part in parts):
        numbered = sorted(zip(parts, records, strict=True), key=lambda pair: -(pair[0] or 0))
        return [record for _, record in numbered]
    return list(reversed(records)) if is_newest_first(records) else list(records)
