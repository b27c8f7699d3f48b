# SPDX-License-Identifier: GPL-2.0-or-later
"""Where transactions are kept: the same tests for the store in memory and the one on disk, then what only a disk can do."""

import contextlib
import dataclasses
import errno
import json
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from nicmedic.host import files, transactions
from nicmedic.host.processes import is_running, name_process, read_start
from nicmedic.host.transactions import HostTransactions, find_transactions_folder
from nicmedic.model.errors import BusyError, StateError, UsageError
from nicmedic.model.finding import RemedyId
from nicmedic.model.plan import Change, Identity, Plan
from nicmedic.model.step import INTERFACE, Run
from nicmedic.model.transaction import Confirm, ProbeResult, ProbeState, State, Transaction, Word, find_state
from nicmedic.ports.transactions import TransactionStore
from nicmedic.testing.transactions import FakeStore
from nicmedic.testing.world import Process, World

BOOT_ID = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
CHANGE = Change(remedy=RemedyId.MTU, title="t", steps=(Run(argv=("ip", "link", "set", "dev", INTERFACE, "mtu", "1400")),))
BEFORE = (ProbeResult(probe="carrier", state=ProbeState.PASSED),)


def make_plan(boot_id: str = BOOT_ID, name: str = "eth0") -> Plan:
    card = Identity(interface=name, sysfs_path=f"/sys/devices/{name}")
    return Plan(nic=card, boot_id=boot_id, changes=(CHANGE,))


