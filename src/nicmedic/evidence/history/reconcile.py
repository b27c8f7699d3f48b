# SPDX-License-Identifier: GPL-2.0-or-later
"""All that was read of a host's past to one history. The order in which sources come, or how they were cut, does not matter."""

import dataclasses
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from nicmedic.evidence.boots import add_hang, build_boot, find_began
from nicmedic.evidence.history.changes import PlacedChange, find_kernel_package, merge_changes, spell_package
from nicmedic.evidence.history.join import find_zone_shift, group_sightings, order_groups, shift_zone
from nicmedic.evidence.history.sighting import Sighting, read_time, render_moment
from nicmedic.evidence.history.trust import drop_doubtful, limit_lists
from nicmedic.kernlog.system import read_system_facts
from nicmedic.model.history import BootEnd, BootRecord, HangRecord, History, PackageChange, Source
from nicmedic.model.incident import Incident, IncidentVerdict

__all__ = ["Told", "reconcile"]

_OVERLAP_S = 120.0
_INCIDENTS = "incidents"


@dataclass(slots=True)
class Told:
    """What was read, in any order."""

    sightings: list[Sighting] = field(default_factory=list)
    changes: list[PackageChange] = field(default_factory=list)
    sources: list[Source] = field(default_factory=list)
    incidents: list[Incident] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def reconcile(told: Told) -> History:
    """Put it together."""
    incidents = sorted(
        (each for each in told.incidents if each.verdict is IncidentVerdict.NIC_HUNG),
        key=lambda each: (each.began, each.interface, each.id or 0),
    )
    seen = [
        *told.sightings,
        *(each for number, incident in enumerate(incidents) if (each := _sight_incident(number, incident)) is not None),
    ]
    seen, unreadable = limit_lists([_spell_out(each) for each in seen])
    shift = find_zone_shift(seen)
    sightings = [shift_zone(each, shift) if shift is not None and not each.zoned else each for each in seen]
    changes = merge_changes(told.changes, shift)
    believed, doubts = drop_doubtful(group_sightings(sightings))
    groups = order_groups(believed, find_began)

    def find_package(release: str, began: float, within_s: float) -> tuple[str, str] | None:
        return find_kernel_package(release, began, within_s, changes)

    boots = _end_all_but_the_last([build_boot(group, find_package) for group in groups])
    boots = _add_incidents(boots, incidents)
    notes = [*told.notes, *doubts, *_find_notes(boots, sightings, shift, changes)]
    return History(
        host=next((boot.host for boot in reversed(boots) if boot.host is not None), None),
        boots=tuple(boots),
        changes=tuple(_render_change(each, shift) for each in changes),
        sources=_unite_sources([*_sources_of(seen), *told.sources, *unreadable]),
        notes=tuple(dict.fromkeys(notes)),
    )


def _spell_out(sighting: Sighting) -> Sighting:
    if sighting.kernel_release is None or sighting.kernel_package is None:
        return sighting
    return dataclasses.replace(sighting, kernel_package=spell_package(sighting.kernel_release, sighting.kernel_package))


def _render_change(each: PlacedChange, shift: float | None) -> PackageChange:
    """In UTC where its zone is known or was found."""
    _, zoned = read_time(each.change.time)
    if zoned or shift is not None:
        return dataclasses.replace(each.change, time=render_moment(each.moment) or each.change.time)
    return each.change


def _sources_of(sightings: Sequence[Sighting]) -> Iterator[Source]:
    """From the first moment to the last that each source of boots shows."""
    spans: dict[str, list[tuple[float, float, bool]]] = {}
    for each in sightings:
        spans.setdefault(each.source, [])
        if each.seen is not None:
            spans[each.source].append((*each.seen, each.zoned))
    for name, found in spans.items():
        zoned = all(span[2] for span in found)
        yield Source(
            name=name,
            covers_from=render_moment(min(span[0] for span in found), zoned=zoned) if found else None,
            covers_to=render_moment(max(span[1] for span in found), zoned=zoned) if found else None,
        )


def _unite_sources(sources: Sequence[Source]) -> tuple[Source, ...]:
    """One of each name: what it covers, and all its troubles."""
    united: dict[str, Source] = {}
    for each in sorted(sources, key=lambda source: (source.name, source.covers_from or "", source.trouble or "")):
        known = united.get(each.name, each)
        troubles = [trouble for trouble in (known.trouble, each.trouble) if trouble is not None]
        united[each.name] = Source(
            name=each.name,
            covers_from=known.covers_from or each.covers_from,
            covers_to=known.covers_to or each.covers_to,
            trouble="; ".join(dict.fromkeys(troubles)) or None,
        )
    return tuple(united.values())


