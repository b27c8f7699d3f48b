# SPDX-License-Identifier: GPL-2.0-or-later
"""What a history shows of a kernel: figures for each package, the comparison across a change, and what else came with it."""

from dataclasses import dataclass
from enum import StrEnum

__all__ = [
    "ArmFigures",
    "Blame",
    "ChangelogEntry",
    "Comparison",
    "Confounder",
    "Estimate",
    "KernelFigures",
    "Leg",
    "NextSteps",
    "TwinSays",
    "TwinWord",
    "Verdict",
]


class Verdict(StrEnum):
    """Whether hangs became more frequent with a change. Of time, not of cause: what else came with it is told beside."""

    PROVEN = "proven"
    """By accident it would look like this in at most 1 of 100 cases."""
    LIKELY = "likely"
    """In at most 1 of 20."""
    NOT_SHOWN = "not_shown"
    """Which is no proof of the contrary."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A figure, and where the true one is with 95 %."""

    value: float
    low: float
    high: float | None
    """None: no upper bound can be told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmFigures:
    """Boots of one kind."""

    boots: int
    """Of which something was watched."""
    boots_hung: int
    hours_at_risk: float
    """Watched hours, of each boot up to its first hang."""
    first_hangs_h: tuple[float, ...] = ()
    """Hours from the boot to the first hang of each that hung, watched or not, hours asleep left out; ascending."""
    quiet_h: tuple[float, ...] = ()
    """Watched hours of each boot that did not, ascending."""
    rate_per_h: Estimate | None = None
    """First hangs per hour at risk; None: nothing was watched."""
    share_hung: Estimate | None = None
    """Boots that hung, of all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KernelFigures:
    """What one kernel package has seen."""

    package: str | None
    """None: no source tells which kernel these boots ran."""
    releases: tuple[str, ...] = ()
    """What ``uname -r`` said of them."""
    first: str | None = None
    """When its first boot began."""
    last: str | None = None
    ran_h: float | None = None
    """Hours that its boots ran, watched or not; None: not known of all."""
    watched_h: float = 0.0
    """Hours in which a hang would be known of."""
    boots_unwatched: int = 0
    """Boots of which nothing is known, for no log covers them."""
    boots_treated: int = 0
    """Boots in which nicmedic set something against the hangs before any was seen: they count up to then only, or not at all."""
    figures: ArmFigures


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Whether the suspect hangs more than the control."""

    verdict: Verdict
    p: float | None
    """The larger of ``p_rate`` and ``p_boots``, times ``looks``; None: one side was never watched."""
    p_rate: float | None
    """Exact conditional test of outages per hour at risk."""
    p_survival: float | None
    """Log-rank test of the time to the first hang, by permutation of the boots."""
    p_boots: float | None
    """If boots are good or bad by themselves: Boschloo's test within ``horizon_h``; of many boots the smaller of it and ``p_survival``, twice."""
    looks: int
    """Changes of kernel in the history, or all pairs, among which this one could have been chosen after the fact."""
    ratio: Estimate | None
    """How many times as often; the value is the lower bound where the control never hung."""
    outages_control: int
    outages_suspect: int
    carried: int = 0
    """Boots of the suspect that hung in an outage that had begun before, and count for nothing."""
    horizon_h: float | None = None
    p_one_outage: float | None = None
    """All hangs of the suspect are one outage: the chance that its first boot is the one that set it off, if a reboot did and not the kernel."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Confounder:
    """Something else that changed with the kernel."""

    what: str
    """``package xen-hypervisor-4.4``, ``Xen``, ``firmware``, ``command line``, ``link eth0``."""
    before: str | None
    after: str | None
    how: str = ""
    """``in the same transaction``, ``between the two boots``."""


class TwinWord(StrEnum):
    """What another host's history says of "the kernel alone"."""

    CONTRADICTS = "contradicts"
    SUPPORTS = "supports"
    SILENT = "silent"


@dataclass(frozen=True, slots=True, kw_only=True)
class TwinSays:
    """Another host on the same kernel package."""

    host: str | None
    word: TwinWord
    figures: ArmFigures
    """Of the suspect, hangs of the same driver only."""
    control: ArmFigures
    """Of what it is compared with."""
    p: float | None
    """Chance of its quiet if its hangs came as often as here; None: it hung, or says nothing."""
    differences: tuple[Confounder, ...] = ()
    """``before``: the twin, ``after``: this host."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangelogEntry:
    """One entry of a package's changelog that touches what hung."""

    version: str
    text: str
    touches: tuple[str, ...]
    """``driver``, ``bus``, ``core networking``, ``hypervisor``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Leg:
    """One part of an A/B/A plan."""

    package: str
    boots: int
    hours: float
    """For each boot, unless it hangs sooner."""
    expect: str
    commands: tuple[str, ...] = ()
    """Complete, for a shell of root."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NextSteps:
    """What would decide it."""

    summary: str
    legs: tuple[Leg, ...] = ()
    command: str | None = None
    """Carries all of them out, each boot ending by itself; None: there is no plan, or ``nicmedic trial`` cannot boot these kernels."""
    reachable: bool = True
    """False: no reasonable number of boots would, as things are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Blame:
    """The whole answer."""

    host: str | None
    interface: str | None
    """None: hangs of all cards were counted together."""
    drivers: tuple[str, ...]
    """Of the cards that hung."""
    kernels: tuple[KernelFigures, ...]
    """In order of their first boots."""
    before: str | None
    """The package that is compared with; None: the history has no two."""
    after: str | None
    comparison: Comparison | None
    next_steps: NextSteps
    confounders: tuple[Confounder, ...] = ()
    unknown_factors: tuple[str, ...] = ()
    """What could have changed too, and no source tells."""
    twins: tuple[TwinSays, ...] = ()
    changelog: tuple[ChangelogEntry, ...] = ()
    changelog_trouble: str | None = None
    """Why there is none; None: it was read."""
    notes: tuple[str, ...] = ()
    """What limits the answer, a sentence each."""
