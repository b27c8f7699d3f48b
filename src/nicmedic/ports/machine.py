# SPDX-License-Identifier: GPL-2.0-or-later
"""A machine that can be looked at. Changing it is for others."""

from collections.abc import Iterable
from typing import Protocol

from nicmedic.model.counters import Counters
from nicmedic.model.host import Host

__all__ = ["Machine"]


class Machine(Protocol):
    """The host as it is now."""

    def read_host(self) -> Host:
        """Everything. What cannot be read is None and has a note; never raises for what a host may be like."""

    def read_counters(self, interfaces: Iterable[str]) -> tuple[Counters, ...]:
        """A cheap second look at some NICs, in the order asked for; one that is gone has nothing but its name and the time."""
