# SPDX-License-Identifier: GPL-2.0-or-later
"""What a kernel on trial needs of the outside: the boot loader, copies of kernels, records, the services of a boot, and a reboot."""

from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from nicmedic.model.boot_trial import BootTrial, Card, KernelChoice, SoakFigures, Traffic
from nicmedic.model.plan import Identity

__all__ = ["BootMenu", "Boots", "KernelStore", "MenuNow", "TrafficMaker", "TrialStore", "TrialUnits"]


@dataclass(frozen=True, slots=True, kw_only=True)
class MenuNow:
    """What the boot loader would do."""

    loader: str
    """``GRUB``."""
    default: KernelChoice | None
    """What a reset ends on, by what stands on disk; None: it cannot be told."""
    kernels: tuple[KernelChoice, ...]
    """All that have an entry, in the order of the menu."""
    obstacles: tuple[str, ...] = ()
    """Why nothing is written here, a sentence each; empty: one-shot boot is safe here."""
    settle: tuple[str, ...] = ()
    """Commands that show it, or would lift it."""
    notes: tuple[str, ...] = ()


class BootMenu(Protocol):
    """The boot loader. What is written is synced, and checkpointed where GRUB reads the file system without its journal."""

    def read_menu(self) -> MenuNow:
        """As it is. Writes nothing that stays: whether GRUB's variables can be written is tried with one of our own, which is taken out again.

        Raises:
            StateError: it cannot be read.
        """

    def write_default(self, trial: int, old: KernelChoice, candidate: KernelChoice | None) -> None:
        """From now on everything ends on ``old``, but for the boot that ``arm`` asks for, which is of ``candidate``.

        Replaces what was written of ours before. Whoever cuts the power finds what was before or this.

        Raises:
            StateError: it cannot be written; it is as it was.
        """

    def arm(self, trial: int) -> None:
        """The next boot is of the candidate, once.

        Raises:
            StateError: it cannot be written.
        """

    def disarm(self) -> None:
        """It is not, whatever was asked for."""

    def is_armed(self) -> int | None:
        """The trial whose word stands in GRUB's variables; None: none."""

    def find_held(self) -> int | None:
        """The trial whose lines stand in the boot loader; None: nothing of ours does.

        Raises:
            StateError: it cannot be read, or somebody has edited them.
        """

    def write_promoted(self, kernel: KernelChoice) -> tuple[str, ...]:
        """The default is this kernel; nothing of ours is left where the menu has it for its default by itself. Returns notes, a sentence each."""

    def remove(self) -> None:
        """Nothing of ours is left in the boot loader."""


class KernelStore(Protocol):
    """Copies of kernels whose package may be replaced in place, and the service that has a saved kernel find its own modules."""

    def read_running(self) -> KernelChoice:
        """The kernel that runs.

        Raises:
            StateError: its image is not to be found, or is not that which runs any more.
        """

    def save_kernel(self, kernel: KernelChoice, trial: int, tell: Callable[[str], None]) -> KernelChoice:
        """Copy image, initrd and modules; it is there whole, or not at all.

        Raises:
            StateError: no room, or it cannot be written.
        """

    def sweep_saved(self, keep: Collection[str]) -> tuple[str, ...]:
        """Take away every copy but those in these folders (``KernelChoice.saved``) and that of the kernel that runs, and what a crash left of one.

        The service goes with the last copy. Returns what stays all the same, a sentence each.

        Raises:
            StateError: a copy cannot be taken away.
        """


class TrialStore(Protocol):
    """Records on disk. Everything is synced before a method returns; every method may raise StateError."""

    def list_trials(self) -> tuple[BootTrial, ...]:
        """All, oldest first."""

    def create_trial(self, trial: BootTrial) -> BootTrial:
        """With the next number."""

    def save_trial(self, trial: BootTrial) -> BootTrial:
        """As it is now."""

    def note_progress(self, trial: BootTrial, figures: SoakFigures) -> None:
        """How far the soak is; need not survive a power cut."""

    def read_progress(self, trial: BootTrial) -> SoakFigures | None:
        """The last that was noted in this boot."""

    def hold_lock(self, *, patience_s: float = 10.0) -> AbstractContextManager[None]:
        """Nobody else changes a trial meanwhile.

        Raises:
            BusyError: somebody else does.
        """


class TrialUnits(Protocol):
    """The services that go on with a trial after a boot: one soaks, one reboots when nothing has ended by its deadline (plain sh)."""

    def find_obstacle(self) -> str | None:
        """Why they cannot be installed here; None: nothing is known against it."""

    def install(self, trial: BootTrial, deadline_s: float) -> tuple[str, ...]:
        """Have them there for the next boot; returns what of the host's own watchdogs was armed or is not there, a sentence each.

        Raises:
            StateError: they cannot be installed; nothing of them is left.
        """

    def remove(self) -> None:
        """Have them gone, and what they set; nothing to do where they are not there."""

    def stand_down(self) -> None:
        """In this boot the deadline does not count any more."""

    def show_life(self) -> None:
        """Somebody looks after the kernel on trial: to be called all the time, or the second service reboots long before its deadline.

        It has ten minutes from one call to the next, and ``find_first_s`` from the start of the boot to the first.
        """


class Boots(Protocol):
    """The running boot, and the next."""

    def read_boot_id(self) -> str:
        """Of the kernel."""

    def read_release(self) -> str:
        """``uname -r``."""

    def read_trial(self) -> int | None:
        """The trial whose word stands on the running kernel's command line; None: none."""

    def is_rebooting(self) -> bool:
        """Whether ``reboot`` was called in this boot: it comes, whatever becomes of the trial."""

    def reboot(self, why: str) -> None:
        """In good order if that goes within a minute, on the old kernel within a quarter of an hour; else at once.

        Comes back when it was asked for; nothing may be done after it.
        """

    def keep_evidence(self, trial: BootTrial, number: int, cards: Sequence[Card]) -> str | None:
        """Of the leg with this number, from 0: kernel log and a snapshot, synced. Their folder; None: it could not be written."""


class TrafficMaker(Protocol):
    """Makes traffic for a soak. Never raises for what a network may be like: what does not flow, the card's counters tell."""

    def begin(self, nic: Identity, traffic: Traffic) -> None:
        """Send echo requests to ``traffic.host`` over this card from now on, so that both directions carry the rate. Comes back at once."""

    def end(self) -> None:
        """No more of it, over whichever card."""
