# SPDX-License-Identifier: GPL-2.0-or-later
"""An archive is whole or not there, says what is missing, is read from every form, explains itself, and scrubbed tells nobody's name."""

import dataclasses
import errno
import gzip
import io
import json
import os
import struct
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from nicmedic.app.explain import Request, explain
from nicmedic.host import snapshot
from nicmedic.host.knowledge import read_knowledge
from nicmedic.host.logs import HostLogs
from nicmedic.host.raw_files import Member, Missing
from nicmedic.host.saved import read_saved
from nicmedic.host.scrub_parts import blank_serial_number, find_known_names, scrub_parts, scrub_wtmp
from nicmedic.host.snapshot import SCHEMA, open_private_file, read_snapshot, write_snapshot
from nicmedic.model.errors import NicmedicError, NotASnapshotError, UnreadableInputError, UnwritableOutputError
from nicmedic.model.host import Host
from nicmedic.model.nic import Nic
from nicmedic.model.plain import to_plain
from nicmedic.report.scrub import Kind, Scrubber

CREATED = "2026-01-01T00:00:00+00:00"
HANG = "[  550.1] r8169 0000:02:00.0 eth0: link up\n[  551.326415] NETDEV WATCHDOG: eth0 (r8169): transmit queue 0 timed out\n"
KMSG = b"6,1,550100000,-;r8169 0000:02:00.0 eth0: Link is Up\n4,2,551326415,-;NETDEV WATCHDOG: eth0 (r8169): transmit queue 0 timed out\n"
HOST = Host(hostname="nas7", kernel_release="6.1.0-56-amd64", nics=(Nic(interface="eth0", ifindex=2, driver="r8169"),))
PARTS: list[Member | Missing] = [
    Member(name="host.json", data=json.dumps(to_plain(HOST)).encode()),
    Member(name="log/ring-buffer.kmsg", data=KMSG),
    Member(name="raw/sys/class/net/eth0", link="../../devices/x/net/eth0"),
    Missing(what="/proc/x", why="Permission denied"),
]


def put(root: Path, path: str, data: bytes = b"1\n") -> None:
    file = root / path.lstrip("/")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(data)


def read_members(path: Path) -> dict[str, bytes]:
    with tarfile.open(path) as archive:
        return {member.name: (archive.extractfile(member) or io.BytesIO()).read() for member in archive if member.isreg()}


