# SPDX-License-Identifier: GPL-2.0-or-later
"""``nicmedic report`` as a whole, on saved parts and on whatever machine runs the tests."""

import email
import json
import os
import re
import stat
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest

from nicmedic.cli.main import main
from nicmedic.cli.report import REPORT
from nicmedic.model.errors import StateError
from nicmedic.model.history import History
from nicmedic.model.plain import to_plain
from nicmedic.report.bug.forms import FORMS
from tests.unit.evidence.story import NEW, OLD, here, twin

ROOT = Path(__file__).parents[2]
SCHEMA = json.loads((ROOT / "docs/schema/report-1.json").read_text("utf-8"))
LOG = ROOT / "examples/srv4-kern.log"


def nicmedic(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "nicmedic", *words]
    environment = {name: value for name, value in os.environ.items() if name != "COLUMNS"}
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120, env=environment)


@pytest.fixture
def parts(tmp_path: Path) -> list[str]:
    """The story's arguments."""
    for name, history in (("here", here()), ("twin", twin())):
        document = {"schema": "nicmedic.history/1", "history": to_plain(history)}
        (tmp_path / f"{name}.json").write_text(json.dumps(document), encoding="utf-8")
    return ["--history", str(tmp_path / "here.json"), "--twin", str(tmp_path / "twin.json"), "--log", str(LOG)]


def test_the_story_as_a_mail_to_debian(parts: list[str], tmp_path: Path) -> None:
    out = tmp_path / "bug.mail"
    done = nicmedic("report", "eth0", "--for", "debian", *parts, "-o", str(out))
    assert (done.returncode, done.stdout) == (0, "")
    assert f"sendmail -t -i < {out}" in done.stderr
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    mail = email.message_from_string(out.read_text("ascii"))
    assert mail["To"] == "submit@bugs.debian.org"
    body = str(mail.get_payload())
    assert body.startswith(f"Package: src:linux\nVersion: {NEW}\nSeverity: important\n\n")
    flat = " ".join(body.split())
    for words in (
        f"Last good: {OLD}",
        "NETDEV WATCHDOG: eth0 (r8169): transmit queue 0 timed out",
        "Call Trace:",
        'srv5 contradicts "the kernel alone"',
        "What was tried on that host is not known here.",
        "Nothing is known of the machine itself",
    ):
        assert words in flat, words


@pytest.mark.parametrize("form", [form.name for form in FORMS])
def test_every_form_is_written_without_names(form: str, parts: list[str], tmp_path: Path) -> None:
    out = tmp_path / "report"
    done = nicmedic("report", "--for", form, *parts, "--scrub", "--output", str(out))
    assert done.returncode == 0, done.stderr
    text = out.read_text("utf-8")
    assert not re.search(r"srv[45](?!-kern)", text)
    assert "srv4" in (tmp_path / "report.map").read_text("ascii")
    assert stat.S_IMODE((tmp_path / "report.map").stat().st_mode) == 0o600
    if form == "json":
        jsonschema.validate(json.loads(text), SCHEMA)


def test_a_report_that_cannot_be_written_leaves_no_map(parts: list[str], tmp_path: Path) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    done = nicmedic("report", "--for", "json", *parts, "--scrub", "-o", str(folder))
    assert done.returncode == 20
    assert not (tmp_path / "out.map").exists()
    assert "NICMEDIC_STATE" not in done.stderr


def test_without_names_a_log_is_not_called_as_somebody_called_it(parts: list[str], tmp_path: Path) -> None:
    log = tmp_path / "customer-acme" / "hosting-bigbank.log"
    log.parent.mkdir()
    log.write_bytes(LOG.read_bytes())
    done = nicmedic("report", "--for", "kernel", *parts[:4], "--log", str(log), "--scrub")
    assert done.returncode == 0, done.stderr
    assert "The first hang, from file" in done.stdout
    assert not re.search("acme|bigbank", done.stdout)


