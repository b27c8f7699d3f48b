# SPDX-License-Identifier: GPL-2.0-or-later
"""Put a kernel on trial: plan it, which writes nothing, and then arm it and reboot."""

import dataclasses

from nicmedic.app.boot_trial.arming import ask, fail, load, supersede
from nicmedic.app.boot_trial.cards import find_cards
from nicmedic.app.boot_trial.edges import (
    Told,
    TrialEdges,
    find_current,
    find_kernel,
    find_pinned,
    is_prepared,
    is_same_kernel,
    read_safe_menu,
    refuse_absent,
    refuse_live,
    refuse_unproven,
    save,
    say_now,
)
from nicmedic.model.boot_trial import BootTrial, KernelChoice, Leg, TrialPhase, Wanted
from nicmedic.model.errors import BusyError, RefusedError
from nicmedic.ports.boot_trial import MenuNow
from nicmedic.report.trial_text import name_kernel

__all__ = ["plan_aba", "plan_start", "start"]


def _plan(edges: TrialEdges, menu: MenuNow, base: BootTrial | None, old: KernelChoice, legs: tuple[Leg, ...], wanted: Wanted) -> Told:
    """All of a trial but its number.

    Args:
        edges: of the machine.
        menu: as it was just read.
        base: what was prepared, and goes on as this trial.
        old: what everything ends on.
        legs: boots that are asked for.
        wanted: of each.
    """
    cards, notes = find_cards(edges, wanted)
    planned = BootTrial(
        id=0 if base is None else base.id,
        phase=TrialPhase.PREPARED,
        old=old,
        legs=legs,
        wanted=wanted,
        cards=cards,
        made_at=say_now(edges),
        pinned=base is not None,
        folder="" if base is None else base.folder,
    )
    return Told(trial=planned, notes=(*menu.notes, *notes))


def _read(edges: TrialEdges) -> tuple[MenuNow, BootTrial | None]:
    """The boot loader, and what was prepared.

    Raises:
        RefusedError: it would not be safe, or nobody would look after it.
        BusyError: a trial is under way.
    """
    known = edges.store.list_trials()
    refuse_live(known)
    current, obstacle = find_current(known), edges.units.find_obstacle()
    if obstacle is not None:
        raise RefusedError(
            obstacle, hint="ls -d /run/systemd/system\nsystemctl status nicmedic-trial.service nicmedic-trial-deadline.service"
        )
    return read_safe_menu(edges), current if is_prepared(current) else None


def _read_old(edges: TrialEdges, menu: MenuNow) -> KernelChoice:
    """The kernel that runs, where nothing was prepared.

    Raises:
        RefusedError: it is none to end on.
    """
    running = edges.kernels.read_running()
    refuse_unproven(edges, edges.store.list_trials(), running)
    refuse_absent(menu, running)
    return running


def _refuse_elsewhere(edges: TrialEdges, menu: MenuNow, control: KernelChoice) -> None:
    """All boots of A/B/A end on the kernel that runs: nothing else shows that this host is reached with it.

    Raises:
        RefusedError: it is another one, or none to end on.
    """
    running = edges.kernels.read_running()
    if is_same_kernel(control, running):
        _read_old(edges, menu)
        return
    raise RefusedError(
        f"everything would end on {name_kernel(control)}, and {name_kernel(running)} runs: nothing shows that this host is reached with the other",
        hint=f"nicmedic trial start {control.release}   # which comes back if it is not; once promoted it runs, and this may begin",
    )


def plan_start(edges: TrialEdges, word: str, wanted: Wanted) -> Told:
    """What ``start`` would do. Nothing is written.

    Args:
        edges: of the machine.
        word: which kernel: its release, the version of its package, or the path of its image.
        wanted: of the soak.

    Raises:
        RefusedError: it would not be safe, there is no such kernel, it is the old one, or no card carries traffic.
        BusyError: a trial is under way, or somebody else is at it.
        StateError: the running kernel or the boot loader cannot be read.
        UsageError: a probe is not understood.
    """
    with edges.store.hold_lock():
        menu, base = _read(edges)
        candidate = find_kernel(menu.kernels, word)
        old = _read_old(edges, menu) if base is None else base.old
        if is_same_kernel(old, candidate):
            told = f"{name_kernel(candidate)} is the kernel that everything ends on, so there is nothing to try"
            raise RefusedError(told, hint="nicmedic trial status")
        return _plan(edges, menu, base, old, (Leg(kernel=candidate, soak_s=wanted.soak_s),), wanted)


