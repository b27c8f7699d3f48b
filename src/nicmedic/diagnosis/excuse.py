# SPDX-License-Identifier: GPL-2.0-or-later
"""What makes a card stand still that is in order: a partner that sends pause frames, or a host that has no processor for it.

One pause frame holds the port for at most 65535 times 512 bit times (IEEE 802.3 annex 31B.2), 34 ms at 1 Gb/s. So a few of them do not explain a
second, and a frame that lets the port go again (XON) explains nothing.
"""

from collections.abc import Mapping

from nicmedic.diagnosis.hold_back import is_pause_counter
from nicmedic.model.checkup import Reason, Verdict
from nicmedic.model.nic import Nic

__all__ = ["counts_pause_frames", "find_excuse"]

_LATE_S = 0.5
"""Our own wait took so much longer than asked: this host has no processor to spare."""
_HELD_BITS = 65535 * 512


def counts_pause_frames(nic: Nic) -> bool:
    """Whether this driver tells of the pause frames that it receives."""
    return any(is_pause_counter(name) for name in nic.driver_statistics or {})


def _find_pause(nic: Nic, later: Mapping[str, int] | None, elapsed_s: float) -> tuple[Verdict, Reason] | None:
    before = nic.driver_statistics or {}
    rises = [(count - before.get(name, count), name) for name, count in (later or {}).items() if is_pause_counter(name)]
    rise, name = max(rises, default=(0, ""))
    if rise <= 0:
        return None
    source = f"ethtool -S: {name}"
    speed_mbps = None if nic.link is None else nic.link.speed_mbps
    if not speed_mbps:
        text = f"{rise} pause frames came in meanwhile; whether they held it is open, for its speed is not known"
        return Verdict.UNKNOWN, Reason(text=text, source=source)
    if rise * _HELD_BITS / (speed_mbps * 1e6) < elapsed_s:
        return None
    return Verdict.ELSEWHERE, Reason(text=f"the partner told it to pause ({rise} pause frames received meanwhile)", source=source)


def find_excuse(nic: Nic, later_statistics: Mapping[str, int] | None, *, elapsed_s: float, late_s: float) -> tuple[Verdict, Reason] | None:
    """What else explains that it stood still, and the verdict that follows.

    Args:
        nic: as it was before the looks.
        later_statistics: ``ethtool -S`` after them; None: not read.
        elapsed_s: between the first and the last look.
        late_s: by how much the waits between them took longer than asked.
    """
    paused = _find_pause(nic, later_statistics, elapsed_s)
    if paused is not None:
        return paused
    if late_s > _LATE_S:
        text = f"this host has no processor to spare: our own wait took {late_s:.1f} s longer than asked"
        return Verdict.UNKNOWN, Reason(text=text, source="clock")
    return None
