# SPDX-License-Identifier: GPL-2.0-or-later
"""The ways of making settings permanent, one module each."""
