# SPDX-License-Identifier: GPL-2.0-or-later
"""`nicmedic history` as a whole program, on folders of made-up files, and on broken ones."""

import datetime
import gzip
import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import pytest

from nicmedic.testing.histories import MadeBoot, MadeChange, render_dpkg_log, render_journal, render_syslog, render_wtmp

ROOT = Path(__file__).parents[2]
BEGIN = datetime.datetime(2016, 1, 1, tzinfo=datetime.UTC).timestamp()
DAY = 86_400.0
OLD, NEW = "3.2.68-1+deb7u1", "3.2.73-2+deb7u1"
BOOTS = (
    MadeBoot(began=BEGIN - 100 * DAY, ran_s=50 * DAY, every_s=7200, package=OLD),
    MadeBoot(began=BEGIN - 49 * DAY, ran_s=48 * DAY, every_s=7200, package=OLD),
    MadeBoot(began=BEGIN, ran_s=900, package=NEW, hangs_s=(551.3,)),
    MadeBoot(began=BEGIN + 1200, ran_s=700, package=NEW, hangs_s=(560.1,), crashed=True),
    MadeBoot(began=BEGIN + 2400, ran_s=900, package=NEW, hangs_s=(540.2,)),
)
CHANGES = (
    MadeChange(moment=BEGIN - 600, package="linux-image-3.2.0-4-amd64", before=OLD, after=NEW),
    MadeChange(moment=BEGIN - 600, package="xen-hypervisor-4.1-amd64", before="4.1.4-3", after="4.1.4-4"),
)


def nicmedic(*arguments: str, data: bytes = b"") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "nicmedic", "history", *arguments]
    environment = {name: value for name, value in os.environ.items() if name not in {"COLUMNS", "NO_COLOR"}}
    done = subprocess.run(command, input=data, capture_output=True, env=environment, check=False, timeout=120)
    return subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())


def told(*arguments: str) -> list[dict[str, Any]]:
    done = nicmedic("--json", *arguments)
    assert "Traceback" not in done.stderr
    assert done.returncode in {0, 1}, done.stderr
    boots: list[dict[str, Any]] = json.loads(done.stdout)["history"]["boots"]
    return boots


def text(lines: list[str]) -> bytes:
    return ("\n".join(lines) + "\n").encode()


@pytest.fixture
def host(tmp_path: Path) -> Path:
    """The files of a Debian 7 in Algiers (an hour before UTC all the year), with rsyslog's short stamps and rotated logs."""
    root = tmp_path / "srv4"
    log = root / "var/log"
    (log / "apt").mkdir(parents=True)
    (root / "etc").mkdir()
    (root / "etc/timezone").write_text("Africa/Algiers\n")
    lines = render_syslog(BOOTS, offset_h=1)
    cut = len(lines) // 2
    (log / "messages.1.gz").write_bytes(gzip.compress(text(lines[:cut])))
    (log / "messages").write_bytes(text(lines[cut:]))
    (log / "wtmp").write_bytes(render_wtmp(BOOTS))
    (log / "dpkg.log").write_bytes(text(render_dpkg_log(CHANGES, offset_h=1)))
    (log / "apt/history.log").write_text(
        "\nStart-Date: 2016-01-01  00:49:00\nCommandline: apt-get upgrade\n"
        f"Upgrade: linux-image-3.2.0-4-amd64:amd64 ({OLD}, {NEW}), xen-hypervisor-4.1-amd64:amd64 (4.1.4-3, 4.1.4-4)\n"
        "End-Date: 2016-01-01  00:51:00\n"
    )
    for path in log.iterdir():
        os.utime(path, (BOOTS[-1].ended, BOOTS[-1].ended))
    return root


def test_the_story_is_told_from_a_copy_of_the_hosts_files(host: Path) -> None:
    done = nicmedic(str(host))
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.splitlines()[0] == f"srv4: 5 boots since 2015-09-23 on 2 kernels; hangs in 3 boots, all on {NEW}."
    assert done.stdout.count("HUNG after") == 3
    assert "xen-hypervisor-4.1-amd64 4.1.4-3 -> 4.1.4-4" in done.stdout


def test_the_same_as_json_with_the_transaction_of_apt(host: Path) -> None:
    history = json.loads(nicmedic("--json", str(host)).stdout)["history"]
    boots = history["boots"]
    assert [boot["kernel_package"] for boot in boots] == [OLD, OLD, NEW, NEW, NEW]
    assert [boot["end"] for boot in boots] == ["clean", "clean", "clean", "crash", "clean"]
    for made, boot in zip(BOOTS, boots, strict=True):
        assert boot["ran_h"] == pytest.approx(made.ran_s / 3600, abs=1 / 60)
    assert {change["transaction"] for change in history["changes"]} == {"2016-01-01T00:49:00+01:00"}
    assert [change["time"] for change in history["changes"]] == ["2015-12-31T23:50:00Z"] * 2


