# SPDX-License-Identifier: GPL-2.0-or-later
"""Plans as POSIX shell: ``undo.sh`` of a transaction, and the prescription for hosts without Python."""
