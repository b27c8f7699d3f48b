# SPDX-License-Identifier: GPL-2.0-or-later
"""Plans as POSIX shell: ``undo.sh`` of a transaction, and the prescription for hosts without Python."""

from nicmedic.remedy.script.prescription import render_prescription
from nicmedic.remedy.script.undo import render_undo

__all__ = ["render_prescription", "render_undo"]
