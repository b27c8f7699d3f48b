# SPDX-License-Identifier: GPL-2.0-or-later
"""Keep a remedy: which file says it, what would be written, and then the writing of it."""

import dataclasses
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from nicmedic.app.keep.edges import KeepEdges, list_live
from nicmedic.app.keep.recover import recover_kept
from nicmedic.app.keep.writing import write_kept
from nicmedic.model.errors import RefusedError
from nicmedic.model.host import Host
from nicmedic.model.keeping import FileEdit, Kept, KeptState, MadeFor, NoPlace, OnDrift, Placement, Wish
from nicmedic.model.nic import Nic
from nicmedic.model.plan import Identity, Plan
from nicmedic.model.same_card import is_same_card
from nicmedic.persist.back_end import Found, Place
from nicmedic.persist.choosing import choose_places, name_wish
from nicmedic.persist.expiry import find_other_kernel, name_kernel
from nicmedic.persist.marks import list_numbers
from nicmedic.remedy.script.words import quote_word
from nicmedic.remedy.settings import find_differences
from nicmedic.report.escape import escape_terminal

__all__ = ["Request", "Written", "keep", "plan_keeping"]

_OWN_FILE = re.compile(r"nicmedic-(?:kept-)?([1-9]\d{0,8})[.@][^/]*\Z", re.ASCII)
"""Files that are wholly ours have their number in the name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is to be kept, and for which card."""

    host: Host
    nic: Nic
    identity: Identity
    wishes: tuple[Wish, ...]
    survey: Callable[[int], Place]
    """The card and what configures it, for the number that the kept remedy gets."""
    on_drift: OnDrift = OnDrift.ALARM
    transaction: int | None = None
    """In which it was tried; None: it was not."""
    tried: Plan | None = None
    """Its plan; the kernel, and what is set, may be others now."""
    risks: tuple[str, ...] = ()
    """What may go wrong with what was not tried."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What was written, or would be."""

    kept: Kept
    notes: tuple[str, ...]
    """What the operator should know, a sentence each."""


def _name(request: Request) -> str:
    return escape_terminal(request.nic.interface)


def _refuse_double(edges: KeepEdges, request: Request) -> None:
    """One setting of a card stands in one place.

    Raises:
        RefusedError: it is kept already, with this or another value.
    """
    wanted = {setting.name: setting.value for wish in request.wishes for setting in wish.settings}
    for kept in list_live(edges.store):
        if not is_same_card(kept.nic, request.identity):
            continue
        double = [setting for wish in kept.wishes for setting in wish.settings if setting.name in wanted]
        if double:
            told = ", ".join(f"{setting.name} {setting.value}" for setting in double)
            raise RefusedError(f"{_name(request)}: {told} is kept already (number {kept.id})", hint=f"nicmedic release {kept.id}   # first")


def _refuse_left(request: Request, left: Sequence[str], turned_down: Iterable[NoPlace]) -> RefusedError:
    reasons = [f"{one.back_end}: {reason}" for one in turned_down for reason in one.reasons]
    settle = [command for one in turned_down for command in one.settle]
    names = " ".join(f"--remedy {quote_word(name_wish(wish))}" for wish in request.wishes)
    settle.append(
        f"nicmedic prescribe {quote_word(request.nic.interface)} {names}   # a script that sets it, for a start-up file of your own"
    )
    return RefusedError(
        f"{_name(request)}: {', '.join(left)} cannot be kept here: {'; '.join(reasons) or 'nothing on this host takes it'}",
        hint="\n".join(dict.fromkeys(settle)),
    )


class _Reading:
    """Reads files, follows links, and remembers what is to be told of them."""

    def __init__(self, edges: KeepEdges) -> None:
        self._edges = edges
        self.paths: dict[str, str] = {}
        """As they were named, and the files themselves."""
        self.notes: dict[str, tuple[str, ...]] = {}

    def read(self, paths: Sequence[str]) -> Found:
        found: dict[str, bytes | None] = {}
        for path in paths:
            now = self._edges.files.read_file(path)
            self.paths[path], self.notes[path], found[path] = now.path, now.notes, now.data
        return found

    def resolve(self, placement: Placement) -> Placement:
        """The same, with the files themselves where links were named."""
        edits = tuple(dataclasses.replace(edit, path=self.paths[edit.path]) for edit in placement.edits)
        return dataclasses.replace(placement, edits=edits)


def _number_place(place: Place) -> Place:
    """With a number that nothing of ours on this host has: a record may be damaged, or lost, while its lines stand in files."""
    names = (*place.files.texts, *place.files.links, *place.files.present)
    named = [int(found[1]) for name in names if (found := _OWN_FILE.search(name))]
    marked = [number for text in place.files.texts.values() for number in list_numbers(text.encode("utf-8", "surrogateescape"))]
    return dataclasses.replace(place, number=max(place.number, *(number + 1 for number in (*named, *marked)), 1))


def _is_kernel_untold(tried: Plan, host: Host) -> bool:
    """Whether nothing tells with which kernel it was tried: an older nicmedic wrote the package down, and some kernels name none."""
    return tried.kernel_release is None and tried.kernel_package is None and (tried.boot_id is None or tried.boot_id != host.boot_id)


