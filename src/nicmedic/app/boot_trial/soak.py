# SPDX-License-Identifier: GPL-2.0-or-later
"""Watch the host for as long as was wanted under the kernel on trial, without the lock: whoever stops the trial meanwhile is heard.

Only time counts in which every card carried the wanted rate in both directions by its own counters, answered, and did not hang. A gap of the clock
counts for nothing.
"""

import dataclasses
import datetime
from typing import Final

from nicmedic.app.boot_trial.card_soak import CardSoak, SoakEnd, find_unreached
from nicmedic.app.boot_trial.edges import TrialEdges
from nicmedic.app.treat import quietly
from nicmedic.model.boot_trial import BootTrial, LegResult, SoakFigures, TrialPhase, TrialVerdict, list_left
from nicmedic.model.counters import Counters
from nicmedic.model.durations import say_duration
from nicmedic.model.errors import NicmedicError

__all__ = ["is_soaking", "soak"]

_ROUND_S: Final = 5.0
"""Between two counts of traffic, and two looks at whether somebody stopped it."""
_REST_S: Final = 1.0
_GAP_S: Final = 60.0
"""Nobody knows what happened in a round that took so long: the host was suspended, or stood still."""


def is_soaking(edges: TrialEdges, trial: BootTrial) -> bool:
    """Whether the record still says that this boot soaks. Where it cannot be read, or is damaged, it did: who ends a soak writes it anew."""
    try:
        now = next((one for one in edges.store.list_trials() if one.id == trial.id), trial)
    except (NicmedicError, OSError):
        return True
    return now.phase is TrialPhase.SOAKING and now.soak_boot_id == trial.soak_boot_id


def soak(edges: TrialEdges, trial: BootTrial) -> LegResult | None:
    """Of the boot in hand, until there is a verdict; None: somebody else has ended it.

    Args:
        edges: of the machine.
        trial: ``soaking``; what was measured in this boot before our service died counts.
    """
    before: list[SoakFigures | None] = [None]

    def read() -> None:
        before[0] = edges.store.read_progress(trial)

    quietly(read)
    return _Soak(edges, trial, before[0]).run()


