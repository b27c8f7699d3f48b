# SPDX-License-Identifier: GPL-2.0-or-later
"""What one network manager offers to the rest: which files to read, which more they lead to, and what they say of a NIC."""

from collections.abc import Callable
from dataclasses import dataclass

from nicmedic.persist.files import FoundFiles
from nicmedic.persist.values import Claim, Target

__all__ = ["Manager", "find_enabled"]


def _nothing(files: FoundFiles) -> tuple[str, ...]:  # noqa: ARG001  # the shape of ``Manager.follow``
    return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Manager:
    """One network manager."""

    name: str
    paths: tuple[str, ...]
    """Whole paths with globs: all that it reads, and the state that it leaves in /run."""
    claim: Callable[[FoundFiles, Target], Claim | None]
    """What it says of a NIC; None: nothing at all."""
    follow: Callable[[FoundFiles], tuple[str, ...]] = _nothing
    """Further globs that files already read include. A file found through these is kept only if ``keep`` says so."""
    keep: Callable[[str], bool] = bool
    """Whether the text of a followed file is what the manager reads, and not just anything that a line names."""


def find_enabled(files: FoundFiles, unit: str) -> bool | None:
    """Whether systemd starts a unit at boot, by the links that ``systemctl enable`` and ``mask`` leave; None: no link says so.

    A distribution may start it by a link below /usr/lib, so that no link in /etc proves nothing.
    """
    if files.links.get(f"/etc/systemd/system/{unit}") == "/dev/null":
        return False
    return True if files.exists(f"/etc/systemd/system/*.wants/{unit}") else None
