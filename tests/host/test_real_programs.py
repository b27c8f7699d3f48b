# SPDX-License-Identifier: GPL-2.0-or-later
"""What the real programs of this machine print is read as it was meant: dmesg, journalctl, busybox's syslogd, script, and packers.

``tools/setup.sh`` installs them; a test whose program is missing is skipped, which NICMEDIC_REQUIRE=host makes a failure.
"""

import datetime
import itertools
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from nicmedic.host.kmsg import read_kmsg
from nicmedic.kernlog.clock import render_time
from nicmedic.kernlog.reader import LogReader
from nicmedic.model.record import Record

BERLIN = {**os.environ, "TZ": "Europe/Berlin", "LC_ALL": "C.UTF-8"}
REMOTE = next((path for folder in ("/lib/systemd", "/usr/lib/systemd") if (path := Path(folder, "systemd-journal-remote")).exists()), None)


def need(program: str, package: str) -> str:
    """Path of a program."""
    path = shutil.which(program)
    if path is None:
        pytest.skip(f"needs {program}: apt-get install {package}")
    return path


def run(*command: str | Path, **options: Any) -> bytes:  # noqa: ANN401  # subprocess's own
    done = subprocess.run(list(map(str, command)), capture_output=True, check=True, timeout=120, **{"env": BERLIN, **options})
    return bytes(done.stdout)


def read_records(data: bytes) -> list[Record]:
    reader = LogReader()
    return [*reader.read(data), *reader.finish()]


def words(record: Record) -> str:
    return " ".join(record.text.split())


def explain(*names: str | Path) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "nicmedic", "explain", "--json", *map(str, names)], capture_output=True, check=False, timeout=120
    )
    assert b"Traceback" not in done.stderr
    document: dict[str, Any] = json.loads(done.stdout)
    return document


# dmesg -------------------------------------------------------------------------------------------------------------------


def read_both(*command: str) -> tuple[list[Record], bytes]:
    """The ring buffer by our own reading, and what a program prints of it, while nothing was added."""
    for _ in range(10):
        before = read_kmsg()
        printed = run(*command)
        if read_kmsg() == before:
            return read_records(before), printed
        time.sleep(0.2)
    pytest.skip("this kernel never stops talking")


def printable(records: list[Record]) -> list[Record]:
    """Without those that hold control or other characters than ASCII's: each program has its own way to show these."""
    return [record for record in records if "\\x" not in record.text and record.text.isascii() and record.text.strip()]


def stamped_words(record: Record) -> tuple[str, float]:
    return words(record), round(record.uptime_s or -1, 6)


STAMPED = {
    "plain": [],
    "raw": ["--raw"],
    "decoded": ["--decode"],
    "delta beside the stamp": ["--show-delta"],
    "prefix repeated": ["--force-prefix"],
    "syslog(2)": ["--syslog"],
    "json": ["--json"],
    "decoded json": ["--json", "--decode"],
}


@pytest.mark.parametrize("form", STAMPED)
def test_dmesg_with_stamps_gives_the_messages_of_dev_kmsg(form: str) -> None:
    need("dmesg", "util-linux")
    kmsg, printed = read_both("dmesg", *STAMPED[form])
    ours, theirs = printable(kmsg), printable(read_records(printed))
    assert len(ours) > 20
    if form in ("syslog(2)", "prefix repeated"):  # each line of a message is a record
        # syslog(2) leaves out the oldest where its prefixes make the text larger than the buffer.
        told = {stamped_words(record) for record in theirs}
        single = [record for record in ours if "\n" not in record.text]
        newer = list(itertools.dropwhile(lambda record: stamped_words(record) not in told, single))
        assert len(newer) > 20
        assert [record for record in newer if stamped_words(record) not in told] == []
        return
    assert [words(record) for record in theirs] == [words(record) for record in ours]
    for one, other in zip(ours, theirs, strict=True):
        assert other.uptime_s == pytest.approx(one.uptime_s, abs=1.1e-6)
        if form in ("decoded", "decoded json"):
            assert (other.level, other.kernel) == (one.level, one.kernel)
        if form in ("raw", "json") and one.kernel:  # for others util-linux 2.38 prints level | facility
            assert (other.level, other.kernel) == (one.level, True if form == "raw" else None)


DYING = """
import ctypes, os
os.setuid(65534)
ctypes.CDLL(None).prctl(15, b"en77:tx timeout", 0, 0, 0)  # PR_SET_NAME
ctypes.string_at(0)
"""


