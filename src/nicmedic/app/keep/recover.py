# SPDX-License-Identifier: GPL-2.0-or-later
"""Take up what a crash has left of keeping and releasing: one that was not kept yet is put back, one that was being released is released."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass

from nicmedic.app.keep.edges import KeepEdges, list_live
from nicmedic.app.keep.release import finish_release
from nicmedic.app.keep.writing import list_left, put_back
from nicmedic.app.treat import quietly
from nicmedic.model.errors import BusyError
from nicmedic.model.keeping import Kept, KeptState

__all__ = ["RecoveredKept", "recover_kept"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoveredKept:
    """One that was taken up."""

    kept: Kept
    trouble: tuple[str, ...] = ()
    """What stands against ending it; ``nicmedic kept`` tries it again."""
    left: str = ""
    """Then: what a person can do."""


@contextlib.contextmanager
def _hold(edges: KeepEdges, *, locked: bool) -> Iterator[bool]:
    """Whether nobody else is at it."""
    if locked:
        yield True
        return
    with contextlib.ExitStack() as held:
        try:
            held.enter_context(edges.store.hold_lock(patience_s=0.0))
        except BusyError:
            yield False
            return
        yield True


def recover_kept(edges: KeepEdges, *, locked: bool = False) -> tuple[RecoveredKept, ...]:
    """Look at all that is open. Where somebody is at it this moment, nothing is left behind.

    Args:
        edges: of the machine.
        locked: we hold the lock.

    Raises:
        StateError: they cannot be read.
    """
    with _hold(edges, locked=locked) as alone:
        if not alone:
            return ()
        opened = [kept for kept in list_live(edges.store) if kept.state is not KeptState.KEPT]
        return tuple(_recover(edges, kept) for kept in reversed(opened))


def _recover(edges: KeepEdges, kept: Kept) -> RecoveredKept:
    if kept.state is KeptState.WRITING:
        trouble = put_back(edges, kept)
    else:
        failed = quietly(lambda: finish_release(edges, kept))
        trouble = (failed,) if failed else ()
    return RecoveredKept(kept=kept, trouble=trouble, left=list_left(kept) if trouble else "")
