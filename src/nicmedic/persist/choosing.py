# SPDX-License-Identifier: GPL-2.0-or-later
"""Which back end takes which setting: every one is asked, in the order of its table, for what has no place yet.

All wishes of one kept remedy are put together into one before a back end is asked: so it writes one block a file, and not several with one number.
"""

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from nicmedic.model.keeping import NoPlace, Placement, Wish
from nicmedic.model.plan import Setting
from nicmedic.persist.back_end import BackEnd, Found, Place
from nicmedic.persist.made_files import tell_made_anew

__all__ = ["Chosen", "choose_places", "join_wishes", "name_wish"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """Where everything went."""

    placements: tuple[Placement, ...]
    left: tuple[str, ...]
    """Names of settings that nobody takes: nothing is kept then."""
    turned_down: tuple[NoPlace, ...]
    """Why the others did not take them, in the order in which they were asked."""


def name_wish(wish: Wish) -> str:
    """As ``--remedy`` takes it: ``offload-off:tso``."""
    return f"{wish.remedy}:{wish.argument}" if wish.argument else str(wish.remedy)


def join_wishes(wishes: Sequence[Wish], left: Sequence[str]) -> Wish:
    """What is left of all wishes, as one: the settings without a place, and the steps of each remedy that has such.

    A setting of which two speak is as the later one wants it, which came after the earlier one when they were tried.
    """
    wanted: dict[str, Setting] = {setting.name: setting for wish in wishes for setting in wish.settings}
    open_wishes = [wish for wish in wishes if any(setting.name in left for setting in wish.settings)]
    first = open_wishes[0]
    return dataclasses.replace(
        first,
        argument=first.argument if len(open_wishes) == 1 else "",
        title=", ".join(map(name_wish, open_wishes)),
        settings=tuple(setting for name, setting in wanted.items() if name in left),
        steps=tuple(step for wish in open_wishes for step in wish.steps),
        before=tuple(setting for wish in open_wishes for setting in wish.before),
        lift=tuple(step for wish in reversed(open_wishes) for step in wish.lift),
    )


def _find_flaw(placement: Placement, wish: Wish, found: Found, taken: Mapping[str, str]) -> str | None:
    """Why what a back end gave back cannot be used; its name stands in front when that is told."""
    asked = {setting.name for setting in wish.settings}
    if not placement.settings or not set(placement.settings) <= asked:
        return f"it answered for {', '.join(placement.settings) or 'nothing'}, which it was not asked for"
    for edit in placement.edits:
        if edit.path in taken:
            return f"{edit.path} is written for another setting of this remedy already"
        if edit.path not in found or found[edit.path] != edit.before:
            return f"{edit.path} is not as it was read"
    return None


def choose_places(
    back_ends: Sequence[BackEnd],
    place: Place,
    wishes: Sequence[Wish],
    read_files: Callable[[Sequence[str]], Found],
    find_fleeting: Callable[[str], str | None],
) -> Chosen:
    """A place for each setting, as far as there is one.

    Args:
        back_ends: in order of preference.
        place: the card, and what configures it.
        wishes: what is to be kept.
        read_files: the bytes of files that a back end wants to see.
        find_fleeting: why a file does not outlive a boot; nothing is kept there.
    """

    def ask(back_end: BackEnd, taken: Mapping[str, str]) -> Placement | NoPlace:
        answer = _ask(back_end, place, join_wishes(wishes, left), read_files, taken)
        lost = tuple(_list_lost(answer, find_fleeting)) if isinstance(answer, Placement) else ()
        return NoPlace(back_end=back_end.name, reasons=lost, told=lost) if lost else answer

    left = list(dict.fromkeys(setting.name for wish in wishes for setting in wish.settings))
    claimed = _find_claims(back_ends, place, join_wishes(wishes, left), read_files)
    if claimed:
        return Chosen(placements=(), left=tuple(name for names, _ in claimed for name in names), turned_down=tuple(no for _, no in claimed))
    placements: list[Placement] = []
    turned_down: dict[str, NoPlace] = {}
    taken: dict[str, str] = {}
    for back_end in back_ends:
        if not left:
            break
        answer = ask(back_end, taken)
        if isinstance(answer, NoPlace):
            turned_down[back_end.name] = answer
            continue
        placements.append(answer)
        taken.update((edit.path, answer.back_end) for edit in answer.edits)
        left = [name for name in left if name not in answer.settings]
    if left:  # those that took something say why not the rest
        for back_end in back_ends:
            answer = turned_down.get(back_end.name) or ask(back_end, {})
            if isinstance(answer, NoPlace):
                turned_down[back_end.name] = answer
    reasons = tuple(turned_down[back_end.name] for back_end in back_ends if back_end.name in turned_down)
    return Chosen(placements=tuple(placements), left=tuple(left), turned_down=reasons)


def _find_claims(
    back_ends: Sequence[BackEnd], place: Place, wish: Wish, read_files: Callable[[Sequence[str]], Found]
) -> list[tuple[tuple[str, ...], NoPlace]]:
    """Settings that the card's manager itself sets by somebody's lines, and these lines."""
    claimed = []
    for back_end in back_ends:
        claims = back_end.find_claims(place, wish, read_files(back_end.list_files(place, wish)))
        reasons = tuple(
            f"{said}, and sets it whenever the card is brought up; take that out, or change it there" for said in claims.values()
        )
        claimed += [(tuple(claims), NoPlace(back_end=back_end.name, reasons=tuple(dict.fromkeys(reasons))))] if claims else []
    return claimed


def _list_lost(placement: Placement, find_fleeting: Callable[[str], str | None]) -> Iterator[str]:
    """Why what would be written does not stay."""
    for edit in placement.edits:
        reason = find_fleeting(edit.path) or tell_made_anew(edit.path, edit.before or b"")
        if reason is not None:
            yield reason


def _ask(
    back_end: BackEnd, place: Place, wish: Wish, read_files: Callable[[Sequence[str]], Found], taken: Mapping[str, str]
) -> Placement | NoPlace:
    found = read_files(back_end.list_files(place, wish))
    answer = back_end.place(place, wish, found)
    flaw = _find_flaw(answer, wish, found, taken) if isinstance(answer, Placement) else None
    return answer if flaw is None else NoPlace(back_end=back_end.name, reasons=(flaw,))
