# SPDX-License-Identifier: GPL-2.0-or-later
"""What a remedy becomes for one NIC: a value, text only. Nothing here is carried out."""

from dataclasses import dataclass

__all__ = ["DISRUPTIONS", "FLAP", "HANDS", "NONE", "PAUSE", "REBOOT", "Recipe"]

NONE = "none"
FLAP = "link flap of 2 to 5 s"
PAUSE = "traffic stops for seconds"
REBOOT = "reboot"
HANDS = "hands on the machine"
DISRUPTIONS = (NONE, FLAP, PAUSE, REBOOT, HANDS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """One remedy for one NIC. Every command is whole, and runs as root in a POSIX shell on the host whose log was read."""

    title: str
    commands: tuple[str, ...] = ()
    undo: tuple[str, ...] = ()
    disruption: str
    caution: str = ""
    """What to beware of, one or two short sentences."""
    look: tuple[str, ...] = ()
    """Commands that only look: what is set now, to be noted down before anything is changed."""
    steps: tuple[str, ...] = ()
    """What no command does: sentences for a person, carried out after the commands."""
    undo_note: str = ""
    """What the undo commands depend on, or how to go back where no command does."""
    danger: bool = False
    """``caution`` must be told even where others' warnings stand: this may end with a host that nobody reaches."""
