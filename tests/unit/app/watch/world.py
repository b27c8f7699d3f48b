# SPDX-License-Identifier: GPL-2.0-or-later
"""A watcher with everything around it in memory, and an hour in a moment."""

from collections.abc import Callable, Iterable

from nicmedic.app.watch.edges import Boot, Edges
from nicmedic.app.watch.loop import Watcher
from nicmedic.model.incident import Incident
from nicmedic.model.policy import Mode, NicPolicy, Policy
from nicmedic.model.sample import Signal
from nicmedic.testing.clock import FakeClock
from nicmedic.testing.incidents import FakeIncidents
from nicmedic.testing.simulated import SimulatedCard
from nicmedic.testing.watching import FakeErrands, FakeHeart, FakeSenses, FakeTeller, FakeTreater

__all__ = ["World"]


class World:
    """One host."""

    def __init__(
        self,
        *cards: SimulatedCard,
        policy: NicPolicy | Policy | Mode = Mode.OBSERVE,
        store: FakeIncidents | None = None,
        boot_id: str = "boot-1",
        uptime_s: float = 1000.0,
    ) -> None:
        """``cards``: by default one with traffic both ways."""
        self.clock = FakeClock()
        self.cards = cards or (self.make_card(),)
        self.card = self.cards[0]
        self.senses = FakeSenses(self.clock, self.cards)
        self.store = FakeIncidents() if store is None else store
        self.cures: dict[str, Callable[[], int]] = {"restore": self.cure}
        self.treater = FakeTreater(self.clock, lambda _incident, what: self.cures.get(what, lambda: 0)())
        self.errands = FakeErrands()
        self.teller = FakeTeller()
        self.heart = FakeHeart()
        self.policy = self._make_policy(policy)
        self.policy_error: Exception | None = None
        self.taken: list[Policy] = []
        self._begin_s = self.clock.read_monotonic_s()
        self._uptime_s = uptime_s
        edges = Edges(
            senses=self.senses,
            store=self.store,
            treater=self.treater,
            errands=self.errands,
            teller=self.teller,
            heart=self.heart,
            clock=self.clock,
            boot=Boot(boot_id=boot_id, kernel_release="6.1.0", kernel_package="6.1.1-1"),
            read_uptime_s=lambda: self._uptime_s + self.now_s,
            read_policy=self._read_policy,
            take_policy=self.taken.append,
        )
        self.watcher = Watcher(edges, self.policy)

    @staticmethod
    def make_card(**of_card: object) -> SimulatedCard:
        """With traffic both ways."""
        card = SimulatedCard(**of_card)  # type: ignore[arg-type]  # as the class has them
        card.tx_rate = card.rx_rate = 100.0
        return card

    @staticmethod
    def _make_policy(policy: NicPolicy | Policy | Mode) -> Policy:
        if isinstance(policy, Mode):
            policy = NicPolicy(mode=policy)
        return policy if isinstance(policy, Policy) else Policy(default=policy)

    def _read_policy(self) -> Policy:
        if self.policy_error is not None:
            raise self.policy_error
        return self.policy

    @property
    def now_s(self) -> float:
        """Since the world began."""
        return self.clock.read_monotonic_s() - self._begin_s

    def hang_all(self) -> None:
        """Every card."""
        for card in self.cards:
            card.hang()

    def cure(self) -> int:
        """As a ladder that helps."""
        self.card.reset()
        return 0

    def at(self, after_s: float, happening: Callable[[], Iterable[Signal] | None]) -> None:
        """Let something happen."""
        self.senses.at(after_s, happening)

    def run(self, seconds: float) -> None:
        """Watch for so long; may be called once, for it ends the watcher."""
        self.senses.at(seconds, self.watcher.ask_stop)
        self.watcher.run()

    @property
    def incidents(self) -> tuple[Incident, ...]:
        """On disk."""
        return self.store.list_incidents()

    @property
    def news(self) -> list[str]:
        """What was told of incidents."""
        return [news for _, news in self.teller.incidents]