def test_a_program_that_dies_under_a_drivers_words_feigns_no_hang() -> None:
    died = subprocess.run([sys.executable, "-c", DYING], check=False, capture_output=True)
    assert died.returncode == -signal.SIGSEGV
    said = [record for record in read_records(read_kmsg()) if record.text.startswith("en77:tx timeout[")]
    if not said:
        pytest.skip("this kernel does not tell of such deaths: sysctl debug.exception-trace=1")
    assert said[-1].kernel
    assert [hang for hang in explain("/dev/kmsg")["hangs"] if hang["interface"] == "en77"] == []


CLOCKS = {
    "ctime": ["--ctime"],
    "iso": ["--time-format", "iso"],
    "ctime decoded": ["--decode", "--ctime"],
    "reltime": ["--reltime"],
    "delta": ["--time-format", "delta"],
}


@pytest.mark.parametrize("form", CLOCKS)
def test_dmesg_with_clocks_gives_the_messages_of_dev_kmsg(form: str) -> None:
    need("dmesg", "util-linux")
    kmsg, printed = read_both("dmesg", *CLOCKS[form])
    ours, theirs = printable(kmsg), printable(read_records(printed))
    assert [words(record) for record in theirs] == [words(record) for record in ours]
    assert {record.uptime_s for record in theirs} == {None}
    if form == "delta":
        assert {record.wall for record in theirs} == {None}
        return
    assert all(record.wall is not None and record.wall.computed for record in theirs)
    if form == "iso":
        boots = []
        for one, other in zip(ours, theirs, strict=True):
            assert other.wall is not None
            assert one.uptime_s is not None
            told = render_time(other.wall, other.wall.year)
            assert told is not None
            boots.append(datetime.datetime.fromisoformat(told).timestamp() - one.uptime_s)
        assert max(boots) - min(boots) < 0.01, "stamp less uptime is when the machine was booted"


def test_dmesg_without_times_gives_the_lines_of_dev_kmsg() -> None:
    need("dmesg", "util-linux")
    kmsg, printed = read_both("dmesg", "--notime")
    theirs = "\n".join(record.text for record in read_records(printed))
    missing = [words(record) for record in printable(kmsg) if " ".join(record.text.split()) not in " ".join(theirs.split())]
    assert missing == []


def test_a_terminal_session_recorded_by_script_gives_the_messages_of_dev_kmsg(tmp_path: Path) -> None:
    need("script", "bsdutils")
    kmsg, _ = read_both("script", "--quiet", "--command", "dmesg --color=always", str(tmp_path / "typescript"))
    recorded = (tmp_path / "typescript").read_bytes()
    assert b"\x1b[" in recorded
    assert b"\r\n" in recorded
    told = {(words(record), record.uptime_s) for record in read_records(recorded)}
    assert [record for record in printable(kmsg) if (words(record), record.uptime_s) not in told] == []


# busybox -----------------------------------------------------------------------------------------------------------------

BUSYBOX = """
set -e
mount --make-rprivate /
mkdir "$1/dev"
mount -t tmpfs none "$1/dev"
for name in null kmsg; do : >"$1/dev/$name"; mount --bind "/dev/$name" "$1/dev/$name"; done
mount --bind "$1/dev" /dev
busybox syslogd -n -O "$1/messages" $2 &
syslogd=$!
for try in 1 2 3 4 5 6 7 8 9 10; do test -S /dev/log && break; sleep 0.2; done
busybox klogd -n &
klogd=$!
sleep 1
busybox logger "NETDEV WATCHDOG: eth0 (r8169): transmit queue 0 timed out for syslogd"
sleep 0.5
kill $klogd $syslogd
wait || :
"""


