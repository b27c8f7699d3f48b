# SPDX-License-Identifier: GPL-2.0-or-later
"""One module a job. Speaks to the outside through ``nicmedic.ports`` only."""
