# SPDX-License-Identifier: GPL-2.0-or-later
"""`nicmedic history` with what the real programs write and print: journald's files, last, dpkg; and on this machine."""

import datetime
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from nicmedic.host.histories.dpkg import parse_dpkg_log
from nicmedic.host.histories.last_text import parse_last
from nicmedic.host.histories.logins import build_boots
from nicmedic.host.histories.wtmp import parse_wtmp
from nicmedic.model.incident import Incident, IncidentVerdict
from nicmedic.store import HostIncidents
from nicmedic.testing.histories import MadeBoot, render_journal, render_wtmp

BEGIN = datetime.datetime(2016, 1, 1, tzinfo=datetime.UTC).timestamp()
BOOTS = (
    MadeBoot(began=BEGIN, ran_s=5000),
    MadeBoot(began=BEGIN + 6000, ran_s=900, crashed=True, hangs_s=(551.25,), package="3.2.73-2+deb7u1"),
    MadeBoot(began=BEGIN + 8000, ran_s=900, package="3.2.73-2+deb7u1"),
)
JOURNAL_REMOTE = "/lib/systemd/systemd-journal-remote"


def history(*names: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "nicmedic", "history", "--json", *names]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode in {0, 1}, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)["history"]
    return found


def test_this_machines_present_boot_is_the_last_one() -> None:
    told = history()
    boot = told["boots"][-1]
    assert boot["boot_id"] == Path("/proc/sys/kernel/random/boot_id").read_text().strip().replace("-", "")
    assert (boot["end"], boot["kernel_release"]) == ("running", os.uname().release)
    uptime_h = float(Path("/proc/uptime").read_text().split()[0]) / 3600
    assert boot["ran_h"] == pytest.approx(uptime_h, abs=0.05)
    assert boot["covered_h"] <= boot["ran_h"] + 0.01


def test_what_watch_has_seen_on_this_machine_is_a_hang_of_its_boot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NICMEDIC_STATE", str(tmp_path / "state"))
    (tmp_path / "state").mkdir(mode=0o700)
    boot_id = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    now = datetime.datetime.now(datetime.UTC).isoformat()
    uptime_s = float(Path("/proc/uptime").read_text().split()[0])
    seen = Incident(
        boot_id=boot_id, interface="eth7", driver="r8169", verdict=IncidentVerdict.NIC_HUNG, reasons=("x",), began=now, began_uptime_s=uptime_s,
        detected=now, detected_uptime_s=uptime_s,
    )  # fmt: skip
    HostIncidents().add_incident(seen, ())
    (hang,) = [hang for hang in history()["boots"][-1]["hangs"] if hang["interface"] == "eth7"]  # this machine's own log may tell of others
    assert hang["sources"] == ["incidents"]
    assert hang["uptime_s"] == pytest.approx(uptime_s, abs=1)


@pytest.mark.skipif(not Path("/var/log/dpkg.log").is_file(), reason="no log of dpkg here")
def test_the_last_version_that_dpkgs_log_tells_is_the_one_that_is_installed() -> None:
    newest = {change["package"]: change for change in history()["changes"] if change["source"] == "dpkg.log" and change["after"]}
    assert newest
    query = ["dpkg-query", "--show", "--showformat=${binary:Package} ${Version} ${db:Status-Status}\n"]
    listed = subprocess.run(query, capture_output=True, text=True, check=True).stdout
    wrong = []
    for line in listed.splitlines():
        name, version, status = line.split()
        change = newest.get(name.partition(":")[0])
        if status == "installed" and ":" not in name and change is not None and change["after"] != version:
            wrong.append((name, version, change))
    assert wrong == []


