# SPDX-License-Identifier: GPL-2.0-or-later
"""Go on with a trial after a boot: what the service runs. By the table of ``nicmedic.app.boot_trial.acts``; may be run again at any time."""

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from nicmedic.app.boot_trial.acts import Act, choose_act
from nicmedic.app.boot_trial.edges import Told, TrialEdges, find_current, save, say_now
from nicmedic.app.boot_trial.ending import conclude, disarm, end, go_back, go_on, keep_evidence, promote, tidy, withdraw
from nicmedic.app.boot_trial.soak import is_soaking, soak
from nicmedic.app.treat import quietly
from nicmedic.model.boot_trial import BootTrial, LegResult, TrialPhase, TrialVerdict
from nicmedic.model.errors import StateError
from nicmedic.report.trial_text import name_kernel, say_result

__all__ = ["Resumed", "build_crashed", "build_missed", "resume"]

_PATIENCE_S: Final = 60.0
"""Nobody holds the lock for long, and a boot on trial must not be left alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resumed:
    """What became of it."""

    trial: BootTrial | None
    """None: there is none."""
    said: str
    """One sentence, fit for a terminal."""


def resume(edges: TrialEdges) -> Resumed:
    """Do what is to be done now; comes back when it is done, a reboot is asked for, or somebody else has ended it.

    Raises:
        BusyError: somebody else is at it.
        StateError: something cannot be read or written; run again, it goes on from what is on disk.
    """
    with edges.store.hold_lock(patience_s=_PATIENCE_S):
        known, on_trial = edges.store.list_trials(), edges.boots.read_trial()
        _insist_on_record(known, on_trial)
        trial = find_current(known)
        if trial is None:
            edges.units.remove()
            return Resumed(trial=None, said="There is no trial.")
        act = choose_act(trial, edges.boots.read_boot_id(), on_trial)
        if act not in {Act.SOAK, Act.SOAK_ON}:
            return _settle(edges, trial, act)
        soaking = _begin(edges, trial) if act is Act.SOAK else trial
    result = soak(edges, soaking)
    with edges.store.hold_lock(patience_s=_PATIENCE_S):
        if result is None or not is_soaking(edges, soaking):
            return Resumed(trial=soaking, said="Somebody else has ended it.")
        if result.verdict is not TrialVerdict.GOOD:
            quietly(edges.units.show_life)
            result = _add_evidence(edges, soaking, result)
        return _say(conclude(edges, soaking, result, here=True))


def _insist_on_record(known: Iterable[BootTrial], on_trial: int | None) -> None:
    """Of a kernel on trial of which nothing is known, nobody may say that it has ended: its deadline reboots, unless the record comes back.

    Raises:
        StateError: the record of the kernel that runs cannot be read.
    """
    if on_trial is not None and all(trial.id != on_trial for trial in known):
        told = f"the kernel of trial {on_trial} runs, and there is no record of it that can be read: this host reboots at its deadline"
        raise StateError(
            told, hint="nicmedic trial status\nnicmedic trial abort   # stay on it, with nothing of nicmedic in the boot loader"
        )


def _begin(edges: TrialEdges, trial: BootTrial) -> BootTrial:
    """Its word is gone from the boot loader before anything else: the next reset ends on the old kernel."""
    disarm(edges)
    return save(edges, trial, phase=TrialPhase.SOAKING, soak_boot_id=edges.boots.read_boot_id(), soak_began=say_now(edges), asked=False)


def _add_evidence(edges: TrialEdges, trial: BootTrial, result: LegResult) -> LegResult:
    return dataclasses.replace(result, evidence=keep_evidence(edges, trial))


def build_missed(edges: TrialEdges, trial: BootTrial) -> tuple[BootTrial, LegResult]:
    """Of one that was armed when another kernel was booted; it is armed no more.

    Raises:
        StateError: that cannot be had.
    """
    asked, armed = trial.asked, edges.menu.is_armed() == trial.id
    if asked and not armed:
        reason = "the boot loader took its word and started it, and it did not come as far as its service; or somebody chose another entry"
        result = LegResult(verdict=TrialVerdict.CRASHED, reason=reason, evidence=keep_evidence(edges, trial))
        return trial, result
    reason = (
        "the boot loader could not take its word away, so it did not start it"
        if armed
        else "arming it was cut short, so the boot loader was not asked for it"
    )
    return withdraw(edges, trial), LegResult(verdict=TrialVerdict.NOT_BOOTED, reason=reason)


def build_crashed(edges: TrialEdges, trial: BootTrial) -> LegResult:
    """Of one whose boot ended while it soaked."""
    return LegResult(
        verdict=TrialVerdict.CRASHED,
        reason="the boot ended while it soaked: panic, reset, power cut, its deadline, or somebody rebooted the host",
        boot_id=trial.soak_boot_id,
        began=trial.soak_began,
        evidence=keep_evidence(edges, trial),
    )


def _settle(edges: TrialEdges, trial: BootTrial, act: Act) -> Resumed:
    """All that takes no time."""
    match act:
        case Act.LEAVE:
            return Resumed(trial=trial, said="It is armed: the next boot tries it.")
        case Act.TIDY:
            return _say(Told(trial=trial, notes=tidy(edges, trial)))
        case Act.NOTE_MISSED:
            withdrawn, result = build_missed(edges, trial)
            return _say(conclude(edges, withdrawn, result, here=False))
        case Act.NOTE_CRASHED:
            return _say(conclude(edges, trial, build_crashed(edges, trial), here=False))
        case Act.GO_ON:
            return _say(go_on(edges, trial))
        case Act.REBOOT:
            go_back(edges, trial, "it was to be left")
            return _say(Told(trial=trial))
        case Act.END:
            return _say(end(edges, trial))
        case _:
            return _say(promote(edges, trial))


def _say(told: Told) -> Resumed:
    return Resumed(trial=told.trial, said=" ".join((_say_phase(told.trial), *told.notes)))


def _say_phase(trial: BootTrial) -> str:
    """How it stands now."""
    last = next((leg for leg in reversed(trial.legs) if leg.result is not None), None)
    old, after = (
        name_kernel(trial.old),
        "" if last is None or last.result is None else f": {name_kernel(last.kernel)} {say_result(last.result)}",
    )
    match trial.phase:
        case TrialPhase.PREPARED:
            return f"Prepared; the default is {old}."
        case TrialPhase.ARMED:
            return f"A reboot to the next kernel was asked for{after}."
        case TrialPhase.RETURNING:
            return f"A reboot to {old} was asked for{after}."
        case _:
            default = "it is the default now" if trial.promoted else f"the default is {old}" if trial.pinned else "nothing is pinned"
            return f"The trial has ended, {default}{after}."
