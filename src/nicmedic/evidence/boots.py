# SPDX-License-Identifier: GPL-2.0-or-later
"""Several sightings of one boot to one record: what they agree on, the most exact of what they don't, and how much of it a log covers."""

import dataclasses
import functools
import itertools
from collections.abc import Callable, Iterable, Sequence

from nicmedic.evidence.history.copies import Copies
from nicmedic.evidence.history.sighting import ANY_ZONE_S, Sighting, render_moment
from nicmedic.kernlog.hangs import group_hangs
from nicmedic.model.event import Event, EventKind
from nicmedic.model.finding import Hang
from nicmedic.model.history import BootEnd, BootRecord, Gap, HangRecord

__all__ = ["add_hang", "build_boot", "find_began"]

_SAME_GAP_S = 120.0
_SAME_HANG_S = 60.0
_LEAST_GAP_S = 300.0
_SUMMER_S = 3600.0
"""A zone that was found by comparison may be off by daylight saving."""
_ENDS = (BootEnd.RUNNING, BootEnd.CLEAN, BootEnd.CRASH)
"""The first of them that any source tells is believed: only who looked at the end can tell of a shutdown."""


def _best(group: Sequence[Sighting]) -> Sighting | None:
    """Whose beginning is believed: a zone first, then a log with the kernel's clock, then exactness."""
    dated = [sighting for sighting in group if sighting.began is not None]
    return min(
        dated, key=lambda each: (not each.zoned, each.shifted, not each.covers_uptime, each.within_s, each.source, each.order), default=None
    )


def find_began(group: Sequence[Sighting]) -> float | None:
    """When a boot began, as well as it is known."""
    best = _best(group)
    return None if best is None else best.began


def _unite(spans: Iterable[tuple[float, float]], until: float | None) -> list[tuple[float, float]]:
    united: list[tuple[float, float]] = []
    for first, last in sorted(spans):
        begin, end = max(0.0, first), last if until is None else min(last, until)
        if end <= begin:
            continue
        if united and begin <= united[-1][1]:
            united[-1] = (united[-1][0], max(united[-1][1], end))
        else:
            united.append((begin, end))
    return united


def _merge_gaps(group: Sequence[Sighting]) -> list[Gap]:
    """Those of the log that covers most, and what others have beside them."""
    gaps: list[Gap] = []
    for sighting in sorted(group, key=lambda each: (-sum(last - first for first, last in each.covers_uptime), each.source)):
        for gap in sighting.gaps:
            if not any(
                gap.why == other.why and abs((gap.began_uptime_s or 0) - (other.began_uptime_s or 0)) <= _SAME_GAP_S for other in gaps
            ):
                gaps.append(gap)
    return sorted(gaps, key=lambda gap: gap.began_uptime_s or 0.0)


class _Clock:
    """From moments to uptimes and back, suspensions left out."""

    def __init__(self, began: float | None, gaps: Sequence[Gap]) -> None:
        jumps = [gap.began_uptime_s or 0.0 for gap in gaps if gap.why == "clock jump"]
        # what was slept before the clock was set for the last time is in its own step
        since = max(jumps, default=-1.0)
        slept = [gap for gap in gaps if gap.why == "suspended" and (gap.began_uptime_s or 0.0) > since]
        self.began = began
        self.slept = [((gap.began_uptime_s or 0.0), (gap.hours or 0.0) * 3600) for gap in slept]

    def uptime(self, moment: float) -> float:
        passed = moment - (self.began or 0.0)
        for at, seconds in self.slept:
            if passed > at:
                passed = max(at, passed - seconds)
        return passed

    def moment(self, uptime_s: float) -> float:
        return (self.began or 0.0) + uptime_s + sum(seconds for at, seconds in self.slept if at < uptime_s)


