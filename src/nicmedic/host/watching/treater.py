# SPDX-License-Identifier: GPL-2.0-or-later
"""``nicmedic.ports.watching.Treater``: has ``nicmedic treat`` run, in a process that outlives us. Resident.

A treatment begins some hundred milliseconds earlier if its process is there already, with all of its modules loaded (``nicmedic.cli.stand_by``). It
waits for a line in a FIFO, whose other end is held open here: should we go, it sees that, and goes too. What it is to do stands in that line.
"""

import contextlib
import json
import math
import os
import select
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from nicmedic.host.files import make_folder
from nicmedic.host.outside import JOBS
from nicmedic.host.watching.jobs import Job, start_job
from nicmedic.model.errors import NicmedicError
from nicmedic.model.incident import Incident
from nicmedic.model.state_folder import find_state_folder

__all__ = ["GO", "GO_WAIT", "HostTreater"]

GO = "NICMEDIC_GO"
"""Names the FIFO, in the environment of who waits."""
GO_WAIT = "NICMEDIC_GO_WAIT"
"""It is there for one that waits until we go."""
_ANY = ""
_AGAIN_S = 60.0
"""One that is needed, or ends by itself, is followed by another not sooner."""
_FIFO = "go-"
_FRESH_S = 15.0
"""It waits for 20 s, counted from later on."""
_COMPLAINT = "nicmedic: "
_LONGEST_LINE = 500
_MOST_BYTES = 4 << 20
_RUN = "/run/nicmedic"
_BOOT_ID = "/proc/sys/kernel/random/boot_id"
_CLOSING = frozenset({"confirmed", "undone", "undo-failed", "rebooted", "abandoned"})
_NOT_HEARD = 10
"""As what could not be begun."""


@dataclass(slots=True)
class _Awake:
    """A process that waits for its work."""

    job: Job
    path: str
    descriptor: int
    until_s: float

    @property
    def is_fresh(self) -> bool:
        """Whether it still waits, and will until it has its work."""
        return time.monotonic() < self.until_s and self.job.read_status() is None

    def close(self) -> None:
        os.close(self.descriptor)
        with contextlib.suppress(OSError):
            os.unlink(self.path)  # noqa: PTH108  # strings throughout


@dataclass(slots=True)
class _Running:
    """A treatment."""

    job: Job
    interface: str
    before: int
    """The highest number of a transaction when it began."""
    awake: _Awake | None
    """Its process was there before. The FIFO stays until it has ended, for nobody knows when it is read."""


def _find_folder() -> str:
    """As ``host/transactions.py`` has it, which is too heavy here."""
    return f"{find_state_folder(os.environ.get('NICMEDIC_STATE'))}/transactions"


def _list_numbers() -> list[int]:
    try:
        return sorted(int(name) for name in os.listdir(_find_folder()) if name.isdecimal())  # noqa: PTH208  # strings throughout
    except OSError:
        return []


def _read_words(path: str) -> list[str]:
    """Of the lines ``UPTIME TIME BOOT_ID WORD DETAIL`` of a journal: boot and word, as ``BOOT_ID WORD``."""
    try:
        with open(path, "rb") as file:  # noqa: PTH123  # strings throughout
            lines = [line.split(" ", 4) for line in os.fsdecode(file.read(_MOST_BYTES)).splitlines()]
    except OSError:
        return []
    return [f"{parts[2]} {parts[3]}" for parts in lines if len(parts) > 3]


def _is_undecided(number: int, boot_id: str) -> bool:
    """Whether somebody is at a transaction: it is of this boot, and nobody has decided or closed it. Which words close one, ``find_state`` has."""
    folder = f"{_find_folder()}/{number}"
    if os.path.lexists(f"{folder}/decided"):
        return False
    words = [*_read_words(f"{folder}/journal"), *_read_words(f"{_RUN}/{number}.outcome")]
    ours = {word.removeprefix(f"{boot_id} ") for word in words if word.startswith(f"{boot_id} ")}
    return bool(ours) and not ours & _CLOSING


def _is_of(number: int, interface: str) -> bool:
    """Whether a transaction is about a card."""
    try:
        with open(f"{_find_folder()}/{number}/plan.json", "rb") as file:  # noqa: PTH123  # strings throughout
            return bool(json.loads(file.read(_MOST_BYTES))["plan"]["nic"]["interface"] == interface)
    except (OSError, ValueError, LookupError, TypeError):
        return False


def _find_line(said: str, status: int, interface: str) -> str:
    """What it said of how it ended: the last complaint, or the first line of its answer, which begins with the card."""
    lines = [line for line in said.splitlines() if line.strip()]
    complaints = [line.removeprefix(_COMPLAINT) for line in lines if line.startswith(_COMPLAINT)]
    answers = [line for line in lines if line.startswith(interface)]
    if status == 0 and answers:
        return answers[0][:_LONGEST_LINE]
    if complaints:
        return complaints[-1][:_LONGEST_LINE]
    return lines[-1][:_LONGEST_LINE] if lines else f"it ended with status {status} and said nothing"


def _remove_old_fifos() -> None:
    """Of watchers before this one; who has one open keeps it."""
    with contextlib.suppress(OSError):
        for name in os.listdir(JOBS):  # noqa: PTH208  # strings throughout
            if name.startswith(_FIFO):
                os.unlink(f"{JOBS}/{name}")  # noqa: PTH108  # strings throughout


