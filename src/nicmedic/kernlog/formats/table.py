# SPDX-License-Identifier: GPL-2.0-or-later
"""The one visible list of line formats."""

from nicmedic.kernlog.formats import consoles, dmesg, kmsg, syslog
from nicmedic.kernlog.formats.head import LineFormat

__all__ = ["LINE_FORMATS"]

LINE_FORMATS: tuple[LineFormat, ...] = (*kmsg.FORMATS, *consoles.FORMATS, *syslog.FORMATS, *dmesg.FORMATS)
"""Tried in this order, the one that read the line before first: stricter ones stand before more lenient ones."""
