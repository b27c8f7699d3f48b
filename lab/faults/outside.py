# SPDX-License-Identifier: GPL-2.0-or-later
"""What goes wrong outside the machine, while its carrier stays up."""

from typing import ClassVar

from lab.faults.base import Fault
from lab.machine import Machine

__all__ = ["GatewayGone", "LossySegment", "PartnerGone"]


class PartnerGone(Fault):
    """The segment falls silent; the carrier stays up."""

    name: ClassVar[str] = "partner-gone"

    def set(self, machine: Machine) -> None:
        machine.segment.set_silent(silent=True)

    def clear(self, machine: Machine) -> None:
        machine.segment.set_silent(silent=False)


class LossySegment(Fault):
    """Frames get lost on their way, in both directions.

    Args:
        percent: How many of a hundred.
    """

    name: ClassVar[str] = "lossy-segment"

    def __init__(self, *, percent: int = 30) -> None:
        self._percent = percent

    def set(self, machine: Machine) -> None:
        machine.segment.set_lossy(machine.taps[machine.card], self._percent)

    def clear(self, machine: Machine) -> None:
        machine.segment.whole()


class GatewayGone(Fault):
    """The gateway is gone; others on the segment answer."""

    name: ClassVar[str] = "gateway-gone"

    def set(self, machine: Machine) -> None:
        machine.segment.set_gateway(there=False)

    def clear(self, machine: Machine) -> None:
        machine.segment.set_gateway(there=True)
