# SPDX-License-Identifier: GPL-2.0-or-later
"""What is remembered of one card: facts with their moments, no judgements. The rules read it."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from nicmedic.diagnosis.completions import COUNTS_COMPLETIONS
from nicmedic.diagnosis.sentry.finding import Finding
from nicmedic.diagnosis.sentry.flights import Flights
from nicmedic.diagnosis.sentry.lateness import Lateness
from nicmedic.diagnosis.sentry.looks import Looks, Probes
from nicmedic.model.sample import Sample, Signal, SignalKind
from nicmedic.model.watched import Answer, Card

__all__ = ["NEVER", "Memory", "Sign", "Waiting"]

NEVER = float("-inf")
_SETTLES_S = 8.0
"""After an interface was set up or changed: a driver may begin anew, and a copper link negotiates for 2 to 4 s."""
_WAKES_S = 10.0
_LONGEST_PATIENCE_S = 30.0
_PATIENCE_BY_ITSELF_S = 5.0
_LASTED_S = 0.2
_FORGETS_S = 600.0
_OLD_S = 15.0
"""A sign of a hang from before it was switched off for so long says nothing of it now."""


@dataclass(slots=True)
class Sign:
    """The kernel's watchdog, or a driver's own report of a hang."""

    at_s: float
    text: str
    worked_s: float | None
    """When the card was last seen to work before it."""
    starved: bool
    """It came when nothing else ran either."""
    count: int = 1
    completed_s: float | None = None
    """When frames were last seen to be sent that were handed over after it."""


class Waiting:
    """Packets that wait in the root discipline, where nothing tells of bytes in flight."""

    def __init__(self) -> None:
        """None."""
        self.since_s: float | None = None
        """Since then packets wait, and none was taken and none was sent."""
        self.points = 0
        self.backlog_bytes = 0
        self._last: tuple[int | None, int | None] | None = None

    def note(self, at_s: float, backlog_bytes: int | None, dequeued: int | None, tx_packets: int | None) -> None:
        """What was read at one moment; without a number of what was taken or sent nothing follows."""
        seen = (dequeued, tx_packets)
        if not backlog_bytes or seen == (None, None):
            self.since_s, self._last, self.points = None, None, 0
            return
        if seen != self._last:
            self.since_s, self._last, self.points = at_s, seen, 0
        self.backlog_bytes = backlog_bytes
        self.points += 1


class Memory:
    """Of one card."""

    def __init__(self, card: Card) -> None:
        """Nothing yet."""
        self.card = card
        self.last: Sample | None = None
        self.flights, self.looks, self.probes, self.late, self.waiting = Flights(), Looks(), Probes(), Lateness(), Waiting()
        self.hung: Finding | None = None
        """It was found to hang, and was not seen to work since."""
        self.sign: Sign | None = None
        self.signed_s = NEVER
        """When the newest came, also of one that goes on."""
        self.stray: tuple[float, str] | None = None
        """A line of a hang that names no interface."""
        self.faults: deque[tuple[float, str]] = deque(maxlen=4)
        self.stuck_at_s = NEVER
        """Somebody got no answer of networking."""
        self.up: bool | None = None
        self.down_s: float | None = None
        self.down_carried = False
        self.carrier: bool | None = None
        self.had_carrier = False
        self.lost_s = self.back_s = NEVER
        """When the carrier went and came."""
        self.drops: deque[float] = deque(maxlen=3)
        self.gone_s: float | None = None
        self.expected_until_s = NEVER
        """Till then a link that is away is what a change or a wake-up brings with it."""
        self.tx_moved_s = self.rx_moved_s = self.worked_s = NEVER
        self.rx_seen = False
        self.tx_since_rx = 0
        self.gateway_lost_s: float | None = None
        self.gateway_back_s = NEVER
        self.excused_s = NEVER
        """When it was last explained by something else that it stood."""
        self.patience_s = 0.0
        """Bytes in flight that stand for a shorter time raise no doubt: they did, and came to nothing."""
        self.queue_patience_s: dict[int, float] = {}
        self._acquitted_s = NEVER
        self.doubted_s: float | None = None
        """Since when those stand that are in doubt now."""
        self._hears: dict[SignalKind, Callable[[Signal], None]] = {
            SignalKind.HANG_LINE: self._hear_hang,
            SignalKind.XMIT_TIMEOUT: self._hear_timeout,
            SignalKind.FAULT_LINE: lambda signal: self.faults.append((signal.monotonic_s, signal.text)),
            SignalKind.CARRIER: lambda signal: self._set_carrier(bool(signal.value), signal.monotonic_s),
            SignalKind.ADMIN: lambda signal: self._set_up(bool(signal.value), signal.monotonic_s),
            SignalKind.APPEARED: self._hear_appeared,
            SignalKind.VANISHED: self._hear_vanished,
            SignalKind.CHANGED: lambda signal: self._expect(signal.monotonic_s + _SETTLES_S),
            SignalKind.STARVED: lambda signal: self.late.note(signal.monotonic_s, (signal.value or 0) / 1000),
            SignalKind.SLEPT: self._hear_slept,
            SignalKind.RTNL_STUCK: self._hear_stuck,
            SignalKind.GATEWAY: self._hear_gateway,
        }

    # ------------------------------------------------------------------------------------------------------------- what is seen

    def see(self, sample: Sample) -> None:
        """One more sample."""
        before = self.last
        if sample.up is not None:
            self._set_up(sample.up, sample.monotonic_s)
        self._set_carrier(sample.carrier, sample.monotonic_s)
        if before is not None and len(before.queues) != len(sample.queues):
            before = None
            self.flights = Flights()
        self.flights.see(before, sample)
        if self.samples_tell(sample):
            self.waiting.note(sample.monotonic_s, sample.backlog_bytes, sample.dequeued, sample.tx_packets)
        if before is not None:
            self._compare(before, sample)
        self.last, self.gone_s = sample, None

    @staticmethod
    def samples_tell(sample: Sample) -> bool:
        """Whether samples have what otherwise only a closer look has."""
        return sample.backlog_bytes is not None

    def _compare(self, before: Sample, sample: Sample) -> None:
        sent, received = _delta(before.tx_packets, sample.tx_packets), _delta(before.rx_packets, sample.rx_packets)
        if sent > 0:
            self.tx_moved_s = sample.monotonic_s
            self.tx_since_rx += sent
            if self.flights.works or not self.flights.seen:
                self.worked_s = sample.monotonic_s
                self._end_doubt(sample.monotonic_s)
                if self.sign is not None and before.monotonic_s >= self.sign.at_s:
                    self.sign.completed_s = sample.monotonic_s
        if received:
            self.rx_moved_s, self.rx_seen, self.tx_since_rx = sample.monotonic_s, True, 0
        for index, (queue, later) in enumerate(zip(before.queues, sample.queues, strict=True)):
            if _delta(queue.tx_timeout, later.tx_timeout) > 0:
                self._take_sign(sample.monotonic_s, f"the transmit watchdog of queue {index} expired (tx_timeout is {later.tx_timeout})")

    def learn(self, answer: Answer) -> None:
        """A closer look."""
        self.looks.learn(answer, self.flights)
        if answer.stuck:
            self.stuck_at_s = answer.monotonic_s
        elif self.last is None or not self.samples_tell(self.last):
            tx_packets = None if self.last is None else self.last.tx_packets
            self.waiting.note(answer.monotonic_s, answer.backlog_bytes, answer.dequeued, tx_packets)

    # ------------------------------------------------------------------------------------------------------------ what is heard

    def hear(self, signal: Signal) -> None:
        """One signal."""
        hears = self._hears.get(signal.kind)
        if hears is not None:
            hears(signal)

    def _hear_hang(self, signal: Signal) -> None:
        if signal.interface is None:
            self.stray = (signal.monotonic_s, signal.text)
        else:
            self._take_sign(signal.monotonic_s, signal.text)

    def _hear_timeout(self, signal: Signal) -> None:
        if signal.interface is not None:
            self._take_sign(signal.monotonic_s, signal.text or "the transmit watchdog expired (net_dev_xmit_timeout)")

    def _take_sign(self, at_s: float, text: str) -> None:
        """A sign of a hang; not while it is switched off, or without a link for longer than a driver needs to tell of a hang before that."""
        if self.down_s is not None or (self.carrier is False and at_s - self.lost_s >= 2.0):
            return
        self.signed_s = at_s
        starved = self.late.is_shaken(at_s)
        if self.sign is not None and (starved or not self.sign.starved):
            self.sign.count += 1
            return
        self.sign = Sign(at_s, text, self.worked_s if self.worked_s > NEVER else None, starved)

    def _set_carrier(self, carrier: bool | None, at_s: float) -> None:  # noqa: FBT001  # as in Sample
        if carrier is None or carrier is self.carrier:
            return
        known, self.carrier = self.carrier is not None, carrier
        self.had_carrier = self.had_carrier or carrier
        self.flights.restart(at_s)
        if carrier:
            self.back_s = at_s
        else:
            self.lost_s = at_s
            if known and self.down_s is None:
                self.drops.append(at_s)

    def _set_up(self, up: bool, at_s: float) -> None:  # noqa: FBT001  # as in Sample
        if up is self.up:
            return
        known, self.up = self.up is not None, up
        if up:
            self.down_s = None
            if self.sign is not None and at_s - self.sign.at_s > _OLD_S:
                self.sign = None
            if known:
                self._expect(at_s + _SETTLES_S)
            self.flights.restart(at_s)
        else:
            self.down_s = at_s
            self.down_carried = known and self.had_carrier and (self.carrier is True or at_s - self.lost_s < 2.0)

    def _hear_appeared(self, signal: Signal) -> None:
        self.gone_s, self.last, self.flights = None, None, Flights()
        self._expect(signal.monotonic_s + _SETTLES_S)

    def _hear_vanished(self, signal: Signal) -> None:
        self.gone_s, self.last, self.flights = signal.monotonic_s, None, Flights()
        self.waiting = Waiting()

    def _hear_slept(self, signal: Signal) -> None:
        self.late.note_sleep(signal.monotonic_s)
        self._expect(signal.monotonic_s + _WAKES_S)

    def _hear_stuck(self, signal: Signal) -> None:
        self.stuck_at_s = signal.monotonic_s

    def _hear_gateway(self, signal: Signal) -> None:
        if signal.value:
            self.gateway_lost_s = None
            if signal.value == 1:  # over this card
                self.gateway_back_s = signal.monotonic_s
        elif self.gateway_lost_s is None:
            self.gateway_lost_s = signal.monotonic_s

    def _expect(self, until_s: float) -> None:
        self.expected_until_s = max(self.expected_until_s, until_s)

    # ---------------------------------------------------------------------------------------------------------- what it amounts to

    @property
    def tells_flights(self) -> bool:
        """Whether bytes in flight are known of it."""
        return self.flights.seen or bool(self.card.has_bql)

    @property
    def counts_what_left(self) -> bool:
        """Whether frames that left can be told from frames that the card only took. What is no device hands them on at once."""
        return self.tells_flights or self.card.driver in COUNTS_COMPLETIONS or not self.card.is_real

    def keeps_from(self, at_s: float) -> bool:
        """Whether a queue still has what it had then."""
        alone = self.card.tx_queues < 2
        return any(
            flight.since_s <= at_s and not (alone and self.flights.none_done_since_s > at_s) for flight in self.flights.by_queue.values()
        )

    def proves_from_s(self, since_s: float) -> float:
        """Since when what stands is held against the card, if it stands since then."""
        return max(since_s, self.late.steady_since_s, self.excused_s)

    def acquit(self, now_s: float, stood_s: float) -> None:
        """It only looked so: its driver reports late, or its counters are renewed now and then. The next doubt is raised later."""
        self.patience_s = max(self.patience_s, min(_LONGEST_PATIENCE_S, 2.0 * stood_s))
        self._acquitted_s, self.doubted_s = now_s, None
        self.flights.none_done_since_s = now_s

    def acquit_queue(self, queue: int, now_s: float) -> None:
        """As above, of one queue."""
        flight = self.flights.by_queue[queue]
        self.queue_patience_s[queue] = min(_LONGEST_PATIENCE_S, 2.0 * (now_s - flight.since_s))
        flight.since_s = flight.same_since_s = now_s

    def _end_doubt(self, now_s: float) -> None:
        """It went on by itself: a doubt that had lasted was not worth its while."""
        doubted_s, self.doubted_s = self.doubted_s, None
        if doubted_s is not None and now_s - doubted_s >= _LASTED_S and self.hung is None:
            self.patience_s = max(self.patience_s, min(_PATIENCE_BY_ITSELF_S, 1.5 * (now_s - doubted_s)))
            self._acquitted_s = now_s
        elif now_s - self._acquitted_s > _FORGETS_S:
            self.patience_s = 0.0

    def forget(self, now_s: float) -> None:
        """It works: what spoke against it does not count any more."""
        self.hung = self.sign = self.stray = self.gateway_lost_s = None
        self.drops.clear()
        self.flights.restart(now_s)


def _delta(before: int | None, after: int | None) -> int:
    """By how much it rose; 0: not known. Below 0: the driver began to count anew."""
    return 0 if before is None or after is None else after - before
