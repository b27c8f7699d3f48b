# SPDX-License-Identifier: GPL-2.0-or-later
"""Files of a kept remedy back to what they were: to the byte where nobody touched them since, else without our lines.

What somebody else has written since is never lost: where our own lines were edited, nothing is written and the lines are named.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from nicmedic.model.keeping import FileEdit, Kept, NoPlace, Placement
from nicmedic.persist.back_end import BackEnd
from nicmedic.persist.carried_over import find_carried
from nicmedic.persist.files import FoundFiles

__all__ = ["TakenOut", "take_out"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenOut:
    """What is to be written so that nothing of a kept remedy is left in any file."""

    edits: tuple[FileEdit, ...] = ()
    """``before``: the file as it is now. The last that was written comes first. A file that is right already is not among them."""
    refused: tuple[NoPlace, ...] = ()
    """Files that somebody has edited in such a way that a person must see to them."""
    notes: tuple[str, ...] = ()


def _take_out_one(edit: FileEdit, now: bytes | None, number: int, back_end: BackEnd | None) -> tuple[bytes | None, str] | NoPlace:
    """What shall stand in one file, and what is to be told of it."""
    if now in (edit.before, edit.after):
        return edit.before, ""
    if now is None:
        return None, f"{edit.path} is gone; what stood in it before is in nicmedic's own folder"
    if back_end is None:
        return NoPlace(
            back_end="", reasons=(f"{edit.path} was edited since, and this version of nicmedic does not know how it was written",)
        )
    shall = back_end.take_out(edit, now, number)
    if isinstance(shall, NoPlace):
        return shall
    if shall == now:
        return now, f"{edit.path} has nothing of nicmedic in it any more, and stays as it is"
    return shall, f"{edit.path} was edited since: only the lines of nicmedic go"


def take_out(
    kept: Kept, back_ends: Sequence[BackEnd], read_file: Callable[[str], bytes | None], survey: Callable[[], FoundFiles]
) -> TakenOut:
    """Plan it; what is done already is passed over, so this may be repeated after a crash.

    Args:
        kept: the remedy.
        back_ends: which wrote its files.
        read_file: the bytes of a file as it is now.
        survey: the files of all network managers; asked only where a file is gone.
    """
    known = {back_end.name: back_end for back_end in back_ends}
    edits: list[FileEdit] = []
    refused: list[NoPlace] = []
    notes: list[str] = []
    for placement, edit in _list_reversed(kept.placements):
        now = read_file(edit.path)
        answer = _take_out_one(edit, now, kept.id, known.get(placement.back_end))
        if isinstance(answer, NoPlace):
            refused.append(answer)
            continue
        shall, note = answer
        carried = find_carried(kept, placement, edit, survey()) if now is None and edit.before is not None else ()
        if isinstance(carried, NoPlace):
            refused.append(carried)
            continue
        notes += [*([note] if note else []), *carried]
        if shall != now:
            edits.append(FileEdit(path=edit.path, before=now, after=shall, mode=edit.mode))
    return TakenOut(edits=tuple(edits), refused=tuple(refused), notes=tuple(notes))


def _list_reversed(placements: Sequence[Placement]) -> list[tuple[Placement, FileEdit]]:
    return [(placement, edit) for placement in reversed(placements) for edit in reversed(placement.edits)]
