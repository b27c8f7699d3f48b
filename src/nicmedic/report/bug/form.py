# SPDX-License-Identifier: GPL-2.0-or-later
"""What a form is; the forms are in modules of their own."""

from collections.abc import Callable
from typing import NamedTuple

from nicmedic.model.bug_report import BugReport

__all__ = ["Form"]


def _nothing(_report: BugReport, _file: str) -> tuple[str, ...]:
    return ()


class Form(NamedTuple):
    """One."""

    name: str
    """As ``--for`` takes it."""
    summary: str
    """A few words, for the help."""
    render: Callable[[BugReport], str]
    """All of it, ending with a newline."""
    list_steps: Callable[[BugReport, str], tuple[str, ...]] = _nothing
    """How to send it, a line each, given the report and the shell word of the file that it is in."""
