# SPDX-License-Identifier: GPL-2.0-or-later
"""Carry out a plan on a card without ever losing the host: the one place where a machine is changed.

Plan, evidence and undo script are on disk, and the dead-man's switch is armed outside this process, before the first change. Each change is
announced in the journal, carried out, and read again; then the probes have their say. Whatever goes wrong is undone by that same script, and
should we be killed at any moment, the switch runs it. Confirming, extending and undoing later is in ``decide.py``, what the last boot left in
``recover.py``.
"""

import contextlib
import dataclasses
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from nicmedic.app.undoing import SILENCE_S, find_begun, find_silence, is_restored, read_differences, render_left, tell_trouble
from nicmedic.diagnosis.duplex import find_duplex_mismatch
from nicmedic.diagnosis.probing import Judgement, judge
from nicmedic.model.counters import Looks
from nicmedic.model.errors import (
    NicmedicError,
    NoSuchInterfaceError,
    NotConfirmedError,
    ProbesFailedError,
    RefusedError,
    RolledBackError,
    StateError,
    TimeOverError,
    UndoFailedError,
    UnwritableOutputError,
)
from nicmedic.model.host import Host
from nicmedic.model.nic import Nic
from nicmedic.model.plan import Change, Plan
from nicmedic.model.same_card import find_card
from nicmedic.model.step import Step, is_needed
from nicmedic.model.transaction import Confirm, ProbeResult, ProbeState, State, Transaction, Word, find_state
from nicmedic.ports.archive import ArchiveWriter
from nicmedic.ports.clock import Clock
from nicmedic.ports.hands import Hands, Switch, Undone
from nicmedic.ports.machine import Machine
from nicmedic.ports.probes import Prober
from nicmedic.ports.transactions import TransactionStore
from nicmedic.remedy.changes.restart import REMAKES
from nicmedic.remedy.ladder import name_change
from nicmedic.remedy.script import render_undo
from nicmedic.remedy.script.words import quote_word, render_step
from nicmedic.remedy.settings import find_differences
from nicmedic.report.escape import escape_terminal

__all__ = [
    "Edges",
    "Ended",
    "Finished",
    "Stage",
    "Wishes",
    "carry_out",
    "note_confirmed",
    "quietly",
    "reread",
    "settle_confirmed",
    "undo_and_look",
]

_EVIDENCE_S = 2.0
_REST_S = 0.5
"""Between two looks at what shall settle."""
_PATIENCE_S = 15
"""Beyond the time that the changes themselves ask for."""
_LEAST_LEFT = 4
"""The next change is not begun with less than a quarter of the time left."""
_MARGIN_S = 2.0
"""So long before the deadline we undo ourselves, and can say so; afterwards the switch does."""
_UNDO_TURNS = 3
_STANDING_ROUNDS = 3
"""A card whose frames do not leave in so many rounds, with a carrier, is given up before its time to settle is over."""


class Stage(StrEnum):
    """Where a transaction is, for whoever watches."""

    PROBING = "probing"
    PREPARING = "preparing"
    ARMED = "armed"
    APPLYING = "applying"
    READING = "reading"
    HOLDING = "holding"
    UNDOING = "undoing"


