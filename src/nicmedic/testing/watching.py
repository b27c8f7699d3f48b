# SPDX-License-Identifier: GPL-2.0-or-later
"""What the watcher has around it, in memory: cards of ``nicmedic.testing.simulated``, a script of what happens to them, and edges that can fail."""

from collections.abc import Callable, Iterable, Mapping, Sequence

from nicmedic.model.incident import Incident
from nicmedic.model.sample import Sample, Signal
from nicmedic.model.watched import Answer, Card
from nicmedic.testing.clock import FakeClock
from nicmedic.testing.simulated import SimulatedCard

__all__ = ["FakeErrands", "FakeHeart", "FakeSenses", "FakeTeller", "FakeTreater", "Happening"]

Happening = Callable[[], Iterable[Signal] | None]
"""Something that happens, and what is heard of it."""


class _Edge:
    """Counts its calls, and fails at one of them."""

    def __init__(self, *, fail_at: int | None = None, error: Exception | None = None) -> None:
        """Work.

        Args:
            fail_at: the call, counted from 0 over all methods, that raises.
            error: what it raises; by default an ``OSError``.
        """
        self.fail_at = fail_at
        self.error = OSError("failed as asked") if error is None else error
        self.calls: list[str] = []
        """Names of the methods that were called, in order."""

    def _call(self, name: str) -> None:
        number = len(self.calls)
        self.calls.append(name)
        if number == self.fail_at:
            raise self.error


class FakeSenses(_Edge):
    """``nicmedic.ports.watching.Senses``: waiting lets time pass, and what the script says happens meanwhile."""

    def __init__(
        self, clock: FakeClock, cards: Iterable[SimulatedCard], *, fail_at: int | None = None, error: Exception | None = None
    ) -> None:
        """``clock``: goes on while somebody waits; ``cards``: all there is, those that are gone too."""
        super().__init__(fail_at=fail_at, error=error)
        self.clock = clock
        self.cards: dict[str, SimulatedCard] = {card.card.interface: card for card in cards}
        self.kernel_log = b""
        self.blind_spots: tuple[str, ...] = ()
        self.late_s = 0.0
        """Every wait takes so much longer than asked."""
        self.stuck = False
        """Somebody holds the lock of networking: closer looks take a second and come back empty."""
        self.has_gateway = True
        self._probes: dict[str, bool] = {}
        self._script: list[tuple[float, Happening]] = []
        self._passed_s = clock.read_monotonic_s()

    def at(self, after_s: float, happening: Happening) -> None:
        """Let something happen so many seconds from now; ``happening`` may give signals back."""
        self._script.append((self.clock.read_monotonic_s() + after_s, happening))
        self._script.sort(key=lambda item: item[0])

    def _catch_up(self) -> None:
        """Have the cards live through what time passed on the clock, whoever waited."""
        now_s = self.clock.read_monotonic_s()
        for card in self.cards.values():
            card.pass_time(now_s - self._passed_s)
        self._passed_s = now_s

    def _wait_until(self, until_s: float) -> None:
        self.clock.wait_s(max(0.0, until_s - self.clock.read_monotonic_s()))
        self._catch_up()

    def list_cards(self) -> tuple[Card, ...]:
        self._call("list_cards")
        return tuple(card.card for card in self.cards.values() if card.is_there)

    def read_sample(self, interface: str) -> Sample | None:
        self._call("read_sample")
        self._catch_up()
        card = self.cards.get(interface)
        return card.read_sample(self.clock.read_monotonic_s()) if card is not None and card.is_there else None

    def wait_signals(self, until_s: float) -> tuple[Signal, ...]:
        self._call("wait_signals")
        until_s += self.late_s
        while self._script and self._script[0][0] <= until_s:
            moment_s, happening = self._script.pop(0)
            self._wait_until(moment_s)
            heard = tuple(happening() or ())
            if heard:
                return heard
        self._wait_until(until_s)
        return ()

    def look_closer(self, interface: str) -> Answer:
        self._call("look_closer")
        if self.stuck:
            self._wait_until(self.clock.read_monotonic_s() + 1.0)
            return Answer(monotonic_s=self.clock.read_monotonic_s(), stuck=True)
        self._catch_up()
        card = self.cards.get(interface)
        now_s = self.clock.read_monotonic_s()
        return Answer(monotonic_s=now_s) if card is None else card.look_closer(now_s)

    def begin_probe(self, interface: str) -> bool:
        self._call("begin_probe")
        self._catch_up()
        card = self.cards.get(interface)
        if card is None or not card.is_there or not self.has_gateway:
            return False
        self._probes[interface] = card.send_probe()
        return True

    def read_probe(self, interface: str) -> bool | None:
        self._call("read_probe")
        return self._probes.get(interface)

    def read_kernel_log(self, most_bytes: int = 256 << 10) -> bytes:
        self._call("read_kernel_log")
        return self.kernel_log[-most_bytes:]

    def find_blind_spots(self) -> tuple[str, ...]:
        self._call("find_blind_spots")
        return self.blind_spots


