# SPDX-License-Identifier: GPL-2.0-or-later
"""The edges of a transaction over ``nicmedic.testing.world``: each belongs to a process, which counts its calls and may die at any of them."""

import contextlib
import datetime
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager

from nicmedic.app.treat import Edges, Stage
from nicmedic.model.archive import Written
from nicmedic.model.counters import Counters, Looks
from nicmedic.model.errors import BusyError, StateError
from nicmedic.model.host import Host
from nicmedic.model.plan import Identity, Plan
from nicmedic.model.same_card import is_same_card
from nicmedic.model.step import Step
from nicmedic.model.transaction import Confirm, Entry, ProbeResult, ProbeState, Transaction, Word, find_state
from nicmedic.ports.hands import Outcome, Undone
from nicmedic.ports.probes import Proof
from nicmedic.testing.world import Process, World

__all__ = ["FakeArchives", "FakeHands", "FakeProber", "FakeStore", "FakeSwitch", "WorldClock", "WorldMachine", "build_edges"]


class _Edge:
    """Belongs to a process of the world."""

    def __init__(self, world: World, process: Process) -> None:
        self.world, self.process = world, process


class WorldClock(_Edge):
    """``nicmedic.ports.clock.Clock``; waiting lets the world's time pass."""

    def read_now(self) -> datetime.datetime:
        return datetime.datetime.fromtimestamp(1_735_689_600 + self.world.uptime_s, datetime.UTC)

    def read_monotonic_s(self) -> float:
        return self.world.uptime_s

    def wait_s(self, seconds: float) -> None:
        self.process.call("wait")
        self.world.pass_time(seconds)


class WorldMachine(_Edge):
    """``nicmedic.ports.machine.Machine``."""

    def read_host(self) -> Host:
        self.process.call("read_host")
        return self.world.read_host()

    def read_counters(self, interfaces: Iterable[str]) -> tuple[Counters, ...]:
        self.process.call("read_counters")
        return tuple(Counters(interface=name, monotonic_s=self.world.uptime_s, ifindex=self.world.ifindex) for name in interfaces)


class FakeHands(_Edge):
    """``nicmedic.ports.hands.Hands``."""

    def apply_step(self, step: Step, nic: Identity) -> Outcome:
        self.process.call(f"apply {nic.interface}")
        return self.world.apply_step(step)

    def undo_transaction(self, transaction: Transaction, why: str) -> Undone:
        self.process.call("undo")
        undone = self.world.run_undo(transaction.id, why, self.process)
        self.process.call("undone")  # the script was at work meanwhile, and we may have been killed
        return undone


class FakeSwitch(_Edge):
    """``nicmedic.ports.hands.Switch``."""

    def arm_switch(self, transaction: Transaction) -> str:
        self.process.call("arm")
        self.world.switches.add(transaction.id)
        return "fake"

    def disarm_switch(self, transaction: Transaction) -> None:
        self.process.call("disarm")
        self.world.switches.discard(transaction.id)

    def find_switch(self, transaction: Transaction) -> bool:
        self.process.call("find_switch")
        return transaction.id in self.world.switches


class FakeProber(_Edge):
    """``nicmedic.ports.probes.Prober``: a carrier and a gateway."""

    proof = Proof(through=True, detail="ssh from 192.0.2.7 over eth0: 64 bytes were acknowledged")
    known = True
    """False: none of the probes can run."""

    def choose_probes(self, host: Host, nic: Identity, asked: Sequence[str]) -> tuple[str, ...]:
        self.process.call("choose_probes")
        return ("carrier", "gateway 192.0.2.1", *asked) if host.nics and nic.interface else ()

    def run_probes(self, nic: Identity, probes: Sequence[str], within_s: float = 2.0) -> tuple[ProbeResult, ...]:
        self.process.call(f"run_probes {nic.interface} {within_s:g}")
        return tuple(ProbeResult(probe=probe, state=self._look(probe)) for probe in probes)

    def _look(self, probe: str) -> ProbeState:
        if not self.known:
            return ProbeState.UNKNOWN
        works = self.world.present if probe == "carrier" else self.world.answers
        return ProbeState.PASSED if works else ProbeState.FAILED

    def prove_session(self, nic: Identity) -> Proof:
        self.process.call(f"prove {nic.interface}")
        return self.proof


