# SPDX-License-Identifier: GPL-2.0-or-later
"""What all cases share: the edges, the ledger, what is counted, and one answer for all while networking is stuck."""

import dataclasses

from nicmedic.app.watch.edges import Edges
from nicmedic.app.watch.records import Ledger, Record
from nicmedic.model.incident import Action, ActionState
from nicmedic.model.watched import Answer

__all__ = ["Desk", "name_lost"]

_STUCK_S = 2.0
"""Whoever asks while the lock of networking is held waits a second and leaves a child behind; so one asks for all."""
_MOST_TOLD = 64


def name_lost(what: str) -> str:
    """The counter of what the watcher lost or could not keep."""
    return f'nicmedic_watch_dropped_total{{what="{what}"}}'


class Desk:
    """One for the watcher."""

    def __init__(self, edges: Edges) -> None:
        """``edges``: the outside."""
        self.edges = edges
        self.ledger = Ledger(edges.store, self.tell_host)
        self.counts: dict[str, float] = {}
        """What happened, by the full names of counters of Prometheus."""
        self.is_history_known = False
        """Whether incidents of before could be read: until then nobody knows when the host was booted last."""
        self.last_reboot: Action | None = None
        """Of the host, for whichever card, however much was done since."""
        self._stuck_until_s = 0.0
        self._told: set[str] = set()

    def tell_host(self, text: str, bad: bool) -> None:  # noqa: FBT001  # as Ledger calls it
        """A sentence about the watcher itself."""
        self.edges.teller.tell_host(text, bad=bad)

    def tell_once(self, key: str, text: str) -> None:
        """A bad thing, the first time only."""
        if key not in self._told and len(self._told) < _MOST_TOLD:
            self._told.add(key)
            self.tell_host(text, True)  # noqa: FBT003  # bad

    def tell_incident(self, record: Record, news: str) -> None:
        """What became of one."""
        self.edges.teller.tell_incident(record.whole, news)

    def count(self, name: str, by: int = 1) -> None:
        """One more of these."""
        self.counts[name] = self.counts.get(name, 0) + by

    def note_reboot(self, action: Action) -> None:
        """It was begun; it holds back no treatment of other cards."""
        self.last_reboot = dataclasses.replace(action, state=ActionState.HELPED)

    def look_closer(self, interface: str) -> Answer:
        """A closer look at a card, unless it is known that nobody would answer."""
        now_s = self.edges.clock.read_monotonic_s()
        if now_s < self._stuck_until_s:
            return Answer(monotonic_s=now_s, stuck=True)
        self.count("nicmedic_watch_closer_looks_total")
        answer = self.edges.senses.look_closer(interface)
        if answer.stuck:
            self._stuck_until_s = self.edges.clock.read_monotonic_s() + _STUCK_S
        return answer