def _find_made_for(request: Request) -> MadeFor:
    """The kernel with which it was tried, if it was: the one that runs now may need it no more. Where that is not known, the one that runs."""
    host, tried = request.host, request.tried
    package, release = host.kernel_package, host.kernel_release
    if tried is not None and tried.kernel_release is not None:
        package, release = tried.kernel_package, tried.kernel_release
    elif tried is not None and tried.kernel_package not in {None, host.kernel_package}:
        package, release = tried.kernel_package, None
    return MadeFor(driver=request.nic.driver, chip=request.identity.chip, kernel_package=package, kernel_release=release)


def _list_not_in_force(request: Request, tried: Plan) -> Iterable[str]:
    """What was tried, and is not set now."""
    host = request.host
    differences = [one for wish in request.wishes for one in find_differences(wish.settings, request.nic, host)]
    if differences:
        yield f"It is not in force now: {', '.join(differences)}."
    kernels = find_other_kernel(_find_made_for(request), host)
    if kernels is not None:
        yield f"It was tried with kernel {kernels[0]}; this is {kernels[1]}, which may not need it."
    if _is_kernel_untold(tried, host):
        running = name_kernel(host.kernel_package, host.kernel_release)
        yield f"With which kernel it was tried is not known, so it is tied to the one that runs now: {running}."


def _find_obstacles(edges: KeepEdges, edits: Iterable[FileEdit]) -> tuple[str, ...]:
    return tuple(obstacle for edit in edits if (obstacle := edges.files.find_obstacle(edit.path)) is not None)


def plan_keeping(edges: KeepEdges, request: Request, number: int) -> Written:
    """What would be written. Nothing is.

    Raises:
        RefusedError: a setting has no place, is kept already, or a file cannot be written.
        UnreadableInputError: a file that matters cannot be read.
    """
    _refuse_double(edges, request)
    reading = _Reading(edges)
    place = _number_place(request.survey(number))
    number = place.number
    chosen = choose_places(edges.back_ends, place, request.wishes, reading.read, edges.files.find_fleeting)
    if chosen.left:
        raise _refuse_left(request, chosen.left, chosen.turned_down)
    placements = tuple(map(reading.resolve, chosen.placements))
    edits = tuple(edit for placement in placements for edit in placement.edits)
    obstacles = _find_obstacles(edges, edits)
    if obstacles:
        hint = "\n".join(
            f"ls -l {quote_word(edit.path)} ; lsattr -d {quote_word(edit.path)} ; findmnt -T {quote_word(edit.path)}" for edit in edits
        )
        raise RefusedError(f"{_name(request)}: {'; '.join(obstacles)}", hint=hint)
    named = [edit.path for placement in chosen.placements for edit in placement.edits]
    kept = Kept(
        id=number,
        nic=request.identity,
        wishes=request.wishes,
        placements=placements,
        made_for=_find_made_for(request),
        on_drift=request.on_drift,
        kept_at=edges.clock.read_now().isoformat(timespec="seconds"),
        state=KeptState.WRITING,
        transaction=request.transaction,
        folders=tuple(dict.fromkeys(folder for edit in edits for folder in edges.files.list_missing_folders(edit.path))),
    )
    passed_over = [f"Not by {one.back_end}: {reason}." for one in chosen.turned_down for reason in one.told]
    of_files = [note for path in named for note in reading.notes[path]]
    return Written(kept=kept, notes=tuple(_list_notes(edges, request, kept, (*passed_over, *of_files))))


def _list_notes(edges: KeepEdges, request: Request, kept: Kept, first: Sequence[str]) -> Iterable[str]:
    yield from first
    for placement in kept.placements:
        yield from placement.notes
    controlled = {
        place for placement in kept.placements for edit in placement.edits if (place := edges.files.find_version_control(edit.path))
    }
    for place in sorted(controlled):
        yield f"{place} is under version control: nothing is committed; that is left to you."
    if request.tried is not None:
        yield from _list_not_in_force(request, request.tried)
    if request.transaction is None:
        names = " ".join(f"--remedy {quote_word(name_wish(wish))}" for wish in request.wishes)
        yield "It was not tried on this host, and is not in force now."
        yield from request.risks
        if any(wish.steps for wish in request.wishes):
            yield f"To try it: nicmedic treat {quote_word(request.nic.interface)} {names}"


def keep(edges: KeepEdges, request: Request, show: Callable[[Written], None]) -> Written:
    """Write it, whole or not at all.

    Args:
        edges: of the machine.
        request: what for which card.
        show: is given what will be written, before that begins.

    Raises:
        RefusedError: as ``plan_keeping``; nothing was begun.
        UnreadableInputError: the same.
        BusyError: somebody else keeps or releases.
        StateError: it cannot be written down; nothing was begun.
        KeepFailedError: it failed, and all is as it was.
        UndoFailedError: and putting back failed as well.
    """
    with edges.store.hold_lock():
        recover_kept(edges, locked=True)
        planned = plan_keeping(edges, request, edges.store.find_next_number())
        show(planned)
        kept, untold = write_kept(edges, planned.kept)
        return dataclasses.replace(planned, kept=kept, notes=(*planned.notes, *untold))
