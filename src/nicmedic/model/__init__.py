# SPDX-License-Identifier: GPL-2.0-or-later
"""Frozen values and errors that every part shares. Imports nothing of ours; nothing here looks at a machine."""
