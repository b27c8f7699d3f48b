# SPDX-License-Identifier: GPL-2.0-or-later
"""The lab's one error: what went wrong, and the command that mends it."""

__all__ = ["LabError"]


class LabError(Exception):
    """The lab cannot do what it was asked to do.

    Attributes:
        message: What, where, and the value seen; one line.
        hint: The next command to type; empty if there is none.
    """

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(f"{message}; type: {hint}" if hint else message)
        self.message = message
        self.hint = hint
