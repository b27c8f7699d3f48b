# SPDX-License-Identifier: GPL-2.0-or-later
"""Lift a kept remedy on the running host to see whether it is needed any more: under the dead-man's switch, watched for a hang.

What is lifted is a transaction like any other, turned round: its change brings back what was set before the remedy, and its undo is the remedy.
So whatever becomes of us, of our session, or of the card: the remedy is in force again. Its files are released only after the card was seen to
carry traffic for as long as was wanted, and while the switch is still armed: what goes wrong with them brings the remedy back too.
A card that hung may stay hung with the remedy in force: then traffic is restored as ``treat --ladder restore`` does it.
"""

import contextlib
import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NoReturn

from nicmedic.app.hang_watch import HangWatch
from nicmedic.app.keep.edges import KeepEdges
from nicmedic.app.keep.needed import note_needed
from nicmedic.app.keep.release import Released, release
from nicmedic.app.treat import Edges, Finished, Stage, Wishes, carry_out, quietly, reread, settle_confirmed, undo_and_look
from nicmedic.app.undoing import render_left
from nicmedic.diagnosis.probing import find_flow, judge
from nicmedic.model.durations import say_duration
from nicmedic.model.errors import (
    KeepFailedError,
    NicmedicError,
    NoSuchInterfaceError,
    NotConfirmedError,
    ProbesFailedError,
    RefusedError,
    RolledBackError,
    StateError,
    UndoFailedError,
)
from nicmedic.model.host import Host
from nicmedic.model.keeping import Kept, KeptState, Wish
from nicmedic.model.plan import Change, Identity, Plan
from nicmedic.model.same_card import find_card
from nicmedic.model.transaction import Confirm, ProbeResult
from nicmedic.persist.choosing import name_wish
from nicmedic.persist.expiry import name_kernel
from nicmedic.remedy.script.words import quote_word
from nicmedic.remedy.settings import find_differences
from nicmedic.report.escape import escape_terminal

__all__ = ["Lifted", "Trial", "build_lift_plan", "try_without"]