class FakeArchives(_Edge):
    """``nicmedic.ports.archive.ArchiveWriter``."""

    def find_folder(self, path: str) -> str | None:
        self.process.call("find_folder")
        return path or None

    def write_archive(
        self, path: str, host: Host, looks: Looks, *, created: str, seconds: float, scrub: bool, on_progress: Callable[[str, int], None]
    ) -> Written:
        self.process.call("write_archive")
        on_progress(f"{created} {seconds:g} {scrub} {len(looks.by_name)}", len(host.nics))
        return Written(path=path, bytes=1, members=1, missing=())


class FakeStore(_Edge):
    """``nicmedic.ports.transactions.TransactionStore``."""

    def list_transactions(self) -> tuple[Transaction, ...]:
        self.process.call("list")
        return tuple(self.world.transactions[number] for number in sorted(self.world.transactions))

    def read_transaction(self, number: int) -> Transaction | None:
        self.process.call("read")
        return self.world.transactions.get(number)

    def _again(self, transaction: Transaction) -> Transaction:
        if transaction.id not in self.world.transactions:
            raise StateError(f"{transaction.id}: somebody removed it")
        return self.world.transactions[transaction.id]

    def create_transaction(
        self,
        plan: Plan,
        script: str,
        *,
        confirm: Confirm,
        timeout_s: int,
        before: tuple[ProbeResult, ...],
        add_evidence: Callable[[str], None],
    ) -> Transaction:
        self.process.call(f"create {len(script)}")
        for other in self.world.transactions.values():
            if find_state(other).is_open and is_same_card(other.plan.nic, plan.nic):
                raise BusyError(f"transaction {other.id} holds {plan.nic.interface}")
        number = max(self.world.transactions, default=0) + 1
        add_evidence(f"/fake/{number}")
        entry = Entry(uptime_s=self.world.uptime_s, time="2025-01-01T00:00:00+00:00", boot_id=self.world.boot_id, word=Word.PLANNED)
        made = Transaction(
            id=number, plan=plan, confirm=confirm, timeout_s=timeout_s, before=before, entries=(entry,), folder=f"/fake/{number}"
        )
        self.process.call("name")
        self.world.transactions[number] = made
        self.world.appliers[number] = self.process
        return made

    def append_entry(self, transaction: Transaction, word: Word, detail: str = "") -> Transaction:
        self.process.call(f"append {word}")
        self._again(transaction)
        self.world.note(transaction.id, word, detail)
        return self._again(transaction)

    def set_deadline(self, transaction: Transaction, seconds: int) -> Transaction:
        self.process.call("set_deadline")
        self._again(transaction)
        self.world.replace(transaction.id, deadline_uptime_s=self.world.uptime_s + seconds)
        return self._again(transaction)

    def read_seconds_left(self, transaction: Transaction) -> float | None:
        self.process.call("read_seconds_left")
        now = self._again(transaction)
        if now.deadline_uptime_s is None or now.plan.boot_id != self.world.boot_id:
            return None
        return now.deadline_uptime_s - self.world.uptime_s

    def claim_applier(self, transaction: Transaction) -> None:
        self.process.call("claim")
        self.world.appliers[transaction.id] = self.process

    def release_applier(self, transaction: Transaction) -> None:
        self.process.call("release")
        self.world.appliers.pop(transaction.id, None)

    def is_of_this_boot(self, transaction: Transaction) -> bool:
        self.process.call("is_of_this_boot")
        return transaction.plan.boot_id == self.world.boot_id

    def find_worker(self, transaction: Transaction) -> str | None:
        self.process.call("find_worker")
        for kind, workers in (("undo", self.world.undoers), ("applier", self.world.appliers)):
            worker = workers.get(transaction.id)
            if worker is not None and not worker.dead:
                return kind
        return None

    def decide(self, transaction: Transaction, what: str) -> bool:
        self.process.call(f"decide {what}")
        now = self._again(transaction)
        if now.decided is None:
            self.world.replace(transaction.id, decided=what)
        return now.decided in {None, what}

    def hold_lock(self) -> AbstractContextManager[None]:
        return self._hold_lock()

    @contextlib.contextmanager
    def _hold_lock(self) -> Iterator[None]:
        self.process.call("lock")
        yield


def build_edges(
    world: World, process: Process | None = None, *, tell: Callable[[Stage, str], None] = lambda _stage, _detail: None
) -> Edges:
    """All edges of one process."""
    owner = Process() if process is None else process
    return Edges(
        machine=WorldMachine(world, owner),
        hands=FakeHands(world, owner),
        switch=FakeSwitch(world, owner),
        store=FakeStore(world, owner),
        prober=FakeProber(world, owner),
        clock=WorldClock(world, owner),
        archives=FakeArchives(world, owner),
        tell=tell,
    )