class HostTreater:
    """Of this host. One treatment at a time a card: its transaction sees to that."""

    def __init__(self, program: Sequence[str]) -> None:
        """``program``: what starts nicmedic."""
        self._program = tuple(program)
        self._awake: dict[str, _Awake] = {}
        self._asleep: list[Job] = []
        """Were woken up for nothing, and end by themselves."""
        self._running: dict[int, _Running] = {}
        self._last = 0
        self._any_at_s = 0.0
        self.stand_by = False
        """Keep one ready all the time, for whichever card."""
        _remove_old_fifos()

    def begin(self, incident: Incident, what: str, arguments: Sequence[str]) -> int:
        self._last += 1
        before = max(_list_numbers(), default=0)
        job, awake = self._start(incident.interface, what, arguments)
        self._running[self._last] = _Running(job, incident.interface, before, awake)
        return self._last

    def _start(self, interface: str, what: str, arguments: Sequence[str]) -> tuple[Job, _Awake | None]:
        if what == "reboot":
            command = ("systemctl", "reboot") if os.path.isdir("/run/systemd/system") else ("reboot",)  # noqa: PTH112  # strings throughout
            return start_job("reboot", command, description="nicmedic: boot the host, for its network card hangs"), None
        words = ("treat", interface, *arguments)
        for name in (interface, _ANY):
            awake = self._awake.pop(name, None)
            if awake is not None:
                if self._send(awake, words):
                    return awake.job, awake
                self._put_to_sleep(awake)
        return start_job("treat", (*self._program, *words), description=f"nicmedic: {what} {interface}"), None

    @staticmethod
    def _send(awake: _Awake, words: Sequence[str]) -> bool:
        """Give it its work; False: it has ended, or may end before it reads, or it is too much for a pipe."""
        line = json.dumps(words).encode() + b"\n"
        if not awake.is_fresh or len(line) > select.PIPE_BUF:  # so much is read at once there
            return False
        try:
            os.write(awake.descriptor, line)
        except OSError:
            return False
        return True

    def list_undecided(self) -> tuple[int, ...]:
        try:
            with open(_BOOT_ID, encoding="ascii") as file:  # noqa: PTH123  # strings throughout
                boot_id = file.read(100).strip()
        except OSError:
            return ()
        return tuple(number for number in _list_numbers() if _is_undecided(number, boot_id))

    def warm_up(self, interface: str) -> None:
        if any(name in self._awake and self._awake[name].is_fresh for name in (interface, _ANY)):
            return
        self._wake(interface, _FRESH_S)

    def _wake(self, interface: str, fresh_s: float) -> None:
        """Begin one; another that has the name is let go."""
        if interface in self._awake:
            self._put_to_sleep(self._awake.pop(interface))
        path = f"{JOBS}/{_FIFO}{os.getpid()}-{time.monotonic_ns()}"
        try:
            make_folder(JOBS)
            os.mkfifo(path, 0o600)
            descriptor = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        except (OSError, NicmedicError):
            return  # the treatment will start a little later
        line = (*self._program, "treat", interface or "any", "--ladder", "restore")
        environment = {GO: path, **({} if interface else {GO_WAIT: "for-ever"})}
        job = start_job("treat", line, description=f"nicmedic: ready to restore {interface or 'any card'}", environment=environment)
        self._awake[interface] = _Awake(job, path, descriptor, time.monotonic() + fresh_s)

    def _put_to_sleep(self, awake: _Awake) -> None:
        """It sees that this end is closed, and ends."""
        awake.close()
        self._asleep.append(awake.job)

    def read_ended(self) -> tuple[tuple[int, int, str, tuple[int, ...]], ...]:
        self._look_after_sleepers()
        return tuple(self._list_ended())

    def _list_ended(self) -> Iterator[tuple[int, int, str, tuple[int, ...]]]:
        for number, running in tuple(self._running.items()):
            status = running.job.read_status()
            if status is not None:
                del self._running[number]
                said = running.job.read_output()
                if running.awake is not None and status in (0, _NOT_HEARD) and not said.strip():
                    status, said = _NOT_HEARD, f"{_COMPLAINT}it had not heard what to do, and did nothing"
                line = _find_line(said, status, running.interface)
                numbers = [one for one in _list_numbers() if one > running.before and _is_of(one, running.interface)]
                running.job.forget()
                if running.awake is not None:
                    running.awake.close()
                yield number, status, line, tuple(numbers)

    def _look_after_sleepers(self) -> None:
        now_s = time.monotonic()
        for interface in [name for name, awake in self._awake.items() if now_s >= awake.until_s]:
            self._put_to_sleep(self._awake.pop(interface))
        if not self.stand_by and _ANY in self._awake:
            self._put_to_sleep(self._awake.pop(_ANY))
        if self.stand_by and now_s >= self._any_at_s and (_ANY not in self._awake or not self._awake[_ANY].is_fresh):
            self._any_at_s = now_s + _AGAIN_S
            self._wake(_ANY, math.inf)
        for job in [job for job in self._asleep if job.read_status() is not None]:
            self._asleep.remove(job)
            job.forget()
