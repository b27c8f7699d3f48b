# SPDX-License-Identifier: GPL-2.0-or-later
"""What the back ends for ifupdown and ifupdown2 have in common: from the files to a stanza that lines may be put into, and from lines to a placement.

Each of the two knows which lines; this knows what already stands there for the card, and refuses what would contradict it.
"""

import dataclasses
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from nicmedic.model.keeping import FileEdit, NoPlace, Placement, Wish
from nicmedic.persist.back_end import Found, Place
from nicmedic.persist.calls import Call, is_plain_name, plan_calls, render_call
from nicmedic.persist.contradictions import OFF, contradicts_feature, contradicts_words, pair_words
from nicmedic.persist.hook_lines import read_hook
from nicmedic.persist.interfaces import Option, Stanza
from nicmedic.persist.marks import insert_block
from nicmedic.persist.stanza_edit import Chosen, choose_stanza, find_flaw, find_line, find_options, find_strangers, read_exactly, say_place

__all__ = [
    "OWN_EEE",
    "Listed",
    "Ready",
    "Written",
    "find_clash",
    "list_calls",
    "list_claims",
    "name_wish",
    "place_lines",
    "prepare",
    "render_hook",
    "tell_passed_over",
    "why_not_owned",
]

_HOOKS = {"pre-up", "up", "post-up"}
OWN_EEE = {"r8168", "r8125"}
"""Realtek's own drivers: they set EEE anew by a module parameter whenever the card is opened."""


def why_not_owned(place: Place, back_end: str, *managers: str) -> NoPlace | None:
    """Why a manager's files are not the place for this card; None: they are."""
    owner = place.owner
    if owner.manager in managers:
        return None
    if owner.manager is None:
        reason = f"which network manager has {place.nic.interface} cannot be told: {owner.why}"
        return NoPlace(back_end=back_end, reasons=(reason,), settle=(owner.settle,) if owner.settle else ())
    who = "no network manager has it" if owner.manager == "none" else f"{owner.manager} has it"
    return NoPlace(back_end=back_end, reasons=(f"{place.nic.interface}: {who}",))


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """A stanza that may be added to."""

    interface: str
    stanzas: tuple[Stanza, ...]
    chosen: Chosen
    data: bytes
    """Of the file that it stands in."""
    second: bool
    """It is ifupdown2 that reads it."""

    def options(self) -> Iterator[tuple[Stanza, Option]]:
        """Everything that is said of the card by keywords, with where it stands."""
        for stanza in (self.chosen.stanza, *self.chosen.others):
            for option in find_options(stanza):
                of_master = self.chosen.as_port and stanza is self.chosen.stanza
                if option.key not in _HOOKS and (not of_master or option.key == "mtu"):
                    yield stanza, option

    def hooks(self) -> Iterator[tuple[Stanza, Option, bool]]:
        """Lines that run programs, with where they stand; and whether they run after lines of ours at the end of the stanza."""
        for stanza in (self.chosen.stanza, *self.chosen.others):
            yield from ((stanza, option, stanza in self.chosen.later) for option in find_options(stanza) if option.key in _HOOKS)
        for stanza in find_strangers(self.chosen, self.stanzas, self.interface, second=self.second):
            yield from ((stanza, option, True) for option in find_options(stanza) if option.key in _HOOKS)

    def read_hook(self, stanza: Stanza, option: Option) -> Iterator[tuple[str, list[tuple[str, str]]]]:
        """What such a line sets of the card."""
        own = not self.chosen.as_port and stanza in (self.chosen.stanza, *self.chosen.others)
        yield from read_hook(option.value, self.interface, own=own)


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """The lines for some calls."""

    lines: tuple[str, ...] = ()
    settings: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    """Why others are left to the next back end."""
    notes: tuple[str, ...] = ()


def prepare(place: Place, found: Found, back_end: str, *, second: bool) -> Ready | NoPlace:
    """Find the stanza. ``second``: for ifupdown2."""
    interface = place.nic.interface
    if not is_plain_name(interface):
        return NoPlace(back_end=back_end, reasons=(f"{interface!r} has letters that other programs take for something else",))
    stanzas = read_exactly(found)
    chosen = choose_stanza(stanzas, place.target, second=second)
    if isinstance(chosen, tuple):
        return NoPlace(back_end=back_end, reasons=chosen, settle=(f"grep -rn {interface} /etc/network/interfaces*",))
    path = chosen.stanza.path
    data = found.get(path) or b""
    flaw = find_flaw(path, data, place.number, stanzas, second=second)
    if flaw is not None:
        return NoPlace(back_end=back_end, reasons=(flaw,))
    return Ready(interface=interface, stanzas=stanzas, chosen=chosen, data=data, second=second)


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """What programs can do for a wish on this card."""

    calls: tuple[Call, ...]
    left: tuple[str, ...]
    """Why some of it is not for them, a reason each."""


def list_calls(place: Place, wish: Wish) -> Listed:
    """The calls that may stand in the files of a network manager."""
    planned = plan_calls(wish)
    left = [f"{name}: no program that sets it belongs into these files" for name in planned.left]
    calls = []
    for call in planned.calls:
        if call.family == "eee" and place.nic.driver in OWN_EEE:
            left.append(f"eee.enabled: the driver {place.nic.driver} sets it anew by its own parameter")
        else:
            calls.append(call)
    return Listed(calls=tuple(calls), left=tuple(left))


