# SPDX-License-Identifier: GPL-2.0-or-later
"""Steps carried out for real, and a switch that outlives whoever armed it."""

import dataclasses
import functools
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from nicmedic.app.recover import recover_transactions
from nicmedic.host import hands, run, service, switch
from nicmedic.host.hands import HostHands
from nicmedic.host.processes import is_running, read_start
from nicmedic.host.run import run_limited
from nicmedic.host.switch import HostSwitch
from nicmedic.host.transactions import HostTransactions
from nicmedic.model.errors import MissingToolError, StateError, SwitchError
from nicmedic.model.finding import RemedyId
from nicmedic.model.plan import Change, Identity, Plan
from nicmedic.model.step import INTERFACE, AwaitNic, Pause, Rename, Run, Shown, Write
from nicmedic.model.transaction import Confirm, State, Transaction, Word, find_state
from nicmedic.remedy.script import render_undo

LO = Identity(interface="lo")
GONE = Identity(interface="nicmedic-gone0")
BOOT_ID = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()


def wait_until(what: Callable[[], bool], within_s: float = 10) -> None:
    until = time.monotonic() + within_s
    while not what():
        assert time.monotonic() < until
        time.sleep(0.05)


def is_gone(pid: int) -> bool:
    return read_start(pid) is None


# Programs --------------------------------------------------------------------------------------------------------------------


def test_a_program_says_how_it_ended() -> None:
    assert run_limited(["sh", "-c", "echo out; echo err >&2; exit 3"], 5) == (3, "out\nerr\n")
    assert run_limited(["sh", "-c", "kill -KILL $$"], 5)[0] == -signal.SIGKILL
    with pytest.raises(FileNotFoundError, match="no-such-program is not installed"):
        run_limited(["no-such-program"], 5)


def test_a_program_that_takes_too_long_is_killed_with_all_its_children(tmp_path: Path) -> None:
    began = time.monotonic()
    status, said = run_limited(["sh", "-c", f"trap '' TERM HUP; echo $$; sleep 60 & echo $! >{tmp_path}/child; wait"], 0.5)
    assert (status, time.monotonic() - began < 3) == (None, True)
    for pid in (said.strip(), (tmp_path / "child").read_text().strip()):
        wait_until(functools.partial(is_gone, int(pid)))


def test_who_leaves_a_child_behind_is_not_waited_for() -> None:
    began = time.monotonic()
    assert run_limited(["sh", "-c", "sleep 3 & echo done"], 10) == (0, "done\n")
    assert time.monotonic() - began < 2


def test_of_much_that_is_printed_the_end_is_kept() -> None:
    status, said = run_limited(["sh", "-c", "seq 100000"], 10)
    assert (status, len(said) <= 4096, said.endswith("100000\n")) == (0, True, True)


# Steps -----------------------------------------------------------------------------------------------------------------------


def apply(step: Run | Write | Pause | AwaitNic | Rename, nic: Identity = LO) -> tuple[bool, str]:
    outcome = HostHands().apply_step(step, nic)
    return outcome.ok, outcome.said


def test_a_run_names_the_interface_and_tells_its_last_line() -> None:
    assert apply(Run(argv=("echo", f"a-{INTERFACE}"))) == (True, "a-lo")
    assert apply(Run(argv=("sh", "-c", "printf 'one\\ntw\\033o\\n\\n'; exit 2"))) == (False, "tw\\x1bo")
    assert apply(Run(argv=("false",))) == (False, "failed with status 1")
    assert apply(Run(argv=("no-such-program",))) == (False, "no-such-program is not installed")
    assert apply(Run(argv=("sleep", "9"), within_s=1)) == (False, "took longer than 1 s")
    assert apply(Run(argv=("sh", "-c", "echo x; sleep 9"), within_s=1)) == (False, "took longer than 1 s: x")
    assert apply(Run(argv=("echo", INTERFACE)), GONE) == (False, "the card has no interface")
    assert apply(Run(argv=("true",)), GONE) == (True, "")


def test_a_run_may_have_another_way() -> None:
    assert apply(Run(argv=("no-such-program",), otherwise=("echo", INTERFACE))) == (True, "lo")
    assert apply(Run(argv=("false",), otherwise=("sh", "-c", "exit 4"))) == (False, "failed with status 4")


