# SPDX-License-Identifier: GPL-2.0-or-later
"""What a sentry wants to know, asked for it: a closer look, a silent probe. And whoever may have to treat the card is woken up in time."""

from nicmedic.app.watch.desk import Desk
from nicmedic.diagnosis.sentry import Sentry
from nicmedic.model.incident import IncidentVerdict
from nicmedic.model.policy import NicPolicy
from nicmedic.model.watched import Opinion, Want

__all__ = ["Doubts"]

_PROBE_PATIENCE_S = 0.3
"""A gateway answers ARP within a millisecond or so; who sleeps gets another question, for the sentry asks again."""
_PROBE_STEP_S = 0.05
_WARM_S = 20.0
"""So long a process that was woken up waits for its work."""
_LONGEST_PAUSE_S = 640.0


class Doubts:
    """Of one card."""

    def __init__(self, desk: Desk, sentry: Sentry) -> None:
        """Nothing was asked yet; what is learnt goes to ``sentry``."""
        self._desk, self._sentry = desk, sentry
        self._probed_at_s: float | None = None
        self._warm_at_s = 0.0
        self._pause_s = _WARM_S

    @property
    def is_probing(self) -> bool:
        """Whether an answer is awaited."""
        return self._probed_at_s is not None

    def settle(self, interface: str, opinion: Opinion, now_s: float) -> Opinion:
        """Learn what is wanted, as far as that goes now; returns what is thought of it then.

        A verdict that is final is returned as it is: asked again, the sentry would say it for the second time.
        """
        if opinion.verdict is not None and not opinion.wants:
            return opinion
        learnt = False
        if Want.CLOSER_LOOK in opinion.wants:
            self._sentry.learn(self._desk.look_closer(interface))
            learnt = True
        if Want.PROBE in opinion.wants or self.is_probing:
            learnt = self._probe(interface, now_s) or learnt
        return self._sentry.decide(self._desk.edges.clock.read_monotonic_s()) if learnt else opinion

    def find_next_s(self, opinion: Opinion, now_s: float) -> float:
        """When to look again: sooner while an answer is awaited."""
        return min(opinion.look_again_s, now_s + _PROBE_STEP_S) if self.is_probing else opinion.look_again_s

    def _probe(self, interface: str, now_s: float) -> bool:
        """Ask, or see whether an answer came; True: something was learnt."""
        senses = self._desk.edges.senses
        if self._probed_at_s is None:
            if senses.begin_probe(interface):
                self._desk.count("nicmedic_watch_probes_total")
                self._probed_at_s = now_s
                return False
            self._sentry.learn_probe(None, now_s)
            return True
        answered = senses.read_probe(interface)
        if not answered and now_s - self._probed_at_s < _PROBE_PATIENCE_S:
            return False
        self._probed_at_s = None
        self._sentry.learn_probe(answered, now_s)
        return True

    def warm_up(self, interface: str, opinion: Opinion, policy: NicPolicy, now_s: float) -> None:
        """Have whoever treats ready, where it may come to that. Doubts that came to nothing make it rarer, for each costs a start."""
        may_hang = opinion.verdict in (None, IncidentVerdict.NIC_HUNG) and bool(opinion.wants)
        if policy.mode.restores and may_hang and now_s >= self._warm_at_s:
            self._desk.edges.treater.warm_up(interface)
            self._warm_at_s = now_s + self._pause_s
            self._pause_s = min(_LONGEST_PAUSE_S, self._pause_s * 2)

    def reset_pause(self) -> None:
        """A doubt was right."""
        self._pause_s = _WARM_S
        self._warm_at_s = 0.0
