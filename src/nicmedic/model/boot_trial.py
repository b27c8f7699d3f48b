# SPDX-License-Identifier: GPL-2.0-or-later
"""A kernel on trial: booted once, soaked under traffic, and then made the default, or left again by a reboot that ends on the old one.

From the moment it is armed until it is promoted, whatever resets the host ends on the old kernel: that is what the boot loader does by default, and
the new kernel is booted only where GRUB itself could clear, before it starts it, the word that asks for it.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from nicmedic.model.plan import Identity
from nicmedic.model.transaction import ProbeResult

__all__ = [
    "BootTrial",
    "Card",
    "KernelChoice",
    "Leg",
    "LegResult",
    "SoakFigures",
    "Standing",
    "Traffic",
    "TrialPhase",
    "TrialVerdict",
    "Wanted",
    "find_deadline_s",
    "find_first_s",
    "is_held",
    "list_left",
]


class TrialPhase(StrEnum):
    """Where it stands. On disk before the thing is done."""

    PREPARED = "prepared"
    """The old kernel is the default and saved; no boot is asked for."""
    ARMED = "armed"
    """The next boot is of the kernel on trial, once."""
    SOAKING = "soaking"
    """It runs and is watched."""
    RETURNING = "returning"
    """A reboot to the old kernel was asked for."""
    PROMOTING = "promoting"
    """The default is being changed; found after a crash, that is ended."""
    ENDED = "ended"

    @property
    def is_live(self) -> bool:
        """Whether something is still to happen by itself."""
        return self in {TrialPhase.ARMED, TrialPhase.SOAKING, TrialPhase.RETURNING, TrialPhase.PROMOTING}


class TrialVerdict(StrEnum):
    """How one boot on trial ended."""

    GOOD = "good"
    """It soaked as long as was wanted, and carried the traffic that was wanted."""
    HUNG = "hung"
    """A card stopped, and the policy did not allow to cure it, or that failed."""
    UNREACHED = "unreached"
    """What answered before the boot was not reached, or not any more."""
    CRASHED = "crashed"
    """It ended without a word: panic, reset, power cut, or it never came as far as the service."""
    NOT_BOOTED = "not_booted"
    """The boot after it was armed was not of that kernel: GRUB could not clear its word, or somebody chose another entry."""
    STOPPED = "stopped"
    """The operator ended it."""
    TOO_QUIET = "too_quiet"
    """The traffic that was wanted did not come about in the time that was given."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KernelChoice:
    """One kernel that can be booted."""

    release: str
    """``uname -r``."""
    package: str | None = None
    """Version of its package; None: not known."""
    image: str
    """Path of the kernel, as the running system sees it: ``/boot/vmlinuz-6.1.0-56-amd64``."""
    initrd: str | None = None
    saved: str | None = None
    """Folder with a copy of its own of image, initrd and modules; None: those of the package are used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """What a soak demands of each card."""

    rate_bit_s: int = 0
    """In each direction; 0: whatever the host carries."""
    host: str | None = None
    """Echo requests go there to make it; None: none are made, it is waited for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What the operator asked for."""

    soak_s: float = 1800.0
    reach_s: float = 300.0
    """From the start of the service until the cards reach what they reached before."""
    patience_s: float = 3600.0
    """How much longer than the soak it may take until enough traffic has flowed."""
    traffic: Traffic = Traffic()
    probes: tuple[str, ...] = ()
    """As ``treat --probe`` takes them."""
    promote: bool = True
    """Make it the default in the end; a leg of A/B/A does not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """One that carried traffic before, with what its probes said then."""

    nic: Identity
    interface: str
    before: tuple[ProbeResult, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SoakFigures:
    """What a soak has measured so far."""

    soaked_s: float = 0.0
    """In which the wanted traffic flowed."""
    watched_s: float = 0.0
    rx_bytes: int = 0
    tx_bytes: int = 0
    cured: int = 0
    """Hangs that the watcher's policy allowed to cure, and that were."""
    from_uptime_s: float | None = None
    """On the kernel's clock (``CLOCK_MONOTONIC``): watched without a gap of more than a minute from here. None: not yet."""
    to_uptime_s: float | None = None
    """The same, to here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LegResult:
    """How one boot went."""

    verdict: TrialVerdict
    reason: str = ""
    """One sentence, fit for a terminal."""
    boot_id: str | None = None
    began: str | None = None
    """RFC 3339."""
    ended: str | None = None
    """When this was decided: of a hang, when it was seen."""
    began_uptime_s: float | None = None
    """On the kernel's clock (``CLOCK_MONOTONIC``): from here on a hang would have been seen. None: it never was."""
    ended_uptime_s: float | None = None
    """The same moment on the kernel's clock."""
    hung: str | None = None
    """Interface of the card that stopped; None: none did, or nothing tells which."""
    figures: SoakFigures = SoakFigures()
    evidence: str | None = None
    """Folder with the kernel log and the counters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Leg:
    """One boot that was asked for."""

    kernel: KernelChoice
    soak_s: float
    expect: str = ""
    result: LegResult | None = None
    """None: it has not ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BootTrial:
    """All that is on disk of one."""

    id: int
    phase: TrialPhase
    old: KernelChoice
    """What every reset ends on."""
    legs: tuple[Leg, ...] = ()
    """One of a plain trial; several of A/B/A."""
    wanted: Wanted = Wanted()
    cards: tuple[Card, ...] = ()
    made_at: str
    """RFC 3339."""
    armed_boot_id: str | None = None
    """The boot in which it was armed: in another one it has been tried."""
    asked: bool = False
    """Whether the boot loader is known to have been given the word that asks for the kernel on trial."""
    soak_boot_id: str | None = None
    """The boot of the kernel on trial in which it soaks, or soaked last."""
    soak_began: str | None = None
    """RFC 3339: when the service of that boot took it up."""
    promoted: bool = False
    pinned: bool = False
    """Whether the boot loader's default is held by us still."""
    folder: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How it stands now: for whoever asks, and after each command."""

    trials: tuple[BootTrial, ...] = ()
    """Oldest first; the last is the one that counts."""
    boot_id: str | None = None
    """Of the running boot."""
    running: str | None = None
    """``uname -r``."""
    on_trial: int | None = None
    """The trial whose word stands on the running kernel's command line."""
    armed: int | None = None
    """The trial whose word stands in the boot loader's variables: the next boot is of its kernel, once."""
    held: int | None = None
    """The trial whose lines stand in the boot loader; 0: nothing of ours does; None: that cannot be told."""
    rebooting: bool = False
    """A reboot was asked for in this boot, and comes."""
    progress: SoakFigures | None = None
    """Of the soak that goes on."""
    notes: tuple[str, ...] = ()
    """What the operator should know, a sentence each; also what could not be read."""


_MARGIN_S: Final = 900.0
"""Beyond all that a soak may take: a service that starts late, a cure that goes on, a shutdown that is slow."""


def find_deadline_s(trial: BootTrial) -> float:
    """From the start of a boot on trial: whatever has not ended by then has failed."""
    longest_s = max((leg.soak_s for leg in trial.legs), default=0.0)
    return trial.wanted.reach_s + longest_s + trial.wanted.patience_s + _MARGIN_S


def find_first_s(trial: BootTrial) -> float:
    """From the start of a boot on trial: whoever has not begun to look after it by then does not come."""
    return trial.wanted.reach_s + _MARGIN_S


def is_held(trial: BootTrial) -> bool:
    """Whether the boot loader's default is held by us, by what stands on disk."""
    return trial.pinned or trial.phase in {TrialPhase.ARMED, TrialPhase.SOAKING, TrialPhase.RETURNING}


def list_left(trial: BootTrial) -> tuple[Leg, ...]:
    """Boots that have not ended."""
    return tuple(leg for leg in trial.legs if leg.result is None)
