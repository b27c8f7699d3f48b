# SPDX-License-Identifier: GPL-2.0-or-later
"""``nicmedic.ports.boot_trial.TrialStore`` as files, which a person can read.

Below ``/var/lib/nicmedic/trials`` (``NICMEDIC_STATE`` names another folder than /var/lib/nicmedic) each trial of a kernel has a folder, its number:
``trial.json``, whose first key is the phase, and ``leg-K`` with the evidence of its K-th boot, counted from 0. It is made as ``.new-PID-START`` and
named when all is on disk. How far a soak is stands in ``/run/nicmedic``, for it is written all the time, and says something about this boot only.
"""

import dataclasses
import json
import os
import re
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass

from nicmedic.host.files import make_folder, remove_tree, rename_folder, tell_state, write_file
from nicmedic.host.folder_lock import hold_folder
from nicmedic.host.numbered_folders import list_names, list_numbers, name_new_folder, read_small_file
from nicmedic.model.boot_trial import BootTrial, SoakFigures, TrialPhase
from nicmedic.model.errors import StateError
from nicmedic.model.plain import from_plain, to_plain
from nicmedic.model.state_folder import find_state_folder
from nicmedic.report.escape import escape_terminal

__all__ = ["HostTrials", "find_trials_folder"]

_SCHEMA = "nicmedic.trial-folder/1"
_RUN = "/run/nicmedic"
_NUMBER = re.compile(r"([1-9]\d{0,8})(?:\..*)?\Z", re.ASCII)
_MOST_ENDED = 20
"""Older ones go when a new one comes, with their evidence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Record:
    """What stands in ``trial.json``."""

    phase: TrialPhase
    """Comes first, so that a look at a few bytes tells whether something is still to happen."""
    trial: BootTrial
    schema: str = _SCHEMA


@dataclass(frozen=True, slots=True, kw_only=True)
class _Progress:
    """How far the soak of one boot is."""

    leg: int
    """Boots of this trial that ended before."""
    figures: SoakFigures


def find_trials_folder() -> str:
    """Where they are.

    Raises:
        UsageError: NICMEDIC_STATE is no whole path.
    """
    return f"{find_state_folder(os.environ.get('NICMEDIC_STATE'))}/trials"


def _render(trial: BootTrial) -> str:
    record = _Record(phase=trial.phase, trial=dataclasses.replace(trial, folder=""))
    return json.dumps(to_plain(record), ensure_ascii=True, indent=1) + "\n"


def _count_ended(trial: BootTrial) -> int:
    return sum(leg.result is not None for leg in trial.legs)


class HostTrials:
    """Files on this machine."""

    def __init__(self, folder: str | None = None, run: str = _RUN) -> None:
        """``folder``: where they are; ``run``: what a reboot empties."""
        self._folder = find_trials_folder() if folder is None else folder
        self._run = run

    def _read_one(self, number: int) -> BootTrial | None:
        folder = f"{self._folder}/{number}"
        data = read_small_file(f"{folder}/trial.json")
        if data is None:
            return None
        try:
            record = from_plain(_Record, json.loads(data))
        except (ValueError, RecursionError) as error:
            hint = f"ls -lR {folder} ; mv {folder} {folder}.damaged"
            raise StateError(f"{folder}/trial.json: damaged: {escape_terminal(str(error))[:200]}", hint=hint) from None
        return dataclasses.replace(record.trial, id=number, phase=record.phase, folder=folder)

    def list_trials(self) -> tuple[BootTrial, ...]:
        return self._read_all()[0]

    def list_damaged(self) -> tuple[str, ...]:
        """What cannot be read, a sentence and its hint each: one that is damaged keeps nobody from ending the others."""
        return self._read_all()[1]

    def _read_all(self) -> tuple[tuple[BootTrial, ...], tuple[str, ...]]:
        found, damaged = [], []
        for number in list_numbers(self._folder):
            try:
                trial = self._read_one(number)
            except StateError as error:
                damaged.append(f"{error.message}\n{error.hint}")
                continue
            if trial is not None:
                found.append(trial)
        return tuple(found), tuple(damaged)

    def _find_next_number(self) -> int:
        """Also above those that were put aside: the boot loader may name ``7.damaged`` yet."""
        found = (_NUMBER.match(name) for name in list_names(self._folder))
        return max((int(each[1]) for each in found if each), default=0) + 1

    def create_trial(self, trial: BootTrial) -> BootTrial:
        make_folder(self._folder)
        made = dataclasses.replace(trial, id=self._find_next_number())
        new, folder = name_new_folder(self._folder), f"{self._folder}/{made.id}"
        try:
            make_folder(new)
            write_file(f"{new}/trial.json", _render(made))
            rename_folder(new, folder)
        finally:
            remove_tree(new)
        self._prune()
        return dataclasses.replace(made, folder=folder)

    def _prune(self) -> None:
        ended = [trial for trial in self.list_trials() if trial.phase is TrialPhase.ENDED and not trial.pinned]
        for trial in ended[:-_MOST_ENDED]:
            remove_tree(trial.folder)

    def save_trial(self, trial: BootTrial) -> BootTrial:
        write_file(f"{self._folder}/{trial.id}/trial.json", _render(trial))
        return dataclasses.replace(trial, folder=f"{self._folder}/{trial.id}")

    def _progress_path(self, trial: BootTrial) -> str:
        return f"{self._run}/trial-{trial.id}.json"

    def note_progress(self, trial: BootTrial, figures: SoakFigures) -> None:
        with tell_state(self._run), suppress(FileExistsError):
            os.mkdir(self._run, 0o755)  # noqa: PTH102  # as the unit of watch makes it
        progress = _Progress(leg=_count_ended(trial), figures=figures)
        write_file(self._progress_path(trial), json.dumps(to_plain(progress)), sync=False)

    def read_progress(self, trial: BootTrial) -> SoakFigures | None:
        data = read_small_file(self._progress_path(trial))
        with suppress(ValueError, RecursionError):
            progress = from_plain(_Progress, json.loads(data or b""))
            return progress.figures if progress.leg == _count_ended(trial) else None
        return None

    def hold_lock(self, *, patience_s: float = 10.0) -> AbstractContextManager[None]:
        return hold_folder(self._folder, patience_s, who="another nicmedic changes a trial", hint="nicmedic trial status")
