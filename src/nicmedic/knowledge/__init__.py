# SPDX-License-Identifier: GPL-2.0-or-later
"""What is known of drivers, as data: one TOML file a driver in ``data/``, and the code that turns such files into values.

The format is described in ``docs/knowledge.md``. Nothing here reads a disk: files come in as text.
"""