@pytest.mark.parametrize(
    ("look", "text", "done"),
    [
        ("printf 'x  a\\t b y\\n'", "a b", False),
        ("echo aa bb", "a b", True),
        ("echo a b; exit 1", "a b", False),
        ("echo lo is up", f"{INTERFACE} is", False),
        ("sleep 9", "a", True),
    ],
)
def test_what_is_shown_need_not_be_done(look: str, text: str, done: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hands, "_LOOK_S", 0.5)
    made = tmp_path / "made"
    step = Run(argv=("touch", str(made)), unless=Shown(argv=("sh", "-c", look), text=text))
    assert apply(step) == (True, "")
    assert made.exists() is done


def test_what_cannot_be_looked_at_is_done(tmp_path: Path) -> None:
    made = tmp_path / "made"
    for look in (Shown(argv=("no-such-program",), text="x"), Shown(argv=("echo", INTERFACE), text="x")):
        assert apply(Run(argv=("touch", str(made)), unless=look), GONE)[0]
        made.unlink()


def test_a_file_is_looked_at_without_a_program_and_a_reader_that_hangs_or_dies_is_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mtu = Path("/sys/class/net/lo/mtu").read_text(encoding="ascii").strip()
    ran: list[object] = []

    def run(argv: list[str], _within_s: float) -> tuple[int, str]:
        ran.append(argv)
        return 0, ""

    monkeypatch.setattr(hands, "run_limited", run)
    doer = HostHands()

    def is_shown(path: str, text: str) -> bool:
        ran.clear()
        assert doer.apply_step(Run(argv=("touch", INTERFACE), unless=Shown(argv=("cat", path), text=text)), LO).ok
        return not ran

    assert is_shown(f"/sys/class/net/{INTERFACE}/mtu", mtu)
    assert not is_shown(f"/sys/class/net/{INTERFACE}/mtu", mtu[:-1])
    assert not is_shown(str(tmp_path / "none"), mtu)
    first = doer._eyes._reader
    assert first is not None
    os.kill(first._child or 0, signal.SIGKILL)
    assert not is_shown("/sys/class/net/lo/mtu", mtu), "what cannot be looked at is not shown"
    assert is_shown("/sys/class/net/lo/mtu", mtu)
    again = doer._eyes._reader
    assert again is not first
    monkeypatch.setattr(type(again), "is_late", True)
    assert is_shown("/sys/class/net/lo/mtu", mtu)
    assert doer._eyes._reader is not again
    doer._eyes.close()
    doer._eyes.close()


def test_a_step_is_tried_as_often_as_it_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hands, "_REST_S", 0.01)
    count = tmp_path / "count"
    step = Run(argv=("sh", "-c", f"echo x >>{count}; test $(wc -l <{count}) -ge 3"), tries=5)
    assert apply(step)[0]
    assert count.read_text() == "x\n" * 3
    assert not apply(dataclasses.replace(step, argv=("false",), tries=2))[0]


def test_a_write_tells_what_the_kernel_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "a-lo"
    file.write_text("old and long")
    assert apply(Write(path=f"{tmp_path}/a-{INTERFACE}", text=INTERFACE)) == (True, "")
    assert file.read_text() == "lo\n"
    assert apply(Write(path="/sys/class/net/lo/mtu", text="x")) == (False, "Invalid argument")
    assert apply(Write(path="/sys/class/net/lo/ifindex", text="1"))[0] is False
    assert apply(Write(path=str(tmp_path / "none"), text="1")) == (False, "No such file or directory")
    assert not (tmp_path / "none").exists()
    assert apply(Write(path=INTERFACE, text="1"), GONE) == (False, "the card has no interface")
    os.mkfifo(tmp_path / "pipe")
    began = time.monotonic()
    assert apply(Write(path=str(tmp_path / "pipe"), text="1", within_s=1)) == (False, "took longer than 1 s")
    assert time.monotonic() - began < 3

    def fail() -> int:
        raise OSError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(os, "fork", fail)
    assert apply(Write(path=str(file), text="1")) == (False, "no child can be started: Resource temporarily unavailable")


def test_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    began = time.monotonic()
    assert apply(Pause(seconds=1)) == (True, "")
    assert time.monotonic() - began >= 1
    assert apply(AwaitNic(within_s=1)) == (True, "")
    assert apply(AwaitNic(within_s=0), GONE) == (False, "the card has no interface after 0 s")
    assert apply(AwaitNic(within_s=1, carrier=True)) == (True, "")
    monkeypatch.setattr(hands, "_CARRIER", Shown(argv=("cat", "/proc/self/comm"), text="no"))
    assert apply(AwaitNic(within_s=0, carrier=True)) == (False, "the card has no link after 0 s")
    assert apply(AwaitNic(within_s=0, carrier=True), GONE) == (False, "the card has no interface after 0 s")
    assert apply(Rename(name="lo")) == (True, "")
    assert apply(Rename(name="x"), GONE) == (False, "the card has no interface")


