# SPDX-License-Identifier: GPL-2.0-or-later
"""What happened, boot by boot: of many events those that matter, and always how many are left out."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

from nicmedic.model.boot import Boot
from nicmedic.model.event import Event, EventKind
from nicmedic.model.explanation import Explanation
from nicmedic.report.style import Style
from nicmedic.report.words import say_count

__all__ = ["render_timeline"]

_MOST_EVENTS = 12
_MOST_BOOTS = 4
_LONGEST = 170
_MINOR = (EventKind.LINK_UP, EventKind.LINK_DOWN, EventKind.OTHER)


class _Run(NamedTuple):
    """An event and how many more of its kind follow it without another between."""

    event: Event
    more: int
    last: Event


def _runs(events: Sequence[Event]) -> list[_Run]:
    runs: list[_Run] = []
    for _, members in groupby(events, key=lambda event: (event.signal, event.interface, event.bus, event.queue)):
        same = list(members)
        if len(same) < 3:
            runs += [_Run(event, event.repeated, event) for event in same]
        else:
            runs.append(_Run(same[0], len(same) - 1 + sum(event.repeated for event in same), same[-1]))
    return runs


def _clock(event: Event) -> str:
    return (event.local_time or "").replace("T", " ").removeprefix("--")[:19]


def _line(run: _Run, style: Style) -> str:
    event, clock = run.event, _clock(run.event)
    uptime = f"{event.uptime_s:.1f} s" if event.uptime_s is not None else ""
    text = event.text if style.more or len(event.text) <= _LONGEST else f"{event.text[:_LONGEST]} …"
    if run.more:
        until = _clock(run.last) or (f"{run.last.uptime_s:.1f} s" if run.last.uptime_s is not None else "")
        text += f"  (and {run.more} more like it{f', until {until}' if until and run.last is not event else ''})"
    lead = "    " + "  ".join(part for part in (clock, f"{uptime:>11}" if uptime else "") if part)
    return style.wrap(text, first=lead + "  " if lead.strip() else lead, rest="      ")


def _boot_line(boot: Boot, count: int) -> str:
    parts = [f"boot {boot.index + 1}"] if count > 1 else []
    parts += [boot.host] if boot.host else []
    if boot.kernel_release:
        build = f" ({boot.kernel_package})" if boot.kernel_package and boot.kernel_package != boot.kernel_release else ""
        parts.append(f"Linux {boot.kernel_release}{build}")
    elif boot.kernel_package:
        parts.append(f"kernel {boot.kernel_package}")
    return ", ".join([*parts, *(part for part in (boot.distro, boot.virtualization, boot.hardware) if part)])


def _chosen(events: Sequence[Event], style: Style) -> tuple[list[_Run], int]:
    """What a reader must see first: hangs and faults; links only where there is room. And how many events are left out."""
    events = [event for event in events if event.same_as is None]
    if style.more:
        return [_Run(event, event.repeated, event) for event in events], 0
    runs = _runs(events)
    if len(runs) <= _MOST_EVENTS:
        return runs, 0
    weighty = [run for run in runs if run.event.kind not in _MINOR]
    chosen = weighty or runs
    if len(chosen) > _MOST_EVENTS:
        half = _MOST_EVENTS // 2
        chosen = [*chosen[:half], *chosen[-half:]]
    told = sum(1 if run.last is run.event else run.more + 1 for run in chosen)
    return chosen, max(0, len(events) - told)


def _boot(boot: Boot | None, events: Sequence[Event], count: int, style: Style) -> Iterator[str]:
    title = _boot_line(boot, count) if boot is not None else ""
    if title:
        yield style.wrap(title, first="  ", rest="    ", paint=("blue",))
    chosen, left_out = _chosen(events, style)
    more = style.wrap(f"… {say_count(left_out, 'more event')}: --all shows all", first="    ", rest="      ")
    half = len(chosen) // 2 if len(chosen) == _MOST_EVENTS else len(chosen)
    for number, run in enumerate(chosen):
        if left_out and number == half:
            yield more
        yield _line(run, style)
    if left_out and half == len(chosen):
        yield more


def render_timeline(explanation: Explanation, style: Style) -> Iterator[str]:
    """The section on what happened; nothing when nothing was found."""
    if not explanation.events or not explanation.findings:
        return
    lines = [style.title("What happened")]
    boots = {boot.index: boot for boot in explanation.boots}
    numbers = list(dict.fromkeys(event.boot for event in explanation.events))
    shown = numbers
    if not style.more and len(numbers) > _MOST_BOOTS:
        hung = [number for number in numbers if any(hang.boot == number for hang in explanation.hangs)] or numbers
        shown = hung if len(hung) <= _MOST_BOOTS else [*hung[: _MOST_BOOTS - 1], hung[-1]]
    for place, number in enumerate(shown):
        if place and place == len(shown) - 1 and len(shown) < len(numbers):
            more = f"… {say_count(len(numbers) - len(shown), 'more boot')} with events: --all shows all"
            lines.append(style.wrap(more, first="  ", rest="    "))
        events = [event for event in explanation.events if event.boot == number]
        lines += _boot(boots.get(number) if number is not None else None, events, len(boots), style)
    yield "\n".join(lines)
