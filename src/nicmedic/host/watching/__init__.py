# SPDX-License-Identifier: GPL-2.0-or-later
"""What the resident watcher senses, and whom it tells. Nothing here imports more than it must: all of it stays in memory."""
