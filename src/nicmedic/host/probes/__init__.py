# SPDX-License-Identifier: GPL-2.0-or-later
"""Tests of traffic over one card: one module a probe, all of them in ``table.py``."""

from nicmedic.host.probes.prober import HostProber

__all__ = ["HostProber"]
