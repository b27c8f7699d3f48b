# SPDX-License-Identifier: GPL-2.0-or-later
"""Whether a remedy held: what was watched while it was set, against what was watched of the same kernel before, without anything set.

Where the boot itself had hung several times before, it is compared with itself: nothing but the remedy was changed. Else boots are compared.
Not for what was done to bring traffic back: that is over when it is done.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from nicmedic.evidence.compare import judge_hold, summarize_arm
from nicmedic.evidence.spells import ANY, Card, is_only_incident, watch_boot
from nicmedic.evidence.statistics.spell import Arm, Spell
from nicmedic.evidence.treated import Span, find_treated_s, is_of, take_off_sleep
from nicmedic.model.blame import ArmFigures, Comparison
from nicmedic.model.history import BootRecord, HangRecord, History

__all__ = ["Held", "judge_spans"]

_UNSEEN = "no log"
_ENOUGH = 2
"""Hangs of a boot with which it can be compared with itself; a single one may be of how it began."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What is known of it."""

    hours: float | None = None
    """Watched while it was set; None: not known."""
    hangs: int = 0
    """Of this card while it was set, watched or not."""
    before: ArmFigures | None = None
    after: ArmFigures | None = None
    hold: Comparison | None = None
    same_boot: bool = True
    """All that is compared is of one boot; else boots are, and only further ones make it surer."""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stretch:
    """What a part of a boot tells."""

    spells: tuple[Spell, ...]
    silent: bool = False
    """From some moment on nothing would tell of a hang any more."""


def _end_s(boot: BootRecord) -> float:
    return (boot.covered_h if boot.ran_h is None else boot.ran_h) * 3600


def _watched_h(boot: BootRecord, began_s: float, ended_s: float) -> float:
    """Hours of a part that a log covers; what is uncovered and nobody knows where is taken off."""
    placed = unseen = 0.0
    for gap in boot.gaps:
        if gap.why != _UNSEEN or gap.hours is None or gap.began_uptime_s is None:
            continue
        placed += gap.hours
        first, last = max(began_s, gap.began_uptime_s), min(ended_s, gap.began_uptime_s + gap.hours * 3600)
        unseen += max(0.0, last - first) / 3600
    nowhere = 0.0 if boot.ran_h is None else max(0.0, boot.ran_h - boot.covered_h - placed)
    return min(boot.covered_h, max(0.0, (ended_s - began_s) / 3600 - unseen - nowhere))


def _at(hang: HangRecord) -> float:
    return -1.0 if hang.uptime_s is None else hang.uptime_s


def _read_stretch(boot: BootRecord, card: Card, began_s: float, ended_s: float) -> _Stretch:
    """Spells of a part of a boot, each up to a hang of the card, the last up to the end.

    After a warning that this kernel gives once a boot (WARN_ONCE), or a hang that may be this card's, quiet in the log is no news.
    """
    spells: list[Spell] = []
    from_s, silent = began_s, False
    for hang in sorted(boot.hangs, key=_at):
        own, at_s = card.owns(hang), _at(hang)
        if at_s >= ended_s:
            break
        if own and at_s >= began_s and not (is_only_incident(hang) and boot.covered_h <= 0):
            spells.append(Spell(arm=Arm.OTHER, hours=_watched_h(boot, from_s, at_s), hung=True))
            from_s = at_s
        silent = silent or hang.warn_once or own is None or (own is True and hang.uptime_s is None)
    hours = 0.0 if silent else _watched_h(boot, from_s, ended_s)
    if hours > 0:
        spells.append(Spell(arm=Arm.OTHER, hours=hours, hung=False))
    return _Stretch(spells=tuple(spells), silent=silent)


