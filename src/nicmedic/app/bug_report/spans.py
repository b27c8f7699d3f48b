# SPDX-License-Identifier: GPL-2.0-or-later
"""When a remedy was set: out of its transaction, or of what was kept over boots; a trial without it is taken out."""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from nicmedic.evidence.moments import parse_moment
from nicmedic.evidence.treated import Span, is_same_boot, name_boot
from nicmedic.model.finding import RemedyId
from nicmedic.model.history import BootRecord, History
from nicmedic.model.keeping import CheckWord, Kept, KeptState
from nicmedic.model.plan import Ladder, Plan
from nicmedic.model.transaction import Entry, Transaction, Word
from nicmedic.remedy.ladder import name_change

__all__ = ["KeptSpans", "Spans", "find_entry", "find_spans", "is_momentary", "select_own"]

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
_GOOD = frozenset({CheckWord.IN_FORCE, CheckWord.REPAIRED})


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptSpans:
    """Boots since a remedy is kept."""

    sure: tuple[Span, ...] = ()
    """A check of that boot found it in force, and none found anything else."""
    unsure: tuple[Span, ...] = ()
    """No check tells of that boot, or one found it otherwise at some time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spans:
    """When what was set, by numbers."""

    transactions: Mapping[int, tuple[Span, ...]]
    kept: Mapping[int, KeptSpans]
    lifts: Mapping[int, Span]
    """Trials without a kept remedy, by the number of the transaction."""

    @property
    def treated(self) -> tuple[Span, ...]:
        """When anything was set, or may have been."""
        kept = (span for one in self.kept.values() for span in (*one.sure, *one.unsure))
        return (*(span for spans in self.transactions.values() for span in spans), *kept)


def select_own(
    transactions: Sequence[Transaction], kept: Sequence[Kept], interface: str | None
) -> tuple[tuple[Transaction, ...], tuple[Kept, ...]]:
    """Of one card, as it was called then; None: all. What is only half written down to be kept is not kept."""
    return (
        tuple(one for one in transactions if interface is None or one.plan.nic.interface == interface),
        tuple(one for one in kept if one.state is not KeptState.WRITING and (interface is None or one.nic.interface == interface)),
    )


def is_momentary(plan: Plan) -> bool:
    """Whether nothing of it stays set."""
    return plan.ladder is Ladder.RESTORE or all(change.remedy in _MOMENTARY for change in plan.changes)


def find_entry(transaction: Transaction, *words: Word) -> Entry | None:
    """The first with one of these words."""
    return next((entry for entry in transaction.entries if entry.word in words), None)


def find_spans(history: History, transactions: Sequence[Transaction], kept: Sequence[Kept]) -> Spans:
    """Of the transactions and kept remedies of one card."""
    lifts = {one.id: span for one in transactions if one.plan.lifts is not None and (span := _find_lift(one)) is not None}
    lifted = [(one, lifts[one.id]) for one in transactions if one.id in lifts]
    told: dict[int, tuple[Span, ...]] = {}
    for one in transactions:
        span = None if one.plan.lifts is not None or is_momentary(one.plan) else _find_span(one)
        if span is not None:
            names = {name_change(change) for change in one.plan.changes}
            told[one.id] = _cut_all((span,), [lift for other, lift in lifted if names & {name_change(each) for each in other.plan.changes}])
    held = {}
    for keeping in kept:
        found = _find_kept(history, keeping)
        off = [lift for other, lift in lifted if other.plan.lifts == keeping.id]
        held[keeping.id] = dataclasses.replace(found, sure=_cut_all(found.sure, off))
    return Spans(transactions=told, kept=held, lifts=lifts)


def _find_span(transaction: Transaction) -> Span | None:
    """From when it was carried out to when it was taken back."""
    began = find_entry(transaction, Word.APPLIED)
    if began is None:
        return None
    ended = find_entry(transaction, Word.UNDOING, Word.UNDONE)
    same = ended is not None and ended.boot_id == began.boot_id
    return Span(boot_id=began.boot_id, began_s=began.uptime_s, ended_s=ended.uptime_s if ended is not None and same else None)


def _find_lift(transaction: Transaction) -> Span | None:
    """From when the remedy began to be taken away until it was set again."""
    began, ended = find_entry(transaction, Word.APPLYING, Word.APPLIED), find_entry(transaction, Word.UNDONE)
    if began is None:
        return None
    same = ended is not None and ended.boot_id == began.boot_id
    return Span(boot_id=began.boot_id, began_s=began.uptime_s, ended_s=ended.uptime_s if ended is not None and same else None)


def _plain(boot_id: str) -> str:
    return boot_id.replace("-", "").lower()


def _cut_all(spans: Sequence[Span], lifts: Sequence[Span]) -> tuple[Span, ...]:
    """What is left of them."""
    for lift in lifts:
        spans = [part for span in spans for part in _cut(span, lift)]
    return tuple(spans)


def _cut(span: Span, lift: Span) -> list[Span]:
    end = float("inf") if span.ended_s is None else span.ended_s
    if not is_same_boot(span, lift) or lift.began_s >= end or (lift.ended_s is not None and lift.ended_s <= span.began_s):
        return [span]
    before = [dataclasses.replace(span, ended_s=lift.began_s)] if lift.began_s > span.began_s else []
    again = [dataclasses.replace(span, began_s=lift.ended_s)] if lift.ended_s is not None and lift.ended_s < end else []
    return [*before, *again]


def _find_kept(history: History, kept: Kept) -> KeptSpans:
    """The boots since; that in which it was tried before it was kept is told of by its transaction."""
    sure, unsure = [], []
    for boot in history.boots:
        span = _find_kept_span(boot, kept)
        if span is None:
            continue
        words = {check.word for check in kept.checks if check.boot_id and _plain(check.boot_id) == _plain(boot.boot_id or "")}
        if words and words <= _GOOD:
            sure.append(span)
        else:
            unsure.append(span)
    return KeptSpans(sure=tuple(sure), unsure=tuple(unsure))


def _find_kept_span(boot: BootRecord, kept: Kept) -> Span | None:
    """None: it was not kept then, or nothing tells when that boot was."""
    name, began = name_boot(boot), parse_moment(boot.began)
    since, until, last = parse_moment(kept.kept_at), parse_moment(kept.released_at), parse_moment(boot.ended)
    if name is None or began is None or since is None or (until is not None and began >= until):
        return None
    if began >= since:
        return Span(boot_id=name, began_s=0.0)
    if kept.transaction is not None or last is None or last <= since:
        return None
    return Span(boot_id=name, began_s=(since - began).total_seconds())
