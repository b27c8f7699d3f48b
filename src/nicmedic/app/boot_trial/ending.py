# SPDX-License-Identifier: GPL-2.0-or-later
"""How a boot on trial ends: promoted, left for the old kernel, or followed by the next one of A/B/A. The lock is held throughout.

What is on disk is written before the thing is done, so whoever finds it after a crash ends it. The boot loader's word is gone before a record says
that nothing is to be booted any more.
"""

import dataclasses
from typing import Final

from nicmedic.app.boot_trial.arming import ask, load, sweep
from nicmedic.app.boot_trial.edges import Told, TrialEdges, end_leg, save, say_now
from nicmedic.app.treat import quietly
from nicmedic.model.boot_trial import BootTrial, LegResult, TrialPhase, TrialVerdict, list_left
from nicmedic.model.errors import NicmedicError
from nicmedic.report.trial_text import name_kernel

__all__ = ["build_stopped", "conclude", "disarm", "end", "go_back", "go_on", "keep_evidence", "promote", "return_now", "tidy", "withdraw"]

_STALE_S: Final = 60.0
_GOES_ON: Final = frozenset({TrialVerdict.GOOD, TrialVerdict.HUNG, TrialVerdict.UNREACHED, TrialVerdict.CRASHED, TrialVerdict.TOO_QUIET})
"""What is data for A/B/A. A kernel that was not booted is none: the next one would not be either."""


def keep_evidence(edges: TrialEdges, trial: BootTrial) -> str | None:
    """Of the boot in hand; without it the trial ends all the same."""
    kept: list[str | None] = [None]

    def keep() -> None:
        kept[0] = edges.boots.keep_evidence(trial, len(trial.legs) - len(list_left(trial)), trial.cards)

    quietly(keep)
    return kept[0]


def disarm(edges: TrialEdges) -> None:
    """Take the word from the boot loader where one is; nothing is written where none is.

    Raises:
        StateError: it cannot be.
    """
    if edges.menu.is_armed() is not None:
        edges.menu.disarm()


def withdraw(edges: TrialEdges, trial: BootTrial) -> BootTrial:
    """Of one that is armed: not known to be asked for any more, and then not asked for.

    Raises:
        StateError: that failed; it may still be asked for.
    """
    now = save(edges, trial, asked=False)
    edges.menu.disarm()
    return now


def tidy(edges: TrialEdges, trial: BootTrial) -> tuple[str, ...]:
    """Nothing is to happen any more. What cannot be taken away is returned; the services stay then, and try it again at the next boot."""

    def settle_menu() -> None:
        disarm(edges)
        if trial.pinned:
            edges.menu.write_default(trial.id, trial.old, None)

    kept = sweep(edges)
    trouble = [quietly(edges.units.stand_down), quietly(settle_menu)]
    if not any(trouble):
        trouble.append(quietly(edges.units.remove))
    return tuple(filter(None, (*kept, *trouble)))


def end(edges: TrialEdges, trial: BootTrial) -> Told:
    """It is over, and the default stays the old kernel, told by ``pinned``.

    Raises:
        StateError: that cannot be written down.
    """
    ended = save(edges, trial, phase=TrialPhase.ENDED, asked=False)
    return Told(trial=ended, notes=tidy(edges, ended))


def promote(edges: TrialEdges, trial: BootTrial) -> Told:
    """The kernel that soaked last is the default. ``promoting`` is on disk.

    Raises:
        StateError: it is not; the next boot's service, or ``resume``, tries it again.
    """
    kernel = next(leg.kernel for leg in reversed(trial.legs) if leg.result is not None)
    quietly(edges.units.stand_down)
    disarm(edges)
    edges.tell(f"making {name_kernel(kernel)} the default")
    notes = edges.menu.write_promoted(kernel)
    ended = save(edges, trial, phase=TrialPhase.ENDED, promoted=True, pinned=False, asked=False)
    return Told(trial=ended, notes=(*notes, *tidy(edges, ended)))


