# SPDX-License-Identifier: GPL-2.0-or-later
"""Which events of two logs of one boot are copies of one message. Not for which log is believed."""

from collections.abc import Iterable, Iterator

from nicmedic.evidence.history.sighting import read_time
from nicmedic.model.event import Event

__all__ = ["Copies"]

_SAME_STAMP_S = 0.002
_SAME_SECOND_S = 1

_Key = tuple[str, bool, str, int]
"""A text; whether the event has an uptime; what kind of clock, or what one without a zone showed; the number of a stretch of time on it."""


class Copies:
    """Events by what a copy of them must share: a flood has a hundred thousand that read alike, and none is held against all of them."""

    def __init__(self, events: Iterable[tuple[int, Event]]) -> None:
        """Take them, each with a place of its own, in order of the places."""
        self._events = dict(events)
        self._places: dict[_Key, list[int]] = {}
        for place, event in self._events.items():
            for key in _list_own_keys(event):
                self._places.setdefault(key, []).append(place)

    def find(self, event: Event) -> int | None:
        """The place of the first of which an event of another log is a copy."""
        found = (
            next((place for place in self._places.get(key, ()) if _is_copy(self._events[place], event)), None)
            for key in _list_near_keys(event)
        )
        return min((place for place in found if place is not None), default=None)

    def drop(self, place: int) -> None:
        """Forget one: a log has one copy of it at most."""
        for key in _list_own_keys(self._events.pop(place)):
            self._places[key].remove(place)


def _is_copy(first: Event, second: Event) -> bool:
    if first.text != second.text:
        return False
    if first.uptime_s is not None and second.uptime_s is not None:
        return abs(first.uptime_s - second.uptime_s) < _SAME_STAMP_S
    if first.time is not None and second.time is not None:
        return abs(read_time(first.time)[0] - read_time(second.time)[0]) <= _SAME_SECOND_S
    return first.local_time is not None and first.local_time == second.local_time


def _list_moments(event: Event) -> Iterator[tuple[str, int]]:
    """Copies have one of these in common, or are in the stretch beside it."""
    if event.uptime_s is not None:
        yield "uptime", int(event.uptime_s / _SAME_STAMP_S)
    if event.time is not None:
        yield "time", int(read_time(event.time)[0] / _SAME_SECOND_S)
    if event.local_time is not None:
        yield event.local_time, 0


def _list_own_keys(event: Event) -> Iterator[_Key]:
    for clock, number in _list_moments(event):
        yield event.text, event.uptime_s is not None, clock, number


def _list_near_keys(event: Event) -> Iterator[_Key]:
    for clock, number in _list_moments(event):
        for stamped in (True, False):
            if clock == "uptime" or event.uptime_s is None or not stamped:  # of two uptimes nothing else is asked
                for step in (-1, 0, 1):
                    yield event.text, stamped, clock, number + step
