# SPDX-License-Identifier: GPL-2.0-or-later
"""The present moment; everything else takes it as an argument."""

import datetime
import time

__all__ = ["HostClock", "read_now"]


def read_now() -> datetime.datetime:
    """Now, aware, in this machine's zone."""
    return datetime.datetime.now().astimezone()


class HostClock:
    """``nicmedic.ports.clock.Clock`` on the real machine."""

    def read_now(self) -> datetime.datetime:
        return read_now()

    def read_monotonic_s(self) -> float:
        return time.monotonic()

    def wait_s(self, seconds: float) -> None:
        time.sleep(seconds)
