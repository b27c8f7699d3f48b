# SPDX-License-Identifier: GPL-2.0-or-later
"""Values of a knowledge file: the head, causes with their clauses, cautions. Signals and trials are in ``nicmedic.model``."""

from dataclasses import dataclass
from enum import StrEnum

from nicmedic.model.finding import Blame, RemedyId, Trial
from nicmedic.model.signal import Signal

__all__ = ["Advice", "Cause", "Caution", "Clause", "Danger", "Default", "DriverKnowledge", "Packages", "Problem"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Why a knowledge file, or a part of it, cannot be used."""

    file: str
    line: int | None
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """A remedy with its arguments, as ``offload-off:tso,gso`` spells it."""

    id: RemedyId
    arguments: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Clause:
    """Evidence for or against a cause. Every field that is not None must hold; see the table in ``docs/knowledge.md``."""

    weight: float = 0.0
    because: str = ""
    signal: tuple[str, ...] | None = None
    no_signal: tuple[str, ...] | None = None
    kind: str | None = None
    within_s: float | None = None
    count_min: int | None = None
    kernel: str | None = None
    release: str | None = None
    chip: str | None = None
    virtualization: tuple[str, ...] | None = None
    hardware: str | None = None
    uptime_max_s: float | None = None
    after_link_up_max_s: float | None = None
    stall_ms_min: int | None = None
    stall_ms_max: int | None = None
    hangs_min: int | None = None
    drivers_min: int | None = None
    interfaces_min: int | None = None
    duplex: str | None = None
    speed_max_mbps: int | None = None
    dump: str | None = None
    process: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """What may be behind a hang, with what speaks for and against it."""

    file: str
    id: str
    title: str
    blames: Blame
    base: float
    speaks_for: tuple[Clause, ...]
    speaks_against: tuple[Clause, ...]
    remedies: tuple[Advice, ...]
    explains: str
    settle: tuple[str, ...]
    sources: tuple[str, ...]

    @property
    def key(self) -> str:
        """``file/id``."""
        return f"{self.file}/{self.id}"


class Danger(StrEnum):
    """In which state of the card a remedy may cost more than the card."""

    ALWAYS = "always"
    NO_CARRIER = "no-carrier"
    """The interface is up and has no carrier, as after a reset that failed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Caution:
    """A warning that belongs to a remedy, everywhere or under a condition."""

    remedy: RemedyId
    when: Clause | None
    text: str
    source: str
    dangerous: Danger | None = None
    """``treat`` refuses the remedy in this state of the card, unless it is told that losses are accepted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Default:
    """What to think of a hang of this driver when the log holds nothing but the hang."""

    blames: Blame = Blame.UNKNOWN
    because: str = ""
    remedies: tuple[Advice, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Packages:
    """Debian's packages for the driver's cards; empty: none is known."""

    firmware: str = ""
    """Has the files from which the card takes its firmware at each start."""
    vendor_driver: str = ""
    """The maker's driver; in the file of such a driver, the package that it came in. ``{driver}`` stands for the name that the log prints."""
    vendor_note: str = ""
    """What to know before it is installed."""
    replaces: str = ""
    """The kernel's own driver that this one of the maker stands in for; empty: it is the kernel's own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DriverKnowledge:
    """All of one file (or of a shipped file and an operator's addition to it)."""

    name: str
    names: tuple[str, ...]
    """The driver's name and aliases; empty for core and platform files."""
    title: str
    bus: str
    watchdog_timeo_ms: int | None
    tx_timeout_handler: bool
    sources: tuple[str, ...]
    default: Default
    signals: tuple[Signal, ...]
    causes: tuple[Cause, ...]
    trials: tuple[Trial, ...]
    cautions: tuple[Caution, ...]
    packages: Packages = Packages()
