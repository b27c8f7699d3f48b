# SPDX-License-Identifier: GPL-2.0-or-later
"""``nicmedic.ports.hands.Hands`` on the real machine. The undo script does the same with the same steps (``remedy/script/library.sh``).

Whatever may sleep in the kernel for ever, as ``unbind`` of a driver that hangs may, is done by a child that can be left behind.
"""

import errno
import os
import select
import signal
import time
from collections.abc import Callable

from nicmedic.host.present import find_interface
from nicmedic.host.run import run_limited
from nicmedic.host.timed_reader import TimedReader, keep_descriptors
from nicmedic.host.transactions import RUN_FOLDER
from nicmedic.model.plan import Identity
from nicmedic.model.step import INTERFACE, AwaitNic, Pause, Rename, Run, Shown, Step, Write, name_interface
from nicmedic.model.transaction import Transaction
from nicmedic.ports.hands import Outcome, Undone
from nicmedic.report.escape import escape_terminal

__all__ = ["HostHands"]

_OK = Outcome(ok=True)
_NO_INTERFACE = Outcome(ok=False, said="the card has no interface")
_LOOK_S = 5
_REST_S = 1.0
_NAP_S = 0.1
_MOST_SAID = 300
_TRIES = 3
_SLACK_S = 300
"""For an undo: another one that is waited for, looks, rests between tries."""
_NOTHING_TO_DO = 3
_READER_S = 3600.0
"""A reader that has been there for so long is replaced by another."""
_MOST_SEEN = 4096
_CAT_WORDS = 2
_NOTHING = ("true",)
_CARRIER = Shown(argv=("cat", f"/sys/class/net/{INTERFACE}/carrier"), text="1")


def _tidy(text: str) -> str:
    """The last line that says something, in bounds."""
    lines = [line.strip() for line in text.replace("\r", "\n").splitlines() if line.strip()]
    return escape_terminal(lines[-1])[:_MOST_SAID] if lines else ""


def _needs_interface(*words: str) -> bool:
    return any(INTERFACE in word for word in words)


class _Eyes:
    """Looks at what makes a step needless."""

    def __init__(self) -> None:
        self._reader: TimedReader | None = None

    def see(self, look: Shown | None, interface: str) -> bool:
        """Whether it is shown. What cannot be looked at is not."""
        if look is None or (not interface and _needs_interface(look.text, *look.argv)):
            return False
        argv = [name_interface(word, interface) for word in look.argv]
        try:
            said = self._read(argv[1]) if argv[0] == "cat" and len(argv) == _CAT_WORDS else run_limited(argv, _LOOK_S)[1]
        except OSError:
            return False
        wanted = f" {name_interface(look.text, interface)} "
        return any(wanted in f" {' '.join(line.split())} " for line in said.splitlines())

    def _read(self, path: str) -> str:
        """As ``cat`` would print it: a child of ours reads one file after the other, for a program each takes as long as twenty files."""
        if self._reader is None or self._reader.is_late:
            self.close()
            self._reader = TimedReader(time.monotonic() + _READER_S, _LOOK_S)
        try:
            return self._reader.read(path, _MOST_SEEN).decode("utf-8", "replace")
        except TimeoutError:
            self.close()  # it would have less patience with the next one
            raise

    def close(self) -> None:
        """End the child, if it can be ended."""
        if self._reader is not None:
            self._reader.close()
            self._reader = None


def _run(argv: tuple[str, ...], within_s: int, interface: str) -> Outcome:
    if argv == _NOTHING:
        return _OK
    if not interface and _needs_interface(*argv):
        return _NO_INTERFACE
    try:
        status, said = run_limited([name_interface(word, interface) for word in argv], within_s)
    except OSError as error:
        return Outcome(ok=False, said=error.strerror or str(error))
    if status is None:
        return Outcome(ok=False, said=f"took longer than {within_s} s" + (f": {_tidy(said)}" if _tidy(said) else ""))
    return Outcome(ok=status == 0, said=_tidy(said) or ("" if status == 0 else f"failed with status {status}"))


def _write_in_child(path: str, text: str, answer: int) -> None:
    """In the child: one write, then the error's number."""
    os.setsid()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    keep_descriptors(answer)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_TRUNC | os.O_NOCTTY)
        os.write(handle, os.fsencode(text) + b"\n")
        os.close(handle)
        told = 0
    except OSError as error:
        told = error.errno or errno.EIO
    os.write(answer, str(told).encode("ascii"))


def _write(path: str, text: str, within_s: float) -> Outcome:
    """One line into a file, by a child; one that does not come back is left behind."""
    read_end, write_end = os.pipe()
    try:
        child = os.fork()
    except OSError as error:
        os.close(read_end)
        os.close(write_end)
        return Outcome(ok=False, said=f"no child can be started: {error.strerror}")
    if child == 0:
        try:
            _write_in_child(path, text, write_end)
        finally:
            os._exit(0)
    os.close(write_end)
    told = None
    try:
        ready, _, _ = select.select([read_end], [], [], within_s)
        told = os.read(read_end, 16) if ready else None
    finally:
        os.close(read_end)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, os.WNOHANG if told is None else 0)  # it may sleep in the kernel; it goes when that wakes up
    if told is None:
        return Outcome(ok=False, said=f"took longer than {within_s:g} s")
    number = int(told or errno.EIO)  # nothing: somebody killed it
    return Outcome(ok=number == 0, said=os.strerror(number) if number else "")


