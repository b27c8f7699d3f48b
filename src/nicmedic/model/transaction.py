# SPDX-License-Identifier: GPL-2.0-or-later
"""A plan being carried out, as it is kept on disk, and the results of probes.

Which files hold it, ``nicmedic.host.transactions`` says.
"""

from dataclasses import dataclass, field
from enum import StrEnum

from nicmedic.model.plan import Plan

__all__ = ["Confirm", "Entry", "ProbeResult", "ProbeState", "State", "Transaction", "Word", "find_state"]


class Word(StrEnum):
    """What a line of the journal tells. Written and synced before the thing is done, but for those in the past tense."""

    PLANNED = "planned"
    """Plan, evidence and undo script are on disk; nothing is changed."""
    ARMED = "armed"
    """The dead-man's switch runs; detail: how."""
    APPLYING = "applying"
    """A change begins; detail: its number from 0 and remedy."""
    APPLIED = "applied"
    """It was carried out and reads back as wanted."""
    PROBED = "probed"
    """Detail: what the probes said."""
    EXTENDED = "extended"
    CONFIRMED = "confirmed"
    UNDOING = "undoing"
    """Detail: why, and who (``switch``, ``operator``, ``probes``, ``boot``, ``failure``)."""
    UNDONE = "undone"
    UNDO_FAILED = "undo-failed"
    """Detail: the steps that failed."""
    REBOOTED = "rebooted"
    """The boot ended before a confirmation, and the changes with it."""
    ABANDONED = "abandoned"
    """It ended before anything was changed."""


class State(StrEnum):
    """Where a transaction stands."""

    PREPARING = "preparing"
    """Nothing is changed yet."""
    APPLYING = "applying"
    WAITING = "waiting"
    """Changed, not yet confirmed."""
    CONFIRMED = "confirmed"
    UNDOING = "undoing"
    UNDONE = "undone"
    UNDO_FAILED = "undo-failed"
    REBOOTED = "rebooted"
    ABANDONED = "abandoned"

    @property
    def is_open(self) -> bool:
        """Whether it holds its card: nobody else may change that."""
        return self in {State.PREPARING, State.APPLYING, State.WAITING, State.UNDOING}


class Confirm(StrEnum):
    """Who says that a change may stay."""

    OPERATOR = "operator"
    PROBES = "probes"


class ProbeState(StrEnum):
    """What a probe found. One that cannot run is unknown, never down."""

    PASSED = "passed"
    FAILED = "failed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeResult:
    """One probe, once."""

    probe: str
    """``carrier``, ``tx``, ``gateway 10.0.0.1``, ``ping 10.0.0.1``, ``tcp host:22``, ``ssh``: its kind, and whom it asked."""
    state: ProbeState
    detail: str = ""
    """What was seen, or why it is not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of the journal."""

    uptime_s: float
    """``/proc/uptime``: counts sleep, never steps, begins anew with a boot."""
    time: str
    """RFC 3339 by the wall clock, which may be wrong."""
    boot_id: str
    word: Word
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Transaction:
    """All that is on disk of one."""

    id: int
    plan: Plan
    confirm: Confirm
    timeout_s: int
    entries: tuple[Entry, ...] = ()
    decided: str | None = None
    """``confirmed`` or ``undo``: who came first has decided. None: nobody yet."""
    deadline_uptime_s: float | None = None
    """When the switch undoes, in the boot of ``plan.boot_id``."""
    before: tuple[ProbeResult, ...] = field(default_factory=tuple)
    """What the probes said before anything was changed."""
    folder: str = ""
    """Where its files are; ``undo.sh`` among them."""


_AFTER = {
    Word.PLANNED: State.PREPARING,
    Word.ARMED: State.PREPARING,
    Word.APPLYING: State.APPLYING,
    Word.APPLIED: State.WAITING,
    Word.CONFIRMED: State.CONFIRMED,
    Word.UNDOING: State.UNDOING,
    Word.UNDONE: State.UNDONE,
    Word.UNDO_FAILED: State.UNDO_FAILED,
    Word.REBOOTED: State.REBOOTED,
    Word.ABANDONED: State.ABANDONED,
}


def find_state(transaction: Transaction) -> State:
    """Where it stands: by the last word that says so; what was decided outweighs a word that a full disk kept from being written."""
    words = [entry.word for entry in transaction.entries if entry.word in _AFTER]
    state = _AFTER[words[-1]] if words else State.PREPARING
    if transaction.decided == "confirmed" and state.is_open:
        return State.CONFIRMED
    if transaction.decided == "undo" and state.is_open:
        return State.UNDOING
    return state
