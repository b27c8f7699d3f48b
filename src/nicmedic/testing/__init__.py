# SPDX-License-Identifier: GPL-2.0-or-later
"""In-memory edges that can fail at the n-th call, and made-up logs to try them on. Shipped and typed; only tests import it."""
