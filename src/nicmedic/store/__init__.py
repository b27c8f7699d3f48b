# SPDX-License-Identifier: GPL-2.0-or-later
"""What outlives a boot: incidents with their evidence, and boots, in one SQLite file. Not for transactions: those are files."""

from nicmedic.store.incidents import HostIncidents

__all__ = ["HostIncidents"]
