# SPDX-License-Identifier: GPL-2.0-or-later
"""Watch one card for a hang while something is being tried: its counters each second, its probes now and then."""

from collections.abc import Callable, Sequence

from nicmedic.diagnosis.probing import frames_leave, judge
from nicmedic.diagnosis.stall import find_stall
from nicmedic.model.counters import Counters
from nicmedic.model.host import Host
from nicmedic.model.nic import Nic
from nicmedic.model.plan import Identity
from nicmedic.model.same_card import find_card
from nicmedic.model.transaction import ProbeResult
from nicmedic.ports.clock import Clock
from nicmedic.ports.machine import Machine

__all__ = ["HangWatch"]

_LOOK_S = 1.0
_PROBE_EVERY = 5
"""Looks between two rounds of probes, which cost frames."""
_SILENT_ROUNDS = 3
"""So many rounds without the answers that came before are a hang that the counters do not show. One lost frame is none, and nor is a silence
while there is a link and frames leave: a gateway that is started anew looks like that."""


def _count_timeouts(look: Counters) -> int:
    return sum(queue.tx_timeout or 0 for queue in look.queues)


class HangWatch:
    """One card."""

    def __init__(self, machine: Machine, clock: Clock, card: Identity, host: Host | None = None) -> None:
        """Begin: expiries of the transmit watchdog from now on count. ``host``: as it was read this moment."""
        self._machine, self._clock, self._card = machine, clock, card
        self._nic: Nic | None = find_card((machine.read_host() if host is None else host).nics, card)
        self._looks: list[Counters] = [] if self._nic is None else [self._read(self._nic)]
        self._timeouts = _count_timeouts(self._looks[0]) if self._looks else 0
        self._number = self._silent = 0
        self.rounds = 0
        """Of probes, so far."""
        self.flows: bool | None = None
        """What the last round showed of traffic; None: nothing, or there was none yet."""
        self.silent = False
        """No answer came in the last round although frames leave: whether the card receives, or somebody beyond it is at fault, is open."""
        self.gone = False
        """What was found is that the card is not there, or was made anew: that may be somebody's hand as well as a hang."""

    def _read(self, nic: Nic) -> Counters:
        (look,) = self._machine.read_counters([nic.interface])
        return look

    def find_hang(self) -> str | None:
        """Whether it stands still now, by three looks; what shows it."""
        return self._look_once() or self._look_once()

    def _look_once(self) -> str | None:
        if self._nic is None:
            self.gone = True
            return "the card is gone"
        self._clock.wait_s(max(0.0, self._looks[-1].monotonic_s + _LOOK_S - self._clock.read_monotonic_s()))
        self._looks = [*self._looks[-2:], self._read(self._nic)]
        if self._looks[-1].ifindex != self._looks[0].ifindex:
            self.gone = True
            return "the card is gone"
        expired = _count_timeouts(self._looks[-1]) - self._timeouts
        if expired > 0:
            return f"its transmit watchdog expired (tx_timeout + {expired})"
        if len(self._looks) < 3:
            return None
        return next((reason.text for reason in find_stall(self._nic, self._looks).reasons), None)

    def look(self, run_probes: Callable[[], Sequence[ProbeResult]], before: Sequence[ProbeResult]) -> str | None:
        """One second more.

        Args:
            run_probes: asked now and then.
            before: what they said when traffic flowed.

        Returns:
            What shows that it hangs; None: nothing does.
        """
        found = self._look_once()
        self._number += 1
        if found is not None or self._number % _PROBE_EVERY:
            return found
        results = run_probes()
        judgement = judge(before, results)
        self.rounds, self.flows = self.rounds + 1, judgement.good
        self.silent = judgement.good is False and frames_leave(results)
        self._silent = self._silent + 1 if judgement.good is False and not self.silent else 0
        return judgement.text if self._silent >= _SILENT_ROUNDS else None
