# SPDX-License-Identifier: GPL-2.0-or-later
"""Programs that the watcher begins and nobody waits for: as its children, or outside of its unit where that may do too little. Resident."""

import itertools
import os
import time
from collections.abc import Mapping, Sequence

from nicmedic.host.files import make_folder
from nicmedic.host.outside import JOBS, forget_outside, has_begun, is_confined, read_output, read_outside, wrap_outside
from nicmedic.host.run import Started, find_program, start_program
from nicmedic.model.errors import NicmedicError

__all__ = ["Job", "start_job"]

_COULD_NOT_BEGIN = 10
_BEGINS_WITHIN_S = 60.0
"""Process 1 begins at once what nothing stands in the way of; it may have dropped it, or be at its end itself."""
_COUNTER = itertools.count(1)


class Job:
    """One program."""

    def __init__(self, name: str, started: Started | None, *, outside: bool, failure: str = "") -> None:
        """``started``: it, or what has process 1 begin it; None: that could not be started, and ``failure`` tells why."""
        self.name, self._started, self._outside, self._failure = name, started, outside, failure
        self._asked_s: float | None = None
        """Since when process 1 is known to have been asked."""

    def read_status(self) -> int | None:
        """How it ended, negative if a signal did it; 10: it could not be begun; None: it runs."""
        if self._started is None:
            return _COULD_NOT_BEGIN
        status = self._started.read_status()
        if not self._outside or status is None:
            return status
        if status != 0:
            return _COULD_NOT_BEGIN
        ended = read_outside(self.name)
        return _COULD_NOT_BEGIN if ended is None and self._is_overdue() else ended

    def _is_overdue(self) -> bool:
        now_s = time.monotonic()
        self._asked_s = now_s if self._asked_s is None else self._asked_s
        if now_s - self._asked_s < _BEGINS_WITHIN_S or has_begun(self.name):
            return False
        self._failure = f"process 1 did not begin it within {_BEGINS_WITHIN_S:.0f} s"
        return True

    def read_output(self) -> str:
        """The last that it printed."""
        if self._started is None:
            return self._failure
        said = self._started.read_output()
        if self._outside and self._started.read_status() == 0:
            said = read_output(self.name)
        return said.decode("utf-8", "replace") or self._failure

    def forget(self) -> None:
        """It has ended, and all is read."""
        if self._started is not None:
            self._started.close()
        if self._outside:
            forget_outside(self.name)


def start_job(
    kind: str, command: Sequence[str], *, description: str, environment: Mapping[str, str] | None = None, within_s: float | None = None
) -> Job:
    """Begin one; what cannot be begun is a job that has ended.

    Args:
        kind: what its name begins with: small letters and hyphens.
        command: the program, with its path or one of the usual ones, and its arguments.
        description: for people.
        environment: what it needs beside the usual.
        within_s: outside it is ended then; None: it has all the time it needs.
    """
    name = f"{kind}-{os.getpid()}-{next(_COUNTER)}"
    outside = is_confined()
    state = os.environ.get("NICMEDIC_STATE")
    environment = {**({"NICMEDIC_STATE": state} if state else {}), **(environment or {})}
    program = command[0] if command[0].startswith("/") else find_program(command[0])
    if program is None:
        return Job(name, None, outside=outside, failure=f"{command[0]} is not installed")
    line = (program, *command[1:])
    try:
        if outside:
            make_folder(JOBS)
            forget_outside(name)  # of a process that had our number
            line = wrap_outside(name, line, description=description, environment=environment, within_s=within_s)
            line = (find_program(line[0]) or line[0], *line[1:])
            environment = {}
        return Job(name, start_program(line, environment), outside=outside)
    except (OSError, NicmedicError) as error:
        return Job(name, None, outside=outside, failure=f"{command[0]} cannot be started: {error}")
