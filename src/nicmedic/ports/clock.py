# SPDX-License-Identifier: GPL-2.0-or-later
"""Time, for those who wait or measure."""

import datetime
from typing import Protocol

__all__ = ["Clock"]


class Clock(Protocol):
    """The present moment, and patience."""

    def read_now(self) -> datetime.datetime:
        """Now, aware."""

    def read_monotonic_s(self) -> float:
        """Seconds on a clock that never steps; only differences mean something."""

    def wait_s(self, seconds: float) -> None:
        """Come back after so many seconds."""
