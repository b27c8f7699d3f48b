# SPDX-License-Identifier: GPL-2.0-or-later
"""The NIC that is asked for, what one manager says of it, and the answer."""

from dataclasses import dataclass
from enum import IntEnum

__all__ = ["Claim", "FileLine", "Owner", "Strength", "Target"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """The NIC, by everything that a configuration may name it by. None: not known, which is not the same as having none."""

    interface: str
    ifindex: int | None = None
    address: str | None = None
    """MAC address now."""
    permanent_address: str | None = None
    driver: str | None = None
    path: str | None = None
    """udev's ID_PATH, as ``pci-0000:02:00.0``."""
    altnames: tuple[str, ...] = ()
    kind: str | None = "ether"
    """As systemd's Type=: ether, wlan, bridge, bond, vlan."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileLine:
    """A place in a file, and what is there."""

    path: str
    line: int | None = None
    """Counted from 1; None: the whole file."""
    role: str
    """What it is to the NIC: defines, port-of, template, drop-in, maps, activates, generated, unmanaged, state, link."""


class Strength(IntEnum):
    """How a manager lays claim to a NIC; the higher, the surer."""

    POSSIBLE = 1
    """Nothing names the NIC, but the manager takes every NIC that nobody keeps from it."""
    MATCHED = 2
    """A pattern that fits many."""
    DEFINED = 3
    """A file says this very NIC."""
    RUNNING = 4
    """The manager's own state of this boot says that it has the NIC."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What one manager says."""

    manager: str
    strength: Strength | None
    """None: it does not have the NIC, and ``why`` says how that is known."""
    renderer: str | None = None
    files: tuple[FileLine, ...] = ()
    why: str
    active: bool | None = None
    """Whether the manager works on this host at all; None: the files do not say."""
    undecided: tuple[str, ...] = ()
    """What this manager's files say that cannot be judged from files."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """Who configures a NIC; ``persist/owner.py`` turns it into the shorter ``model.ownership.Ownership``."""

    interface: str
    manager: str | None
    """ifupdown, ifupdown2, networkd, networkmanager, netplan, wicked, netifd, ifcfg; ``none``: nobody; None: cannot be told."""
    renderer: str | None = None
    """What carries out netplan's files (networkd, networkmanager), or how NetworkManager reads its (ifcfg-rh)."""
    files: tuple[FileLine, ...] = ()
    why: str
    link_file: FileLine | None = None
    """The .link file that udev applies, beside whoever owns the NIC."""
    contenders: tuple[str, ...] = ()
    """Where it cannot be told: the managers that may have it."""
    undecided: tuple[str, ...] = ()
    settle: str = ""
    """Where it cannot be told: what would settle it."""
