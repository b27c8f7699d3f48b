# SPDX-License-Identifier: GPL-2.0-or-later
"""``nicmedic.ports.keeping.KeptStore`` as files, which a person can read and put back by hand.

Below ``/var/lib/nicmedic/kept`` (``NICMEDIC_STATE`` names another folder than /var/lib/nicmedic) each kept remedy has a folder, its number:
``kept.json``, whose first key is the state, ``K.before`` and ``K.after`` (the bytes of its K-th file; a missing one: there was, or shall be, no such
file), ``checks`` (one check a line, as JSON). It is made as ``.new-PID-START`` and named when all is on disk.
"""

import contextlib
import dataclasses
import json
import os
import re
from contextlib import AbstractContextManager
from dataclasses import dataclass

from nicmedic.host.files import append_line, make_folder, remove_tree, rename_folder, sync_folder, tell_state, write_bytes, write_file
from nicmedic.host.folder_lock import hold_folder
from nicmedic.host.numbered_folders import list_names, list_numbers, name_new_folder, read_small_file
from nicmedic.host.processes import name_process
from nicmedic.model.errors import StateError
from nicmedic.model.keeping import Check, FileEdit, Kept, KeptState
from nicmedic.model.plain import from_plain, to_plain
from nicmedic.model.state_folder import find_state_folder
from nicmedic.report.escape import escape_terminal

__all__ = ["HostKept", "find_kept_folder"]