@pytest.mark.parametrize("small", ["", "-S"])
def test_busybox_syslogd_keeps_the_stamps_and_levels_of_dev_kmsg(small: str, tmp_path: Path) -> None:
    """The kernel gives each line once to those who read as klogd does, so this test brings lines of its own."""
    need("unshare", "util-linux")
    if subprocess.run([need("busybox", "busybox"), "syslogd", "--help"], capture_output=True, check=False).returncode:
        pytest.skip("needs busybox with syslogd: apt-get install busybox")
    mark = f"nicmedic tests: {os.getpid()} {time.monotonic_ns()}"
    for level in (4, 6):
        Path("/dev/kmsg").write_text(f"<{level}>{mark}, level {level}\n", encoding="utf-8")
    run("unshare", "--mount", "sh", "-c", BUSYBOX, "sh", tmp_path, small)
    ours = [record for record in read_records(read_kmsg()) if mark in record.text]
    records = read_records((tmp_path / "messages").read_bytes())
    theirs = [record for record in records if mark in record.text]
    assert [(record.text, record.uptime_s) for record in theirs] == [(record.text, record.uptime_s) for record in ours]
    assert len(ours) == 2
    assert [record.level for record in theirs] == ([None, None] if small else [4, 6])
    assert all(record.wall is not None and record.wall.year is None for record in records)
    assert {record.host for record in theirs} == ({None} if small else {os.uname().nodename.split(".")[0]})
    (logger,) = [record for record in records if "timed out for syslogd" in record.text]
    assert logger.kernel is False
    # What else this machine's kernel said since it was last asked is there too, and may be an event.
    assert [event for event in explain(tmp_path / "messages")["events"] if "for syslogd" in event["text"]] == []


# journalctl --------------------------------------------------------------------------------------------------------------

FIRST, SECOND = "0123456789abcdef" * 2, "fedcba9876543210" * 2
BOOTED_US = 1_743_501_048_673_585
HANG = "NETDEV WATCHDOG: eth0 (r8169): transmit queue 0 timed out"
DUMP = "e1000 0000:02:01.0 eth1: Detected Tx Unit Hang\n  TDH                  <a3>\n  TDT                  <a3>"


def entry(
    uptime_us: int, message: str, *, boot: str = FIRST, transport: str = "kernel", booted_us: int = BOOTED_US, **fields: str
) -> bytes:
    """An entry in export format; journald reads each line 3697 µs after the kernel wrote it."""
    values = {
        "__REALTIME_TIMESTAMP": str(booted_us + uptime_us + 3697),
        "__MONOTONIC_TIMESTAMP": str(uptime_us + 3697),
        "_BOOT_ID": boot,
        "_MACHINE_ID": "4567" * 8,
        "_HOSTNAME": "nas1",
        "_TRANSPORT": transport,
        "PRIORITY": "6",
    }
    if transport == "kernel":
        values |= {"_SOURCE_MONOTONIC_TIMESTAMP": str(uptime_us), "SYSLOG_IDENTIFIER": "kernel", "SYSLOG_FACILITY": "0"}
    else:
        values |= {"SYSLOG_IDENTIFIER": "sshd", "SYSLOG_FACILITY": "4", "_PID": "812"}
    text = "".join(f"{key}={value}\n" for key, value in (values | fields).items()).encode()
    data = message.encode()
    return text + b"MESSAGE\n" + len(data).to_bytes(8, "little") + data + b"\n\n"


ENTRIES = [
    entry(0, "Linux version 6.1.0-13-amd64 (debian-kernel@lists.debian.org) #1 SMP PREEMPT_DYNAMIC Debian 6.1.55-1 (2023-09-29)"),
    entry(550_000_000, "loop: module loaded"),
    entry(551_326_415, HANG),
    entry(551_326_500, HANG, transport="syslog"),
    entry(551_400_000, DUMP, _KERNEL_DEVICE="+pci:0000:02:01.0", _KERNEL_SUBSYSTEM="pci"),
    entry(0, "Linux version 6.1.0-13-amd64 (x) #1", boot=SECOND, booted_us=BOOTED_US + 10**9),
    entry(120_000_000, f"{HANG} 5120 ms", boot=SECOND, booted_us=BOOTED_US + 10**9),
]
# What each form can tell: uptime, full time, day and clock, fields of the journal
UPTIME, TIME, DAY, FIELDS, NAMES = "uptime", "time", "day", "fields", "names"
FORMS: dict[str, set[str]] = {
    "short": {DAY, NAMES}, "short-precise": {DAY, NAMES}, "short-iso": {TIME, NAMES}, "short-iso-precise": {TIME, NAMES}, "short-full": {TIME, NAMES},
    "with-unit": {TIME, NAMES}, "short-monotonic": {UPTIME, NAMES}, "short-delta": {UPTIME, NAMES}, "short-unix": {TIME, NAMES}, "cat": set(),
    "verbose": {UPTIME, TIME, FIELDS, NAMES}, "json": {UPTIME, TIME, FIELDS, NAMES}, "json-pretty": {UPTIME, TIME, FIELDS, NAMES},
    "json-seq": {UPTIME, TIME, FIELDS, NAMES}, "json-sse": {UPTIME, TIME, FIELDS, NAMES}, "export": {UPTIME, TIME, FIELDS, NAMES},
}  # fmt: skip


