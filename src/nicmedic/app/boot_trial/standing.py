# SPDX-License-Identifier: GPL-2.0-or-later
"""How it stands, for whoever asks. Writes nothing; what cannot be read is told."""

from collections.abc import Callable
from typing import TypeVar

from nicmedic.app.boot_trial.edges import TrialEdges
from nicmedic.app.treat import quietly
from nicmedic.model.boot_trial import Standing, TrialPhase

__all__ = ["read_standing"]

_T = TypeVar("_T")


def read_standing(edges: TrialEdges) -> Standing:
    """Now.

    Raises:
        StateError: the records cannot be read.
    """
    trials, notes = edges.store.list_trials(), []

    def read(call: Callable[[], _T]) -> _T | None:
        found: list[_T] = []
        failed = quietly(lambda: found.append(call()))
        if failed is not None:
            notes.append(failed)
        return found[0] if found else None

    armed = read(edges.menu.is_armed)
    if armed is not None and not any(trial.id == armed and trial.phase is TrialPhase.ARMED for trial in trials):
        notes.append(f"GRUB's variable asks for trial {armed}, which is not armed: nicmedic trial abort takes that away")
    boot_id = read(edges.boots.read_boot_id)
    soaks = bool(trials) and trials[-1].phase is TrialPhase.SOAKING and trials[-1].soak_boot_id == boot_id
    return Standing(
        trials=trials,
        boot_id=boot_id,
        running=read(edges.boots.read_release),
        on_trial=read(edges.boots.read_trial),
        armed=armed,
        held=read(lambda: edges.menu.find_held() or 0),
        rebooting=bool(read(edges.boots.is_rebooting)),
        progress=read(lambda: edges.store.read_progress(trials[-1])) if soaks else None,
        notes=tuple(notes),
    )
