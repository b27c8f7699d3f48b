# SPDX-License-Identifier: GPL-2.0-or-later
"""What stands on a card, as steps that put it back."""
