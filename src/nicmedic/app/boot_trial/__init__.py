# SPDX-License-Identifier: GPL-2.0-or-later
"""A kernel on trial: booted once, soaked, and then promoted or left again."""
