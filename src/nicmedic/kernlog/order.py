# SPDX-License-Identifier: GPL-2.0-or-later
"""Put the records of one source into the order of time where a tool turned them round. Pure and stable: equal times keep their order."""

from collections.abc import Iterable, Sequence
from itertools import pairwise

from nicmedic.model.record import Record

__all__ = ["is_newest_first", "restore_order"]

_FEWEST = 5
_MOST = 0.9


def _compare(keys: Iterable[tuple[float, ...]]) -> tuple[int, int]:
    """How many neighbours differ, and how many of these fall."""
    pairs = [(first, second) for first, second in pairwise(keys) if first != second]
    return len(pairs), sum(1 for first, second in pairs if second < first)


def is_newest_first(records: Sequence[Record]) -> bool:
    """Whether stamps fall steadily: Loki, Elastic and ``journalctl -r`` show the newest line first.

    Wall clocks outweigh uptimes: one line of each of many boots, oldest first, may well have uptimes that fall.
    """
    steps, falling = _compare(tuple(float(part or 0) for part in record.wall[:7]) for record in records if record.wall is not None)
    if steps < _FEWEST:
        steps, falling = _compare((record.uptime_s,) for record in records if record.uptime_s is not None)
    return steps >= _FEWEST and falling >= _MOST * steps


def restore_order(records: Sequence[Record], parts: Sequence[int | None] = ()) -> list[Record]:
    """Records oldest first. ``parts``: for each record the pstore part it stood in; part 1 is the newest piece."""
    if any(part is not None for part in parts):
        numbered = sorted(zip(parts, records, strict=True), key=lambda pair: -(pair[0] or 0))
        return [record for _, record in numbered]
    return list(reversed(records)) if is_newest_first(records) else list(records)
