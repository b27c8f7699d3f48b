# SPDX-License-Identifier: GPL-2.0-or-later
"""Climb a ladder: one transaction after the other, each undone before the next begins, until traffic flows, or until one holds.

What comes next, and how sure one may be, is decided in ``nicmedic.remedy.ladder``; each rung is carried out by ``nicmedic.app.treat``. What was tried
before, and when, stands in the transactions themselves: nothing else is kept.
"""

import contextlib
import dataclasses
import datetime
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from nicmedic.app.hang_watch import HangWatch
from nicmedic.app.treat import Edges, Finished, Stage, Wishes, carry_out, settle_confirmed
from nicmedic.app.undoing import render_left
from nicmedic.diagnosis.probing import ANSWERS
from nicmedic.model.attempt import Ascent, Attempt, Came
from nicmedic.model.errors import LadderFailedError, NotConfirmedError, RefusedError, RolledBackError, UndoFailedError
from nicmedic.model.finding import RemedyId
from nicmedic.model.host import Host
from nicmedic.model.plan import Identity, Ladder, Plan
from nicmedic.model.same_card import is_same_card
from nicmedic.model.transaction import Confirm, ProbeResult, ProbeState, State, find_state
from nicmedic.remedy.ladder import (
    Done,
    Earlier,
    Outcome,
    Rung,
    Tried,
    Try,
    choose_next,
    estimate_certainty,
    estimate_hold_h,
    find_wait,
    name_change,
)
from nicmedic.report.escape import escape_terminal

__all__ = ["Climb", "Climbed", "History", "climb_prevent", "climb_restore"]

_SHORTEST_HOLD_S = 60.0
_USUAL_HOLD_S = 600.0
_LONGEST_HOLD_S = 6 * 3600.0
_SETTLED_S = 1.0
"""A factor of *prevent* is held for long anyway; this much must pass before the holding begins."""
_HOUR_S = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """What is known of the time before: hangs of this card, and the hours in which they came."""

    hangs: int = 0
    hours: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Climb:
    """What is wanted, and what is known."""

    name: str
    """Of the card, as typed."""
    make_rungs: Callable[[Host, Ladder, Sequence[tuple[Identity, Earlier]]], tuple[Plan, tuple[Rung, ...]]]
    """Plans a ladder for the card, given what was tried on this host before: a plan of all rungs, and the rungs in their order."""
    wishes: Wishes = Wishes()  # noqa: RUF009  # frozen
    hold_s: float | None = None
    """How long *prevent* holds each factor; None: long enough to mean something, as far as that is known."""
    history: History = History()  # as above


@dataclass(frozen=True, slots=True, kw_only=True)
class Climbed:
    """A ladder that ended well."""

    outcome: Ascent
    finished: Finished | None = None
    """The transaction that is in force; None: nothing was to be done."""


def _probe(edges: Edges, climb: Climb, host: Host, card: Identity) -> tuple[ProbeResult, ...]:
    edges.tell(Stage.PROBING, "before")
    return edges.prober.run_probes(card, edges.prober.choose_probes(host, card, climb.wishes.probes))


def _flows(edges: Edges, results: Sequence[ProbeResult], card: Identity) -> bool:
    """Whether traffic flows now: some answer comes, and the card does not stand still."""
    asked = [result for result in results if result.probe.partition(" ")[0] in ANSWERS] or results
    answered = any(result.state is ProbeState.PASSED and result.probe != "carrier" for result in asked)
    return answered and HangWatch(edges.machine, edges.clock, card).find_hang() is None


def _recall(edges: Edges) -> tuple[tuple[Identity, Earlier], ...]:
    """Results of both ladders on this host, oldest first; a set of several says nothing of each."""
    return tuple(
        (
            transaction.plan.nic,
            Earlier(
                remedy=change.remedy,
                argument=change.argument,
                ladder=transaction.plan.ladder,
                worked=find_state(transaction) is State.CONFIRMED,
            ),
        )
        for transaction in edges.store.list_transactions()
        for change in transaction.plan.changes
        if transaction.plan.ladder is not None and len(transaction.plan.changes) == 1 and not find_state(transaction).is_open
    )