def test_the_help_names_every_form() -> None:
    told = next(argument.help for argument in REPORT.arguments if argument.names == ("--for",))
    assert re.findall(r"[a-z]+", told.partition(": ")[2].replace(" or ", ", ")) == [form.name for form in FORMS]


def test_this_machine_can_be_reported_whatever_it_keeps() -> None:
    done = nicmedic("report", "--for", "json")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    jsonschema.validate(document, SCHEMA)
    assert document["host"]["kernel_release"] == os.uname().release
    assert document["unknowns"]


def test_what_may_not_be_read_of_what_was_tried_is_told(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """As to a user who is not root."""

    def refuse(_: object) -> None:
        raise StateError("/var/lib/nicmedic: Permission denied", hint="sudo nicmedic transactions")

    monkeypatch.setattr("nicmedic.host.transactions.HostTransactions.list_transactions", refuse)
    monkeypatch.setattr("nicmedic.store.HostIncidents.exists", refuse)
    monkeypatch.setattr("nicmedic.host.kept_folder.HostKept.list_kept", refuse)
    assert main(["report", "--for", "json"]) == 0
    unknowns = json.loads(capsys.readouterr().out)["unknowns"]
    assert "What was tried is not known: /var/lib/nicmedic: Permission denied." in unknowns
    assert "What the watcher saw is not known: /var/lib/nicmedic: Permission denied." in unknowns
    assert "What is kept over boots is not known: /var/lib/nicmedic: Permission denied." in unknowns


@pytest.mark.parametrize(
    ("words", "status", "says"),
    [
        ([], 2, "nicmedic report --for debian"),
        (["--for", "windows"], 2, "no such form"),
        (["--for", "json", "-o", ""], 2, "the name of a file"),
        (["--for", "json", "-o", "/proc/nothing/here"], 20, "/proc/nothing/here"),
        (["--for", "json", "--log", "missing.log"], 11, "missing.log"),
        (["--for", "json", "--log", "README.md"], 13, "README.md"),
        (["--for", "json", "--from", "README.md"], 21, "README.md"),
        (["--for", "json", "--history", "README.md"], 33, "README.md: no JSON"),
        (["--for", "json", "--changelog", "missing"], 11, "missing"),
        (["nothing0", "--for", "json"], 22, "nothing0"),
    ],
)
def test_bad_use(words: list[str], status: int, says: str, parts: list[str]) -> None:
    rest = parts[:2] if "--changelog" in words else []
    done = nicmedic("report", *words, *rest)
    assert (done.returncode, done.stdout) == (status, "")
    assert says in done.stderr
    assert "Traceback" not in done.stderr


def test_a_report_without_a_hang_says_so(tmp_path: Path) -> None:
    empty = tmp_path / "empty.json"
    empty.write_text(json.dumps({"schema": "nicmedic.history/1", "history": to_plain(History(host="other"))}), encoding="utf-8")
    done = nicmedic("report", "--for", "github", "--history", str(empty))
    assert done.returncode == 0
    assert "no hang is told by what was read" in done.stdout
    assert "a maintainer can do little with it" in done.stderr
    assert "--scrub" in done.stderr


def test_a_snapshot_is_reported_on_another_machine(tmp_path: Path) -> None:
    archive = tmp_path / "s.tar.gz"
    assert nicmedic("snapshot", "-o", str(archive)).returncode == 0
    done = nicmedic("report", "--for", "json", "--from", str(archive))
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert document["host"]["kernel_release"] == os.uname().release
    assert "What was tried on that host is not known here." in document["unknowns"]


def test_a_sosreport_without_a_kernel_log_is_still_reported() -> None:
    done = nicmedic("report", "--for", "github", "--from", str(ROOT / "tests/cases/sosreports/bridge"))
    assert done.returncode == 0, done.stderr
    assert "Not read: " in done.stdout
    assert "no file in it holds kernel messages" in done.stdout