def go_back(edges: TrialEdges, trial: BootTrial, why: str) -> None:
    """Ask for the reboot to the old kernel. ``returning`` is on disk, or could not be written.

    Raises:
        StateError: it cannot be asked for; the deadline's service and the hardware watchdog do it then.
    """
    quietly(lambda: disarm(edges))
    edges.tell(f"rebooting to {name_kernel(trial.old)}: {why}")
    edges.boots.reboot(why)


def return_now(edges: TrialEdges, trial: BootTrial, result: LegResult) -> Told:
    """To the old kernel, by a reboot: also where nothing can be written down, for the host may be cut off.

    Raises:
        StateError: the reboot cannot be asked for.
    """
    returning = dataclasses.replace(
        trial, phase=TrialPhase.RETURNING, legs=end_leg(trial, result), soak_boot_id=edges.boots.read_boot_id(), asked=False
    )
    failed = quietly(lambda: edges.store.save_trial(returning))
    if failed is not None:
        edges.tell(failed)
    go_back(edges, returning, result.reason)
    return Told(trial=returning, notes=() if failed is None else (failed,))


def go_on(edges: TrialEdges, trial: BootTrial) -> Told:
    """The next boot of A/B/A. ``armed`` is on disk.

    Raises:
        StateError: it cannot be asked for.
    """
    load(edges, trial)
    asked = ask(edges, trial)
    kernel = list_left(asked)[0].kernel
    edges.tell(f"rebooting to {name_kernel(kernel)}, boot {len(asked.legs) - len(list_left(asked)) + 1} of {len(asked.legs)}")
    edges.boots.reboot(f"nicmedic trial {asked.id}: the next boot is of {kernel.release}")
    return Told(trial=asked)


def _arm_next(edges: TrialEdges, trial: BootTrial, result: LegResult) -> Told:
    boot_id = edges.boots.read_boot_id()
    armed = save(
        edges,
        trial,
        phase=TrialPhase.ARMED,
        legs=end_leg(trial, result),
        armed_boot_id=boot_id,
        asked=False,
        soak_boot_id=None,
        soak_began=None,
    )
    return go_on(edges, armed)


def conclude(edges: TrialEdges, trial: BootTrial, result: LegResult, *, here: bool) -> Told:
    """What follows from how a boot went.

    Args:
        edges: of the machine.
        trial: with the boot in hand not ended yet.
        result: of it.
        here: it ends in this boot, which is of that kernel.

    Raises:
        StateError: it cannot be written down, or no reboot be asked for; ``resume`` goes on from what is on disk.
    """
    more = len(list_left(trial)) > 1 and result.verdict in _GOES_ON
    good = result.verdict is TrialVerdict.GOOD
    if more and not here:
        return _arm_next(edges, trial, result)
    if more:
        try:
            return _arm_next(edges, trial, result)
        except (NicmedicError, OSError) as error:
            edges.tell(f"the next boot cannot be asked for: {error}")
            return return_now(edges, trial, result)
    if not here:
        return end(edges, dataclasses.replace(trial, legs=end_leg(trial, result)))
    if good and trial.wanted.promote:
        return promote(edges, save(edges, trial, phase=TrialPhase.PROMOTING, legs=end_leg(trial, result)))
    stays = len(trial.legs) == 1 or trial.legs[-1].kernel == trial.old
    if good and stays:
        return end(edges, dataclasses.replace(trial, legs=end_leg(trial, result)))
    return return_now(edges, trial, result)


def build_stopped(edges: TrialEdges, trial: BootTrial, reason: str) -> LegResult:
    """Of a boot that the operator ends, with what it had measured."""
    figures = edges.store.read_progress(trial) if trial.phase is TrialPhase.SOAKING else None
    told = LegResult(verdict=TrialVerdict.STOPPED, reason=reason, ended=say_now(edges))
    if trial.phase is not TrialPhase.SOAKING:
        return told
    told = dataclasses.replace(told, boot_id=trial.soak_boot_id, began=trial.soak_began)
    if figures is None:
        return told
    now_s = edges.clock.read_monotonic_s()
    if figures.to_uptime_s is None or now_s - figures.to_uptime_s > _STALE_S:  # nobody watched when it was stopped
        return dataclasses.replace(told, figures=figures)
    return dataclasses.replace(told, figures=figures, began_uptime_s=figures.from_uptime_s, ended_uptime_s=now_s)
