# SPDX-License-Identifier: GPL-2.0-or-later
"""Whatever is handed in: a clear line on standard error, other files still explained, bounded memory, nothing written or dangerous printed."""

import bz2
import gzip
import io
import json
import lzma
import os
import re
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import zstandard

GOOD = b"[  550.000000] loop: module loaded\n[  551.326415] NETDEV WATCHDOG: eth0 (r8169): transmit queue 0 timed out\n"
MOST_MEMORY_KIB = 150 << 10
MIB = 1 << 20
MEASURED = """
import resource, subprocess, sys
done = subprocess.run(sys.argv[1:], stdin=subprocess.DEVNULL)
print("peak", resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, file=sys.stderr)
sys.exit(done.returncode)
"""
# Control and direction characters that must not reach a terminal as they are.
HARMFUL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def nicmedic(*arguments: str | Path, before: tuple[str, ...] = (), **options: Any) -> subprocess.CompletedProcess[str]:  # noqa: ANN401  # subprocess's own
    command = [*before, sys.executable, "-m", "nicmedic", "explain", *map(str, arguments)]
    return subprocess.run(
        command,
        capture_output=True,
        check=False,
        timeout=120,
        encoding="utf-8",
        errors="surrogateescape",
        stdin=subprocess.DEVNULL,
        **options,
    )


def explain_json(*arguments: str | Path) -> dict[str, Any]:
    done = nicmedic(*arguments, "--json")
    assert "Traceback" not in done.stderr
    document: dict[str, Any] = json.loads(done.stdout)
    return document


@pytest.fixture
def good(tmp_path: Path) -> Path:
    path = tmp_path / "good.log"
    path.write_bytes(GOOD)
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "bad"
    path.mkdir()
    return path


def check_refused(done: subprocess.CompletedProcess[str], words: str) -> None:
    """The bad one is told on standard error, once and in words; the good one is explained."""
    assert "Traceback" not in done.stderr
    assert words in done.stderr
    assert done.stderr.startswith("nicmedic: ")
    assert "eth0 (r8169)" in done.stdout
    assert done.returncode == 1


BAD: dict[str, tuple[Callable[[], bytes], str]] = {
    "empty": (lambda: b"", "empty"),
    "binary": (lambda: bytes(range(1, 256)) * 100, "binary file"),
    "elf": (lambda: Path(sys.executable).resolve().read_bytes()[:200_000], "binary file"),
    "prose": (lambda: b"Dear list,\nmy network card hangs.\nWhat now?\n", "none of its 3 lines is a kernel message"),
    "systemd only": (lambda: b"Apr 01 12:00:00 nas1 systemd[1]: Started x.\n", "kernel message"),
    "dmesg without rights": (lambda: b"dmesg: read kernel buffer failed: Operation not permitted\n", "not allowed"),
    "cut gzip": (lambda: gzip.compress(GOOD)[:-12], "cut off"),
    "cut xz": (lambda: lzma.compress(GOOD)[:-12], "cut off"),
    "cut zstd": (lambda: zstandard.ZstdCompressor().compress(GOOD)[:-4], "cut off"),
    "cut bzip2": (lambda: bz2.compress(GOOD)[:-12], "cut off"),
    "cut tar": (lambda: make_tar({"var/log/kern.log": GOOD * 99})[:2000], "cut off"),
    "tar without logs": (lambda: make_tar({"etc/passwd": GOOD}), "called like a kernel log"),
    "zip magic": (lambda: b"PK\x03\x04" + bytes(100), "archive is damaged"),
    "journal magic": (lambda: b"LPKSHHRH" + bytes(300), "journal"),
    "lz4": (lambda: b"\x04\x22\x4d\x18" + bytes(100), "lz4"),
    "json nested deep": (lambda: b"[" * 10_000 + b"]" * 10_000 + b"\n", "kernel message"),
    "json objects nested deep": (lambda: b'{"a":' * 10_000 + b"1" + b"}" * 10_000 + b"\n", "kernel message"),
    "json pretty nested deep": (lambda: b"{\n" + b'"a": {\n' * 10_000 + b"}\n" * 10_000, "kernel message"),
}


def make_tar(members: dict[str, bytes]) -> bytes:
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w") as archive:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return target.getvalue()


