# SPDX-License-Identifier: GPL-2.0-or-later
"""Keeping a remedy after every boot: written into the files of whoever configures the card, checked after a boot, released to the byte."""