# Undoing ---------------------------------------------------------------------------------------------------------------------


@pytest.fixture
def store(tmp_path: Path) -> HostTransactions:
    return HostTransactions(str(tmp_path / "transactions"), str(tmp_path / "run"))


def begin(store: HostTransactions, undo: tuple[str, ...] = ("true",), timeout_s: int = 3, script: str | None = None) -> Transaction:
    change = Change(remedy=RemedyId.MTU, title="t", steps=(), undo=(Run(argv=undo), Pause(seconds=0)))
    plan = Plan(nic=LO, boot_id=BOOT_ID, changes=(change,), put_back=(AwaitNic(), Rename(name="lo")))
    with store.hold_lock():
        made = store.create_transaction(
            plan, script or render_undo(plan), confirm=Confirm.OPERATOR, timeout_s=timeout_s, before=(), add_evidence=lambda _: None
        )
    store.release_applier(store.append_entry(store.set_deadline(made, timeout_s), Word.APPLYING, "0 mtu"))
    return made


def state(store: HostTransactions, number: int = 1) -> State:
    found = store.read_transaction(number)
    assert found is not None
    return find_state(found)


def test_an_undo_says_how_it_ended(store: HostTransactions, tmp_path: Path) -> None:
    made = begin(store, ("touch", str(tmp_path / "undone")))
    assert HostHands().undo_transaction(made, "operator").ok
    assert ((tmp_path / "undone").exists(), state(store)) == (True, State.UNDONE)
    again = HostHands().undo_transaction(made, "operator")
    assert (again.ok, again.ran) == (True, False)
    failing = HostHands().undo_transaction(begin(store, ("false",)), "operator")
    assert (failing.ok, failing.ran, failing.failed) == (False, True, ("false",))
    assert state(store, 2) is State.UNDO_FAILED


def test_an_undo_that_says_nothing_of_what_is_left_names_itself(store: HostTransactions, monkeypatch: pytest.MonkeyPatch) -> None:
    made = begin(store, script="echo oops; exit 7\n")
    assert HostHands().undo_transaction(made, "boot").failed == (f"sh {made.folder}/undo.sh boot   # oops",)
    monkeypatch.setattr(run, "find_program", lambda _name: None)
    undone = HostHands().undo_transaction(made, "boot")
    assert (undone.ok, undone.ran) == (False, False)
    assert undone.failed[0].endswith("/bin/sh is not installed")


def test_an_undo_goes_on_when_we_are_ended(store: HostTransactions, tmp_path: Path) -> None:
    made = begin(store, ("sh", "-c", f"sleep 1; touch {tmp_path}/undone"))
    code = (
        "import sys; from nicmedic.host.hands import HostHands; from nicmedic.host.transactions import HostTransactions as S;"
        f"HostHands().undo_transaction(S({str(tmp_path / 'transactions')!r}).read_transaction(1), 'operator')"
    )
    with subprocess.Popen([sys.executable, "-c", code], start_new_session=True) as process:
        wait_until(lambda: Path(made.folder, "undoing").exists())
        os.killpg(process.pid, signal.SIGKILL)
    wait_until((tmp_path / "undone").exists)
    wait_until(lambda: state(store) is State.UNDONE)


# The switch ------------------------------------------------------------------------------------------------------------------


