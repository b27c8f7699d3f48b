# SPDX-License-Identifier: GPL-2.0-or-later
"""One history out of many sources: which boots there were, with which kernel, for how long, and what hung. Pure; nothing here reads a machine."""
