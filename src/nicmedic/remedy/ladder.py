# SPDX-License-Identifier: GPL-2.0-or-later
"""Which remedy is tried next, and what the results mean. Pure: results and times come in, the next step comes out; ``nicmedic.app.ladder`` climbs.

Two ladders. *restore*: traffic is away now, so the rung with the most recovery expected per second comes first. *prevent*: traffic flows, and it must
not end again, so one factor at a time, the mildest first, then all together, then what can be left out.
"""

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from nicmedic.model.finding import RemedyId, Trial, TrialResult
from nicmedic.model.plan import Change, Ladder, Refusal

__all__ = [
    "Done",
    "Earlier",
    "Outcome",
    "Rung",
    "Seen",
    "Tried",
    "Try",
    "Wait",
    "choose_next",
    "estimate_certainty",
    "estimate_hold_h",
    "find_wait",
    "name_change",
    "order_prevent",
    "order_restore",
    "share_certainty",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Earlier:
    """What became of one remedy on this host and kind of card before, newest last in every sequence of these."""

    remedy: RemedyId
    argument: str = ""
    ladder: Ladder
    worked: bool


class Seen(StrEnum):
    """What a look at the card shows, and what no rung but some can mend. The words are the reason."""

    NO_BUS_MASTER = "it may not reach memory, which only a driver that is bound anew asks for"
    LOST = "the host has lost it, and only its bus can bring it back"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rung:
    """One change in its place."""

    change: Change
    odds: float
    """Chance that it helps."""
    seconds: float
    """Until one knows."""
    reason: str
    """Why it stands there: a few words for the operator."""


def name_change(change: Change | Refusal) -> str:
    """As ``--remedy`` takes it: ``offload-off:tso``."""
    return f"{change.remedy}:{change.argument}" if change.argument else str(change.remedy)


_DEFAULTS: Final[Mapping[RemedyId, tuple[float, float]]] = {
    RemedyId.LINK_BOUNCE: (0.45, 5.0),
    RemedyId.RENEGOTIATE: (0.15, 5.0),
    RemedyId.DRIVER_REBIND: (0.6, 10.0),
    RemedyId.MODULE_RELOAD: (0.6, 15.0),
    RemedyId.PCI_RESET: (0.7, 15.0),
    RemedyId.PCI_RESCAN: (0.7, 25.0),
}
"""Rungs of *restore*: chance of success where nothing is known of the driver, and seconds. Estimates, weighed like ``_WEIGHT`` reports; a bounce
stops and starts the rings of most drivers, only a new binding sets the bus master bit again, only a reset reaches firmware that stands still."""
_MENDS: Final[Mapping[Seen, frozenset[RemedyId]]] = {
    Seen.NO_BUS_MASTER: frozenset({RemedyId.DRIVER_REBIND, RemedyId.MODULE_RELOAD, RemedyId.PCI_RESET, RemedyId.PCI_RESCAN}),
    Seen.LOST: frozenset({RemedyId.PCI_RESET, RemedyId.PCI_RESCAN}),
}
"""Drivers let their card reach memory when they are bound, on waking, and after an error of the bus, not when the interface goes up: in Linux 6.1
``pci_set_master`` stands in ``e1000_probe`` (intel/e1000e/netdev.c), and in ``cp_init_one``, not in ``cp_open`` (realtek/8139cp.c)."""
_HARDLY = 0.02
"""Of the odds is left where the look speaks against a rung."""
_WEIGHT = 4.0
_PARTIAL = 0.5
_REMEMBERED = 0.9


def _weigh_trials(remedy: RemedyId, trials: Iterable[Trial]) -> tuple[float, int, int]:
    """Good ones, and how many worked and failed."""
    own = [trial.result for trial in trials if trial.remedy is remedy]
    worked, partial = own.count(TrialResult.WORKED), own.count(TrialResult.PARTIAL)
    return worked + _PARTIAL * partial, worked + partial, own.count(TrialResult.FAILED)


def _build_rung(change: Change, trials: Sequence[Trial], earlier: Sequence[Earlier], seen: Seen | None) -> Rung:
    odds, seconds = _DEFAULTS[change.remedy]
    if seen is not None and change.remedy not in _MENDS[seen]:
        return Rung(change=change, odds=odds * _HARDLY, seconds=seconds, reason=seen)
    here = [one.worked for one in earlier if one.remedy is change.remedy and one.ladder is Ladder.RESTORE]
    if here and here[-1]:
        return Rung(change=change, odds=max(odds, _REMEMBERED), seconds=seconds, reason="it worked here before")
    good, worked, failed = _weigh_trials(change.remedy, trials)
    odds = (odds * _WEIGHT + good) / (_WEIGHT + worked + failed)
    reason = f"reports of this driver: {worked} helped, {failed} failed" if worked + failed else "nobody told of it with this driver"
    if here:
        odds /= 1 + len(here)
        reason = "it failed here before"
    return Rung(change=change, odds=odds, seconds=seconds, reason=reason)


def order_restore(
    changes: Iterable[Change], trials: Sequence[Trial] = (), earlier: Sequence[Earlier] = (), seen: Seen | None = None
) -> tuple[Rung, ...]:
    """Rungs by expected recovery per second, best first.

    What worked last time on this host and card comes before all others; but last what a look at it speaks against: it worked against another fault.

    Args:
        changes: that are possible here; those that are no rung of this ladder are left out.
        trials: what others told of this driver.
        earlier: what was tried here.
        seen: what the card shows; None: nothing of it.
    """
    rungs = [_build_rung(change, trials, earlier, seen) for change in changes if change.remedy in _DEFAULTS and not change.boots]
    return tuple(sorted(rungs, key=lambda rung: (rung.odds < _REMEMBERED, -rung.odds / rung.seconds)))


_MILDEST_FIRST: Final = (
    "offload-off:tso", "offload-off:gso", "offload-off:lro", "offload-off:gro", "offload-off:txvlan", "offload-off:rxvlan", "offload-off:rx",
    "offload-off:tx", "offload-off:sg", "offload-off", "eee-off", "aspm-off", "runtime-pm-off", "interrupt-mode", "ring", "pause-off", "mtu",
    "link-advertise-100",
)  # fmt: skip
"""Factors of *prevent* by what they cost, in their words of ``--remedy`` or their beginnings."""


def _burden(change: Change) -> int:
    name = name_change(change)
    exact = [place for place, word in enumerate(_MILDEST_FIRST) if word == name]
    begun = [place for place, word in enumerate(_MILDEST_FIRST) if word == change.remedy]
    return (exact or begun or [len(_MILDEST_FIRST)])[0]


def order_prevent(changes: Iterable[Change], trials: Sequence[Trial] = (), earlier: Sequence[Earlier] = ()) -> tuple[Rung, ...]:
    """Factors, mildest first, but what worked here before all others, and what others told of with success before the rest.

    Args:
        changes: that are possible here.
        trials: what others told of this driver.
        earlier: what was tried here.
    """
    ranked: list[tuple[float, int, Rung]] = []
    for change in changes:
        name = name_change(change)
        here = [
            one.worked for one in earlier if one.ladder is Ladder.PREVENT and (one.remedy, one.argument) == (change.remedy, change.argument)
        ]
        told = [trial for trial in trials if not trial.arguments or not change.argument or change.argument in trial.arguments]
        good, worked, failed = _weigh_trials(change.remedy, told)
        points = math.log2(1 + good) - math.log2(1 + failed)
        reason = f"reports of this driver: {worked} helped, {failed} failed" if worked + failed else "by what it costs"
        if here:
            points, reason = (math.inf, "it worked here before") if here[-1] else (-math.inf, "it failed here before")
        odds = (0.1 * _WEIGHT + good) / (_WEIGHT + worked + failed)
        rung = Rung(change=change, odds=odds, seconds=float(change.settle_s), reason=reason)
        if change.boots or name.startswith("link-force"):
            continue
        ranked.append((-max(points, 0.0) if points > -math.inf else math.inf, _burden(change), rung))
    return tuple(rung for _, _, rung in sorted(ranked, key=lambda item: item[:2]))


class Outcome(StrEnum):
    """How one try of *prevent* ended."""

    HELD = "held"
    """No hang for as long as it was held."""
    HUNG = "hung"
    BROKE = "broke"
    """It could not be carried out, or probes failed: it was undone and says nothing of hangs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """A set of changes that was held, by ``name_change``."""

    names: frozenset[str]
    outcome: Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Try:
    """Next: carry these out together, on the card as it was before, and hold them."""

    changes: tuple[Change, ...]
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """Nothing is left to try."""

    keep: tuple[Change, ...]
    """The mildest set that held; empty: nothing helps, the card stays as it was."""
    reason: str


def choose_next(rungs: Sequence[Rung], results: Sequence[Tried]) -> Try | Done:
    """What *prevent* does next. Ask again with the result added, until it is done.

    First each factor alone, in the order given, until one holds; then those milder than it which are untried; then, where none holds alone, all
    together, and of these the dearest left out one by one.

    Args:
        rungs: of ``order_prevent``.
        results: so far.
    """
    outcomes = {result.names: result.outcome for result in results}
    usable = [rung.change for rung in rungs if outcomes.get(frozenset({name_change(rung.change)})) is not Outcome.BROKE]
    held = [change for change in usable if outcomes.get(frozenset({name_change(change)})) is Outcome.HELD]
    best = min(held, key=_burden, default=None)
    untried = [change for change in usable if frozenset({name_change(change)}) not in outcomes]
    if best is not None:
        milder = [change for change in untried if _burden(change) < _burden(best)]
        if milder:
            return Try(changes=(milder[0],), reason=f"milder than {name_change(best)}, which holds")
        return Done(keep=(best,), reason=f"{name_change(best)} alone holds, and nothing milder does")
    if untried:
        return Try(changes=(untried[0],), reason="one factor at a time")
    return _walk_back(usable, outcomes)


def _walk_back(usable: Sequence[Change], outcomes: Mapping[frozenset[str], Outcome]) -> Try | Done:
    """All together; then leave out one after the other, the dearest first, and keep left out what was not needed."""
    if len(usable) < 2:
        return Done(keep=(), reason="nothing that can be set here helps")
    kept = _as_set(usable)
    if kept not in outcomes:
        return Try(changes=_select(usable, kept), reason="no single factor holds: all together")
    if outcomes[kept] is Outcome.BROKE:
        return Done(keep=(), reason="none helps alone, and all together could not be held, so it is not known whether they help")
    if outcomes[kept] is not Outcome.HELD:
        return Done(keep=(), reason="not even all together help")
    for change in sorted(usable, key=_burden, reverse=True):
        fewer = kept - {name_change(change)}
        if len(fewer) < 2 or outcomes.get(fewer) in {Outcome.HUNG, Outcome.BROKE}:
            continue  # one alone was tried before all together
        if fewer not in outcomes:
            return Try(changes=_select(usable, fewer), reason=f"without {name_change(change)}")
        kept = fewer
    return Done(keep=_select(usable, kept), reason="each of these is needed")


def _as_set(changes: Iterable[Change]) -> frozenset[str]:
    return frozenset(name_change(change) for change in changes)


def _select(changes: Iterable[Change], names: Collection[str]) -> tuple[Change, ...]:
    """Those of the names, flow control last: a link mode that is set after it would offer it again."""
    return tuple(
        sorted((change for change in changes if name_change(change) in names), key=lambda change: change.remedy is RemedyId.PAUSE_OFF)
    )


def estimate_certainty(hangs: int, hours_before: float, hours_held: float) -> float:
    """Chance that the quiet is no accident: 1 less the chance that no hang would have come anyway.

    Hangs are taken as a Poisson process of unknown rate: with n of them in T hours before, the chance of none in the next h is (T / (T + h)) ** n,
    the posterior predictive with a prior of 1 / rate.

    >>> round(estimate_certainty(3, 6.0, 6.0), 3), estimate_certainty(0, 6.0, 100.0)
    (0.875, 0.0)
    """
    if hangs <= 0 or hours_before <= 0 or hours_held <= 0:
        return 0.0
    return 1.0 - math.pow(hours_before / (hours_before + hours_held), hangs)


def share_certainty(certainty: float, tried: int) -> float:
    """Chance that no quiet was an accident, of as many tries: one of twenty that prove nothing looks as if it did.

    >>> round(share_certainty(0.95, 20), 2), share_certainty(0.95, 1)
    (0.36, 0.95)
    """
    return math.pow(certainty, max(tried, 1))


def estimate_hold_h(hangs: int, hours_before: float, certainty: float = 0.95) -> float | None:
    """Hours without a hang until one may be as certain as this; None: nothing is known of the time before.

    >>> estimate_hold_h(1, 1.0, 0.95), estimate_hold_h(0, 1.0)
    (19.0, None)
    """
    if hangs <= 0 or hours_before <= 0:
        return None
    return round(hours_before * (math.pow(1.0 - certainty, -1.0 / hangs) - 1.0), 6)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """A remedy must not be tried now."""

    reason: str
    until_s: float
    """When it may be, on the clock of the times that were given."""


_HOUR_S: Final = 3600.0
_LIMITS: Final[Mapping[RemedyId, tuple[int, float, float]]] = {
    RemedyId.RENEGOTIATE: (6, _HOUR_S, 30.0),
    RemedyId.LINK_BOUNCE: (6, _HOUR_S, 30.0),
    RemedyId.DRIVER_REBIND: (4, _HOUR_S, 60.0),
    RemedyId.MODULE_RELOAD: (3, _HOUR_S, 120.0),
    RemedyId.PCI_RESET: (3, _HOUR_S, 120.0),
    RemedyId.PCI_RESCAN: (2, _HOUR_S, 600.0),
    RemedyId.REBOOT: (1, 24 * _HOUR_S, _HOUR_S),
    RemedyId.KERNEL_PREVIOUS: (1, 24 * _HOUR_S, _HOUR_S),
}
"""At most so many attempts within so many seconds, and so many seconds from one to the next."""
_USUAL_LIMIT: Final = (4, _HOUR_S, 30.0)


def find_wait(remedy: RemedyId, attempts_s: Iterable[float], now_s: float) -> Wait | None:
    """Whether a remedy was tried too often or too lately on this card; None: it may be tried.

    Args:
        remedy: which.
        attempts_s: when it was tried before, on any clock that goes on; those after now, of a clock that was set back, count as just now.
        now_s: on the same clock.
    """
    most, within_s, pause_s = _LIMITS.get(remedy, _USUAL_LIMIT)
    times = sorted(min(moment, now_s) for moment in attempts_s)
    recent = [moment for moment in times if now_s - moment < within_s]
    if len(recent) >= most:
        reason = f"{remedy} was tried {len(recent)} times within {within_s / 60:.0f} min, at most {most} are allowed"
        return Wait(reason=reason, until_s=recent[-most] + within_s)
    if times and now_s - times[-1] < pause_s:
        return Wait(
            reason=f"{remedy} was tried {now_s - times[-1]:.0f} s ago, and needs {pause_s:.0f} s in between", until_s=times[-1] + pause_s
        )
    return None
