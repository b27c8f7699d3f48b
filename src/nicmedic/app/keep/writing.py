# SPDX-License-Identifier: GPL-2.0-or-later
"""Write a remedy into files so that a crash at any moment leaves all of it or nothing: before the first file is touched, everything is on disk.

``writing`` on disk, with each file's bytes before and after → the check after boots → the files, each replaced whole → the programs that make them
known → ``kept``. Until that last word everything is put back: by us where something fails, else by the next ``nicmedic kept`` or the next boot.
"""

import dataclasses
from typing import NoReturn

from nicmedic.app.keep.edges import KeepEdges, list_live, list_refreshes, read_bytes, refresh, remove_folders, write_edits
from nicmedic.app.treat import quietly
from nicmedic.model.errors import KeepFailedError, NicmedicError, UndoFailedError
from nicmedic.model.keeping import FileEdit, Kept, KeptState
from nicmedic.persist.refreshing import may_fail
from nicmedic.persist.taking_out import take_out
from nicmedic.remedy.script.words import quote_word
from nicmedic.report.escape import escape_terminal

__all__ = ["drop_check", "list_left", "put_back", "write_kept"]

_TURNS = 3


def _list_edits(kept: Kept) -> tuple[FileEdit, ...]:
    return tuple(edit for placement in kept.placements for edit in placement.edits)


def write_kept(edges: KeepEdges, kept: Kept) -> tuple[Kept, tuple[str, ...]]:
    """All of it, or nothing.

    Args:
        edges: of the machine; the lock is held.
        kept: with its number, its files as they were just read and as they shall be; state ``writing``.

    Returns:
        It as it is on disk, and what failed and does not matter: also that nothing looks after a boot.

    Raises:
        StateError: it cannot be written down; nothing was begun.
        KeepFailedError: something failed, and all is as it was.
        UndoFailedError: and putting back failed as well.
    """
    made = edges.store.create_kept(kept)
    refreshed = False
    try:
        unchecked = edges.boot_check.install_check()
        write_edits(edges, _list_edits(made))
        refreshed = True
        notes = refresh(edges, made, taking_back=False)
        return edges.store.save_kept(dataclasses.replace(made, state=KeptState.KEPT)), (*notes, *([unchecked] if unchecked else ()))
    except KeyboardInterrupt as error:
        _fail(edges, made, "it was interrupted", error, refreshed=refreshed)
    except (OSError, NicmedicError) as error:
        _fail(edges, made, error.message if isinstance(error, NicmedicError) else error.strerror or str(error), error, refreshed=refreshed)
    except Exception as error:  # noqa: BLE001  # a bug of ours must not leave files half-written
        _fail(edges, made, f"{type(error).__name__}: {error}", error, refreshed=refreshed)


def _fail(edges: KeepEdges, kept: Kept, why: str, cause: BaseException, *, refreshed: bool) -> NoReturn:
    name = escape_terminal(kept.nic.interface)
    trouble = _insist(edges, kept, refreshed=refreshed)
    if not trouble:
        hint = getattr(cause, "hint", "") or f"nicmedic keep --dry-run {quote_word(kept.nic.interface)}"
        raise KeepFailedError(f"{name}: nothing is kept, and every file is as it was: {why}", hint=hint) from cause
    raise UndoFailedError(f"{name}: {why}; putting it back failed as well: {'; '.join(trouble)}", hint=list_left(kept)) from cause


def _insist(edges: KeepEdges, kept: Kept, *, refreshed: bool) -> tuple[str, ...]:
    """Put back; whoever interrupts us now wants to hear how it ended all the same."""
    for _ in range(_TURNS):
        try:
            return put_back(edges, kept, refreshed=refreshed)
        except KeyboardInterrupt:
            continue
    return ("it was interrupted",)


def list_left(kept: Kept) -> str:
    """What a person can do where our own hands failed: the earlier files are in the folder, and a boot menu that cannot be made can wait."""
    lines = [f"ls -l {quote_word(kept.folder)}   # each file as it was (before) and as it was to be (after)"]
    refreshes = list_refreshes(kept)
    lines += [" ".join(map(quote_word, argv)) for argv in refreshes]
    lines.append("nicmedic kept   # tries it again")
    if not all(may_fail(argv, absent=False, taking_back=True) for argv in refreshes):
        lines.append(
            f"nicmedic release {kept.id} --accept-stale-boot   # where only these programs fail: ends it; the next boot may be as if it were kept"
        )
    return "\n".join(lines)


def put_back(edges: KeepEdges, kept: Kept, *, refreshed: bool = True) -> tuple[str, ...]:
    """Everything of one that was not kept yet, then its record. Returns what stands against that; the record stays then, and this may be repeated.

    Args:
        edges: of the machine; the lock is held.
        kept: whose state on disk is ``writing``.
        refreshed: its files may have been made known.
    """
    trouble: list[str] = []
    try:
        plan = take_out(kept, edges.back_ends, lambda path: read_bytes(edges, path), edges.survey)
        trouble += [reason for refused in plan.refused for reason in refused.reasons]
        for edit in plan.edits:
            failed = quietly(lambda edit=edit: write_edits(edges, (edit,)))  # type: ignore[misc]  # bound at once
            trouble += [failed] if failed else []
    except (OSError, NicmedicError) as error:
        trouble.append(error.message if isinstance(error, NicmedicError) else error.strerror or str(error))
    if refreshed and not trouble:
        failed = quietly(lambda: refresh(edges, kept, taking_back=True))
        trouble += [failed] if failed else []
    if trouble:
        return tuple(trouble)
    failed = quietly(lambda: remove_folders(edges, kept)) or drop_check(edges, kept) or quietly(lambda: edges.store.remove_kept(kept))
    return (failed,) if failed else ()


def drop_check(edges: KeepEdges, kept: Kept) -> str | None:
    """The check after boots goes with the last that is kept; what went wrong, if anything. One that is damaged may be in files yet."""

    def drop() -> None:
        if not edges.store.list_damaged() and not any(other.id != kept.id for other in list_live(edges.store)):
            edges.boot_check.remove_check()

    return quietly(drop)
