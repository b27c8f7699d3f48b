# SPDX-License-Identifier: GPL-2.0-or-later
"""Values to text and JSON. Everything is returned as str; nothing is printed, and every byte out of a log is escaped."""
