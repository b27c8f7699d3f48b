# SPDX-License-Identifier: GPL-2.0-or-later
"""Put the boots and events of several sources together: a dmesg and a syslog of one boot are one boot, and tell each event once."""

import dataclasses
from collections.abc import Sequence

from nicmedic.kernlog.events import Fact, merge_copies
from nicmedic.model.boot import Boot
from nicmedic.model.event import Event

__all__ = ["merge_sources"]


def merge_sources(boots: Sequence[Boot], events: Sequence[Event], facts: Sequence[Fact]) -> tuple[list[Boot], list[Event], list[Fact]]:
    """Merge boots that share an id or an event, renumber them, and mark events told a second time."""
    marked = merge_copies(events)
    parent = list(range(len(boots)))

    def root(number: int) -> int:
        while parent[number] != number:
            number = parent[number]
        return number

    def join(first: int, second: int) -> None:
        low, high = sorted((root(first), root(second)))
        parent[high] = low

    by_id: dict[str, int] = {}
    for boot in boots:
        if boot.boot_id is not None:
            join(by_id.setdefault(boot.boot_id, boot.index), boot.index)
    for event in marked:
        if event.same_as is not None and event.boot is not None:
            other = marked[event.same_as].boot
            if other is not None:
                join(other, event.boot)
    roots = sorted({root(boot.index) for boot in boots})
    numbers = {old: new for new, old in enumerate(roots)}
    merged = [_merge(number, [boot for boot in boots if root(boot.index) == old]) for number, old in enumerate(roots)]

    def place(number: int | None) -> int | None:
        return None if number is None else numbers[root(number)]

    return (
        merged,
        [dataclasses.replace(event, boot=place(event.boot)) for event in marked],
        [dataclasses.replace(fact, boot=numbers[root(fact.boot)]) for fact in facts],
    )


def _merge(index: int, members: Sequence[Boot]) -> Boot:
    """One boot from the views that several sources have of it; what the first does not know the next may."""
    if len(members) == 1:
        return dataclasses.replace(members[0], index=index)
    values: dict[str, object] = {}
    for field in dataclasses.fields(Boot):
        found = [value for value in (getattr(member, field.name) for member in members) if value is not None]
        if field.name in {"last_uptime_s", "last_time"}:
            values[field.name] = max(found, default=None)
        elif field.name in {"first_uptime_s", "first_time"}:
            values[field.name] = min(found, default=None)
        else:
            values[field.name] = found[0] if found else None
    return dataclasses.replace(members[0], **{**values, "index": index})  # type: ignore[arg-type]  # values of the same fields
