# SPDX-License-Identifier: GPL-2.0-or-later
"""``nicmedic blame`` as a whole, on saved histories and on whatever machine runs the tests."""

import datetime
import gzip
import json
import os
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest

from nicmedic.app.bug_report.tried import Done
from nicmedic.app.history import Collected
from nicmedic.cli.main import main
from nicmedic.evidence.treated import Span, name_boot
from nicmedic.model.errors import UnreadableInputError
from nicmedic.model.history import History
from nicmedic.model.plain import to_plain
from nicmedic.testing.histories import MadeBoot, render_journal
from tests.unit.evidence.story import NEW, OLD, here, twin

SCHEMA = json.loads((Path(__file__).parents[2] / "docs/schema/blame-1.json").read_text("utf-8"))


def nicmedic(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "nicmedic", *words]
    environment = {name: value for name, value in os.environ.items() if name != "COLUMNS"}
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120, env=environment)


def save(path: Path, history: History) -> str:
    path.write_text(json.dumps({"schema": "nicmedic.history/1", "history": to_plain(history)}), encoding="utf-8")
    return str(path)


@pytest.fixture
def saved(tmp_path: Path) -> str:
    return save(tmp_path / "here.json", here())


def test_the_story(saved: str, tmp_path: Path) -> None:
    """Proven in time; kernel and confounders named; the twin contradicts the kernel alone; the A/B/A plan."""
    log = tmp_path / "changelog.gz"
    log.write_bytes(
        gzip.compress(f"linux ({NEW}) x; urgency=high\n\n  * xen: Add RING_COPY_REQUEST()\n\nlinux ({OLD}) x; urgency=low\n".encode())
    )
    done = nicmedic("blame", "eth0", "--history", saved, "--twin", save(tmp_path / "twin.json", twin()), "--changelog", str(log))
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.startswith(f"Proven: hangs of eth0 came with {NEW}: 3 of 3 boots hung, ")
    flat = " ".join(done.stdout.split())
    for words in (
        "With the kernel came also: Xen, load, package xen-hypervisor-4.1-amd64",
        'srv5 contradicts "the kernel alone"',
        "xen: Add RING_COPY_REQUEST() [hypervisor]",
        f"1. {OLD}: 1 boot of 2 h; expected: no hang, if it is the kernel",
        f"2. {NEW}: 1 boot of 2 h; expected: a hang within about",
        f"3. {OLD}: 1 boot of 2 h",
    ):
        assert words in flat


def test_json_for_a_script(saved: str) -> None:
    done = nicmedic("blame", "--history", saved, "--before", OLD, "--after", NEW, "--json")
    assert done.returncode == 1, done.stderr
    document = json.loads(done.stdout)
    jsonschema.validate(document, SCHEMA)
    assert (document["verdict"], document["comparison"]["looks"]) == ("proven", 1)


def test_nothing_shown_is_status_0(tmp_path: Path) -> None:
    done = nicmedic("blame", "--history", save(tmp_path / "empty.json", History()))
    assert (done.returncode, done.stdout.splitlines()[0]) == (0, "Not shown: no boot is covered by a log, so nothing is known of hangs.")


@pytest.mark.parametrize(
    ("words", "status", "says"),
    [
        (["--before", OLD], 2, "name both, or none"),
        (["--before", OLD, "--after", OLD], 2, "are both"),
        (["--before", OLD, "--after", "9.9"], 2, "no boot of this history ran it"),
        (["--twin", "SAVED"], 2, "history of srv4 itself"),
        (["--twin", "missing.json"], 11, "missing.json: No such file"),
        (["--changelog", "missing"], 11, "missing: No such file"),
        (["--twin", "README.md"], 33, "README.md: no JSON"),
    ],
)
def test_bad_use(saved: str, words: list[str], status: int, says: str) -> None:
    done = nicmedic("blame", "--history", saved, *(saved if word == "SAVED" else word for word in words))
    assert (done.returncode, done.stdout) == (status, "")
    assert says in done.stderr
    assert "Traceback" not in done.stderr