class TestWriting:
    def test_what_is_written_is_read_back(self, tmp_path: Path) -> None:
        written = write_snapshot(str(tmp_path / "s.tar.gz"), PARTS, created=CREATED)
        found = read_snapshot(str(tmp_path / "s.tar.gz"))
        assert found.host == HOST
        assert found.manifest == written
        assert found.manifest.missing == (Missing(what="/proc/x", why="Permission denied"),)
        assert json.loads(read_members(tmp_path / "s.tar.gz")["MANIFEST.json"])["schema"] == SCHEMA
        assert (tmp_path / "s.tar.gz").stat().st_mode & 0o777 == 0o600
        assert [file.name for file in tmp_path.iterdir()] == ["s.tar.gz"]

    def test_the_unpacked_folder_and_the_plain_tar_are_read_too(self, tmp_path: Path) -> None:
        write_snapshot(str(tmp_path / "s.tar.gz"), PARTS, created=CREATED)
        with tarfile.open(tmp_path / "s.tar.gz") as archive:
            archive.extractall(tmp_path / "d", filter="data")
        (tmp_path / "s.tar").write_bytes(gzip.decompress((tmp_path / "s.tar.gz").read_bytes()))
        assert read_snapshot(str(tmp_path / "d")) == read_snapshot(str(tmp_path / "s.tar")) == read_snapshot(str(tmp_path / "s.tar.gz"))

    def test_a_name_that_is_taken_is_refused_and_the_file_stays(self, tmp_path: Path) -> None:
        (tmp_path / "s").write_bytes(b"mine")
        with pytest.raises(UnwritableOutputError, match="is there already"):
            write_snapshot(str(tmp_path / "s"), PARTS, created=CREATED)
        assert (tmp_path / "s").read_bytes() == b"mine"

    def test_a_folder_that_is_not_there_is_an_error(self, tmp_path: Path) -> None:
        with pytest.raises(UnwritableOutputError, match="No such file or directory") as error:
            write_snapshot(str(tmp_path / "no" / "s"), PARTS, created=CREATED)
        assert 10 <= error.value.code < 40
        assert error.value.hint

    @pytest.mark.parametrize("call", ["fsync", "link+rename", "write"])
    def test_a_disk_that_is_full_leaves_nothing_behind(self, call: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def fail(*_: object, **__: object) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        if call == "write":
            monkeypatch.setattr(snapshot, "_write_archive", fail)
        for name in call.split("+"):
            if name != "write":
                monkeypatch.setattr(os, name, fail)
        with pytest.raises(UnwritableOutputError, match="No space left on device; nothing was left behind"):
            write_snapshot(str(tmp_path / "s"), PARTS, created=CREATED)
        assert [file.name for file in tmp_path.iterdir()] == []

    def test_a_file_system_without_links_gets_a_rename(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def fail(*_: object) -> None:
            raise OSError(errno.EPERM, "Operation not permitted")

        monkeypatch.setattr(os, "link", fail)
        write_snapshot(str(tmp_path / "s"), PARTS, created=CREATED)
        assert [file.name for file in tmp_path.iterdir()] == ["s"]

    def test_a_device_is_not_written_to(self) -> None:
        with pytest.raises(UnwritableOutputError):
            write_snapshot("/dev/full", PARTS, created=CREATED)

    def test_the_archive_has_a_limit_and_says_what_is_left_out(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(snapshot, "MOST_BYTES", 1000)
        parts = [Member(name="a", data=b"x" * 600), Member(name="b", data=b"x" * 600), Member(name="c", data=b"x")]
        manifest = write_snapshot(str(tmp_path / "s"), parts, created=CREATED)
        assert [name for name, _ in manifest.members] == ["a", "c"]
        assert [each.what for each in manifest.missing] == ["b"]

    def test_names_of_any_bytes_are_archived(self, tmp_path: Path) -> None:
        name = os.fsdecode(b"raw/sys/class/net/\xff\xfe")
        write_snapshot(str(tmp_path / "s"), [Member(name=name, data=b"1"), Member(name="raw/" + "x" * 300)], created=CREATED)
        assert name in [name for name, _ in read_snapshot(str(tmp_path / "s")).manifest.members]

    def test_the_map_is_for_its_owner_only_and_never_replaces_a_file(self, tmp_path: Path) -> None:
        path = str(tmp_path / "map")
        with open_private_file(path) as file:
            file.write(b"{}")
        assert Path(path).stat().st_mode & 0o777 == 0o600
        for taken in (path, str(tmp_path / "no/map")):
            with pytest.raises(UnwritableOutputError), open_private_file(taken):
                pass
        assert Path(path).read_bytes() == b"{}"

    @pytest.mark.parametrize("end", [RuntimeError, KeyboardInterrupt, OSError])
    def test_a_map_of_an_archive_that_fails_is_gone(self, end: type[BaseException], tmp_path: Path) -> None:
        with pytest.raises(UnwritableOutputError if end is OSError else end), open_private_file(str(tmp_path / "map")):
            raise end
        assert list(tmp_path.iterdir()) == []

    def test_whoever_ends_it_leaves_nothing_behind(self, tmp_path: Path) -> None:
        def parts() -> Iterator[Member]:
            yield Member(name="a")
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            write_snapshot(str(tmp_path / "s"), parts(), created=CREATED)
        assert list(tmp_path.iterdir()) == []

    def test_nobody_is_advised_to_delete_evidence_or_to_keep_it_in_memory(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def fail(*_: object) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        (tmp_path / "taken").touch()
        with pytest.raises(UnwritableOutputError) as taken:
            write_snapshot(str(tmp_path / "taken"), PARTS, created=CREATED)
        monkeypatch.setattr(os, "fsync", fail)
        with pytest.raises(UnwritableOutputError) as full:
            write_snapshot(str(tmp_path / "s"), PARTS, created=CREATED)
        assert "rm " not in taken.value.hint
        assert full.value.hint.startswith(f"df -h {tmp_path} ")
        assert "/run" not in full.value.hint


class TestReading:
    @pytest.mark.parametrize(
        ("members", "error"),
        [
            ({}, NotASnapshotError),
            ({"MANIFEST.json": b"{}"}, NotASnapshotError),
            ({"MANIFEST.json": b"[]"}, NotASnapshotError),
            ({"MANIFEST.json": b'{"schema": "nicmedic.snapshot/9"}'}, NotASnapshotError),
            ({"MANIFEST.json": b'{"schema": "nicmedic.snapshot/1"}'}, UnreadableInputError),
            ({"MANIFEST.json": b"\xff"}, UnreadableInputError),
            ({"MANIFEST.json": b"[" * 100_000}, UnreadableInputError),
            ({"MANIFEST.json": b'{"schema": "nicmedic.snapshot/1", "nicmedic": "1", "created": "", "members": [1]}'}, UnreadableInputError),
            (
                {"MANIFEST.json": b'{"schema": "nicmedic.snapshot/1", "nicmedic": "1", "created": ""}', "host.json": b"[]"},
                UnreadableInputError,
            ),
        ],
    )
    def test_what_is_no_snapshot_is_an_error_in_words(self, members: dict[str, bytes], error: type[NicmedicError], tmp_path: Path) -> None:
        with tarfile.open(tmp_path / "s", "w") as archive:
            for name, data in members.items():
                info = tarfile.TarInfo(name)
                info.size = len(data)
                archive.addfile(info, io.BytesIO(data))
        with pytest.raises(error):
            read_snapshot(str(tmp_path / "s"))

    @pytest.mark.parametrize(
        ("manifest", "host", "told"),
        [
            ({"members": [1]}, "{}", "members.0: expected an object, found int"),
            ({"members": [{"name": "a"}]}, "{}", "bytes"),
            ({}, '{"uptime_s": 1%s}' % ("0" * 400), "uptime_s: a number of more than 64 bits"),
            ({}, '{"uptime_s": NaN}', "uptime_s: no number: nan"),
            ({}, '{"uptime_s": -Infinity}', "uptime_s: no number: -inf"),
            ({}, '{"nics": [{"interface": "a", "mtu": 1%s}]}' % ("0" * 400), "mtu: a number of more than 64 bits"),
        ],
    )
    def test_what_does_not_fit_is_told_by_its_place(self, manifest: dict[str, object], host: str, told: str, tmp_path: Path) -> None:
        whole = {"schema": SCHEMA, "nicmedic": "1", "created": "", **manifest}
        (tmp_path / "MANIFEST.json").write_text(json.dumps(whole), encoding="ascii")
        (tmp_path / "host.json").write_text(host, encoding="ascii")
        with pytest.raises(UnreadableInputError) as error:
            read_snapshot(str(tmp_path))
        assert told in error.value.message

    def test_a_member_that_would_take_all_memory_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "MANIFEST.json").write_text(json.dumps({"schema": SCHEMA, "nicmedic": "1", "created": ""}), encoding="ascii")
        (tmp_path / "host.json").write_bytes(b"[" + b"[]," * (6 << 20) + b"[]]")
        with pytest.raises(UnreadableInputError, match="a member is larger than 16 MiB"):
            read_snapshot(str(tmp_path))

    def test_a_pipe_is_refused_and_not_waited_for(self, tmp_path: Path) -> None:
        os.mkfifo(tmp_path / "pipe")
        with pytest.raises(UnreadableInputError, match="neither a file nor a folder"):
            read_saved(str(tmp_path / "pipe"))

    def test_a_snapshot_without_the_host_says_what_is_not_known(self, tmp_path: Path) -> None:
        write_snapshot(str(tmp_path / "s"), PARTS[1:], created=CREATED)
        with pytest.raises(NotASnapshotError, match=r"there is no host\.json in it, so nothing is known of its network cards"):
            read_saved(str(tmp_path / "s"))

    def test_text_folders_and_missing_files_are_errors_in_words(self, tmp_path: Path) -> None:
        (tmp_path / "text").write_text("x")
        for path, error in ((tmp_path / "text", NotASnapshotError), (tmp_path, NotASnapshotError), (tmp_path / "no", UnreadableInputError)):
            with pytest.raises(error):
                read_snapshot(str(path))

    def test_a_cut_archive_is_an_error_in_words(self, tmp_path: Path) -> None:
        write_snapshot(str(tmp_path / "s"), [Member(name="x", data=os.urandom(5000)), *PARTS], created=CREATED)
        data = (tmp_path / "s").read_bytes()
        for length in (10, 300, len(data) // 2, len(data) - 200):
            (tmp_path / "cut").write_bytes(data[:length])
            with pytest.raises(NicmedicError):
                read_snapshot(str(tmp_path / "cut"))

    def test_explain_reads_it_packed_and_unpacked(self, tmp_path: Path) -> None:
        write_snapshot(str(tmp_path / "s.tar.gz"), PARTS, created=CREATED)
        with tarfile.open(tmp_path / "s.tar.gz") as archive:
            archive.extractall(tmp_path / "d", filter="data")
        for name in ("s.tar.gz", "d"):
            found = explain(HostLogs(), read_knowledge(), Request(names=(str(tmp_path / name),), fast=False))
            assert [(event.kind, event.interface, event.driver) for event in found.events if event.kind == "tx_timeout"] == [
                ("tx_timeout", "eth0", "r8169")
            ]
            assert found.errors == ()


def utmp(kind: int, user: bytes, host: bytes) -> bytes:
    return struct.pack("<hxxi32s4s32s256shhiii16s20x", kind, 1, b"tty1", b"1", user, host, 0, 0, 0, 1, 1, b"\x0a\x09\x08\x07" + bytes(12))


class TestScrubbing:
    SECRETS = ("nas7", "acme", "alice", "10.9.8", "ab:cd:ef", "abcdef", "S4EWNX0M", "8f1b3c1e", "Tea Party", "hunter2")

    def plant(self) -> list[Member | Missing]:
        """Every secret in every kind of member, and in names."""
        text = (
            "Apr  2 10:00:00 nas7 kernel: eth0 52:54:00:ab:cd:ef 10.9.8.7 nas7.acme.test UUID=8f1b3c1e-8a3e-4f3e-9d67-6a2f5d1f1a11 /home/alice\n"
            "Apr  2 10:00:01 nas7 kernel: usb 1-1: SerialNumber: S4EWNX0M enx525400abcdef\npsk=hunter2\nssid=Tea Party\n"
        )
        host = dataclasses.replace(
            HOST, command_line="ip=10.9.8.7 root=UUID=8f1b3c1e-8a3e-4f3e-9d67-6a2f5d1f1a11 user=alice host=nas7.acme.test"
        )
        names = (
            "log/kern.log",
            "log/journalctl-kernel.json",
            "raw/proc/cmdline",
            "raw/var/log/dpkg.log",
            "raw/etc/netplan/x.yaml",
            "raw/sys/a/b",
        )
        return [
            Member(name="host.json", data=json.dumps(to_plain(host)).encode()),
            *(Member(name=name, data=text.encode()) for name in names),
            Member(
                name="raw/etc/NetworkManager/system-connections/Tea Party.nmconnection", data=b"[connection]\nid=Tea Party\ntype=wifi\n"
            ),
            Member(name="raw/sys/class/net/enx525400abcdef", link="../../devices/nas7/net/enx525400abcdef"),
            Member(name="raw/var/log/wtmp", data=utmp(2, b"reboot", b"6.1.0-56-amd64") + utmp(7, b"alice", b"10.9.8.7")),
            Member(name="raw/sys/devices/pci0000:00/0000:00:1c.0/config", data=make_config()),
            Member(name="raw/unknown", data=b"\0nas7"),
            Missing(what="/etc/NetworkManager/system-connections/Tea Party.nmconnection", why="alice at 10.9.8.7"),
        ]

    def test_no_planted_secret_survives_in_any_member_or_name(self, tmp_path: Path) -> None:
        scrubber = Scrubber({Kind.HOST: ["nas7.acme.test"], Kind.DOMAIN: ["acme.test"], Kind.USER: ["alice"]})
        write_snapshot(str(tmp_path / "s"), scrub_parts(self.plant(), scrubber), created=CREATED, scrubbed=True)
        everything = gzip.decompress((tmp_path / "s").read_bytes()).lower()
        assert [secret for secret in self.SECRETS if secret.lower().encode() in everything] == []
        assert b"\xab\xcd\xef" not in everything
        assert b"\x0a\x09\x08\x07" not in everything
        found = read_snapshot(str(tmp_path / "s"))
        assert found.manifest.scrubbed
        assert found.host is not None
        assert found.host.hostname == "host1"
        assert "host1" in read_members(tmp_path / "s")["log/kern.log"].decode()

    def test_json_stays_json_whatever_its_keys_and_values_look_like(self, tmp_path: Path) -> None:
        nic = Nic(interface="enx525400abcdef", driver_statistics={"token": 5, "rx_key": 6, "private-key": 7}, alias="at 10.9.8.7")
        host = dataclasses.replace(HOST, command_line='password=hunter2 quiet "10.9.8.7"', nics=(nic,))
        journal = '{"MESSAGE":"psk=hunter2 \\"10.9.8.7\\"\\n10.9.8.7","_HOSTNAME":"nas7"}\n{"MESSAGE": [110, 97]}\n{cut\n'
        parts = [
            Member(name="host.json", data=json.dumps(to_plain(host)).encode()),
            Member(name="log/journalctl-kernel.json", data=journal.encode()),
        ]
        write_snapshot(str(tmp_path / "s"), scrub_parts(parts, Scrubber()), created=CREATED)
        found = read_snapshot(str(tmp_path / "s")).host
        assert found is not None
        assert found.nics[0].driver_statistics == nic.driver_statistics
        assert found.command_line is not None
        assert "hunter2" not in found.command_line
        lines = read_members(tmp_path / "s")["log/journalctl-kernel.json"].decode().splitlines()
        assert json.loads(lines[0])["_HOSTNAME"] == "host1"
        assert "10.9.8" not in lines[0]
        assert len(lines) == 2

    def test_versions_of_four_numbers_are_no_addresses(self) -> None:
        """Broadcom's firmware; the host's address beside it goes."""
        nic = {"firmware_version": "214.0.202.1", "driver_version": "5.3.5.4"}
        host = {"nics": [{**nic, "gateway": "10.9.8.7"}], "kernel_package": "2.6.32.61"}
        (told,) = scrub_parts([Member(name="host.json", data=json.dumps(host).encode())], Scrubber())
        assert isinstance(told, Member)
        assert json.loads(told.data) == {"nics": [{**nic, "gateway": "192.0.2.7"}], "kernel_package": "2.6.32.61"}

    def test_what_happened_is_still_told(self, tmp_path: Path) -> None:
        scrubber = Scrubber({Kind.HOST: ["nas7"]})
        log = "".join(f"Apr  2 10:00:00 nas7 kernel: {line}\n" for line in HANG.splitlines())
        write_snapshot(str(tmp_path / "s.tar.gz"), scrub_parts([Member(name="log/kern.log", data=log.encode())], scrubber), created=CREATED)
        found = explain(HostLogs(), read_knowledge(), Request(names=(str(tmp_path / "s.tar.gz"),), fast=False))
        assert [event.interface for event in found.events if event.kind == "tx_timeout"] == ["eth0"]

    def test_boots_stay_and_people_go(self) -> None:
        told = scrub_wtmp(utmp(2, b"reboot", b"6.1.0-56-amd64") + utmp(7, b"alice", b"x") + b"cut", Scrubber())
        assert len(told) == 384
        assert b"6.1.0-56-amd64" in told

    def test_a_serial_number_in_configuration_space_is_zeroed_and_nothing_else(self) -> None:
        config = make_config()
        told = blank_serial_number(config)
        assert told[0x144:0x14C] == bytes(8)
        assert told[:0x144] + told[0x14C:] == config[:0x144] + config[0x14C:]
        assert blank_serial_number(config[:256]) == config[:256]
        assert blank_serial_number(b"\xff" * 4096) == b"\xff" * 4096

    def test_known_names_are_read_from_the_host(self, tmp_path: Path) -> None:
        put(tmp_path, "/etc/hostname", b"nas7\n")
        put(tmp_path, "/etc/resolv.conf", b"search acme.test. lan\nnameserver 10.9.8.7\n")
        put(
            tmp_path,
            "/etc/passwd",
            b"root:x:0:0:root:/root:/bin/sh\nalice:x:1000:1000:Alice Liddell,,,:/home/alice:/bin/sh\nnobody:x:65534:1::/:/\n",
        )
        put(tmp_path, "/etc/hosts", b"127.0.0.1 localhost\n127.0.1.1 nas7.acme.test nas7 # x\n")
        known = find_known_names(str(tmp_path))
        assert {"nas7", "nas7.acme.test"} <= known[Kind.HOST]
        assert known[Kind.DOMAIN] == {"acme.test"}
        assert known[Kind.USER] == {"alice", "Alice", "Liddell"}
        assert find_known_names(str(tmp_path / "nothing"))[Kind.USER] == frozenset()


def make_config() -> bytes:
    """Extended capabilities: AER, then a serial number."""
    config = bytearray(b"\x86\x80" * 128) + bytearray(4096 - 256)
    struct.pack_into("<I", config, 0x100, 0x140 << 20 | 2 << 16 | 1)
    struct.pack_into("<I8s", config, 0x140, 1 << 16 | 3, b"\xef\xcd\xab\xff\xff\x00\x54\x52")
    config[0x150:0x153] = b"\x01\x02\x03"
    return bytes(config)
