# SPDX-License-Identifier: GPL-2.0-or-later
"""Remedies made concrete for one live card: one module a family, one table in ``table.py``."""
