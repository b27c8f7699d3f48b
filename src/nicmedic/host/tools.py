# SPDX-License-Identifier: GPL-2.0-or-later
"""Which programs this host has."""

from collections.abc import Iterable

from nicmedic.host.run import find_program

__all__ = ["find_tools"]


def find_tools(names: Iterable[str]) -> frozenset[str]:
    """Those that are installed."""
    return frozenset(name for name in names if find_program(name) is not None)