def test_our_boots_of_a_wtmp_are_those_that_last_shows(tmp_path: Path) -> None:
    path = tmp_path / "wtmp"
    path.write_bytes(render_wtmp(BOOTS))
    for form in (["-F"], ["--time-format", "iso"]):
        shown = subprocess.run(
            ["last", "-x", *form, "-f", str(path)], capture_output=True, text=True, check=True, env={**os.environ, "TZ": "UTC"}
        ).stdout
        records, _ = parse_last(shown, datetime.UTC)
        theirs = [(boot.began, boot.end) for boot in build_boots(records, "last")]
        ours = [(boot.began, boot.end) for boot in build_boots(parse_wtmp(path.read_bytes())[0], "wtmp")]
        assert theirs == ours


def test_what_dpkg_really_writes_is_read(tmp_path: Path) -> None:
    root, log = tmp_path / "root", tmp_path / "dpkg.log"
    for folder in ("var/lib/dpkg/info", "var/lib/dpkg/updates"):
        (root / folder).mkdir(parents=True)
    (root / "var/lib/dpkg/status").touch()
    for version in ("6.1.76-1", "6.1.85-1"):
        made = tmp_path / version
        (made / "DEBIAN").mkdir(parents=True)
        fields = (
            f"Package: linux-image-6.1.0-18-amd64\nVersion: {version}\nArchitecture: all\nMaintainer: a <a@example.org>\nDescription: x\n"
        )
        (made / "DEBIAN/control").write_text(fields)
        subprocess.run(["dpkg-deb", "-b", str(made), f"{made}.deb"], check=True, capture_output=True)
        subprocess.run(["dpkg", f"--root={root}", f"--log={log}", "-i", f"{made}.deb"], check=True, capture_output=True)
    subprocess.run(["dpkg", f"--root={root}", f"--log={log}", "-P", "linux-image-6.1.0-18-amd64"], check=True, capture_output=True)
    changes = parse_dpkg_log(log.read_text().splitlines(), None, "dpkg.log")
    assert [(change.before, change.after) for change in changes] == [(None, "6.1.76-1"), ("6.1.76-1", "6.1.85-1"), ("6.1.85-1", None)]


@pytest.mark.skipif(not Path(JOURNAL_REMOTE).exists(), reason="no systemd-journal-remote, which writes a journal out of text")
def test_binary_journals_are_read_with_their_list_of_boots(tmp_path: Path) -> None:
    export = b""
    for line in render_journal(BOOTS):
        fields = json.loads(line)
        if fields["_TRANSPORT"] == "journal":
            fields.update({"_PID": "1", "UNIT": "shutdown.target"})
        export += "".join(f"{name}={value}\n" for name, value in fields.items()).encode() + b"\n"
    folder = tmp_path / "var/log/journal/0123"
    folder.mkdir(parents=True)
    written = subprocess.run([JOURNAL_REMOTE, "-o", str(folder / "system.journal"), "-"], input=export, capture_output=True, check=False)
    assert written.returncode == 0, written.stderr
    for name in (tmp_path, folder):
        boots = history(str(name))["boots"]
        assert [boot["boot_id"] for boot in boots] == [boot.boot_id for boot in BOOTS]
        assert [(boot["end"], len(boot["hangs"])) for boot in boots] == [("clean", 0), ("crash", 1), ("clean", 0)]
        assert [boot["ran_h"] for boot in boots] == pytest.approx([boot.ran_s / 3600 for boot in BOOTS], abs=1 / 60)


def test_a_journal_that_journalctl_cannot_read_is_told_and_the_rest_still_comes(tmp_path: Path) -> None:
    (tmp_path / "system.journal").write_bytes(b"LPKSHHRH" + b"\0" * 4000)
    (tmp_path / "wtmp").write_bytes(render_wtmp(BOOTS))
    done = subprocess.run(
        [sys.executable, "-m", "nicmedic", "history", "--json", str(tmp_path)], capture_output=True, text=True, check=False, timeout=60
    )
    assert len(json.loads(done.stdout)["history"]["boots"]) == 3
    if shutil.which("journalctl"):
        assert "system.journal" in done.stderr
    assert "Traceback" not in done.stderr
