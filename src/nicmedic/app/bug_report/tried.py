# SPDX-License-Identifier: GPL-2.0-or-later
"""What was done to the card with nicmedic, out of transactions, incidents and what is kept over boots, and whether it held."""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from nicmedic.app.bug_report.spans import Spans, find_entry, find_spans, is_momentary, select_own
from nicmedic.evidence.holds import Held, judge_spans
from nicmedic.evidence.spells import Card, find_card
from nicmedic.evidence.treated import Span, is_same_boot
from nicmedic.model.blame import Verdict
from nicmedic.model.bug_report import Came, Tried
from nicmedic.model.history import History
from nicmedic.model.incident import Action, ActionState, Incident
from nicmedic.model.keeping import Kept, KeptState
from nicmedic.model.transaction import State, Transaction, Word, find_state
from nicmedic.persist.choosing import name_wish
from nicmedic.remedy.ladder import name_change
from nicmedic.remedy.script.words import render_step
from nicmedic.report.blame_words import say_hours
from nicmedic.report.words import say_count

__all__ = ["Done", "list_treated_spans", "list_tried"]

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What was done on a host."""

    transactions: tuple[Transaction, ...] = ()
    incidents: tuple[Incident, ...] = ()
    """For what was done on their behalf, and whether it helped."""
    kept: tuple[Kept, ...] = ()
    """Remedies that are kept over boots, or were."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """What every row is made of."""

    history: History
    card: Card
    spans: Spans
    actions: Mapping[int, tuple[Incident, Action]]
    boot_id: str | None


def list_treated_spans(history: History, interface: str | None, done: Done) -> tuple[Span, ...]:
    """When anything was set on one card, or may have been."""
    return find_spans(history, *select_own(done.transactions, done.kept, interface)).treated


def list_tried(history: History, interface: str | None, done: Done, boot_id: str | None) -> tuple[Tried, ...]:
    """Of one card: transactions in order of time, then what is kept over boots.

    Args:
        history: of the host.
        interface: the card, as it was called then; None: all.
        done: on this host.
        boot_id: of the boot that runs now; None: none of these does.
    """
    transactions, kept = select_own(done.transactions, done.kept, interface)
    actions = {number: (incident, action) for incident in done.incidents for action in incident.actions for number in action.transactions}
    known = _Known(
        history=history,
        card=find_card(history, interface),
        spans=find_spans(history, transactions, kept),
        actions=actions,
        boot_id=boot_id,
    )
    told = [_tell_lift(one, known) if one.plan.lifts is not None else _tell(one, known, kept) for one in transactions]
    return (*told, *(_tell_kept(one, known) for one in kept))


def _tell(one: Transaction, known: _Known, kept: Sequence[Kept]) -> Tried:
    state = find_state(one)
    began, ended = find_entry(one, Word.APPLIED), find_entry(one, Word.UNDONE, Word.REBOOTED)
    past = known.boot_id is None or began is None or began.boot_id.replace("-", "") != known.boot_id.replace("-", "")
    spans = known.spans.transactions.get(one.id, ())
    others = _list_others(known.spans, one.id)
    held = judge_spans(known.history, spans, others, known.card) if spans else Held()
    behalf = known.actions.get(one.id)
    lifted = bool(spans) and spans[-1].ended_s in [lift.began_s for lift in known.spans.lifts.values()]
    keeping = next((each.id for each in kept if each.transaction == one.id), None)
    came = _say_came(one, state, behalf, past=past)
    return dataclasses.replace(
        _describe(one, Came.UNDONE if lifted and came is Came.IN_FORCE else came),
        ended=None if ended is None else ended.time,
        incident=None if behalf is None else behalf[0].id,
        hours=held.hours,
        before=held.before,
        after=held.after,
        hold=held.hold,
        notes=(
            *_say_hangs(held),
            *held.notes,
            *_say_overlap(spans, others),
            *(("For a trial it was taken away in between; that time is left out.",) if len(spans) > 1 else ()),
            *(("For a trial it was taken away then, and not set again.",) if lifted else ()),
            *((f"Boots since then are told of under what is kept as number {keeping}.",) if keeping is not None else ()),
        ),
    )


def _describe(one: Transaction, came: Came) -> Tried:
    """What is known without its judgement."""
    plan, began = one.plan, find_entry(one, Word.APPLIED)
    return Tried(
        remedies=tuple(name_change(change) for change in plan.changes),
        titles=tuple(change.title for change in plan.changes),
        commands=tuple(render_step(step, plan.nic.interface) for change in plan.changes for step in change.steps),
        came=came,
        began=None if began is None else began.time,
        boot_id=plan.boot_id,
        transaction=one.id,
        kernel_package=plan.kernel_package,
        detail=one.entries[-1].detail if one.entries else "",
    )


def _list_others(spans: Spans, number: int | None = None, kept: int | None = None) -> list[Span]:
    """When anything else was set, or may have been."""
    others = [span for each, some in spans.transactions.items() if each != number for span in some]
    return [*others, *(span for each, some in spans.kept.items() if each != kept for span in (*some.sure, *some.unsure))]


def _tell_lift(one: Transaction, known: _Known) -> Tried:
    """A trial without a kept remedy: never judged as that remedy, and what was seen meanwhile is told in words."""
    state, span, ended = find_state(one), known.spans.lifts.get(one.id), find_entry(one, Word.UNDONE)
    came = Came.NEVER_SET if span is None else Came.SET_AGAIN if state is State.UNDONE else Came.LIFTED
    return dataclasses.replace(
        _describe(one, came), ended=None if ended is None else ended.time, kept=one.plan.lifts, notes=tuple(_say_lift(span, state, known))
    )


def _say_lift(span: Span | None, state: State, known: _Known) -> Iterator[str]:
    if span is None:
        return
    if state is State.UNDO_FAILED:
        yield "Setting it again failed."
    seen = judge_spans(known.history, (span,), (), known.card)
    if seen.hangs:
        yield f"Without it the card hung ({say_count(seen.hangs, 'hang')})."
    elif seen.hours:
        yield f"Without it no hang was seen in {say_hours(seen.hours)}."


def _tell_kept(one: Kept, known: _Known) -> Tried:
    """Boots in which a check found it in force, against boots of the same kernel without anything set."""
    spans = known.spans.kept[one.id]
    others = [*_list_others(known.spans, kept=one.id), *spans.unsure]
    held = judge_spans(known.history, spans.sure, others, known.card) if spans.sure else Held()
    unsure = (
        f"Of {say_count(len(spans.unsure), 'boot')} since nothing tells whether it was in force: counted neither with it nor without it."
    )
    return Tried(
        remedies=tuple(name_wish(wish) for wish in one.wishes),
        titles=tuple(wish.title for wish in one.wishes),
        commands=tuple(render_step(step, one.nic.interface) for wish in one.wishes for step in wish.steps),
        came=Came.RELEASED if one.state is KeptState.RELEASED else Came.KEPT,
        began=one.kept_at,
        ended=one.released_at,
        kept=one.id,
        transaction=one.transaction,
        kernel_package=one.made_for.kernel_package,
        hours=held.hours,
        before=held.before,
        after=held.after,
        hold=held.hold,
        notes=(*_say_hangs(held), *held.notes, *_say_overlap(spans.sure, others), *((unsure,) if spans.unsure else ())),
    )


def _say_came(one: Transaction, state: State, behalf: tuple[Incident, Action] | None, *, past: bool) -> Came:
    came = _CAME[state]
    if came is not Came.NEVER_SET and is_momentary(one.plan):
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


def _overlap(one: Span, other: Span) -> bool:
    ends = [float("inf") if span.ended_s is None else span.ended_s for span in (one, other)]
    return is_same_boot(one, other) and other.began_s < ends[0] and ends[1] > one.began_s


def _say_overlap(spans: Sequence[Span], others: Sequence[Span]) -> tuple[str, ...]:
    """What else was set at that time."""
    count = sum(any(_overlap(span, other) for span in spans) for other in others)
    if not count:
        return ()
    return (f"{say_count(count, 'other change')} of nicmedic was set at that time too; the figures cannot tell them apart.",)