def add_hang(hangs: Sequence[HangRecord], seen: HangRecord) -> tuple[HangRecord, ...]:
    """With one that somebody of ours saw: of its own where no log told of it."""
    added = list(hangs)
    for number, hang in enumerate(hangs):
        near = hang.uptime_s is not None and seen.uptime_s is not None and abs(hang.uptime_s - seen.uptime_s) <= _SAME_HANG_S
        if near and hang.interface in (None, seen.interface):
            added[number] = dataclasses.replace(hang, sources=tuple(sorted({*hang.sources, *seen.sources})))
            break
    else:
        added.append(seen)
    return tuple(sorted(added, key=lambda hang: (hang.uptime_s is None, hang.uptime_s or 0.0)))


def build_boot(group: Sequence[Sighting], find_package: Callable[[str, float, float], tuple[str, str] | None]) -> BootRecord:
    """One boot.

    Args:
        group: sightings that are of one boot.
        find_package: version and source of a kernel's package, by release, moment and how far off that may be.
    """
    best = _best(group)
    began = None if best is None else best.began
    zoned = best is None or best.zoned
    alike = [sighting for sighting in group if sighting.zoned == zoned]
    gaps = _merge_gaps(group)
    clock = _Clock(began, gaps)
    end = next((end for end in _ENDS if any(sighting.end is end for sighting in group)), BootEnd.UNKNOWN)
    ended = _find_ended(alike, end, began)
    ran_s = _find_ran_s(group, end, began, ended, clock)
    covered = _find_covered(group, alike, clock, ran_s)
    gaps += [
        Gap(began_uptime_s=round(first, 1), hours=round((last - first) / 3600, 4), why="no log")
        for first, last in _uncovered(covered, ran_s)
    ]
    release, package = _first(group, "kernel_release"), _first(group, "kernel_package")
    evidence = next((each.kernel_evidence for each in group if each.kernel_package == package), None) if package else None
    within_s = None if best is None else best.within_s + (0.0 if zoned else ANY_ZONE_S) + (_SUMMER_S if best.shifted else 0.0)
    if package is None and release is not None and began is not None and within_s is not None:
        package, evidence = find_package(release, began, within_s) or (None, None)
    suspends = [sighting.suspends for sighting in group if sighting.suspends is not None]
    hangs = functools.reduce(add_hang, (hang for sighting in group for hang in sighting.hangs), tuple(_find_hangs(group, clock)))
    return BootRecord(
        boot_id=_first(group, "boot_id"),
        host=_first(group, "host"),
        began=None if began is None else render_moment(began),
        began_within_s=None if within_s is None else round(within_s, 1),
        ended=None if ended is None else render_moment(ended),
        end=end,
        kernel_release=release,
        kernel_package=package,
        kernel_evidence=evidence,
        ran_h=None if ran_s is None else round(ran_s / 3600, 4),
        covered_h=round(sum(last - first for first, last in covered) / 3600, 4),
        suspends=max(suspends, default=None),
        gaps=tuple(sorted(gaps, key=lambda gap: (gap.began_uptime_s or 0.0, gap.why))),
        hangs=hangs,
        xen=_first(group, "xen"),
        firmware=_first(group, "firmware"),
        command_line=_first(group, "command_line"),
        circumstances=_find_circumstances(group),
        sources=tuple(sorted({sighting.source for sighting in group})),
    )


def _first(group: Sequence[Sighting], name: str) -> str | None:
    return next((value for sighting in group if (value := getattr(sighting, name)) is not None), None)


def _find_ended(group: Sequence[Sighting], end: BootEnd, began: float | None) -> float | None:
    """The last moment at which anybody saw it; of a shutdown, when that source saw it."""
    seen = [sighting.seen[1] for sighting in group if sighting.seen is not None]
    if began is not None:
        seen = [moment for moment in seen if moment >= began - 1]
    if end is BootEnd.CLEAN:
        told = [sighting.seen[1] for sighting in group if sighting.end is end and sighting.seen is not None and sighting.seen[1] in seen]
        return max(told, default=None) if told else max(seen, default=None)
    return max(seen, default=None)


