# SPDX-License-Identifier: GPL-2.0-or-later
"""The real watcher in a room of its own, with a pair of interfaces for a card and a gateway behind it that can be made silent."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import jsonschema
import pytest

from nicmedic.cli.resident import build_resident_line
from nicmedic.model.incident import EvidenceKind, Incident, IncidentVerdict
from nicmedic.store import HostIncidents

SCHEMA = json.loads((Path(__file__).parents[2] / "docs/schema/watch-1.json").read_text(encoding="utf-8"))
PROGRAM = (sys.executable, "-m", "nicmedic")
HEAVY = (
    "argparse",
    "asyncio",
    "logging",
    "multiprocessing",
    "nicmedic.app.check",
    "nicmedic.app.treat",
    "nicmedic.cli.main",
    "nicmedic.host.machine",
    "nicmedic.host.netlink",
    "nicmedic.knowledge",
    "nicmedic.model.host",
    "nicmedic.model.nic",
    "prometheus_client",
    "pyroute2",
    "shutil",
    "subprocess",
    "yaml",
    "zstandard",
)
"""What the resident process must not load."""
MOST_RSS_KIB = 20 << 10
PREPARE = """
set -e
mount --make-rprivate /
mount -t tmpfs tmpfs /run
mount -t sysfs sysfs /sys
mkdir /run/netns
ip link set lo up
ip link add veth0 type veth peer name far0
ip netns add gateway
ip link set far0 netns gateway
ip address add 192.0.2.2/24 dev veth0
ip link set veth0 up
ip -n gateway address add 192.0.2.1/24 dev far0
ip -n gateway link set far0 up
ip route add default via 192.0.2.1
echo ready
exec sleep 600
"""


class Room:
    """Its own interfaces, /run and /sys."""

    def __init__(self, pid: int, folder: Path) -> None:
        self.pid, self.state, self.policy, self.said = pid, folder / "state", folder / "policy.toml", folder / "said"
        self.policy.write_text('watch_virtual = ["veth*"]\n')
        self.program: subprocess.Popen[bytes] | None = None
        self.others: list[subprocess.Popen[bytes]] = []

    @property
    def environment(self) -> Mapping[str, str]:
        return {**os.environ, "NICMEDIC_STATE": str(self.state)}

    def command(self, *words: str) -> list[str]:
        return ["nsenter", f"--target={self.pid}", "--net", "--mount", "--", *words]

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(*words), capture_output=True, text=True, check=False, timeout=60, env=self.environment, stdin=subprocess.DEVNULL
        )

    def nicmedic(self, *words: str) -> subprocess.CompletedProcess[str]:
        return self.run(*PROGRAM, *words)

    def start(self, *command: str) -> int:
        with self.said.open("ab") as said:
            self.program = subprocess.Popen(
                self.command(*(command or (*PROGRAM, "watch", "--policy", str(self.policy)))),
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                env=self.environment,
            )
        return self.program.pid

    def send(self, number: signal.Signals) -> int:
        """A signal to the watcher; its status."""
        assert self.program is not None
        self.program.send_signal(number)
        return self.program.wait(30)

    def ping(self) -> None:
        """Traffic, until the room is closed."""
        self.others.append(
            subprocess.Popen(
                self.command("ping", "-q", "-i", "0.2", "192.0.2.1"),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        )

    def silence(self, *, silent: bool) -> None:
        """A gateway that is there, and says nothing."""
        if silent:
            self.run("ip", "-n", "gateway", "address", "flush", "dev", "far0")
        else:
            self.run("ip", "-n", "gateway", "address", "add", "192.0.2.1/24", "dev", "far0")

    def incidents(self) -> tuple[Incident, ...]:
        store = HostIncidents(str(self.state), read_only=True)
        try:
            return store.list_incidents() if (self.state / "incidents.db").exists() else ()
        finally:
            store.close()

    def close(self) -> None:
        for program in (self.program, *self.others):
            if program is not None and program.poll() is None:
                program.kill()
                program.wait(10)


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    with subprocess.Popen(
        ["unshare", "--net", "--mount", "sh", "-c", PREPARE], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "ready\n"
        room = Room(holder.pid, tmp_path)
        try:
            yield room
        finally:
            room.close()
            holder.kill()


def await_that(what: Callable[[], object], within_s: float = 60.0) -> None:
    until = time.monotonic() + within_s
    while not what():
        assert time.monotonic() < until, "it did not come to that"
        time.sleep(0.1)


def is_watching(room: Room) -> bool:
    """The lock names it, and the store is open: what comes after is a matter of moments."""
    return room.program is not None and (room.state / "incidents.db-wal").exists()


def read_rss_kib(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:"))


def list_children(pid: int) -> list[int]:
    """Those that are nicmedic again; others come and go."""
    numbers = map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split())
    return [number for number in numbers if b"--ladder" in Path(f"/proc/{number}/cmdline").read_bytes()]


def test_a_gateway_that_goes_silent_is_on_disk_and_ends_when_it_is_back(room: Room) -> None:
    pid = room.start()
    await_that(lambda: is_watching(room))
    room.ping()
    time.sleep(3)
    assert room.incidents() == ()
    room.silence(silent=True)
    await_that(room.incidents)
    (incident,) = room.incidents()
    assert (incident.verdict, incident.interface, incident.restored) == (IncidentVerdict.UPSTREAM, "veth0", None)
    assert incident.kernel_release == os.uname().release
    listed = room.nicmedic("incidents", "--json")
    assert (listed.returncode, json.loads(listed.stdout)["incidents"][0]["verdict"]) == (1, "upstream")
    room.silence(silent=False)
    await_that(lambda: room.incidents()[0].ended)
    assert room.incidents()[0].ended_why == "restored"
    store = HostIncidents(str(room.state), read_only=True)
    wanted = {EvidenceKind.SAMPLES, EvidenceKind.KERNEL_LOG, EvidenceKind.HOST, EvidenceKind.CHANGES}
    await_that(lambda: wanted <= {piece.kind for piece in store.read_evidence(1)})
    changes = next(piece for piece in store.read_evidence(1) if piece.kind is EvidenceKind.CHANGES)
    assert json.loads(changes.data) == {"compared": False, "changes": []}
    assert read_rss_kib(pid) <= MOST_RSS_KIB
    assert room.send(signal.SIGTERM) == 0
    assert "veth0" in room.said.read_text(encoding="utf-8")


def test_a_policy_is_read_again_and_a_bad_one_is_not(room: Room) -> None:
    pid = room.start()
    await_that(lambda: is_watching(room))
    time.sleep(2)
    room.policy.write_text('mood = "restore"\n')
    os.kill(pid, signal.SIGHUP)
    await_that(lambda: "the policy stays as it was" in room.said.read_text(encoding="utf-8"))
    assert "mood" in room.said.read_text(encoding="utf-8")
    room.policy.write_text('watch_virtual = ["veth*", "tap*"]\n[default]\nmode = "ignore"\n')
    os.kill(pid, signal.SIGHUP)
    await_that(lambda: "counts when the watcher is started anew" in room.said.read_text(encoding="utf-8"))
    await_that(lambda: "the policy was read again" in room.said.read_text(encoding="utf-8"))
    room.ping()
    room.silence(silent=True)
    time.sleep(8)
    assert room.incidents() == ()
    assert room.send(signal.SIGINT) == 0


def test_one_that_is_killed_and_started_again_goes_on_with_what_was_open(room: Room) -> None:
    room.start()
    await_that(lambda: is_watching(room))
    room.ping()
    time.sleep(3)
    room.silence(silent=True)
    await_that(room.incidents)
    assert room.send(signal.SIGKILL) == -signal.SIGKILL
    assert room.incidents()[0].ended is None
    room.start()
    time.sleep(3)
    room.silence(silent=False)
    await_that(lambda: room.incidents()[0].ended)
    (incident,) = room.incidents()
    assert (incident.id, incident.ended_why) == (1, "restored")
    assert room.send(signal.SIGTERM) == 0


def test_a_second_one_is_refused(room: Room) -> None:
    room.start()
    await_that(lambda: is_watching(room))
    done = room.nicmedic("watch", "--policy", str(room.policy))
    assert done.returncode == 25
    assert "watches this host already" in done.stderr
    assert room.send(signal.SIGTERM) == 0


def test_it_loads_nothing_heavy(room: Room) -> None:
    line = build_resident_line(str(room.policy), None, PROGRAM)
    out = room.policy.with_name("modules")
    tell = f"open({str(out)!r}, 'w').write(' '.join(sys.modules)); os.kill(os.getpid(), signal.SIGTERM)"
    code = f"import os, signal, sys; signal.signal(signal.SIGALRM, lambda *_: exec({tell!r})); signal.alarm(8); {line[3]}"
    room.start(*line[:3], code, *line[4:])
    room.ping()
    assert room.program is not None
    assert room.program.wait(60) == 0
    loaded = set(out.read_text(encoding="utf-8").split())
    assert "nicmedic.app.watch.loop" in loaded
    assert loaded.isdisjoint(HEAVY)


def test_one_that_stands_by_goes_with_it(room: Room) -> None:
    room.policy.write_text('watch_virtual = ["veth*"]\nstand_by = true\n')
    pid = room.start()
    await_that(lambda: list_children(pid))
    (child,) = list_children(pid)
    assert b"treat" in Path(f"/proc/{child}/cmdline").read_bytes().split(b"\0")
    time.sleep(3)
    assert list_children(pid) == [child]
    assert room.send(signal.SIGKILL) == -signal.SIGKILL
    await_that(lambda: not Path(f"/proc/{child}/cmdline").exists() or not Path(f"/proc/{child}/cmdline").read_bytes())


def test_the_self_test_says_what_it_would_watch(room: Room) -> None:
    done = room.nicmedic("watch", "--once", "--json", "--policy", str(room.policy))
    document = json.loads(done.stdout)
    jsonschema.validate(document, SCHEMA)
    assert (done.returncode, document["works"], document["faults"]) == (0, True, [])
    (card,) = document["cards"]
    assert (card["interface"], card["mode"], card["readable"], card["gateway_answers"]) == ("veth0", "observe", True, True)
    text = room.nicmedic("watch", "--once", "--policy", str(room.policy))
    assert text.returncode == 0
    assert text.stdout.startswith("watching works here: 1 card\n")
    assert "its gateway answers" in text.stdout
    assert not (room.state / "incidents.db").exists()
    room.policy.write_text('[default]\nmode = "restore"\n')
    empty = room.nicmedic("watch", "--once", "--policy", str(room.policy))
    assert empty.returncode == 1
    assert empty.stdout.startswith("watching would not work here: 1 fault\n")


def test_what_this_boot_is_like_is_noted_and_compared(room: Room) -> None:
    assert room.nicmedic("watch", "--keep", "boot").returncode == 0
    store = HostIncidents(str(room.state), read_only=True)
    facts = store.find_last_healthy_boot("another")
    assert facts is not None
    assert facts["kernel.kernel_release"] == os.uname().release
    unknown = room.nicmedic("watch", "--keep", "7")
    assert unknown.returncode == 2
    assert "neither boot nor the number of an incident" in unknown.stderr