@pytest.mark.parametrize("bad", BAD)
def test_a_bad_file_is_told_and_the_good_one_is_explained(bad: str, good: Path, folder: Path) -> None:
    make, words = BAD[bad]
    path = folder / "x"
    path.write_bytes(make())
    if bad == "journal magic" and shutil.which("journalctl") is None:
        words = "journalctl"
    done = nicmedic(path, good)
    if "cut" in bad and "tar" not in bad:  # what came before the cut may tell of the hang already
        assert "cut off" in done.stderr
        assert done.returncode == 1
    else:
        check_refused(done, words)


@pytest.mark.skipif(shutil.which("journalctl") is None, reason="needs journalctl")
def test_a_damaged_journal_is_told_by_the_name_that_the_user_knows(folder: Path) -> None:
    bad = b"LPKSHHRH" + bytes(300)
    plain, packed, archive = folder / "a b.journal", folder / "system.journal.gz", folder / "jrn.tgz"
    plain.write_bytes(bad)
    packed.write_bytes(gzip.compress(bad))
    archive.write_bytes(gzip.compress(make_tar({"var/log/system.journal": bad})))
    done = nicmedic(plain, packed, archive)
    lines = done.stderr.splitlines()
    names = [f"{plain}", f"{packed}", f"{archive}:var/log/system.journal"]
    assert [line.partition(": journalctl failed")[0] for line in lines[::2]] == [f"nicmedic: {name}" for name in names]
    assert lines[1].strip() == f"journalctl --verify --file='{plain}'"
    assert [line.split()[:2] for line in lines[1::2]] == [["journalctl", "--verify"]] * 3
    assert "/nicmedic-" not in done.stderr
    assert done.returncode == 11


def test_a_missing_file_is_told_and_the_good_one_is_explained(good: Path, folder: Path) -> None:
    check_refused(nicmedic(folder / "missing.log", good), "there is no such file")


def test_a_file_without_permission_is_told_with_the_way_to_it(good: Path, folder: Path) -> None:
    path = folder / "secret.log"
    path.write_bytes(GOOD)
    path.chmod(0)
    before: tuple[str, ...] = ()
    if os.geteuid() == 0:  # root may read everything, unless it gives that up
        if shutil.which("setpriv") is None:
            pytest.skip("needs setpriv of util-linux to give up the right to read everything")
        os.chown(path, 1, 1)
        before = ("setpriv", "--inh-caps=-all", "--bounding-set=-dac_override,-dac_read_search")
    done = nicmedic(path, good, before=before)
    check_refused(done, "may not read it")
    assert f"sudo nicmedic explain {path}" in done.stderr


def test_a_socket_or_a_folder_without_logs_is_told(good: Path, folder: Path) -> None:
    check_refused(nicmedic(folder, good), "there is no file in it")


def test_with_bad_files_only_the_status_is_that_of_the_first(folder: Path) -> None:
    (folder / "a").write_bytes(b"")
    done = nicmedic(folder / "missing", folder / "a")
    assert done.returncode == 11
    assert done.stderr.count("nicmedic: ") == 2


# Memory ------------------------------------------------------------------------------------------------------------------


def many(data: bytes, times: int) -> Callable[[Path], None]:
    """A file of the same compressed piece many times over: all readers take members after each other."""

    def write(path: Path) -> None:
        with path.open("wb") as file:
            for _ in range(times):
                file.write(data)

    return write


def write_many_members(path: Path) -> None:
    info = tarfile.TarInfo("var/log/kern.log")
    block = info.tobuf(tarfile.GNU_FORMAT) * 10_000
    with gzip.open(path, "wb", 1) as file:
        for _ in range(101):
            file.write(block)


