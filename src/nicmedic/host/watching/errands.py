# SPDX-License-Identifier: GPL-2.0-or-later
"""``nicmedic.ports.watching.Errands``: ``nicmedic watch --keep``, in processes of their own, one at a time. Resident."""

import time
from collections.abc import Sequence

from nicmedic.host.outside import forget_ended
from nicmedic.host.watching.jobs import Job, start_job

__all__ = ["HostErrands"]

_MOST_WAITING = 16
_WITHIN_S = 300.0
_GIVEN_UP_S = 360.0
"""Outside it is ended before; as a child it may sleep in the kernel, and is not waited for any longer."""


class HostErrands:
    """One after the other: each takes a processor for seconds. Call ``turn`` once in a while."""

    def __init__(self, program: Sequence[str]) -> None:
        """``program``: what starts nicmedic."""
        self._program = tuple(program)
        self._waiting: list[str] = []
        self._job: Job | None = None
        self._doing = ""
        self._began_s = 0.0
        forget_ended()

    def keep_evidence(self, number: int) -> bool:
        return self._add(str(number))

    def is_keeping(self, number: int) -> bool:
        self.turn()
        return str(number) in self._waiting or (self._job is not None and self._doing == str(number))

    def note_boot(self) -> None:
        self._add("boot")

    def _add(self, what: str) -> bool:
        has_room = len(self._waiting) < _MOST_WAITING
        if has_room:
            self._waiting.append(what)
        self.turn()
        return has_room

    def turn(self) -> None:
        """See whether the last one has ended, and begin the next."""
        if self._job is not None and (self._job.read_status() is not None or time.monotonic() - self._began_s >= _GIVEN_UP_S):
            self._job.forget()
            self._job = None
        if self._job is None and self._waiting:
            self._doing = self._waiting.pop(0)
            line = (*self._program, "watch", "--keep", self._doing)
            self._began_s = time.monotonic()
            self._job = start_job("keep", line, description="nicmedic: keep evidence", within_s=_WITHIN_S)
