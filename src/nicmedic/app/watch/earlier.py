# SPDX-License-Identifier: GPL-2.0-or-later
"""What there was before we were started: incidents left open, by us or by an earlier boot, and what was done about cards: the policy counts that."""

import contextlib
import dataclasses

from nicmedic.app.watch.desk import Desk
from nicmedic.app.watch.edges import Moment, read_moment
from nicmedic.app.watch.records import Record
from nicmedic.model.errors import StateError
from nicmedic.model.incident import Action, ActionState, Incident
from nicmedic.model.watched import Card

__all__ = ["Earlier", "is_about"]

_NEWEST = 100
"""Incidents that are looked through."""
_MOST_ACTIONS = 50
_NOTE_AFTER_S = 300.0
"""Of uptime. What a boot is like shows when all has been set up."""
_RETRY_S = 60.0
_HEAVY_S = 120.0
"""One that was there for so long has its heavy evidence; a watcher that falls over and over again must not take a picture each time."""


def is_about(incident: Incident, card: Card) -> bool:
    """Whether it was this card, whatever it is called now."""
    if incident.permanent_address is not None and card.permanent_address is not None:
        return incident.permanent_address == card.permanent_address
    if incident.bus_address is not None or card.bus_address is not None:
        return incident.bus_address == card.bus_address
    return incident.interface == card.interface


class Earlier:
    """Read once, at the start; where it cannot be read, again later."""

    def __init__(self, desk: Desk) -> None:
        """``desk``: of the watcher."""
        self._desk = desk
        self._open: list[Record] = []
        self._known: tuple[Incident, ...] = ()
        self._read_at_s: float | None = 0.0
        self._is_noted = False
        self._aside: str | None = None
        self._aside_at_s = 0.0

    def read(self) -> None:
        """Look through them, and end what an earlier boot has left open."""
        moment = read_moment(self._desk.edges)
        try:
            self._tell_aside(moment.monotonic_s)
            found = self._desk.edges.store.list_incidents(newest=_NEWEST)
        except StateError as error:
            self._desk.tell_once("earlier", f"incidents cannot be read: {error.message}; {error.hint}")
            self._read_at_s = moment.monotonic_s + _RETRY_S
            return
        self._read_at_s = None
        self._known = tuple(self._look_at(incident, moment) for incident in found)

    def _tell_aside(self, now_s: float) -> None:
        """Damage may also be found later, by any write.

        Raises:
            StateError: the store cannot be opened.
        """
        self._aside_at_s = now_s + _RETRY_S
        aside = self._desk.edges.store.put_aside()
        if aside is not None and aside != self._aside:
            self._aside = aside
            self._desk.tell_host(f"the incidents were damaged: they are kept as {aside}, and new ones are begun", True)  # noqa: FBT003  # bad

    def _look_at(self, incident: Incident, moment: Moment) -> Incident:
        """One, as it is known now."""
        is_of_now = incident.boot_id == self._desk.edges.boot.boot_id
        if not is_of_now:
            moment = moment.earlier(moment.monotonic_s - moment.uptime_s)  # this boot ended it
        record = Record(incident)
        for index, action in enumerate(incident.actions):
            if action.state is ActionState.RUNNING and action.ended is None:
                record.revise_action(index, _end_action(action, moment, is_of_now=is_of_now))
        if incident.ended is None and not is_of_now:
            record.revise(dataclasses.replace(record.incident, ended=moment.at, ended_why="boot"))
        if not record.is_saved:
            self._desk.ledger.save(record, self._desk.edges.clock.read_monotonic_s())
        if incident.ended is None and is_of_now:
            record.has_heavy = moment.uptime_s - incident.detected_uptime_s > _HEAVY_S
            self._open.append(record)
        return record.whole

    def take_open(self, card: Card) -> Record | None:
        """The newest of this card that is still open; older ones end with it."""
        found = [record for record in self._open if is_about(record.incident, card)]
        self._open = [record for record in self._open if record not in found]
        moment = read_moment(self._desk.edges)
        for record in found[:-1]:
            record.revise(dataclasses.replace(record.incident, ended=moment.at, ended_why="gone"))
            self._desk.ledger.save(record, moment.monotonic_s)
        return found[-1] if found else None

    def list_actions(self, card: Card, taken: Record | None) -> list[Action]:
        """What was done about a card, oldest first; without what was done about the one that is still open, for that knows it by itself."""
        known = [incident for incident in self._known if is_about(incident, card) and (taken is None or incident.id != taken.incident.id)]
        return [action for incident in known for action in incident.actions][-_MOST_ACTIONS:]

    def turn(self) -> None:
        """Once in a while."""
        edges = self._desk.edges
        now_s = edges.clock.read_monotonic_s()
        if self._read_at_s is not None and now_s >= self._read_at_s:
            self.read()
        elif now_s >= self._aside_at_s:
            with contextlib.suppress(StateError):  # the next write tells it
                self._tell_aside(now_s)
        if not self._is_noted and edges.read_uptime_s() >= _NOTE_AFTER_S:
            self._is_noted = True
            self._desk.edges.errands.note_boot()


def _end_action(action: Action, moment: Moment, *, is_of_now: bool) -> Action:
    """What is known of one whose end nobody saw."""
    if is_of_now:
        why = "the watcher was started anew before its end was seen; nicmedic transactions tells it"
        return dataclasses.replace(action, ended=moment.at, detail=_join(action.detail, why))
    if action.what == "reboot":
        return dataclasses.replace(action, state=ActionState.HELPED, ended=moment.at, detail=_join(action.detail, "the host was booted"))
    why = "the host was booted before its end was seen, which ended whatever it had changed"
    return dataclasses.replace(action, state=ActionState.FAILED, ended=moment.at, detail=_join(action.detail, why))


def _join(*parts: str) -> str:
    return "; ".join(part for part in parts if part)