class FakeTreater(_Edge):
    """``nicmedic.ports.watching.Treater``: each treatment takes its time, and then does to the world what the test says."""

    def __init__(
        self,
        clock: FakeClock,
        cure: Callable[[Incident, str], int] = lambda _incident, _what: 0,
        *,
        takes_s: float = 3.0,
        fail_at: int | None = None,
        error: Exception | None = None,
    ) -> None:
        """``cure``: called when a treatment ends; gives its exit status."""
        super().__init__(fail_at=fail_at, error=error)
        self._clock, self._cure = clock, cure
        self.takes_s = takes_s
        self.first_line = "traffic flows again"
        self.has_transaction = True
        """Whether it comes so far that there is one: its number is that of the job."""
        self.undecided: tuple[int, ...] = ()
        """Transactions that somebody else is at."""
        self.begun: list[tuple[Incident, str, tuple[str, ...]]] = []
        self.warmed: list[str] = []
        self._running: list[tuple[float, int]] = []

    def begin(self, incident: Incident, what: str, arguments: Sequence[str]) -> int:
        self._call("begin")
        self.begun.append((incident, what, tuple(arguments)))
        self._running.append((self._clock.read_monotonic_s() + self.takes_s, len(self.begun)))
        return len(self.begun)

    def list_undecided(self) -> tuple[int, ...]:
        self._call("list_undecided")
        return self.undecided

    def warm_up(self, interface: str) -> None:
        self._call("warm_up")
        self.warmed.append(interface)

    def read_ended(self) -> tuple[tuple[int, int, str, tuple[int, ...]], ...]:
        self._call("read_ended")
        now_s = self._clock.read_monotonic_s()
        over = [number for end_s, number in self._running if end_s <= now_s]
        self._running = [item for item in self._running if item[1] not in over]
        return tuple(
            (number, self._cure(*self.begun[number - 1][:2]), self.first_line, (number,) if self.has_transaction else ()) for number in over
        )


class FakeErrands(_Edge):
    """``nicmedic.ports.watching.Errands``: notes what was asked for."""

    def __init__(self, *, fail_at: int | None = None, error: Exception | None = None) -> None:
        """Remember."""
        super().__init__(fail_at=fail_at, error=error)
        self.kept: list[int] = []
        self.is_full = False
        self.at_work: set[int] = set()
        """Incidents whose heavy pieces are being made."""

    def keep_evidence(self, number: int) -> bool:
        self._call("keep_evidence")
        if not self.is_full:
            self.kept.append(number)
        return not self.is_full

    def is_keeping(self, number: int) -> bool:
        self._call("is_keeping")
        return number in self.at_work

    def note_boot(self) -> None:
        self._call("note_boot")


class FakeTeller(_Edge):
    """``nicmedic.ports.watching.Teller``: remembers what was told."""

    def __init__(self, *, fail_at: int | None = None, error: Exception | None = None) -> None:
        """Remember."""
        super().__init__(fail_at=fail_at, error=error)
        self.incidents: list[tuple[Incident, str]] = []
        self.host: list[tuple[str, bool]] = []
        """What was said of the watcher itself, and whether it was bad."""
        self.metrics: list[dict[str, float]] = []

    def tell_incident(self, incident: Incident, news: str) -> None:
        self._call("tell_incident")
        self.incidents.append((incident, news))

    def tell_host(self, text: str, *, bad: bool) -> None:
        self._call("tell_host")
        self.host.append((text, bad))

    def write_metrics(self, values: Mapping[str, float]) -> None:
        self._call("write_metrics")
        self.metrics.append(dict(values))


class FakeHeart(_Edge):
    """``nicmedic.ports.watching.Heart``: remembers its beats."""

    def __init__(self, *, fail_at: int | None = None, error: Exception | None = None) -> None:
        """Remember."""
        super().__init__(fail_at=fail_at, error=error)
        self.told: list[str] = []

    def ready(self, status: str) -> None:
        self._call("ready")
        self.told.append(status)

    def beat(self, status: str) -> None:
        self._call("beat")
        self.told.append(status)

    def reloading(self) -> None:
        self._call("reloading")

    def stopping(self) -> None:
        self._call("stopping")
