# SPDX-License-Identifier: GPL-2.0-or-later
"""A card that was found to hang hangs until it is seen to work, whatever happens to it in between.

A hung card's driver resets it and may leave the carrier off (e1000e after ``e1000_reset_task`` on a card that does not come back,
vmxnet3 after ``vmxnet3_reset_work``, e100 after ``e100_tx_timeout_task``); a remedy takes the interface down and up again, or unbinds the
driver. None of that is another outage: not a cable, not an administrator.
"""

from nicmedic.diagnosis.sentry.finding import Finding
from nicmedic.diagnosis.sentry.memory import Memory

__all__ = ["judge"]


def judge(memory: Memory, _now_s: float) -> Finding | None:
    """What it was found for."""
    return memory.hung