def _find_ran_s(group: Sequence[Sighting], end: BootEnd, began: float | None, ended: float | None, clock: _Clock) -> float | None:
    """At least until the last line of any log, by the kernel's own clock."""
    if end is BootEnd.UNKNOWN or (end is BootEnd.CRASH and not any(sighting.exact_end for sighting in group)):
        return None
    last = max((last for sighting in group for _, last in sighting.covers_uptime), default=None)
    if began is not None and ended is not None:
        return max(0.0, clock.uptime(ended), last or 0.0)
    return last


def _find_covered(group: Sequence[Sighting], alike: Sequence[Sighting], clock: _Clock, ran_s: float | None) -> list[tuple[float, float]]:
    spans = [span for sighting in group for span in sighting.covers_uptime]
    if clock.began is not None:
        spans += [(clock.uptime(first), clock.uptime(last)) for sighting in alike for first, last in sighting.covers_moments]
    return _unite(
        spans, None if ran_s is None else max(ran_s, max((last for each in group for _, last in each.covers_uptime), default=0.0))
    )


def _uncovered(covered: Sequence[tuple[float, float]], ran_s: float | None) -> list[tuple[float, float]]:
    """Before, between and, where the end is known, after what is covered."""
    edges = [(0.0, 0.0), *covered]
    if ran_s is not None:
        edges.append((ran_s, ran_s))
    return [(one[1], other[0]) for one, other in itertools.pairwise(edges) if other[0] - one[1] > _LEAST_GAP_S]


def _find_circumstances(group: Sequence[Sighting]) -> dict[str, str]:
    """How each link was when it came up last, and what else a source tells."""
    found = {what: value for sighting in group for what, value in sighting.circumstances}
    events = sorted((event for sighting in group for event in sighting.events), key=lambda event: event.uptime_s or 0.0)
    for event in events:
        if event.kind is EventKind.LINK_UP and event.interface is not None and event.speed_mbps is not None:
            found[f"link {event.interface}"] = f"{event.speed_mbps} Mb/s{f' {event.duplex}' if event.duplex else ''}"
    return found


def _distinct(group: Sequence[Sighting]) -> tuple[list[Event], dict[int, set[str]]]:
    """Each event once, and by its place all sources that told it."""
    kept: list[Event] = []
    told: dict[int, set[str]] = {}
    for sighting in group:
        copies = Copies((place, event) for place, event in enumerate(kept) if sighting.source not in told[place])
        for event in sighting.events:
            if event.same_as is not None:
                continue
            twin = copies.find(event)
            if twin is None:
                told[len(kept)] = {sighting.source}
                kept.append(event)
            else:
                told[twin].add(sighting.source)
                copies.drop(twin)
                if event.repeated > kept[twin].repeated:
                    kept[twin] = dataclasses.replace(kept[twin], repeated=event.repeated)
    order = sorted(
        range(len(kept)), key=lambda place: (kept[place].uptime_s is None, kept[place].uptime_s or 0.0, kept[place].time or "", place)
    )
    return [dataclasses.replace(kept[place], boot=0) for place in order], {new: told[old] for new, old in enumerate(order)}


def _find_hangs(group: Sequence[Sighting], clock: _Clock) -> list[HangRecord]:
    events, told = _distinct([_only_hangs(sighting) for sighting in group])
    return [_hang(hang, events, told, clock) for hang in group_hangs(events)]


def _only_hangs(sighting: Sighting) -> Sighting:
    return dataclasses.replace(sighting, events=tuple(event for event in sighting.events if event.hang))


def _hang(hang: Hang, events: Sequence[Event], told: dict[int, set[str]], clock: _Clock) -> HangRecord:
    first = events[hang.events[0]]
    began = first.time
    if hang.began_uptime_s is not None and clock.began is not None:
        began = render_moment(clock.moment(hang.began_uptime_s))
    return HangRecord(
        interface=hang.interface,
        driver=hang.driver,
        began=began,
        uptime_s=None if hang.began_uptime_s is None else round(hang.began_uptime_s, 3),
        lines=hang.messages,
        warn_once=hang.warn_once,
        sources=tuple(sorted(set().union(*(told[place] for place in hang.events)))),
    )
