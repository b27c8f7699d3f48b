# SPDX-License-Identifier: GPL-2.0-or-later
"""The mathematics: exact intervals and tests for few and rare events. Knows nothing of kernels; the unit is a spell (``spell.py``)."""
