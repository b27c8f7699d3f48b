# SPDX-License-Identifier: GPL-2.0-or-later
"""What a kernel on trial needs of the outside, and what every command of it asks first."""

import dataclasses
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from nicmedic.model.boot_trial import BootTrial, KernelChoice, Leg, LegResult, TrialPhase, list_left
from nicmedic.model.errors import BusyError, RefusedError
from nicmedic.model.plan import Identity
from nicmedic.model.policy import NicPolicy
from nicmedic.ports.boot_trial import BootMenu, Boots, KernelStore, MenuNow, TrafficMaker, TrialStore, TrialUnits
from nicmedic.ports.clock import Clock
from nicmedic.ports.machine import Machine
from nicmedic.ports.probes import Prober
from nicmedic.report.escape import escape_terminal
from nicmedic.report.trial_text import name_kernel

__all__ = [
    "Told",
    "TrialEdges",
    "end_leg",
    "find_current",
    "find_kernel",
    "find_pinned",
    "is_prepared",
    "is_same_kernel",
    "read_safe_menu",
    "refuse_absent",
    "refuse_live",
    "refuse_unproven",
    "save",
    "say_now",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialEdges:
    """Of one process."""

    menu: BootMenu
    kernels: KernelStore
    store: TrialStore
    units: TrialUnits
    boots: Boots
    traffic: TrafficMaker
    machine: Machine
    prober: Prober
    clock: Clock
    tell: Callable[[str], None]
    """A few words of progress, fit for a terminal."""
    find_policy: Callable[[Identity], NicPolicy | None]
    """What the watcher may do for a card now; None: it does not run, or leaves the card alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A trial as it is now, and what the operator should know."""

    trial: BootTrial
    notes: tuple[str, ...] = ()
    """A sentence each."""


def say_now(edges: TrialEdges) -> str:
    """RFC 3339."""
    return edges.clock.read_now().isoformat(timespec="seconds")


def save(edges: TrialEdges, trial: BootTrial, **changes: Any) -> BootTrial:  # noqa: ANN401  # fields of BootTrial
    """With other values, on disk."""
    return edges.store.save_trial(dataclasses.replace(trial, **changes))


def end_leg(trial: BootTrial, result: LegResult) -> tuple[Leg, ...]:
    """Its boots, the one in hand with its result."""
    number = len(trial.legs) - len(list_left(trial))
    return tuple(dataclasses.replace(leg, result=result) if place == number else leg for place, leg in enumerate(trial.legs))


def find_current(trials: Iterable[BootTrial]) -> BootTrial | None:
    """The one that counts: one that is live, else the newest; None: there is none."""
    known = tuple(trials)
    return next((trial for trial in reversed(known) if trial.phase.is_live), known[-1] if known else None)


def refuse_live(trials: Iterable[BootTrial]) -> None:
    """Only one at a time.

    Raises:
        BusyError: something of an earlier one is still to happen.
    """
    live = next((trial for trial in trials if trial.phase.is_live), None)
    if live is not None:
        hint = "nicmedic trial status\nnicmedic trial abort   # give it up"
        raise BusyError(f"trial {live.id} is {live.phase}: one at a time", hint=hint)


def refuse_unproven(edges: TrialEdges, trials: Iterable[BootTrial], running: KernelChoice) -> None:
    """Nothing may end on a kernel that was on trial and did not become the default: a hook would promote it in passing.

    Raises:
        RefusedError: such a one runs.
    """
    number = edges.boots.read_trial()
    trial = next((each for each in trials if each.id == number), None)
    if trial is None or not trial.pinned or is_same_kernel(trial.old, running):
        return
    old = name_kernel(trial.old)
    raise RefusedError(
        f"{name_kernel(running)} runs, which was on trial {trial.id} and was not promoted: everything ends on {old}",
        hint=f"systemctl reboot   # back to {old}\nnicmedic trial abort   # or let it be: then the running one may be what everything ends on",
    )


def refuse_absent(menu: MenuNow, running: KernelChoice) -> None:
    """Everything is to end on a kernel that can be booted.

    Raises:
        RefusedError: it has no entry.
    """
    if running.saved is None and not any(is_same_kernel(one, running) for one in menu.kernels):
        listed = "\n".join(f"# {name_kernel(one)}: {one.image}" for one in menu.kernels)
        raise RefusedError(f"{name_kernel(running)} runs, and the boot loader's menu has no entry for it", hint=listed)


def read_safe_menu(edges: TrialEdges) -> MenuNow:
    """The boot loader, where one-shot boot is safe.

    Raises:
        RefusedError: it is not, with every reason.
        StateError: it cannot be read.
    """
    menu = edges.menu.read_menu()
    if menu.obstacles:
        raise RefusedError(" ".join(menu.obstacles), hint="\n".join(menu.settle))
    return menu


def find_kernel(kernels: Iterable[KernelChoice], word: str) -> KernelChoice:
    """The kernel that is called so: by its release, the version of its package, or the path of its image.

    Raises:
        RefusedError: none is.
    """
    known = tuple(kernels)
    for found in [one for one in known if one.release == word], [one for one in known if word in (one.package, one.image)]:
        if found:
            return found[0]
    listed = "\n".join(dict.fromkeys(f"{name_kernel(one)}   # {one.image}" for one in known))
    raise RefusedError(f"{escape_terminal(word)}: the boot loader's menu has no such kernel", hint=listed)


def is_same_kernel(one: KernelChoice, other: KernelChoice) -> bool:
    """Whether booting one is booting the other. Of a saved copy and a package whose versions are not known, nobody can tell: then they are two."""
    if one.release != other.release:
        return False
    if one.package is not None and other.package is not None:
        return one.package == other.package
    return one.image == other.image and one.saved == other.saved


def find_pinned(trials: Iterable[BootTrial]) -> BootTrial | None:
    """The newest whose old kernel is the default by our doing; None: the boot loader has its own."""
    return next((trial for trial in reversed(tuple(trials)) if trial.pinned), None)


def is_prepared(trial: BootTrial | None) -> bool:
    """Whether a trial may begin with what was prepared."""
    return trial is not None and trial.phase is TrialPhase.PREPARED and trial.pinned
