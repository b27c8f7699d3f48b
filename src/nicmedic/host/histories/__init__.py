# SPDX-License-Identifier: GPL-2.0-or-later
"""Readers of a host's past, one module a source, all of them in one tuple (``table.py``)."""

from nicmedic.host.histories.history_source import HostHistories

__all__ = ["HostHistories"]
