# SPDX-License-Identifier: GPL-2.0-or-later
"""The operator ends a trial: the soak alone (``stop``), or everything (``abort``)."""

import dataclasses
from dataclasses import dataclass
from typing import Final

from nicmedic.app.boot_trial import ending
from nicmedic.app.boot_trial.acts import Act, choose_act
from nicmedic.app.boot_trial.arming import LEFT, supersede, sweep
from nicmedic.app.boot_trial.edges import Told, TrialEdges, end_leg, find_current, save
from nicmedic.app.boot_trial.ending import build_stopped, end, go_back, return_now, withdraw
from nicmedic.app.boot_trial.resume import build_crashed, build_missed
from nicmedic.app.treat import quietly
from nicmedic.model.boot_trial import BootTrial, TrialPhase
from nicmedic.model.errors import BusyError, NicmedicError, NoSuchTrialError, RefusedError, UndoFailedError
from nicmedic.report.trial_text import name_kernel

__all__ = ["Aborting", "abort", "plan_abort", "stop", "take_out"]

_SOAKS: Final = frozenset({Act.SOAK, Act.SOAK_ON})


@dataclass(frozen=True, slots=True, kw_only=True)
class Aborting:
    """What ``abort`` would do."""

    trial: BootTrial | None
    """None: something of ours is in the boot loader or runs, and no record of it can be read."""
    reboots: bool
    """The host runs the kernel on trial: it goes back to the old one by a reboot."""
    notes: tuple[str, ...] = ()


def _find(edges: TrialEdges) -> tuple[BootTrial, Act]:
    trial = find_current(edges.store.list_trials())
    if trial is None:
        raise NoSuchTrialError("there is no trial", hint="nicmedic trial start KERNEL")
    return trial, choose_act(trial, edges.boots.read_boot_id(), edges.boots.read_trial())


def stop(edges: TrialEdges, *, promote: bool) -> Told:
    """End the soak. Nothing reboots; the default stays the old kernel, or is this one from now on.

    Args:
        edges: of the machine.
        promote: make the kernel that runs the default.

    Raises:
        NoSuchTrialError: there is none.
        RefusedError: it does not soak now.
        BusyError: somebody else is at it.
        StateError: that cannot be written down; the soak goes on.
        UndoFailedError: it has ended, and could not be made the default.
    """
    with edges.store.hold_lock():
        trial, act = _find(edges)
        if act not in _SOAKS:
            raise RefusedError(f"trial {trial.id} is {trial.phase}: no soak goes on in this boot", hint=LEFT)
        result = build_stopped(edges, trial, "the operator stopped it")
        boot_id = edges.boots.read_boot_id()
        trial = withdraw(edges, trial) if trial.phase is TrialPhase.ARMED else trial
        if not promote:
            return end(edges, dataclasses.replace(trial, legs=end_leg(trial, result), soak_boot_id=boot_id))
        stopped = save(edges, trial, phase=TrialPhase.PROMOTING, legs=end_leg(trial, result), soak_boot_id=boot_id)
        try:
            return ending.promote(edges, stopped)
        except (NicmedicError, OSError) as error:
            raise UndoFailedError(f"the soak has ended, but the default is not changed: {error}", hint="nicmedic trial resume") from error


def _reboots(act: Act, on_trial: bool) -> bool:  # noqa: FBT001  # as it reads in a condition
    return act in _SOAKS or act is Act.REBOOT or (act is Act.GO_ON and on_trial)


def plan_abort(edges: TrialEdges) -> Aborting:
    """What ``abort`` would do now, or ``take_out``. Nothing is written.

    Raises:
        NoSuchTrialError: there is none.
        StateError: the records cannot be read.
    """
    if not edges.store.list_trials() and _is_something_left(edges):
        told = "Of the trial no record can be read. Everything of nicmedic goes out of the boot loader, which has its own default again."
        return Aborting(trial=None, reboots=False, notes=(told,))
    trial, act = _find(edges)
    reboots = _reboots(act, edges.boots.read_trial() == trial.id)
    note = (
        f"The host reboots to {name_kernel(trial.old)}, which stays the default; abort once more takes that out of the boot loader too."
        if reboots
        else "Everything of nicmedic goes out of the boot loader, which has its own default again."
    )
    return Aborting(trial=trial, reboots=reboots, notes=(note,))


def _is_something_left(edges: TrialEdges) -> bool:
    return any(found is not None for found in (edges.boots.read_trial(), edges.menu.is_armed(), edges.menu.find_held()))


