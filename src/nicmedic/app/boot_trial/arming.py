# SPDX-License-Identifier: GPL-2.0-or-later
"""Have the next boot be of the kernel on trial, and take that back.

Services → default entry → ``armed`` on disk → the boot loader's word → ``asked`` on disk → reboot. Wherever that is cut, the host ends on the old
kernel, and the record tells how far it came.
"""

from collections.abc import Callable
from typing import Final, NoReturn

from nicmedic.app.boot_trial.edges import TrialEdges, end_leg, save, say_now
from nicmedic.app.treat import quietly
from nicmedic.model.boot_trial import BootTrial, LegResult, TrialPhase, TrialVerdict, find_deadline_s, list_left
from nicmedic.model.errors import NicmedicError, TrialFailedError, UndoFailedError

__all__ = ["LEFT", "ask", "fail", "load", "supersede", "sweep"]

_TURNS: Final = 3
LEFT: Final = "nicmedic trial abort   # takes everything out again\nnicmedic trial status"


def load(edges: TrialEdges, trial: BootTrial) -> tuple[str, ...]:
    """Services and entry for its next boot; the default is the old kernel. Returns what is to be told of watchdogs.

    Raises:
        StateError: one of them cannot be written.
    """
    notes = edges.units.install(trial, find_deadline_s(trial))
    edges.menu.write_default(trial.id, trial.old, list_left(trial)[0].kernel)
    return notes


def ask(edges: TrialEdges, trial: BootTrial) -> BootTrial:
    """Give the boot loader the word. ``armed`` is on disk.

    Raises:
        StateError: that failed.
    """
    edges.menu.arm(trial.id)
    return save(edges, trial, asked=True)


def sweep(edges: TrialEdges) -> tuple[str, ...]:
    """Take away saved copies that nothing boots any more. Returns what stays, or went wrong, a sentence each: the next one tries it again."""
    notes: list[str] = []

    def take() -> None:
        known, held = edges.store.list_trials(), edges.menu.find_held()
        if held is not None and all(trial.id != held for trial in known):
            notes.append(f"saved kernels stay: the boot loader is held by trial {held}, of which no record can be read")
            return
        keep = {trial.old.saved for trial in known if trial.pinned or trial.phase.is_live}
        notes.extend(edges.kernels.sweep_saved(frozenset(filter(None, keep))))

    failed = quietly(take)
    return tuple(filter(None, (*notes, failed)))


def supersede(edges: TrialEdges, by: BootTrial | None) -> tuple[str, ...]:
    """What earlier trials have pinned or prepared counts no more. Returns what could not be done, a sentence each; the next one tries it again.

    Their copies stay until ``sweep``, so that what fails now can still be taken back.

    Args:
        edges: of the machine; the lock is held.
        by: the one that counts now; None: none does, the boot loader has its own default.
    """

    def settle() -> None:
        for trial in edges.store.list_trials():
            if trial.phase.is_live or (by is not None and trial.id == by.id):
                continue
            if trial.pinned or trial.phase is TrialPhase.PREPARED:
                save(edges, trial, phase=TrialPhase.ENDED, pinned=False)

    return tuple(filter(None, (quietly(settle),)))


def fail(edges: TrialEdges, trial: BootTrial, before: BootTrial | None, cause: BaseException, *, leaves: bool = False) -> NoReturn:
    """Nothing of it is to be left, and whose pin stood before stands again. Raises how that ended.

    Args:
        edges: of the machine; the lock is held.
        trial: what was being made.
        before: what the default was held by, as it stood on disk: the same number as it was prepared, or an earlier one; None: by nothing of ours.
        cause: what went wrong.
        leaves: a reboot may have been asked for already, which nobody takes back.
    """
    why = _say(cause)
    reboots = ", and this host may reboot to it all the same" if leaves else ""
    trouble = _insist(lambda: _take_back(edges, trial, before, why))
    if trouble:
        raise UndoFailedError(f"{why}; taking it back failed as well: {'; '.join(trouble)}", hint=LEFT) from cause
    told = "what was prepared is as it was" if before is not None and before.id == trial.id else "the boot loader is as it was"
    raise TrialFailedError(f"no kernel is on trial, and {told}{reboots}: {why}", hint=getattr(cause, "hint", "")) from cause


def _say(error: BaseException) -> str:
    if isinstance(error, KeyboardInterrupt):
        return "it was interrupted"
    if isinstance(error, NicmedicError):
        return error.message
    return (error.strerror if isinstance(error, OSError) else None) or f"{type(error).__name__}: {error}"


def _insist(take_back: Callable[[], tuple[str, ...]]) -> tuple[str, ...]:
    """Whoever interrupts us now wants to hear how it ended all the same."""
    for _ in range(_TURNS):
        try:
            return take_back()
        except KeyboardInterrupt:
            continue
    return ("it was interrupted",)


def _take_back(edges: TrialEdges, trial: BootTrial, before: BootTrial | None, why: str) -> tuple[str, ...]:
    """All that may have been done. Returns what stands against that."""

    def withdraw() -> None:
        if trial.phase is TrialPhase.ARMED:
            save(edges, trial, asked=False)

    def restore_menu() -> None:
        if before is None:
            edges.menu.remove()
        else:
            edges.menu.write_default(before.id, before.old, None)

    def end_record() -> None:
        if trial.id and (before is None or before.id != trial.id):
            result = LegResult(verdict=TrialVerdict.STOPPED, reason=f"it was not armed: {why}", ended=say_now(edges))
            save(edges, trial, phase=TrialPhase.ENDED, asked=False, pinned=False, legs=end_leg(trial, result))

    def restore_record() -> None:
        if before is not None:
            edges.store.save_trial(before)

    steps = (withdraw, edges.menu.disarm, restore_menu, end_record, restore_record, edges.units.remove)
    trouble = tuple(filter(None, (quietly(step) for step in steps)))
    if not trouble:
        sweep(edges)
    return trouble
