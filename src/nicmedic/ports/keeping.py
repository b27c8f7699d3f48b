# SPDX-License-Identifier: GPL-2.0-or-later
"""What keeping a remedy needs of the outside: other people's configuration files, our own records, and the check after a boot."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from nicmedic.model.keeping import Check, FileEdit, Kept

__all__ = ["BootCheck", "ConfigFiles", "FileNow", "KeptStore", "Refreshed", "Refresher"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FileNow:
    """One configuration file as it is."""

    path: str
    """Of the file itself, links followed."""
    data: bytes | None
    """None: there is none."""
    notes: tuple[str, ...] = ()
    """A link that led to it, further names that it has: a sentence each."""


class ConfigFiles(Protocol):
    """Files of network managers and boot loaders, byte for byte."""

    def read_file(self, path: str) -> FileNow:
        """One of them.

        Raises:
            UnreadableInputError: it is there and cannot be read, or is no plain file.
        """

    def find_obstacle(self, path: str) -> str | None:
        """Why this file, links followed, cannot be replaced or made, as far as that can be told without trying; None: nothing stands against it."""

    def find_fleeting(self, path: str) -> str | None:
        """Why what is written into this file, or into the one that it leads to, is gone after a boot; None: nothing that is known."""

    def list_missing_folders(self, path: str) -> tuple[str, ...]:
        """Folders that would have to be made for this file, outermost first."""

    def replace_file(self, edit: FileEdit) -> None:
        """Replace, make or remove a file: whoever reads it finds the old one or the new one, also after a power cut.

        Mode, owner and attributes of a file that is there stay. Folders that are missing are made.

        Raises:
            StateError: it cannot be written, or is not what it was before, at the last moment too; it is left as it is.
        """

    def remove_left(self, paths: Sequence[str]) -> None:
        """What a power cut has left beside these files."""

    def remove_folders(self, paths: Sequence[str]) -> None:
        """Those of these folders that are there and empty, innermost first."""

    def find_version_control(self, path: str) -> str | None:
        """The folder above this file that somebody keeps under version control, and how: ``/etc (.git)``; None: none."""


class KeptStore(Protocol):
    """Kept remedies on disk. Everything is synced before a method returns.

    Every method may raise:
        StateError: the folder cannot be read or written.
    """

    def list_kept(self) -> tuple[Kept, ...]:
        """All, released ones too, oldest first. Half-written ones, of which nothing was begun, are swept away."""

    def list_damaged(self) -> tuple[str, ...]:
        """Why those cannot be read that are damaged."""

    def find_next_number(self) -> int:
        """Of the kept remedy that is to be."""

    def create_kept(self, kept: Kept) -> Kept:
        """Write it down with every file's bytes before and after, then name the whole: it is there from then on, or not at all."""

    def save_kept(self, kept: Kept) -> Kept:
        """State, dates, and what it was made for; what stands in its files stays as it was created."""

    def remove_kept(self, kept: Kept) -> None:
        """Nothing of it is left on this host, so it never was."""

    def add_check(self, kept: Kept, check: Check) -> Kept:
        """Add what was found once."""

    def hold_lock(self, *, patience_s: float = 10.0) -> AbstractContextManager[None]:
        """Nobody else keeps or releases meanwhile. Falls away with its holder.

        Raises:
            BusyError: somebody else does, for longer than that.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class Refreshed:
    """How a program ended that makes changed files known."""

    ok: bool
    said: str = ""
    """One line, fit for a terminal; empty: nothing."""
    absent: bool = False
    """It failed because it is not installed, or because the daemon that it would tell does not run."""


class Refresher(Protocol):
    """Starts the programs that make changed files known."""

    def run_refresh(self, argv: Sequence[str]) -> Refreshed:
        """Run one to its end; it has minutes. Never raises for what it does."""


class BootCheck(Protocol):
    """The unit that looks after each boot whether what is kept is in force."""

    def install_check(self) -> str | None:
        """Have it there. What somebody has masked or disabled stays so.

        Returns:
            Why nothing looks after a boot all the same, a sentence; None: it does.

        Raises:
            StateError: it cannot be installed; nothing of it is left.
            MissingToolError: there is no systemctl.
        """

    def remove_check(self) -> None:
        """Have it gone.

        Raises:
            StateError: something of it is left.
            MissingToolError: there is no systemctl.
        """
