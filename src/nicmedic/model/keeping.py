# SPDX-License-Identifier: GPL-2.0-or-later
"""A remedy that is to hold after every boot: what shall be set, where that was written, for which kernel it was made, and whether it held.

Planned by ``nicmedic.persist``, carried out and kept on disk by ``nicmedic.app.keep``.
"""

from dataclasses import dataclass
from enum import StrEnum

from nicmedic.model.finding import RemedyId
from nicmedic.model.plan import Identity, Setting
from nicmedic.model.step import Step

__all__ = ["Check", "CheckWord", "FileEdit", "Kept", "KeptState", "MadeFor", "NoPlace", "OnDrift", "Placement", "Wish"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """One remedy that shall be in force after every boot."""

    remedy: RemedyId
    argument: str = ""
    """What stands after the colon of ``--remedy ID:ARG``."""
    title: str = ""
    settings: tuple[Setting, ...]
    """What must be read afterwards; ``cmdline.pcie_aspm.policy`` is the parameter of the kernel's command line, which only a boot sets."""
    steps: tuple[Step, ...] = ()
    """Set it on the running host; none where only a boot can."""
    before: tuple[Setting, ...] = ()
    """What was set before it was tried."""
    lift: tuple[Step, ...] = ()
    """Bring that back on the running host; none where it is not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileEdit:
    """One file, as it is and as it shall be, to the byte."""

    path: str
    """Of the file itself, links followed."""
    before: bytes | None
    """None: there is none."""
    after: bytes | None
    """None: it is taken away."""
    mode: int | None = None
    """Of a new file; None: 0644. A file that is there keeps mode and owner."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """Where settings were found a place."""

    back_end: str
    """``ifupdown``, ``ifupdown2``, ``link``, ``networkmanager``, ``netplan``, ``ifcfg``, ``udev``, ``command-line``, ``modprobe``, ``unit``."""
    settings: tuple[str, ...]
    """Names of those of the wish that it brings about."""
    edits: tuple[FileEdit, ...]
    refresh: tuple[tuple[str, ...], ...] = ()
    """Programs that make the change known, after writing and after taking it back: ``update-grub``, ``udevadm control --reload``.

    Which of them may fail: ``nicmedic.persist.refreshing``.
    """
    takes_hold: str = ""
    """When it is in force: ``at the next ifup``, ``at the next boot``."""
    notes: tuple[str, ...] = ()
    """What the operator should know, a sentence each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NoPlace:
    """Why a back end does not take a setting."""

    back_end: str
    reasons: tuple[str, ...]
    settle: tuple[str, ...] = ()
    """Commands that show it, or that would lift the reason."""
    told: tuple[str, ...] = ()
    """Those of the reasons that are told though another place was found: the file is the one that configures the card, and it was passed over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeFor:
    """What a remedy was needed for: with another kernel it may not be any more."""

    driver: str | None = None
    chip: str | None = None
    """``10ec:8168``."""
    kernel_package: str | None = None
    kernel_release: str | None = None


class KeptState(StrEnum):
    """Where it stands. On disk before the thing is done."""

    WRITING = "writing"
    """Files are being written; found after a crash, all of them are put back."""
    KEPT = "kept"
    RELEASING = "releasing"
    """Files are being put back; found after a crash, that is ended."""
    RELEASED = "released"


class OnDrift(StrEnum):
    """What the check after a boot does when something else is set."""

    ALARM = "alarm"
    REPAIR = "repair"


class CheckWord(StrEnum):
    """What a check found."""

    IN_FORCE = "in_force"
    DRIFTED = "drifted"
    """Something else is set."""
    REPAIRED = "repaired"
    UNKNOWN = "unknown"
    """The card is not there, or what is set cannot be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """What was found once."""

    time: str
    """RFC 3339."""
    boot_id: str | None
    kernel_package: str | None
    word: CheckWord
    differences: tuple[str, ...] = ()
    """``mtu is 1500, not 1400``."""
    occasion: str = ""
    """``boot``, ``link flap``, ``operator``; ``trial``: the card hung without it."""
    note: str = ""
    """What a trial has shown; empty: it was none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """One remedy that is kept, as it is on disk."""

    id: int
    nic: Identity
    wishes: tuple[Wish, ...]
    placements: tuple[Placement, ...]
    made_for: MadeFor
    on_drift: OnDrift
    kept_at: str
    """RFC 3339."""
    state: KeptState
    transaction: int | None = None
    """In which it was tried; None: it was not."""
    checks: tuple[Check, ...] = ()
    """The newest last."""
    released_at: str | None = None
    folders: tuple[str, ...] = ()
    """That had to be made for its files; they go when they are empty."""
    folder: str = ""
    """Where nicmedic has all this on disk."""
