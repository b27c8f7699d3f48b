# SPDX-License-Identifier: GPL-2.0-or-later
"""Errors that a person can act on: what, where, the value seen, and the next command to type.

Every class has an exit status (``code``) and a stable name (``slug``) that scripts may rely on; both stand in ``docs/errors.md``,
which a test keeps true. Not for bugs of our own: those are plain exceptions and show a traceback.
"""

from typing import ClassVar

__all__ = [
    "BusyError",
    "EmptyInputError",
    "KeepFailedError",
    "KernelLogAccessError",
    "LadderFailedError",
    "MissingToolError",
    "NicmedicError",
    "NoSuchIncidentError",
    "NoSuchInterfaceError",
    "NoSuchKeptError",
    "NoSuchTransactionError",
    "NoSuchTrialError",
    "NotAHistoryError",
    "NotAKernelLogError",
    "NotASnapshotError",
    "NotAgreedError",
    "NotConfirmedError",
    "NotProvenError",
    "NotRootError",
    "NotShownError",
    "PolicyError",
    "ProbesFailedError",
    "RefusedError",
    "RolledBackError",
    "StateError",
    "SwitchError",
    "TimeOverError",
    "TrialFailedError",
    "UndoFailedError",
    "UnreadableInputError",
    "UnwritableOutputError",
    "UsageError",
]


class NicmedicError(Exception):
    """An expected failure. ``message`` says what, where and the value seen; ``hint`` is the next command to type."""

    code: ClassVar[int] = 10
    slug: ClassVar[str] = "failed"

    machine: ClassVar[str] = ""
    """What became of the machine, told first: ``nothing was changed``, ``rolled back``, ``CHANGED``; empty: it was only looked at."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        """Keep both texts; neither holds control characters of a log (callers escape what they quote)."""
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(NicmedicError):
    """The command line cannot be understood."""

    code = 2
    slug = "usage"


class UnreadableInputError(NicmedicError):
    """A file that was named is missing, forbidden, damaged, or refused by a limit."""

    code = 11
    slug = "unreadable-input"


class EmptyInputError(NicmedicError):
    """A source was read and holds nothing at all."""

    code = 12
    slug = "empty-input"


class NotAKernelLogError(NicmedicError):
    """A source was read, and no line of it is a kernel message."""

    code = 13
    slug = "not-a-kernel-log"


class KernelLogAccessError(NicmedicError):
    """This machine's own kernel log cannot be read by this user."""

    code = 14
    slug = "no-kernel-log-access"


class MissingToolError(NicmedicError):
    """A program that is needed for this input is not installed."""

    code = 15
    slug = "missing-tool"


class PolicyError(NicmedicError):
    """The policy of watch says something that is not understood, so nothing of it holds."""

    code = 16
    slug = "bad-policy"


class UnwritableOutputError(NicmedicError):
    """A file that was to be written could not be; nothing of it is left behind."""

    code = 20
    slug = "unwritable-output"


class NotASnapshotError(NicmedicError):
    """What was handed in as a picture of a host is none, or of a version that this nicmedic does not know."""

    code = 21
    slug = "not-a-snapshot"


class NoSuchInterfaceError(NicmedicError):
    """The network card that was named is not there, or what was named is no network card."""

    code = 22
    slug = "no-such-interface"


class NoSuchIncidentError(NicmedicError):
    """There is no incident of that number, or no such piece of its evidence any more."""

    code = 30
    slug = "no-such-incident"


class NotAHistoryError(NicmedicError):
    """What was handed in as the history of a host is none, or of a version that this nicmedic does not know."""

    code = 33
    slug = "not-a-history"


class _UntouchedError(NicmedicError):
    """A change was asked for, and nothing was changed."""

    machine = "nothing was changed"


class RefusedError(_UntouchedError):
    """This remedy is not carried out on this card, or not kept or released on this host, or no kernel is tried here; every reason is told."""

    code = 23
    slug = "refused"


class NotShownError(_UntouchedError):
    """Traffic was to be brought back, and nothing shows that it does not flow."""

    code = 35
    slug = "not-shown"


class NotRootError(_UntouchedError):
    """Only root may change a card."""

    code = 24
    slug = "not-root"


class BusyError(_UntouchedError):
    """Another transaction holds this card, or the same is being done by somebody else."""

    code = 25
    slug = "busy"


class SwitchError(_UntouchedError):
    """The dead-man's switch cannot be armed, and without it nothing is changed."""

    code = 26
    slug = "no-switch"


class StateError(_UntouchedError):
    """What nicmedic keeps, transactions, incidents and kept remedies, or a configuration file cannot be read or written."""

    code = 27
    slug = "no-state"


class NoSuchTransactionError(_UntouchedError):
    """There is no transaction of that number, or none that this could be done to."""

    code = 28
    slug = "no-such-transaction"


class NoSuchKeptError(_UntouchedError):
    """Nothing is kept under that number, or not any more."""

    code = 31
    slug = "no-such-kept"


class NoSuchTrialError(_UntouchedError):
    """No kernel was put on trial here."""

    code = 34
    slug = "no-such-trial"


class NotAgreedError(_UntouchedError):
    """A reboot was to be asked for, and nobody said yes."""

    code = 32
    slug = "not-agreed"


class NotProvenError(_UntouchedError):
    """The confirmation did not show that it came through the treated card; the transaction stays as it is."""

    code = 29
    slug = "not-proven"


class RolledBackError(NicmedicError):
    """A change failed or read back as something else, and was undone."""

    code = 40
    slug = "change-failed"
    machine = "rolled back"


class ProbesFailedError(RolledBackError):
    """Traffic did not come back after the change, which was undone."""

    code = 41
    slug = "probes-failed"


class NotConfirmedError(RolledBackError):
    """Nobody confirmed in time, or the transaction was ended by somebody else; it was undone."""

    code = 42
    slug = "not-confirmed"


class TimeOverError(RolledBackError):
    """A change and the probes after it took longer than they were given, so it was undone."""

    code = 44
    slug = "time-over"


class KeepFailedError(RolledBackError):
    """Keeping or releasing a remedy failed on the way; every file is as it was before."""

    code = 45
    slug = "keep-failed"


class TrialFailedError(RolledBackError):
    """Preparing for a trial, or arming it, failed on the way; the boot loader is as it was before."""

    code = 46
    slug = "trial-failed"


class LadderFailedError(RolledBackError):
    """No remedy of the ladder helped; the card is as it was before."""

    code = 43
    slug = "nothing-helped"


class UndoFailedError(NicmedicError):
    """Undoing failed as well. The commands that are left to type stand in the hint."""

    code = 50
    slug = "undo-failed"
    machine = "CHANGED"
