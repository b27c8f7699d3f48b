# SPDX-License-Identifier: GPL-2.0-or-later
"""Incidents in memory; any call can be made to fail as a full disk would."""

import dataclasses
from collections.abc import Mapping, Sequence

from nicmedic.model.errors import StateError
from nicmedic.model.incident import Action, ActionState, Evidence, Incident, IncidentVerdict

__all__ = ["FakeIncidents"]


class FakeIncidents:
    """``nicmedic.ports.watching.IncidentStore``. The same tests run against it and the one on disk."""

    def __init__(self) -> None:
        """Empty, on a disk with room."""
        self.calls: list[str] = []
        """Their names, in order, also of those that failed."""
        self.fails_at: frozenset[int] = frozenset()
        """Which calls fail, counted from 1."""
        self.is_full = False
        """Whether every call that writes fails."""
        self.aside: str | None = None
        """What ``put_aside`` tells."""
        self.damage_age_s: float | None = None
        self._incidents: dict[int, Incident] = {}
        self._actions: dict[int, dict[int, Action]] = {}
        self._evidence: dict[int, list[Evidence]] = {}
        self._boots: dict[str, Mapping[str, str]] = {}
        self._last = 0

    def add_incident(self, incident: Incident, evidence: Sequence[Evidence]) -> Incident:
        self._call("add_incident")
        self._last += 1
        added = dataclasses.replace(incident, id=self._last)
        self._incidents[self._last] = added
        self._actions[self._last] = dict(enumerate(incident.actions))
        self._evidence[self._last] = list(evidence)
        return added

    def update_incident(self, incident: Incident) -> None:
        if incident.id is None:
            raise ValueError("an incident that was not added has no number")
        self._call("update_incident")
        self._last = max(self._last, incident.id)
        self._incidents[incident.id] = incident

    def add_evidence(self, number: int, evidence: Evidence) -> None:
        self._call("add_evidence")
        self._evidence.setdefault(number, []).append(evidence)

    def add_action(self, number: int, action: Action) -> int:
        self._call("add_action")
        known = self._actions.setdefault(number, {})
        place = max(known, default=-1) + 1
        known[place] = action
        return place

    def update_action(self, number: int, place: int, action: Action) -> None:
        self._call("update_action")
        self._actions.setdefault(number, {})[place] = action

    def list_incidents(self, *, newest: int | None = None) -> tuple[Incident, ...]:
        self._call("list_incidents", writes=False)
        numbers = sorted(self._incidents)
        return tuple(self._build(number) for number in (numbers if newest is None else numbers[len(numbers) - min(newest, len(numbers)) :]))

    def list_acted(self, what: str, *, newest: int) -> tuple[Incident, ...]:
        self._call("list_acted", writes=False)
        found = [incident for incident in map(self._build, sorted(self._incidents)) if _was_done(incident, what)]
        return tuple(found[max(0, len(found) - newest) :])

    def find_incident(self, number: int) -> Incident | None:
        self._call("find_incident", writes=False)
        return self._build(number) if number in self._incidents else None

    def read_evidence(self, number: int) -> tuple[Evidence, ...]:
        self._call("read_evidence", writes=False)
        return tuple(self._evidence.get(number, ()))

    def note_boot(self, boot_id: str, facts: Mapping[str, str], at: str) -> None:
        self._call(f"note_boot {at}")
        self._boots[boot_id] = dict(facts)

    def find_last_healthy_boot(self, before_boot_id: str) -> Mapping[str, str] | None:
        self._call("find_last_healthy_boot", writes=False)
        hung = {incident.boot_id for incident in self._incidents.values() if incident.verdict is IncidentVerdict.NIC_HUNG}
        known = list(self._boots)
        earlier = known[: known.index(before_boot_id)] if before_boot_id in known else known
        healthy = [boot_id for boot_id in earlier if boot_id not in hung]
        return self._boots[healthy[-1]] if healthy else None

    def put_aside(self) -> str | None:
        self._call("put_aside", writes=False)
        return self.aside

    def read_damage_age_s(self) -> float | None:
        self._call("read_damage_age_s", writes=False)
        return self.damage_age_s

    def _build(self, number: int) -> Incident:
        actions = self._actions.get(number, {})
        return dataclasses.replace(self._incidents[number], actions=tuple(actions[place] for place in sorted(actions)))

    def _call(self, what: str, *, writes: bool = True) -> None:
        self.calls.append(what)
        if len(self.calls) in self.fails_at or (self.is_full and writes):
            raise StateError(f"incidents.db: no room: {what}", hint="df -h")


def _was_done(incident: Incident, what: str) -> bool:
    return any(action.what == what and action.state is not ActionState.HELD_BACK for action in incident.actions)
