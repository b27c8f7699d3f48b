# SPDX-License-Identifier: GPL-2.0-or-later
"""What ``watch`` may do: ``/etc/nicmedic/policy.toml`` as values."""

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["Match", "Mode", "NicPolicy", "Policy", "Telling"]


class Mode(StrEnum):
    """How far it goes for a card that hangs."""

    IGNORE = "ignore"
    """The card is not watched."""
    OBSERVE = "observe"
    """Writes incidents down and tells; touches nothing."""
    RESTORE = "restore"
    """And climbs the ladder *restore*."""
    RESTORE_AND_PREVENT = "restore-and-prevent"
    """And then *prevent*, once a boot."""

    @property
    def restores(self) -> bool:
        """Whether anything may be done to the card."""
        return self in (Mode.RESTORE, Mode.RESTORE_AND_PREVENT)


@dataclass(frozen=True, slots=True, kw_only=True)
class NicPolicy:
    """For one card; all times in seconds."""

    mode: Mode = Mode.OBSERVE
    quiet_after_boot_s: float = 120.0
    """Nothing is done so soon after the boot, or after the card appeared (a tenth of it, at most)."""
    cool_down_s: float = 60.0
    """From the end of one treatment to the beginning of the next."""
    attempts_per_hour: int = 4
    reboot: bool = False
    """Leave to reboot the host once, where restoring failed. Never twice for one incident, and never twice within a day."""
    accept_losses: bool = False
    """As ``--accept-losses`` of treat."""
    probes: tuple[str, ...] = ()
    """Further ones, as ``--probe`` of treat takes them."""
    hold_s: float | None = None
    """How long *prevent* holds a factor; None: long enough to mean something."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """Which cards a part of the policy is for: all that is said must fit. Shell patterns (``eth*``)."""

    interface: str | None = None
    driver: str | None = None
    bus_address: str | None = None
    permanent_address: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Telling:
    """Who is told, and how."""

    command: tuple[str, ...] = ()
    """Run with the incident as JSON on its standard input; no shell."""
    urls: tuple[str, ...] = ()
    """Of Apprise, where it is installed. Secrets: never shown."""
    metrics_file: str | None = None
    """For the text file collector of prometheus-node-exporter."""
    metrics_listen: str | None = None
    """``127.0.0.1:9833``; only loopback."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """All of the file."""

    default: NicPolicy = NicPolicy()  # frozen
    nics: tuple[tuple[Match, NicPolicy], ...] = ()
    """The first that fits counts."""
    telling: Telling = Telling()
    watch_virtual: tuple[str, ...] = ()
    """Interfaces without a device that are watched all the same, as shell patterns."""
    evidence_bytes: int = 64 << 20
    stand_by: bool = False
    """Keep a second process ready that acts without having to start first: quicker, and some 40 MB more."""
