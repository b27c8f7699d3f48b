# SPDX-License-Identifier: GPL-2.0-or-later
"""Messages to hangs: many lines may tell of one stall, and one line may hide many stalls."""

import re
from collections.abc import Iterable, Sequence

from nicmedic.model.event import Event, EventKind
from nicmedic.model.finding import Hang

__all__ = ["find_began_s", "group_hangs", "is_warn_once"]

_SAME_HANG_S = 30.0
"""A driver repeats its report every 2 to 16 s while a stall lasts, and its reset takes a few seconds more."""
_SAME_HANG_LINES = 60
_SAME_BEGIN_S = 1.5
_WITH_DRIVER = re.compile(r"NETDEV WATCHDOG: [^\s:()]+ \([^)]*\): ")


def is_warn_once(event: Event) -> bool:
    """Whether the kernel that printed a watchdog line prints only the first of a boot, for all NICs together.

    True for the wordings with the driver in brackets, Linux 2.6.27 to 6.7: WARN_ONCE in net/sched/sch_generic.c until e316dd1cf135 ("net: don't dump
    stack on queue timeout", 6.8; stable 6.6.47 and 6.1.107).
    """
    return event.kind is EventKind.TX_TIMEOUT and _WITH_DRIVER.match(event.text) is not None


def find_began_s(event: Event) -> float | None:
    """Uptime at which the stall of this message began: its stamp less the age it prints."""
    if event.uptime_s is None or event.stall_ms is None:
        return event.uptime_s
    return max(0.0, event.uptime_s - event.stall_ms / 1000)


def _belongs(event: Event, last: Event, first: Event) -> bool:
    """Whether an event goes on with the stall that ``first`` began and ``last`` told of most recently."""
    if event.uptime_s is not None and last.uptime_s is not None:
        if abs(event.uptime_s - last.uptime_s) <= _SAME_HANG_S:
            return True
        if event.stall_ms is not None and first.stall_ms is not None:
            began, other = find_began_s(event), find_began_s(first)
            return began is not None and other is not None and abs(began - other) <= _SAME_BEGIN_S
        return False
    return event.source == last.source and event.line - last.line <= _SAME_HANG_LINES


def group_hangs(events: Sequence[Event]) -> list[Hang]:
    """Group the events that mean a stall, by NIC and boot, in order of their first line."""
    groups: list[list[int]] = []
    current: dict[tuple[int | None, str | None, str | None], list[int]] = {}
    for number, event in enumerate(events):
        if not event.hang or event.same_as is not None:
            continue
        key = (event.boot, event.interface or event.bus, event.driver)
        group = current.get(key)
        if group is not None and _belongs(event, events[group[-1]], events[group[0]]):
            group.append(number)
        else:
            current[key] = [number]
            groups.append(current[key])
    return [_freeze(group, events) for group in groups]


def _freeze(group: Sequence[int], events: Sequence[Event]) -> Hang:
    members = [events[number] for number in group]
    return Hang(
        interface=_first(member.interface for member in members),
        driver=_first(member.driver for member in members),
        boot=members[0].boot,
        events=tuple(group),
        began_uptime_s=min((began for began in map(find_began_s, members) if began is not None), default=None),
        stall_ms=max((member.stall_ms for member in members if member.stall_ms is not None), default=None),
        queues=tuple(sorted({member.queue for member in members if member.queue is not None})),
        messages=sum(1 + member.repeated for member in members),
        warn_once=any(map(is_warn_once, members)),
    )


def _first(names: Iterable[str | None]) -> str | None:
    return next((name for name in names if name is not None), None)
