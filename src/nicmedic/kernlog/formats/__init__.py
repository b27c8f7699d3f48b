# SPDX-License-Identifier: GPL-2.0-or-later
"""Containers of kernel messages, one module a family. A new one is a module with ``FORMATS`` and its place in ``table.LINE_FORMATS``."""

from nicmedic.kernlog.formats.head import Head, LineFormat
from nicmedic.kernlog.formats.table import LINE_FORMATS

__all__ = ["LINE_FORMATS", "Head", "LineFormat"]