def tell_passed_over(place: Place, wish: Wish, refused: NoPlace) -> NoPlace:
    """The manager's own file cannot be added to: told also where another place is found, if some of the wish could have stood in it."""
    return dataclasses.replace(refused, told=refused.reasons) if list_calls(place, wish).calls else refused


def find_clash(ready: Ready, call: Call, keys: Mapping[str, tuple[str, ...]], offloads: tuple[str, str] | None) -> str | None:
    """A line of somebody's that speaks of the same thing; None: there is none.

    Args:
        ready: the stanza.
        call: what we want.
        keys: for a family, its keywords, or what they begin with.
        offloads: what a keyword for a single offload begins and ends with; None: no such keyword is read.
    """
    begin, end = offloads or ("", "")
    for stanza, option in ready.options():
        key = option.key.replace("_", "-").lower()
        clashes = any(key == each or (each.endswith("-") and key.startswith(each)) for each in keys.get(call.family, ()))
        if offloads and call.family == "features" and key.startswith(begin) and key.endswith(end) and key != begin + end:
            name = key[len(begin) : len(key) - len(end)]
            clashes = option.value.strip().lower() not in OFF or name in call.words[::2]
        if clashes:
            return f"{', '.join(call.settings)}: {say_place(stanza, option.line)} says {option.key} {option.value} already"
    return None


def list_claims(
    ready: Ready,
    calls: Iterable[Call],
    keys: Mapping[str, tuple[str, ...]],
    offloads: tuple[str, str] | None,
    is_early: Callable[[Call], bool],
) -> Mapping[str, str]:
    """``BackEnd.find_claims``: settings of these calls, and lines of somebody's that say something else of the very same.

    Args:
        ready: the stanza.
        calls: what we want.
        keys: as for ``find_clash``.
        offloads: the same.
        is_early: what we say for a call is carried out before the programs of its stanza.
    """
    claims: dict[str, str] = {}
    for call in calls:
        for stanza, option in _list_contradicting(ready, call, keys, offloads, early=is_early(call)):
            said = f"{', '.join(call.settings)}: {say_place(stanza, option.line)} says {option.key} {option.value}"
            claims.update(dict.fromkeys(call.settings, said))
    return claims


def _list_contradicting(
    ready: Ready, call: Call, keys: Mapping[str, tuple[str, ...]], offloads: tuple[str, str] | None, *, early: bool
) -> Iterator[tuple[Stanza, Option]]:
    for stanza, option in ready.options():
        if _contradicts(option.key.replace("_", "-").lower(), option.value.strip().lower(), call, keys, offloads):
            yield stanza, option
    for stanza, option, later in ready.hooks():
        counts = later or (early and option.key != "pre-up")
        if counts and any(contradicts_words(family, said, call) for family, said in ready.read_hook(stanza, option)):
            yield stanza, option


def _contradicts(key: str, value: str, call: Call, keys: Mapping[str, tuple[str, ...]], offloads: tuple[str, str] | None) -> bool:
    wished = {} if call.family == "link" else dict(pair_words(call))
    for each in keys.get(call.family, ()):
        if key == each and value != wished.get(key):
            return True
        if each.endswith("-") and key.startswith(each) and wished.get(key.removeprefix(each)) not in {None, value}:
            return True
    if offloads is None or call.family != "features" or not (key.startswith(offloads[0]) and key.endswith(offloads[1])):
        return False
    return contradicts_feature(key.removeprefix(offloads[0]).removesuffix(offloads[1]), value, call)


def render_hook(ready: Ready, call: Call, keyword: str) -> str:
    """A line that runs a program for the card and cannot make ifup fail."""
    if ready.chosen.own:
        return f"{keyword} {render_call(call, None)} || true"
    if ready.chosen.as_port:
        return f"{keyword} {render_call(call, ready.interface)} || true"
    return f'{keyword} [ "$IFACE" != {ready.interface} ] || {render_call(call, None)} || true'


def _list_notes(ready: Ready, settings: Collection[str]) -> Iterator[str]:
    yield from ready.chosen.notes
    for stanza, option, _ in ready.hooks():
        sets_mtu = "mtu" in settings and any(family == "mtu" for family, _ in ready.read_hook(stanza, option))
        is_own = stanza in (ready.chosen.stanza, *ready.chosen.others)
        if sets_mtu or (is_own and "ethtool" in option.value):
            what = "sets the MTU" if sets_mtu else "runs ethtool"
            yield f"{say_place(stanza, option.line)} {what} too, and stays as it is: {option.key} {option.value}"


def name_wish(wish: Wish) -> str:
    """What the first of our comments says."""
    return wish.title or (f"{wish.remedy}:{wish.argument}" if wish.argument else str(wish.remedy))


def place_lines(
    place: Place, wish: Wish, back_end: str, ready: Ready, left: tuple[str, ...], written: Written, *, takes_hold: str
) -> Placement | NoPlace:
    """The stanza with the lines in it. ``left``: what was never for these files, told where nothing else is."""
    if not written.settings:
        return NoPlace(back_end=back_end, reasons=(*left, *written.reasons), told=written.reasons)
    after, indent = find_line(ready.data, ready.chosen.stanza)
    edited = insert_block(ready.data, after, [indent + line for line in written.lines], place.number, name_wish(wish), indent)
    return Placement(
        back_end=back_end,
        settings=written.settings,
        edits=(FileEdit(path=ready.chosen.stanza.path, before=ready.data, after=edited),),
        takes_hold=takes_hold,
        notes=(*_list_notes(ready, written.settings), *written.notes, *(f"Not here: {reason}." for reason in written.reasons)),
    )
