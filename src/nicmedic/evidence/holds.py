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
from nicmedic.model.blame import ArmFigures, Comparison
from nicmedic.model.history import BootRecord, HangRecord, History

__all__ = ["Held", "Span", "judge_span"]

_ASLEEP = "suspended"
_UNSEEN = "no log"
_ENOUGH = 2
"""Hangs of a boot with which it can be compared with itself; a single one may be of how it began."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A part of one boot in which something was set."""

    boot_id: str
    began_s: float
    """By ``/proc/uptime``, which counts sleep."""
    ended_s: float | None = None
    """None: set until the boot ended, or until now."""


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


def _plain(boot_id: str | None) -> str:
    return (boot_id or "").replace("-", "").lower()


def _find_boot(history: History, boot_id: str) -> BootRecord | None:
    return next((boot for boot in history.boots if boot.boot_id and _plain(boot.boot_id) == _plain(boot_id)), None)


def _without_sleep(boot: BootRecord, uptime_s: float) -> float:
    """The kernel's clock, which stands still during suspend, from one that does not."""
    left = uptime_s
    for gap in boot.gaps:
        if gap.why == _ASLEEP and gap.began_uptime_s is not None and gap.hours is not None and gap.began_uptime_s < left:
            left = max(gap.began_uptime_s, left - gap.hours * 3600)
    return left


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


def _read_before(history: History, card: Card, boot: BootRecord, began_s: float, spans: Sequence[Span]) -> tuple[list[Spell], bool]:
    """Of the same kernel with nothing set: whole boots up to their first hang, then this one; and whether all that counts is of this boot."""
    treated = {_plain(span.boot_id): span for span in sorted(spans, key=lambda span: -span.began_s)}
    spells: list[Spell] = []
    for earlier in history.boots:
        if earlier is boot:
            break
        if earlier.kernel_package is None or earlier.kernel_package != boot.kernel_package:
            continue
        span = treated.get(_plain(earlier.boot_id))
        if span is not None:
            spells += _read_stretch(earlier, card, 0.0, _without_sleep(earlier, span.began_s)).spells[:1]
        elif (watched := watch_boot(earlier, card)) is not None:
            spells.append(Spell(arm=Arm.OTHER, hours=watched.hours, hung=watched.hung))
    own = treated.get(_plain(boot.boot_id))
    until_s = began_s if own is None else min(began_s, _without_sleep(boot, own.began_s))
    here = _read_stretch(boot, card, 0.0, until_s).spells
    alone = not spells or sum(spell.hung for spell in here) >= _ENOUGH
    return list(here) if alone else [*spells, *here], alone


def _notes(stretch: _Stretch, before: Sequence[Spell], after: Sequence[Spell]) -> list[str]:
    notes: list[str] = []
    if stretch.silent:
        notes.append(
            "Earlier in this boot a hang was told that the kernel tells of once a boot (WARN_ONCE), or that may be another card's: the silence of "
            "its log afterwards says nothing, and is not counted."
        )
    if not any(spell.hung for spell in before):
        notes.append("Before it no hang of this card was watched on this kernel, so its quiet afterwards says nothing.")
    if not after and not stretch.silent:
        notes.append("Of the time in which it was set nothing was watched.")
    return notes


def _judge(before: Sequence[Spell], after: Sequence[Spell], *, same_boot: bool) -> Comparison | None:
    """None: there is nothing to judge."""
    return judge_hold(before, after, same_boot=same_boot) if after and any(spell.hung for spell in before) else None


def judge_span(history: History, span: Span, others: Sequence[Span] = (), card: Card = ANY) -> Held:
    """Judge one.

    Args:
        history: of the host.
        span: when it was set.
        others: when something else was set, this card's only.
        card: whose hangs are counted.
    """
    boot = _find_boot(history, span.boot_id)
    if boot is None:
        return Held(notes=("The boot in which it was set is in no log that was read.",))
    began_s = _without_sleep(boot, span.began_s)
    ended_s = _end_s(boot) if span.ended_s is None else min(_end_s(boot), _without_sleep(boot, span.ended_s))
    stretch = _read_stretch(boot, card, began_s, max(began_s, ended_s))
    before, same_boot = _read_before(history, card, boot, began_s, (span, *others))
    after = stretch.spells
    return Held(
        hours=sum(spell.hours for spell in after) if after else None,
        hangs=sum(card.owns(hang) is True and began_s <= _at(hang) < ended_s for hang in boot.hangs),
        before=summarize_arm(before) if before else None,
        after=summarize_arm(after) if after else None,
        hold=_judge(before, after, same_boot=same_boot),
        same_boot=same_boot,
        notes=tuple(_notes(stretch, before, after)),
    )
