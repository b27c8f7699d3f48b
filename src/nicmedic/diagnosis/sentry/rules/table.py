# SPDX-License-Identifier: GPL-2.0-or-later
"""In which order verdicts are tried: what explains away stands before what it explains."""

from collections.abc import Callable
from typing import Final

from nicmedic.diagnosis.sentry.finding import Finding
from nicmedic.diagnosis.sentry.memory import Memory
from nicmedic.diagnosis.sentry.rules import (
    gone,
    hang_sign,
    no_carrier,
    no_processor,
    paused,
    silent_gateway,
    standing_backlog,
    standing_bytes,
    standing_queue,
    still_hung,
    switched_off,
)

__all__ = ["RULES"]

RULES: Final[tuple[Callable[[Memory, float], Finding | None], ...]] = (
    still_hung.judge,
    gone.judge,
    switched_off.judge,
    no_processor.judge,
    paused.judge,
    hang_sign.judge,
    no_carrier.judge,
    standing_bytes.judge,
    standing_queue.judge,
    standing_backlog.judge,
    silent_gateway.judge,
)
