# SPDX-License-Identifier: GPL-2.0-or-later
"""Whom the watcher tells, and how: one module a way, and the outbox for what must wait."""

from nicmedic.host.watching.teller.host_teller import METRICS_FILE, HostTeller

__all__ = ["METRICS_FILE", "HostTeller"]
