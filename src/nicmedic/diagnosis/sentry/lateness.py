# SPDX-License-Identifier: GPL-2.0-or-later
"""How late we come ourselves: the best sign of a host without a processor, because nobody has to be asked for it.

A sample that comes late says that nothing ran for a while: not the driver's interrupt thread, not softirqs, not the card of a virtual
machine. What stands still over such a gap proves nothing, and right after it the kernel's watchdog may fire for a card in order:
``dev_watchdog`` compares jiffies (net/sched/sch_generic.c), and its timer may run before the softirq that would complete the frames.
"""

__all__ = ["BAD_S", "Lateness"]

BAD_S = 0.5
"""Later than this, and what stood still before is not held against the card."""
_NOTED_S = 0.05
_REMEMBERED_S = 10.0
_TIMES = 4.0
_MOST_S = 5.0


class Lateness:
    """Of the last seconds."""

    def __init__(self) -> None:
        """Always in time so far."""
        self.steady_since_s = float("-inf")
        """Since then everything ran."""
        self._worst_s = 0.0
        self._worst_at_s = float("-inf")
        self._bad_at_s = (float("-inf"), float("-inf"))
        self.slept_at_s = float("-inf")
        """When the host woke up from a suspend or a stop, or when a gap of ours ended."""

    def note(self, at_s: float, late_s: float) -> None:
        """So late came we, or our waiting."""
        if late_s > _NOTED_S and (late_s >= self._worst_s or at_s - self._worst_at_s > _REMEMBERED_S):
            self._worst_s, self._worst_at_s = late_s, at_s
        if late_s >= BAD_S:
            self.steady_since_s = at_s
            if at_s - self._bad_at_s[1] > BAD_S:  # one gap that is told twice is one
                self._bad_at_s = (self._bad_at_s[1], at_s)

    def note_sleep(self, at_s: float) -> None:
        """Everything stood."""
        self.steady_since_s = self.slept_at_s = at_s

    def extra_s(self, now_s: float) -> float:
        """How much longer something must stand still than on a host in order."""
        if now_s - self._worst_at_s > _REMEMBERED_S:
            return 0.0
        return min(_MOST_S, _TIMES * (self._worst_s - _NOTED_S))

    def worst_s(self, now_s: float) -> float:
        """The latest that we came within the last seconds."""
        return 0.0 if now_s - self._worst_at_s > _REMEMBERED_S else self._worst_s

    def is_starved(self, now_s: float) -> bool:
        """Whether we came much too late more than once: a single gap is a stop, and over."""
        return now_s - self._bad_at_s[0] <= _REMEMBERED_S

    def is_shaken(self, now_s: float) -> bool:
        """Whether there was any gap, stop or suspend a moment ago."""
        return now_s - max(self._bad_at_s[1], self.slept_at_s) <= _REMEMBERED_S
