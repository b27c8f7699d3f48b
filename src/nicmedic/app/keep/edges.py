# SPDX-License-Identifier: GPL-2.0-or-later
"""What keeping and releasing need of the outside, and what both do with files."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from nicmedic.model.errors import NoSuchKeptError, StateError
from nicmedic.model.keeping import FileEdit, Kept, KeptState
from nicmedic.model.transaction import Transaction, find_state
from nicmedic.persist.back_end import BackEnd
from nicmedic.persist.files import FoundFiles
from nicmedic.persist.refreshing import may_fail
from nicmedic.ports.clock import Clock
from nicmedic.ports.keeping import BootCheck, ConfigFiles, KeptStore, Refresher
from nicmedic.remedy.script.words import quote_word
from nicmedic.report.escape import escape_terminal

__all__ = [
    "KeepEdges",
    "find_kept",
    "find_trial",
    "list_live",
    "list_refreshes",
    "read_bytes",
    "refresh",
    "remove_folders",
    "tell_edit",
    "write_edits",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class KeepEdges:
    """Of one process."""

    store: KeptStore
    files: ConfigFiles
    refresher: Refresher
    boot_check: BootCheck
    clock: Clock
    back_ends: tuple[BackEnd, ...]
    """In order of preference."""
    survey: Callable[[], FoundFiles]
    """The files of all network managers as they are now; read where a file of ours is gone."""
    tell: Callable[[str], None]
    """A few words of progress, fit for a terminal."""
    find_trial: Callable[[int], int | None]
    """The open transaction that lifts the kept remedy of this number for a trial; None: there is none."""


def find_trial(known: Iterable[Transaction], number: int) -> int | None:
    """Which of these transactions lifts the kept remedy of this number for a trial now; None: none does."""
    return next((one.id for one in known if one.plan.lifts == number and find_state(one).is_open), None)


def read_bytes(edges: KeepEdges, path: str) -> bytes | None:
    """One file as it is now."""
    return edges.files.read_file(path).data


def list_live(store: KeptStore) -> tuple[Kept, ...]:
    """Those of which something is in files."""
    return tuple(kept for kept in store.list_kept() if kept.state is not KeptState.RELEASED)


def find_kept(store: KeptStore, number: int) -> Kept:
    """The one of that number.

    Raises:
        NoSuchKeptError: there is none, or it was released.
    """
    hint = "nicmedic kept   # all of them"
    found = next((kept for kept in store.list_kept() if kept.id == number), None)
    if found is None:
        raise NoSuchKeptError(f"nothing is kept under number {number}", hint=hint)
    if found.state is KeptState.RELEASED:
        raise NoSuchKeptError(f"{number} on {escape_terminal(found.nic.interface)} was released at {found.released_at}", hint=hint)
    return found


def write_edits(edges: KeepEdges, edits: Sequence[FileEdit]) -> None:
    """One file after the other. One that is as it shall be is passed over, so this may be repeated.

    Raises:
        StateError: one cannot be written, or somebody changed it a moment ago.
        UnreadableInputError: one cannot be read.
    """
    for edit in edits:
        now = read_bytes(edges, edit.path)
        if now == edit.after:
            continue
        if now != edit.before:
            raise StateError(f"{escape_terminal(edit.path)}: somebody else changed it this moment", hint=f"ls -l {quote_word(edit.path)}")
        edges.tell(tell_edit(edit))
        edges.files.replace_file(edit)


def tell_edit(edit: FileEdit) -> str:
    """What is done to a file."""
    word = "removing" if edit.after is None else "making" if edit.before is None else "writing"
    return f"{word} {escape_terminal(edit.path)}"


def list_refreshes(kept: Kept) -> tuple[tuple[str, ...], ...]:
    """Programs that make its files known, each once."""
    return tuple(dict.fromkeys(argv for placement in kept.placements for argv in placement.refresh))


def refresh(edges: KeepEdges, kept: Kept, *, taking_back: bool, accept_stale: bool = False) -> tuple[str, ...]:
    """Make its files known. Returns what failed and does not matter, a sentence each.

    Args:
        edges: of the machine.
        kept: whose files were written.
        taking_back: they are what they were before: programs that are gone, and daemons that cannot be told, do not stand against that.
        accept_stale: nor does one that fails and makes what the next boot takes instead of the files; that is told with all it means.

    Raises:
        StateError: a program failed; those after it were not started.
    """
    notes = []
    for argv in list_refreshes(kept):
        line = " ".join(map(quote_word, argv))
        edges.tell(line)
        outcome = edges.refresher.run_refresh(argv)
        if outcome.ok:
            continue
        failure = f"{line}: {escape_terminal(outcome.said) or 'it failed'}"
        may = may_fail(argv, absent=outcome.absent, taking_back=taking_back)
        if not may and not accept_stale:
            raise StateError(failure, hint=line)
        edges.tell(failure)
        stale = f"The files are right, but until {line} succeeds the host may boot as if it were kept."
        notes.append(f"{failure}. {'The files are right all the same.' if may else stale}")
    return tuple(notes)


def remove_folders(edges: KeepEdges, kept: Kept) -> None:
    """Folders that were made for this one, or for another that had its files beside it, as far as they are empty now.

    What a power cut has left beside its files goes first.

    Raises:
        StateError: which those are cannot be read.
    """
    known = (folder for one in (*edges.store.list_kept(), kept) for folder in one.folders)
    paths = [edit.path for placement in kept.placements for edit in placement.edits]
    edges.files.remove_left(paths)
    near = (folder for folder in known if any(path.startswith(f"{folder}/") for path in paths))
    edges.files.remove_folders(tuple(dict.fromkeys(near)))
