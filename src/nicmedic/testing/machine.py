# SPDX-License-Identifier: GPL-2.0-or-later
"""A machine in memory that can fail at the n-th call."""

from collections.abc import Iterable, Sequence

from nicmedic.model.counters import Counters
from nicmedic.model.host import Host

__all__ = ["FakeMachine"]


class FakeMachine:
    """``nicmedic.ports.machine.Machine`` without a machine."""

    def __init__(
        self, host: Host, looks: Sequence[Sequence[Counters]] = (), *, fail_at: int | None = None, error: Exception | None = None
    ) -> None:
        """Keep what it is to show.

        Args:
            host: every ``read_host`` gives it.
            looks: what the first, second, … ``read_counters`` sees; after the last, that again.
            fail_at: the call, counted from 0 over both methods, that raises.
            error: what it raises; by default an ``OSError``.
        """
        self._host, self._looks, self._fail_at = host, looks, fail_at
        self._error = OSError("failed as asked") if error is None else error
        self._look = 0
        self.calls: list[str] = []
        """Names of the methods that were called, in order."""

    def _call(self, name: str) -> None:
        number = len(self.calls)
        self.calls.append(name)
        if number == self._fail_at:
            raise self._error

    def read_host(self) -> Host:
        self._call("read_host")
        return self._host

    def read_counters(self, interfaces: Iterable[str]) -> tuple[Counters, ...]:
        self._call("read_counters")
        look = self._looks[min(self._look, len(self._looks) - 1)] if self._looks else ()
        self._look += 1
        found = {counters.interface: counters for counters in look}
        return tuple(found.get(name, Counters(interface=name, monotonic_s=float(self._look))) for name in interfaces)
