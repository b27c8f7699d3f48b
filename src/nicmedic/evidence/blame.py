# SPDX-License-Identifier: GPL-2.0-or-later
"""A history, and perhaps those of twins, to the answer; changelogs are added by ``app/blame.py``, which knows where they are."""

import math
from collections.abc import Iterator, Sequence
from typing import Final

from nicmedic.evidence.compare import compare_arms
from nicmedic.evidence.confounders import find_confounders, find_unknown_factors
from nicmedic.evidence.kernels import choose_change, count_kernels, list_changes, list_packages, watch_all
from nicmedic.evidence.planning import plan_next
from nicmedic.evidence.spells import Card, Watched, find_card, find_first_hang, is_only_incident, to_spells
from nicmedic.evidence.treated import Span, list_treated
from nicmedic.evidence.twins import ask_twin, check_twin
from nicmedic.model.blame import Blame, Comparison, KernelFigures, Verdict
from nicmedic.model.errors import UsageError
from nicmedic.model.history import BootRecord, History

__all__ = ["build_blame"]

_WARN_ONCE: Final = "these kernels print the watchdog's line once a boot only"
"""What the history notes of it; here it is said with what it means for the figures."""


def _check_named(history: History, package: str | None, option: str) -> None:
    known = list_packages(history)
    if package is not None and package not in known:
        shown = "\n".join(f"nicmedic blame {option} {name}" for name in known)
        raise UsageError(f"{option} {package}: no boot of this history ran it", hint=shown or "nicmedic history")


def _choose(history: History, watched: Sequence[Watched], before: str | None, after: str | None) -> tuple[str, str, Comparison] | None:
    if before is None or after is None:
        return choose_change(history, watched)
    changes, packages = list_changes(history), len(list_packages(history))
    neighbours = (before, after) in changes or (after, before) in changes
    looks = len(changes) if neighbours else math.comb(packages, 2)
    return before, after, compare_arms(to_spells(watched, before, after), looks)


def _collect_drivers(history: History, card: Card) -> tuple[str, ...]:
    hangs = (hang for boot in history.boots for hang in boot.hangs if card.owns(hang))
    return tuple(dict.fromkeys(hang.driver for hang in hangs if hang.driver))


def _note_interface(history: History, card: Card) -> Iterator[str]:
    hangs = [hang for boot in history.boots for hang in boot.hangs]
    hung, interface = {hang.interface or "(no name)" for hang in hangs}, card.interface
    if interface is not None and hung and interface not in hung:
        yield f"No hang of {interface} is told. Cards that hung: {', '.join(sorted(hung))}."
    if interface is None and len(hung) > 1:
        yield f"Hangs of {', '.join(sorted(hung))} are counted together; name one to see it alone."
    doubtful = sum(card.owns(hang) is None for hang in hangs)
    if doubtful:
        yield (
            f"{doubtful} hang{' names' if doubtful == 1 else 's name'} no card, and nothing tells whether they are of {interface}: they are not "
            "counted, and what came after them in their boots counts as not watched."
        )
    if interface is not None and len(hung - {"(no name)"}) > 1:
        yield (
            f"{len(hung - {'(no name)'})} cards hung here. If {interface} was chosen because it looks worst, its p-value is to be multiplied by that."
        )


def _note_unbacked(history: History, watched: Sequence[Watched], treated: Sequence[BootRecord], card: Card) -> Iterator[str]:
    """Boots of which a hang is known, and would not be known if they had not hung; then those of which nothing is."""
    counted = {id(boot) for boot in (*(one.boot for one in watched), *treated)}
    lost = [boot for boot in history.boots if id(boot) not in counted]
    hangs = [hang for boot in lost if (hang := find_first_hang(boot, card)) is not None]
    incidents = sum(map(is_only_incident, hangs))
    if incidents:
        yield (
            f"{incidents} hang{' is' if incidents == 1 else 's are'} known only from incidents; not compared: no log covers their boots, so boots "
            "without a hang would not be known."
        )
    if len(hangs) > incidents:
        number = len(hangs) - incidents
        yield f"{number} hang{' is' if number == 1 else 's are'} not compared: no log covers what was before in the same boot."
    if len(lost) > len(hangs):
        verb = "is" if len(lost) - len(hangs) == 1 else "are"
        yield f"{len(lost) - len(hangs)} of {len(history.boots)} boots {verb} covered by no log: they count neither for a kernel nor against it."