def _read_attempts(edges: Edges, card: Identity, remedy: RemedyId) -> tuple[float, ...]:
    """When a remedy was tried on this card, in seconds of the wall clock."""
    tried = [
        transaction
        for transaction in edges.store.list_transactions()
        if transaction.entries
        and is_same_card(transaction.plan.nic, card)
        and any(change.remedy is remedy for change in transaction.plan.changes)
    ]
    return tuple(datetime.datetime.fromisoformat(transaction.entries[0].time).timestamp() for transaction in tried)


def _refuse_empty(plan: Plan, climb: Climb) -> None:
    """Nothing of the ladder is possible here: say why.

    Raises:
        RefusedError: always.
    """
    name = escape_terminal(climb.name)
    reasons = "; ".join(f"{refusal.remedy}: {', '.join(refusal.reasons)}" for refusal in plan.refusals)
    raise RefusedError(f"{name}: nothing of the ladder {plan.ladder} is possible: {reasons}", hint=f"nicmedic plan {name}")


def climb_restore(edges: Edges, climb: Climb, *, limits: bool = True) -> Climbed:
    """Bring traffic back: rung by rung, by expected recovery per second.

    Each rung puts everything back that stood on the card before the first one. The probes decide whether it helped.

    Args:
        edges: of the machine.
        climb: what is wanted.
        limits: keep to the attempts and pauses that a remedy is allowed; False for whoever restores between experiments.

    Raises:
        RefusedError: no rung is possible, or allowed now.
        LadderFailedError: none helped; the card is as it was.
        UndoFailedError: none helped, and something could not be put back.
        NicmedicError: nothing could be begun, as ``carry_out`` raises it.
    """
    host = edges.machine.read_host()
    plan, rungs = climb.make_rungs(host, Ladder.RESTORE, _recall(edges))
    before = _probe(edges, climb, host, plan.nic)
    if _flows(edges, before, plan.nic):
        return Climbed(outcome=Ascent(ladder=Ladder.RESTORE, reason="traffic flows: there is nothing to restore"))
    if not rungs:
        _refuse_empty(plan, climb)
    wishes = dataclasses.replace(climb.wishes, confirm=Confirm.PROBES, before=before)
    attempts: list[Attempt] = []
    broken: UndoFailedError | None = None
    for rung in rungs:
        wait = find_wait(rung.change.remedy, _read_attempts(edges, plan.nic, rung.change.remedy), edges.clock.read_now().timestamp())
        if limits and wait is not None:
            attempts.append(Attempt(names=(name_change(rung.change),), outcome=Came.SKIPPED, reason=rung.reason, detail=wait.reason))
            continue
        began = edges.clock.read_monotonic_s()
        try:
            finished = carry_out(dataclasses.replace(plan, changes=(rung.change,), refusals=()), host, edges, wishes)
        except (RolledBackError, UndoFailedError) as error:
            if isinstance(error, NotConfirmedError):
                raise
            broken = error if isinstance(error, UndoFailedError) else None  # a later rung puts all back that an earlier one could not
            outcome = Came.UNDO_FAILED if broken else Came.FAILED
            attempts.append(_tell(edges, rung, outcome, began, error.message))
            host = edges.machine.read_host()
            continue
        attempts.append(_tell(edges, rung, Came.HELPED, began, finished.judgement.text, finished))
        kept = (name_change(rung.change),)
        ascent = Ascent(ladder=Ladder.RESTORE, kept=kept, attempts=tuple(attempts), reason=rung.reason)
        return Climbed(outcome=ascent, finished=finished)
    raise _fail(climb, attempts, broken)


def _tell(edges: Edges, rung: Rung, outcome: Came, began_s: float, detail: str, finished: Finished | None = None) -> Attempt:
    return Attempt(
        names=(name_change(rung.change),),
        outcome=outcome,
        reason=rung.reason,
        detail=detail,
        seconds=edges.clock.read_monotonic_s() - began_s,
        transaction=None if finished is None else finished.transaction.id,
    )