def _read_before(history: History, card: Card, boot: BootRecord, spans: Sequence[Span]) -> tuple[list[Spell], list[Spell]]:
    """Of the same kernel with nothing set: whole boots up to their first hang; then what lies before and between the hangs of this one."""
    spells: list[Spell] = []
    for earlier in history.boots:
        if earlier is boot:
            break
        if earlier.kernel_package is None or earlier.kernel_package != boot.kernel_package:
            continue
        treated_s = find_treated_s(earlier, spans)
        if treated_s is not None:
            spells += _read_stretch(earlier, card, 0.0, treated_s).spells[:1]
        elif (watched := watch_boot(earlier, card)) is not None:
            spells.append(Spell(arm=Arm.OTHER, hours=watched.hours, hung=watched.hung))
    return spells, list(_read_stretch(boot, card, 0.0, find_treated_s(boot, spans) or 0.0).spells)


def _notes(stretches: Sequence[_Stretch], before: Sequence[Spell], after: Sequence[Spell]) -> list[str]:
    notes: list[str] = []
    silent = any(one.silent for one in stretches)
    if silent:
        notes.append(
            "Earlier in this boot a hang was told that the kernel tells of once a boot (WARN_ONCE), or that may be another card's: the silence of "
            "its log afterwards says nothing, and is not counted."
        )
    if not any(spell.hung for spell in before):
        notes.append("Before it no hang of this card was watched on this kernel, so its quiet afterwards says nothing.")
    if not after and not silent:
        notes.append("Of the time in which it was set nothing was watched.")
    return notes


def _judge(before: Sequence[Spell], after: Sequence[Spell], *, same_boot: bool) -> Comparison | None:
    """None: there is nothing to judge."""
    return judge_hold(before, after, same_boot=same_boot) if after and any(spell.hung for spell in before) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """A span with its boot, on the kernel's clock."""

    boot: BootRecord
    began_s: float
    ended_s: float


def _find_parts(history: History, spans: Sequence[Span]) -> list[_Part]:
    parts = []
    for boot in history.boots:
        for span in spans:
            if is_of(span, boot):
                began_s = take_off_sleep(boot, span.began_s)
                ended_s = _end_s(boot) if span.ended_s is None else min(_end_s(boot), take_off_sleep(boot, span.ended_s))
                parts.append(_Part(boot=boot, began_s=began_s, ended_s=max(began_s, ended_s)))
    return parts


def _count_hangs(parts: Sequence[_Part], card: Card) -> int:
    return sum(card.owns(hang) is True and part.began_s <= _at(hang) < part.ended_s for part in parts for hang in part.boot.hangs)


def judge_spans(history: History, spans: Sequence[Span], others: Sequence[Span] = (), card: Card = ANY) -> Held:
    """Judge one remedy.

    Args:
        history: of the host.
        spans: when it was set: parts of one boot, or of several where it was kept; these count up to their first hang each.
        others: when something else was set, this card's only.
        card: whose hangs are counted.
    """
    parts = _find_parts(history, spans)
    if not parts:
        return Held(notes=("The boot in which it was set is in no log that was read.",))
    boot = parts[0].boot
    same = [part for part in parts if part.boot is boot or (boot.kernel_package and part.boot.kernel_package == boot.kernel_package)]
    stretches = [_read_stretch(part.boot, card, part.began_s, part.ended_s) for part in same]
    earlier, here = _read_before(history, card, boot, (*spans, *others))
    many = any(part.boot is not boot for part in same)
    same_boot = not many and (not earlier or sum(spell.hung for spell in here) >= _ENOUGH)
    before = here if same_boot else [*earlier, *(here[:1] if many else here)]
    after = [spell for one in stretches for spell in (one.spells[:1] if many else one.spells)]
    notes = _notes(stretches, before, after)
    if len(same) < len(parts):
        notes.append(f"Boots of other kernels than {boot.kernel_package or 'that of its first boot'} are left out.")
    return Held(
        hours=sum(spell.hours for spell in after) if after else None,
        hangs=_count_hangs(parts, card),
        before=summarize_arm(before) if before else None,
        after=summarize_arm(after) if after else None,
        hold=_judge(before, after, same_boot=same_boot),
        same_boot=same_boot,
        notes=tuple(notes),
    )
