# SPDX-License-Identifier: GPL-2.0-or-later
"""Release a kept remedy: its files are what they were, to the byte; edited since, they lose our lines and nothing else."""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import NoReturn

from nicmedic.app.keep.edges import KeepEdges, find_kept, read_bytes, refresh, remove_folders, write_edits
from nicmedic.app.keep.writing import drop_check, list_left
from nicmedic.app.treat import quietly
from nicmedic.model.errors import KeepFailedError, NicmedicError, RefusedError, StateError, UndoFailedError
from nicmedic.model.keeping import FileEdit, Kept, KeptState
from nicmedic.persist.taking_out import TakenOut, take_out
from nicmedic.remedy.script.words import quote_word
from nicmedic.report.escape import escape_terminal

__all__ = ["Released", "finish_release", "plan_release", "release"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Released:
    """What was written, or would be, and how the remedy stands."""

    kept: Kept
    edits: tuple[FileEdit, ...]
    notes: tuple[str, ...] = ()
    """What the operator should know, a sentence each."""


def _plan(edges: KeepEdges, kept: Kept) -> TakenOut:
    """Raises ``RefusedError`` where a person must see to a file."""
    plan = take_out(kept, edges.back_ends, lambda path: read_bytes(edges, path), edges.survey)
    name = escape_terminal(kept.nic.interface)
    if plan.refused:
        reasons = "; ".join(reason for refused in plan.refused for reason in refused.reasons)
        settle = [command for refused in plan.refused for command in refused.settle]
        commands = settle or [f"nicmedic release {kept.id}   # when you have taken these lines out"]
        raise RefusedError(f"{name}: {reasons}", hint="\n".join(commands))
    obstacles = [obstacle for edit in plan.edits if (obstacle := edges.files.find_obstacle(edit.path)) is not None]
    if obstacles:
        raise RefusedError(f"{name}: {'; '.join(obstacles)}", hint=f"findmnt -T {quote_word(plan.edits[0].path)}")
    return plan


def plan_release(edges: KeepEdges, number: int) -> Released:
    """What would be written. Nothing is.

    Raises:
        NoSuchKeptError: there is none of that number.
        RefusedError: our lines were edited since, or a file cannot be written.
        UnreadableInputError: a file cannot be read.
    """
    kept = find_kept(edges.store, number)
    plan = _plan(edges, kept)
    return Released(kept=kept, edits=plan.edits, notes=plan.notes)


def _refuse_trial(edges: KeepEdges, number: int, own: int | None) -> None:
    """While it is lifted for a trial, that trial decides whether it is released.

    Raises:
        RefusedError: another one is at it.
    """
    trial = edges.find_trial(number)
    if trial is not None and trial != own:
        told = f"{number} is lifted for a trial this moment (transaction {trial}), which ends with releasing it or setting it again"
        raise RefusedError(told, hint=f"nicmedic undo {trial}   # ends the trial; then nicmedic release {number}")


def release(
    edges: KeepEdges, number: int, show: Callable[[Released], None], *, trial: int | None = None, accept_stale: bool = False
) -> Released:
    """Put its files back, whole or not at all.

    Args:
        edges: of the machine.
        number: of the kept remedy.
        show: is given what will be written, before that begins.
        trial: the transaction of ours that lifts it.
        accept_stale: it is released though a program fails that makes what the boot loader starts; a note says so.

    Raises:
        NoSuchKeptError: there is none of that number.
        RefusedError: as ``plan_release``, or it is being tried; nothing was begun.
        BusyError: somebody else keeps or releases.
        StateError: it cannot be written down; nothing was begun.
        KeepFailedError: it failed, and it is kept as before.
        UndoFailedError: and keeping it as before failed as well.
    """
    with edges.store.hold_lock():
        _refuse_trial(edges, number, trial)
        planned = plan_release(edges, number)
        show(planned)
        begun = edges.store.save_kept(dataclasses.replace(planned.kept, state=KeptState.RELEASING))
        try:
            write_edits(edges, planned.edits)
            untold = refresh(edges, begun, taking_back=True, accept_stale=accept_stale)
        except KeyboardInterrupt as error:
            _fail(edges, planned, "it was interrupted", error)
        except (OSError, NicmedicError) as error:
            why = error.message if isinstance(error, NicmedicError) else error.strerror or str(error)
            _fail(edges, planned, why, error)
        released, trouble = _end(edges, begun)
        return dataclasses.replace(planned, kept=released, notes=(*planned.notes, *untold, *([trouble] if trouble else [])))


def _end(edges: KeepEdges, kept: Kept) -> tuple[Kept, str | None]:
    """Its files are back: what is left is ours. What keeps that from going is told, and it stays ``releasing`` then."""
    failed = quietly(lambda: remove_folders(edges, kept)) or drop_check(edges, kept)
    if failed is not None:
        return kept, f"empty folders, or the unit that looks after each boot, cannot be removed: {failed}; nicmedic kept tries it again"
    now = edges.clock.read_now().isoformat(timespec="seconds")
    return edges.store.save_kept(dataclasses.replace(kept, state=KeptState.RELEASED, released_at=now)), None


def _fail(edges: KeepEdges, planned: Released, why: str, cause: BaseException) -> NoReturn:
    """What was put back is written again: it stays kept. What was half-done before we came stays half-done: there is no whole to go back to."""
    kept, name = planned.kept, escape_terminal(planned.kept.nic.interface)
    if kept.state is not KeptState.KEPT:
        half = "kept" if kept.state is KeptState.WRITING else "released"
        raise UndoFailedError(f"{name}: {kept.id} is half {half} still: {why}", hint=list_left(kept)) from cause
    again = [FileEdit(path=edit.path, before=edit.after, after=edit.before, mode=edit.mode) for edit in reversed(planned.edits)]

    def keep_on() -> None:
        write_edits(edges, again)
        refresh(edges, kept, taking_back=True)
        edges.store.save_kept(dataclasses.replace(kept, state=KeptState.KEPT))

    try:
        trouble = quietly(keep_on)
    except KeyboardInterrupt:
        trouble = "it was interrupted"
    if trouble is None:
        raise KeepFailedError(f"{name}: {kept.id} is kept as before: {why}", hint=getattr(cause, "hint", "")) from cause
    told = "the same came of the way back" if trouble == why else trouble
    raise UndoFailedError(f"{name}: {why}; {kept.id} is half released: {told}", hint=list_left(kept)) from cause


def finish_release(edges: KeepEdges, kept: Kept) -> Kept:
    """Of one that a crash has interrupted; may be repeated. The lock is held.

    Raises:
        RefusedError: its lines were edited meanwhile.
        StateError: a file cannot be written, or a program failed.
    """
    plan = _plan(edges, kept)
    write_edits(edges, plan.edits)
    refresh(edges, kept, taking_back=True)
    released, trouble = _end(edges, kept)
    if trouble is not None:
        raise StateError(trouble, hint="systemctl status nicmedic-verify.service")
    return released
