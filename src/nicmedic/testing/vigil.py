# SPDX-License-Identifier: GPL-2.0-or-later
"""A sentry over a simulated card, served as the watcher serves it: what is wanted is asked for, what is found is settled."""

from collections.abc import Callable

from nicmedic.diagnosis.sentry import Sentry
from nicmedic.model.incident import IncidentVerdict
from nicmedic.model.sample import Signal
from nicmedic.model.watched import Opinion, Want
from nicmedic.testing.clock import FakeClock
from nicmedic.testing.simulated import SimulatedCard
from nicmedic.testing.watching import FakeSenses

__all__ = ["Vigil"]

_PATIENCE_S = 0.3
_STEP_S = 0.05


class Vigil:
    """One card. ``verdicts`` and ``restored`` tell what came out of it."""

    def __init__(self, card: SimulatedCard | None = None, *, jitter: Callable[[], float] = lambda: 0.0) -> None:
        """``jitter``: so much later than asked for comes each turn."""
        self.card = SimulatedCard() if card is None else card
        self.clock = FakeClock()
        self.senses = FakeSenses(self.clock, [self.card])
        self.sentry = Sentry(self.card.card)
        self.verdicts: list[tuple[float, Opinion]] = []
        """Final ones that differ from the one before, with seconds since the beginning."""
        self.restored: list[float] = []
        """When it was seen to be over."""
        self._jitter = jitter
        self._began_s = self.clock.read_monotonic_s()
        self._probed_s: float | None = None
        self._open: IncidentVerdict | None = None

    @property
    def now_s(self) -> float:
        """Since the beginning."""
        return self.clock.read_monotonic_s() - self._began_s

    @property
    def words(self) -> list[IncidentVerdict]:
        """The verdicts alone."""
        return [opinion.verdict for _, opinion in self.verdicts if opinion.verdict is not None]

    def hear(self, *signals: Signal) -> None:
        """Something happens now; to be used between two ``run``."""
        for signal in signals:
            self.sentry.hear(signal)

    def run(self, seconds: float) -> Opinion:
        """Watch for so long; the last opinion."""
        end_s = self.clock.read_monotonic_s() + seconds
        opinion = self._turn()
        while self.clock.read_monotonic_s() < end_s:
            until_s = opinion.look_again_s if self._probed_s is None else min(opinion.look_again_s, self.clock.read_monotonic_s() + _STEP_S)
            for signal in self.senses.wait_signals(min(max(until_s + self._jitter(), self.clock.read_monotonic_s() + 0.02), end_s)):
                self.sentry.hear(signal)
            opinion = self._turn()
        return opinion

    def _turn(self) -> Opinion:
        sample = self.senses.read_sample(self.card.card.interface)
        if sample is not None:
            self.sentry.see(sample)
        opinion = self.sentry.decide(self.clock.read_monotonic_s())
        if self._learn(opinion):
            opinion = self.sentry.decide(self.clock.read_monotonic_s())
        if opinion.verdict is not None and not opinion.wants and opinion.verdict is not self._open:
            self.verdicts.append((self.now_s, opinion))
            self._open = opinion.verdict
            self.sentry.settle(self.clock.read_monotonic_s())
        elif self._open is not None and opinion.flows:
            self.restored.append(self.now_s)
            self._open = None
            self.sentry.settle(self.clock.read_monotonic_s())
        return opinion

    def _learn(self, opinion: Opinion) -> bool:
        """Ask for what is wanted; whether something was learnt."""
        interface, now_s = self.card.card.interface, self.clock.read_monotonic_s()
        learnt = Want.CLOSER_LOOK in opinion.wants
        if learnt:
            self.sentry.learn(self.senses.look_closer(interface))
        if self._probed_s is None and Want.PROBE in opinion.wants:
            if self.senses.begin_probe(interface):
                self._probed_s = now_s
                return learnt
            self.sentry.learn_probe(None, now_s)
            return True
        if self._probed_s is not None:
            answered = self.senses.read_probe(interface)
            if answered or now_s - self._probed_s >= _PATIENCE_S:
                self._probed_s = None
                self.sentry.learn_probe(answered, now_s)
                return True
        return learnt
