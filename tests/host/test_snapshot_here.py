# SPDX-License-Identifier: GPL-2.0-or-later
"""A snapshot of the machine that the test runs on: quick, whole, of use elsewhere; and disks that are really full and really read-only."""

import contextlib
import dataclasses
import os
import subprocess
import tarfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from nicmedic.host.archive_writer import HostArchives
from nicmedic.host.machine import HostMachine
from nicmedic.host.owners import with_owners
from nicmedic.host.raw_files import Member
from nicmedic.host.scrub_parts import find_known_names, scrub_parts
from nicmedic.host.snapshot import collect_parts, open_private_file, read_snapshot, write_snapshot
from nicmedic.model.counters import Looks
from nicmedic.model.errors import UnwritableOutputError
from nicmedic.model.host import Host
from nicmedic.model.ownership import Manager
from nicmedic.report.scrub import Scrubber

CREATED = "2026-01-01T00:00:00+00:00"


@contextlib.contextmanager
def mounted(folder: Path, options: str) -> Iterator[Path]:
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def test_a_snapshot_takes_less_than_five_seconds_and_tells_the_host_again(tmp_path: Path) -> None:
    host = with_owners(HostMachine().read_host())
    begin = time.monotonic()
    write_snapshot(str(tmp_path / "s.tar.gz"), collect_parts(host), created=CREATED)
    assert time.monotonic() - begin < 5.5
    assert read_snapshot(str(tmp_path / "s.tar.gz")).host == host


def test_its_files_unpacked_are_a_host_that_tells_the_same_as_far_as_files_go(tmp_path: Path) -> None:
    live = HostMachine().read_host()
    write_snapshot(str(tmp_path / "s.tar.gz"), collect_parts(live), created=CREATED)
    with tarfile.open(tmp_path / "s.tar.gz") as archive:
        archive.extractall(tmp_path / "copy", filter="tar")
    copy = HostMachine(str(tmp_path / "copy/raw")).read_host()
    for field in (
        "kernel_release",
        "kernel_version",
        "kernel_package",
        "command_line",
        "distro",
        "machine",
        "boot_id",
        "cpus_online",
        "aspm",
    ):
        assert getattr(copy, field) == getattr(live, field), field
    assert [nic.interface for nic in copy.nics] == [nic.interface for nic in live.nics]
    for ours, theirs in zip(copy.nics, live.nics, strict=True):
        for field in (
            "ifindex",
            "driver",
            "module",
            "bus",
            "bus_address",
            "sysfs_path",
            "modalias",
            "address",
            "mtu",
            "power",
            "operstate",
        ):
            assert getattr(ours, field) == getattr(theirs, field), field


def test_scrubbed_it_holds_neither_this_machines_addresses_nor_its_name(tmp_path: Path) -> None:
    host = HostMachine().read_host()
    scrubber = Scrubber(find_known_names())
    write_snapshot(str(tmp_path / "s"), scrub_parts(collect_parts(host), scrubber), created=CREATED, scrubbed=True)
    texts = [nic.address for nic in host.nics] + [nic.permanent_address for nic in host.nics] + [host.boot_id]
    texts += [address.address for nic in host.nics for address in nic.addresses or () if address.scope == "global"]
    with tarfile.open(tmp_path / "s") as archive:
        for member in archive:
            opened = archive.extractfile(member) if member.isreg() else None
            content = f"{member.name}\n{member.linkname}\n".encode() + (opened.read() if opened else b"")
            assert [text for text in texts if text and text.encode() in content] == [], member.name
    assert read_snapshot(str(tmp_path / "s")).host is not None


def test_a_disk_that_is_really_full_keeps_nothing(tmp_path: Path) -> None:
    parts = [Member(name="raw/x", data=os.urandom(1 << 20))]
    with mounted(tmp_path / "small", "size=64k") as small:
        with pytest.raises(UnwritableOutputError, match="No space left on device"):
            write_snapshot(str(small / "s"), parts, created=CREATED)
        with pytest.raises(UnwritableOutputError, match="No space left on device"), open_private_file(str(small / "map")) as file:
            file.write(b"x" * (1 << 20))
        assert list(small.iterdir()) == []


def test_a_read_only_disk_is_an_error_in_words(tmp_path: Path) -> None:
    with mounted(tmp_path / "ro", "ro,size=64k") as folder, pytest.raises(UnwritableOutputError, match="Read-only file system"):
        write_snapshot(str(folder / "s"), [], created=CREATED)


def test_what_is_written_to_memory_is_called_so_and_a_read_only_folder_is_refused_early(tmp_path: Path) -> None:
    with mounted(tmp_path / "ro", "ro,size=64k") as folder, pytest.raises(UnwritableOutputError, match="Read-only file system"):
        HostArchives().find_folder(str(folder / "s"))
    with mounted(tmp_path / "memory", "size=80m") as folder:
        assert HostArchives().find_folder(str(folder)) == str(folder)
        written = HostArchives().write_archive(
            str(folder / "s"), Host(), Looks(), created=CREATED, seconds=0.5, scrub=False, on_progress=lambda _name, _size: None
        )
    assert written.is_in_memory


def test_a_real_manager_is_never_doubted_without_a_reason() -> None:
    for nic in with_owners(HostMachine().read_host()).nics:
        assert nic.manager is not None
        assert nic.manager.reason
        assert dataclasses.asdict(nic.manager)["manager"] in {each.value for each in Manager}
