# SPDX-License-Identifier: GPL-2.0-or-later
"""Boots and hangs of a host to rates, comparisons and confidence. Pure: what was read comes in, what it shows comes out."""