@pytest.fixture
def no_systemd(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(switch, "_SYSTEMD", "/nonexistent")


def test_the_switch_undoes_when_time_is_over_and_nobody_is_left(no_systemd: None, store: HostTransactions, tmp_path: Path) -> None:
    began = time.monotonic()
    made = begin(store, ("touch", str(tmp_path / "undone")))
    code = (
        "from nicmedic.host import switch; from nicmedic.host.transactions import HostTransactions as S; switch._SYSTEMD='/nonexistent';"
        f"t = S({str(tmp_path / 'transactions')!r}).read_transaction(1); print(switch.HostSwitch().arm_switch(t), flush=True); input()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], start_new_session=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        kind, pid, _ = process.stdout.readline().split()
        assert kind == "sh"
        assert HostSwitch().find_switch(made)
        os.killpg(process.pid, signal.SIGHUP)
        os.killpg(process.pid, signal.SIGKILL)
    assert HostSwitch().find_switch(made)
    may_spare = run_limited(["sh", "-c", "echo -900 >/proc/self/oom_score_adj"], 5)[0] == 0  # not in every container
    assert Path(f"/proc/{pid}/oom_score_adj").read_text().strip() == ("-900" if may_spare else "0")
    assert os.getsid(int(pid)) != os.getsid(0)
    assert Path(f"/proc/{pid}/cwd").readlink() == Path("/")
    assert {Path(f"/proc/{pid}/fd/{number}").readlink() for number in (1, 2)} == {Path(os.devnull)}
    wait_until(lambda: state(store) is State.UNDONE)
    assert (tmp_path / "undone").exists()
    assert 3 <= time.monotonic() - began < 8
    wait_until(lambda: not HostSwitch().find_switch(made))


def test_a_switch_whose_script_is_killed_in_the_middle_begins_it_again(no_systemd: None, store: HostTransactions, tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    made = begin(store, ("sh", "-c", f"echo >>{trace}; sleep 1; echo >>{trace}"), timeout_s=1)
    guard = HostSwitch().arm_switch(made).split()[1]
    wait_until(trace.exists)
    script = run_limited(["pgrep", "-P", guard], 5)[1].strip()
    os.kill(int(script), signal.SIGKILL)
    wait_until(lambda: state(store) is State.UNDONE)
    wait_until(lambda: not HostSwitch().find_switch(made))
    assert trace.read_text().count("\n") >= 3


def test_an_extension_needs_no_new_switch(no_systemd: None, store: HostTransactions, tmp_path: Path) -> None:
    made = begin(store, ("touch", str(tmp_path / "undone")), timeout_s=2)
    HostSwitch().arm_switch(made)
    store.set_deadline(made, 5)
    time.sleep(3.5)
    assert HostSwitch().find_switch(made)
    assert not (tmp_path / "undone").exists()
    wait_until(lambda: state(store) is State.UNDONE)


def test_a_switch_that_finds_it_confirmed_does_nothing(no_systemd: None, store: HostTransactions, tmp_path: Path) -> None:
    made = begin(store, ("touch", str(tmp_path / "undone")))
    HostSwitch().arm_switch(made)
    store.decide(made, "confirmed")
    HostSwitch().disarm_switch(made)
    wait_until(lambda: not HostSwitch().find_switch(made))
    assert (state(store), (tmp_path / "undone").exists()) == (State.CONFIRMED, False)


def test_a_switch_of_which_nothing_will_ever_be_decided_is_ended(no_systemd: None, store: HostTransactions) -> None:
    made = begin(store, timeout_s=60)
    how = HostSwitch().arm_switch(made)
    HostSwitch().disarm_switch(made)
    wait_until(lambda: not is_running(how.removeprefix("sh ")))
    assert not HostSwitch().find_switch(made)
    assert not HostSwitch().find_switch(dataclasses.replace(made, folder="/nonexistent"))
    HostSwitch().disarm_switch(dataclasses.replace(made, folder="/nonexistent"))


def test_without_a_switch_nothing_is_begun(no_systemd: None, store: HostTransactions, monkeypatch: pytest.MonkeyPatch) -> None:
    made = begin(store, script="exit 0\n")
    monkeypatch.setattr(switch, "_DETACH", "exit 3")
    with pytest.raises(SwitchError, match="no dead-man's switch can be armed: sh:"):
        HostSwitch().arm_switch(made)


# systemd, as far as this machine lets one look -------------------------------------------------------------------------------


class Systemd:
    """Remembers what it was asked."""

    def __init__(self, *answers: tuple[int | None, str]) -> None:
        self.answers = list(answers)
        self.asked: list[list[str]] = []

    def __call__(self, command: list[str], _within_s: float) -> tuple[int | None, str]:
        self.asked.append(command)
        return self.answers.pop(0)


def test_systemd_is_asked_for_a_timer_and_answers_whether_it_runs(
    store: HostTransactions, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(switch, "_SYSTEMD", str(tmp_path))
    made = begin(store, timeout_s=120)
    systemd = Systemd((1, "unrecognized option '--collect'"), (0, ""), (3, "active\ninactive\n"), (3, "inactive\ninactive"), (0, ""))
    monkeypatch.setattr(switch, "run_limited", systemd)
    assert HostSwitch().arm_switch(made) == "systemd nicmedic-undo-1"
    first, second, look = systemd.asked
    assert [word for word in first if word not in {"--collect", *switch._AGAIN}] == second != first
    assert {"--unit=nicmedic-undo-1", "--on-active=120s", "--timer-property=AccuracySec=1s", f"{made.folder}/undo.sh"} <= set(second)
    assert look == ["systemctl", "is-active", "nicmedic-undo-1.timer", "nicmedic-undo-1.service"]
    assert not HostSwitch().find_switch(made)
    HostSwitch().disarm_switch(made)
    assert systemd.asked[-1] == ["systemctl", "stop", "nicmedic-undo-1.timer"]


@pytest.mark.parametrize(
    ("answer", "armed"),
    [
        ((None, ""), None),
        ((1, "Failed to connect to bus: Connection refused"), None),
        ((4, "inactive\ninactive"), False),
        ((3, "unknown\nunknown"), False),
        ((3, "inactive\nactivating"), True),
    ],
)
def test_a_switch_that_cannot_be_asked_is_not_taken_for_gone(
    store: HostTransactions, monkeypatch: pytest.MonkeyPatch, answer: tuple[int | None, str], armed: bool | None
) -> None:
    made = begin(store, timeout_s=60)
    Path(made.folder, "switch").write_text("systemd nicmedic-undo-1\n")
    store.release_applier(made)
    monkeypatch.setattr(switch, "run_limited", lambda *_: answer)
    assert HostSwitch().find_switch(made) is armed
    found = recover_transactions(store, HostSwitch(), HostHands())
    assert [one.reason for one in found] == (["its switch was gone, and who began it too"] if armed is False else [])
    monkeypatch.setattr(switch, "run_limited", lambda *_: run_limited(["no-such-program"], 1))
    assert HostSwitch().find_switch(made) is None


def test_a_shell_that_ends_at_once_is_no_switch(no_systemd: None, store: HostTransactions) -> None:
    made = begin(store)
    Path(made.folder, "undo.sh").unlink()
    with pytest.raises(SwitchError, match="is not there"):
        HostSwitch().arm_switch(made)


def test_a_systemd_that_does_not_answer_is_done_without(store: HostTransactions, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(switch, "_SYSTEMD", str(tmp_path))
    made = begin(store, timeout_s=30)
    monkeypatch.setattr(
        switch, "run_limited", lambda command, within_s: (None, "") if command[0] == "systemd-run" else run_limited(command, within_s)
    )
    assert HostSwitch().arm_switch(made).startswith("sh ")
    HostSwitch().disarm_switch(made)


def test_the_units_are_installed_and_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "_FOLDER", str(tmp_path))
    monkeypatch.delenv("NICMEDIC_STATE", raising=False)
    systemd = Systemd((0, ""), (0, ""), (0, ""), (1, "no\nbus"), (1, ""), (1, ""))
    monkeypatch.setattr(service, "run_limited", systemd)
    wants = tmp_path / "multi-user.target.wants"
    wants.mkdir()
    (wants / "nicmedic-recover.service").symlink_to("../nicmedic-recover.service")  # systemctl's part
    synced: list[str] = []
    monkeypatch.setattr(service, "sync_folder", synced.append)
    units = service.plan_units(watch=False)
    service.install_units(units)
    assert synced == [str(wants), str(tmp_path)]
    text = (tmp_path / "nicmedic-recover.service").read_text()
    assert "ExecStart=/" in text
    assert " transactions --recover\n" in text
    assert "Environment" not in text
    assert service.list_installed() == ("nicmedic-recover.service",)
    service.remove_units(service.list_installed())
    assert service.list_installed() == ()
    assert [words[1] for words in systemd.asked] == ["enable", "disable", "daemon-reload"]
    monkeypatch.setenv("NICMEDIC_STATE", "/mnt/usb")
    assert '\nEnvironment="NICMEDIC_STATE=/mnt/usb"\n' in service.render_unit()
    with pytest.raises(StateError, match=r"systemctl enable nicmedic-recover\.service: no bus"):
        service.install_units(units)
    assert service.list_installed() == ()
    monkeypatch.setattr(service, "run_limited", lambda *_: run_limited(["no-such-program"], 1))
    with pytest.raises(MissingToolError):
        service.install_units(units)
