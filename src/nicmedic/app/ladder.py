# SPDX-License-Identifier: GPL-2.0-or-later
"""Climb a ladder: one transaction after the other, each undone before the next begins, until traffic flows, or until one holds.

What comes next, and how sure one may be, is decided in ``nicmedic.remedy.ladder``; each rung is carried out by ``nicmedic.app.treat``. What was tried
before, and when, stands in the transactions themselves: nothing else is kept.
"""

import dataclasses
import datetime
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from nicmedic.app.hang_watch import HangWatch
from nicmedic.app.treat import Edges, Finished, Stage, Wishes, carry_out, quietly, reread, settle_confirmed, undo_and_look
from nicmedic.app.undoing import render_left, tell_trouble
from nicmedic.diagnosis.probing import find_flow, frames_leave
from nicmedic.model.attempt import Ascent, Attempt, Came
from nicmedic.model.errors import (
    LadderFailedError,
    NicmedicError,
    NoSuchInterfaceError,
    NotConfirmedError,
    NotShownError,
    RefusedError,
    RolledBackError,
    TimeOverError,
    UndoFailedError,
)
from nicmedic.model.finding import RemedyId
from nicmedic.model.host import Host
from nicmedic.model.plan import Identity, Ladder, Plan
from nicmedic.model.same_card import find_card, is_same_card
from nicmedic.model.transaction import Confirm, Entry, ProbeResult, State, Transaction, Word, find_state
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
    share_certainty,
)
from nicmedic.remedy.script.words import quote_word
from nicmedic.report.escape import escape_terminal

__all__ = ["Climb", "Climbed", "History", "climb_prevent", "climb_restore"]

_SHORTEST_HOLD_S = 60.0
_USUAL_HOLD_S = 600.0
_LONGEST_HOLD_S = 6 * 3600.0
_SETTLED_S = 1.0
"""A factor of *prevent* is held for long anyway; this much must pass before the holding begins."""
_UPSTREAM_S = 300.0
"""A gateway that is started anew is back by then."""
_REST_S = 5.0
_SILENT = "no answer comes although frames leave; the fault may be beyond the card"
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
    history: History = History()


@dataclass(frozen=True, slots=True, kw_only=True)
class Climbed:
    """A ladder that ended well."""

    outcome: Ascent
    finished: Finished | None = None
    """The transaction that is in force; None: nothing was to be done."""


