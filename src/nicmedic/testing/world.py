# SPDX-License-Identifier: GPL-2.0-or-later
"""A small world in memory: one card with settings, a journal, a clock that fires switches, and processes that can be killed at their n-th call.

``nicmedic.testing.transactions`` has the edges over it. A step ``Write(path="set/NAME", text=VALUE)`` sets something; nothing else does.
"""

import dataclasses
from collections.abc import Iterator

from nicmedic.model.host import Host
from nicmedic.model.nic import Bus, Nic
from nicmedic.model.pcie import PowerManagement
from nicmedic.model.plan import Change, Identity
from nicmedic.model.step import Step, Write
from nicmedic.model.transaction import Entry, Transaction, Word
from nicmedic.ports.hands import Outcome, Undone
from nicmedic.remedy.script.words import render_step

__all__ = ["Killed", "Process", "World"]

_NAP_S = 0.5
_PREFIX = "set/"


class Killed(BaseException):  # no error: nothing of the process is left that could handle it
    """The process is gone, as by SIGKILL; each further call of its edges raises this again."""


class Process:
    """Who calls. It can be killed, or told of a failure, right before its n-th call."""

    def __init__(self, *, kill_at: int | None = None, fail_at: int | None = None, error: BaseException | None = None) -> None:
        """Be born.

        Args:
            kill_at: the call, counted from 0 over all edges, before which it is killed.
            fail_at: the call that raises ``error``; later ones succeed.
            error: by default an ``OSError``.
        """
        self.kill_at, self.fail_at = kill_at, fail_at
        self.error = OSError(28, "No space left on device") if error is None else error
        self.calls: list[str] = []
        """Names of the calls so far."""
        self.dead = False

    def call(self, name: str) -> None:
        """One call of an edge."""
        if self.dead:
            raise Killed
        number = len(self.calls)
        self.calls.append(name)
        if number == self.kill_at:
            self.dead = True
            raise Killed
        if number == self.fail_at:
            raise self.error


