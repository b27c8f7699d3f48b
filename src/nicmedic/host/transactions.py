# SPDX-License-Identifier: GPL-2.0-or-later
"""``nicmedic.ports.transactions.TransactionStore`` as files, which a shell can read and a person can repair.

Below ``/var/lib/nicmedic/transactions`` (``NICMEDIC_STATE`` names another folder than /var/lib/nicmedic) each transaction has a folder, its number:
``plan.json``, ``undo.sh``, ``before.tar.gz``, ``journal`` (lines ``UPTIME TIME BOOT_ID WORD DETAIL``), ``deadline`` (uptime in seconds),
``applier`` (``PID START``), ``decided`` (a link whose text is ``confirmed`` or ``undo``; whoever makes it has decided), ``undoing/holder.K``
(links to ``PID START``; the last is the lock of an undo), ``failed`` (commands left to type), ``switch``. It is made as ``.new-PID-START`` and
named when all is on disk, so a half-written one is known by its name. What the undo script could not write there, it left in
``/run/nicmedic/N.outcome``.
"""

import contextlib
import json
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass

from nicmedic.host.clock import read_now
from nicmedic.host.files import append_line, make_folder, make_link, remove_tree, rename_folder, tell_state, write_file
from nicmedic.host.folder_lock import hold_folder
from nicmedic.host.numbered_folders import list_numbers, name_new_folder, read_small_file
from nicmedic.host.processes import is_running, name_process
from nicmedic.model.errors import BusyError, StateError
from nicmedic.model.plain import from_plain, to_plain
from nicmedic.model.plan import Plan
from nicmedic.model.same_card import is_same_card
from nicmedic.model.state_folder import find_state_folder
from nicmedic.model.transaction import Confirm, Entry, ProbeResult, State, Transaction, Word, find_state
from nicmedic.report.escape import escape_terminal

__all__ = ["RUN_FOLDER", "HostTransactions", "find_transactions_folder"]