def _probe(edges: Edges, climb: Climb, host: Host, card: Identity) -> tuple[ProbeResult, ...]:
    edges.tell(Stage.PROBING, "before")
    return edges.prober.run_probes(card, edges.prober.choose_probes(host, card, climb.wishes.probes), climb.wishes.ask_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Look:
    """Whether traffic flows; None: nothing shows that it does, or does not."""

    flows: bool | None
    hang: bool = False
    """It is the card that does not send: no gateway that is away looks like that."""


def _look(results: Sequence[ProbeResult], watch: HangWatch) -> _Look:
    flows = find_flow(results)
    if flows is False and not frames_leave(results):
        return _Look(flows=False, hang=True)
    return _Look(flows=flows) if watch.find_hang() is None else _Look(flows=False, hang=True)


def _find_verdict(transaction: Transaction) -> bool | None:
    """Whether the remedy of a ladder helped; None: it did not come to that. Who interrupts, and a boot, say nothing of a remedy."""
    state = find_state(transaction)
    if transaction.decided == "confirmed":
        return True
    if transaction.plan.ladder is Ladder.PREVENT:
        told = [entry.detail.partition(":")[0] for entry in transaction.entries if entry.word is Word.PROBED]
        return {Outcome.HELD: True, Outcome.HUNG: False}.get(Outcome(told[-1])) if told and told[-1] in set(Outcome) else None
    why = [entry.detail.partition(" ")[0] for entry in transaction.entries if entry.word is Word.UNDOING]
    return False if why and why[0] == "probes" and not state.is_open else None


def _recall(edges: Edges) -> tuple[tuple[Identity, Earlier], ...]:
    """Results of both ladders on this host, oldest first; a set of several says nothing of each."""
    known = [one for one in edges.store.list_transactions() if one.plan.ladder is not None and len(one.plan.changes) == 1]
    return tuple(
        (one.plan.nic, Earlier(remedy=change.remedy, argument=change.argument, ladder=one.plan.ladder, worked=worked))
        for one in known
        for change in one.plan.changes
        if one.plan.ladder is not None and (worked := _find_verdict(one)) is not None
    )


def _age_s(first: Entry, host: Host, now: datetime.datetime) -> float | None:
    """How long ago, by the clock of this boot, which nobody sets; of another boot by the wall clock. None: in its future, so nobody knows."""
    if first.boot_id == host.boot_id and host.uptime_s is not None:
        return max(0.0, host.uptime_s - first.uptime_s)
    age_s = (now - datetime.datetime.fromisoformat(first.time)).total_seconds()
    return age_s if age_s >= 0 else None


def _read_attempts(edges: Edges, host: Host, card: Identity, remedy: RemedyId, now: datetime.datetime) -> tuple[float, ...]:
    """When a remedy was tried on this card, in seconds of the wall clock as it goes now."""
    tried = [
        transaction
        for transaction in edges.store.list_transactions()
        if transaction.entries
        and find_state(transaction) is not State.ABANDONED
        and transaction.plan.lifts is None
        and is_same_card(transaction.plan.nic, card)
        and any(change.remedy is remedy for change in transaction.plan.changes)
    ]
    ages = [_age_s(transaction.entries[0], host, now) for transaction in tried]
    return tuple(now.timestamp() - age for age in ages if age is not None)


def _refuse_empty(plan: Plan, climb: Climb) -> None:
    """Nothing of the ladder is possible here: say why.

    Raises:
        RefusedError: always.
    """
    name = escape_terminal(climb.name)
    reasons = "; ".join(f"{refusal.remedy}: {', '.join(refusal.reasons)}" for refusal in plan.refusals)
    hint = f"nicmedic plan {quote_word(climb.name)}"
    if any(refusal.may_be_told for refusal in plan.refusals):
        hint += f"\nnicmedic treat {quote_word(climb.name)} --ladder {plan.ladder} --accept-losses   # with those that lose something"
    raise RefusedError(f"{name}: nothing of the ladder {plan.ladder} is possible: {reasons}", hint=hint)


def climb_restore(edges: Edges, climb: Climb, *, limits: bool = True) -> Climbed:
    """Bring traffic back: rung by rung, by expected recovery per second.

    Each rung puts everything back that stood on the card before the first one. The probes decide whether it helped.

    Args:
        edges: of the machine.
        climb: what is wanted.
        limits: keep to the attempts and pauses that a remedy is allowed; False for whoever restores between experiments.

    Raises:
        NotShownError: it is not shown that traffic does not flow.
        RefusedError: no rung is possible, or allowed now.
        LadderFailedError: none helped; the card is as it was.
        NotConfirmedError: it was interrupted, or somebody else ended it; the card is as it was.
        UndoFailedError: something could not be put back.
        NicmedicError: nothing could be begun, as ``carry_out`` raises it.
    """
    return _Restoration(edges, climb, limits=limits).climb()


class _Restoration:
    """One climb of *restore*."""

    def __init__(self, edges: Edges, climb: Climb, *, limits: bool) -> None:
        self._edges, self._climb, self._limits = edges, climb, limits
        self._attempts: list[Attempt] = []
        self._broken: UndoFailedError | None = None
        """What could not be undone last."""

    def climb(self) -> Climbed:
        edges, climb = self._edges, self._climb
        host = edges.machine.read_host()
        plan, rungs = climb.make_rungs(host, Ladder.RESTORE, _recall(edges))
        watch = HangWatch(edges.machine, edges.clock, plan.nic, host)  # its looks are apart while the probes wait for answers
        before = _probe(edges, climb, host, plan.nic)
        look = _look(before, watch)
        if look.flows:
            return Climbed(outcome=Ascent(ladder=Ladder.RESTORE, reason="traffic flows: there is nothing to restore"))
        name = escape_terminal(climb.name)
        if look.flows is None:
            ask = f"nicmedic treat {quote_word(climb.name)} --ladder restore --probe ping:ADDRESS   # or tcp:HOST:PORT, of one that answers"
            raise NotShownError(f"{name}: it is not shown that it hangs: no probe could tell", hint=ask)
        if not rungs:
            _refuse_empty(plan, climb)
        wishes = dataclasses.replace(
            climb.wishes,
            confirm=Confirm.PROBES,
            before=before,
            hung=True,
            nic=find_card(host.nics, plan.nic),
            find_hang=lambda now: HangWatch(edges.machine, edges.clock, plan.nic, now).find_hang(),
        )
        try:
            for rung in rungs:
                finished = self._try(plan, rung, host, wishes)
                if finished is not None:
                    kept = (name_change(rung.change),)
                    ascent = Ascent(ladder=Ladder.RESTORE, kept=kept, attempts=tuple(self._attempts), reason=rung.reason)
                    return Climbed(outcome=ascent, finished=finished)
                host = edges.machine.read_host()
        except (NicmedicError, OSError, KeyboardInterrupt) as error:
            if self._broken is not None:
                raise self._tell_broken("it ended early, and something could not be undone") from error
            if isinstance(error, KeyboardInterrupt) and self._attempts:
                raise NotConfirmedError(f"{name}: interrupted; it is as it was", hint="nicmedic transactions") from error
            raise
        raise self._fail()

    def _try(self, plan: Plan, rung: Rung, host: Host, wishes: Wishes) -> Finished | None:
        """One rung; None: it did not help, or was passed over."""
        edges, remedy = self._edges, rung.change.remedy
        now = edges.clock.read_now()
        wait = find_wait(remedy, _read_attempts(edges, host, plan.nic, remedy, now), now.timestamp())
        if self._limits and wait is not None:
            self._note(rung, Came.SKIPPED, None, wait.reason)
            return None
        began = edges.clock.read_monotonic_s()
        try:
            kept = any(attempt.outcome is not Came.SKIPPED for attempt in self._attempts)
            again = dataclasses.replace(wishes, keeps_evidence=not kept)
            finished = carry_out(dataclasses.replace(plan, changes=(rung.change,), refusals=()), host, edges, again)
        except NotConfirmedError:
            raise
        except UndoFailedError as error:
            self._broken = error
            self._note(rung, Came.UNDO_FAILED, began, error.message)
        except RolledBackError as error:
            if not isinstance(error, TimeOverError):  # this one put all back that an earlier one could not
                self._broken = None
            self._note(rung, Came.FAILED, began, error.message)
        except NoSuchInterfaceError as error:
            if self._broken is None:
                raise
            self._note(rung, Came.SKIPPED, None, error.message)
        else:
            self._note(rung, Came.HELPED, began, finished.judgement.text, finished)
            return finished
        return None

    def _note(self, rung: Rung, outcome: Came, began_s: float | None, detail: str, finished: Finished | None = None) -> None:
        self._attempts.append(
            Attempt(
                names=(name_change(rung.change),),
                outcome=outcome,
                reason=rung.reason,
                detail=detail,
                seconds=0.0 if began_s is None else self._edges.clock.read_monotonic_s() - began_s,
                transaction=None if finished is None else finished.transaction.id,
            )
        )

    def _tell_broken(self, told: str) -> UndoFailedError:
        broken = self._broken
        assert broken is not None  # noqa: S101  # who calls made sure
        return UndoFailedError(f"{escape_terminal(self._climb.name)}: {told}: {broken.message}", hint=broken.hint)

    def _fail(self) -> NicmedicError:
        name = escape_terminal(self._climb.name)
        tried = [attempt for attempt in self._attempts if attempt.outcome is not Came.SKIPPED]
        told = "; ".join(f"{', '.join(attempt.names)}: {attempt.detail}" for attempt in self._attempts)
        left = f"nicmedic plan {quote_word(self._climb.name)} --remedy reboot   # what is left"
        if self._broken is not None:
            return self._tell_broken("no rung of restore helped, and something could not be undone")
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
            hint=f"nicmedic treat {quote_word(climb.name)} --ladder prevent --hold 6h   # if you know how long it takes to hang",
        )
    hours = estimate_hold_h(climb.history.hangs, climb.history.hours)
    return min(_LONGEST_HOLD_S, max(_SHORTEST_HOLD_S, _USUAL_HOLD_S if hours is None else hours * _HOUR_S))