def _fail(climb: Climb, attempts: Sequence[Attempt], broken: UndoFailedError | None) -> Exception:
    name = escape_terminal(climb.name)
    tried = [attempt for attempt in attempts if attempt.outcome is not Came.SKIPPED]
    told = "; ".join(f"{', '.join(attempt.names)}: {attempt.detail}" for attempt in attempts)
    left = f"nicmedic plan {name} --remedy reboot   # what is left"
    if broken is not None:
        return UndoFailedError(f"{name}: no rung of restore helped, and the last could not be undone: {broken.message}", hint=broken.hint)
    if not tried:
        return RefusedError(f"{name}: each rung was tried too often or too lately: {told}", hint=left)
    return LadderFailedError(f"{name}: no rung of restore brought traffic back: {told}", hint=left)


def _choose_hold_s(climb: Climb) -> float:
    """How long a factor must hold.

    Raises:
        RefusedError: no hang was seen, so there is nothing to tell a cure from luck by.
    """
    if climb.hold_s is not None:
        return climb.hold_s
    if climb.history.hangs <= 0:
        name = escape_terminal(climb.name)
        raise RefusedError(
            f"{name}: no hang of this card is known of this boot, so nothing would tell a cure from luck",
            hint=f"nicmedic treat {name} --ladder prevent --hold 6h   # if you know how long it takes to hang",
        )
    hours = estimate_hold_h(climb.history.hangs, climb.history.hours)
    return min(_LONGEST_HOLD_S, max(_SHORTEST_HOLD_S, _USUAL_HOLD_S if hours is None else hours * _HOUR_S))


