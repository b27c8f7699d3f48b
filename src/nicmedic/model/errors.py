# SPDX-License-Identifier: GPL-2.0-or-later
"""Errors that a person can act on: what, where, the value seen, and the next command to type.

Every class has an exit status (``code``) and a stable name (``slug``) that scripts may rely on; both stand in ``docs/errors.md``,
which a test keeps true. Not for bugs of our own: those are plain exceptions and show a traceback.
"""

from typing import ClassVar

__all__ = [
    "EmptyInputError",
    "KernelLogAccessError",
    "MissingToolError",
    "NicmedicError",
    "NoSuchInterfaceError",
    "NotAKernelLogError",
    "NotASnapshotError",
    "UnreadableInputError",
    "UnwritableOutputError",
    "UsageError",
]


class NicmedicError(Exception):
    """An expected failure. ``message`` says what, where and the value seen; ``hint`` is the next command to type."""

    code: ClassVar[int] = 10
    slug: ClassVar[str] = "failed"

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
