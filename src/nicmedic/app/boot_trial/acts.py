# SPDX-License-Identifier: GPL-2.0-or-later
"""What is to be done about a trial that is found on disk: by its phase, by the kernel that runs, and by whether this is the boot that wrote it.

Pure, and one table, so that it can be read as a whole. ``nicmedic.app.boot_trial.resume`` acts by it after each boot, and the operator's commands
judge by it what they may do.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from nicmedic.model.boot_trial import BootTrial, TrialPhase, list_left

__all__ = ["TABLE", "Act", "choose_act"]


class Act(StrEnum):
    """One thing to do."""

    LEAVE = "leave"
    """Nothing: somebody armed it in this boot, and has the next word."""
    TIDY = "tidy"
    """Nothing is to happen any more: what a crash left of services, of a word to the boot loader, and of an entry goes."""
    SOAK = "soak"
    """It was booted as asked: begin."""
    SOAK_ON = "soak_on"
    """Our own service died in this boot: go on with what it had measured."""
    NOTE_MISSED = "note_missed"
    """It was asked for, and something else runs: not booted, or crashed before its service began."""
    NOTE_CRASHED = "note_crashed"
    """Its boot ended without a word."""
    GO_ON = "go_on"
    """Between two boots of A/B/A: arm the next one again, and reboot."""
    REBOOT = "reboot"
    """The reboot to the old kernel was not carried out yet."""
    END = "end"
    """The host is back."""
    PROMOTE = "promote"
    """It has soaked; whatever runs, its promotion is ended."""


_THIS, _ANOTHER = True, False
"""Whether this is the boot in which it was armed (``ARMED``), or in which it soaked (all others)."""
_TRIAL, _OTHER = True, False
"""Whether the word of this trial stands on the running kernel's command line."""

TABLE: Final[Mapping[tuple[TrialPhase, bool, bool], Act]] = {
    # What runs, in which boot.
    (TrialPhase.PREPARED, _OTHER, _THIS): Act.TIDY,
    (TrialPhase.PREPARED, _OTHER, _ANOTHER): Act.TIDY,
    (TrialPhase.PREPARED, _TRIAL, _THIS): Act.TIDY,
    (TrialPhase.PREPARED, _TRIAL, _ANOTHER): Act.TIDY,
    (TrialPhase.ARMED, _OTHER, _THIS): Act.GO_ON,
    (TrialPhase.ARMED, _OTHER, _ANOTHER): Act.NOTE_MISSED,
    (TrialPhase.ARMED, _TRIAL, _THIS): Act.GO_ON,  # the boot before of A/B/A soaked here
    (TrialPhase.ARMED, _TRIAL, _ANOTHER): Act.SOAK,
    (TrialPhase.SOAKING, _OTHER, _THIS): Act.NOTE_CRASHED,  # cannot be: the command line of a boot does not change
    (TrialPhase.SOAKING, _OTHER, _ANOTHER): Act.NOTE_CRASHED,
    (TrialPhase.SOAKING, _TRIAL, _THIS): Act.SOAK_ON,
    (TrialPhase.SOAKING, _TRIAL, _ANOTHER): Act.NOTE_CRASHED,  # somebody chose its entry by hand, after a crash: no reboot under his hands
    (TrialPhase.RETURNING, _OTHER, _THIS): Act.REBOOT,
    (TrialPhase.RETURNING, _OTHER, _ANOTHER): Act.END,
    (TrialPhase.RETURNING, _TRIAL, _THIS): Act.REBOOT,
    (TrialPhase.RETURNING, _TRIAL, _ANOTHER): Act.END,  # chosen by hand: a second reboot could be the first of many
    (TrialPhase.PROMOTING, _OTHER, _THIS): Act.PROMOTE,
    (TrialPhase.PROMOTING, _OTHER, _ANOTHER): Act.PROMOTE,  # the power was cut while the default was changed
    (TrialPhase.PROMOTING, _TRIAL, _THIS): Act.PROMOTE,
    (TrialPhase.PROMOTING, _TRIAL, _ANOTHER): Act.PROMOTE,
    (TrialPhase.ENDED, _OTHER, _THIS): Act.TIDY,
    (TrialPhase.ENDED, _OTHER, _ANOTHER): Act.TIDY,
    (TrialPhase.ENDED, _TRIAL, _THIS): Act.TIDY,
    (TrialPhase.ENDED, _TRIAL, _ANOTHER): Act.TIDY,
}


def choose_act(trial: BootTrial, boot_id: str, on_trial: int | None) -> Act:
    """What is to be done now.

    Args:
        trial: as it is on disk.
        boot_id: of the running boot.
        on_trial: the trial whose word stands on its command line.
    """
    written = trial.armed_boot_id if trial.phase is TrialPhase.ARMED else trial.soak_boot_id
    act = TABLE[trial.phase, on_trial == trial.id, written == boot_id]
    if act is Act.GO_ON and len(list_left(trial)) == len(trial.legs):
        return Act.LEAVE  # the first boot: whoever armed it reboots, or thinks better of it
    return act