def _silent(_stage: Stage, _detail: str) -> None:
    """Nobody watches."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Edges:
    """What a transaction needs of the outside."""

    machine: Machine
    hands: Hands
    switch: Switch
    store: TransactionStore
    prober: Prober
    clock: Clock
    archives: ArchiveWriter
    tell: Callable[[Stage, str], None] = _silent
    """Called at each stage with a few words, fit for a terminal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """How the operator wants it."""

    timeout_s: int = 120
    confirm: Confirm = Confirm.OPERATOR
    hold_s: float = 3.0
    """So long the probes must pass without a break."""
    probes: tuple[str, ...] = ()
    """Further ones, as typed."""
    before: tuple[ProbeResult, ...] | None = None
    """What the probes said just now; None: they are asked first."""
    ask_s: float = 2.0
    """So long a ladder waits for answers before it begins; less where somebody has just seen that none comes."""
    nic: Nic | None = None
    """The card as it was, for changes that make its interface anew: it need have none now."""
    hung: bool = False
    """Traffic did not flow before, though some answers may have come: success is that all is well now."""
    keeps_evidence: bool = True
    """Before the first change; False: the rung before this one has."""
    find_hang: Callable[[Host], str | None] | None = None
    """Asked before the probes confirm, with the host as it was just read: what shows that the card stands still all the same; None: nothing does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """How a plan that was carried out stands now."""

    transaction: Transaction
    state: State
    """``confirmed``, or ``waiting`` for the operator."""
    judgement: Judgement
    results: tuple[ProbeResult, ...]
    """Of the last round of probes."""
    warnings: tuple[str, ...] = ()
    """What went wrong and did not matter."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """A transaction after its undo script ran, and what the card reads then."""

    transaction: Transaction
    undone: Undone
    different: tuple[str, ...]
    restored: bool
    """All is as it was."""


class _Failure(Exception):  # noqa: N818  # it never leaves this module
    """The plan must be undone."""

    def __init__(self, message: str, *, why: str = "failure", kind: type[NicmedicError] = RolledBackError) -> None:
        super().__init__(message)
        self.message, self.why, self.kind = message, why, kind


def _stands_still(results: Iterable[ProbeResult]) -> bool:
    """Whether there is a link, and no frame leaves over it: waiting for the link is over, and nothing else would help."""
    states = {result.probe: result.state for result in results}
    return (states.get("carrier"), states.get("tx")) == (ProbeState.PASSED, ProbeState.FAILED)


def quietly(call: Callable[[], object]) -> str | None:
    """Call; what went wrong as words, None if nothing did. For what has no say in how it ends."""
    try:
        call()
    except (OSError, NicmedicError) as error:
        return error.message if isinstance(error, NicmedicError) else error.strerror or str(error)
    return None


def reread(edges: Edges, transaction: Transaction) -> Transaction:
    """As it is now, where that can be read."""
    with contextlib.suppress(OSError, NicmedicError):
        return edges.store.read_transaction(transaction.id) or transaction
    return transaction


def note_confirmed(edges: Edges, transaction: Transaction, detail: str) -> tuple[str, ...]:
    """It is decided; the journal and the switch only follow. Returns what went wrong with them, which matters no more."""
    calls: tuple[Callable[[], object], ...] = (
        lambda: edges.store.append_entry(transaction, Word.CONFIRMED, detail),
        lambda: edges.switch.disarm_switch(transaction),
    )
    return tuple(trouble for call in calls if (trouble := quietly(call)) is not None)


def _note_undone(edges: Edges, transaction: Transaction) -> None:
    """The card was read, and is as it was. Whoever undid it may have met a driver that sets nothing back, having set nothing."""
    if find_state(transaction) is State.UNDO_FAILED:
        quietly(lambda: edges.store.append_entry(transaction, Word.UNDONE, "it reads back as before"))


def _undo(edges: Edges, transaction: Transaction, why: str) -> Undone:
    """Whoever interrupts us now does not interrupt the script, and wants to hear how it ended all the same."""
    for _ in range(_UNDO_TURNS):
        with contextlib.suppress(KeyboardInterrupt, OSError, NicmedicError):
            return edges.hands.undo_transaction(transaction, why)
    return Undone(ok=False, ran=False)


def _look_after(edges: Edges, plan: Plan, begun: Sequence[Change]) -> tuple[str, ...]:
    """What is not as it was; as above."""
    for _ in range(_UNDO_TURNS):
        with contextlib.suppress(KeyboardInterrupt):
            return read_differences(edges.machine, edges.clock, plan, begun)
    return ("the card was not read again: that was interrupted",)


def undo_and_look(edges: Edges, transaction: Transaction, why: str, begun: Sequence[Change] | None = None) -> Ended:
    """Run the undo script, and read the card again. One that was confirmed meanwhile is left as it is, unless ``why`` is ``operator``.

    Args:
        edges: of the machine.
        transaction: to undo.
        why: as ``Hands.undo_transaction`` takes it.
        begun: the changes that were begun; None: by the journal.
    """
    undone = _undo(edges, transaction, why)
    now = reread(edges, transaction)
    if now.decided == "confirmed" and why != "operator":
        return Ended(transaction=now, undone=undone, different=(), restored=False)
    done = find_begun(now) if begun is None else begun
    different = _look_after(edges, now.plan, done)
    restored = is_restored(undone, different, done)
    if restored:
        _note_undone(edges, now)
        quietly(lambda: edges.switch.disarm_switch(now))
        now = reread(edges, now)
    return Ended(transaction=now, undone=undone, different=different, restored=restored)


def settle_confirmed(edges: Edges, finished: Finished) -> Finished:
    """What was carried out may stay: the probes say so.

    Raises:
        NotConfirmedError: it is too late, it is being undone.
        StateError: it cannot be written down, so it did not happen.
    """
    if not edges.store.decide(finished.transaction, "confirmed"):
        raise NotConfirmedError("somebody else ended it", hint=f"nicmedic transactions {finished.transaction.id}")
    warnings = (*finished.warnings, *note_confirmed(edges, finished.transaction, "probes"))
    return dataclasses.replace(finished, transaction=reread(edges, finished.transaction), state=State.CONFIRMED, warnings=warnings)


def _refuse(plan: Plan, host: Host, wishes: Wishes) -> Nic:
    """The card as it is; nothing is begun that the plan does not allow.

    Raises:
        RefusedError: something is refused, needs a boot, or there is nothing to do.
        NoSuchInterfaceError: the card went since the plan was made.
    """
    name = escape_terminal(plan.nic.interface)
    possible = f"nicmedic plan {quote_word(plan.nic.interface)}   # what is possible"
    if plan.refusals and plan.ladder is None:
        reasons = "; ".join(f"{refusal.remedy}: {', '.join(refusal.reasons)}" for refusal in plan.refusals)
        settle = [command for refusal in plan.refusals for command in refusal.settle]
        if all(refusal.may_be_told for refusal in plan.refusals):
            names = [*map(name_change, plan.changes), *map(name_change, plan.refusals)]
            wanted = " ".join(f"--remedy {quote_word(name)}" for name in names)
            settle.append(f"nicmedic treat {quote_word(plan.nic.interface)} {wanted} --accept-losses   # if you can bear that")
        raise RefusedError(f"{name}: {reasons}", hint="\n".join(settle) or possible)
    boots = [change for change in plan.changes if change.boots]
    if boots:
        commands = "\n".join(render_step(step, plan.nic.interface) for change in boots for step in change.steps)
        raise RefusedError(f"{name}: {', '.join(change.remedy for change in boots)} needs a boot, and is left to you", hint=commands)
    if not plan.changes:
        raise RefusedError(f"{name}: there is nothing to do", hint=possible)
    nic = find_card(host.nics, plan.nic)
    if nic is None and all(change.remedy in REMAKES for change in plan.changes):
        nic = wishes.nic
    if nic is None:
        raise NoSuchInterfaceError(f"{name}: the card is not there any more", hint="nicmedic check")
    return nic


def carry_out(plan: Plan, host: Host, edges: Edges, wishes: Wishes) -> Finished:
    """Carry out a plan: to its confirmation by the probes, or up to where the operator has to say whether it may stay.

    Args:
        plan: made of this very host.
        host: as it was just read.
        edges: of the machine.
        wishes: of the operator.

    Raises:
        RefusedError: the plan may not be carried out.
        NoSuchInterfaceError: the card went meanwhile.
        BusyError: somebody else changes this card.
        StateError: nothing can be written down; nothing was changed.
        SwitchError: no switch can be armed; nothing was changed.
        RolledBackError: it failed and was undone.
        UndoFailedError: it failed, and undoing did too.
    """
    treatment = _Treatment(plan, edges, wishes, _refuse(plan, host, wishes))
    treatment.prepare(host)
    return treatment.go()


class _Treatment:
    """One plan being carried out."""

    def __init__(self, plan: Plan, edges: Edges, wishes: Wishes, nic: Nic) -> None:
        self._plan, self._edges, self._wishes, self._nic = plan, edges, wishes, nic
        self._name = escape_terminal(plan.nic.interface)
        self._transaction: Transaction
        self._begun: list[Change] = []
        self._warnings: list[str] = []

    def prepare(self, host: Host) -> None:
        """All that undoing needs is on disk, and the switch is armed. Whatever fails here, nothing was changed."""
        edges, wishes = self._edges, self._wishes
        before = wishes.before
        if before is None:
            edges.tell(Stage.PROBING, "before")
            probes = edges.prober.choose_probes(host, self._plan.nic, wishes.probes)
            before = edges.prober.run_probes(self._plan.nic, probes)
        edges.tell(Stage.PREPARING, "")
        with edges.store.hold_lock():
            self._transaction = edges.store.create_transaction(
                self._plan,
                render_undo(self._plan),
                confirm=wishes.confirm,
                timeout_s=wishes.timeout_s,
                before=before,
                add_evidence=lambda folder: self._keep_evidence(folder, host),
            )
        try:
            self._transaction = edges.store.set_deadline(self._transaction, wishes.timeout_s)
            how = edges.switch.arm_switch(self._transaction)
            self._note(Word.ARMED, how)
            edges.store.claim_applier(self._transaction)
        except (Exception, KeyboardInterrupt):
            quietly(lambda: edges.store.append_entry(self._transaction, Word.ABANDONED))
            quietly(lambda: edges.switch.disarm_switch(self._transaction))
            raise
        edges.tell(Stage.ARMED, how)

    def _keep_evidence(self, folder: str, host: Host) -> None:
        if not self._wishes.keeps_evidence:
            return
        now = self._edges.clock.read_now().isoformat(timespec="seconds")
        path = f"{folder}/before.tar.gz"
        try:
            self._edges.archives.write_archive(
                path, host, Looks(), created=now, seconds=_EVIDENCE_S, scrub=False, on_progress=lambda _name, _size: None
            )
        except UnwritableOutputError as error:
            raise StateError(error.message, hint=error.hint) from error

    def _note(self, word: Word, detail: str = "") -> None:
        self._transaction = self._edges.store.append_entry(self._transaction, word, detail)

    def go(self) -> Finished:
        """From the first change to the end."""
        try:
            self._apply()
            judgement, results = self._hold()
            return self._finish(judgement, results)
        except _Failure as failure:
            return self._roll_back(failure)
        except KeyboardInterrupt as error:
            return self._roll_back(_Failure("it was interrupted", kind=NotConfirmedError), error)
        except NicmedicError as error:
            return self._roll_back(
                _Failure(error.message, kind=type(error) if isinstance(error, RolledBackError) else RolledBackError), error
            )
        except Exception as error:  # noqa: BLE001  # a bug of ours must not leave the card changed
            return self._roll_back(_Failure(f"{type(error).__name__}: {error}"), error)

    def _apply(self) -> None:
        edges = self._edges
        for number, change in enumerate(self._plan.changes):
            self._check_time(self._wishes.timeout_s / _LEAST_LEFT)
            edges.tell(Stage.APPLYING, change.title)
            self._begun.append(change)
            self._note(Word.APPLYING, f"{number} {change.remedy}")
            for step in change.steps:
                self._apply_step(step, change)
            edges.tell(Stage.READING, change.title)
            self._verify(change)
            self._note(Word.APPLIED, f"{number} {change.remedy}")
        edges.store.release_applier(self._transaction)

    def _apply_step(self, step: Step, change: Change) -> None:
        outcome = self._edges.hands.apply_step(step, self._plan.nic)
        if outcome.ok:
            return
        told = f"{render_step(step, self._plan.nic.interface)}: {outcome.said or 'failed'}"
        if not is_needed(step):
            self._warnings.append(told)
            return
        raise _Failure(f"{change.remedy}: {told}")

    def _check_time(self, least_s: float) -> None:
        """Raises when too little is left, or somebody else has decided."""
        now = self._edges.store.read_transaction(self._transaction.id)
        if now is not None and now.decided == "undo":
            raise _Failure("somebody else ended it", kind=NotConfirmedError)
        left_s = self._edges.store.read_seconds_left(self._transaction)
        if left_s is None or left_s < least_s:
            told = "its time is over" if left_s is None or left_s < _MARGIN_S else f"only {left_s:.0f} s are left"
            raise _Failure(f"{told}; --timeout gives it more", kind=TimeOverError)

    def _verify(self, change: Change) -> None:
        """Read the card again until all is as wanted, or the change has had its time; longer while it could not be read."""
        clock = self._edges.clock
        until = clock.read_monotonic_s() + change.settle_s
        while True:
            host = self._edges.machine.read_host()
            nic = find_card(host.nics, self._plan.nic)
            different = ("the card is gone",) if nic is None else find_differences(change.wanted, nic, host)
            if not different:
                return
            silence = find_silence(host)
            if clock.read_monotonic_s() >= until + (SILENCE_S if silence else 0.0):
                told = ", ".join((*different, silence) if silence else different)
                raise _Failure(f"{change.remedy}: {told}, though every step succeeded")
            self._check_time(_MARGIN_S)
            clock.wait_s(_REST_S)

    def _hold(self) -> tuple[Judgement, tuple[ProbeResult, ...]]:
        """Run the probes until they have passed without a break for long enough, or had their time."""
        edges, before = self._edges, self._transaction.before
        probes = [result.probe for result in before]
        began = edges.clock.read_monotonic_s()
        settle_s = sum(change.settle_s for change in self._plan.changes)
        until = began + settle_s + _PATIENCE_S
        since: float | None = None
        unharmed_since: float | None = None
        standing = 0
        edges.tell(Stage.HOLDING, f"{self._wishes.hold_s:g} s without a break")
        while True:
            round_began_s = edges.clock.read_monotonic_s()
            results = edges.prober.run_probes(self._plan.nic, probes)
            judgement = judge(before, results, hung=self._wishes.hung)
            now = edges.clock.read_monotonic_s()
            since = None if not judgement.good else round_began_s if since is None else since
            unharmed_since = None if judgement.good is False else round_began_s if unharmed_since is None else unharmed_since
            held = since is not None and now - since >= self._wishes.hold_s
            if self._wishes.confirm is Confirm.OPERATOR:  # who can see for himself need not wait for probes that show nothing
                held = held or (unharmed_since is not None and now - unharmed_since >= max(settle_s, self._wishes.hold_s))
            standing = standing + 1 if judgement.good is False and _stands_still(results) else 0
            over = (now >= until and since is None) or now >= until + self._wishes.hold_s
            if held or over or standing >= _STANDING_ROUNDS:
                return judgement, results
            self._check_time(_MARGIN_S)
            edges.clock.wait_s(_REST_S)

    def _finish(self, judgement: Judgement, results: tuple[ProbeResult, ...]) -> Finished:
        self._check_time(0.0)
        if reread(self._edges, self._transaction).decided is None:
            self._note(Word.PROBED, judgement.text)
        host = self._edges.machine.read_host()
        self._check_duplex(host)
        wants_proof = self._wishes.confirm is Confirm.PROBES
        if judgement.good is False or (judgement.good is None and wants_proof):
            raise _Failure(judgement.text, why="probes", kind=ProbesFailedError)
        hung = self._wishes.find_hang(host) if wants_proof and self._wishes.find_hang is not None else None
        if hung is not None:
            raise _Failure(f"answers come, and {hung}", why="probes", kind=ProbesFailedError)
        finished = self._tell(judgement, results)
        if finished.state not in {State.WAITING, State.CONFIRMED}:
            raise _Failure("somebody else ended it", kind=NotConfirmedError)
        return settle_confirmed(self._edges, finished) if wants_proof else finished

    def _tell(self, judgement: Judgement, results: tuple[ProbeResult, ...]) -> Finished:
        self._transaction = reread(self._edges, self._transaction)
        return Finished(
            transaction=self._transaction,
            state=find_state(self._transaction),
            judgement=judgement,
            results=results,
            warnings=tuple(self._warnings),
        )

    def _check_duplex(self, host: Host) -> None:
        """One end that is set, and one that finds the speed alone, do not agree who may send: the link works, badly."""
        nic = find_card(host.nics, self._plan.nic)
        if nic is None:
            raise _Failure("the card is gone")
        earlier = self._nic.statistics or {}
        counted = {name: value - earlier.get(name, 0) for name, value in (nic.statistics or {}).items()}
        risk = find_duplex_mismatch(dataclasses.replace(nic, statistics=counted))
        if risk is not None and find_duplex_mismatch(self._nic) is None:
            raise _Failure(f"{risk.title}: {', '.join(reason.text for reason in risk.reasons)}")

    def _roll_back(self, failure: _Failure, cause: BaseException | None = None) -> Finished:
        """Undo, look, and say what became of it; returns only if all was confirmed before that."""
        edges, number = self._edges, self._transaction.id
        edges.tell(Stage.UNDOING, failure.message)
        quietly(lambda: edges.store.release_applier(self._transaction))
        ended = undo_and_look(edges, self._transaction, failure.why, self._begun)
        self._transaction = ended.transaction
        if self._transaction.decided == "confirmed":
            return self._tell(Judgement(good=None), ())
        if ended.restored:
            raise failure.kind(
                f"{self._name} is as it was before transaction {number}: {failure.message}",
                hint=f"nicmedic transactions {number}   # all that happened",
            ) from cause
        told = tell_trouble(self._transaction, ended.different)
        raise UndoFailedError(
            f"{self._name}: {failure.message}; undoing transaction {number} failed as well{told}",
            hint=render_left(self._plan, self._begun, ended.undone),
        ) from cause