def test_histories_of_two_hosts_are_twins(saved: str, tmp_path: Path) -> None:
    done = nicmedic("blame", "--history", saved, "--history", save(tmp_path / "twin.json", twin()))
    assert done.returncode == 2
    assert "--twin" in done.stderr


def test_this_machine_has_a_past_or_says_that_it_has_none() -> None:
    done = nicmedic("blame", "--json")
    assert done.returncode in {0, 1}, done.stderr
    jsonschema.validate(json.loads(done.stdout), SCHEMA)


@pytest.mark.parametrize(("history", "code"), [(here(), 1), (History(), 11)])
def test_what_cannot_be_read_here_is_told(
    history: History, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """To a user who may read nothing it must not look as if nothing had happened."""
    denied = UnreadableInputError("/var/log/kern.log: this user may not read it", hint="sudo nicmedic history")
    monkeypatch.setattr("nicmedic.cli.history.read_history_of", lambda _: Collected(history=history, errors=(denied,)))
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert main(["blame"]) == code
    out, err = capsys.readouterr()
    assert "this user may not read it" in err
    if code == 1:
        flat = " ".join(out.split())
        assert "Not read: /var/log/kern.log: this user may not read it" in flat
        assert "sudo nicmedic blame" in flat
    else:
        assert out == ""


def test_from_logs_to_a_verdict(tmp_path: Path) -> None:
    """What history makes of a journal is what blame judges."""
    begin, day = datetime.datetime(2016, 1, 2, tzinfo=datetime.UTC).timestamp(), 86_400.0
    boots = [MadeBoot(began=begin - (200 - 35 * number) * day, ran_s=26 * day, every_s=7200, package=OLD) for number in range(5)]
    boots += [MadeBoot(began=begin + 1200 * number, ran_s=900, package=NEW, hangs_s=(551.3 + number,)) for number in range(3)]
    journal = tmp_path / "journal.json"
    journal.write_text("\n".join(render_journal(boots)) + "\n", encoding="utf-8")
    told = nicmedic("history", "--json", str(journal))
    assert told.returncode == 1, told.stderr
    (tmp_path / "h.json").write_text(told.stdout, encoding="ascii")
    done = nicmedic("blame", "eth0", "--history", str(tmp_path / "h.json"))
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.startswith(
        f"Proven: hangs of eth0 came with {NEW}: 3 of 3 boots hung, the first hang after 552 s on average; before ({OLD}): "
    )
    assert "0 hangs in 3,1" in done.stdout.splitlines()[0]


def test_what_history_prints_is_what_blame_reads(tmp_path: Path) -> None:
    told = nicmedic("history", "--json")
    if not told.stdout:
        pytest.skip(f"this machine keeps nothing of its past: {told.stderr}")
    (tmp_path / "h.json").write_text(told.stdout, encoding="ascii")
    saved = nicmedic("blame", "--history", str(tmp_path / "h.json"), "--json")
    assert saved.returncode in {0, 1}, saved.stderr


def test_hours_in_which_a_remedy_was_set_here_are_not_those_of_the_kernel_alone(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    history = here()
    spans = tuple(Span(boot_id=name, began_s=0.0) for boot in history.boots if boot.kernel_package == NEW and (name := name_boot(boot)))
    assert len(spans) == 3
    monkeypatch.setattr("nicmedic.cli.history.read_history_of", lambda _: Collected(history=history, errors=()))
    monkeypatch.setattr("nicmedic.cli.done.read_done", lambda: (Done(), ("What was tried is not known: denied.",)))
    assert main(["blame", "eth0", "--json"]) == 1
    monkeypatch.setattr("nicmedic.app.bug_report.tried.list_treated_spans", lambda *_: spans)
    capsys.readouterr()
    assert main(["blame", "eth0", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    (kernel,) = (one for one in told["kernels"] if one["package"] == NEW)
    assert kernel["boots_treated"] == 3
    assert any("denied" in note for note in told["notes"])