class _Soak:
    """One boot."""

    def __init__(self, edges: TrialEdges, trial: BootTrial, before: SoakFigures | None) -> None:
        self._edges, self._trial, self._figures = edges, trial, before or SoakFigures()
        self._reached = before is not None
        """In this boot, before our service died: what is silent now fell silent."""
        self._leg = list_left(trial)[0]
        self._began_s = edges.clock.read_monotonic_s()
        self._cured_before = self._figures.cured

    def run(self) -> LegResult | None:
        edges, wanted = self._edges, self._trial.wanted
        over = None if self._reached else self._reach()
        if over is not None:
            return self._tell(over) if is_soaking(edges, self._trial) else None
        edges.tell(f"everything is reached; soaking for {say_duration(self._leg.soak_s)}")
        try:
            cards = [CardSoak(edges, card, self._began_s) for card in self._trial.cards]
            begin_s = edges.clock.read_monotonic_s()
            self._figures = dataclasses.replace(self._figures, from_uptime_s=_find_from_s(self._figures, begin_s), to_uptime_s=begin_s)
            if wanted.traffic.host is not None:
                for card in cards:
                    edges.traffic.begin(card.nic, wanted.traffic)
            over = self._watch(cards)
        finally:
            edges.traffic.end()
        return None if over is None else self._tell(over)

    def _tell(self, over: SoakEnd) -> LegResult:
        now_s = self._edges.clock.read_monotonic_s()
        seen_s = now_s if over.seen_s is None else over.seen_s
        seen = self._edges.clock.read_now() - datetime.timedelta(seconds=now_s - seen_s)
        return LegResult(
            verdict=over.verdict,
            reason=over.reason,
            boot_id=self._trial.soak_boot_id,
            began=self._trial.soak_began,
            ended=seen.isoformat(timespec="seconds"),
            began_uptime_s=self._figures.from_uptime_s,
            ended_uptime_s=seen_s,
            hung=over.hung,
            figures=self._figures,
        )

    def _reach(self) -> SoakEnd | None:
        """Until every card reaches what it reached before, or has had its time; None too where somebody has ended it."""
        edges, until_s = self._edges, self._began_s + self._trial.wanted.reach_s
        while True:
            host = edges.machine.read_host()
            missing = [text for card in self._trial.cards if (text := find_unreached(edges, host, card)) is not None]
            if not missing:
                return None
            if edges.clock.read_monotonic_s() >= until_s or not is_soaking(edges, self._trial):
                told = f"not reached within {say_duration(self._trial.wanted.reach_s)}: {'; '.join(missing)}"
                return SoakEnd(verdict=TrialVerdict.UNREACHED, reason=told)
            edges.clock.wait_s(_ROUND_S)

    def _read_counters(self, cards: list[CardSoak]) -> tuple[Counters, ...]:
        return self._edges.machine.read_counters([card.nic.interface for card in cards])

    def _watch(self, cards: list[CardSoak]) -> SoakEnd | None:
        """The verdict, good or not; None: somebody else has ended it."""
        clock, most_s = self._edges.clock, self._leg.soak_s + self._trial.wanted.patience_s
        last_s, counts = clock.read_monotonic_s(), self._read_counters(cards)
        worked = True
        while True:
            if self._figures.soaked_s >= self._leg.soak_s:
                return SoakEnd(verdict=TrialVerdict.GOOD, reason="")
            turned_s = clock.read_monotonic_s()
            over = next((over for card in cards if (over := card.turn()) is not None), None)
            if over is not None:
                return over
            worked = worked and all(card.works for card in cards)
            clock.wait_s(max(0.0, turned_s + _REST_S - clock.read_monotonic_s()))
            now_s = clock.read_monotonic_s()
            if now_s - last_s < _ROUND_S:
                continue
            later = self._read_counters(cards)
            self._count((last_s, now_s), counts, later, cards, worked=worked)
            last_s, counts, worked = now_s, later, True
            if not is_soaking(self._edges, self._trial):
                return None
            quietly(lambda: self._edges.store.note_progress(self._trial, self._figures))
            quietly(self._edges.units.show_life)
            if self._figures.watched_s >= most_s and self._figures.soaked_s < self._leg.soak_s:
                return SoakEnd(verdict=TrialVerdict.TOO_QUIET, reason=self._say_quiet())

    def _count(
        self, span: tuple[float, float], before: tuple[Counters, ...], after: tuple[Counters, ...], cards: list[CardSoak], *, worked: bool
    ) -> None:
        first_s, last_s = span
        elapsed_s = last_s - first_s
        if elapsed_s > _GAP_S:
            return
        moved = [_find_moved(one, other) for one, other in zip(before, after, strict=True)]
        known = [pair for pair in moved if pair is not None]
        rate = self._trial.wanted.traffic.rate_bit_s
        enough = len(known) == len(moved) and all(count * 8 >= rate * elapsed_s for pair in known for count in pair)
        figures = self._figures
        self._figures = dataclasses.replace(
            figures,
            soaked_s=figures.soaked_s + (elapsed_s if worked and enough else 0.0),
            watched_s=figures.watched_s + elapsed_s,
            rx_bytes=figures.rx_bytes + sum(rx for rx, _ in known),
            tx_bytes=figures.tx_bytes + sum(tx for _, tx in known),
            cured=self._cured_before + sum(card.cured for card in cards),
            from_uptime_s=_find_from_s(figures, first_s),
            to_uptime_s=last_s,
        )

    def _say_quiet(self) -> str:
        figures, rate = self._figures, self._trial.wanted.traffic.rate_bit_s
        wanted = f"{rate / 1e6:g} Mbit/s in both directions" if rate else "answers"
        return f"in {say_duration(figures.watched_s)} there were {wanted} for {say_duration(figures.soaked_s)} only"


def _find_from_s(figures: SoakFigures, begin_s: float) -> float:
    """From when on it was watched without a gap, where it is from a moment on again."""
    begun_s, until_s = figures.from_uptime_s, figures.to_uptime_s
    return begun_s if begun_s is not None and until_s is not None and begin_s - until_s <= _GAP_S else begin_s


def _find_moved(before: Counters, after: Counters) -> tuple[int, int] | None:
    """Bytes received and sent in between; None: not known, or it is another interface, or was reset."""
    if before.interface != after.interface or before.ifindex != after.ifindex:
        return None
    if before.rx_bytes is None or before.tx_bytes is None or after.rx_bytes is None or after.tx_bytes is None:
        return None
    moved = after.rx_bytes - before.rx_bytes, after.tx_bytes - before.tx_bytes
    return moved if min(moved) >= 0 else None
