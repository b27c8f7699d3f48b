# SPDX-License-Identifier: GPL-2.0-or-later
"""The smallest things that are done to a machine: what an operator could have typed, one line each.

A step is a value. ``nicmedic.host.hands`` carries it out; ``nicmedic.remedy.script`` writes it down for a shell. No shell string is kept anywhere.
The card is called by many names: it may have another one after its driver was bound anew. So a step that speaks of its interface holds
``INTERFACE`` in place of the name, which is resolved at the moment it is carried out.
"""

from dataclasses import dataclass
from typing import Final

__all__ = ["INTERFACE", "AwaitNic", "Pause", "Rename", "Run", "Shown", "Step", "Write", "is_needed", "name_interface"]

INTERFACE: Final = "\0"
"""Stands for the present name of the treated card's interface, alone or within a word. No argument and no path can hold this character."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """Something that can be looked at without changing it: a program prints certain words."""

    argv: tuple[str, ...]
    """Only looks; it has five seconds. What it prints counts, not its status. ``INTERFACE`` may stand in it."""
    text: str
    """Stands in one of its lines as whole words, any run of blanks and tabs being one blank:
    ``sed 's/^/ /; s/$/ /' | tr -s ' \\t' ' ' | grep -qF -e " $text "``. ``INTERFACE`` may stand in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One program with its arguments; no shell."""

    argv: tuple[str, ...]
    within_s: int = 10
    """After so many seconds it is killed and has failed; it may stay behind where the kernel does not let it go."""
    needed: bool = True
    """False: its failure is told, and what follows is done all the same."""
    otherwise: tuple[str, ...] = ()
    """Tried in its place where the program is not installed or fails."""
    unless: Shown | None = None
    """Where this is shown there is nothing to do: the step is not carried out, and has not failed."""
    tries: int = 1
    """So often it is tried, with a second between, until it succeeds; ``within_s`` is for each. Looked at ``unless`` before each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Write:
    """One line into a file of sysfs or procfs."""

    path: str
    text: str
    within_s: int = 20
    needed: bool = True
    unless: Shown | None = None
    """As of ``Run``."""
    tries: int = 1
    """As of ``Run``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """Let the hardware or a program take its time."""

    seconds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AwaitNic:
    """Wait until the card has an interface again. Failing is the failure of what made it go."""

    within_s: int = 30
    carrier: bool = False
    """And a link. That it does not come is told, and what follows is done all the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rename:
    """Give the interface this name if it has another, as after a new binding without udev. It is set down for that."""

    name: str


Step = Run | Write | Pause | AwaitNic | Rename


def is_needed(step: Step) -> bool:
    """Whether what follows waits for its success."""
    match step:
        case Run() | Write():
            return step.needed
        case AwaitNic():
            return not step.carrier
        case _:
            return True


def name_interface(text: str, interface: str) -> str:
    """A word or path of a step, with the interface's name in it.

    >>> name_interface("/sys/class/net/" + INTERFACE + "/mtu", "eth0")
    '/sys/class/net/eth0/mtu'
    """
    return text.replace(INTERFACE, interface)