RUN_FOLDER = "/run/nicmedic"
_SCHEMA = "nicmedic.transaction-plan/1"
_LOCK_PATIENCE_S = 10.0
_MOST_KEPT = 50
"""Older ones that have ended go when a new one comes: their evidence takes a megabyte each."""
_CLOSING = frozenset({Word.CONFIRMED, Word.UNDONE, Word.UNDO_FAILED, Word.REBOOTED, Word.ABANDONED})
_SHARED = frozenset({"nfs", "nfs4", "cifs", "smb3", "smbfs", "ncpfs", "afs", "ceph", "fuse.sshfs", "fuse.glusterfs", "fuse.ceph"})
"""File systems that come over the network, and hang with the card."""
_PAGE = 4096
"""The kernel takes memory for as much as is asked for, and refuses megabytes (fs/proc/proc_sysctl.c, ``proc_sys_call_handler``)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kept:
    """What stands in ``plan.json``."""

    plan: Plan
    confirm: Confirm
    timeout_s: int
    before: tuple[ProbeResult, ...] = ()
    schema: str = _SCHEMA


def find_transactions_folder() -> str:
    """Where they are kept.

    Raises:
        UsageError: NICMEDIC_STATE is no whole path.
    """
    return f"{find_state_folder(os.environ.get('NICMEDIC_STATE'))}/transactions"


def _read(path: str) -> str | None:
    """A small file; None: there is none."""
    data = read_small_file(path)
    return None if data is None else os.fsdecode(data)


def _read_holder(lock: str) -> str:
    """``PID START`` of who holds the lock of an undo: the last of the links in it; a full disk takes those where it takes no file."""
    try:
        holders = [name for name in os.listdir(lock) if name.startswith("holder.") and name[7:].isdecimal()]  # noqa: PTH208  # strings throughout
        return os.readlink(f"{lock}/{max(holders, key=lambda name: int(name[7:]))}")  # noqa: PTH115  # strings throughout
    except (OSError, ValueError):  # nobody does, or it was given up this moment
        return ""


def _read_number(path: str) -> float | None:
    try:
        return float(_read(path) or "")
    except ValueError:
        return None


def _read_system(path: str) -> str:
    return os.fsdecode(read_small_file(path, _PAGE) or b"").strip()


def _read_system_lines(path: str) -> list[str]:
    with open(path, "rb") as file:  # noqa: PTH123  # strings throughout
        return os.fsdecode(file.read()).splitlines()


def _read_uptime_s() -> float:
    return float(_read_system("/proc/uptime").split()[0])


def _parse_entries(text: str) -> Iterator[Entry]:
    """Lines of a journal; what was torn or comes from another version is passed over."""
    for line in text.split("\n"):  # as the shell reads it
        parts = line.split(" ", 4)
        with contextlib.suppress(ValueError, IndexError):
            detail = escape_terminal(parts[4]) if len(parts) > 4 else ""  # it may quote what a program said
            yield Entry(uptime_s=float(parts[0]), time=parts[1], boot_id=parts[2], word=Word(parts[3]), detail=detail)


def _name_choice(plan: Plan) -> tuple[object, ...]:
    return (plan.lifts is not None, *(change.remedy for change in plan.changes))


def _find_remembered(closed: list[Transaction]) -> list[Transaction]:
    """Of each card and each choice of remedies the last that was confirmed; to set them and to lift them for a trial are two choices."""
    kept: list[Transaction] = []
    for one in reversed(closed):
        choice = _name_choice(one.plan)
        is_known = any(is_same_card(one.plan.nic, later.plan.nic) and choice == _name_choice(later.plan) for later in kept)
        if find_state(one) is State.CONFIRMED and not is_known:
            kept.append(one)
    return kept


def _refuse_shared(folder: str) -> None:
    """Nothing is changed that only a file behind the network could undo."""
    device = os.stat(folder).st_dev  # noqa: PTH116  # strings throughout
    name = f"{os.major(device)}:{os.minor(device)}"
    for line in _read_system_lines("/proc/self/mountinfo"):
        mount, _, source = line.partition(" - ")
        kind = source.partition(" ")[0]
        if mount.split(" ")[2:3] == [name] and kind in _SHARED:
            message = f"{escape_terminal(folder)} is on {kind}, behind the network: an undo would wait for it"
            raise StateError(message, hint=f"NICMEDIC_STATE=/run/nicmedic-state nicmedic ...   # memory; findmnt -T {folder}")


class HostTransactions:
    """Files on this machine."""

    def __init__(self, folder: str | None = None, run_folder: str = RUN_FOLDER) -> None:
        """``folder``: where the transactions are; ``run_folder``: where undo scripts leave what the disk does not take."""
        self._folder = find_transactions_folder() if folder is None else folder
        self._run = run_folder

    def list_transactions(self) -> tuple[Transaction, ...]:
        return self._read_all(list_numbers(self._folder))[0]

    def list_damaged(self) -> tuple[StateError, ...]:
        """Why those cannot be read that hold, as far as one can tell, a card in this boot. The others do not stand in the way."""
        return self._read_all(list_numbers(self._folder))[1]

    def _read_all(self, numbers: Iterable[int]) -> tuple[tuple[Transaction, ...], tuple[StateError, ...]]:
        """One that is damaged does not take the others along."""
        found, damaged = [], []
        for number in numbers:
            try:
                transaction = self.read_transaction(number)
            except StateError as error:
                if self._may_be_open(number):
                    damaged.append(error)
                continue
            if transaction is not None:
                found.append(transaction)
        return tuple(found), tuple(damaged)

    def _may_be_open(self, number: int) -> bool:
        boot_id = _read_system("/proc/sys/kernel/random/boot_id")
        try:
            words = [entry.word for entry in self._read_entries(number, boot_id) if entry.boot_id == boot_id]
        except StateError:
            return True
        telling = [word for word in words if word not in {Word.PROBED, Word.EXTENDED}]
        return bool(telling) and telling[-1] not in _CLOSING

    def read_transaction(self, number: int) -> Transaction | None:
        folder = f"{self._folder}/{number}"
        text = _read(f"{folder}/plan.json")
        if text is None:
            return None
        try:
            kept = from_plain(_Kept, json.loads(text))
        except (ValueError, RecursionError) as error:
            hint = f"sh {folder}/undo.sh boot ; mv {folder} {folder}.damaged"
            raise StateError(f"{folder}/plan.json: damaged: {escape_terminal(str(error))[:200]}", hint=hint) from None
        entries = self._read_entries(number, kept.plan.boot_id)
        with tell_state(folder):
            try:
                decided: str | None = os.readlink(f"{folder}/decided")  # noqa: PTH115  # strings throughout
            except FileNotFoundError:
                decided = None
        return Transaction(
            id=number,
            plan=kept.plan,
            confirm=kept.confirm,
            timeout_s=kept.timeout_s,
            entries=entries,
            decided=decided,
            deadline_uptime_s=_read_number(f"{folder}/deadline"),
            before=kept.before,
            folder=folder,
        )

    def _read_entries(self, number: int, boot_id: str | None) -> tuple[Entry, ...]:
        """The journal, and what an undo script could not write there, in order of time."""
        kept = tuple(_parse_entries(_read(f"{self._folder}/{number}/journal") or ""))
        begin = kept[0].uptime_s if kept else 0.0
        spare = [entry for entry in _parse_entries(_read(f"{self._run}/{number}.outcome") or "") if entry.boot_id == boot_id]
        later = tuple(entry for entry in spare if entry.uptime_s >= begin and entry not in kept)
        return tuple(sorted((*kept, *later), key=lambda entry: (entry.boot_id != boot_id, entry.uptime_s))) if later else kept

    def _again(self, transaction: Transaction) -> Transaction:
        now = self.read_transaction(transaction.id)
        if now is None:
            raise StateError(f"{transaction.folder}: somebody removed it", hint="nicmedic transactions")
        return now

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
        numbers = list_numbers(self._folder)
        known, damaged = self._read_all(numbers)
        for error in damaged:  # it may hold this very card
            raise error
        for other in known:
            if find_state(other).is_open and is_same_card(other.plan.nic, plan.nic):
                raise BusyError(
                    f"transaction {other.id} holds {escape_terminal(plan.nic.interface)}: it is {find_state(other)}",
                    hint=f"nicmedic transactions {other.id} ; nicmedic confirm {other.id}   # or: nicmedic undo {other.id}",
                )
        make_folder(self._folder)
        _refuse_shared(self._folder)
        number = max(numbers, default=0) + 1
        new = name_new_folder(self._folder)
        self._forget_outcome(number)
        try:
            make_folder(new)
            kept = _Kept(plan=plan, confirm=confirm, timeout_s=timeout_s, before=before)
            write_file(f"{new}/plan.json", json.dumps(to_plain(kept), ensure_ascii=True, indent=1) + "\n")
            write_file(f"{new}/undo.sh", script, 0o700)
            add_evidence(new)
            write_file(f"{new}/applier", name_process() + "\n")  # from birth on: nobody else takes it for one that was left behind
            self._append(new, Word.PLANNED, "")
            rename_folder(new, f"{self._folder}/{number}")
        finally:
            remove_tree(new)
        self._prune(known)
        made = self.read_transaction(number)
        assert made is not None  # noqa: S101  # it was just named
        return made

    def _prune(self, known: tuple[Transaction, ...]) -> None:
        """Old ones go, those that left nothing first. What can be undone stays, and what ladders remember: the last success of a remedy."""
        closed = [other for other in known if not find_state(other).is_open]
        excess = len(closed) - _MOST_KEPT
        if excess <= 0:
            return
        remembered = _find_remembered(closed)
        spare = [old for old in closed if old not in remembered and not self._is_in_force(old)]
        spare.sort(key=lambda old: (find_state(old) in {State.CONFIRMED, State.UNDO_FAILED}, old.id))
        for old in spare[:excess]:
            remove_tree(old.folder)
        for old in closed[:excess]:
            if not self._is_in_force(old):
                with contextlib.suppress(OSError):
                    os.unlink(f"{old.folder}/before.tar.gz")  # noqa: PTH108  # strings throughout

    def _is_in_force(self, transaction: Transaction) -> bool:
        return find_state(transaction) in {State.CONFIRMED, State.UNDO_FAILED} and self.is_of_this_boot(transaction)

    def _forget_outcome(self, number: int) -> None:
        """Of one that had this number before the folder was emptied."""
        for name in ("outcome", "failed"):
            with contextlib.suppress(OSError):
                os.unlink(f"{self._run}/{number}.{name}")  # noqa: PTH108  # strings throughout

    @staticmethod
    def _append(folder: str, word: Word, detail: str) -> None:
        now = read_now().isoformat(timespec="seconds")
        boot_id = _read_system("/proc/sys/kernel/random/boot_id")
        append_line(f"{folder}/journal", f"{_read_uptime_s():.2f} {now} {boot_id} {word} {escape_terminal(detail)}".rstrip())

    def append_entry(self, transaction: Transaction, word: Word, detail: str = "") -> Transaction:
        self._append(transaction.folder, word, detail)
        return self._again(transaction)

    def set_deadline(self, transaction: Transaction, seconds: int) -> Transaction:
        write_file(f"{transaction.folder}/deadline", f"{_read_uptime_s() + seconds:.2f}\n")
        return self._again(transaction)

    def read_seconds_left(self, transaction: Transaction) -> float | None:
        now = self._again(transaction)
        if now.deadline_uptime_s is None or not self.is_of_this_boot(now):
            return None
        return now.deadline_uptime_s - _read_uptime_s()

    def is_of_this_boot(self, transaction: Transaction) -> bool:
        boot_id = transaction.plan.boot_id or next((entry.boot_id for entry in transaction.entries), None)
        return boot_id == _read_system("/proc/sys/kernel/random/boot_id")

    def claim_applier(self, transaction: Transaction) -> None:
        write_file(f"{transaction.folder}/applier", name_process() + "\n")

    def release_applier(self, transaction: Transaction) -> None:
        path = f"{transaction.folder}/applier"
        with tell_state(path), contextlib.suppress(FileNotFoundError):
            os.unlink(path)  # noqa: PTH108  # strings throughout

    def find_worker(self, transaction: Transaction) -> str | None:
        locks = (f"{transaction.folder}/undoing", f"{self._run}/{transaction.id}.undoing")
        if any(is_running(_read_holder(lock)) for lock in locks):
            return "undo"
        return "applier" if is_running(_read(f"{transaction.folder}/applier") or "") else None

    def decide(self, transaction: Transaction, what: str) -> bool:
        path = f"{transaction.folder}/decided"
        if make_link(path, what):
            return True
        with tell_state(path):
            return os.readlink(path) == what  # noqa: PTH115  # strings throughout

    def hold_lock(self) -> AbstractContextManager[None]:
        return hold_folder(self._folder, _LOCK_PATIENCE_S, who="another nicmedic", hint="nicmedic transactions")
