# SPDX-License-Identifier: GPL-2.0-or-later
"""Whether this host had a processor for us, or slept, or was stopped by what it runs on: told by our own clocks.

- The scheduler counts for how long we were ready to run and did not (``/proc/self/schedstat``, second number:
  Documentation/scheduler/sched-stats.rst). It grows where processes, interrupts or a quota of a control group take the processor.
- A wait that ends late without that: nothing ran at all. The host was stopped, or its own processors had no time.
- ``CLOCK_BOOTTIME`` goes on while the host is suspended, ``CLOCK_MONOTONIC`` does not.
- A clock of the wall that jumps forward: what hosts virtual machines, and its tools in them, set it when a stopped one goes on.
"""

import contextlib
import os
import time
from typing import NamedTuple

from nicmedic.model.sample import Signal, SignalKind

__all__ = ["Clocks", "OwnTime", "judge_clocks"]

_STARVED_MS = 200
_STOPPED_MS = 1000
_SLEPT_MS = 500
_SET_MS = 1000


class Clocks(NamedTuple):
    """At one moment, in seconds."""

    monotonic_s: float
    boot_s: float
    wall_s: float
    waited_s: float | None
    """How long we were ready to run and did not; None: the kernel does not count it."""


def judge_clocks(before: Clocks, now: Clocks, late_s: float) -> list[Signal]:
    """What happened in between. ``late_s``: how much later than asked our wait ended."""
    passed_s, at = now.monotonic_s - before.monotonic_s, now.monotonic_s
    signals = []
    slept_ms = round(1000 * (now.boot_s - before.boot_s - passed_s))
    set_ms = round(1000 * (now.wall_s - before.wall_s - passed_s)) - max(0, slept_ms)
    waited_ms = 0 if now.waited_s is None or before.waited_s is None else round(1000 * (now.waited_s - before.waited_s))
    late_ms = round(1000 * late_s)
    if slept_ms >= _SLEPT_MS:
        signals.append(Signal(SignalKind.SLEPT, at, text="suspended", value=slept_ms))
    if set_ms >= _SET_MS:
        signals.append(Signal(SignalKind.SLEPT, at, text="the clock was set forward", value=set_ms))
    if now.waited_s is not None and late_ms >= _STOPPED_MS and waited_ms < late_ms / 2:
        signals.append(Signal(SignalKind.SLEPT, at, text="stopped, or left without a processor, by what it runs on", value=late_ms))
    elif max(late_ms, waited_ms) >= _STARVED_MS:
        signals.append(Signal(SignalKind.STARVED, at, value=max(late_ms, waited_ms)))
    return signals


class OwnTime:
    """Compares with the time before."""

    def __init__(self) -> None:
        self._handle = -1
        with contextlib.suppress(OSError):
            self._handle = os.open("/proc/self/schedstat", os.O_RDONLY | os.O_CLOEXEC)
        self._last = self._read()

    @property
    def counts_waiting(self) -> bool:
        """Whether the kernel counts how long we wait for a processor."""
        return self._last.waited_s is not None

    def close(self) -> None:
        """Compare no more."""
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1

    def _read(self) -> Clocks:
        waited_s = None
        with contextlib.suppress(OSError, ValueError, IndexError):
            if self._handle >= 0:
                waited_s = int(os.pread(self._handle, 64, 0).split()[1]) / 1e9
        return Clocks(time.monotonic(), time.clock_gettime(time.CLOCK_BOOTTIME), time.time(), waited_s)

    def compare(self, late_s: float) -> list[Signal]:
        """Since the last time."""
        now = self._read()
        signals = judge_clocks(self._last, now, late_s)
        self._last = now
        return signals