_TIMEOUT_S = 120
"""Should we die, the switch sets the remedy again so much later. While we live it is put off."""
_SETTLE_S = 10
_UNSHOWN_S = 300.0
"""So long may nothing show that traffic flows."""
_RELEASE_S = 3600
"""The switch waits so long while the files are released: an initramfs for each kernel takes minutes."""
_RECOVER_S = 30.0
"""With the remedy in force again, traffic may take so long to come back by itself."""
_REST_S = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """How the operator wants it."""

    soak_s: float
    """So long must the card work without the remedy."""
    probes: tuple[str, ...] = ()
    """Further ones, as typed."""
    machine_id: str | None = None
    restore: Callable[[str], object]
    """Bring traffic of this card back, by the ladder *restore*; raises ``NicmedicError`` where that does not succeed."""
    show: Callable[[Released], None]
    """Is given what will be released, when the card has held."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lifted:
    """It held without the remedy, which is released."""

    finished: Finished
    released: Released
    soak_s: float


def _turn_round(wish: Wish) -> Change:
    return Change(
        remedy=wish.remedy,
        argument=wish.argument,
        title=f"Lift {name_wish(wish)}",
        steps=wish.lift,
        undo=wish.steps,
        before=wish.settings,
        wanted=wish.before,
        disruption="",
        settle_s=_SETTLE_S,
    )


def build_lift_plan(kept: Kept, host: Host, machine_id: str | None) -> Plan:
    """The remedies of one kept number, the last first, as changes that take them away.

    Raises:
        RefusedError: it is not in force now, takes a boot, or what was set before it is not known.
        NoSuchInterfaceError: the card is not there.
    """
    name, direct = escape_terminal(kept.nic.interface), f"nicmedic release {kept.id}   # without a trial"
    nic = find_card(host.nics, kept.nic)
    if nic is None:
        raise NoSuchInterfaceError(f"{name}: the card is not there", hint=direct)
    if any(not wish.lift or not wish.before or not wish.steps for wish in kept.wishes):
        names = ", ".join(name_wish(wish) for wish in kept.wishes if not wish.lift or not wish.steps)
        raise RefusedError(f"{name}: {names} cannot be lifted on the running host: it takes a boot", hint=direct)
    different = [one for wish in kept.wishes for one in find_differences(wish.settings, nic, host)]
    if different:
        told = f"it is not in force now ({', '.join(different)}), so there is nothing to lift"
        raise RefusedError(f"{name}: {told}", hint=direct)
    return Plan(
        nic=dataclasses.replace(kept.nic, interface=nic.interface),
        hostname=host.hostname,
        machine_id=machine_id,
        boot_id=host.boot_id,
        kernel_package=host.kernel_package,
        kernel_release=host.kernel_release,
        changes=tuple(_turn_round(wish) for wish in reversed(kept.wishes)),
        lifts=kept.id,
    )


def _probe_before(edges: Edges, host: Host, plan: Plan, trial: Trial) -> tuple[ProbeResult, ...]:
    """What the probes say with the remedy in force.

    Raises:
        RefusedError: traffic is not seen to flow, so nothing could show that it still does.
    """
    edges.tell(Stage.PROBING, "before")
    before = edges.prober.run_probes(plan.nic, edges.prober.choose_probes(host, plan.nic, trial.probes))
    flows, name = find_flow(before), escape_terminal(plan.nic.interface)
    if flows is False:
        hint = f"nicmedic treat {quote_word(plan.nic.interface)} --ladder restore   # first"
        raise RefusedError(f"{name}: traffic does not flow with the remedy in force, so a trial without it would show nothing", hint=hint)
    if flows is None:
        hint = f"nicmedic release {plan.lifts} --trial --probe ping:ADDRESS   # or tcp:HOST:PORT, of one that answers"
        raise RefusedError(
            f"{name}: no probe shows that traffic flows, so none would show that it still does without the remedy", hint=hint
        )
    return before


def try_without(edges: Edges, keeping: KeepEdges, kept: Kept, host: Host, trial: Trial) -> Lifted:
    """Lift it, watch the card for so long, and release it.

    Args:
        edges: of transactions.
        keeping: of what is kept.
        kept: what is to be tried.
        host: as it was just read.
        trial: how the operator wants it.

    Raises:
        RefusedError: as ``build_lift_plan`` and ``carry_out``, or traffic is not seen to flow.
        ProbesFailedError: the card hung again; the remedy is in force, and kept.
        NotConfirmedError: it was interrupted, somebody else ended it, or nothing showed that traffic flows; the remedy is in force, and kept.
        RolledBackError: it could not be lifted; the remedy is in force, and kept.
        KeepFailedError: it held, and could not be released; the remedy is in force, and kept.
        UndoFailedError: the remedy could not be set again, traffic does not flow with it, or it is half released.
    """
    plan = build_lift_plan(kept, host, trial.machine_id)
    before = _probe_before(edges, host, plan, trial)
    wishes = Wishes(timeout_s=_TIMEOUT_S, confirm=Confirm.OPERATOR, probes=trial.probes, before=before)
    try:
        finished = carry_out(plan, host, edges, wishes)
    except RolledBackError as error:
        restored = _restore(edges, trial, plan.nic, before, error.message, error)
        raise type(error)(f"{error.message}{restored}", hint=error.hint) from error
    return _Lifting(edges, keeping, kept, host, trial, finished).go()


def _find_flow(edges: Edges, card: Identity, before: Sequence[ProbeResult]) -> bool | None:
    """Whether traffic came back by itself, given some time."""
    until = edges.clock.read_monotonic_s() + _RECOVER_S
    while True:
        good = judge(before, edges.prober.run_probes(card, [result.probe for result in before])).good
        if good or edges.clock.read_monotonic_s() >= until:
            return good
        edges.clock.wait_s(_REST_S)


def _restore(edges: Edges, trial: Trial, card: Identity, before: Sequence[ProbeResult], told: str, cause: BaseException | None) -> str:
    """Traffic of a card that stays hung with the remedy in force; what is to be said of it.

    Raises:
        UndoFailedError: it does not flow.
    """
    try:
        flows = _find_flow(edges, card, before)
        if flows is not False:
            return "" if flows else "; nothing shows whether traffic flows"
        edges.tell(Stage.UNDOING, "traffic does not flow; restoring it")
        trial.restore(card.interface)
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001  # whatever it was: the operator must hear that the card is silent
        commands = [getattr(error, "hint", ""), f"nicmedic treat {quote_word(card.interface)} --ladder restore   # again"]
        raise UndoFailedError(
            f"{told}, but traffic is NOT seen to flow: {_say_error(error)}", hint="\n".join(filter(None, commands))
        ) from cause or error
    return "; traffic did not come back with it, and was restored"


class _Lifting:
    """One that is lifted."""

    def __init__(self, edges: Edges, keeping: KeepEdges, kept: Kept, host: Host, trial: Trial, finished: Finished) -> None:
        self._edges, self._keeping, self._kept, self._host, self._trial, self._finished = edges, keeping, kept, host, trial, finished
        self._is_proof = False
        self._name = escape_terminal(kept.nic.interface)

    def go(self) -> Lifted:
        """Until it is released, or set again."""
        try:
            hung = self._soak()
        except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001  # a bug of ours must not leave the card without it
            self._set_again(_say_error(error), NotConfirmedError, error)
        if hung is not None:
            self._set_again(f"without it the card hangs: {hung}", ProbesFailedError, None, proof=hung if self._is_proof else None)
        try:
            self._edges.store.set_deadline(self._finished.transaction, _RELEASE_S)
            number = self._finished.transaction.id
            released = release(self._keeping, self._kept.id, self._trial.show, trial=number)
        except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001  # neither may it here: the switch is still armed
            kind = UndoFailedError if isinstance(error, UndoFailedError) else KeepFailedError
            self._set_again(f"the card held without it, but it could not be released: {_say_error(error)}", kind, error)
        return Lifted(finished=self._settle(), released=released, soak_s=self._trial.soak_s)

    def _settle(self) -> Finished:
        try:
            return settle_confirmed(self._edges, self._finished)
        except NicmedicError as error:
            self._set_again(error.message, NotConfirmedError, error)

    def _keep_alive(self) -> None:
        """Put the deadline off.

        Raises:
            NotConfirmedError: somebody else has decided.
        """
        now = reread(self._edges, self._finished.transaction)
        if now.decided is not None:
            raise NotConfirmedError("somebody else ended it", hint=f"nicmedic transactions {now.id}")
        if (self._edges.store.read_seconds_left(now) or 0.0) < _TIMEOUT_S * 3 / 4:
            self._edges.store.set_deadline(now, _TIMEOUT_S)

    def _probe(self) -> tuple[ProbeResult, ...]:
        transaction = self._finished.transaction
        return self._edges.prober.run_probes(transaction.plan.nic, [result.probe for result in transaction.before])

    def _soak(self) -> str | None:
        """What shows that the card hangs; None: nothing does. Only time between two rounds of probes that show traffic counts.

        Raises:
            NotConfirmedError: somebody else ended it, or nothing shows traffic for too long.
        """
        edges, before = self._edges, self._finished.transaction.before
        edges.tell(Stage.HOLDING, f"{say_duration(self._trial.soak_s)} without it")
        watch = HangWatch(edges.machine, edges.clock, self._finished.transaction.plan.nic)
        held_s = unshown_s = 0.0
        flowed, rounds = self._finished.judgement.good is True, 0
        last_s = edges.clock.read_monotonic_s()
        while held_s < self._trial.soak_s:
            self._keep_alive()
            hung = watch.look(self._probe, before)
            if hung is not None:
                self._is_proof = not watch.gone
                return hung
            if watch.rounds == rounds:
                continue
            now_s = edges.clock.read_monotonic_s()
            flows, rounds = watch.flows is True, watch.rounds
            held_s, unshown_s = (held_s + now_s - last_s, 0.0) if flows and flowed else (held_s, unshown_s + now_s - last_s)
            flowed, last_s = flows, now_s
            if unshown_s >= _UNSHOWN_S:
                raise NotConfirmedError(_say_unshown(silent=watch.silent), hint="nicmedic check")
        self._keep_alive()
        return None

    def _find_state(self) -> KeptState | None:
        """Of its files, which somebody else may have released meanwhile; None: that cannot be read."""
        with contextlib.suppress(StateError, OSError):
            return next((one.state for one in self._keeping.store.list_kept() if one.id == self._kept.id), None)
        return None

    def _say_kept(self) -> str:
        number = self._kept.id
        said = {KeptState.KEPT: f"{number} stays kept", KeptState.RELEASED: f"{number} is released, so it lasts until the next boot"}
        state = self._find_state()
        return f"whether {number} is kept cannot be read" if state is None else said.get(state, f"{number} is half released")

    def _note_needed(self, proof: str) -> str:
        """Write down that it is needed with what runs now, if it is kept still; what is to be said of that."""
        if self._find_state() is not KeptState.KEPT:
            return ""
        failed = quietly(lambda: note_needed(self._keeping, self._kept.id, self._host, proof))
        kernel = name_kernel(self._host.kernel_package, self._host.kernel_release)
        told = f"it is needed with kernel {kernel}"
        return f"; {told}" if failed is None else f"; that {told} cannot be written down: {failed}"

    def _set_again(self, why: str, kind: type[NicmedicError], cause: BaseException | None, *, proof: str | None = None) -> NoReturn:
        """Raises how it ended. ``proof``: what shows that it is still needed; None: nothing does."""
        edges, number = self._edges, self._finished.transaction.id
        edges.tell(Stage.UNDOING, why)
        ended = undo_and_look(edges, self._finished.transaction, "probes")
        now, still = ended.transaction, self._say_kept()
        if now.decided == "confirmed":
            told = (
                f"{self._name}: transaction {number} was confirmed by another login, so the remedy is lifted until the next boot; {still}"
            )
            raise NotConfirmedError(told, hint=f"nicmedic release {self._kept.id}   # or: nicmedic undo {number}") from cause
        hint = getattr(cause, "hint", "") if kind in {KeepFailedError, UndoFailedError} else ""
        if not ended.restored:
            different = f" ({', '.join(ended.different)})" if ended.different else ""
            raise UndoFailedError(
                f"{self._name}: {why}; setting the remedy again failed{different}; {still}",
                hint="\n".join(filter(None, [render_left(now.plan, now.plan.changes, ended.undone), hint])),
            ) from cause
        told = f"{self._name}: {why}; the remedy is in force again, and {still}"
        transaction = self._finished.transaction
        restored = _restore(edges, self._trial, transaction.plan.nic, transaction.before, told, cause)
        noted = "" if proof is None else self._note_needed(proof)  # not before: silence that no remedy ends shows nothing of this one
        raise kind(f"{told}{restored}{noted}", hint=hint or f"nicmedic transactions {number}") from cause


def _say_error(error: BaseException) -> str:
    if isinstance(error, KeyboardInterrupt):
        return "it was interrupted"
    return error.message if isinstance(error, NicmedicError) else f"{type(error).__name__}: {error}"


def _say_unshown(*, silent: bool) -> str:
    if silent:
        return f"no answer came for {say_duration(_UNSHOWN_S)} although frames leave; the fault may be beyond the card"
    return f"for {say_duration(_UNSHOWN_S)} nothing has shown that traffic flows"
