# SPDX-License-Identifier: GPL-2.0-or-later
"""A clock that stands still until somebody waits."""

import datetime

__all__ = ["FakeClock"]


class FakeClock:
    """``nicmedic.ports.clock.Clock`` whose waiting takes no time."""

    def __init__(self, now: datetime.datetime | None = None) -> None:
        """``now``: by default the first day of 2025."""
        self._now = datetime.datetime(2025, 1, 1, tzinfo=datetime.UTC) if now is None else now
        self._monotonic_s = 1000.0
        self.waits: list[float] = []
        """What was waited for, in order."""

    def read_now(self) -> datetime.datetime:
        return self._now

    def read_monotonic_s(self) -> float:
        return self._monotonic_s

    def wait_s(self, seconds: float) -> None:
        self.waits.append(seconds)
        self._now += datetime.timedelta(seconds=seconds)
        self._monotonic_s += seconds
