# SPDX-License-Identifier: GPL-2.0-or-later
"""A real sshd in a network namespace: whose session it is, that it comes through the card, and that a cut line proves nothing."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from nicmedic.host.terminals import NoLogin, find_login

PROVE = """
import json, os, sys, time
from nicmedic.host.probes import HostProber
from nicmedic.model.plan import Identity
out, card, *probes = sys.argv[1:]
nic = Identity(interface=card)
began = time.monotonic()
if probes:
    (result,) = HostProber().run_probes(nic, probes)
    told = [result.state, result.detail]
else:
    proof = HostProber().prove_session(nic)
    told = [proof.through, proof.detail]
with open(out + ".new", "w") as file:
    json.dump([*told, time.monotonic() - began], file)
os.rename(out + ".new", out)
"""
PORT = 2222


def ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True, timeout=20)


@dataclass
class Server:
    """A host with sshd and the cards v0 (192.0.2.2) and v1 (198.51.100.2), and a client at the other end of both."""

    folder: Path
    host: str
    client: str
    state: object = None
    took_s: float = 0.0
    detail: str = ""

    def command(self, card: str, *probes: str) -> str:
        """Proves, within a session."""
        (self.folder / "prove.py").write_text(PROVE)
        return " ".join(
            [sys.executable, str(self.folder / "prove.py"), str(self.folder / "out"), card, *(f"'{probe}'" for probe in probes)]
        )

    def begin(self, remote: str, *options: str, address: str = "192.0.2.2") -> subprocess.Popen[bytes]:
        """A session that carries out a command."""
        (self.folder / "out").unlink(missing_ok=True)
        checks = ["-o", "UserKnownHostsFile=/dev/null", "-o", "StrictHostKeyChecking=no", "-o", "LogLevel=ERROR", "-o", "ConnectTimeout=10"]
        words = ["ssh", "-F", "none", "-i", str(self.folder / "key"), *checks, "-p", str(PORT), *options, f"root@{address}", remote]
        return subprocess.Popen(
            ["ip", "netns", "exec", self.client, *words],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "TERM": "xterm"},
        )

    def end(self, process: subprocess.Popen[bytes], within_s: float = 20) -> None:
        """Await what the command finds out."""
        try:
            self._await(within_s)
        finally:
            process.kill()
            process.wait()

    def _await(self, within_s: float) -> None:
        until = time.monotonic() + within_s
        while not (self.folder / "out").exists():
            assert time.monotonic() < until, (self.folder / "log").read_text()
            time.sleep(0.02)
        self.state, self.detail, self.took_s = json.loads((self.folder / "out").read_text())

    def session(self, remote: str, *options: str, address: str = "192.0.2.2") -> object:
        """One from its beginning to its end."""
        self.end(self.begin(remote, *options, address=address))
        return self.state


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """It ends with the test."""
    sshd = shutil.which("sshd", path="/usr/sbin:/usr/bin")
    if sshd is None or shutil.which("ip") is None:
        pytest.skip("needs sshd and ip: apt-get install openssh-server iproute2")
    host, client = (f"proof-{os.getpid()}-{time.monotonic_ns() % 10**6}-{end}" for end in "hc")
    made = Server(tmp_path, host, client)
    process = None
    try:
        for room in (host, client):
            ip("netns", "add", room)
            ip("-n", room, "link", "set", "lo", "up")
        for card, network in (("v0", "192.0.2"), ("v1", "198.51.100")):
            ip("-n", host, "link", "add", card, "type", "veth", "peer", "name", card, "netns", client)
            for room, number in ((host, 2), (client, 1)):
                ip("-n", room, "link", "set", card, "up")
                ip("-n", room, "address", "add", f"{network}.{number}/24", "dev", card)
        for name in ("host", "key"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / name)], check=True, timeout=20)
        Path("/run/sshd").mkdir(exist_ok=True)
        settings = [f"AuthorizedKeysFile={tmp_path / 'key.pub'}", "StrictModes=no", "PidFile=none", "UsePAM=no", "PermitRootLogin=yes"]
        words = [sshd, "-D", "-e", "-f", "/dev/null", "-h", str(tmp_path / "host"), "-p", str(PORT)]
        with (tmp_path / "log").open("wb") as log:
            process = subprocess.Popen(
                ["ip", "netns", "exec", host, *words, *(word for setting in settings for word in ("-o", setting))], stderr=log
            )
        until = time.monotonic() + 10
        while "listening" not in (tmp_path / "log").read_text():
            assert time.monotonic() < until
            time.sleep(0.02)
        yield made
    finally:
        if process is not None:
            process.terminate()
            process.wait()
        for room in (host, client):
            subprocess.run(["ip", "netns", "delete", room], check=False, timeout=20)


@pytest.mark.parametrize("options", [("-tt",), (), ("-tt", "-C")])
def test_a_session_over_the_card_is_proven_at_once(server: Server, options: tuple[str, ...]) -> None:
    """With a terminal, without one, and compressed."""
    assert server.session(server.command("v0"), *options) is True, server.detail
    assert server.detail.startswith("sshd from 192.0.2.1 over v0: ")
    assert server.took_s < 1


def test_a_session_over_another_card_is_not_proven(server: Server) -> None:
    assert server.session(server.command("v0"), "-tt", address="198.51.100.2") is not True
    assert "leave over v1" in server.detail


def test_a_session_is_found_behind_script_and_tmux(server: Server) -> None:
    assert server.session(f'script -qec "{server.command("v0")}" /dev/null', "-tt") is True, server.detail
    if shutil.which("tmux"):
        assert server.session(f'tmux -L {server.host} new-session "{server.command("v0")}"', "-tt") is True, server.detail


def test_forged_variables_neither_help_nor_hurt(server: Server) -> None:
    forged = "export SSH_CONNECTION='198.51.100.1 4711 198.51.100.2 2222';"
    assert server.session(f"{forged} {server.command('v0')}", "-tt") is True
    assert server.session(f"{forged} {server.command('v1')}", "-tt") is not True
    assert "from 192.0.2.1" in server.detail
    inherited = f"setsid -f sh -c 'sleep 1; exec {server.command('v0')}' </dev/null >/dev/null 2>&1; sleep 6"
    assert server.session(inherited, "-tt") is not True, "it has left its terminal, and yet has the variable of a true session"


def test_a_cut_line_proves_nothing_within_three_seconds(server: Server) -> None:
    process = server.begin(f"sleep 1; {server.command('v0')}", "-tt")
    time.sleep(1.2)
    ip("-n", server.host, "link", "set", "v0", "down")
    server.end(process)
    assert server.state is False
    assert "not acknowledged" in server.detail
    assert server.took_s < 4


def test_below_a_bridge_the_card_of_the_session_is_told_from_the_other(server: Server) -> None:
    ip("-n", server.host, "link", "add", "br0", "type", "bridge", "forward_delay", "0")
    ip("-n", server.host, "address", "flush", "dev", "v0")
    for card in ("v0", "v1"):
        ip("-n", server.host, "link", "set", card, "master", "br0")
    ip("-n", server.host, "link", "set", "br0", "up")
    ip("-n", server.host, "address", "add", "192.0.2.2/24", "dev", "br0")
    time.sleep(0.5)
    assert server.session(server.command("v0"), "-tt") is True, server.detail
    assert server.session(server.command("v1"), "-tt") is not True
    assert "do not pass v1" in server.detail


def test_the_probe_of_the_session_passes_while_bytes_arrive_and_is_unknown_without_any(server: Server) -> None:
    talk = "(while sleep 0.1; do echo something; done) &"
    assert server.session(f"{talk} {server.command('v0', 'ssh')}", "-tt") == "passed", server.detail
    assert server.session(f"sleep 1; {server.command('v0', 'ssh')}", "-tt") == "unknown", server.detail
    assert server.took_s < 1


def test_the_probe_of_the_session_fails_when_bytes_wait_on_a_cut_line(server: Server) -> None:
    process = server.begin(f"(while sleep 0.1; do echo something; done) & sleep 2; {server.command('v0', 'ssh')}", "-tt")
    time.sleep(1.5)
    ip("-n", server.host, "link", "set", "v0", "down")
    server.end(process)
    assert server.state == "failed", server.detail
    assert server.took_s < 2.5


def test_a_process_without_any_session_is_told_so() -> None:
    made = find_login(1)
    assert isinstance(made, NoLogin)
    assert "no terminal" in made.why
