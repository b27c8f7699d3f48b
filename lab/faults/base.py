# SPDX-License-Identifier: GPL-2.0-or-later
"""What a fault is."""

from typing import ClassVar, Protocol

from lab.machine import Machine

__all__ = ["Fault"]


class Fault(Protocol):
    """Something that goes wrong with a machine's network card or around it.

    Attributes:
        name: What a person types.
    """

    name: ClassVar[str]

    def set(self, machine: Machine) -> None:
        """Let it go wrong; returns when it has."""

    def clear(self, machine: Machine) -> None:
        """Take the cause away. What the driver made of it stays: a hung card may need a rebind."""
