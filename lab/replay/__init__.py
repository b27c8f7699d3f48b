# SPDX-License-Identifier: GPL-2.0-or-later
"""The whole story of a server whose new kernel hangs its network card, played on a real Debian and written down: ``make replay``."""