def abort(edges: TrialEdges, planned: Aborting | None = None) -> Told:
    """On the kernel on trial: go back by a reboot. Elsewhere: nothing of ours in the boot loader and among the services any more.

    A promotion that cannot be ended is given up too: the boot loader's own default is what it is.

    Args:
        edges: of the machine.
        planned: what the operator agreed to; None: whatever is due.

    Raises:
        NoSuchTrialError: there is none.
        BusyError: somebody else is at it, or it is not as it was planned any more.
        StateError: it cannot be written down, or a reboot not be asked for.
        UndoFailedError: something of ours is left.
    """
    with edges.store.hold_lock():
        trial, act = _find(edges)
        reboots = _reboots(act, edges.boots.read_trial() == trial.id)
        if planned is not None and planned.reboots != reboots:
            raise BusyError(f"it is not as it was a moment ago: trial {trial.id} is {trial.phase}", hint="nicmedic trial status")
        if act is Act.REBOOT:
            go_back(edges, trial, "the operator gave it up")
            return Told(trial=trial)
        if reboots:
            result = build_stopped(edges, trial, "the operator gave it up")
            if trial.phase is TrialPhase.SOAKING:  # perhaps for what he saw of it
                edges.tell("keeping what is to be seen of this boot, which takes up to two minutes")
                result = dataclasses.replace(result, evidence=ending.keep_evidence(edges, trial))
            return return_now(edges, withdraw(edges, trial) if trial.phase is TrialPhase.ARMED else trial, result)
        return _give_up(edges, _end(edges, trial, act))


def _end(edges: TrialEdges, trial: BootTrial, act: Act) -> BootTrial:
    """On disk it has ended; the boot loader asks for nothing any more."""
    if act is Act.NOTE_MISSED:
        trial, result = build_missed(edges, trial)
        return save(edges, trial, phase=TrialPhase.ENDED, legs=end_leg(trial, result), asked=False)
    if act is Act.NOTE_CRASHED:
        return save(edges, trial, phase=TrialPhase.ENDED, legs=end_leg(trial, build_crashed(edges, trial)))
    if act in {Act.LEAVE, Act.GO_ON}:
        withdrawn = withdraw(edges, trial)
        result = build_stopped(edges, withdrawn, "the operator gave it up")
        return save(edges, withdrawn, phase=TrialPhase.ENDED, legs=end_leg(withdrawn, result))
    return trial if trial.phase is TrialPhase.ENDED else save(edges, trial, phase=TrialPhase.ENDED)


def _give_up(edges: TrialEdges, trial: BootTrial) -> Told:
    """Take everything out.

    Raises:
        UndoFailedError: something is left; ``abort`` tries it again.
    """
    _take_out(edges)
    try:
        ended = save(edges, trial, pinned=False)
    except (NicmedicError, OSError) as error:
        raise UndoFailedError(f"everything is out of the boot loader, but that cannot be written down: {error}", hint=LEFT) from error
    return Told(trial=ended, notes=(*supersede(edges, None), *sweep(edges), _say_next(edges)))


def take_out(edges: TrialEdges) -> tuple[str, ...]:
    """The same where no record tells of what is to be taken out. Returns what is to be told, a sentence each.

    Raises:
        BusyError: somebody else is at it.
        UndoFailedError: something is left.
    """
    with edges.store.hold_lock():
        _take_out(edges)
        return (*sweep(edges), _say_next(edges))


def _take_out(edges: TrialEdges) -> None:
    steps = (edges.menu.disarm, edges.menu.remove, edges.units.stand_down, edges.units.remove)
    trouble = [failed for step in steps if (failed := quietly(step)) is not None]
    if trouble:
        raise UndoFailedError(f"not everything is out of the boot loader: {'; '.join(trouble)}", hint=LEFT)


def _say_next(edges: TrialEdges) -> str:
    """What the next reboot boots, as far as that can be told; and whether it comes by itself."""
    try:
        default = edges.menu.read_menu().default
    except (NicmedicError, OSError):
        default = None
    comes: list[bool] = []
    quietly(lambda: comes.append(edges.boots.is_rebooting()))
    if any(comes):
        boots = "what it boots cannot be told" if default is None else f"it boots {name_kernel(default)}"
        return f"The reboot that was asked for comes all the same; {boots}."
    return "What the next reboot boots cannot be told." if default is None else f"The next reboot boots {name_kernel(default)}."
