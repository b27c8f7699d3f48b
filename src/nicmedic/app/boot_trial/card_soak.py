# SPDX-License-Identifier: GPL-2.0-or-later
"""One card in a soak: does it hang, is it reached, and may the watcher cure it."""

import dataclasses
from dataclasses import dataclass
from typing import Final

from nicmedic.app.boot_trial.edges import TrialEdges
from nicmedic.app.hang_watch import HangWatch
from nicmedic.diagnosis.probing import ANSWERS, Judgement, judge
from nicmedic.model.boot_trial import Card, TrialVerdict
from nicmedic.model.durations import say_duration
from nicmedic.model.host import Host
from nicmedic.model.plan import Identity
from nicmedic.model.same_card import find_card
from nicmedic.model.transaction import ProbeResult, ProbeState
from nicmedic.report.escape import escape_terminal

__all__ = ["CardSoak", "SoakEnd", "find_unreached"]

_LOST_S: Final = 120.0
"""So long may what answered before be silent: a switch that is started anew takes a minute."""
_CURE_S: Final = 180.0
"""So long has the watcher, from when its policy lets it begin."""
_PROBE_S: Final = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SoakEnd:
    """How a soak ends, and why."""

    verdict: TrialVerdict
    reason: str
    hung: str | None = None
    """Interface of the card that stopped."""
    seen_s: float | None = None
    """When that was seen, on the clock that never steps; None: now."""


def _locate(host: Host, card: Card) -> Identity | None:
    """The card as it is called in this boot."""
    nic = find_card(host.nics, card.nic)
    return None if nic is None else dataclasses.replace(card.nic, interface=nic.interface)


def _probe(edges: TrialEdges, card: Card, nic: Identity) -> tuple[ProbeResult, ...]:
    return edges.prober.run_probes(nic, [result.probe for result in card.before])


def find_unreached(edges: TrialEdges, host: Host, card: Card) -> str | None:
    """What this card does not reach of that which it reached before; None: it reaches all."""
    nic, name = _locate(host, card), escape_terminal(card.interface)
    if nic is None:
        return f"{name}: the card is not there"
    judgement = judge(card.before, _probe(edges, card, nic))
    return None if judgement.good else f"{name}: {judgement.text}"


class CardSoak:
    """One that was seen to be reached."""

    def __init__(self, edges: TrialEdges, card: Card, began_s: float) -> None:
        """Begin to watch it; ``began_s``: when the service of this boot began, on the clock that never steps."""
        self._edges, self._card, self._began_s = edges, card, began_s
        self._flows: bool | None = True
        self._answered = any(result.state is ProbeState.PASSED and result.probe.partition(" ")[0] in ANSWERS for result in card.before)
        """Whether somebody did before: then it is a loss, too, that nobody can be asked any more."""
        self._lost_s: float | None = None
        self._seen_s = 0.0
        self._hung: str | None = None
        self._cure_until_s = self._probe_at_s = 0.0
        self.cured = 0
        """Hangs that were, by the watcher."""
        self._begin()

    def _begin(self) -> None:
        host = self._edges.machine.read_host()
        self.nic = _locate(host, self._card) or self._card.nic
        """As it is called now."""
        self._watch = HangWatch(self._edges.machine, self._edges.clock, self._card.nic, host)

    @property
    def works(self) -> bool:
        """Whether the time that passes now may count."""
        return self._hung is None and self._flows is True

    def turn(self) -> SoakEnd | None:
        """About one second more; None: nothing is wrong, or not for long enough yet."""
        if self._hung is not None:
            return self._turn_hung(self._hung)
        rounds = self._watch.rounds
        found = self._watch.look(lambda: _probe(self._edges, self._card, self.nic), self._card.before)
        if self._watch.rounds != rounds:  # the probes had their say, not the counters
            return self._judge_silence(found)
        return None if found is None else self._take_hang(found)

    def _judge_silence(self, found: str | None) -> SoakEnd | None:
        now_s = self._edges.clock.read_monotonic_s()
        self._flows = self._watch.flows
        if self._flows is not False and not (self._flows is None and self._answered):
            self._lost_s = None
            return None
        self._lost_s = now_s if self._lost_s is None else self._lost_s
        if now_s - self._lost_s < _LOST_S:
            return None
        name, beyond = escape_terminal(self.nic.interface), ", although frames leave" if self._watch.silent else ""
        what = f": {found}" if found else ""
        return SoakEnd(verdict=TrialVerdict.UNREACHED, reason=f"{name}: no answer for {say_duration(now_s - self._lost_s)}{beyond}{what}")

    def _take_hang(self, found: str) -> SoakEnd | None:
        """It stopped: wait for the watcher, where that may do something."""
        now_s = self._seen_s = self._edges.clock.read_monotonic_s()
        policy = self._edges.find_policy(self.nic)
        if policy is None or not policy.mode.restores:
            return self._give_up(found, "")
        quiet_s = max(0.0, self._began_s + policy.quiet_after_boot_s - now_s)
        self._hung, self._flows, self._lost_s = found, False, None
        self._cure_until_s, self._probe_at_s = now_s + quiet_s + _CURE_S, now_s + _PROBE_S
        self._edges.tell(f"{escape_terminal(self.nic.interface)} hangs ({found}); the watcher may cure that")
        return None

    def _turn_hung(self, found: str) -> SoakEnd | None:
        now_s = self._edges.clock.read_monotonic_s()
        if now_s < self._probe_at_s:
            return None
        self._probe_at_s = now_s + _PROBE_S
        if self._look_again().good:
            self._edges.tell(f"{escape_terminal(self.nic.interface)}: the watcher has cured it")
            self._hung, self._flows, self.cured = None, True, self.cured + 1
            self._begin()
            return None
        return None if now_s < self._cure_until_s else self._give_up(found, "; the watcher did not cure it in time")

    def _look_again(self) -> Judgement:
        nic = _locate(self._edges.machine.read_host(), self._card)
        if nic is None:
            return Judgement(good=False)
        self.nic = nic
        return judge(self._card.before, _probe(self._edges, self._card, nic))

    def _give_up(self, found: str, why: str) -> SoakEnd:
        name = self.nic.interface
        return SoakEnd(verdict=TrialVerdict.HUNG, reason=f"{escape_terminal(name)} hangs: {found}{why}", hung=name, seen_s=self._seen_s)
