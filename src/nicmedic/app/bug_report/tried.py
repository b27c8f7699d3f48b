# SPDX-License-Identifier: GPL-2.0-or-later
"""What was done to the card with nicmedic, out of transactions and incidents, and whether it held."""

from collections.abc import Mapping, Sequence

from nicmedic.evidence.holds import Held, Span, judge_span
from nicmedic.evidence.spells import Card, find_card
from nicmedic.model.blame import Verdict
from nicmedic.model.bug_report import Came, Tried
from nicmedic.model.finding import RemedyId
from nicmedic.model.history import History
from nicmedic.model.incident import Action, ActionState, Incident
from nicmedic.model.plan import Ladder, Plan
from nicmedic.model.transaction import Entry, State, Transaction, Word, find_state
from nicmedic.remedy.ladder import name_change
from nicmedic.remedy.script.words import render_step
from nicmedic.report.words import say_count

__all__ = ["list_tried"]

_MOMENTARY = frozenset(
    {
        RemedyId.RENEGOTIATE,
        RemedyId.LINK_BOUNCE,
        RemedyId.DRIVER_REBIND,
        RemedyId.MODULE_RELOAD,
        RemedyId.PCI_RESET,
        RemedyId.PCI_RESCAN,
        RemedyId.POWER_DRAIN,
        RemedyId.REBOOT,
    }
)
"""Over when they are done: nothing stays set that could hold."""
_CAME = {
    State.WAITING: Came.WAITING,
    State.APPLYING: Came.WAITING,
    State.UNDOING: Came.WAITING,
    State.CONFIRMED: Came.IN_FORCE,
    State.UNDONE: Came.UNDONE,
    State.UNDO_FAILED: Came.UNDO_FAILED,
    State.REBOOTED: Came.ENDED_BY_BOOT,
    State.PREPARING: Came.NEVER_SET,
    State.ABANDONED: Came.NEVER_SET,
}


def list_tried(
    history: History, interface: str | None, transactions: Sequence[Transaction], incidents: Sequence[Incident], boot_id: str | None
) -> tuple[Tried, ...]:
    """Of one card, in order of time.

    Args:
        history: of the host.
        interface: the card, as it was called then; None: all.
        transactions: of this host.
        incidents: of this host, for what was done on their behalf and whether it helped.
        boot_id: of the boot that runs now; None: none of these does.
    """
    own = [one for one in transactions if interface is None or one.plan.nic.interface == interface]
    actions = _find_actions(incidents)
    spans = {one.id: span for one in own if (span := _find_span(one)) is not None and not _is_momentary(one.plan)}
    card = find_card(history, interface)
    told = []
    for one in own:
        others = [span for number, span in spans.items() if number != one.id]
        told.append(_tell(one, history, card, spans.get(one.id), others, actions.get(one.id), boot_id))
    return tuple(told)


def _find_actions(incidents: Sequence[Incident]) -> Mapping[int, tuple[Incident, Action]]:
    return {number: (incident, action) for incident in incidents for action in incident.actions for number in action.transactions}


def _is_momentary(plan: Plan) -> bool:
    return plan.ladder is Ladder.RESTORE or all(change.remedy in _MOMENTARY for change in plan.changes)


def _find(transaction: Transaction, *words: Word) -> Entry | None:
    return next((entry for entry in transaction.entries if entry.word in words), None)


def _find_span(transaction: Transaction) -> Span | None:
    """From when it was carried out to when it was taken back."""
    began = _find(transaction, Word.APPLIED)
    if began is None:
        return None
    ended = _find(transaction, Word.UNDOING, Word.UNDONE)
    same = ended is not None and ended.boot_id == began.boot_id
    return Span(boot_id=began.boot_id, began_s=began.uptime_s, ended_s=ended.uptime_s if ended is not None and same else None)


def _tell(
    one: Transaction,
    history: History,
    card: Card,
    span: Span | None,
    others: Sequence[Span],
    behalf: tuple[Incident, Action] | None,
    boot_id: str | None,
) -> Tried:
    plan, state = one.plan, find_state(one)
    began, ended = _find(one, Word.APPLIED), _find(one, Word.UNDONE, Word.REBOOTED)
    past = boot_id is None or began is None or began.boot_id.replace("-", "") != boot_id.replace("-", "")
    held = Held() if span is None else judge_span(history, span, others, card)
    interface = plan.nic.interface
    return Tried(
        remedies=tuple(name_change(change) for change in plan.changes),
        titles=tuple(change.title for change in plan.changes),
        commands=tuple(render_step(step, interface) for change in plan.changes for step in change.steps),
        came=_say_came(one, state, behalf, past=past),
        began=None if began is None else began.time,
        ended=None if ended is None else ended.time,
        boot_id=plan.boot_id,
        transaction=one.id,
        incident=None if behalf is None else behalf[0].id,
        kernel_package=plan.kernel_package,
        detail=one.entries[-1].detail if one.entries else "",
        hours=held.hours,
        before=held.before,
        after=held.after,
        hold=held.hold,
        notes=(*_say_hangs(held), *held.notes, *_say_overlap(span, others)),
    )


def _say_came(one: Transaction, state: State, behalf: tuple[Incident, Action] | None, *, past: bool) -> Came:
    came = _CAME[state]
    if came is not Came.NEVER_SET and _is_momentary(one.plan):
        helped = None if behalf is None else behalf[1].state
        if came is Came.IN_FORCE:
            return Came.HELPED if helped is ActionState.HELPED else Came.DONE
        return came if came is Came.UNDO_FAILED else Came.DID_NOT_HELP if helped is ActionState.FAILED else Came.DONE
    return Came.ENDED_BY_BOOT if past and came in (Came.IN_FORCE, Came.WAITING) else came


def _say_hangs(held: Held) -> tuple[str, ...]:
    """Where the figures leave out what is known to have happened."""
    if held.hangs and (held.after is None or not held.after.boots_hung):
        return (f"The card hung all the same while it was set ({say_count(held.hangs, 'hang')}).",)
    if held.hold is None or held.hangs:
        return ()
    if held.hold.verdict is Verdict.NOT_SHOWN:
        return (f"Only more {'hours' if held.same_boot else 'boots'} with it set tell that from luck.",)
    return ("Judged within one boot, so hangs are taken to come at random in time.",) if held.same_boot else ()


def _say_overlap(span: Span | None, others: Sequence[Span]) -> tuple[str, ...]:
    """What else was set at that time."""
    if span is None:
        return ()
    end = float("inf") if span.ended_s is None else span.ended_s
    count = sum(
        other.boot_id == span.boot_id and other.began_s < end and (other.ended_s is None or other.ended_s > span.began_s)
        for other in others
    )
    return (
        (f"{say_count(count, 'other change')} of nicmedic was set at that time too; the figures cannot tell them apart.",) if count else ()
    )
