# SPDX-License-Identifier: GPL-2.0-or-later
"""The lab: virtual machines whose real kernels and real drivers hang on demand. Never shipped; see README.md."""