@pytest.fixture(params=["fake", "real"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> TransactionStore:
    if request.param == "real":
        return HostTransactions(str(tmp_path / "state/transactions"), str(tmp_path / "run"))
    world = World()
    world.boot_id = BOOT_ID
    return FakeStore(world, Process())


@pytest.fixture
def disk(tmp_path: Path) -> HostTransactions:
    return HostTransactions(str(tmp_path / "transactions"), str(tmp_path / "run"))


def create(store: TransactionStore, plan: Plan | None = None, add_evidence: Callable[[str], None] = lambda _folder: None) -> Transaction:
    with store.hold_lock():
        return store.create_transaction(
            plan or make_plan(), "#!/bin/sh\nexit 0\n", confirm=Confirm.PROBES, timeout_s=120, before=BEFORE, add_evidence=add_evidence
        )


# Both ------------------------------------------------------------------------------------------------------------------------


def test_what_was_created_is_there(store: TransactionStore) -> None:
    assert store.list_transactions() == ()
    assert store.read_transaction(1) is None
    made = create(store)
    assert (made.id, made.plan, made.confirm, made.timeout_s, made.before) == (1, make_plan(), Confirm.PROBES, 120, BEFORE)
    assert (made.decided, made.deadline_uptime_s, [entry.word for entry in made.entries]) == (None, None, [Word.PLANNED])
    assert store.list_transactions() == (made,)
    assert store.read_transaction(1) == made
    assert find_state(made) is State.PREPARING
    assert store.is_of_this_boot(made)
    assert store.find_worker(made) == "applier"


def test_one_open_transaction_a_card_whatever_it_is_called(store: TransactionStore) -> None:
    made = create(store)
    renamed = dataclasses.replace(make_plan(), nic=Identity(interface="lan0", sysfs_path="/sys/devices/eth0"))
    with pytest.raises(BusyError, match="transaction 1 holds lan0"):
        create(store, renamed)
    assert create(store, make_plan(name="eth1")).id == 2
    store.append_entry(made, Word.ABANDONED)
    assert create(store, renamed).id == 3


def test_the_journal_grows(store: TransactionStore) -> None:
    made = create(store)
    armed = store.append_entry(made, Word.ARMED, "systemd nicmedic-undo-1")
    applied = store.append_entry(armed, Word.APPLYING, "0 mtu")
    assert [(entry.word, entry.detail) for entry in applied.entries[1:]] == [
        (Word.ARMED, "systemd nicmedic-undo-1"),
        (Word.APPLYING, "0 mtu"),
    ]
    assert {entry.boot_id for entry in applied.entries} == {BOOT_ID}
    assert store.read_transaction(1) == applied


def test_deadlines_come_nearer(store: TransactionStore) -> None:
    made = create(store)
    assert store.read_seconds_left(made) is None
    dated = store.set_deadline(made, 60)
    left = store.read_seconds_left(dated)
    assert left is not None
    assert 55 < left <= 60
    later = store.set_deadline(dated, 600)
    assert (store.read_seconds_left(later) or 0) > 590
    assert later.deadline_uptime_s is not None
    other_boot = create(store, make_plan("another-boot", "eth1"))
    assert store.read_seconds_left(store.set_deadline(other_boot, 60)) is None
    assert not store.is_of_this_boot(other_boot)


def test_who_decides_first_has_decided(store: TransactionStore) -> None:
    made = create(store)
    assert store.decide(made, "confirmed")
    assert store.decide(made, "confirmed")
    assert not store.decide(made, "undo")
    again = store.read_transaction(1)
    assert again is not None
    assert (again.decided, find_state(again)) == ("confirmed", State.CONFIRMED)


def test_appliers_come_and_go(store: TransactionStore) -> None:
    made = create(store)
    store.release_applier(made)
    assert store.find_worker(made) is None
    store.claim_applier(made)
    assert store.find_worker(made) == "applier"
    store.release_applier(made)
    store.release_applier(made)


def test_what_somebody_removed_is_an_error(store: TransactionStore) -> None:
    made = create(store)
    if isinstance(store, FakeStore):
        store.world.transactions.clear()
    else:
        files.remove_tree(made.folder)
    with pytest.raises(StateError):
        store.set_deadline(made, 1)


# On disk ---------------------------------------------------------------------------------------------------------------------


def test_a_folder_holds_what_a_shell_can_read(disk: HostTransactions, tmp_path: Path) -> None:
    made = disk.set_deadline(create(disk, add_evidence=lambda folder: files.write_file(f"{folder}/before.tar.gz", "x")), 60)
    folder = tmp_path / "transactions/1"
    assert made.folder == str(folder)
    assert {path.name for path in folder.iterdir()} == {"plan.json", "undo.sh", "before.tar.gz", "journal", "applier", "deadline"}
    assert folder.stat().st_mode & 0o777 == 0o700
    assert (folder / "undo.sh").stat().st_mode & 0o777 == 0o700
    assert json.loads((folder / "plan.json").read_text())["plan"]["nic"]["interface"] == "eth0"
    assert (folder / "applier").read_text().split() == [str(os.getpid()), read_start(os.getpid())]
    assert float((folder / "deadline").read_text()) == made.deadline_uptime_s
    uptime, time, boot_id, word = (folder / "journal").read_text().splitlines()[0].split(" ")
    assert (float(uptime) > 0, len(time), boot_id, word) == (True, 25, BOOT_ID, "planned")
    disk.decide(made, "undo")
    assert (folder / "decided").readlink() == Path("undo")
    assert [path.name for path in (tmp_path / "transactions").iterdir() if path.name.startswith(".")] == []


def test_details_stay_on_their_line(disk: HostTransactions) -> None:
    made = disk.append_entry(create(disk), Word.ARMED, "a\nb\x1b[2J \udcff")
    assert made.entries[-1].detail == "a\\x0ab\\x1b[2J \\udcff"


def test_torn_and_foreign_lines_are_passed_over_and_the_next_is_whole(disk: HostTransactions) -> None:
    made = create(disk)
    journal = Path(made.folder, "journal")
    journal.write_text(journal.read_text() + f"x y z\n1.0 t {BOOT_ID} invented\n\n12.0 2025-01-01T0")
    armed = disk.append_entry(made, Word.ARMED, "how")
    assert [entry.word for entry in armed.entries] == [Word.PLANNED, Word.ARMED]


def test_what_a_program_said_in_a_journal_does_not_reach_a_terminal(disk: HostTransactions) -> None:
    made = create(disk)
    journal = Path(made.folder, "journal")
    journal.write_text(journal.read_text() + f"9.0 t {BOOT_ID} undo-failed false (status 1: \x1b[2J\rno)\n")
    again = disk.read_transaction(1)
    assert again is not None
    assert again.entries[-1].detail == r"false (status 1: \x1b[2J\x0dno)"


def test_what_the_undo_script_could_not_write_there_is_read_from_memory(disk: HostTransactions, tmp_path: Path) -> None:
    made = create(disk)
    later = made.entries[0].uptime_s + 5
    (tmp_path / "run").mkdir()
    (tmp_path / "run/1.outcome").write_text(f"{later} t {BOOT_ID} undone\n{later} t other-boot undo-failed\n1.0 t {BOOT_ID} undone\n")
    again = disk.read_transaction(1)
    assert again is not None
    assert [entry.word for entry in again.entries] == [Word.PLANNED, Word.UNDONE]
    (tmp_path / "run/1.undoing").mkdir()
    assert disk.find_worker(made) == "applier"
    (tmp_path / "run/1.undoing/holder.9").symlink_to("1 7")
    assert disk.find_worker(made) == "applier"
    (tmp_path / "run/1.undoing/holder.10").symlink_to(name_process())
    assert disk.find_worker(made) == "undo"
    files.remove_tree(str(tmp_path / "transactions"))
    assert [entry.word for entry in create(disk).entries] == [Word.PLANNED], "of another one that had this number"


def test_the_kernel_release_is_written_and_a_plan_of_an_older_nicmedic_has_none(disk: HostTransactions) -> None:
    plan = dataclasses.replace(make_plan(), kernel_release="6.1.0-40-amd64")
    path = Path(create(disk, plan).folder, "plan.json")
    again = disk.read_transaction(1)
    assert again is not None
    assert again.plan == plan
    kept = json.loads(path.read_text())
    del kept["plan"]["kernel_release"]
    path.write_text(json.dumps(kept))
    (older,) = disk.list_transactions()
    assert older.plan == make_plan()


def test_half_written_ones_are_swept_unless_somebody_is_at_it(disk: HostTransactions, tmp_path: Path) -> None:
    create(disk)
    dead, alive = tmp_path / "transactions/.new-1-7", tmp_path / f"transactions/.new-{name_process().replace(' ', '-')}"
    for path in (dead, alive):
        path.mkdir()
        (path / "plan.json").write_text("{")
    assert [one.id for one in disk.list_transactions()] == [1]
    assert (dead.exists(), alive.exists()) == (False, True)


def test_evidence_that_fails_leaves_nothing(disk: HostTransactions, tmp_path: Path) -> None:
    def fail(_folder: str) -> None:
        raise StateError("full")

    with pytest.raises(StateError):
        create(disk, add_evidence=fail)
    assert [path.name for path in (tmp_path / "transactions").iterdir()] == ["lock"]


@pytest.mark.parametrize("text", ["{", "[]", '{"plan": 7}', "[" * 100_000])
def test_a_damaged_plan_tells_what_can_be_done(text: str, disk: HostTransactions) -> None:
    made = create(disk)
    Path(made.folder, "plan.json").write_text(text)
    with pytest.raises(StateError, match="damaged") as told:
        disk.read_transaction(1)
    assert f"sh {made.folder}/undo.sh boot" in told.value.hint
    assert [error.message for error in disk.list_damaged()] == [told.value.message]
    with pytest.raises(StateError, match="damaged"):
        create(disk, make_plan(name="eth1"))
    files.append_line(f"{made.folder}/journal", f"9.00 2026-01-01T00:00:00Z {BOOT_ID} undone")
    assert create(disk, make_plan(name="eth1")).id == 2
    assert ([one.id for one in disk.list_transactions()], disk.list_damaged()) == ([2], ())


def test_one_of_which_nothing_can_be_read_may_be_open(disk: HostTransactions) -> None:
    made = create(disk)
    for name in ("plan.json", "journal"):
        Path(made.folder, name).unlink()
        Path(made.folder, name).mkdir()
    assert len(disk.list_damaged()) == 1


def test_a_damaged_deadline_is_none(disk: HostTransactions) -> None:
    made = disk.set_deadline(create(disk), 60)
    Path(made.folder, "deadline").write_text("soon")
    again = disk.read_transaction(1)
    assert again is not None
    assert again.deadline_uptime_s is None


def test_the_oldest_that_have_ended_go(disk: HostTransactions, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transactions, "_MOST_KEPT", 2)
    create(disk, make_plan(name="other"))
    for _ in range(4):
        disk.append_entry(create(disk), Word.UNDONE)
    assert [one.id for one in disk.list_transactions()] == [1, 3, 4, 5]


def test_what_can_be_undone_and_what_ladders_remember_stays(disk: HostTransactions, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transactions, "_MOST_KEPT", 1)

    def confirm(plan: Plan) -> None:
        made = create(disk, plan, lambda folder: files.write_file(f"{folder}/before.tar.gz", "x"))
        disk.decide(made, "confirmed")
        disk.append_entry(made, Word.CONFIRMED)

    confirm(make_plan())
    for _ in range(3):
        confirm(make_plan("another-boot", "eth1"))
    for _ in range(4):
        disk.append_entry(create(disk), Word.UNDONE)
    kept = disk.list_transactions()
    assert [one.id for one in kept] == [1, 4, 8]
    assert [one.id for one in kept if Path(one.folder, "before.tar.gz").exists()] == [1]


def test_a_lift_does_not_push_out_what_it_lifted(disk: HostTransactions, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transactions, "_MOST_KEPT", 1)
    for boot in ("boot-a", "boot-b"):
        plan = make_plan(boot)
        for one in (plan, dataclasses.replace(plan, lifts=1)):
            made = create(disk, one)
            disk.decide(made, "confirmed")
            disk.append_entry(made, Word.CONFIRMED)
    disk.append_entry(create(disk), Word.UNDONE)
    assert [one.plan.lifts for one in disk.list_transactions()][:2] == [None, 1]


def test_a_folder_behind_the_network_is_refused(disk: HostTransactions, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    device = tmp_path.stat().st_dev
    line = f"29 1 {os.major(device)}:{os.minor(device)} / / rw,relatime shared:1 - nfs4 server:/export rw"
    monkeypatch.setattr(transactions, "_read_system_lines", lambda _path: ["1 1 0:0 / /x rw - ext4 /dev/x rw", line])
    with pytest.raises(StateError, match="is on nfs4, behind the network"):
        create(disk)


def test_a_link_that_is_there_counts_though_the_disk_does_not_sync(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_path: str) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(files, "sync_folder", fail)
    assert files.make_link(str(tmp_path / "decided"), "confirmed")
    (tmp_path / "other").symlink_to("undo")
    monkeypatch.setattr(os, "symlink", lambda *_: None)
    with pytest.raises(StateError, match="Input/output error"):
        files.make_link(str(tmp_path / "other"), "confirmed")


def test_only_one_holds_the_lock(disk: HostTransactions, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transactions, "_LOCK_PATIENCE_S", 0.2)
    held, told = threading.Event(), threading.Event()

    def hold() -> None:
        with disk.hold_lock():
            held.set()
            told.wait(10)

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait(10)
    with pytest.raises(BusyError, match="another nicmedic: it has held"), disk.hold_lock():
        pass
    told.set()
    thread.join()
    with disk.hold_lock():
        pass


def test_the_folder_may_be_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NICMEDIC_STATE", raising=False)
    assert find_transactions_folder() == "/var/lib/nicmedic/transactions"
    monkeypatch.setenv("NICMEDIC_STATE", "/mnt/usb")
    assert find_transactions_folder() == "/mnt/usb/transactions"
    monkeypatch.setenv("NICMEDIC_STATE", "mnt")
    with pytest.raises(UsageError, match="NICMEDIC_STATE=mnt: not a whole path"):
        find_transactions_folder()


CALLS = ("open", "write", "fsync", "rename", "mkdir", "symlink", "unlink")


def count_down(monkeypatch: pytest.MonkeyPatch, at: int, error: BaseException) -> Iterator[int]:
    """Let the ``at``-th system call that writes raise; yields how many there were."""
    seen = [0]

    def wrap(name: str) -> None:
        real = getattr(os, name)

        def call(*arguments: object, **options: object) -> object:
            if name == "open" and not (isinstance(arguments[1], int) and arguments[1] & (os.O_WRONLY | os.O_RDWR)):
                return real(*arguments, **options)
            seen[0] += 1
            if seen[0] - 1 == at:
                raise error
            return real(*arguments, **options)

        monkeypatch.setattr(os, name, call)

    with monkeypatch.context():
        for name in CALLS:
            wrap(name)
        yield 0
    monkeypatch.undo()
    yield seen[0]


class PowerCutError(BaseException):
    """Nothing happens after it."""


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left on device"), OSError(errno.EROFS, "Read-only file system")])
def test_whichever_call_fails_the_store_says_so_or_it_happened(error: OSError, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for at in range(100):
        disk = HostTransactions(str(tmp_path / f"{at}/transactions"), str(tmp_path / "run"))
        counting = count_down(monkeypatch, at, error)
        next(counting)
        with contextlib.suppress(StateError):
            made = disk.append_entry(disk.set_deadline(create(disk), 60), Word.ARMED)
            disk.decide(made, "confirmed")
            disk.release_applier(made)
        if next(counting) <= at:
            break
        for found in disk.list_transactions():
            assert found.plan == make_plan()
            assert found.entries[0].word is Word.PLANNED
    else:
        pytest.fail("more calls than expected")
    assert at > 20


def test_power_may_go_at_any_call(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What is left is a whole transaction or none; without the kernel's cache, that is ``tests/lab``'s part."""
    for at in range(100):
        disk = HostTransactions(str(tmp_path / f"{at}/transactions"), str(tmp_path / "run"))
        counting = count_down(monkeypatch, at, PowerCutError())
        next(counting)
        with contextlib.suppress(PowerCutError):
            disk.decide(disk.set_deadline(create(disk), 60), "undo")
        if next(counting) <= at:
            break
        for found in disk.list_transactions():
            assert (found.plan, found.before) == (make_plan(), BEFORE)
            assert Path(found.folder, "undo.sh").read_text().endswith("exit 0\n")
    else:
        pytest.fail("more calls than expected")


# Small files -----------------------------------------------------------------------------------------------------------------


def test_files_tell_the_path_what_the_kernel_said_and_where_to_look(tmp_path: Path) -> None:
    path = str(tmp_path / "no/folder/file")
    for call in (
        lambda: files.write_file(path, "x"),
        lambda: files.append_line(path, "x"),
        lambda: files.make_link(path, "x"),
        lambda: files.rename_folder(path, f"{path}2"),
    ):
        with pytest.raises(StateError, match=r"no/folder/file.*: No such file or directory") as told:
            call()
        assert "ls -ld" in told.value.hint
    with pytest.raises(StateError, match="full") as told, files.tell_state("/a/b"):
        raise OSError(errno.ENOSPC, "full")
    assert told.value.hint.startswith("df -h /a ; df -i /a")
    assert "NICMEDIC_STATE=" in told.value.hint


def test_a_service_is_not_told_to_keep_its_state_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NICMEDIC_CONFINED", "yes")
    monkeypatch.setattr("nicmedic.host.outside._SYSTEMD", str(tmp_path))
    with pytest.raises(StateError, match="full") as told, files.tell_state("/a/b"):
        raise OSError(errno.ENOSPC, "full")
    assert told.value.hint == "df -h /a ; df -i /a"


def test_a_file_is_replaced_whole_and_links_are_not_followed(tmp_path: Path) -> None:
    path = tmp_path / "file"
    files.write_file(str(path), "one")
    files.write_file(str(path), "two")
    assert (path.read_text(), path.stat().st_mode & 0o777) == ("two", 0o600)
    (tmp_path / "link").symlink_to(path)
    with pytest.raises(StateError):
        files.append_line(str(tmp_path / "link"), "x")
    files.make_folder(str(tmp_path / "a/b/c"))
    files.make_folder(str(tmp_path / "a/b/c"))
    assert [path.name for path in tmp_path.iterdir() if path.name.endswith(".tmp")] == []


def test_a_process_is_known_by_its_number_and_its_start() -> None:
    assert is_running(name_process())
    assert not is_running(f"{os.getpid()} 1")
    assert not is_running("")
    assert not is_running("1")
    assert read_start(2**22 + 1) is None
    assert name_process(2**22 + 1).endswith(" 0")