@pytest.fixture(scope="module")
def journal(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A binary journal of two boots."""
    need("journalctl", "systemd")
    if REMOTE is None:
        pytest.skip("needs systemd-journal-remote: apt-get install systemd-journal-remote")
    folder = tmp_path_factory.mktemp("journal")
    (folder / "in.export").write_bytes(b"".join(ENTRIES))
    run(REMOTE, f"--output={folder / 'system.journal'}", folder / "in.export")
    return folder / "system.journal"


def pick(event: dict[str, Any], *names: str) -> tuple[Any, ...]:
    return tuple(event[name] for name in names)


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_journalctl_tells_what_the_journal_holds(form: str, journal: Path, tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(run("journalctl", f"--file={journal}", "--no-pager", f"--output={form}"))
    document, told = explain(path), FORMS[form]
    events = [event for event in document["events"] if event["kind"] in ("tx_timeout", "hw_hang")]
    expected = [
        ("tx_timeout", "eth0", "r8169", 0, None),
        ("hw_hang", "eth1", "e1000", None, None),
        ("tx_timeout", "eth0", "r8169", 0, 5120),
    ]
    if form == "cat":  # it hides who wrote a line
        expected.insert(1, expected[0])
    assert [pick(event, "kind", "interface", "driver", "queue", "stall_ms") for event in events] == expected
    assert [boot["kernel_release"] for boot in document["boots"]] == ["6.1.0-13-amd64"] * 2
    assert [event["boot"] for event in events] == [0] * (len(events) - 1) + [1]
    assert {boot["host"] for boot in document["boots"]} == ({"nas1"} if NAMES in told else {None})
    uptimes = [551.326415, 551.4, 120.0]
    if form != "cat":
        assert [event["uptime_s"] for event in events] == (uptimes if UPTIME in told else [None] * 3)
    moments = [(BOOTED_US + 551_326_415) / 1e6, (BOOTED_US + 551_400_000) / 1e6, (BOOTED_US + 10**9 + 120_000_000) / 1e6]
    for event, moment in zip(events, moments, strict=False):
        if TIME in told:
            assert datetime.datetime.fromisoformat(event["time"]).timestamp() == pytest.approx(moment, abs=1e-6 if FIELDS in told else 1.0)
        else:
            assert event["time"] is None
    if DAY in told:
        assert [event["line"] for event in events] == [3, 5, 10]
    if FIELDS in told:
        assert [event["bus"] for event in events] == [None, "0000:02:01.0", None]


@pytest.mark.parametrize("options", [["--utc"], ["--reverse"], ["--no-hostname"], ["-k", "-b", SECOND], ["-b", FIRST]])
def test_options_of_journalctl_change_no_event(options: list[str], journal: Path, tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(run("journalctl", f"--file={journal}", "--no-pager", "--output=short-iso-precise", *options))
    events = {pick(event, "kind", "interface", "stall_ms") for event in explain(path)["events"]}
    first = {("tx_timeout", "eth0", None), ("hw_hang", "eth1", None)}
    second = {("tx_timeout", "eth0", 5120)}
    assert events == (second if SECOND in options else first if FIRST in options else first | second)


def test_a_binary_journal_is_read_as_a_file_in_a_folder_and_in_an_archive(journal: Path, tmp_path: Path) -> None:
    plain = explain(journal)
    assert [pick(event, "kind", "uptime_s", "boot") for event in plain["events"]] == [
        ("tx_timeout", 551.326415, 0),
        ("hw_hang", 551.4, 0),
        ("tx_timeout", 120.0, 1),
    ]
    tree = tmp_path / "sos" / "var" / "log" / "journal" / ("4567" * 8)
    tree.mkdir(parents=True)
    shutil.copy(journal, tree / "system.journal")
    run("tar", "-C", tmp_path, "-cJf", tmp_path / "sos.tar.xz", "sos")
    run("gzip", "-k", tree / "system.journal")
    for name in (tmp_path / "sos.tar.xz", tree / "system.journal.gz", tmp_path / "sos"):
        document = explain(name)
        copies = [event for event in document["events"] if event.get("same_as") is None]
        assert [pick(event, "kind", "uptime_s") for event in copies] == [pick(event, "kind", "uptime_s") for event in plain["events"]], name


def test_a_journal_that_is_cut_off_tells_what_is_left_or_why_not(journal: Path, tmp_path: Path) -> None:
    """As after a crash: system@….journal~."""
    path = tmp_path / "system@0123.journal~"
    path.write_bytes(journal.read_bytes()[:4_000_000])
    done = subprocess.run([sys.executable, "-m", "nicmedic", "explain", str(path)], capture_output=True, text=True, check=False, timeout=60)
    assert "Traceback" not in done.stderr
    assert done.returncode == 1 or (done.returncode in range(10, 40) and str(path) in done.stderr)


# Packers -----------------------------------------------------------------------------------------------------------------

LOG = f"[  550.000000] loop: module loaded\n[  551.326415] {HANG}\n".encode() + b"".join(
    b"[%5d.%06d] audit: type=1130 audit(1743501600.%03d:%d)\n" % (552 + number, number * 7919 % 1_000_000, number % 1000, number)
    for number in range(20_000)
)
PACKERS = {
    "gzip -1": ("gzip", "gzip"),
    "gzip -9": ("gzip", "gzip"),
    "gzip -n": ("gzip", "gzip"),
    "bzip2 -1": ("bzip2", "bzip2"),
    "bzip2 -9": ("bzip2", "bzip2"),
    "xz -0": ("xz", "xz-utils"),
    "xz -9e": ("xz", "xz-utils"),
    "xz -T2 --block-size=65536": ("xz", "xz-utils"),
    "xz --check=sha256": ("xz", "xz-utils"),
    "xz --x86 --lzma2": ("xz", "xz-utils"),
    "zstd -q -1": ("zstd", "zstd"),
    "zstd -q -19": ("zstd", "zstd"),
    "zstd -q --long=27": ("zstd", "zstd"),
    "zstd -q --no-check": ("zstd", "zstd"),
    "zstd -q --rsyncable -T2": ("zstd", "zstd"),
}


@pytest.mark.parametrize("packer", PACKERS)
def test_what_the_real_packers_write_is_read(packer: str, tmp_path: Path) -> None:
    need(*PACKERS[packer])
    path = tmp_path / "log"
    path.write_bytes(run(*packer.split(), "-c", input=LOG))
    document = explain(path)
    assert [pick(event, "kind", "uptime_s") for event in document["events"]] == [("tx_timeout", 551.326415)]
    assert document["sources"][0]["records"] == LOG.count(b"\n")


@pytest.mark.parametrize(
    "options",
    [
        "--format=gnu",
        "--format=pax",
        "--format=ustar",
        "--format=oldgnu",
        "--format=gnu -z",
        "--format=pax -J",
        "--format=gnu -j",
        "--format=gnu --zstd",
        "--format=gnu --sparse",
    ],
)
def test_what_real_tar_writes_is_read(options: str, tmp_path: Path) -> None:
    need("tar", "tar")
    for program in ("xz", "bzip2", "zstd"):
        need(program, program)
    long = "sosreport-nas1-" + "x" * (60 if "ustar" in options else 120)
    tree = tmp_path / long / "var" / "log"
    tree.mkdir(parents=True)
    (tree / "kern.log").write_bytes(LOG)
    (tree / "messages").symlink_to("/etc/passwd")
    (tree / "dmesg").write_bytes(b"")
    path = tmp_path / "report"
    run("tar", *options.split(), "-C", tmp_path, "-cf", path, long)
    document = explain(path)
    assert [pick(event, "kind", "uptime_s") for event in document["events"]] == [("tx_timeout", 551.326415)]
    assert [source["name"] for source in document["sources"]] == [f"{path}:{long}/var/log/kern.log"]


def test_what_real_zip_writes_is_read(tmp_path: Path) -> None:
    need("zip", "zip")
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "syslog.txt").write_bytes(LOG.replace(b"\n", b"\r\n"))
    run("zip", "-q", "-r", "diagnostics.zip", "logs", cwd=tmp_path)
    assert [pick(event, "kind", "uptime_s") for event in explain(tmp_path / "diagnostics.zip")["events"]] == [("tx_timeout", 551.326415)]


def test_a_copy_taken_while_the_packer_was_writing_gives_what_is_there(tmp_path: Path) -> None:
    need("gzip", "gzip")
    path = tmp_path / "kern.log.2.gz"
    path.write_bytes(run("gzip", "-c", input=LOG)[:-100])
    done = subprocess.run([sys.executable, "-m", "nicmedic", "explain", str(path)], capture_output=True, text=True, check=False, timeout=60)
    assert "cut off" in done.stderr
    assert done.stdout.startswith("eth0 (r8169) hung")
