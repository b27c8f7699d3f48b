# SPDX-License-Identifier: GPL-2.0-or-later
"""Remedies made concrete: what each canonical id does to one NIC, as commands that can be typed, with what takes them back."""
