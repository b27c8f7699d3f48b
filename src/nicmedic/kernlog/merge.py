# SPDX-License-Identifier: GPL-2.0-or-later
"""Put the boots and events of several sources together: a dmesg and a syslog of one boot are one boot, and tell each event once."""

import dataclasses
import datetime
from collections.abc import Sequence

from nicmedic.kernlog.events import Fact
from nicmedic.model.boot import Boot
from nicmedic.model.event import Event, EventKind

__all__ = ["merge_sources"]

_MOST_ALIKE = 16
"""Earlier events with the same text and stamp that a further one is compared with."""
_SAME_MOMENT_S = 120.0
_ZONE_STEP_S = 900
_WIDEST_ZONES_S = 26 * 3600
"""From UTC-12 to UTC+14."""


def merge_sources(boots: Sequence[Boot], events: Sequence[Event], facts: Sequence[Fact]) -> tuple[list[Boot], list[Event], list[Fact]]:
    """Merge boots that share an id or an event, renumber them, and mark events told a second time."""
    marked = _mark_copies(events, boots)
    parent = list(range(len(boots)))

    def root(number: int) -> int:
        while parent[number] != number:
            parent[number] = parent[parent[number]]
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
    members: dict[int, list[Boot]] = {}
    for boot in boots:
        members.setdefault(root(boot.index), []).append(boot)
    numbers = {old: new for new, old in enumerate(sorted(members))}
    merged = [_merge(number, members[old]) for old, number in numbers.items()]

    def place(number: int | None) -> int | None:
        return None if number is None else numbers[root(number)]

    return (
        merged,
        _mark_in_same_boot([dataclasses.replace(event, boot=place(event.boot)) for event in marked]),
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


def _mark_copies(events: Sequence[Event], boots: Sequence[Boot]) -> list[Event]:
    """Mark events that another source, or another part of the same one, shows a second time: same text and kernel stamp, and nothing against it.

    The stamp alone does not do: in a log of many boots the link comes up at the same microsecond more often than one thinks.
    """
    by_index = {boot.index: boot for boot in boots}
    seen: dict[tuple[str, float | str], list[int]] = {}
    taken: set[tuple[int, str]] = set()
    marked: list[Event] = []
    for event in events:
        first = None
        stamp = round(event.uptime_s, 3) if event.uptime_s is not None else event.time or event.local_time
        if stamp is not None:
            alike = seen.setdefault((event.text, stamp), [])
            first = next((number for number in alike if _may_be_copy(marked[number], event, by_index, taken, number)), None)
            if first is None and len(alike) < _MOST_ALIKE:
                alike.append(len(marked))
            elif first is not None:
                taken.add((first, event.source))
        marked.append(dataclasses.replace(event, same_as=first) if first is not None else event)
    return marked


def _mark_in_same_boot(events: list[Event]) -> list[Event]:
    """Now that boots are merged: a message with the same kernel stamp in the same boot is the same message, link changes too."""
    seen: dict[tuple[int | None, str, float], int] = {}
    for number, event in enumerate(events):
        if event.uptime_s is None or event.same_as is not None:
            continue
        first = seen.setdefault((event.boot, event.text, event.uptime_s), number)
        if first != number and events[first].source != event.source:
            events[number] = dataclasses.replace(event, same_as=first)
    return events


def _may_be_copy(first: Event, second: Event, boots: dict[int, Boot], taken: set[tuple[int, str]], number: int) -> bool:
    """Whether nothing says that two events with the same text and stamp are different ones.

    Without a kernel stamp only another source can hold a copy, and of several alike in one second the n-th is a copy of the n-th.
    """
    if (first.source, first.line) == (second.source, second.line):
        return False
    if first.source == second.source and first.uptime_s != second.uptime_s:
        return False  # within one source stamps keep all their digits; another may have rounded them
    if first.uptime_s is None and (first.source == second.source or (number, second.source) in taken):
        return False
    one, other = (boots.get(event.boot) if event.boot is not None else None for event in (first, second))
    if one is not None and other is not None:
        if one.boot_id is not None and other.boot_id is not None and one.boot_id != other.boot_id:
            return False
        if _are_different_hosts(one.host, other.host) or _are_different_kernels(one, other):
            return False
    apart_s = _find_seconds_apart(first, second)
    if apart_s is None:
        # A link comes up at much the same moment of every boot; without a wall clock that is no proof.
        return first.boot == second.boot or first.kind not in (EventKind.LINK_UP, EventKind.LINK_DOWN)
    if apart_s <= _SAME_MOMENT_S:
        return True
    unknown_zones = first.source != second.source and (first.time is None or second.time is None)
    rest = apart_s % _ZONE_STEP_S
    return unknown_zones and apart_s <= _WIDEST_ZONES_S and min(rest, _ZONE_STEP_S - rest) <= _SAME_MOMENT_S


def _are_different_kernels(first: Boot, second: Boot) -> bool:
    pairs = ((first.kernel_release, second.kernel_release), (first.kernel_package, second.kernel_package))
    return any(one is not None and other is not None and one != other for one, other in pairs)


def _are_different_hosts(first: str | None, second: str | None) -> bool:
    """Two names; an address may be anybody's."""
    if first is None or second is None or ":" in first + second or first[:1].isdigit() or second[:1].isdigit():
        return False
    return first.split(".", 1)[0].lower() != second.split(".", 1)[0].lower()


def _find_seconds_apart(first: Event, second: Event) -> float | None:
    """Between the wall clocks of two events; None: one has none."""
    if first.time is not None and second.time is not None:
        one, other = datetime.datetime.fromisoformat(first.time), datetime.datetime.fromisoformat(second.time)
        return abs((one - other).total_seconds())
    if first.local_time is None or second.local_time is None:
        return None
    yearless = first.local_time.startswith("--") or second.local_time.startswith("--")
    one, other = (
        datetime.datetime.fromisoformat("2000-" + text[-len("01-01T00:00:00") :] if yearless else text)
        for text in (event.local_time.split(".", 1)[0] for event in (first, second) if event.local_time is not None)
    )
    apart_s = abs((one - other).total_seconds())
    return min(apart_s, 366 * 86_400 - apart_s) if yearless else apart_s
