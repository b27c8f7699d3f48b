# SPDX-License-Identifier: GPL-2.0-or-later
"""The partner holds the port with pause frames.

One holds it for at most 65535 times 512 bit times (IEEE 802.3 annex 31B.2): 34 ms at 1 Gb/s. So they explain that nothing is sent only if
enough of them come in; a few explain nothing. Most drivers read the card's counters when they are asked (e1000e
``e1000_get_ethtool_stats``, igb, ixgbe, i40e); a driver that counts none leaves this open, and the card is judged as if there were none.
"""

from nicmedic.diagnosis.sentry.finding import Finding
from nicmedic.diagnosis.sentry.memory import Memory
from nicmedic.diagnosis.sentry.rules.no_processor import find_standing
from nicmedic.model.incident import IncidentVerdict

__all__ = ["judge"]

_HELD_BITS = 65535 * 512
_STANDS_S = 2.0
_BEGINS_S = 0.15
_ASKS_S = 0.5
_SIGN_S = 6.0
"""The kernel's watchdog speaks 5 s after the port was held."""


def judge(memory: Memory, now_s: float) -> Finding | None:
    """Nobody's fault while it is short, the link's if it lasts."""
    since_s = _find_since(memory, now_s)
    if since_s is None or now_s - since_s < _BEGINS_S:
        return None
    counted = memory.looks.count_pauses(since_s)
    if counted is None or counted[0] <= 0:
        return None
    rise, seconds = counted
    speed_mbps = memory.card.speed_mbps
    if speed_mbps and rise * _HELD_BITS / (speed_mbps * 1e6) < seconds:
        return None
    memory.excused_s = now_s
    memory.looks.want(now_s, _ASKS_S)
    memory.sign = None  # a port that is held makes the watchdog fire
    if now_s - since_s < _STANDS_S:
        return Finding(None)
    text = f"{rise} pause frames came in within {seconds:.1f} s"
    if not speed_mbps:
        return Finding(
            IncidentVerdict.UNSURE, (f"nothing was sent, and {text}; whether they held it is open: its speed is not known",), since_s
        )
    return Finding(IncidentVerdict.LINK, (f"the partner tells it to pause: {text}",), since_s)


def _find_since(memory: Memory, now_s: float) -> float | None:
    """Since when it stands, or since the watchdog could have been provoked."""
    since_s = find_standing(memory)
    if since_s is None and memory.sign is not None and now_s - memory.sign.at_s < _SIGN_S:
        return memory.sign.at_s - _SIGN_S
    return since_s