_SCHEMA = "nicmedic.kept-folder/1"
_NUMBER = re.compile(r"([1-9]\d{0,8})(?:\..*)?\Z", re.ASCII)
_MOST_CHECKS = 100
_MOST_RELEASED = 20
"""Older ones go when a new one comes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Edit:
    """One file, without its bytes."""

    placement: int
    """Index of the placement that it belongs to."""
    path: str
    before: bool
    """Whether there was one: ``K.before`` has it."""
    after: bool
    mode: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Record:
    """What stands in ``kept.json``."""

    state: KeptState
    """Comes first, so that a look at a few bytes tells whether something was left behind (``cli/leftovers.py``)."""
    kept: Kept
    edits: tuple[_Edit, ...] = ()
    schema: str = _SCHEMA


def find_kept_folder() -> str:
    """Where they are kept.

    Raises:
        UsageError: NICMEDIC_STATE is no whole path.
    """
    return f"{find_state_folder(os.environ.get('NICMEDIC_STATE'))}/kept"


def _strip(kept: Kept) -> Kept:
    """Without what stands in files of its own."""
    placements = tuple(dataclasses.replace(placement, edits=()) for placement in kept.placements)
    return dataclasses.replace(kept, placements=placements, checks=(), folder="")


def _list_edits(kept: Kept) -> list[tuple[int, FileEdit]]:
    return [(index, edit) for index, placement in enumerate(kept.placements) for edit in placement.edits]


def _render(kept: Kept) -> str:
    edits = tuple(
        _Edit(placement=index, path=edit.path, before=edit.before is not None, after=edit.after is not None, mode=edit.mode)
        for index, edit in _list_edits(kept)
    )
    record = _Record(state=kept.state, kept=_strip(kept), edits=edits)
    return json.dumps(to_plain(record), ensure_ascii=True, indent=1) + "\n"


class HostKept:
    """Files on this machine."""

    def __init__(self, folder: str | None = None) -> None:
        """``folder``: where they are."""
        self._folder = find_kept_folder() if folder is None else folder

    def _read_one(self, number: int) -> Kept | None:
        folder = f"{self._folder}/{number}"
        data = read_small_file(f"{folder}/kept.json")
        if data is None:
            return None
        try:
            record = from_plain(_Record, json.loads(data))
            edits = [(one.placement, self._read_edit(folder, index, one)) for index, one in enumerate(record.edits)]
            placements = tuple(
                dataclasses.replace(placement, edits=tuple(edit for at, edit in edits if at == index))
                for index, placement in enumerate(record.kept.placements)
            )
        except (ValueError, RecursionError) as error:
            told = escape_terminal(str(error))[:200]
            hint = f"ls -l {folder}   # the files as they were: *.before ; mv {folder} {folder}.damaged"
            raise StateError(f"{folder}/kept.json: damaged: {told}", hint=hint) from None
        return dataclasses.replace(
            record.kept, id=number, state=record.state, placements=placements, checks=self._read_checks(folder), folder=folder
        )

    @staticmethod
    def _read_edit(folder: str, index: int, one: _Edit) -> FileEdit:
        data = {}
        for name, is_there in (("before", one.before), ("after", one.after)):
            data[name] = read_small_file(f"{folder}/{index}.{name}") if is_there else None
            if is_there and data[name] is None:
                raise ValueError(f"{index}.{name} is missing")
        return FileEdit(path=one.path, before=data["before"], after=data["after"], mode=one.mode)

    @staticmethod
    def _read_checks(folder: str) -> tuple[Check, ...]:
        """A line that a full disk has torn is passed over."""
        found = []
        for line in (read_small_file(f"{folder}/checks") or b"").splitlines()[-_MOST_CHECKS:]:
            with contextlib.suppress(ValueError, RecursionError):
                found.append(from_plain(Check, json.loads(line)))
        return tuple(found)

    def list_kept(self) -> tuple[Kept, ...]:
        return self._read_all()[0]

    def list_damaged(self) -> tuple[str, ...]:
        return self._read_all()[1]

    def _read_all(self) -> tuple[tuple[Kept, ...], tuple[str, ...]]:
        """One that is damaged does not take the others along."""
        found, damaged = [], []
        for number in list_numbers(self._folder):
            try:
                kept = self._read_one(number)
            except StateError as error:
                damaged.append(f"{error.message}\n{error.hint}")
                continue
            if kept is not None:
                found.append(kept)
        return tuple(found), tuple(damaged)

    def find_next_number(self) -> int:
        """Also above those that were put aside: ``7.damaged`` may have its lines in files yet."""
        found = (_NUMBER.match(name) for name in list_names(self._folder))
        return max((int(each[1]) for each in found if each), default=0) + 1

    def create_kept(self, kept: Kept) -> Kept:
        make_folder(self._folder)
        new = name_new_folder(self._folder)
        try:
            make_folder(new)
            for index, (_, edit) in enumerate(_list_edits(kept)):
                for name, data in (("before", edit.before), ("after", edit.after)):
                    if data is not None:
                        write_bytes(f"{new}/{index}.{name}", data)
            write_file(f"{new}/kept.json", _render(kept))
            rename_folder(new, f"{self._folder}/{kept.id}")
        finally:
            remove_tree(new)
        self._prune()
        return dataclasses.replace(kept, folder=f"{self._folder}/{kept.id}")

    def _prune(self) -> None:
        released = [kept for kept in self.list_kept() if kept.state is KeptState.RELEASED]
        for kept in released[:-_MOST_RELEASED]:
            remove_tree(kept.folder)

    def save_kept(self, kept: Kept) -> Kept:
        write_file(f"{kept.folder}/kept.json", _render(kept))
        return kept

    def remove_kept(self, kept: Kept) -> None:
        """Renamed first: a folder that is half gone would be a damaged one."""
        gone = f"{self._folder}/.new-{name_process().replace(' ', '-')}"
        with tell_state(kept.folder):
            os.rename(kept.folder, gone)  # noqa: PTH104  # strings throughout
            sync_folder(self._folder)
        remove_tree(gone)

    def add_check(self, kept: Kept, check: Check) -> Kept:
        path = f"{kept.folder}/checks"
        append_line(path, json.dumps(to_plain(check), ensure_ascii=True))
        checks = (*kept.checks, check)
        if len(checks) > _MOST_CHECKS:
            checks = checks[-_MOST_CHECKS // 2 :]
            write_file(path, "".join(json.dumps(to_plain(one), ensure_ascii=True) + "\n" for one in checks))
        return dataclasses.replace(kept, checks=checks)

    def hold_lock(self, *, patience_s: float = 10.0) -> AbstractContextManager[None]:
        return hold_folder(self._folder, patience_s, who="another nicmedic keeps or releases something", hint="nicmedic kept")