def _is_up(interface: str) -> bool:
    try:
        with open(f"/sys/class/net/{interface}/flags", encoding="ascii") as file:  # noqa: PTH123  # strings throughout
            return bool(int(file.read(32), 16) & 1)
    except (OSError, ValueError):
        return False


def _count_seconds(steps: tuple[Step, ...]) -> int:
    seconds = 0
    for step in steps:
        match step:
            case Run() | Write():
                seconds += _TRIES * (step.within_s + _LOOK_S) * step.tries
            case Pause():
                seconds += step.seconds
            case AwaitNic():
                seconds += step.within_s
            case Rename():
                seconds += _LOOK_S
    return seconds


class HostHands:
    """Carries steps out here."""

    def __init__(self) -> None:
        self._eyes = _Eyes()

    def apply_step(self, step: Step, nic: Identity) -> Outcome:
        match step:
            case Run():
                return self._repeat(step, nic, lambda interface: self._run(step, interface))
            case Write():
                return self._repeat(step, nic, lambda interface: self._write(step, interface))
            case Pause():
                time.sleep(step.seconds)
                return _OK
            case AwaitNic():
                return self._await(step, nic)
            case Rename():
                return self._rename(step.name, nic)

    def _repeat(self, step: Run | Write, nic: Identity, once: Callable[[str], Outcome]) -> Outcome:
        """Try as often as the step says, and not at all where there is nothing to do."""
        outcome = _OK
        for turn in range(max(1, step.tries)):
            if turn:
                time.sleep(_REST_S)
            interface = find_interface(nic) or ""
            if self._eyes.see(step.unless, interface):
                return _OK
            outcome = once(interface)
            if outcome.ok:
                break
        return outcome

    @staticmethod
    def _run(step: Run, interface: str) -> Outcome:
        outcome = _run(step.argv, step.within_s, interface)
        return outcome if outcome.ok or not step.otherwise else _run(step.otherwise, step.within_s, interface)

    @staticmethod
    def _write(step: Write, interface: str) -> Outcome:
        if not interface and _needs_interface(step.path, step.text):
            return _NO_INTERFACE
        return _write(name_interface(step.path, interface), name_interface(step.text, interface), step.within_s)

    def _await(self, step: AwaitNic, nic: Identity) -> Outcome:
        until = time.monotonic() + step.within_s
        while True:
            interface = find_interface(nic)
            if interface is not None and (not step.carrier or self._eyes.see(_CARRIER, interface)):
                return _OK
            if time.monotonic() > until:
                what = "link" if step.carrier and interface is not None else "interface"
                return Outcome(ok=False, said=f"the card has no {what} after {step.within_s} s")
            time.sleep(_NAP_S)

    @staticmethod
    def _rename(name: str, nic: Identity) -> Outcome:
        now = find_interface(nic)
        if now is None:
            return _NO_INTERFACE
        if now == name:
            return _OK
        was_up = _is_up(now)
        _run(("ip", "link", "set", "dev", now, "down"), 10, now)
        outcome = _run(("ip", "link", "set", "dev", now, "name", name), 10, now)
        if was_up and not outcome.ok:  # the name is taken: up it serves better than down
            _run(("ip", "link", "set", "dev", now, "up"), 10, now)
        return outcome

    def undo_transaction(self, transaction: Transaction, why: str) -> Undone:
        plan = transaction.plan
        seconds = _SLACK_S + _count_seconds((*(step for change in plan.changes for step in change.undo), *plan.put_back))
        script = f"{transaction.folder}/undo.sh"
        try:
            status, said = run_limited(["/bin/sh", script, why], seconds, spare=True)
        except OSError as error:
            return Undone(ok=False, ran=False, failed=(f"sh {script} {why}   # {error.strerror or error}",))
        if status == 0:
            return Undone(ok=True)
        if status == _NOTHING_TO_DO:
            return Undone(ok=True, ran=False)
        return Undone(ok=False, failed=self._read_failed(transaction) or (f"sh {script} {why}   # {_tidy(said) or f'status {status}'}",))

    @staticmethod
    def _read_failed(transaction: Transaction) -> tuple[str, ...]:
        """What the script left for people to type."""
        for path in (f"{transaction.folder}/failed", f"{RUN_FOLDER}/{transaction.id}.failed"):
            try:
                with open(path, "rb") as file:  # noqa: PTH123  # strings throughout
                    return tuple(line for line in os.fsdecode(file.read(1 << 16)).splitlines() if line.strip())
            except OSError:
                continue
        return ()
