# SPDX-License-Identifier: GPL-2.0-or-later
"""Events and knowledge to findings with their reasons. Pure: no machine, no clock; every number that ranks something is told to the user."""
