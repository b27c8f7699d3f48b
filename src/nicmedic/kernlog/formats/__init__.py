# SPDX-License-Identifier: GPL-2.0-or-later
"""Containers of kernel messages, one module a family. A new one is a module with ``FORMATS`` and its place in ``LINE_FORMATS``."""

from nicmedic.kernlog.formats import consoles, dmesg, kmsg, syslog
from nicmedic.kernlog.formats.head import Head, LineFormat

__all__ = ["LINE_FORMATS", "Head", "LineFormat"]

LINE_FORMATS: tuple[LineFormat, ...] = (*kmsg.FORMATS, *consoles.FORMATS, *syslog.FORMATS, *dmesg.FORMATS)
"""Tried in this order, the one that read the line before first: stricter ones stand before more lenient ones."""
