# SPDX-License-Identifier: GPL-2.0-or-later
"""What there was before we were started: incidents left open, by us or by an earlier boot, and what was done about cards: the policy counts that."""

import contextlib
import dataclasses
from collections.abc import Iterable

from nicmedic.app.watch.desk import Desk
from nicmedic.app.watch.edges import Moment, read_moment
from nicmedic.app.watch.records import Record
from nicmedic.model.errors import StateError
from nicmedic.model.incident import Action, ActionState, Incident
from nicmedic.model.watched import Card

__all__ = ["Earlier", "is_about"]

_NEWEST = 100
"""Incidents that are looked through."""
_MOST_ACTIONS = 64
"""More than the policy can allow within an hour."""
_MOST_LEFT = 64
_LONGEST_OPEN_S = 3600.0
"""One whose card is not there when we are started may come back so long."""
_NOTE_AFTER_S = 300.0
"""Of uptime. What a boot is like shows when all has been set up."""
_RETRY_S = 60.0
_HEAVY_S = 120.0
"""One that was there for so long has its heavy evidence; a watcher that falls over and over again must not take a picture each time."""


def is_about(incident: Incident | Card, card: Card) -> bool:
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
        self._open_until_s = 0.0
        self._known: tuple[Incident, ...] = ()
        self._left: list[tuple[Card, list[Action]]] = []
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
            reboots = self._desk.edges.store.list_acted("reboot", newest=1)
        except StateError as error:
            self._desk.tell_once("earlier", f"incidents cannot be read: {error.message}; {error.hint}")
            self._read_at_s = moment.monotonic_s + _RETRY_S
            return
        self._read_at_s, self._open_until_s = None, moment.monotonic_s + _LONGEST_OPEN_S
        self._known = tuple(self._look_at(incident, moment) for incident in found if not self._desk.ledger.is_own(incident))
        self._note_reboots(reboots)
        self._desk.is_history_known = True

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
        for record in found[:-1]:
            self.end_gone(record)
        return found[-1] if found else None

    def end_gone(self, record: Record) -> None:
        """One from before that nobody will see the end of."""
        moment = read_moment(self._desk.edges)
        record.revise(dataclasses.replace(record.incident, ended=moment.at, ended_why="gone"))
        self._desk.ledger.save(record, moment.monotonic_s)
        self._desk.tell_incident(record, "ended")

    def list_actions(self, card: Card, taken: Record | None) -> list[Action]:
        """What was done about a card, oldest first; without what was done about the one that is still open, for that knows it by itself."""
        for left, actions in reversed(self._left):
            if is_about(left, card):
                return list(actions)
        known = [incident for incident in self._known if is_about(incident, card) and (taken is None or incident.id != taken.incident.id)]
        done = [action for incident in known for action in incident.actions if action.state is not ActionState.HELD_BACK]
        return done[-_MOST_ACTIONS:]

    def _note_reboots(self, incidents: Iterable[Incident]) -> None:
        """One of this process is the newer."""
        done = [
            action for one in incidents for action in one.actions if action.what == "reboot" and action.state is not ActionState.HELD_BACK
        ]
        if done and self._desk.last_reboot is None:
            self._desk.note_reboot(done[-1])

    def keep_left(self, card: Card, actions: Iterable[Action]) -> None:
        """What was done about a card that is not watched any more: it may come back."""
        self._left = [(left, known) for left, known in self._left if not is_about(left, card)]
        self._left.append((card, list(actions)))
        del self._left[:-_MOST_LEFT]

    def turn(self) -> bool:
        """Once in a while; True: they could be read at last."""
        edges = self._desk.edges
        now_s = edges.clock.read_monotonic_s()
        was_known = self._desk.is_history_known
        self._turn(now_s)
        if now_s >= self._open_until_s:
            for record in self._open:
                self.end_gone(record)
            self._open.clear()
        return self._desk.is_history_known and not was_known

    def _turn(self, now_s: float) -> None:
        edges = self._desk.edges
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
