# SPDX-License-Identifier: GPL-2.0-or-later
"""The machine: files, archives, the journal, programs. ``run.py`` is the only spawner."""