def _end_all_but_the_last(boots: list[BootRecord]) -> list[BootRecord]:
    """A boot that was running when somebody looked has ended if another one came after it; how, nobody saw."""
    return [
        dataclasses.replace(boot, end=BootEnd.UNKNOWN, ran_h=None) if boot.end is BootEnd.RUNNING and number < len(boots) - 1 else boot
        for number, boot in enumerate(boots)
    ]


def _sight_incident(number: int, incident: Incident) -> Sighting | None:
    """The boot that an incident was in."""
    try:
        began, zoned = read_time(incident.began)
    except ValueError:
        return None
    facts = read_system_facts(f"Linux version {incident.kernel_release} {incident.kernel_package}") if incident.kernel_release else None
    return Sighting(
        source=_INCIDENTS,
        order=number,
        zoned=zoned,
        boot_id=incident.boot_id.replace("-", ""),
        began=began - incident.began_uptime_s,
        within_s=60.0,
        seen=(began, began),
        kernel_release=incident.kernel_release,
        kernel_package=facts.kernel_package if facts else None,
        kernel_evidence="uname -v" if facts and facts.kernel_package else None,
    )


def _add_incidents(boots: list[BootRecord], incidents: Sequence[Incident]) -> list[BootRecord]:
    """Hangs that our own watcher saw: of their own where no log told of them."""
    places = {boot.boot_id: number for number, boot in enumerate(boots) if boot.boot_id is not None}
    for incident in incidents:
        place = places.get(incident.boot_id.replace("-", ""))
        if place is not None:
            boots[place] = _with_incident(boots[place], incident)
    return boots


def _with_incident(boot: BootRecord, incident: Incident) -> BootRecord:
    seen = HangRecord(
        interface=incident.interface,
        driver=incident.driver,
        began=incident.began,
        uptime_s=incident.began_uptime_s,
        lines=0,
        sources=(_INCIDENTS,),
    )
    return dataclasses.replace(boot, hangs=add_hang(boot.hangs, seen), sources=tuple(sorted({*boot.sources, _INCIDENTS})))


def _find_notes(
    boots: Sequence[BootRecord], sightings: Sequence[Sighting], shift: float | None, changes: Sequence[PlacedChange]
) -> Iterator[str]:
    hosts = list(dict.fromkeys(boot.host for boot in boots if boot.host is not None))
    overlaps = [pair for pair in itertools.pairwise(boots) if _overlap(*pair)]
    if overlaps:
        hint = (
            "logs of several hosts, or a clock that was wrong" if len(hosts) > 1 else "a clock was wrong, or two sources tell of one boot"
        )
        many = "1 boot begins before the one" if len(overlaps) == 1 else f"{len(overlaps)} boots begin before those"
        yield f"{many} before was last seen ({overlaps[0][1].began} first): {hint}"
    if len(hosts) > 1:
        yield f"the host has had several names, or these are several hosts: {', '.join(hosts)}"
    if shift is not None:
        sign = "-" if shift > 0 else "+"
        yield (
            f"some sources name no time zone; compared with the others it is UTC{sign}{abs(shift) / 3600:g} h, "
            "and an hour of daylight saving is not known"
        )
    elif any(not each.zoned for each in sightings):
        yield "some sources name no time zone, and nothing tells it: their times are taken for UTC and may be wrong by 14 hours"
    elif any(each.within_s for each in changes):
        yield "the package logs name no time zone: which of their changes was before a boot is not known where it is a matter of hours"
    undated = sum(boot.began is None for boot in boots)
    if undated:
        which = "1 boot has" if undated == 1 else f"{undated} boots have"
        yield f"{which} no date: the logs leave out the year, or have no wall clock at all; only the order is known"
    jumps = sum(gap.why == "clock jump" for boot in boots for gap in boot.gaps)
    if jumps:
        yield f"the clock was set by minutes or more while a kernel ran, {'once' if jumps == 1 else f'{jumps} times'}"
    if any(hang.warn_once for boot in boots for hang in boot.hangs):
        yield "these kernels print the watchdog's line once a boot only: further hangs of the same boot may be missing"


def _overlap(first: BootRecord, second: BootRecord) -> bool:
    if first.ended is None or second.began is None or first.began is None:
        return False
    return read_time(first.ended)[0] - read_time(second.began)[0] > _OVERLAP_S + (first.began_within_s or 0) + (second.began_within_s or 0)