def _note_watch(history: History, watched: Sequence[Watched], treated: Sequence[BootRecord], card: Card) -> Iterator[str]:
    """What is known of the boots themselves."""
    if treated:
        which = "1 boot counts" if len(treated) == 1 else f"{len(treated)} boots count"
        yield f"{which} only until nicmedic set something against the hangs: what came after tells nothing of a kernel alone."
    yield from _note_unbacked(history, watched, treated, card)
    unknown = sum(one.boot.kernel_package is None for one in watched)
    if unknown:
        which = "1 watched boot" if unknown == 1 else f"{unknown} watched boots"
        yield f"Of {which} nothing tells the kernel package: {'it is' if unknown == 1 else 'they are'} not compared."
    if any(hang.warn_once for boot in history.boots for hang in boot.hangs):
        yield (
            "A kernel here warns of its watchdog once a boot (WARN_ONCE), so later hangs of a boot may be missing. Only the first hang of each boot "
            "is counted, on both sides, which makes them comparable."
        )
    if any(one.silenced for one in watched):
        yield "In some boots that one warning went to another card: what came after counts as not watched."
    guessed = sum(one.time_guessed for one in watched)
    if guessed:
        which = "1 hang" if guessed == 1 else f"{guessed} hangs"
        yield f"Of {which} it is not known how long after the boot it came; the end of the boot is taken for it."
    suspends = sum(boot.suspends or 0 for boot in history.boots)
    if suspends:
        yield f"The host was suspended {'once' if suspends == 1 else f'{suspends} times'}; hours asleep do not count."


def _note_comparison(history: History, compared: Comparison | None, *, named: bool) -> Iterator[str]:
    if compared is None:
        return
    if compared.looks > 1:
        chosen, count = "could have been chosen" if named else "was chosen", compared.looks
        of = f"{count} changes of kernel" if count == len(list_changes(history)) else f"{count} pairs of kernels"
        yield f"The history has {of}, and this one {chosen} after the fact: the p-value is multiplied by {count}."
    if compared.carried:
        boots = "1 boot" if compared.carried == 1 else f"{compared.carried} boots"
        count_for = "counts" if compared.carried == 1 else "count"
        yield f"{boots} hung within an outage that had begun before the change: {'it' if compared.carried == 1 else 'they'} {count_for} for nothing."


def _note_sources(history: History) -> Iterator[str]:
    for source in history.sources:
        if source.trouble is not None:
            yield f"{source.name}: {source.trouble}"


def _find(kernels: Sequence[KernelFigures], package: str | None) -> KernelFigures | None:
    return next((kernel for kernel in kernels if package is not None and kernel.package == package), None)


def build_blame(
    history: History,
    *,
    interface: str | None = None,
    before: str | None = None,
    after: str | None = None,
    twins: Sequence[History] = (),
    treated: Sequence[Span] = (),
) -> Blame:
    """Everything that can be told.

    Args:
        history: of the host that hangs.
        interface: the card; None: all of them together.
        before: the package to compare with; both or none.
        after: the package that is suspected.
        twins: histories of other hosts.
        treated: when something was set against the hangs of this card; a boot counts up to then.

    Raises:
        UsageError: a package that was named ran in no boot, or a twin is this host.
    """
    _check_named(history, before, "--before")
    _check_named(history, after, "--after")
    for twin in twins:
        check_twin(twin, history)
    card = find_card(history, interface)
    watched, cut = watch_all(history, card, treated), list_treated(history, card, treated)
    kernels = count_kernels(history, watched, cut)
    chosen = _choose(history, watched, before, after)
    control, suspect, compared = chosen if chosen is not None else (None, None, None)
    old, new = _find(kernels, control), _find(kernels, suspect)
    drivers = _collect_drivers(history, card)
    spells = to_spells(watched, control, suspect) if control is not None and suspect is not None else []
    verdict, looks = (compared.verdict, compared.looks) if compared is not None else (Verdict.NOT_SHOWN, 1)
    both = control is not None and suspect is not None
    return Blame(
        host=history.host,
        interface=interface,
        drivers=drivers,
        kernels=kernels,
        before=control,
        after=suspect,
        comparison=compared,
        confounders=find_confounders(history, control or "", suspect or "") if both else (),
        unknown_factors=find_unknown_factors(history, control or "", suspect or "") if both else (),
        twins=tuple(ask_twin(twin, history, (control, suspect), spells, drivers) for twin in twins) if control and suspect else (),
        next_steps=plan_next(spells, old, new, verdict, looks, interface),
        notes=(
            *_note_interface(history, card),
            *_note_watch(history, watched, cut, card),
            *_note_comparison(history, compared, named=before is not None),
            *_note_sources(history),
            *(note for note in history.notes if not note.startswith(_WARN_ONCE)),
        ),
    )
