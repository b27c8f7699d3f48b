# SPDX-License-Identifier: GPL-2.0-or-later
"""Which sightings are of one boot: by its id, by messages that two logs share, by the moment at which it began.

Clocks may be wrong: a log may not name its zone, and a hardware clock may run in local time until a time service mends it. So messages outweigh
moments, and where a moment is off by whole quarters of an hour only an unmistakable partner is taken.
"""

import dataclasses
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence

from nicmedic.evidence.history.sighting import ANY_ZONE_S, Sighting
from nicmedic.model.history import BootEnd

__all__ = ["find_zone_shift", "group_sightings", "order_groups", "shift_zone"]

_SAME_BEGIN_S = 90.0
_QUARTER_S = 900.0
_HOUR_S = 3600.0
_FEWEST_PRINTS = 5
"""And at least half of what the one with fewer has: two messages at the same microsecond are nothing rare."""
Group = list[Sighting]


def find_zone_shift(sightings: Sequence[Sighting]) -> float | None:
    """Seconds to add to times without a zone, from boots that both kinds of source saw; None: nothing tells, or not clearly.

    A daylight-saving hour is not seen: the shift that most boots have is taken.
    """
    votes: Counter[float] = Counter()
    dated = [sighting for sighting in sightings if sighting.zoned and sighting.began is not None]
    for sighting in sightings:
        if sighting.zoned or sighting.began is None:
            continue
        found = set()
        for other in dated:
            if other.began is None or not _may_be_same(sighting, other):
                continue
            apart = other.began - sighting.began
            shift = round(apart / _QUARTER_S) * _QUARTER_S
            if abs(shift) <= ANY_ZONE_S and abs(apart - shift) <= _SAME_BEGIN_S:
                found.add(shift)
        votes.update(found)
    best = votes.most_common(2)
    if not best or (len(best) > 1 and best[0][1] == best[1][1]):
        return None
    return best[0][0]


def shift_zone(sighting: Sighting, shift: float) -> Sighting:
    """The same with its moments in UTC, good to an hour of daylight saving."""

    def moved(span: tuple[float, float]) -> tuple[float, float]:
        return span[0] + shift, span[1] + shift

    return dataclasses.replace(
        sighting,
        zoned=True,
        shifted=True,
        began=None if sighting.began is None else sighting.began + shift,
        seen=None if sighting.seen is None else moved(sighting.seen),
        covers_moments=tuple(map(moved, sighting.covers_moments)),
    )


def _is_address(host: str) -> bool:
    return ":" in host or host[:1].isdigit()


def _may_be_same(first: Sighting, second: Sighting) -> bool:
    """Whether nothing but the clock is against it."""
    if first.source == second.source:
        return False
    for one, other in (
        (first.boot_id, second.boot_id),
        (first.kernel_release, second.kernel_release),
        (first.kernel_package, second.kernel_package),
    ):
        if one is not None and other is not None and one != other:
            return False
    hosts = [sighting.host.split(".", 1)[0].lower() for sighting in (first, second) if sighting.host and not _is_address(sighting.host)]
    return len(set(hosts)) <= 1


def _may_share_messages(first: Sighting, second: Sighting) -> bool:
    """Clocks that were never set are wrong by any zone at most; of one that was set nobody knows what it showed before."""
    if not _may_be_same(first, second):
        return False
    if first.began is None or second.began is None or any(gap.why == "clock jump" for gap in (*first.gaps, *second.gaps)):
        return True
    return abs(first.began - second.began) <= ANY_ZONE_S + _SAME_BEGIN_S + first.within_s + second.within_s


class _Union:
    """Groups that grow; two that must not be one stay apart."""

    def __init__(self, sightings: Sequence[Sighting]) -> None:
        self.sightings = sightings
        self.root = list(range(len(sightings)))
        self.members = {number: [number] for number in range(len(sightings))}

    def find(self, number: int) -> int:
        while self.root[number] != number:
            self.root[number] = self.root[self.root[number]]
            number = self.root[number]
        return number

    def join(self, first: int, second: int, may: Callable[[Sighting, Sighting], bool]) -> bool:
        one, other = self.find(first), self.find(second)
        if one == other:
            return True
        for each in self.members[one]:
            for their in self.members[other]:
                if not may(self.sightings[each], self.sightings[their]):
                    return False
        low, high = min(one, other), max(one, other)
        self.root[high] = low
        self.members[low] += self.members.pop(high)
        return True

    def groups(self) -> list[Group]:
        return [[self.sightings[number] for number in sorted(members)] for _, members in sorted(self.members.items())]


def _same_id(first: Sighting, second: Sighting) -> bool:
    return first.boot_id is None or second.boot_id is None or first.boot_id == second.boot_id


