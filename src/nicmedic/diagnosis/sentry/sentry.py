# SPDX-License-Identifier: GPL-2.0-or-later
"""One card under watch: samples and signals in, an opinion out. No clock, no machine; every moment is ``time.monotonic`` of whoever asks.

It must be right before it is quick. A verdict is given only when nothing else explains what is seen, and what could explain it is asked
for first: ``Opinion.wants``. ``rules.table`` has the order in which verdicts are tried, each rule why it holds.
"""

from collections import deque

from nicmedic.diagnosis.sentry.finding import Finding
from nicmedic.diagnosis.sentry.flow import Flow
from nicmedic.diagnosis.sentry.memory import NEVER, Memory
from nicmedic.diagnosis.sentry.rules.table import RULES
from nicmedic.model.incident import IncidentVerdict
from nicmedic.model.sample import Sample, Signal
from nicmedic.model.watched import Answer, Card, Opinion, Want

__all__ = ["Sentry"]

_MINUTE = 60
_ONE_A_SECOND_S = 0.95
_IN_DOUBT_S = 0.1
_MOVING_S = 0.2
_IDLE_S = 0.4
_IDLE_AFTER_S = 10.0
_LONG_S = 30.0
_PROBES_FROM_S = 1.0
"""After a verdict, which whoever asks is to write down first."""
_PROBE_PAUSES_S = ((_LONG_S, 0.5), (120.0, 2.0))
_LAST_PROBE_PAUSE_S = 5.0
_IMPOSSIBLE_PAUSE_S = 30.0


