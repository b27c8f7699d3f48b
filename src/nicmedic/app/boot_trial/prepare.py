# SPDX-License-Identifier: GPL-2.0-or-later
"""Before an upgrade: save the kernel that runs, and have every reboot end on it."""

import dataclasses

from nicmedic.app.boot_trial.arming import fail, supersede, sweep
from nicmedic.app.boot_trial.edges import (
    Told,
    TrialEdges,
    find_current,
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
from nicmedic.model.boot_trial import BootTrial, TrialPhase

__all__ = ["prepare"]


def prepare(edges: TrialEdges, *, copy: bool) -> Told:
    """Do it, whole or not at all. What is prepared already is made sure of.

    Args:
        edges: of the machine.
        copy: keep image, initrd and modules as they are: a point release may overwrite them in place.

    Raises:
        RefusedError: it would not be safe here; nothing was changed.
        BusyError: a trial is under way, or somebody else is at it.
        StateError: the running kernel or the boot loader cannot be read; nothing was changed.
        TrialFailedError: it failed, and all is as it was.
        UndoFailedError: and taking it back failed as well.
    """
    with edges.store.hold_lock():
        known = edges.store.list_trials()
        refuse_live(known)
        menu, running = read_safe_menu(edges), edges.kernels.read_running()
        refuse_unproven(edges, known, running)
        refuse_absent(menu, running)
        before = find_current(known)
        if (
            before is not None
            and is_prepared(before)
            and is_same_kernel(before.old, running)
            and (before.old.saved is not None or not copy)
        ):
            edges.menu.write_default(before.id, before.old, None)
            return Told(trial=before, notes=(*menu.notes, "It was prepared before."))
        made = BootTrial(id=0, phase=TrialPhase.PREPARED, old=running, made_at=say_now(edges))
        try:
            made = edges.store.create_trial(made)
            if copy and running.saved is None:
                made = dataclasses.replace(made, old=edges.kernels.save_kernel(running, made.id, edges.tell))
            made = save(edges, made, pinned=True)
            edges.menu.write_default(made.id, made.old, None)
        except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001  # a bug of ours must not leave it half prepared
            fail(edges, made, find_pinned(known), error)
        return Told(trial=made, notes=(*menu.notes, *supersede(edges, made), *sweep(edges)))
