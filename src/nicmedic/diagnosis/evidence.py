# SPDX-License-Identifier: GPL-2.0-or-later
"""What the logs show, arranged for questions: one case for each NIC in trouble, and for each of its boots what stood around its hangs."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from nicmedic.kernlog.events import Fact
from nicmedic.kernlog.hangs import find_began_s
from nicmedic.model.boot import Boot
from nicmedic.model.event import Event, EventKind
from nicmedic.model.finding import Hang

__all__ = ["BootView", "Evidence", "NicCase", "build_cases", "same_bus", "shares"]

MOST_CASES = 64
"""NICs told of; a host has fewer, a hostile log may name thousands."""
TOGETHER_S = 10.0
"""NICs that hang within so many seconds hang together."""
_MOST_ANCHORS = 200
"""Troubles near which something may stand; a storm of thousands would take quadratic time."""
_LINES_A_SECOND = 5
"""Without times, nearness is judged by lines: kernels print about so many a second in trouble."""
_FLAPS = 3
_QUIET_KINDS = frozenset({EventKind.LINK_UP, EventKind.LINK_DOWN, EventKind.OTHER})


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Everything that was read, over all sources."""

    boots: Sequence[Boot]
    events: Sequence[Event]
    facts: Sequence[Fact]
    hangs: Sequence[Hang]


@dataclass(slots=True, kw_only=True)
class BootView:
    """One boot as one NIC sees it."""

    boot: Boot | None
    events: list[Event] = field(default_factory=list)
    """Events of this boot that this NIC shares: its own, and those that name no other NIC."""
    facts: list[Fact] = field(default_factory=list)
    hangs: list[Hang] = field(default_factory=list)
    troubles: list[Event] = field(default_factory=list)
    """This NIC's events that something is wrong: of its hangs, or where there are none, its other faults."""
    together: list[Event] = field(default_factory=list)
    """First events of other NICs' hangs near this NIC's."""
    last_link: Event | None = None
    """The last link-up before the first trouble."""

    def is_near(self, event: Event | Fact, within_s: float) -> bool:
        """Whether an event stands near one of the troubles, in time or, without times, in lines."""
        for trouble in self.troubles[:_MOST_ANCHORS]:
            if event.uptime_s is not None and trouble.uptime_s is not None:
                began = find_began_s(trouble)
                if (trouble.uptime_s if began is None else began) - within_s <= event.uptime_s <= trouble.uptime_s + within_s:
                    return True
            elif abs(event.line - trouble.line) <= within_s * _LINES_A_SECOND:
                return True
        return False


@dataclass(slots=True, kw_only=True)
class NicCase:
    """One NIC in trouble (or, with no name at all, the host), over all boots."""

    host: str | None
    driver: str | None
    interface: str | None
    bus: str | None
    views: list[BootView]
    hangs: list[Hang]
    aliases: frozenset[str] = frozenset()
    """All names under which the log may print this NIC's driver."""


def _name(event: Event) -> str | None:
    return event.interface or event.bus


def _is_trouble(event: Event, nic_drivers: Iterable[str]) -> bool:
    if event.same_as is not None or event.kind in _QUIET_KINDS:
        return event.hang and event.same_as is None
    return event.hang or event.kind is EventKind.TX_TIMEOUT or (event.driver is not None and event.driver in nic_drivers)


def shares(event: Event | Fact, case: tuple[str | None, str | None, str | None]) -> bool:
    """Whether an event speaks of this NIC, or of none in particular."""
    driver, interface, bus = case
    if event.interface is not None and interface is not None:
        return event.interface == interface
    if event.bus is not None and bus is not None and event.driver in (None, driver):
        return same_bus(event.bus, bus)
    return event.driver is None or event.driver == driver or event.signal.startswith("platform/")


def same_bus(first: str, second: str) -> bool:
    """Whether two bus addresses are one: ``02:00.0`` and ``0000:02:00.0``, ``1-1.1`` and ``1-1.1:1.0``."""
    short, long = sorted((first, second), key=len)
    return long == short or long.endswith(f":{short}") or long.startswith(f"{short}:")


def _host(event: Event, index: "_Index") -> str | None:
    boot = index.boots.get(event.boot)
    return boot.host if boot is not None else None


def _flapping(events: Sequence[Event], index: "_Index") -> dict[tuple[str | None, str], list[Event]]:
    """Link-downs of interfaces that went down again and again."""
    downs: dict[tuple[str | None, str], list[Event]] = defaultdict(list)
    for event in events:
        if event.kind is EventKind.LINK_DOWN and event.interface is not None and event.same_as is None:
            downs[(_host(event, index), event.interface)].append(event)
    return {key: found for key, found in downs.items() if sum(1 + event.repeated for event in found) >= _FLAPS}


