# SPDX-License-Identifier: GPL-2.0-or-later
"""The resident watcher: cards are looked at, verdicts become incidents on disk, the policy is asked, remedies are begun. ``loop.py`` is the way in.

Nothing here imports what is heavy: it stays in memory for months. What takes long is done by programs of their own.
"""