HUGE: dict[str, Callable[[Path], None]] = {
    "100 MB without a line end": many(b"x" * MIB, 100),
    "100 MB of open brackets": many(b"[{" * (MIB // 2), 100),
    "100 MB of zeros": many(bytes(MIB), 100),
    "12 MB of one event": many(GOOD * 9000, 12),
    "100 MB of short lines": many(b"a\n" * (MIB // 2), 100),
    "gzip bomb": many(gzip.compress(bytes(32 * MIB)), 16),
    "gzip bomb of events": many(gzip.compress(GOOD * 10_000), 12),
    "bzip2 bomb": many(bz2.compress(bytes(32 * MIB)), 16),
    "xz bomb": many(lzma.compress(bytes(32 * MIB), preset=1), 16),
    "zstd bomb": many(zstandard.ZstdCompressor(level=3).compress(bytes(32 * MIB)), 16),
    "gzip in gzip": many(gzip.compress(gzip.compress(bytes(128 * MIB), 9), 9), 1),
    "a hundred thousand members": write_many_members,
}


@pytest.mark.parametrize("huge", HUGE)
def test_memory_is_bounded_whatever_is_read(huge: str, folder: Path, good: Path) -> None:
    path = folder / "huge"
    HUGE[huge](path)
    done = nicmedic(path, good, before=(sys.executable, "-c", MEASURED))
    assert "Traceback" not in done.stderr
    assert "eth0 (r8169)" in done.stdout
    peak = re.search(r"^peak (\d+)$", done.stderr, re.MULTILINE)
    assert peak is not None
    assert int(peak[1]) < MOST_MEMORY_KIB


# Nothing is written ------------------------------------------------------------------------------------------------------

AUDITED = """
import os, runpy, sys
def hear(event, args):
    wrote = event in ("os.mkdir", "os.rename", "os.remove", "os.symlink", "os.link", "os.chmod", "os.truncate")
    if event == "open" and isinstance(args[2], int) and args[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
        wrote = True
    if wrote and isinstance(args[0], (str, bytes)) and not os.fsdecode(args[0]).startswith((os.environ["TMPDIR"], "/dev/null")):
        os.write(2, b"WROTE " + event.encode() + b" " + os.fsencode(args[0]) + b"\\n")
sys.addaudithook(hear)
sys.argv = ["nicmedic", "explain", *sys.argv[1:]]
sys.dont_write_bytecode = True
runpy.run_module("nicmedic", run_name="__main__")
"""


def test_nothing_is_written_outside_a_temporary_folder_and_nothing_is_left_in_it(folder: Path, good: Path) -> None:
    members = dict.fromkeys(("../../x/kern.log", "/etc/kern.log", "var/log/kern.log", "../system.journal"), GOOD)
    (folder / "a.tar.gz").write_bytes(gzip.compress(make_tar(members)))
    (folder / "b.tar").write_bytes(make_tar({"../../system.journal": b"LPKSHHRH" + bytes(300)}))
    import zipfile

    with zipfile.ZipFile(folder / "c.zip", "w") as archive:
        archive.writestr("../../kern.log", GOOD)
    temporary = folder / "tmp"
    temporary.mkdir()
    before = sorted(folder.rglob("*"))
    command = [sys.executable, "-c", AUDITED, "a.tar.gz", "b.tar", "c.zip", str(good)]
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env={**os.environ, "TMPDIR": str(temporary)},
        timeout=60,
        stdin=subprocess.DEVNULL,
    )
    assert "WROTE" not in done.stderr
    assert "Traceback" not in done.stderr
    assert done.returncode == 1
    assert sorted(folder.rglob("*")) == before


# Hostile text ------------------------------------------------------------------------------------------------------------

HOSTILE = {
    "clear the screen": "\x1b[2J\x1b[H",
    "a title": "\x1b]0;owned\x07",
    "a link": "\x1b]8;;http://evil.example/\x1b\\here\x1b]8;;\x1b\\",
    "eight-bit CSI": "\x9b2J",
    "right to left": "\u202e\u2066kcatta\u2069",
    "carriage return": "harmless\rNETDEV",
    "backspace": "abc\x08\x08\x08",
    "bell and null": "\x07\x00",
    "device control": "\x1bPq#0;2;0;0;0\x1b\\",
    "lone surrogate": "\udcff\udc9b",
}


SHAPES = [
    "{}",
    "NETDEV WATCHDOG: eth0{} (r8169): transmit queue 0 timed out",
    "NETDEV WATCHDOG: eth1 (r81{}69): transmit queue 0 timed out",
    "Linux version 6.1.0{} (x@y) #1 SMP Debian 6.1.55{}-1",
    "Hardware name: Evil{} Corp., BIOS 1",
    "r8169 0000:02:00.0{} eth0: Link is Down",
]


@pytest.mark.parametrize("hostile", HOSTILE)
def test_hostile_text_never_reaches_the_terminal_as_it_is(hostile: str, tmp_path: Path) -> None:
    texts = [shape.replace("{}", HOSTILE[hostile]) for shape in SHAPES]
    lines = [f"Apr  1 12:00:00 nas{HOSTILE[hostile]}1 kernel: [  550.000000] {text}" for text in texts] + [
        f"[  551.326415] {text}" for text in texts
    ]
    path = tmp_path / "kern.log"
    path.write_bytes("\n".join([*lines, GOOD.decode()]).encode("utf-8", "surrogateescape"))
    for options in ([], ["--all"]):
        done = nicmedic(path, *options)
        assert "Traceback" not in done.stderr
        assert done.returncode == 1
        assert HARMFUL.findall(done.stdout + done.stderr) == []
        assert not re.search("[\ud800-\udfff]", done.stdout + done.stderr)
    done = nicmedic(path, "--json")
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f]", done.stdout)
    assert json.loads(done.stdout)["events"]


def test_a_hostile_file_name_is_shown_harmless(folder: Path) -> None:
    path = folder / "a\x1b[2Jb\u202e.log"
    done = nicmedic(path)
    assert HARMFUL.findall(done.stderr) == []
    path.write_bytes(GOOD)
    assert HARMFUL.findall(nicmedic(path, "--all").stdout) == []


INTERFACES = [
    "eth0;reboot",
    "eth0|sh",
    "eth0&reboot&",
    "eth0`id`",
    "$HOME",
    "-x",
    "--help",
    "../../etc",
    "eth0'x",
    'eth0"x',
    "a/b",
    "eth0\\",
    "eth0>x",
    "et*0",
    "eth0#",
    "eth0!1",
    "~root",
    "{a,b}",
]


def commands_in(value: object) -> Iterator[str]:
    """Every string under the keys commands and undo."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key in {"commands", "undo"}:
                yield from inner
            else:
                yield from commands_in(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from commands_in(inner)


@pytest.mark.parametrize(
    "wording",
    [
        "NETDEV WATCHDOG: {} (r8169): transmit queue 0 timed out",
        "r8169 0000:02:00.0 {}: NETDEV WATCHDOG: CPU: 3: transmit queue 0 timed out 5120 ms",
    ],
)
def test_an_interface_that_the_kernel_would_not_name_stands_in_no_command(wording: str, tmp_path: Path) -> None:
    path = tmp_path / "kern.log"
    path.write_text("".join(f"[{551 + 100 * n:5d}.326415] {wording.format(name)}\n" for n, name in enumerate(INTERFACES)), encoding="utf-8")
    document = explain_json(path)
    assert [event["interface"] for event in document["events"]] == INTERFACES
    assert [command for command in commands_in(document) if any(name in command for name in INTERFACES)] == []
    for line in nicmedic(path, "--all").stdout.splitlines():
        if re.search(r"\b(ethtool|ip link|echo|modprobe)\b", line):
            assert not any(name in line for name in INTERFACES)


def test_an_ordinary_interface_does_stand_in_the_commands(good: Path) -> None:
    """Else the test above proves nothing."""
    assert [command for command in commands_in(explain_json(good)) if "eth0" in command]


@pytest.mark.parametrize("bus", ["0000:02:00.0;reboot", "$(reboot)1", "../../../1", "1|sh"])
def test_a_bus_address_that_is_none_stands_in_no_command(bus: str, tmp_path: Path) -> None:
    path = tmp_path / "kern.log"
    path.write_text(f"[  551.326415] r8169 {bus} eth0: NETDEV WATCHDOG: CPU: 3: transmit queue 0 timed out 5120 ms\n", encoding="utf-8")
    assert [command for command in commands_in(explain_json(path)) if bus in command] == []


@pytest.mark.parametrize("driver", ["r8169;reboot", "$(reboot)", "-r", "../x", "a b", "x'y"])
def test_a_driver_that_is_no_module_name_stands_in_no_command(driver: str, tmp_path: Path) -> None:
    path = tmp_path / "kern.log"
    path.write_text(f"[  551.326415] NETDEV WATCHDOG: eth0 ({driver}): transmit queue 0 timed out\n", encoding="utf-8")
    assert [command for command in commands_in(explain_json(path)) if driver in command] == []
