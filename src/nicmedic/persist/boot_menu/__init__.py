# SPDX-License-Identifier: GPL-2.0-or-later
"""GRUB's menu: which kernel it starts, and the lines of ours that let it start another one once."""
