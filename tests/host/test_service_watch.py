# SPDX-License-Identifier: GPL-2.0-or-later
"""The unit as systemd reads it, and those who are told: a supervisor, a journal, a command, a web service, a scraper. All are real."""

import dataclasses
import http.server
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import cast

import pytest
from prometheus_client.parser import text_string_to_metric_families

from nicmedic.host import outside, service
from nicmedic.host.watch_unit import render_watch_unit
from nicmedic.host.watching.heart import NotifyHeart
from nicmedic.host.watching.teller import HostTeller, host_teller, journal
from nicmedic.host.watching.teller.outbox import name_targets
from nicmedic.model.incident import Action, ActionState, Incident, IncidentVerdict
from nicmedic.model.policy import Telling

INCIDENT = Incident(
    id=7,
    boot_id="b",
    interface="eth0",
    driver="e1000e",
    bus_address="0000:00:1f.6",
    verdict=IncidentVerdict.NIC_HUNG,
    reasons=("196 bytes in flight since 2.1 s",),
    began="2026-11-23T02:59:50+00:00",
    began_uptime_s=100.0,
    detected="2026-11-23T02:59:51+00:00",
    detected_uptime_s=101.0,
)


def wait_for(true: Callable[[], object], within_s: float = 30) -> None:
    end = time.monotonic() + within_s
    while not true():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


# ------------------------------------------------------------------------------------------------------------------- the unit


def test_systemd_understands_the_unit_and_calls_it_confined(tmp_path: Path) -> None:
    assert shutil.which("systemd-analyze"), "apt-get install systemd"
    unit = tmp_path / "nicmedic-watch.service"
    unit.write_text(render_watch_unit(("/usr/bin/env", "nicmedic"), state="/srv/a b%c", metrics_folder='/srv/m"x'))
    verified = subprocess.run(["systemd-analyze", "verify", str(unit)], capture_output=True, text=True, check=False)
    assert [line for line in verified.stderr.splitlines() if "man nicmedic-watch(1)" not in line] == []  # the page may not be installed
    rated = subprocess.run(["systemd-analyze", "security", "--offline=true", str(unit)], capture_output=True, text=True, check=False)
    found = re.search(r"exposure level for nicmedic-watch.service: ([\d.]+)", rated.stdout)
    assert found is not None, rated.stderr
    assert float(found[1]) <= 3.0


