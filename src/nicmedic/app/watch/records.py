# SPDX-License-Identifier: GPL-2.0-or-later
"""Incidents on their way to disk. What the disk does not take now stays in memory, within bounds, and is written when it can be.

A record knows what of it is on disk, so writing it down again repeats nothing.
"""

import dataclasses
from collections.abc import Callable, Iterable

from nicmedic.model.errors import StateError
from nicmedic.model.incident import Action, Evidence, Incident
from nicmedic.ports.watching import IncidentStore

__all__ = ["Ledger", "Record"]

_RETRY_S = 10.0
_MOST_RECORDS = 64
"""An hour of a card that comes and goes once a minute."""
_MOST_EVIDENCE_BYTES = 2 << 20


class Record:
    """One incident with its actions and what evidence waits to be written."""

    __slots__ = ("_places", "_stale", "actions", "evidence", "has_heavy", "heavy_at_s", "incident", "is_changed")

    def __init__(self, incident: Incident, evidence: Iterable[Evidence] = ()) -> None:
        """One with a number is on disk as it is."""
        self.incident = incident
        self.actions: list[Action] = list(incident.actions)
        self.evidence: list[Evidence] = list(evidence)
        self.is_changed = False
        self.has_heavy = False
        """Whether the heavy evidence was asked for."""
        self.heavy_at_s: float | None = None
        """When somebody began to make it."""
        self._places: list[int] = list(range(len(self.actions)))
        self._stale: set[int] = set()

    @property
    def is_on_disk(self) -> bool:
        """Whether the incident itself is, with all of its actions as they are."""
        return self.incident.id is not None and not self._stale and len(self._places) == len(self.actions)

    @property
    def is_saved(self) -> bool:
        """Whether all of it is."""
        return self.is_on_disk and not self.evidence and not self.is_changed

    @property
    def whole(self) -> Incident:
        """With its actions."""
        return dataclasses.replace(self.incident, actions=tuple(self.actions))

    def revise(self, incident: Incident) -> None:
        """Other fields, of the same number."""
        self.incident, self.is_changed = incident, True

    def add_action(self, action: Action) -> int:
        """One more; returns its index here."""
        self.actions.append(action)
        return len(self.actions) - 1

    def revise_action(self, index: int, action: Action) -> None:
        """As it ended."""
        self.actions[index] = action
        if index < len(self._places):
            self._stale.add(index)

    def save(self, store: IncidentStore) -> None:
        """Write what is not on disk yet.

        Raises:
            StateError: as the store raises it; what was written before is known, and not written again.
        """
        if self.incident.id is None:
            self.incident = dataclasses.replace(
                store.add_incident(dataclasses.replace(self.incident, actions=()), self.evidence), actions=()
            )
            self.evidence.clear()
            self.is_changed = False
        number = self.incident.id
        assert number is not None  # noqa: S101  # the store gave one
        if self.is_changed:
            store.update_incident(self.whole)
            self.is_changed = False
        while len(self._places) < len(self.actions):
            self._places.append(store.add_action(number, self.actions[len(self._places)]))
        for index in sorted(self._stale):
            store.update_action(number, self._places[index], self.actions[index])
            self._stale.discard(index)
        while self.evidence:
            store.add_evidence(number, self.evidence[0])
            del self.evidence[0]


class Ledger:
    """Writes records down, now or later, and tells when the disk does not take them."""

    def __init__(self, store: IncidentStore, tell: Callable[[str, bool], None]) -> None:
        """``tell``: a sentence about ourselves, and whether it is bad."""
        self._store, self._tell = store, tell
        self._waiting: list[Record] = []
        self._retry_at = 0.0
        self.trouble: str | None = None
        """What the disk said last; None: it takes what it is given."""
        self.lost = 0
        """Records that were given up."""
        self.lost_pieces = 0
        """Pieces of evidence that were given up."""
        self._own_from: int | None = None

    @property
    def waiting(self) -> int:
        """Records that are not on disk, or not wholly."""
        return len(self._waiting)

    def save(self, record: Record, now_s: float) -> bool:
        """Write one down; False: it waits in memory."""
        is_own = record.incident.id is None
        try:
            record.save(self._store)
        except StateError as error:
            self._keep(record, error, now_s)
            return False
        finally:
            number = record.incident.id
            if is_own and number is not None:
                self._own_from = number if self._own_from is None else min(number, self._own_from)
        if record in self._waiting:
            self._waiting.remove(record)
        self._tell_well()
        return True

    def is_own(self, incident: Incident) -> bool:
        """Whether it began since this process did, for numbers only grow."""
        return self._own_from is not None and incident.id is not None and incident.id >= self._own_from

    def _keep(self, record: Record, error: StateError, now_s: float) -> None:
        if self.trouble is None:
            self._tell(f"incidents cannot be written down, and are kept in memory: {error.message}; {error.hint}", True)  # noqa: FBT003  # bad
        self.trouble = error.message
        self._retry_at = now_s + _RETRY_S
        if record not in self._waiting:
            self._waiting.append(record)
        self._bound()

    def _bound(self) -> None:
        """Give up evidence before incidents, and old ones before new ones."""
        size = sum(len(piece.data) for record in self._waiting for piece in record.evidence)
        for record in self._waiting:
            while size > _MOST_EVIDENCE_BYTES and record.evidence:
                size -= len(record.evidence.pop().data)
                self.lost_pieces += 1
        while len(self._waiting) > _MOST_RECORDS:
            del self._waiting[0]
            self.lost += 1

    def _tell_well(self) -> None:
        if self.trouble is not None and not self._waiting:
            counted = ((self.lost, "incidents"), (self.lost_pieces, "pieces of evidence"))
            lost = ", ".join(f"{count} {what}" for count, what in counted if count)
            rest = f"; lost since the watcher began: {lost}" if lost else ""
            self._tell(f"incidents can be written down again, and those that waited are on disk{rest}", False)  # noqa: FBT003  # not bad
            self.trouble = None

    def retry(self, now_s: float) -> None:
        """Once in a while: try again."""
        if self._waiting and now_s >= self._retry_at:
            for record in tuple(self._waiting):
                if not self.save(record, now_s):
                    return