class World:
    """What outlives processes."""

    def __init__(self, *, settings: dict[str, str] | None = None) -> None:
        """``settings``: of the card: ``mtu``, ``power.control``."""
        self.settings = {"mtu": "1500", "power.control": "auto"} if settings is None else dict(settings)
        self.uptime_s = 1000.0
        self.boot_id = "boot-1"
        self.transactions: dict[int, Transaction] = {}
        self.appliers: dict[int, Process] = {}
        self.undoers: dict[int, Process] = {}
        self.switches: set[int] = set()
        self.refused: set[str] = set()
        """Settings that cannot be set: the step fails."""
        self.stubborn: set[str] = set()
        """Settings that stay as they are, though the step succeeds."""
        self.cutting: set[tuple[str, str]] = set()
        """Settings and values with which no answer comes."""
        self.deaf = False
        """No answer comes whatever is set: hung to begin with."""
        self.present = True
        """The card is there."""
        self.ifindex = 2
        """Another one when its interface was made anew."""
        self.script_dies_after: int | None = None
        """Undo scripts are killed after so many steps, once."""
        self.broken_script = False
        """Undo scripts fail."""
        self.half_duplex_at: str | None = None
        """With this MTU the link turns out to be half duplex, with late collisions."""

    # Reading ---------------------------------------------------------------------------------------------------------------

    @property
    def identity(self) -> Identity:
        """Of the one card."""
        return Identity(interface="eth0", bus=Bus.PCI, bus_address="0000:02:00.0", sysfs_path="/sys/devices/pci0/0000:02:00.0")

    def read_host(self) -> Host:
        """As it is now."""
        nic = Nic(
            interface="eth0",
            bus=Bus.PCI,
            bus_address="0000:02:00.0",
            sysfs_path="/sys/devices/pci0/0000:02:00.0",
            carrier=True,
            mtu=int(self.settings["mtu"]),
            power=PowerManagement(control=self.settings["power.control"]),
        )
        return Host(hostname="nas1", boot_id=self.boot_id, uptime_s=self.uptime_s, nics=(nic,) if self.present else ())

    @property
    def answers(self) -> bool:
        """Whether traffic flows."""
        return self.present and not self.deaf and not self.cutting & set(self.settings.items())

    # Changing --------------------------------------------------------------------------------------------------------------

    def apply_step(self, step: Step) -> Outcome:
        """Set what it says."""
        if not isinstance(step, Write):
            return Outcome(ok=True)
        name = step.path.removeprefix(_PREFIX)
        if name in self.refused or name not in self.settings:
            return Outcome(ok=False, said="Operation not supported")
        if name not in self.stubborn:
            self.settings[name] = step.text
        return Outcome(ok=True)

    def note(self, number: int, word: Word, detail: str = "") -> None:
        """A line in its journal."""
        entry = Entry(uptime_s=self.uptime_s, time="2025-01-01T00:00:00+00:00", boot_id=self.boot_id, word=word, detail=detail)
        self.replace(number, entries=(*self.transactions[number].entries, entry))

    def replace(self, number: int, **fields: object) -> None:
        """Other values of a transaction."""
        self.transactions[number] = dataclasses.replace(self.transactions[number], **fields)  # type: ignore[arg-type]  # names are fields

    def pass_time(self, seconds: float) -> None:
        """Time goes by, and switches fire."""
        until = self.uptime_s + seconds
        while self.uptime_s < until:
            self.uptime_s = min(until, self.uptime_s + _NAP_S)
            for number in sorted(self.switches):
                deadline = self.transactions[number].deadline_uptime_s
                if self.transactions[number].decided == "confirmed":
                    self.switches.discard(number)
                elif deadline is None or self.uptime_s >= deadline:
                    self.switches.discard(number)
                    self.run_undo(number, "switch")

    def reboot(self) -> None:
        """All processes and settings of this boot end; what is on disk stays."""
        for process in (*self.appliers.values(), *self.undoers.values()):
            process.dead = True
        self.switches.clear()
        self.settings = {"mtu": "1500", "power.control": "auto"}
        self.boot_id, self.uptime_s = f"{self.boot_id}+", 10.0

    # The undo script -------------------------------------------------------------------------------------------------------

    def run_undo(self, number: int, why: str, caller: Process | None = None) -> Undone:
        """What ``undo.sh`` does: not to be stopped by the death of whoever called it."""
        transaction = self.transactions[number]
        last = transaction.entries[-1].word if transaction.entries else None
        if self.broken_script:
            return Undone(ok=False, failed=("sh undo.sh",))
        confirmed = transaction.decided == "confirmed" and why != "operator"
        if confirmed or last is Word.UNDONE or transaction.plan.boot_id != self.boot_id:
            return Undone(ok=True, ran=False)
        self.replace(number, decided="undo")
        applier = self.appliers.get(number)
        if applier is not None and applier is not caller:
            applier.dead = True
        self.note(number, Word.UNDOING, why)
        failed = []
        for step in self._undo_steps(transaction):
            if self._script_is_killed():
                return Undone(ok=False, failed=("sh undo.sh",))
            if not self.apply_step(step).ok:
                failed.append(render_step(step, "eth0"))
        self.note(number, Word.UNDO_FAILED if failed else Word.UNDONE, "; ".join(failed))
        return Undone(ok=not failed, failed=tuple(failed))

    def _script_is_killed(self) -> bool:
        if self.script_dies_after is None:
            return False
        self.script_dies_after -= 1
        if self.script_dies_after >= 0:
            return False
        self.script_dies_after = None
        return True

    @staticmethod
    def _undo_steps(transaction: Transaction) -> Iterator[Step]:
        begun = {entry.detail.partition(" ")[0] for entry in transaction.entries if entry.word is Word.APPLYING}
        changes: list[Change] = [change for index, change in enumerate(transaction.plan.changes) if str(index) in begun]
        for change in reversed(changes):
            yield from change.undo