class _Prevention:
    """One climb of *prevent*."""

    def __init__(self, edges: Edges, climb: Climb, hold_s: float) -> None:
        self._edges, self._climb, self._hold_s = edges, climb, hold_s
        self._attempts: list[Attempt] = []
        self._results: list[Tried] = []
        self._hung_s: list[float] = []
        """How long each factor was in force until the card hung all the same."""
        self._standing: tuple[frozenset[str], Finished] | None = None
        """What is in force and open."""

    def climb(self) -> Climbed:
        host = self._restore()
        plan, rungs = self._climb.make_rungs(host, Ladder.PREVENT, _recall(self._edges))
        if not rungs:
            _refuse_empty(plan, self._climb)
        try:
            while isinstance(step := choose_next(rungs, self._results), Try):
                self._lift(plan)
                host = self._restore()
                self._try(dataclasses.replace(plan, changes=step.changes, refusals=()), host, step.reason)
            return self._end(plan, step)
        except BaseException:
            with contextlib.suppress(UndoFailedError):
                self._lift(plan)
            raise

    def _restore(self) -> Host:
        """Traffic flows when this returns, and the host is as it was just read."""
        climb_restore(self._edges, self._climb, limits=False)
        return self._edges.machine.read_host()

    def _try(self, plan: Plan, host: Host, reason: str) -> None:
        names = frozenset(name_change(change) for change in plan.changes)
        edges = self._edges
        wishes = dataclasses.replace(self._climb.wishes, confirm=Confirm.OPERATOR, hold_s=_SETTLED_S)
        began = edges.clock.read_monotonic_s()
        try:
            finished = carry_out(plan, host, edges, wishes)
        except NotConfirmedError:
            raise
        except RolledBackError as error:
            hung = HangWatch(edges.machine, edges.clock, plan.nic).find_hang()
            self._note(names, Outcome.BROKE if hung is None else Outcome.HUNG, began, reason, hung or error.message)
            return
        self._standing = names, finished
        hung = self._hold(finished)
        self._note(names, Outcome.HELD if hung is None else Outcome.HUNG, began, reason, hung or "", finished)
        if hung is not None:
            self._lift(plan)

    def _note(
        self, names: frozenset[str], outcome: Outcome, began_s: float, reason: str, detail: str, finished: Finished | None = None
    ) -> None:
        seconds = self._edges.clock.read_monotonic_s() - began_s
        if outcome is Outcome.HUNG:
            self._hung_s.append(seconds)
        self._results.append(Tried(names=names, outcome=outcome))
        self._attempts.append(
            Attempt(
                names=tuple(sorted(names)),
                outcome=Came(outcome),
                reason=reason,
                detail=detail,
                seconds=seconds,
                transaction=None if finished is None else finished.transaction.id,
            )
        )

    def _hold(self, finished: Finished) -> str | None:
        """Hold what is in force; why it does not hold, or None. The switch is kept waiting meanwhile, and fires should we die."""
        edges, transaction = self._edges, finished.transaction
        edges.tell(Stage.HOLDING, f"{self._hold_s:.0f} s")
        watch = HangWatch(edges.machine, edges.clock, transaction.plan.nic)
        probes, card = [result.probe for result in transaction.before], transaction.plan.nic

        def ask() -> tuple[ProbeResult, ...]:
            return edges.prober.run_probes(card, probes)

        until = edges.clock.read_monotonic_s() + self._hold_s
        while edges.clock.read_monotonic_s() < until:
            timeout_s = self._climb.wishes.timeout_s
            if (edges.store.read_seconds_left(transaction) or 0.0) < timeout_s * 3 / 4:
                transaction = edges.store.set_deadline(transaction, timeout_s)
            if transaction.decided is not None:
                raise NotConfirmedError("somebody else ended it", hint=f"nicmedic transactions {transaction.id}")
            hung = watch.look(ask, transaction.before)
            if hung is not None:
                return hung
        return None

    def _lift(self, plan: Plan) -> None:
        """Undo what is in force and open.

        Raises:
            UndoFailedError: it could not be.
        """
        if self._standing is None:
            return
        (_, finished), self._standing = self._standing, None
        self._edges.tell(Stage.UNDOING, "")
        undone = self._edges.hands.undo_transaction(finished.transaction, "probes")
        if not undone.ok:
            changes = finished.transaction.plan.changes
            number = finished.transaction.id
            raise UndoFailedError(
                f"{escape_terminal(plan.nic.interface)}: transaction {number} of the ladder could not be undone",
                hint=render_left(plan, changes, undone),
            )

    def _end(self, plan: Plan, done: Done) -> Climbed:
        """Keep what holds."""
        edges, names = self._edges, frozenset(name_change(change) for change in done.keep)
        told = "; ".join(f"{', '.join(attempt.names)}: {attempt.outcome}" for attempt in self._attempts)
        if not names:
            self._lift(plan)
            name = escape_terminal(self._climb.name)
            raise LadderFailedError(f"{name}: {done.reason} ({told})", hint=f"nicmedic explain --interface {name}   # what else helps")
        if self._standing is None or self._standing[0] != names:
            self._lift(plan)
            host = self._restore()
            again = dataclasses.replace(plan, changes=done.keep, refusals=())
            self._standing = names, carry_out(again, host, edges, dataclasses.replace(self._climb.wishes, confirm=Confirm.OPERATOR))
        finished = self._confirm()
        ascent = Ascent(
            ladder=Ladder.PREVENT,
            kept=tuple(sorted(names)),
            attempts=tuple(self._attempts),
            hold_s=self._hold_s,
            certainty=self._estimate(),
            reason=done.reason,
        )
        return Climbed(outcome=ascent, finished=finished)

    def _confirm(self) -> Finished:
        assert self._standing is not None  # noqa: S101  # _end made sure
        (_, finished), self._standing = self._standing, None
        return settle_confirmed(self._edges, finished)

    def _estimate(self) -> float | None:
        """By the hangs that came while other factors were tried, else by those of the time before."""
        hangs, hours = len(self._hung_s), sum(self._hung_s) / _HOUR_S
        if not hangs:
            hangs, hours = self._climb.history.hangs, self._climb.history.hours
        return estimate_certainty(hangs, hours, self._hold_s / _HOUR_S) if hangs > 0 and hours > 0 else None


def climb_prevent(edges: Edges, climb: Climb) -> Climbed:
    """Find the mildest setting with which the card does not hang any more, and leave that in force.

    One factor at a time, each held; then those together, and what is not needed left out again. Every try is a transaction that is undone before
    the next; the last one is confirmed. It changes nothing that outlives a boot.

    Raises:
        RefusedError: nothing of it is possible here, or nothing would tell a cure from luck.
        LadderFailedError: nothing helped; the card is as it was.
        UndoFailedError: something could not be undone.
        NotConfirmedError: somebody else ended a try.
        NicmedicError: nothing could be begun, as ``carry_out`` raises it.
    """
    return _Prevention(edges, climb, _choose_hold_s(climb)).climb()