class _KeptError(Exception):
    """Another login has confirmed what is being held: then it stays. Never leaves this module."""

    def __init__(self, names: frozenset[str], finished: Finished) -> None:
        super().__init__()
        self.names, self.finished = names, finished


class _Prevention:
    """One climb of *prevent*."""

    def __init__(self, edges: Edges, climb: Climb, hold_s: float) -> None:
        self._edges, self._climb, self._hold_s = edges, climb, hold_s
        self._name = escape_terminal(climb.name)
        self._attempts: list[Attempt] = []
        self._results: list[Tried] = []
        self._hung_s: list[float] = []
        """How long each factor was in force until the card hung all the same."""
        self._standing: tuple[frozenset[str], Finished] | None = None
        """What is in force and open."""

    def climb(self) -> Climbed:
        try:
            try:
                return self._climb_all()
            except KeyboardInterrupt as error:
                self._lift()
                raise NotConfirmedError(f"{self._name}: interrupted; it is as it was", hint="nicmedic transactions") from error
            except _KeptError:
                raise
            except BaseException:
                self._lift()
                raise
        except _KeptError as kept:
            return self._tell(kept.names, kept.finished, "another login confirmed it while it was held", None)

    def _climb_all(self) -> Climbed:
        card = self._climb.make_rungs(self._edges.machine.read_host(), Ladder.PREVENT, ())[0].nic
        host = self._restore(card)
        plan, rungs = self._climb.make_rungs(host, Ladder.PREVENT, _recall(self._edges))
        if not rungs:
            _refuse_empty(plan, self._climb)
        while isinstance(step := choose_next(rungs, self._results), Try):
            self._lift()
            host = self._restore(card)
            self._try(dataclasses.replace(plan, changes=step.changes, refusals=()), host, step.reason)
        return self._end(plan, step)

    def _restore(self, card: Identity) -> Host:
        """The card does not hang when this returns, and the host is as it was just read.

        A card that sends is not restarted because no answer comes: that is waited for.

        Raises:
            LadderFailedError: it sends, and no answer comes.
        """
        edges, until = self._edges, self._edges.clock.read_monotonic_s() + _UPSTREAM_S
        while True:
            host = edges.machine.read_host()
            watch = HangWatch(edges.machine, edges.clock, card, host)
            look = _look(_probe(edges, self._climb, host, card), watch)
            if look.flows is not False:
                return host
            if look.hang:
                climb_restore(edges, self._climb, limits=False)
                return edges.machine.read_host()
            if edges.clock.read_monotonic_s() >= until:
                hint = f"nicmedic treat {quote_word(self._climb.name)} --ladder restore   # if you know that it is the card"
                raise LadderFailedError(f"{self._name}: {_SILENT}, so nothing can be tried", hint=hint)
            edges.clock.wait_s(_REST_S)

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
        outcome, detail = self._hold(finished)
        quietly(lambda: edges.store.append_entry(finished.transaction, Word.PROBED, f"{outcome}: {detail}" if detail else str(outcome)))
        self._note(names, outcome, began, reason, detail, finished)
        if outcome is not Outcome.HELD:
            self._lift()

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

    def _hold(self, finished: Finished) -> tuple[Outcome, str]:
        """Hold what is in force, and say how that ended. The switch is kept waiting meanwhile, and fires should we die.

        Time in which no answer comes although the card sends does not count.
        """
        edges, transaction = self._edges, finished.transaction
        edges.tell(Stage.HOLDING, f"{self._hold_s:.0f} s")
        watch = HangWatch(edges.machine, edges.clock, transaction.plan.nic)
        probes, card = [result.probe for result in transaction.before], transaction.plan.nic

        def ask() -> tuple[ProbeResult, ...]:
            return edges.prober.run_probes(card, probes)

        held_s = silent_s = 0.0
        last_s = edges.clock.read_monotonic_s()
        while held_s < self._hold_s:
            self._keep_alive(transaction)
            hung = watch.look(ask, transaction.before)
            if hung is not None:
                return Outcome.HUNG, hung
            now_s = edges.clock.read_monotonic_s()
            held_s, silent_s = (held_s, silent_s + now_s - last_s) if watch.silent else (held_s + now_s - last_s, 0.0)
            last_s = now_s
            if silent_s >= _UPSTREAM_S:
                return Outcome.BROKE, _SILENT
        self._keep_alive(transaction)
        return Outcome.HELD, ""

    def _keep_alive(self, transaction: Transaction) -> None:
        """Put the deadline off.

        Raises:
            NotConfirmedError: another login undid it.
            _KeptError: another login confirmed it.
        """
        edges, timeout_s = self._edges, self._climb.wishes.timeout_s
        now = reread(edges, transaction)
        if now.decided is not None:
            self._lift()
            raise NotConfirmedError(
                f"{self._name}: somebody else ended it; it is as it was", hint=f"nicmedic transactions {transaction.id}"
            )
        if (edges.store.read_seconds_left(now) or 0.0) < timeout_s * 3 / 4:
            edges.store.set_deadline(now, timeout_s)

    def _lift(self) -> None:
        """Undo what is in force and open.

        Raises:
            UndoFailedError: it could not be.
            _KeptError: another login confirmed it.
        """
        if self._standing is None:
            return
        (names, finished), self._standing = self._standing, None
        self._edges.tell(Stage.UNDOING, "")
        ended = undo_and_look(self._edges, finished.transaction, "probes")
        now = ended.transaction
        if now.decided == "confirmed":
            raise _KeptError(names, dataclasses.replace(finished, transaction=now, state=State.CONFIRMED))
        if not ended.restored:
            told = tell_trouble(now, ended.different)
            hint = render_left(now.plan, now.plan.changes, ended.undone)
            raise UndoFailedError(f"{self._name}: transaction {now.id} of the ladder could not be undone{told}", hint=hint)

    def _end(self, plan: Plan, done: Done) -> Climbed:
        """Keep what holds."""
        edges, names = self._edges, frozenset(name_change(change) for change in done.keep)
        told = "; ".join(f"{', '.join(attempt.names)}: {attempt.outcome}" for attempt in self._attempts)
        if not names:
            self._lift()
            hint = f"nicmedic explain --interface {quote_word(self._climb.name)}   # what else helps"
            raise LadderFailedError(f"{self._name}: {done.reason} ({told})", hint=hint)
        if self._standing is None or self._standing[0] != names:
            self._lift()
            host = self._restore(plan.nic)
            again = dataclasses.replace(plan, changes=done.keep, refusals=())
            self._standing = names, carry_out(again, host, edges, dataclasses.replace(self._climb.wishes, confirm=Confirm.OPERATOR))
        finished = settle_confirmed(edges, self._standing[1])
        self._standing = None
        return self._tell(names, finished, done.reason, self._estimate())

    def _tell(self, names: frozenset[str], finished: Finished, reason: str, certainty: float | None) -> Climbed:
        ascent = Ascent(
            ladder=Ladder.PREVENT,
            kept=tuple(sorted(names)),
            attempts=tuple(self._attempts),
            hold_s=self._hold_s,
            certainty=certainty,
            reason=reason,
        )
        return Climbed(outcome=ascent, finished=finished)

    def _estimate(self) -> float | None:
        """By the hangs that came while other factors were tried, else by those of the time before; shared by all tries."""
        hangs, hours = len(self._hung_s), sum(self._hung_s) / _HOUR_S
        if not hangs:
            hangs, hours = self._climb.history.hangs, self._climb.history.hours
        if hangs <= 0 or hours <= 0:
            return None
        tried = sum(result.outcome is not Outcome.BROKE for result in self._results)
        return share_certainty(estimate_certainty(hangs, hours, self._hold_s / _HOUR_S), tried)


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