@pytest.mark.parametrize("state", ["/srv/nic medic", "/srv/100%/a[b]*", '/srv/"quoted" \\ $HOME'])
def test_both_units_bear_any_folder_and_any_program(state: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NICMEDIC_STATE", state)
    monkeypatch.setattr(service, "find_program_line", lambda: ("/usr/bin/env", "nic medic", "100%", "$HOME"))
    for unit in service.plan_units(watch=True):
        assert '\nExecStart=/usr/bin/env "nic medic" "100%%" "$$HOME" ' in unit.text
        path = tmp_path / unit.name
        path.write_text(unit.text)
        verified = subprocess.run(["systemd-analyze", "verify", str(path)], capture_output=True, text=True, check=False)
        assert [line for line in verified.stderr.splitlines() if "man nicmedic-" not in line] == []


def test_the_unit_hides_homes_unless_nicmedic_lives_there() -> None:
    assert "ProtectHome=yes\n" in render_watch_unit(("/usr/bin/nicmedic",))
    assert "ProtectHome=read-only\n" in render_watch_unit(("/home/me/venv/bin/nicmedic",))


def test_the_unit_keeps_its_state_where_it_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    usual = render_watch_unit(("/usr/bin/nicmedic",))
    assert "\nStateDirectory=nicmedic\n" in usual
    assert "NICMEDIC_STATE" not in usual
    monkeypatch.setenv("NICMEDIC_STATE", "/srv/state")
    _, watch = service.plan_units(watch=True)
    assert '\nEnvironment="NICMEDIC_STATE=/srv/state"\nReadWritePaths="/srv/state"\n' in watch.text
    assert '\nRequiresMountsFor="/srv/state"\n' in watch.text


# ------------------------------------------------------------------------------------------------------------------- outside


@pytest.fixture
def jobs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(outside, "JOBS", str(tmp_path))
    monkeypatch.setattr(outside, "_CGROUPS", (str(tmp_path),))
    return tmp_path


def test_what_runs_outside_tells_its_end_by_a_file(jobs: Path) -> None:
    cgroup = jobs / "system.slice" / "nicmedic-treat-1.service"
    assert outside.read_outside("treat-1") is None
    cgroup.mkdir(parents=True)
    (jobs / "treat-1.out").write_text("first\nlast\n")
    assert outside.read_outside("treat-1") is None
    assert outside.read_output("treat-1", 5) == b"last\n"
    cgroup.rmdir()
    assert outside.read_outside("treat-1") == -signal.SIGKILL
    for told, status in (("exited 43\n", 43), ("killed TERM\n", -signal.SIGTERM), ("dumped SEGV\n", -signal.SIGSEGV), ("killed ?", -9)):
        (jobs / "treat-1.status").write_text(told)
        assert outside.read_outside("treat-1") == status
    outside.forget_outside("treat-1")
    assert not [path for path in jobs.iterdir() if path.is_file()]
    assert outside.read_output("treat-1") == b""


def test_what_runs_outside_gets_its_words_as_they_are(jobs: Path) -> None:
    words = outside.wrap_outside("x-1", ["/bin/echo", "$HOME", "a b"], environment={"A": "b c"}, input_path="/run/x", within_s=5)
    assert words[:3] == ("systemd-run", "--quiet", "--collect")
    assert words[-4:] == ("--", "/bin/echo", "$$HOME", "a b")
    assert {"--setenv=A=b c", "--property=RuntimeMaxSec=5s", "--property=StandardInput=file:/run/x"} <= set(words)
    assert "--property=KillMode=process" in outside.wrap_outside("x-1", ["/bin/true"])
    with pytest.raises(ValueError, match=r"\.\./x"):
        outside.wrap_outside("../x", ["/bin/true"])


def test_only_the_unit_is_confined(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(outside, "_SYSTEMD", str(tmp_path))
    assert not outside.is_confined()
    monkeypatch.setenv("NICMEDIC_CONFINED", "yes")
    assert outside.is_confined()


# ----------------------------------------------------------------------------------------------------------------- supervisor


@pytest.mark.parametrize("kind", ["path", "abstract"])
def test_the_supervisor_hears_that_we_live(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    address = str(tmp_path / "notify") if kind == "path" else f"@nicmedic-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as supervisor:
        supervisor.bind(address.replace("@", "\0", 1))
        supervisor.settimeout(5)
        monkeypatch.setenv("NOTIFY_SOCKET", address)
        monkeypatch.setenv("WATCHDOG_USEC", "30000000")
        monkeypatch.setenv("WATCHDOG_PID", str(os.getpid()))
        heart = NotifyHeart()
        assert heart.watchdog_s == 30.0
        assert not {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"} & set(os.environ), "children must not speak in our name"
        heart.ready("watching eth0\nREADY=0")
        assert supervisor.recv(4096).decode() == "READY=1\nSTATUS=watching eth0 READY=0\nWATCHDOG=1"
        heart.beat("eth0")
        assert supervisor.recv(4096).decode() == "WATCHDOG=1\nSTATUS=eth0"
        heart.reloading()
        assert re.fullmatch(r"RELOADING=1\nMONOTONIC_USEC=\d+", supervisor.recv(4096).decode())
        heart.stopping()
        assert supervisor.recv(4096).decode() == "STOPPING=1"
        heart.beat("after the end")


def test_without_a_supervisor_nothing_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    monkeypatch.setenv("WATCHDOG_USEC", "30000000")
    monkeypatch.setenv("WATCHDOG_PID", "1")
    heart = NotifyHeart()
    heart.ready("watching")
    assert heart.watchdog_s is None


# -------------------------------------------------------------------------------------------------------------------- journal


def parse_entry(data: bytes) -> dict[str, str]:
    """Of the native protocol."""
    fields = {}
    while data:
        line, _, data = data.partition(b"\n")
        key, equals, value = line.partition(b"=")
        if not equals:
            length = int.from_bytes(data[:8], "little")
            value, data = data[8 : 8 + length], data[9 + length :]
        fields[key.decode()] = value.decode()
    return fields


@pytest.fixture
def listener(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """A journal."""
    monkeypatch.setattr(journal, "_JOURNAL", str(tmp_path / "journal"))
    monkeypatch.setattr(journal, "_SYSLOG", str(tmp_path / "syslog"))
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as opened:
        opened.bind(str(tmp_path / "journal"))
        opened.settimeout(5)
        yield opened


@pytest.fixture
def build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, listener: socket.socket) -> Iterator[Callable[..., HostTeller]]:
    """Makes tellers that live in the test's folder, and ends them."""
    monkeypatch.setattr(host_teller, "METRICS_FILE", str(tmp_path / "run" / "metrics.prom"))
    monkeypatch.setattr(host_teller, "_LEAVE_ALONE_S", 0.0)
    monkeypatch.setattr(host_teller, "_FIRST_WAIT_S", 0.1)
    made: list[HostTeller] = []

    def make(**telling: object) -> HostTeller:
        made.append(HostTeller(Telling(**telling), folder=str(tmp_path / "telling")))  # type: ignore[arg-type]  # as named
        return made[-1]

    yield make
    for teller in made:
        teller.close()


def test_the_journal_gets_fields_to_ask_for(build: Callable[..., HostTeller], listener: socket.socket) -> None:
    teller = build()
    teller.tell_incident(INCIDENT, "began")
    entry = parse_entry(listener.recv(65536))
    assert re.fullmatch(r"[0-9a-f]{32}", entry.pop("MESSAGE_ID"))
    assert entry == {
        "MESSAGE": "eth0 (e1000e) hangs: 196 bytes in flight since 2.1 s [incident 7]",
        "PRIORITY": "2",
        "SYSLOG_IDENTIFIER": "nicmedic",
        "SYSLOG_FACILITY": "3",
        "NICMEDIC_NEWS": "began",
        "NICMEDIC_INTERFACE": "eth0",
        "NICMEDIC_DRIVER": "e1000e",
        "NICMEDIC_BUS_ADDRESS": "0000:00:1f.6",
        "NICMEDIC_VERDICT": "nic_hung",
        "NICMEDIC_INCIDENT": "7",
    }
    action = Action(what="restore", state=ActionState.HELPED, began="2026-11-23T02:59:52+00:00", transactions=(3,))
    teller.tell_incident(dataclasses.replace(INCIDENT, actions=(action,)), "action")
    entry = parse_entry(listener.recv(65536))
    assert (entry["NICMEDIC_ACTION"], entry["NICMEDIC_ACTION_STATE"]) == ("restore", "helped")
    teller.tell_host("database damaged\nkept aside", bad=True)
    assert parse_entry(listener.recv(65536))["MESSAGE"] == "database damaged\nkept aside"


def test_without_a_journal_there_is_syslog_and_without_that_standard_error(
    build: Callable[..., HostTeller], listener: socket.socket, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    teller = build()
    (tmp_path / "journal").unlink()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as syslog:
        syslog.bind(str(tmp_path / "syslog"))
        syslog.settimeout(5)
        teller.tell_incident(INCIDENT, "restored")
        assert re.fullmatch(rb"<29>nicmedic\[\d+\]: eth0 \(e1000e\) works again \[incident 7\]", syslog.recv(65536))
    (tmp_path / "syslog").unlink()
    teller.tell_incident(INCIDENT, "restored")
    assert capsys.readouterr().err == "<5>eth0 (e1000e) works again [incident 7]\n"


def test_who_watches_in_a_terminal_reads_plain_lines(listener: socket.socket, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    teller = HostTeller(Telling(), folder=str(tmp_path / "telling"), echo=True)
    teller.tell_incident(INCIDENT, "began")
    teller.close()
    assert capsys.readouterr().err.startswith("eth0 (e1000e) hangs: ")


# ---------------------------------------------------------------------------------------------------------- command and messages


def turn_until(teller: HostTeller, true: Callable[[], object], within_s: float = 30) -> None:
    end = time.monotonic() + within_s
    while not true():
        assert time.monotonic() < end, "waited in vain"
        teller.turn(time.monotonic())
        time.sleep(0.02)


def build_command(folder: Path, *, status: str = "0") -> tuple[str, ...]:
    """A program that keeps what it reads, and its arguments."""
    program = folder / "tell"
    program.write_text(f'#!/bin/sh\ncat >>{folder}/told; printf "%s\\n" "$@" >>{folder}/words; exit {status}\n')
    program.chmod(0o755)
    return (str(program), "a b", "$HOME;id")


def test_a_command_reads_the_incident_once(build: Callable[..., HostTeller], tmp_path: Path) -> None:
    teller = build(command=build_command(tmp_path))
    teller.tell_incident(INCIDENT, "began")
    turn_until(teller, lambda: not len(teller._outbox))
    told = json.loads((tmp_path / "told").read_text())
    assert (told["schema"], told["news"], told["host"]) == ("nicmedic.news/1", "began", os.uname().nodename)
    assert (told["incident"]["interface"], told["incident"]["verdict"]) == ("eth0", "nic_hung")
    assert told["text"].endswith("eth0 (e1000e) hangs: 196 bytes in flight since 2.1 s [incident 7]")
    assert (tmp_path / "words").read_text() == "a b\n$HOME;id\n"
    for _ in range(20):
        teller.turn(time.monotonic())
        time.sleep(0.02)
    assert len((tmp_path / "told").read_text().splitlines()) == 1


def test_a_command_is_told_what_no_disk_takes(build: Callable[..., HostTeller], tmp_path: Path) -> None:
    """Above all that no disk takes anything."""
    teller = build(command=build_command(tmp_path))
    folder = tmp_path / "telling"
    folder.mkdir()
    waiting = {"targets": list(name_targets(teller._telling)), "at_s": time.time(), "document": {}, "title": "", "trying": ""}
    (folder / "00000001.json").write_text(json.dumps({**waiting, "text": "waits on disk"}))
    subprocess.run(["mount", "--bind", "-o", "ro", folder, folder], check=True)
    try:
        teller.tell_host("incidents cannot be written down", bad=True)
        teller.tell_incident(INCIDENT, "began")
        turn_until(teller, lambda: not teller._outbox._unwritten)
        told = [json.loads(line)["text"] for line in (tmp_path / "told").read_text().splitlines()]
        assert ["incidents cannot be written down" in told[0], "eth0 (e1000e) hangs" in told[1], len(told)] == [True, True, 2]
    finally:
        subprocess.run(["umount", folder], check=True)
    turn_until(teller, lambda: not len(teller._outbox))
    assert json.loads((tmp_path / "told").read_text().splitlines()[-1])["text"].startswith("waits on disk")


def test_an_incident_with_very_much_done_about_it_is_told(build: Callable[..., HostTeller], tmp_path: Path) -> None:
    teller = build(command=build_command(tmp_path))
    actions = tuple(
        Action(what="restore", state=ActionState.FAILED, began="2026-11-23T02:59:52+00:00", detail=f"{number} {'x' * 400}")
        for number in range(2000)
    )
    teller.tell_incident(dataclasses.replace(INCIDENT, actions=actions), "action")
    turn_until(teller, lambda: not len(teller._outbox))
    told = json.loads((tmp_path / "told").read_text())["incident"]["actions"]
    assert (len(told), told[-1]["detail"][:5], teller._outbox.lost) == (50, "1999 ", 0)


def test_a_command_that_fails_is_asked_again_and_the_journal_says_so(
    build: Callable[..., HostTeller], listener: socket.socket, tmp_path: Path
) -> None:
    teller = build(command=build_command(tmp_path, status=f"$(test -e {tmp_path}/mended; echo $?)"))
    teller.tell_host("the database was damaged", bad=True)
    listener.recv(65536)
    turn_until(teller, (tmp_path / "words").exists)
    assert parse_entry(listener.recv(65536))["MESSAGE"] == f"news wait to be told: the command {tmp_path}/tell: status 1"
    assert len(teller._outbox) == 1
    (tmp_path / "mended").touch()
    turn_until(teller, lambda: not len(teller._outbox))
    assert json.loads((tmp_path / "told").read_text().splitlines()[-1])["incident"] is None


class Service:
    """A web service that takes JSON; it refuses while ``refuses``."""

    def __init__(self) -> None:
        self.refuses = False
        self.got: list[dict[str, object]] = []
        service = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if not service.refuses:
                    service.got.append(json.loads(body))
                self.send_response(503 if service.refuses else 200)
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # its name there
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def web() -> Iterator[Service]:
    service = Service()
    yield service
    service.server.shutdown()
    service.server.server_close()


def test_what_cannot_be_sent_now_is_sent_afterwards_once_and_in_order(
    build: Callable[..., HostTeller], web: Service, listener: socket.socket, tmp_path: Path
) -> None:
    """Through a restart of the watcher, too; and nobody reads the URL's secret anywhere."""
    url = f"json://user:s3cret@127.0.0.1:{web.port}/hook"
    web.refuses = True
    first = build(urls=(url,))
    first.tell_incident(INCIDENT, "began")
    listener.recv(65536)
    turn_until(first, lambda: first._sender)
    assert b"s3cret" not in subprocess.run(["ps", "axww"], capture_output=True, check=True).stdout
    turn_until(first, lambda: first._sender is None)
    complaint = listener.recv(65536)
    assert b"json://\xe2\x80\xa6: not taken" in complaint
    assert b"s3cret" not in complaint
    first.close()
    assert not web.got
    web.refuses = False
    second = build(urls=(url,))
    second.tell_incident(dataclasses.replace(INCIDENT, restored_uptime_s=103.0), "restored")
    turn_until(second, lambda: not len(second._outbox))
    for _ in range(20):
        second.turn(time.monotonic())
        time.sleep(0.02)
    host = os.uname().nodename
    assert [message["title"] for message in web.got] == [f"{host}: eth0 (e1000e) hangs", f"{host}: eth0 (e1000e) works again after 3.0 s"]
    assert b"s3cret" not in b"".join(path.read_bytes() for path in (tmp_path / "telling").iterdir())


def test_a_letter_that_may_have_arrived_says_so(build: Callable[..., HostTeller], web: Service, tmp_path: Path) -> None:
    """The power went between sending and noting it."""
    teller = build(urls=(f"json://127.0.0.1:{web.port}",))
    teller.tell_incident(INCIDENT, "began")
    (path,) = (tmp_path / "telling").iterdir()
    letter = json.loads(path.read_text())
    letter["trying"], letter["at_s"] = letter["targets"][0], letter["at_s"] - 3600
    path.write_text(json.dumps(letter))
    turn_until(teller, lambda: web.got)
    assert re.search(r"it could not be told before\. \(this may have been told before\)", str(web.got[0]["message"]))


def test_small_news_wake_nobody(build: Callable[..., HostTeller]) -> None:
    teller = build(urls=("json://127.0.0.1:1",))
    teller.tell_incident(dataclasses.replace(INCIDENT, ended_why="restored"), "ended")
    teller.tell_host("the policy was read again", bad=False)
    assert not len(teller._outbox)


# --------------------------------------------------------------------------------------------------------------------- metrics


def find_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return cast("int", free.getsockname()[1])


def list_samples(text: str) -> list[str]:
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    return sorted(f"{sample.name} {sorted(sample.labels.items())} {float(sample.value)}" for sample in samples)


def test_metrics_are_in_the_file_and_behind_the_endpoint(build: Callable[..., HostTeller], tmp_path: Path) -> None:
    port = find_port()
    (tmp_path / "collector").mkdir()
    teller = build(metrics_file=str(tmp_path / "collector" / "nicmedic.prom"), metrics_listen=f"127.0.0.1:{port}")
    old = os.umask(0o077)
    try:
        teller.tell_incident(INCIDENT, "began")
        teller.write_metrics({"nicmedic_watch_cards": 1.0, 'nicmedic_hung{interface="eth0"}': 0.0})
    finally:
        os.umask(old)
    text = (tmp_path / "collector" / "nicmedic.prom").read_text()
    assert (tmp_path / "collector" / "nicmedic.prom").stat().st_mode & 0o777 == 0o644
    assert 'nicmedic_hung{interface="eth0"} 1\n' in text
    assert 'nicmedic_incidents_total{interface="eth0",driver="e1000e",verdict="nic_hung"} 1\n' in text

    def scrape() -> str:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
                return str(answer.read().decode())
        except OSError:
            return ""

    turn_until(teller, scrape)
    assert list_samples(scrape()) == list_samples(text)
    teller.change(Telling())
    turn_until(teller, lambda: not scrape())


def test_the_endpoint_goes_with_the_watcher(tmp_path: Path) -> None:
    """However that ended."""
    port = find_port()
    code = (
        "import sys, time; from nicmedic.host.watching.teller import HostTeller, host_teller; from nicmedic.model.policy import Telling\n"
        f"host_teller.METRICS_FILE = '{tmp_path}/metrics.prom'\n"
        f"teller = HostTeller(Telling(metrics_listen='127.0.0.1:{port}'), folder='{tmp_path}/telling')\n"
        "teller.write_metrics({}); teller.turn(time.monotonic()); time.sleep(60)\n"
    )

    def answers() -> bool:
        with socket.socket() as client:
            return client.connect_ex(("127.0.0.1", port)) == 0

    with subprocess.Popen([sys.executable, "-c", code]) as watcher:
        wait_for(answers)
        watcher.kill()
    wait_for(lambda: not answers())


@pytest.mark.parametrize("listen", ["0.0.0.0:9833", "192.0.2.1:9833", "127.0.0.1", "[::1]:0", "example.org:80"])
def test_only_loopback_is_listened_on(listen: str, build: Callable[..., HostTeller], listener: socket.socket) -> None:
    teller = build(metrics_listen=listen)
    teller.turn(time.monotonic())
    assert "metrics are not served" in parse_entry(listener.recv(65536))["MESSAGE"]


def test_metrics_that_cannot_be_written_are_complained_of_once(build: Callable[..., HostTeller], listener: socket.socket) -> None:
    teller = build(metrics_file="/nonexistent/nicmedic.prom")
    teller.write_metrics({})
    teller.write_metrics({})
    assert "metrics are not written: /nonexistent/nicmedic.prom" in parse_entry(listener.recv(65536))["MESSAGE"]
    listener.setblocking(False)
    with pytest.raises(BlockingIOError):
        listener.recv(65536)


# -------------------------------------------------------------------------------------------------------------------- resident


def test_who_tells_stays_small() -> None:
    """What the watcher loads to tell, without anybody to be told."""
    code = (
        "import sys; before = set(sys.modules)\n"
        "from nicmedic.host.watching.teller import HostTeller; from nicmedic.host.watching.heart import NotifyHeart\n"
        "from nicmedic.model.policy import Telling; HostTeller(Telling(), folder='/nonexistent'); NotifyHeart()\n"
        "print(*sorted(set(sys.modules) - before))"
    )
    loaded = set(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split())
    heavy = {"apprise", "prometheus_client", "subprocess", "hashlib", "ssl", "asyncio", "logging", "pyroute2", "yaml", "http", "email"}
    assert not heavy & loaded
