# SPDX-License-Identifier: GPL-2.0-or-later
"""What can go wrong with a network card and around it; each is one call to set and one to clear.

A new fault is one module and one line in ``FAULTS``.
"""

from lab.errors import LabError
from lab.faults.base import Fault
from lab.faults.bus_master import BusMasterOff
from lab.faults.cpu import CpuStarved
from lab.faults.driver import DriverReload
from lab.faults.interrupt import InterruptLost
from lab.faults.link import LinkDown, LinkFlapping
from lab.faults.machine import Paused, PowerCut
from lab.faults.outside import GatewayGone, LossySegment, PartnerGone
from lab.faults.setting import HangWhen

__all__ = ["FAULTS", "Fault", "find"]

FAULTS: tuple[type[Fault], ...] = (
    BusMasterOff,
    HangWhen,
    InterruptLost,
    LinkDown,
    LinkFlapping,
    DriverReload,
    CpuStarved,
    Paused,
    PowerCut,
    PartnerGone,
    LossySegment,
    GatewayGone,
)


def find(name: str) -> type[Fault]:
    """The fault of that name.

    Raises:
        LabError: if there is none.
    """
    for fault in FAULTS:
        if fault.name == name:
            return fault
    raise LabError(f"no fault is called {name!r}; there are {', '.join(fault.name for fault in FAULTS)}")
