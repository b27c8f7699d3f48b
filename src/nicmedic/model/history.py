# SPDX-License-Identifier: GPL-2.0-or-later
"""What is known of a host's past: its boots with their kernels, when its cards hung, what was changed in between, and what nobody wrote down.

The unit is the boot, or the first hang of one, never a line of a log. Hours that no kernel log covers are unknown exposure: they count neither for a
kernel nor against it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

__all__ = ["BootEnd", "BootRecord", "Gap", "HangRecord", "History", "PackageChange", "Source"]


class BootEnd(StrEnum):
    """How a boot ended."""

    RUNNING = "running"
    """It goes on."""
    CLEAN = "clean"
    """It was shut down or rebooted in good order."""
    CRASH = "crash"
    """No word of a shutdown where there would have been one: crash, reset or power cut."""
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class HangRecord:
    """One hang: all lines and expiries from when traffic stopped until it was seen to flow again, or the boot ended."""

    interface: str | None
    driver: str | None
    began: str | None
    """RFC 3339; None: the log does not say enough."""
    uptime_s: float | None
    """On the kernel's clock of that boot, which stands still during suspend."""
    lines: int
    """How many lines or expiries told of it: never a count of hangs."""
    warn_once: bool = False
    """This kernel tells of its watchdog once a boot only, for all cards: later hangs of the boot may be missing."""
    sources: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """A part of a boot in which nothing that was kept would tell of a hang, or in which the host did not run."""

    began_uptime_s: float | None
    hours: float | None
    why: str
    """``suspended``, ``no log``, ``clock jump``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BootRecord:
    """One boot."""

    boot_id: str | None = None
    """Of the kernel (``/proc/sys/kernel/random/boot_id``), without hyphens as the journal has it; None: no source tells."""
    host: str | None = None
    began: str | None = None
    """RFC 3339; None: only its place among the others is known."""
    began_within_s: float | None = None
    """By how much that may be wrong, to either side."""
    ended: str | None = None
    """The last moment at which it was seen to run."""
    end: BootEnd = BootEnd.UNKNOWN
    kernel_release: str | None = None
    """``uname -r``: a point release leaves it as it was."""
    kernel_package: str | None = None
    """Version of the package: ``3.2.73-2+deb7u1``. None: not told, and never guessed from the release."""
    kernel_evidence: str | None = None
    """Which source told of the package: ``log banner``, ``dpkg.log``."""
    ran_h: float | None = None
    """Hours for which the kernel ran, suspends left out; None: its end is not known."""
    covered_h: float = 0.0
    """Of these, hours in which a hang would be found in what was kept."""
    suspends: int | None = None
    gaps: tuple[Gap, ...] = ()
    hangs: tuple[HangRecord, ...] = ()
    """In their order."""
    xen: str | None = None
    """Version of the hypervisor below, if it is told."""
    firmware: str | None = None
    """Of the machine (BIOS, DMI line)."""
    command_line: str | None = None
    circumstances: Mapping[str, str] = field(default_factory=dict)
    """What else a source tells of this boot that may differ from others: ``link eth0``: ``1000 Mb/s full``, ``mtu eth0``, ``load``: ``5 guests``,
    ``trial``: number and verdict of a kernel on trial."""
    sources: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageChange:
    """One package that was installed, upgraded or removed."""

    time: str
    """RFC 3339, or without a zone where the log gives none."""
    package: str
    before: str | None = None
    after: str | None = None
    transaction: str | None = None
    """What went in at once has the same: a start date of apt, a number of dnf."""
    source: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Something that was read."""

    name: str
    """A path, ``journal``, ``wtmp``, ``incidents``."""
    covers_from: str | None = None
    covers_to: str | None = None
    trouble: str | None = None
    """What was wrong with it; None: nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """All of it, for one host. Everything in order of time."""

    host: str | None = None
    boots: tuple[BootRecord, ...] = ()
    changes: tuple[PackageChange, ...] = ()
    sources: tuple[Source, ...] = ()
    notes: tuple[str, ...] = ()
    """What was found strange, or is not known, a sentence each; fit for a terminal."""
