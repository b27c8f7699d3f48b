# SPDX-License-Identifier: GPL-2.0-or-later
"""Files of a host are read by a child that may be lost: of trees that are made up, since only a broken machine hangs."""

import contextlib
import gzip
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from nicmedic.host import raw_files, timed_reader
from nicmedic.host.raw_files import Member, Missing, read_logs_of_packages, read_proc, read_sys
from nicmedic.host.rtnl_guard import LOCKED_FILES
from nicmedic.host.timed_reader import TimedReader


@pytest.fixture
def reader() -> Iterator[TimedReader]:
    with contextlib.closing(TimedReader(time.monotonic() + 5)) as opened:
        yield opened


def put(root: Path, path: str, data: bytes = b"1\n") -> None:
    file = root / path.lstrip("/")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(data)


def test_sysfs_is_taken_from_the_nic_down_to_the_port_it_hangs_on(tmp_path: Path, reader: TimedReader) -> None:
    nic = "/sys/devices/pci0000:00/0000:00:1c.0/0000:02:00.0/net/eth0"
    for path in ("address", "statistics/tx_packets", "queues/tx-0/tx_timeout", "queues/tx-0/byte_queue_limits/inflight"):
        put(tmp_path, f"{nic}/{path}")
    for device in ("0000:00:1c.0", "0000:00:1c.0/0000:02:00.0"):
        for path in ("config", "vendor", "power/control", "rom", "resource0", "vpd"):
            put(tmp_path, f"/sys/devices/pci0000:00/{device}/{path}")
    put(tmp_path, "/sys/devices/pci0000:00/config")
    put(tmp_path, "/sys/module/r8169/parameters/use_dac")
    (tmp_path / "sys/devices/pci0000:00/0000:00:1c.0/0000:02:00.0/driver").mkdir()
    (tmp_path / "sys/devices/pci0000:00/0000:00:1c.0/0000:02:00.0/driver/module").symlink_to("../../../module/r8169")
    (tmp_path / "sys/class/net").mkdir(parents=True)
    (tmp_path / "sys/class/net/eth0").symlink_to("../../devices/pci0000:00/0000:00:1c.0/0000:02:00.0/net/eth0")
    names = {part.name for part in read_sys(reader, str(tmp_path)) if isinstance(part, Member)}
    port = "raw/sys/devices/pci0000:00/0000:00:1c.0"
    assert {
        f"{port}/{path}" for path in ("config", "vendor", "power/control", "0000:02:00.0/config", "0000:02:00.0/net/eth0/address")
    } <= names
    assert {
        f"raw{nic}/queues/tx-0/byte_queue_limits/inflight",
        "raw/sys/module/r8169/parameters/use_dac",
        "raw/sys/class/net/eth0",
    } <= names
    assert not [name for name in names if name.endswith(("rom", "resource0", "vpd", "pci0000:00/config"))]


def test_an_interface_that_vanishes_is_told(tmp_path: Path, reader: TimedReader) -> None:
    (tmp_path / "sys/class/net").mkdir(parents=True)
    (tmp_path / "sys/class/net/gone").symlink_to("../../devices/virtual/net/gone")
    put(tmp_path, "/sys/class/net/bonding_masters", b"bond0\n")
    missing = [part.what for part in read_sys(reader, str(tmp_path)) if isinstance(part, Missing)]
    assert missing == ["/sys/class/net/bonding_masters"]


