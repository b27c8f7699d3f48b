# SPDX-License-Identifier: GPL-2.0-or-later
"""What the jobs in ``app`` ask of the outside, as protocols and plain values. The real things are in ``host``, fakes in ``testing``."""
