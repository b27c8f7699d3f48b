# SPDX-License-Identifier: GPL-2.0-or-later
"""What is thought of one card that is watched all the time. Pure, and light: the resident watcher loads it."""

from nicmedic.diagnosis.sentry.sentry import Sentry

__all__ = ["Sentry"]
