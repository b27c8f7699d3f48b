# SPDX-License-Identifier: GPL-2.0-or-later
"""A card that hangs only while a setting holds, as real silicon does: only at a gigabit, only with TSO on."""

import time
from typing import ClassVar

from lab.agent import Job
from lab.errors import LabError
from lab.faults.base import Fault
from lab.faults.bus_master import BusMasterOff
from lab.machine import Machine

__all__ = ["HangWhen"]


class HangWhen(Fault):
    """Clear the bus-master bit each time all settings have held for a while; ``guest/hang_when.py`` does it in the guest.

    Args:
        settings: What ``ethtool`` calls it, and the value: ``{"Speed": "1000Mb/s", "tcp-segmentation-offload": "on"}``.
        after_s: For how long all must have held.
    """

    name: ClassVar[str] = "hang-when"

    def __init__(self, settings: dict[str, str], *, after_s: float = 0) -> None:
        self._words = [f"{name}: {value}" for name, value in settings.items()]
        self._after_s = after_s
        self._job: Job | None = None

    def set(self, machine: Machine) -> None:
        arguments = (machine.interface, machine.bus_address, str(self._after_s), *self._words)
        self._job = machine.start("python3", f"{machine.guest_files}/hang_when.py", *arguments)
        time.sleep(0.3)
        if ended := self._job.poll():
            raise LabError(f"the rule did not start: {ended.err or ended.out}")

    def clear(self, machine: Machine) -> None:
        if self._job:
            self._job.kill()
        BusMasterOff().clear(machine)