class Sentry:
    """Of one card. Bounded in memory, however long it watches."""

    def __init__(self, card: Card) -> None:
        """``card``: as it is when watching begins."""
        self._memory = Memory(card)
        self._flow = Flow()
        self._minute: deque[Sample] = deque(maxlen=_MINUTE)
        self._asked_s: float | None = None
        self._given: Finding | None = None
        self._given_s = NEVER
        self._flows = False

    @property
    def samples(self) -> tuple[Sample, ...]:
        """The minute before, one a second, oldest first, and the newest."""
        newest = self._memory.last
        return tuple(self._minute) if newest is None or (self._minute and self._minute[-1] is newest) else (*self._minute, newest)

    def learn_card(self, card: Card) -> None:
        """The same card, described anew: another name, a speed that is known now."""
        self._memory.card = card

    def see(self, sample: Sample) -> None:
        """One sample; it should come when ``Opinion.look_again_s`` said so, for coming later is a sign of its own."""
        if self._asked_s is not None:
            self._memory.late.note(sample.monotonic_s, sample.monotonic_s - self._asked_s)
        self._asked_s = None
        self._memory.see(sample)
        self._flow.see(self._memory, sample)
        if not self._minute or sample.monotonic_s - self._minute[-1].monotonic_s >= _ONE_A_SECOND_S:
            self._minute.append(sample)

    def hear(self, signal: Signal) -> None:
        """Something happened to this card, or to the host. What is told late, right after a gap, is known for that."""
        if self._asked_s is not None:
            self._memory.late.note(signal.monotonic_s, signal.monotonic_s - self._asked_s)
        self._memory.hear(signal)

    def learn(self, answer: Answer) -> None:
        """A closer look. It takes its time, which is no lateness."""
        self._asked_s = None
        self._memory.learn(answer)

    def learn_probe(self, answered: bool | None, now_s: float) -> None:  # noqa: FBT001  # as ports.watching gives it
        """What became of a probe, at its end: None: there is nobody to ask."""
        self._memory.probes.learn(answered, now_s)

    def take_over(self, verdict: IncidentVerdict, now_s: float, *, was_gone: bool) -> None:
        """An incident is open from before we looked: see whether it is over. That it was given says nothing of what the card does now.

        ``was_gone``: the interface is a new one. Then one that was away, and nobody knew why, is back as soon as it has a link, though it is idle.
        """
        self._given, self._given_s = Finding(verdict), now_s
        self._mark(now_s, by_carrier=was_gone and verdict in (IncidentVerdict.UNSURE, IncidentVerdict.LINK))

    def settle(self, now_s: float) -> None:
        """An incident of it was written down, or ended: signs of it do not count twice. A card that hangs still hangs, until it is seen to work."""
        memory = self._memory
        memory.sign = memory.stray = None
        if self._flows or memory.gone_s is not None:
            self._given = memory.hung = None
        self._mark(now_s)
        self._asked_s = None

    def _mark(self, now_s: float, *, by_carrier: bool = False) -> None:
        verdict = None if self._given is None else self._given.verdict
        self._flow.mark(now_s, verdict, by_carrier=by_carrier or (verdict is IncidentVerdict.LINK and self._memory.carrier is False))
        self._flows = False

    def decide(self, now_s: float) -> Opinion:
        """What is thought of it now."""
        memory = self._memory
        memory.looks.wants = False
        memory.probes.begin_turn()
        if not self._flows and self._flow.is_seen(memory, now_s):
            self._flows = True
            memory.forget(now_s)
        found = next((finding for rule in RULES if (finding := rule(memory, now_s)) is not None), None)
        verdict = None if found is None else found.verdict
        is_new = found is not None and verdict is not None and self._give(found, now_s)
        if self._given is not None and not is_new and not self._flows:
            self._ask_whether_over(now_s)
        memory.probes.end_turn()
        wants = frozenset() if is_new else self._list_wants()
        self._asked_s = now_s + self._find_pause_s(now_s, wants)
        return Opinion(
            verdict=verdict,
            reasons=() if found is None or verdict is None else found.reasons,
            began_s=None if found is None or verdict is None else found.began_s,
            wants=wants,
            flows=self._flows or None,
            look_again_s=self._asked_s,
        )

    def _give(self, found: Finding, now_s: float) -> bool:
        """Note a verdict; whether it is another than the one before."""
        if found.verdict is IncidentVerdict.NIC_HUNG:
            self._memory.hung = found
        if self._given is not None and self._given.verdict is found.verdict and not self._flows:
            return False
        self._given, self._given_s = found, now_s
        self._mark(now_s)
        return True

    def _list_wants(self) -> frozenset[Want]:
        memory = self._memory
        wanted = ((memory.looks.wants, Want.CLOSER_LOOK), (memory.probes.wants, Want.PROBE))
        return frozenset(want for is_wanted, want in wanted if is_wanted)

    def _ask_whether_over(self, now_s: float) -> None:
        """An idle card does not show that it works again, unless somebody is asked over it."""
        memory, age_s = self._memory, now_s - self._given_s
        if age_s < _PROBES_FROM_S or memory.gone_s is not None or memory.down_s is not None or memory.carrier is False:
            return
        pause_s = next((pause_s for until_s, pause_s in _PROBE_PAUSES_S if age_s < until_s), _LAST_PROBE_PAUSE_S)
        if memory.probes.is_impossible:
            pause_s = _IMPOSSIBLE_PAUSE_S
        if now_s - memory.probes.last_s >= pause_s:
            memory.probes.want(now_s)

    def _find_pause_s(self, now_s: float, wants: frozenset[Want]) -> float:
        """Until the next sample: short in doubt, long where nothing moves."""
        memory, flights = self._memory, self._memory.flights
        if self._given is not None and now_s - self._given_s > _LONG_S:
            return _IDLE_S
        stood_s = now_s - flights.none_done_since_s if flights.by_queue else 0.0
        if wants or stood_s >= max(_IN_DOUBT_S / 2, memory.patience_s - _IDLE_S):
            return _IN_DOUBT_S
        moved_s = max(memory.tx_moved_s, memory.rx_moved_s, self._given_s)
        return _MOVING_S if now_s - moved_s <= _IDLE_AFTER_S else _IDLE_S
