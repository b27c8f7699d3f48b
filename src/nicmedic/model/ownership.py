# SPDX-License-Identifier: GPL-2.0-or-later
"""Which network manager owns a link, and by which file. How that is found out is in ``nicmedic.persist``."""

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["Manager", "Ownership", "OwningFile"]


class Manager(StrEnum):
    """Who configures a link on this host."""

    IFUPDOWN = "ifupdown"
    IFUPDOWN2 = "ifupdown2"
    NETWORKD = "networkd"
    NETWORKMANAGER = "networkmanager"
    NETPLAN = "netplan"
    WICKED = "wicked"
    NETIFD = "netifd"
    IFCFG = "ifcfg"
    NONE = "none"
    """Managers were looked for, and none of them has this link."""
    UNKNOWN = "unknown"
    """It could not be decided; the reason says what would settle it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OwningFile:
    """A file that says something about a link."""

    path: str
    line: int | None = None
    """1-based line where it does; None: the file as a whole (a match by pattern, a file that the manager made)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ownership:
    """Who owns a link, and what shows it."""

    manager: Manager
    renderer: Manager | None = None
    """Who does the work for netplan: networkd or networkmanager; None: not netplan, or not known."""
    files: tuple[OwningFile, ...] = ()
    """The file to edit first; those that it includes or that were made out of it after it."""
    reason: str = ""
    """One sentence: why one may think so, or what would settle it."""
