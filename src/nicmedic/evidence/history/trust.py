# SPDX-License-Identifier: GPL-2.0-or-later
"""What a source may be believed: any user can write a line to syslog that looks like the kernel's; none can to the journal's kernel messages.

A list of the journal's boots counts entries of all programs, and a user who may not read the system's journal gets the list of his own.
"""

import dataclasses
from collections.abc import Sequence

from nicmedic.evidence.history.copies import Copies
from nicmedic.evidence.history.sighting import Sighting, read_time
from nicmedic.model.event import Event
from nicmedic.model.history import Source

__all__ = ["drop_doubtful", "limit_lists"]

_SAME_LINE_S = 60.0
_EDGE_S = 5.0
_UNREADABLE = "it has no kernel messages: this user may not read the system journal, or it was not kept (sudo nicmedic history)"


def limit_lists(sightings: Sequence[Sighting]) -> tuple[list[Sighting], list[Source]]:
    """Lists of boots cover only what the log that they are of has kernel messages of; and those that have none at all."""
    begins: dict[tuple[str, str | None], float] = {}
    for each in sightings:
        if each.covers_uptime and each.began is not None:
            key = (each.source, each.boot_id)
            begins[key] = min(begins.get(key, each.began + each.covers_uptime[0][0]), each.began + each.covers_uptime[0][0])
    limited, covering = [], dict[str, bool]()
    for each in sightings:
        if each.lists is None:
            limited.append(each)
            continue
        begin = begins.get((each.lists, each.boot_id)) if each.boot_id is not None else None
        spans = () if begin is None else tuple((max(first, begin), last) for first, last in each.covers_moments if last > begin)
        covering[each.source] = covering.get(each.source, False) or bool(spans)
        limited.append(dataclasses.replace(each, covers_moments=spans))
    return limited, [Source(name=name, trouble=_UNREADABLE) for name, covers in covering.items() if not covers]


def drop_doubtful(groups: Sequence[Sequence[Sighting]]) -> tuple[list[list[Sighting]], list[str]]:
    """Boots, each as a list, without what only a log of all programs tells where the kernel's own log covers that time; and a sentence each."""
    notes: list[str] = []
    own = [sighting for group in groups for sighting in group if sighting.kernels_own]
    kept = []
    for group in groups:
        if _is_refuted(group, own):
            names = ", ".join(sorted({sighting.source for sighting in group}))
            notes.append(
                f"{names}: tells of a boot at a time when the kernel's own log shows another one; anybody can write that: left out"
            )
        else:
            kept.append([_without_doubtful(sighting, group, notes) for sighting in group])
    return kept, notes


def _is_refuted(group: Sequence[Sighting], own: Sequence[Sighting]) -> bool:
    """Whether it is in nothing but logs of all programs, and began while the kernel's own log went on with another boot."""
    return all(not each.kernels_own and each.covers_uptime and _is_in_another(each, own) for each in group)


def _is_in_another(sighting: Sighting, own: Sequence[Sighting]) -> bool:
    if sighting.seen is None or not sighting.zoned or sighting.shifted:
        return False
    return any(
        first <= sighting.seen[0] < last - _EDGE_S
        for other in own
        if other.zoned and not other.shifted and _short(other.host) == _short(sighting.host)
        for first, last in other.covers_moments
    )


def _short(host: str | None) -> str | None:
    return None if host is None else host.partition(".")[0].lower()


def _without_doubtful(sighting: Sighting, group: Sequence[Sighting], notes: list[str]) -> Sighting:
    if sighting.kernels_own:
        return sighting
    own = [other for other in group if other.kernels_own]
    theirs = [event for other in own for event in other.events]
    copies, texts = Copies(enumerate(theirs)), dict[str, list[Event]]()
    for event in theirs:
        texts.setdefault(event.text, []).append(event)
    kept, is_forged = [], False
    for event in sighting.events:
        if copies.find(event) is not None or not _is_covered(event, own):
            kept.append(event)
        elif event.hang and not any(_is_near(event, other) for other in texts.get(event.text, ())):
            is_forged = True
    if is_forged:
        notes.append(
            f"{sighting.source}: tells of a hang that the kernel's own log of that time does not have; anybody can write that: left out"
        )
    return sighting if len(kept) == len(sighting.events) else dataclasses.replace(sighting, events=tuple(kept))


def _is_covered(event: Event, own: Sequence[Sighting]) -> bool:
    if event.uptime_s is not None:
        return any(first <= event.uptime_s <= last for each in own for first, last in each.covers_uptime)
    if event.time is None:
        return False
    moment, zoned = read_time(event.time)
    return zoned and any(
        first + _EDGE_S < moment < last - _EDGE_S for each in own if each.zoned and not each.shifted for first, last in each.covers_moments
    )


def _is_near(first: Event, second: Event) -> bool:
    """Of lines that read alike: the same one, though one log dates it by when it was written down."""
    return first.uptime_s is None or second.uptime_s is None or abs(first.uptime_s - second.uptime_s) <= _SAME_LINE_S
