# SPDX-License-Identifier: GPL-2.0-or-later
"""Copies of logs have names that ``explain`` knows, hold kernel messages only, and are cut at whole lines."""

import gzip
import os
import time
from pathlib import Path

import pytest

from nicmedic.host import log_copies
from nicmedic.host.log_copies import _read_pstore, _read_syslog
from nicmedic.host.logs import is_log_name
from nicmedic.host.raw_files import Member, Missing

KERNEL = b"Apr  2 10:00:00 nas kernel: [   12.3] eth0: NETDEV WATCHDOG: eth0 (r8169): transmit queue 0 timed out\n"
OTHER = b"Apr  2 10:00:00 nas sshd[12]: Accepted password for alice from 192.0.2.3\n"


def put(root: Path, path: str, data: bytes, age: int = 0) -> None:
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(data)
    os.utime(file, (1_700_000_000 - age, 1_700_000_000 - age))


def read_syslog(root: Path, seconds: float = 5) -> tuple[dict[str, bytes], list[str]]:
    parts = list(_read_syslog(time.monotonic() + seconds, str(root)))
    return {part.name: part.data for part in parts if isinstance(part, Member)}, [part.what for part in parts if isinstance(part, Missing)]


def test_files_of_kernel_messages_are_taken_newest_first_and_expanded(tmp_path: Path) -> None:
    put(tmp_path, "var/log/kern.log.2.gz", gzip.compress(KERNEL * 2), age=20)
    put(tmp_path, "var/log/kern.log", KERNEL)
    put(tmp_path, "var/log/kern.log.1", KERNEL * 3, age=10)
    put(tmp_path, "var/log/syslog", KERNEL + OTHER)
    members, missing = read_syslog(tmp_path)
    assert list(members) == ["log/kern.log", "log/kern.log.1", "log/kern.log.2"]
    assert members["log/kern.log.2"] == KERNEL * 2
    assert all(map(is_log_name, members))
    assert missing == []


def test_of_mixed_files_the_kernels_lines_are_taken(tmp_path: Path) -> None:
    put(tmp_path, "var/log/messages-20240101", OTHER + KERNEL + OTHER)
    members, _ = read_syslog(tmp_path)
    assert members == {"log/messages-20240101": KERNEL}


def test_a_long_log_is_cut_at_a_whole_line_and_older_ones_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_copies, "LARGEST_LOG", 1000)
    for age in range(4):
        put(tmp_path, f"var/log/kern.log{f'.{age}' if age else ''}", KERNEL * 50, age=age)
    members, missing = read_syslog(tmp_path)
    assert all(data and data.startswith(b"Apr") and data.endswith(b"\n") and len(data) <= 1000 for data in members.values())
    assert missing == ["/var/log/kern.log.3"]


def test_damage_and_lack_of_time_are_told(tmp_path: Path) -> None:
    put(tmp_path, "var/log/kern.log", KERNEL)
    put(tmp_path, "var/log/kern.log.1.gz", gzip.compress(KERNEL)[:20], age=1)
    assert read_syslog(tmp_path)[1] == ["/var/log/kern.log.1.gz"]
    assert read_syslog(tmp_path, seconds=-1)[1] == ["/var/log/kern.log", "/var/log/kern.log.1.gz"]
    assert read_syslog(tmp_path / "nothing")[1] == ["/var/log/kern.log, messages, syslog"]


def test_what_the_firmware_kept_is_taken(tmp_path: Path) -> None:
    put(tmp_path, "var/lib/systemd/pstore/172/dmesg-efi-1", b"Oops#1\n")
    (part,) = _read_pstore(str(tmp_path))
    assert part == Member(name="log/pstore/dmesg-efi-1", data=b"Oops#1\n")
    assert is_log_name(part.name)
