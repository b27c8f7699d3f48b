# SPDX-License-Identifier: GPL-2.0-or-later
"""The answer of ``nicmedic check``: what each card does now, what it did before, what may bite it. How it is found: ``nicmedic.diagnosis``."""

from dataclasses import dataclass
from enum import StrEnum

from nicmedic.model.explanation import Unknown
from nicmedic.model.host import Host
from nicmedic.model.keeping import CheckWord
from nicmedic.model.note import Note

__all__ = ["Checkup", "KeptHere", "NicVerdict", "Reason", "Risk", "Verdict"]


class Verdict(StrEnum):
    """The words of ``nicmedic.check/1``."""

    HEALTHY = "healthy"
    """Nothing speaks against it."""
    HUNG = "hung"
    """It takes frames and sends none, now."""
    WAS_HUNG = "was_hung"
    """It hung in this boot, and does not now."""
    AT_RISK = "at_risk"
    """It works, and something that is known to go wrong is set up."""
    LINK_DOWN = "link_down"
    """It has no carrier, or is switched off."""
    ELSEWHERE = "elsewhere"
    """Something is wrong, and it is not this card."""
    UNKNOWN = "unknown"
    """What was seen does not decide it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """One thing that was seen."""

    text: str
    """A sentence with the values."""
    source: str
    """Where they were seen: a file of sysfs, a line of the kernel log, an address on the web."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Risk:
    """Something that has gone wrong on such a card, kernel and setting before."""

    cause: str
    """Id of the knowledge's cause, ``file/id``; ``link/duplex`` for a duplex mismatch."""
    title: str
    reasons: tuple[Reason, ...]
    remedy: str | None = None
    """The mildest of the knowledge's remedies that is a setting, as its id: ``aspm-off``."""
    sources: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptHere:
    """A remedy that ``nicmedic keep`` keeps for a card."""

    id: int
    remedies: tuple[str, ...]
    """As ``--remedy`` takes them."""
    kept_at: str
    """RFC 3339."""
    interface: str = ""
    """What the card was called then."""
    word: CheckWord | None = None
    """Whether it is in force now, as ``verify`` finds it: ``in_force``, ``drifted`` or ``unknown``; None: it is only just being kept or released."""
    differences: tuple[str, ...] = ()
    """What is not as it should be, or why that cannot be told: ``mtu is 1500, not 1400``."""
    expiry: str | None = None
    """What it was kept for and is another now, in a clause; None: nothing is, as far as that can be told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NicVerdict:
    """One card's."""

    interface: str
    verdict: Verdict
    headline: str
    """The verdict as the rest of a sentence that begins with the interface: ``hangs now: 196 bytes …``."""
    reasons: tuple[Reason, ...] = ()
    """What decided it first; then all else that was seen, also what speaks of earlier hangs."""
    risks: tuple[Risk, ...] = ()
    settle: tuple[Unknown, ...] = ()
    """What is not known, each with the command that would settle it."""
    wanted: bool = True
    """False: it is switched off (not UP), and that is no finding."""
    kept: tuple[KeptHere, ...] | None = None
    """What is kept for it; None: not read, which only root may, on this host."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkup:
    """Everything that ``check`` tells, before it becomes text or JSON."""

    host: Host
    verdicts: tuple[NicVerdict, ...]
    """In the order of ``host.nics``; of one card only, if one was asked for."""
    seconds_between_looks: float | None = None
    """None: there was one look only."""
    notes: tuple[str, ...] = ()
    """What limits the answer as a whole."""
    lost: tuple[Reason, ...] = ()
    """What the log of this boot tells of hangs and losses, where no card is there any more."""
    kept_absent: tuple[KeptHere, ...] = ()
    """What is kept for cards that are not there."""

    @property
    def unlisted(self) -> Note | None:
        """Why it is not known which cards there are."""
        return None if self.host.nics else next((note for note in self.host.notes if note.what == "nics"), None)

    @property
    def has_findings(self) -> bool:
        """Whether anything is wrong, or may be."""
        if self.lost or self.unlisted is not None or self.host.locked is not None:
            return True
        return bool(self.drifted) or any(one.wanted and one.verdict is not Verdict.HEALTHY for one in self.verdicts)

    @property
    def drifted(self) -> tuple[tuple[str, KeptHere], ...]:
        """What is kept and not in force, each with its card; what concerns a card that is switched off is no finding."""
        return tuple(
            (one.interface, kept) for one in self.verdicts if one.wanted for kept in one.kept or () if kept.word is CheckWord.DRIFTED
        )
