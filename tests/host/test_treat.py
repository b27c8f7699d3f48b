# SPDX-License-Identifier: GPL-2.0-or-later
"""The whole of ``treat`` on a card that is one end of a cable between namespaces: all but the device below it is real.

No card of this machine is touched.
"""

import contextlib
import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import jsonschema
import pytest

from tests.rooms import Room, open_room

SCHEMA = json.loads((Path(__file__).parents[2] / "docs/schema/transactions-1.json").read_text(encoding="utf-8"))
NICMEDIC = (sys.executable, "-m", "nicmedic")
FAR = """
set -e
ip netns add far
ip link set switch0 netns far
ip -n far addr add 192.0.2.254/24 dev switch0
ip -n far link set switch0 up
ip addr add 192.0.2.1/24 dev card0
ip route add default via 192.0.2.254
"""
CHANGES = ("--remedy", "offload-off:tso", "--remedy", "mtu:1400")
PARTNER = """
until [ $(cat /sys/devices/virtual/net/card0/mtu) = 1400 ]; do sleep 0.05; done
ip -n far link set switch0 down
sleep 30
ip -n far link set switch0 up
"""
KILL_AT = """
import os, signal, sys
at, seen, on = int(sys.argv.pop(1)), 0, False
log = os.open(sys.argv.pop(1), os.O_WRONLY | os.O_CREAT | os.O_APPEND)
NAMES = {"os.rename", "os.link", "os.symlink", "os.mkdir", "os.remove", "os.rmdir", "subprocess.Popen", "os.fork"}
def note(name):
    global seen
    if seen == at:
        os.kill(os.getpid(), signal.SIGKILL)
    seen += 1
    os.write(log, name.encode() + b"\\n")
def hear(event, arguments):
    if not on:
        return
    if event in NAMES or (event == "open" and isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)):
        note(f"{event} {arguments[:1]}"[:150])
sync = os.fsync
def fsync(file):
    note("fsync") if on else None
    sync(file)
os.fsync = fsync
sys.addaudithook(hear)
from nicmedic.cli.main import main
pid = os.getpid()
on = True
os.register_at_fork(after_in_child=lambda: globals().update(on=False))
status = main(sys.argv[1:])
on = False
sys.exit(status)
"""


