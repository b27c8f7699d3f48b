# SPDX-License-Identifier: GPL-2.0-or-later
"""Lift a kept remedy on the running host to see whether it is needed any more: under the dead-man's switch, watched for a hang.

What is lifted is a transaction like any other, turned round: its change brings back what was set before the remedy, and its undo is the remedy.
So whatever becomes of us, of our session, or of the card: the remedy is in force again. Its files are released only after the card has held.
"""

import dataclasses
from dataclasses import dataclass

from nicmedic.app.hang_watch import HangWatch
from nicmedic.app.treat import Edges, Finished, Stage, Wishes, carry_out, reread, settle_confirmed, undo_and_look
from nicmedic.app.undoing import render_left
from nicmedic.model.durations import say_duration
from nicmedic.model.errors import NicmedicError, NoSuchInterfaceError, NotConfirmedError, ProbesFailedError, RefusedError, UndoFailedError
from nicmedic.model.host import Host
from nicmedic.model.keeping import Kept, Wish
from nicmedic.model.plan import Change, Plan
from nicmedic.model.same_card import find_card
from nicmedic.model.transaction import Confirm, ProbeResult, Transaction
from nicmedic.persist.choosing import name_wish
from nicmedic.remedy.settings import find_differences
from nicmedic.report.escape import escape_terminal

__all__ = ["Lifted", "Trial", "build_lift_plan", "try_without"]

_TIMEOUT_S = 120
"""Should we die, the switch sets the remedy again so much later. While we live it is put off."""
_SETTLE_S = 10
_UPSTREAM_S = 300.0
"""So long may no answer come although the card sends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """How the operator wants it."""

    soak_s: float
    """So long must the card work without the remedy."""
    probes: tuple[str, ...] = ()
    """Further ones, as typed."""
    machine_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Lifted:
    """It held without the remedy."""

    finished: Finished
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
        changes=tuple(_turn_round(wish) for wish in reversed(kept.wishes)),
        lifts=kept.id,
    )


def try_without(edges: Edges, kept: Kept, host: Host, trial: Trial) -> Lifted:
    """Lift it, and watch the card for so long.

    Raises:
        RefusedError: as ``build_lift_plan``, or as ``carry_out``.
        ProbesFailedError: the card hung again; the remedy is in force, and kept.
        NotConfirmedError: it was interrupted, or somebody else ended it; the remedy is in force, and kept.
        RolledBackError: it could not be lifted; the remedy is in force, and kept.
        UndoFailedError: the remedy could not be set again.
    """
    plan = build_lift_plan(kept, host, trial.machine_id)
    wishes = Wishes(timeout_s=_TIMEOUT_S, confirm=Confirm.OPERATOR, probes=trial.probes)
    finished = carry_out(plan, host, edges, wishes)
    try:
        hung = _soak(edges, finished, trial.soak_s)
    except KeyboardInterrupt as error:
        _set_again(edges, finished, kept, "it was interrupted", NotConfirmedError, error)
        raise
    except Exception as error:
        told = error.message if isinstance(error, NicmedicError) else f"{type(error).__name__}: {error}"
        _set_again(edges, finished, kept, told, NotConfirmedError, error)
        raise
    if hung is not None:
        _set_again(edges, finished, kept, f"without it the card hangs: {hung}", ProbesFailedError, None)
    return Lifted(finished=settle_confirmed(edges, finished), soak_s=trial.soak_s)


def _keep_alive(edges: Edges, transaction: Transaction) -> None:
    """Put the deadline off.

    Raises:
        NotConfirmedError: somebody else has decided.
    """
    now = reread(edges, transaction)
    if now.decided is not None:
        raise NotConfirmedError("somebody else ended it", hint=f"nicmedic transactions {transaction.id}")
    if (edges.store.read_seconds_left(now) or 0.0) < _TIMEOUT_S * 3 / 4:
        edges.store.set_deadline(now, _TIMEOUT_S)


def _soak(edges: Edges, finished: Finished, soak_s: float) -> str | None:
    """What shows that the card hangs; None: nothing does. Time in which no answer comes although the card sends does not count.

    Raises:
        NotConfirmedError: somebody else ended it, or no answer comes for too long.
    """
    transaction = finished.transaction
    card, before = transaction.plan.nic, transaction.before
    edges.tell(Stage.HOLDING, f"{say_duration(soak_s)} without it")
    watch = HangWatch(edges.machine, edges.clock, card)

    def ask() -> tuple[ProbeResult, ...]:
        return edges.prober.run_probes(card, [result.probe for result in before])

    held_s = silent_s = 0.0
    last_s = edges.clock.read_monotonic_s()
    while held_s < soak_s:
        _keep_alive(edges, transaction)
        hung = watch.look(ask, before)
        if hung is not None:
            return hung
        now_s = edges.clock.read_monotonic_s()
        held_s, silent_s = (held_s, silent_s + now_s - last_s) if watch.silent else (held_s + now_s - last_s, 0.0)
        last_s = now_s
        if silent_s >= _UPSTREAM_S:
            raise NotConfirmedError("no answer comes although frames leave; the fault may be beyond the card", hint="nicmedic check")
    _keep_alive(edges, transaction)
    return None


def _set_again(edges: Edges, finished: Finished, kept: Kept, why: str, kind: type[NicmedicError], cause: BaseException | None) -> None:
    """Raises how it ended; returns only if another login confirmed the lifting meanwhile."""
    edges.tell(Stage.UNDOING, why)
    ended = undo_and_look(edges, finished.transaction, "probes")
    name, now = escape_terminal(kept.nic.interface), ended.transaction
    if now.decided == "confirmed":
        told = f"{name}: transaction {now.id} was confirmed by another login, so the remedy is lifted until the next boot; it is still kept"
        raise NotConfirmedError(told, hint=f"nicmedic release {kept.id}   # or: nicmedic undo {now.id}") from cause
    if ended.restored:
        raise kind(
            f"{name}: {why}; the remedy is in force again, and {kept.id} stays kept", hint=f"nicmedic transactions {now.id}"
        ) from cause
    different = f" ({', '.join(ended.different)})" if ended.different else ""
    raise UndoFailedError(
        f"{name}: {why}; setting the remedy again failed{different}; it is still kept for the next boot",
        hint=render_left(now.plan, now.plan.changes, ended.undone),
    ) from cause