def plan_aba(edges: TrialEdges, old: str, new: str, *, hours: float, boots: int, wanted: Wanted) -> Told:
    """What ``aba`` would do: old, new, old, … in turn. Nothing is written.

    Args:
        edges: of the machine.
        old: which kernel everything ends on, as ``plan_start`` takes it.
        new: the other one.
        hours: of each boot.
        boots: how many.
        wanted: of each boot, but for its length; none is promoted.

    Raises:
        RefusedError: as ``plan_start``; and ``old`` neither runs nor was prepared.
        BusyError: the same.
        StateError: the same.
        UsageError: the same.
    """
    with edges.store.hold_lock():
        menu, base = _read(edges)
        base = base if base is not None and old in {base.old.release, base.old.package, base.old.image} else None
        control = find_kernel(menu.kernels, old) if base is None else base.old
        suspect = find_kernel(menu.kernels, new)
        if is_same_kernel(control, suspect):
            raise RefusedError(f"{name_kernel(control)} and {name_kernel(suspect)} are the same kernel", hint="nicmedic trial status")
        if base is None:
            _refuse_elsewhere(edges, menu, control)
        kinds = (
            (control, "no hang, if it is the kernel"),
            (suspect, "a hang, as before"),
        )
        legs = tuple(Leg(kernel=kinds[number % 2][0], soak_s=hours * 3600, expect=kinds[number % 2][1]) for number in range(boots))
        return _plan(edges, menu, base, control, legs, dataclasses.replace(wanted, soak_s=hours * 3600, promote=False))


def _find_before(current: BootTrial | None, planned: BootTrial) -> BootTrial | None:
    """What was prepared, and goes on as this trial; None: nothing was.

    Raises:
        BusyError: that is not as it was when this was planned.
    """
    prepared = current if is_prepared(current) else None
    if planned.id and prepared is not None and prepared.id == planned.id:
        return prepared
    uses = prepared is not None and (len(planned.legs) == 1 or is_same_kernel(prepared.old, planned.old))
    if planned.id or uses:
        raise BusyError("what was prepared is not as it was a moment ago: somebody else changed it", hint="nicmedic trial status")
    return None


def start(edges: TrialEdges, planned: Told, *, reboot: bool = True) -> Told:
    """Arm it, and reboot.

    Args:
        edges: of the machine.
        planned: as ``plan_start`` or ``plan_aba`` gave it, and the operator agreed to it.
        reboot: do so now; else the next boot is of that kernel, whoever asks for it.

    Raises:
        BusyError: another trial began meanwhile, or somebody else is at it; nothing was changed.
        StateError: the records cannot be read; nothing was changed.
        TrialFailedError: it failed, and all is as it was.
        UndoFailedError: and taking it back failed as well.
    """
    with edges.store.hold_lock():
        known = edges.store.list_trials()
        refuse_live(known)
        before = _find_before(find_current(known), planned.trial)
        made, leaves = planned.trial, False
        try:
            made = edges.store.create_trial(made) if before is None else edges.store.save_trial(made)
            made = made if made.pinned else save(edges, made, pinned=True)
            watchdogs = load(edges, made)
            made = save(edges, made, phase=TrialPhase.ARMED, armed_boot_id=edges.boots.read_boot_id(), asked=False)
            made = ask(edges, made)
            notes = (*planned.notes, *watchdogs, *supersede(edges, made))
            if reboot:
                edges.tell(f"rebooting; the next boot is of {name_kernel(made.legs[0].kernel)}, once")
                leaves = True
                edges.boots.reboot(f"nicmedic trial {made.id}: the next boot is of {made.legs[0].kernel.release}")
        except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001  # a bug of ours must not leave it half armed
            fail(edges, made, before or find_pinned(known), error, leaves=leaves)
        return Told(trial=made, notes=notes)
