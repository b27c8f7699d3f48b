# SPDX-License-Identifier: GPL-2.0-or-later
"""nicmedic: for the host whose network card goes silent."""

__all__ = ["__version__"]

__version__ = "0.1.0"
