# SPDX-License-Identifier: GPL-2.0-or-later
"""The cable: out, or loose."""

import threading
from typing import ClassVar

from lab.errors import LabError
from lab.faults.base import Fault
from lab.machine import Machine
from lab.nics import ALL

__all__ = ["LinkDown", "LinkFlapping"]


def _set_link(machine: Machine, *, up: bool) -> None:
    """Pull the cable, or put it in; for hangsim it is the cable of the card that carries its frames."""
    if not machine.nic.sees_link:
        able = ", ".join(nic.name for nic in ALL if nic.sees_link)
        raise LabError(f"QEMU does not tell {machine.nic.name} of its cable; take one of {able}")
    machine.qemu.ask("set_link", name=machine.card, up=up)


class LinkDown(Fault):
    """Pull the cable out (QMP ``set_link``)."""

    name: ClassVar[str] = "link-down"

    def set(self, machine: Machine) -> None:
        _set_link(machine, up=False)

    def clear(self, machine: Machine) -> None:
        _set_link(machine, up=True)


class LinkFlapping(Fault):
    """Pull the cable out and put it in again, over and over.

    Args:
        down_s: How long it is out each time.
        up_s: How long it is in each time.
    """

    name: ClassVar[str] = "link-flapping"

    def __init__(self, *, down_s: float = 1.0, up_s: float = 1.0) -> None:
        self._pauses = (down_s, up_s)
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    def set(self, machine: Machine) -> None:
        self._ended.clear()
        _set_link(machine, up=False)
        self._thread = threading.Thread(target=self._flap, args=(machine,), daemon=True)
        self._thread.start()

    def _flap(self, machine: Machine) -> None:
        up = False
        while not self._ended.wait(self._pauses[up]):
            up = not up
            _set_link(machine, up=up)

    def clear(self, machine: Machine) -> None:
        self._ended.set()
        if self._thread:
            self._thread.join()
        _set_link(machine, up=True)
