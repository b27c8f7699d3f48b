# SPDX-License-Identifier: GPL-2.0-or-later
"""One rule or excuse a module, each ``judge(memory, now_s)``: a finding ends the search, None leaves it to the next in ``table``."""