def test_single_files_a_packed_copy_and_standard_input_tell_what_they_can(host: Path, tmp_path: Path) -> None:
    log = host / "var/log"
    files = told(str(log / "messages"), str(log / "messages.1.gz"), str(log / "wtmp"), str(log / "dpkg.log"))
    assert [len(boot["hangs"]) for boot in files] == [0, 0, 1, 1, 1]
    with tarfile.open(tmp_path / "copy.tar.xz", "w:xz") as archive:
        archive.add(host, "srv4")
    packed = told(str(tmp_path / "copy.tar.xz"))
    assert [len(boot["hangs"]) for boot in packed] == [0, 0, 1, 1, 1]
    done = nicmedic("--json", "-", data=text(render_journal(BOOTS)))
    assert len(json.loads(done.stdout)["history"]["boots"]) == 5


def test_a_snapshot_and_a_sosreport_of_another_host_are_read(tmp_path: Path) -> None:
    now = datetime.datetime.fromtimestamp(BOOTS[-1].ended + 5, datetime.UTC).isoformat()
    journal = render_journal(BOOTS)
    snapshot = {
        "log/journalctl-kernel.json": text(journal),
        "raw/var/log/wtmp": render_wtmp(BOOTS),
        "raw/var/log/dpkg.log": text(render_dpkg_log(CHANGES)),
        "MANIFEST.json": json.dumps({"schema": "nicmedic.snapshot/1", "created": now}).encode(),
    }
    sosreport = {
        "sosreport-srv4/sos_commands/logs/journalctl_--no-pager": text(render_syslog(BOOTS, rfc3339=True)),
        "sosreport-srv4/var/log/wtmp": render_wtmp(BOOTS),
        "sosreport-srv4/proc/version": b"Linux version 3.2.0-4-amd64 (gcc) #1 SMP Debian 3.2.73-2+deb7u1\n",
    }
    for number, members in enumerate((snapshot, sosreport)):
        path = tmp_path / f"{number}.tar.gz"
        with tarfile.open(path, "w:gz") as archive:
            for name, data in members.items():
                member = tarfile.TarInfo(name)
                member.size = len(data)
                archive.addfile(member, io.BytesIO(data))
        boots = told(str(path))
        assert [len(boot["hangs"]) for boot in boots][:5] == [0, 0, 1, 1, 1]


def test_a_name_that_would_lead_out_of_an_archive_is_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "evil.tar"
    with tarfile.open(path, "w") as archive:
        member = tarfile.TarInfo("var/log/../../../../nicmedic-was-here/messages")
        archive.addfile(member, io.BytesIO(b""))
    done = nicmedic(str(path))
    assert done.returncode == 13
    assert not Path("/nicmedic-was-here").exists()


@pytest.mark.parametrize(
    "name", ["wtmp", "messages", "dpkg.log", "kern.log", "wtmp.db", "history.sqlite", "a.journal", "pacman.log", "dmesg.0"]
)
@pytest.mark.parametrize(
    "content", [b"", b"\0" * 5000, bytes(range(256)) * 40, b"\xff\xfeA\0B\0\n\0", b"Jan  1 00:00:00 srv4 kernel: [\n" * 3]
)
def test_rubbish_of_any_name_ends_without_a_traceback(name: str, content: bytes, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    done = nicmedic(str(tmp_path))
    assert "Traceback" not in done.stderr
    assert done.returncode in {0, 11, 12, 13, 15}, done.stderr


def test_nothing_to_tell_and_nothing_there_have_their_own_exit_statuses(tmp_path: Path) -> None:
    assert nicmedic(str(tmp_path / "missing")).returncode == 11
    (tmp_path / "notes.txt").write_text("nothing of a boot\n")
    done = nicmedic(str(tmp_path / "notes.txt"))
    assert done.returncode == 13
    assert "nothing in it tells of a boot" in done.stderr


def test_a_log_without_permission_is_told_with_this_command(tmp_path: Path) -> None:
    log = tmp_path / "var/log/kern.log"
    log.parent.mkdir(parents=True)
    log.write_bytes(text(render_syslog(BOOTS)))
    log.chmod(0)
    before: tuple[str, ...] = ()
    if os.geteuid() == 0:  # root may read everything, unless it gives that up
        if shutil.which("setpriv") is None:
            pytest.skip("needs setpriv of util-linux to give up the right to read everything")
        os.chown(log, 1, 1)
        before = ("setpriv", "--inh-caps=-all", "--bounding-set=-dac_override,-dac_read_search")
    command = [*before, sys.executable, "-m", "nicmedic", "history", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert f"sudo nicmedic history {log}" in done.stderr
    assert done.returncode == 11