class Host:
    """A room whose card has a gateway, and the program in it."""

    def __init__(self, room: Room, state: Path) -> None:
        self.room, self.state = room, state
        self.environment = {"NICMEDIC_STATE": str(state)}
        room.run("sh", "-c", FAR)
        until = time.monotonic() + 10
        while room.run("ping", "-n", "-q", "-c", "1", "-W", "1", "192.0.2.254", check=False).returncode:
            assert time.monotonic() < until
        self.before = self.look()

    def nicmedic(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        done = self.room.run(*NICMEDIC, *arguments, check=False, env=self.environment)
        assert "Traceback" not in done.stderr, done.stderr
        return done

    def treat(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self.nicmedic("treat", "card0", *arguments)

    def killed_at(self, number: int, log: Path, *arguments: str) -> int:
        return self.room.run(sys.executable, "-c", KILL_AT, str(number), str(log), *arguments, check=False, env=self.environment).returncode

    def look(self) -> str:
        return self.room.look()

    def wait_before(self, within_s: float) -> float:
        began = time.monotonic()
        while self.look() != self.before:
            assert time.monotonic() - began < within_s, self.nicmedic("transactions", "1").stdout
            time.sleep(0.2)
        return time.monotonic() - began

    def states(self) -> list[str]:
        return [one["state"] for one in json.loads(self.nicmedic("transactions", "--json").stdout)["transactions"]]


@contextlib.contextmanager
def make_host(folder: Path) -> Iterator[Host]:
    folder.mkdir(exist_ok=True)
    with open_room(folder) as room:
        yield Host(room, folder / "state")


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    with make_host(tmp_path) as made:
        yield made


def test_a_change_waits_is_confirmed_and_undone(host: Host) -> None:
    done = host.treat(*CHANGES)
    assert done.returncode == 0, done.stderr
    assert re.match(r"card0 is changed, and is undone in \d+ s unless you confirm \(transaction 1\)\n", done.stdout)
    after = host.look()
    assert "tcp-segmentation-offload: off" in after
    assert "mtu 1400" in after
    assert "passed   gateway 192.0.2.254" in done.stdout
    assert (host.state / "transactions/1/before.tar.gz").stat().st_size > 1000
    unproven = host.nicmedic("confirm")
    assert (unproven.returncode, host.states()) == (29, ["waiting"])
    assert "nicmedic confirm 1 --out-of-band" in unproven.stderr
    busy = host.treat("--remedy", "mtu:1300")
    assert (busy.returncode, busy.stderr.splitlines()[-2][:32]) == (25, "nicmedic: nothing was changed: t")
    assert host.nicmedic("confirm", "--extend", "1m").stdout.startswith("card0 is changed, and is undone in 1")
    confirmed = host.nicmedic("confirm", "1", "--out-of-band")
    assert confirmed.stdout.startswith(
        "card0 is changed: offload-off:tso, mtu:1400 is confirmed; it lasts until the next boot (transaction 1)\n"
    )
    assert host.look() == after
    document = json.loads(host.nicmedic("transactions", "--json").stdout)
    jsonschema.Draft202012Validator(SCHEMA).validate(document)
    assert host.nicmedic("undo").stdout.startswith("card0 is as it was before: undone (transaction 1)\n")
    assert host.look() == host.before
    assert host.nicmedic("undo").returncode == 28


def test_without_a_confirmation_it_is_undone_in_time(host: Host) -> None:
    began = time.monotonic()
    done = host.treat(*CHANGES, "--timeout", "12s", "--json")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    jsonschema.Draft202012Validator(SCHEMA).validate(document)
    assert document["transactions"][0]["state"] == "waiting"
    assert host.look() != host.before
    host.wait_before(20)
    assert 11 < time.monotonic() - began < 22
    assert host.nicmedic("transactions").stdout.startswith("no transaction is open; the last one, 1: card0 is as it was before: undone\n")


def test_what_cuts_the_traffic_is_undone_by_the_probes(host: Host) -> None:
    """The gateway is gone once the MTU changes: as with a setting that the partner does not stand."""
    watcher = host.room.start("sh", "-c", PARTNER)
    done = host.treat("--remedy", "mtu:1400", "--confirm", "probes", "--timeout", "60s")
    assert done.returncode == 41, (done.stdout, done.stderr)
    assert "nicmedic: rolled back: card0 is as it was before transaction 1: " in done.stderr
    assert host.states() == ["undone"]
    watcher.communicate(timeout=60)
    host.wait_before(10)


def test_the_probes_confirm_what_holds(host: Host) -> None:
    done = host.treat(*CHANGES, "--confirm", "probes", "--hold", "1s")
    assert done.stdout.startswith("card0 is changed: offload-off:tso, mtu:1400 is confirmed"), done.stderr
    assert host.states() == ["confirmed"]


@pytest.mark.parametrize(
    "arguments", [("--remedy", "mtu:99999"), ("--remedy", "eee-off"), ("--remedy", "mtu:1400", "--remedy", "aspm-off")]
)
def test_what_is_refused_changes_nothing(host: Host, arguments: tuple[str, ...]) -> None:
    done = host.treat(*arguments)
    assert (done.returncode, host.look()) == (23, host.before), done.stderr
    assert done.stderr.startswith("nicmedic: nothing was changed: card0: ")
    assert not (host.state / "transactions").exists()


def test_bad_use_changes_nothing(host: Host) -> None:
    for arguments, status in (
        ((), 2),
        (("--remedy", "magic"), 2),
        (("--remedy", "mtu:1400", "--timeout", "1s"), 2),
        (("--remedy", "mtu:1400", "--confirm", "nobody"), 2),
        (("--remedy", "mtu:1400", "--probe", "what"), 2),
    ):
        done = host.treat(*arguments)
        assert done.returncode == status, (arguments, done.stderr)
    assert host.nicmedic("treat", "nothing0", "--remedy", "mtu:1400").returncode == 22
    assert host.nicmedic("transactions", "7").returncode == 28
    assert host.look() == host.before


def test_only_root_may(host: Host) -> None:
    for command in (("treat", "card0", "--remedy", "mtu:1400"), ("confirm",), ("undo",), ("transactions",)):
        user = host.room.run("setpriv", "--reuid=65534", "--clear-groups", *NICMEDIC, *command, check=False)
        assert (user.returncode, user.stderr[:38]) == (24, "nicmedic: nothing was changed: only ro"), user.stderr


def test_a_disk_that_cannot_be_written_stops_it_before_it_begins(host: Host) -> None:
    host.state.mkdir()
    host.room.run("mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(host.state))
    full = host.treat("--remedy", "mtu:1400")
    assert (full.returncode, host.look()) == (27, host.before), full.stderr
    assert "No space left on device" in full.stderr
    host.room.run("mount", "-o", "remount,ro", str(host.state))
    read_only = host.treat("--remedy", "mtu:1400")
    assert (read_only.returncode, host.look()) == (27, host.before), read_only.stderr
    assert "Read-only file system" in read_only.stderr


def test_a_disk_that_becomes_full_or_read_only_in_the_middle_does_not_keep_it_from_being_undone(host: Host) -> None:
    host.state.mkdir()
    host.room.run("mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", str(host.state))
    assert host.treat("--remedy", "mtu:1400", "--timeout", "12s").returncode == 0
    host.room.run("sh", "-c", f"dd if=/dev/zero of={host.state}/filler bs=64k 2>/dev/null || true")
    host.wait_before(25)
    time.sleep(1)
    assert host.states() == ["undone"]
    host.room.run("rm", f"{host.state}/filler")
    assert host.treat("--remedy", "mtu:1400", "--timeout", "14s").returncode == 0
    host.room.run("mount", "-o", "remount,ro", str(host.state))
    host.wait_before(25)
    time.sleep(1)
    assert host.states() == ["undone", "undone"]
    assert host.room.read("cat", "/run/nicmedic/2.outcome").split()[-1] == "undone"


def test_the_next_command_takes_up_what_nobody_watches_any_more(host: Host) -> None:
    assert host.treat("--remedy", "mtu:1400").returncode == 0
    kind, pid, _ = (host.state / "transactions/1/switch").read_text().split()
    assert kind == "sh"
    os.kill(int(pid), signal.SIGKILL)
    told = host.nicmedic("check", "card0")
    assert "nicmedic: card0 is as it was before: undone (transaction 1): its switch was gone, and who began it too" in told.stderr
    assert host.look() == host.before
    journal = host.state / "transactions/1/journal"
    boot = journal.read_text().split()[2]
    assert host.treat("--remedy", "mtu:1400").returncode == 0
    for name in ("journal", "plan.json"):
        path = host.state / f"transactions/2/{name}"
        path.write_text(path.read_text().replace(boot, "00000000-0000-0000-0000-000000000000"))
    recovered = host.nicmedic("transactions", "--recover")
    assert (recovered.returncode, host.states()) == (0, ["undone", "rebooted"]), recovered.stderr
    assert "its changes ended with the boot" in recovered.stderr


# Killed ------------------------------------------------------------------------------------------------------------------------


def count_calls(folder: Path, *arguments: str) -> list[str]:
    with make_host(folder) as host:
        log = folder / "log"
        assert host.killed_at(-1, log, *arguments) == 0
        return log.read_text().splitlines()


def kill_and_look(folder: Path, number: int, arguments: tuple[str, ...], timeout_s: int) -> str:
    """How it ended: ``before`` or ``after``."""
    with make_host(folder) as host:
        assert host.killed_at(number, folder / "log", *arguments) == -signal.SIGKILL
        time.sleep(timeout_s + 1)
        until = time.monotonic() + 9
        while host.look() != host.before and "confirmed" not in host.states() and time.monotonic() < until:
            time.sleep(0.3)
        until = time.monotonic() + 20  # the word comes when all is back
        while "undoing" in host.states() and time.monotonic() < until:
            time.sleep(0.3)
        at, look, states = (folder / "log").read_text().splitlines()[-1:], host.look(), host.states()
        if "confirmed" in states:
            assert ("mtu 1400" in look, "tcp-segmentation-offload: off" in look) == (True, True), (number, at)
            return "after"
        assert look == host.before, (number, at, states)
        assert set(states) <= {"undone"}, (number, at, states)
        return "before"


TREAT = ("treat", "card0", *CHANGES, "--confirm", "probes", "--hold", "0", "--timeout", "10s")


def kill_everywhere(tmp_path: Path, choose: Callable[[int], list[int]]) -> None:
    calls = count_calls(tmp_path / "whole", *TREAT)
    assert len(calls) > 60
    numbers = choose(len(calls))
    with ThreadPoolExecutor(6) as pool:
        ends = list(pool.map(lambda number: kill_and_look(tmp_path / str(number), number, TREAT, 10), numbers))
    assert {"before", "after"} == set(ends)
    print(f"killed at {len(numbers)} of {len(calls)} calls: {ends.count('before')} before, {ends.count('after')} after")  # noqa: T201  # for people


def test_killed_somewhere_it_is_before_or_after(tmp_path: Path) -> None:
    kill_everywhere(tmp_path, lambda total: [*range(5, total - 2, total // 10), total - 2])


@pytest.mark.long
def test_killed_anywhere_it_is_before_or_after(tmp_path: Path) -> None:
    kill_everywhere(tmp_path, lambda total: list(range(total)))


# A terminal --------------------------------------------------------------------------------------------------------------------


class Terminal:
    """Somebody sits before the program."""

    def __init__(self, host: Host, *arguments: str) -> None:
        ours, theirs = pty.openpty()
        self.ours, self.seen = ours, ""
        command = host.room.command(*NICMEDIC, *arguments)
        attach = "import fcntl, os, sys, termios; os.setsid(); fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execvp(sys.argv[1], sys.argv[1:])"
        self.process = subprocess.Popen(
            [sys.executable, "-c", attach, *command], stdin=theirs, stdout=theirs, stderr=theirs, env={**os.environ, **host.environment}
        )
        os.close(theirs)

    def expect(self, text: str, within_s: float = 30) -> None:
        until = time.monotonic() + within_s
        while text not in self.seen:
            ready, _, _ = select.select([self.ours], [], [], max(0.0, until - time.monotonic()))
            assert ready, self.seen
            self.seen += os.read(self.ours, 4096).decode("utf-8", "replace")
        self.seen = self.seen.partition(text)[2]

    def type(self, text: str) -> None:
        os.write(self.ours, text.encode())

    def end(self, within_s: float = 30) -> int:
        """Read on until it ends."""
        until = time.monotonic() + within_s
        while self.process.poll() is None:
            assert time.monotonic() < until, self.seen
            with contextlib.suppress(OSError):
                if select.select([self.ours], [], [], 0.1)[0]:
                    self.seen += os.read(self.ours, 4096).decode("utf-8", "replace")
        with contextlib.suppress(OSError):
            while select.select([self.ours], [], [], 0.1)[0] and (more := os.read(self.ours, 4096)):
                self.seen += more.decode("utf-8", "replace")
        return self.process.returncode

    def hang_up(self) -> None:
        os.close(self.ours)


@pytest.fixture
def terminal(host: Host) -> Iterator[Terminal]:
    made = Terminal(host, "treat", "card0", "--remedy", "mtu:1400", "--hold", "1s", "--timeout", "20s")
    made.expect("left, then it is undone. Type keep, undo, or extend 5m (Ctrl-C undoes it now):")
    yield made
    made.process.kill()
    made.process.wait()
    with contextlib.suppress(OSError):
        made.hang_up()


def test_a_terminal_keeps_only_what_is_proven_or_told_anyway(host: Host, terminal: Terminal) -> None:
    terminal.type("what\n")
    terminal.expect("keep, undo, or extend 5m; keep anyway")
    terminal.type("keep\n")
    terminal.expect("--out-of-band")
    terminal.type("extend 1m\n")
    terminal.expect("7")
    terminal.type("keep anyway\n")
    assert terminal.end() == 0, terminal.seen
    assert "is confirmed" in terminal.seen
    assert host.states() == ["confirmed"]


def test_a_terminal_undoes(host: Host, terminal: Terminal) -> None:
    terminal.type("undo\n")
    assert terminal.end() == 0, terminal.seen
    assert (host.states(), host.look()) == (["undone"], host.before)


def test_an_interruption_undoes(host: Host, terminal: Terminal) -> None:
    terminal.type("\x03")
    assert terminal.end() == 0, terminal.seen
    assert "card0 is as it was before: undone" in terminal.seen
    assert (host.states(), host.look()) == (["undone"], host.before)


@pytest.mark.parametrize("how", ["hangup", "eof", "killed"])
def test_a_terminal_that_is_lost_confirms_nothing(how: str, host: Host, terminal: Terminal) -> None:
    began = time.monotonic()
    if how == "hangup":
        terminal.hang_up()
    elif how == "eof":
        terminal.type("\x04")
    else:
        terminal.process.kill()
    terminal.process.wait(15)
    assert host.states() == ["waiting"]
    host.wait_before(30)
    assert time.monotonic() - began > 5
    assert host.states() == ["undone"]


def test_a_terminal_hears_of_the_end_of_time_and_of_others(host: Host, terminal: Terminal) -> None:
    assert terminal.end(40) == 42, terminal.seen
    assert "rolled back: transaction 1 was undone" in terminal.seen
    other = Terminal(host, "treat", "card0", "--remedy", "mtu:1400", "--hold", "0")
    other.expect("Type keep")
    host.nicmedic("confirm", "--out-of-band")
    assert other.end() == 0, other.seen
    assert "somebody else confirmed it" in other.seen