@dataclass(slots=True)
class _Index:
    """Evidence by boot, so that a case looks only at what it shares a boot with."""

    boots: dict[int | None, Boot]
    events: dict[int | None, list[Event]]
    facts: dict[int | None, list[Fact]]
    hangs: dict[int | None, list[Hang]]


def _index(evidence: Evidence) -> _Index:
    index = _Index({boot.index: boot for boot in evidence.boots}, defaultdict(list), defaultdict(list), defaultdict(list))
    for event in evidence.events:
        if event.same_as is None:
            index.events[event.boot].append(event)
    for fact in evidence.facts:
        index.facts[fact.boot].append(fact)
    for hang in evidence.hangs:
        index.hangs[hang.boot].append(hang)
    return index


def build_cases(evidence: Evidence, nic_drivers: Iterable[str]) -> list[NicCase]:
    """One case for each NIC in trouble, worst first; one for the host alone when no NIC is named but something is wrong.

    NICs of different hosts are different NICs, whatever they are called. Of very many, those with most messages are taken.
    """
    drivers = frozenset(nic_drivers)
    index = _index(evidence)
    troubles = [event for event in evidence.events if _is_trouble(event, drivers)]
    named: dict[tuple[str | None, str], list[Event]] = defaultdict(list)
    for event in troubles:
        named[(_host(event, index), _name(event) or f"({event.driver})")].append(event)
    for key, events in _flapping(evidence.events, index).items():
        if key not in named:
            named[key] = events
    if not named:
        others = [event for event in evidence.events if event.kind not in _QUIET_KINDS and event.same_as is None]
        if others:
            named[(None, "")] = others
    most = dict(sorted(named.items(), key=lambda item: -len(item[1]))[:MOST_CASES])
    _join_to_only_nic(most)
    cases = [_build_case(evidence, index, members) for members in most.values()]
    return sorted(cases, key=lambda case: (-len(case.hangs), case.host or "", case.interface or case.bus or ""))


def _join_to_only_nic(named: dict[tuple[str | None, str], list[Event]]) -> None:
    """Give events of a driver that name no interface to its NIC, when a host's logs show only one NIC of that driver."""
    owners: dict[tuple[str | None, str | None], set[tuple[str | None, str]]] = defaultdict(set)
    for key, events in named.items():
        for event in events:
            if event.interface is not None:
                owners[(key[0], event.driver)].add(key)
    for key, members in list(named.items()):
        if any(event.interface is not None for event in members):
            continue
        driver = next((event.driver for event in members if event.driver is not None), None)
        found = owners.get((key[0], driver), set()) - {key}
        if driver is None or len(found) != 1:
            continue
        owner = next(iter(found))
        buses = {event.bus for event in named[owner] if event.bus is not None}
        own = {event.bus for event in members if event.bus is not None}
        if not buses or not own or any(same_bus(first, second) for first in buses for second in own):
            named[owner] = sorted([*named[owner], *named.pop(key)], key=lambda event: (event.boot or 0, event.line))


def _build_case(evidence: Evidence, index: _Index, members: Sequence[Event]) -> NicCase:
    driver = next((event.driver for event in members if event.driver is not None), None)
    interface = next((event.interface for event in members if event.interface is not None), None)
    bus = next((event.bus for event in members if event.bus is not None), None)
    names = {name for name in (interface, bus) if name is not None}
    own = {id(event) for event in members}

    def is_own(hang: Hang) -> bool:
        head = evidence.events[hang.events[0]]
        return _name(head) in names or id(head) in own

    views: list[BootView] = []
    for number in dict.fromkeys(event.boot for event in members):
        view = BootView(boot=index.boots.get(number), troubles=[event for event in members if event.boot == number])
        view.events = [event for event in index.events[number] if shares(event, (driver, interface, bus))]
        view.facts = [fact for fact in index.facts[number] if shares(fact, (driver, interface, bus))]
        view.hangs = [hang for hang in index.hangs[number] if is_own(hang)]
        heads = [evidence.events[hang.events[0]] for hang in index.hangs[number]]
        view.together = [
            head
            for head in heads
            if _name(head) not in names and not (head.bus and bus and same_bus(head.bus, bus)) and view.is_near(head, TOGETHER_S)
        ]
        first = view.troubles[0]
        before = [
            event for event in view.events if event.kind is EventKind.LINK_UP and event.interface == interface and event.line < first.line
        ]
        view.last_link = before[-1] if before else None
        views.append(view)
    host = next((view.boot.host for view in views if view.boot is not None), None)
    return NicCase(
        host=host, driver=driver, interface=interface, bus=bus, views=views, hangs=[hang for view in views for hang in view.hangs]
    )