def group_sightings(sightings: Iterable[Sighting]) -> list[Group]:
    """One list a boot; the order of the sightings does not matter."""
    listed = sorted(sightings, key=_key)
    union = _Union(listed)
    ids: dict[str, int] = {}
    for number, sighting in enumerate(listed):
        if sighting.boot_id is not None:
            union.join(ids.setdefault(sighting.boot_id, number), number, _same_id)
    for first, second in _pairs_with_prints(listed):
        union.join(first, second, _may_share_messages)
    for _, first, second in sorted(_pairs_near(listed)):
        union.join(first, second, _may_be_same)
    for first, second in _pairs_by_stay(listed, union):
        union.join(first, second, _may_be_same)
    for first, second in _pairs_off_by_zone(listed, union):
        union.join(first, second, _may_be_same)
    dated = [number for number, sighting in enumerate(listed) if sighting.began is not None]
    for number, sighting in enumerate(listed):  # the kernel that ran last, of which nothing says when, is that of the last boot
        if dated and sighting.end is BootEnd.RUNNING and sighting.began is None:
            union.join(max(dated, key=lambda each: listed[each].began or 0.0), number, _may_be_same)
    return union.groups()


def _key(sighting: Sighting) -> tuple[bool, float, str, int]:
    return sighting.began is None, sighting.began or 0.0, sighting.source, sighting.order


def _pairs_with_prints(listed: Sequence[Sighting]) -> Iterator[tuple[int, int]]:
    """Those that share most come first."""
    owners: dict[tuple[int, int], list[int]] = {}
    for number, sighting in enumerate(listed):
        for each in sighting.prints:
            owners.setdefault(each, []).append(number)
    shared: Counter[tuple[int, int]] = Counter()
    for numbers in owners.values():
        shared.update((first, second) for place, first in enumerate(numbers) for second in numbers[place + 1 :])
    for (first, second), count in sorted(shared.items(), key=lambda each: (-each[1], each[0])):
        fewer = min(len(listed[first].prints), len(listed[second].prints))
        if count >= max(_FEWEST_PRINTS, fewer / 2):
            yield first, second


def _pairs_near(listed: Sequence[Sighting]) -> Iterator[tuple[float, int, int]]:
    dated = [number for number, sighting in enumerate(listed) if sighting.began is not None and sighting.zoned]
    undated = [number for number, sighting in enumerate(listed) if sighting.began is not None and not sighting.zoned]
    for numbers in (dated, undated):  # two logs without a zone are of one zone
        for place, first in enumerate(numbers):
            for second in numbers[place + 1 :]:
                one, other = listed[first], listed[second]
                apart = (other.began or 0.0) - (one.began or 0.0)
                if apart > 2 * _SAME_BEGIN_S + 1200:
                    break
                if apart <= _SAME_BEGIN_S + min(one.within_s + other.within_s, 900.0):
                    yield apart, first, second


def _pairs_by_stay(listed: Sequence[Sighting], union: _Union) -> Iterator[tuple[int, int]]:
    """A source that begins in the middle of a boot: its first line was written while that boot ran."""
    dated = [number for number, sighting in enumerate(listed) if sighting.began is not None]
    for number, sighting in enumerate(listed):
        if sighting.began is not None or sighting.seen is None or len(union.members[union.find(number)]) > 1:
            continue
        before = [
            each
            for each in dated
            if listed[each].zoned == sighting.zoned and (listed[each].began or 0.0) <= sighting.seen[0] + _SAME_BEGIN_S
        ]
        if before:
            last = max(before, key=lambda each: listed[each].began or 0.0)
            group = [listed[each] for each in union.members[union.find(last)]]
            until = max((each.seen[1] for each in group if each.seen is not None), default=None)
            if until is not None and sighting.seen[0] <= until + _SAME_BEGIN_S:
                yield last, number


def _pairs_off_by_zone(listed: Sequence[Sighting], union: _Union) -> Iterator[tuple[int, int]]:
    """A hardware clock in local time: logins begin with a moment that is off by the zone, and no other boot comes near it."""
    heads = {root: listed[members[0]] for root, members in union.members.items()}
    offered: dict[int, list[int]] = {}
    for first, one in heads.items():
        for second, other in heads.items():
            if first >= second or one.began is None or other.began is None or one.kernel_release is None:
                continue
            if one.kernel_release != other.kernel_release or not _may_be_same(one, other):
                continue
            sources = {listed[each].source for each in union.members[first]} & {listed[each].source for each in union.members[second]}
            apart = abs(other.began - one.began)
            shift = round(apart / (_HOUR_S / 2)) * _HOUR_S / 2
            if not sources and 0 < shift <= ANY_ZONE_S and abs(apart - shift) <= _SAME_BEGIN_S:
                offered.setdefault(first, []).append(second)
                offered.setdefault(second, []).append(first)
    for first, partners in sorted(offered.items()):
        if len(partners) == 1 and len(offered[partners[0]]) == 1 and first < partners[0]:
            yield union.members[first][0], union.members[partners[0]][0]


def order_groups(groups: Sequence[Group], find_began: Callable[[Group], float | None]) -> list[Group]:
    """In order of time; one without a moment stands where its source has it among the others."""
    dated = sorted(
        ((began, group) for group in groups if (began := find_began(group)) is not None), key=lambda pair: (pair[0], _key(pair[1][0]))
    )
    ordered = [group for _, group in dated]
    for group in sorted((group for group in groups if find_began(group) is None), key=lambda group: [_key(each) for each in group]):
        place = 0
        for number, other in enumerate(ordered):
            if any(mine.source == theirs.source and theirs.order < mine.order for mine in group for theirs in other):
                place = number + 1
        ordered.insert(place, group)
    return ordered