def test_a_file_that_never_answers_costs_a_moment_and_the_others_still_come(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read = timed_reader.read_bounded

    def read_or_hang(path: str, most: int) -> bytes:
        if path.endswith("modules"):
            time.sleep(10)
        return read(path, most)

    monkeypatch.setattr(timed_reader, "read_bounded", read_or_hang)
    put(tmp_path, "/proc/version", b"Linux")
    put(tmp_path, "/proc/meminfo", b"Mem")
    begin = time.monotonic()
    with contextlib.closing(TimedReader(time.monotonic() + 5, seconds=0.2)) as reader:
        parts = list(read_proc(reader, str(tmp_path)))
    assert time.monotonic() - begin < 4
    assert {part.name for part in parts if isinstance(part, Member)} == {"raw/proc/version", "raw/proc/meminfo"}
    assert [part.why for part in parts if isinstance(part, Missing) and part.what == "/proc/modules"] == ["did not answer within 0.2 s"]


def test_when_the_time_is_over_the_rest_is_told_as_missing(tmp_path: Path) -> None:
    put(tmp_path, "/proc/version", b"Linux")
    parts = list(read_proc(TimedReader(time.monotonic() - 1), str(tmp_path)))
    assert {part.why for part in parts if isinstance(part, Missing)} == {"no time left"}


def test_history_of_packages_is_expanded_cut_and_newest_first(tmp_path: Path, reader: TimedReader) -> None:
    put(tmp_path, "/var/log/dpkg.log", b"new\n")
    put(tmp_path, "/var/log/dpkg.log.2.gz", gzip.compress(b"line of old\n" * 200_000))
    put(tmp_path, "/var/log/dpkg.log.1", b"middle\n")
    put(tmp_path, "/var/log/apt/history.log.1.gz", b"\x1f\x8bbroken")
    put(tmp_path, "/var/log/wtmp", bytes(384 * 3000))
    parts = list(read_logs_of_packages(reader, str(tmp_path)))
    members = {part.name: part.data for part in parts if isinstance(part, Member)}
    assert list(members) == ["raw/var/log/wtmp", "raw/var/log/dpkg.log", "raw/var/log/dpkg.log.1", "raw/var/log/dpkg.log.2"]
    assert members["raw/var/log/dpkg.log.2"].startswith(b"line of old\n")
    assert len(members["raw/var/log/dpkg.log.2"]) <= raw_files.LARGEST_HISTORY
    assert len(members["raw/var/log/wtmp"]) % 384 == 0
    assert [part.what for part in parts if isinstance(part, Missing)] == ["/var/log/apt/history.log.1.gz"]


def test_files_that_wait_for_the_lock_of_all_networking_are_not_asked_for(tmp_path: Path, reader: TimedReader) -> None:
    nic = "/sys/devices/virtual/net/eth0"
    for name in ("address", "carrier", "speed", "phys_port_id"):
        put(tmp_path, f"{nic}/{name}")
    put(tmp_path, "/proc/net/wireless")
    (tmp_path / "sys/class/net").mkdir(parents=True)
    (tmp_path / "sys/class/net/eth0").symlink_to("../../devices/virtual/net/eth0")
    parts = [*read_proc(reader, str(tmp_path)), *read_sys(reader, str(tmp_path), avoid=LOCKED_FILES)]
    assert {part.name for part in parts if isinstance(part, Member)} == {"raw/sys/class/net/eth0", f"raw{nic}/address"}
    assert any("carrier" in part.what and "holds the lock" in part.why for part in parts if isinstance(part, Missing))


def test_a_device_is_not_asked_for_what_its_lock_guards(tmp_path: Path, reader: TimedReader) -> None:
    device = "/sys/devices/pci0000:00/0000:02:00.0"
    for name in ("vendor", "driver_override", "sriov_numvfs"):
        put(tmp_path, f"{device}/{name}")
    put(tmp_path, f"{device}/net/eth0/address")
    (tmp_path / "sys/class/net").mkdir(parents=True)
    (tmp_path / "sys/class/net/eth0").symlink_to("../../devices/pci0000:00/0000:02:00.0/net/eth0")
    names = {part.name for part in read_sys(reader, str(tmp_path)) if isinstance(part, Member)}
    assert f"raw{device}/vendor" in names
    assert not [name for name in names if name.endswith(("driver_override", "sriov_numvfs"))]


def test_a_reader_that_is_ended_or_cannot_be_started_costs_one_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> int:
        raise BlockingIOError(11, "Resource temporarily unavailable")

    put(tmp_path, "/x", b"1")
    with contextlib.closing(TimedReader(time.monotonic() + 5)) as reader:
        with monkeypatch.context() as patch:
            patch.setattr(os, "fork", refuse)
            with pytest.raises(OSError, match="Resource temporarily unavailable"):
                reader.read(f"{tmp_path}/x")
        assert reader.read(f"{tmp_path}/x") == b"1"
        assert reader._child is not None
        os.kill(reader._child, signal.SIGKILL)
        with pytest.raises(TimeoutError, match="was ended"):
            reader.read(f"{tmp_path}/x")
        assert reader.read(f"{tmp_path}/x") == b"1"


def test_its_errors_are_those_of_the_file(tmp_path: Path, reader: TimedReader) -> None:
    with pytest.raises(FileNotFoundError):
        reader.read(f"{tmp_path}/no")
    with pytest.raises(OSError, match="not a regular file"):
        reader.read(str(tmp_path))
    put(tmp_path, "/big", b"x" * (3 << 20))
    assert reader.read(f"{tmp_path}/big", 2 << 20) == b"x" * (2 << 20)
