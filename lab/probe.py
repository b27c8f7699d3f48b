# SPDX-License-Identifier: GPL-2.0-or-later
"""Reachability as seen from outside, with times: ten pings a second, and when each was answered."""

import contextlib
import re
import subprocess
import threading
import time
from collections.abc import Callable
from typing import Self

from lab.errors import LabError

__all__ = ["Probe"]

ANSWER = re.compile(r"^\[(\d+\.\d+)\] \d+ bytes from")
INTERVAL_S = 0.1


class Probe:
    """Pings one address until it is closed.

    Attributes:
        answers: When an answer came: seconds since the epoch, oldest first.
    """

    def __init__(self, start: Callable[..., subprocess.Popen[str]], address: str) -> None:
        self.address = address
        self.answers: list[float] = []
        self.began = time.time()
        self._process = start("stdbuf", "-oL", "ping", "-n", "-D", "-i", str(INTERVAL_S), address)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End it; what was seen stays."""
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        self._process.wait()
        self._reader.join(5)
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe:
                pipe.close()

    def _read(self) -> None:
        if self._process.stdout is None:
            return
        for line in self._process.stdout:
            if found := ANSWER.match(line):
                self.answers.append(float(found[1]))

    def silent_s(self) -> float:
        """Seconds since the last answer; since the beginning if there was none."""
        return time.time() - (self.answers[-1] if self.answers else self.began)

    def wait_lost(self, within_s: float) -> float:
        """Wait until no answer has come for half a second; return when the last one came.

        Raises:
            LabError: if the address still answers after ``within_s``.
        """
        until = time.time() + within_s + 0.5
        while self.silent_s() < 0.5:
            if time.time() > until:
                raise LabError(f"{self.address} still answers {within_s} s later")
            time.sleep(0.02)
        return self.answers[-1] if self.answers else self.began

    def wait_back(self, within_s: float, *, after: float | None = None) -> float:
        """Wait for the first answer after a moment (now, if none is given); return when it came.

        Raises:
            LabError: if there is none within ``within_s``.
        """
        after = time.time() if after is None else after
        until = time.time() + within_s
        while True:
            if later := [moment for moment in self.answers[-200:] if moment > after]:
                return later[0]
            if time.time() > until:
                raise LabError(f"{self.address} does not answer within {within_s} s")
            time.sleep(0.02)
