# SPDX-License-Identifier: GPL-2.0-or-later
"""Files, folders and archives of every kind of damage: what can be read is read, the rest is an error in words, and nothing is written.

The guard of this ring fails a test that writes outside temporary folders, so no path in an archive climbs out here unseen.
"""

import bz2
import gzip
import io
import lzma
import os
import shlex
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from nicmedic.host import archives, containers, logs
from nicmedic.host.logs import HostLogs, is_log_name
from nicmedic.model.errors import NicmedicError, UnreadableInputError
from nicmedic.ports.logs import LogStream

LOG = b"[  550.000000] loop: module loaded\n[  551.326415] NETDEV WATCHDOG: eth0 (r8169): transmit queue 0 timed out\n"
NOISE = bytes(range(256)) * 40


def read(*names: str | Path) -> tuple[dict[str, bytes], list[NicmedicError]]:
    """Everything that is opened, read to its end, and everything that is complained of."""
    contents: dict[str, bytes] = {}
    errors: list[NicmedicError] = []
    for stream in HostLogs().open_logs(list(map(str, names))):
        if isinstance(stream, NicmedicError):
            errors.append(stream)
            continue
        contents[stream.name] = b""
        try:
            for block in stream.blocks:
                contents[stream.name] += block
        except NicmedicError as error:
            errors.append(error)
    return contents, errors


def make_tar(path: Path, members: list[tuple[tarfile.TarInfo, bytes]]) -> Path:
    with tarfile.open(path, "w") as archive:
        for member, data in members:
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return path


def member(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, link
    return info


class TestFiles:
    def test_a_missing_file_is_an_error_and_the_next_one_is_read(self, tmp_path: Path) -> None:
        (tmp_path / "b").write_bytes(LOG)
        contents, errors = read(tmp_path / "a", tmp_path / "b")
        assert contents == {str(tmp_path / "b"): LOG}
        assert ["there is no such file" in error.message for error in errors] == [True]

    def test_a_name_that_no_file_can_have_is_an_error(self) -> None:
        contents, errors = read("x" * 5000, "\udcff\udcfe")
        assert contents == {}
        assert len(errors) == 2

    def test_a_hint_holds_a_name_as_one_harmless_word(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)
        for name in ("-rf;touch pwned", "a $(id)'"):
            make_tar(Path(name), [(member("etc/passwd"), LOG)])
            Path(f"{name}.d").mkdir()
        words = [shlex.split(error.hint) for error in read("-rf;touch pwned", "a $(id)'", "-rf;touch pwned.d", "a $(id)'.d")[1]]
        assert words == [
            ["tar", "tf", "./-rf;touch pwned"],
            ["tar", "tf", "a $(id)'"],
            ["ls", "-lR", "./-rf;touch pwned.d"],
            ["ls", "-lR", "a $(id)'.d"],
        ]

    def test_a_folder_is_read_oldest_rotation_first_and_links_are_not_followed(self, tmp_path: Path) -> None:
        logs = tmp_path / "log"
        logs.mkdir()
        (tmp_path / "outside").write_bytes(LOG)
        for name, data in (("kern.log", LOG), ("kern.log.1", LOG), ("kern.log.2.gz", gzip.compress(LOG)), ("auth.log", LOG)):
            (logs / name).write_bytes(data)
        (logs / "messages").symlink_to(tmp_path / "outside")
        (logs / "loop").symlink_to(logs)
        contents, errors = read(logs)
        assert [Path(name).name for name in contents] == ["kern.log.2.gz", "kern.log.1", "kern.log"]
        assert set(contents.values()) == {LOG}
        assert errors == []

    def test_a_folder_without_files_is_an_error(self, tmp_path: Path) -> None:
        assert [error.slug for error in read(tmp_path)[1]] == ["unreadable-input"]

    def test_a_pipe_is_read(self) -> None:
        reader, writer = os.pipe()
        os.write(writer, gzip.compress(LOG))
        os.close(writer)
        assert list(read(f"/dev/fd/{reader}")[0].values()) == [LOG]
        os.close(reader)

    def test_a_device_is_an_error_or_empty(self) -> None:
        assert read("/dev/null")[0] == {"/dev/null": b""}


PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "xz": lambda data: lzma.compress(data, preset=0),
    "bzip2": bz2.compress,
    "zstd": lambda data: zstandard.ZstdCompressor().compress(data),
}


class TestCompression:
    @pytest.mark.parametrize("kind", PACKERS)
    def test_a_cut_end_leaves_what_came_before(self, kind: str, tmp_path: Path) -> None:
        data = b"".join(b"[%5d.%06d] line %x\n" % (number, number * 7919 % 1_000_000, number * 2_654_435_761) for number in range(60_000))
        packed = PACKERS[kind](data)
        path = tmp_path / "log"
        path.write_bytes(packed[: len(packed) * 9 // 10])
        contents, errors = read(path)
        assert data.startswith(contents[str(path)])
        assert len(contents[str(path)]) > len(data) // 3
        assert ["cut off" in error.message for error in errors] == [True]

    @pytest.mark.parametrize("kind", PACKERS)
    def test_a_damaged_middle_is_an_error_in_words(self, kind: str, tmp_path: Path) -> None:
        data = b"".join(b"[%5d.%06d] line %x\n" % (number, number * 7919 % 1_000_000, number * 2_654_435_761) for number in range(60_000))
        packed = bytearray(PACKERS[kind](data))
        packed[len(packed) // 2 : len(packed) // 2 + 200] = bytes(200)
        path = tmp_path / "log"
        path.write_bytes(packed)
        contents, errors = read(path)
        assert contents[str(path)][: len(data) // 4] == data[: len(data) // 4]
        assert [error.code for error in errors] == [UnreadableInputError.code]

    @pytest.mark.parametrize("kind", PACKERS)
    def test_a_magic_number_alone_is_an_error_in_words(self, kind: str, tmp_path: Path) -> None:
        path = tmp_path / "log"
        path.write_bytes(PACKERS[kind](LOG)[:6])
        contents, errors = read(path)
        assert b"".join(contents.values()) == b""
        assert [error.code for error in errors] == [UnreadableInputError.code]

    def test_xz_streams_with_padding_between_are_one(self, tmp_path: Path) -> None:
        path = tmp_path / "log"
        path.write_bytes(lzma.compress(LOG) + bytes(8) + lzma.compress(LOG) + bytes(4))
        assert read(path) == ({str(path): LOG + LOG}, [])

    def test_xz_that_asks_for_a_gigabyte_is_refused(self, tmp_path: Path) -> None:
        path = tmp_path / "log"
        filters = [{"id": lzma.FILTER_LZMA2, "preset": 0, "dict_size": 1 << 30}]
        path.write_bytes(lzma.compress(LOG, filters=filters))
        _, errors = read(path)
        assert ["needs more memory" in error.message and "damaged" not in error.message for error in errors] == [True]
        assert errors[0].hint == f"xz -dc {path} | nicmedic explain -"

    def test_too_many_layers_are_refused(self, tmp_path: Path) -> None:
        data = LOG
        for _ in range(5):
            data = gzip.compress(data)
        path = tmp_path / "log"
        path.write_bytes(data)
        _, errors = read(path)
        assert ["times over" in error.message for error in errors] == [True]

    @pytest.mark.parametrize("name", ["lz4", "7z"])
    def test_what_cannot_be_read_is_named(self, name: str, tmp_path: Path) -> None:
        path = tmp_path / "log"
        path.write_bytes({"lz4": b"\x04\x22\x4d\x18", "7z": b"7z\xbc\xaf\x27\x1c"}[name] + NOISE)
        assert [f"a {name} file" in error.message for error in read(path)[1]] == [True]

    def test_layers_of_gzip_count_together_against_bombs(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(containers, "FREE_EXPANDED", 1 << 20)
        path = tmp_path / "log"
        path.write_bytes(gzip.compress(gzip.compress(bytes(64 << 20))))
        contents, errors = read(path)
        assert ["no log does that" in error.message for error in errors] == [True]
        assert len(b"".join(contents.values())) < 64 << 20


class TestOwnLog:
    @pytest.mark.parametrize(
        ("since", "answers", "name"),
        [
            (None, [LOG], "journal of this machine"),
            (None, [b""], "/dev/kmsg"),
            ("2026-01-31", [LOG], "journal of this machine"),
            ("2026-01-31", [b"", LOG], "journal of this machine"),
            ("2026-01-31", [b"", b""], "/dev/kmsg"),
        ],
    )
    def test_a_journal_without_anything_since_then_is_still_the_journal(
        self, since: str | None, answers: list[bytes], name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The ring buffer has no dates: it would tell of hangs before that."""
        commands: list[list[str]] = []

        def stream_program(command: list[str]) -> Iterator[bytes]:
            commands.append(command)
            yield answers[len(commands) - 1]

        monkeypatch.setattr(logs, "_JOURNAL_FOLDERS", (str(tmp_path),))
        monkeypatch.setattr(logs, "find_program", lambda name: name)
        monkeypatch.setattr(logs, "stream_program", stream_program)
        monkeypatch.setattr(logs, "read_kmsg", lambda: LOG)
        (stream,) = HostLogs().open_own_log(since)
        assert isinstance(stream, LogStream)
        assert (stream.name, b"".join(stream.blocks)) == (name, LOG)
        assert len(commands) == len(answers)
        assert [any(word.startswith("--since") for word in command) for command in commands] == [since is not None, False][: len(answers)]


class TestTar:
    def test_paths_that_climb_out_are_names_and_nothing_else(self, tmp_path: Path) -> None:
        names = ["../../kern.log", "/etc/kern.log", "a/../../../var/log/messages", "C:\\kern.log/dmesg"]
        path = make_tar(tmp_path / "t", [(member(name), LOG) for name in names])
        before = sorted(tmp_path.rglob("*"))
        contents, errors = read(path)
        assert list(contents) == [f"{path}:{name}" for name in names]
        assert set(contents.values()) == {LOG}
        assert errors == []
        assert sorted(tmp_path.rglob("*")) == before

    def test_links_devices_and_pipes_are_passed_over(self, tmp_path: Path) -> None:
        kinds = [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE, tarfile.DIRTYPE]
        members = [(member(f"{number}/kern.log", kind, "/etc/shadow"), b"") for number, kind in enumerate(kinds)]
        contents, errors = read(make_tar(tmp_path / "t", [*members, (member("var/log/kern.log"), LOG)]))
        assert list(contents.values()) == [LOG]
        assert errors == []

    def test_an_archive_without_logs_is_an_error_that_says_so(self, tmp_path: Path) -> None:
        contents, errors = read(make_tar(tmp_path / "t", [(member("etc/passwd"), LOG)]))
        assert contents == {}
        assert ["called like a kernel log" in error.message for error in errors] == [True]

    @pytest.mark.parametrize("share", [0.2, 0.6, 0.95])
    def test_a_cut_archive_gives_what_came_before_the_cut(self, share: float, tmp_path: Path) -> None:
        path = make_tar(tmp_path / "t", [(member(f"{number}/kern.log"), LOG * 200) for number in range(20)])
        with tarfile.open(path) as archive:
            end = archive.getmembers()[-1].offset_data + len(LOG * 200)
        path.write_bytes(gzip.compress(path.read_bytes()[: int(end * share)]))
        contents, errors = read(path)
        assert sum(content == LOG * 200 for content in contents.values()) >= int(20 * share) - 4
        assert errors
        assert all(error.code == UnreadableInputError.code for error in errors)

    def test_too_many_members_are_refused_after_those_that_came_before(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(archives, "MOST_MEMBERS", 10)
        contents, errors = read(make_tar(tmp_path / "t", [(member(f"{number}/kern.log"), LOG) for number in range(12)]))
        assert len(contents) == 10
        assert ["more than 10 members" in error.message for error in errors] == [True]

    @pytest.mark.parametrize("kind", [tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK])
    def test_a_header_that_claims_gigabytes_is_refused_before_it_is_read(self, kind: bytes, tmp_path: Path) -> None:
        info = member("x", kind)
        info.size = 7 << 30
        path = tmp_path / "t"
        path.write_bytes(info.tobuf(tarfile.GNU_FORMAT) + bytes(1 << 16))
        _, errors = read(path)
        assert [f"a header of {7 << 30} bytes" in error.message for error in errors] == [True]

    def test_headers_that_follow_each_other_without_end_are_an_error_in_words(self, tmp_path: Path) -> None:
        """Each one takes tarfile a call deeper."""
        info = member("x", tarfile.GNUTYPE_LONGNAME)
        info.size = 4
        path = tmp_path / "t"
        path.write_bytes((info.tobuf(tarfile.GNU_FORMAT) + b"name" + bytes(508)) * (2 * sys.getrecursionlimit()))
        _, errors = read(path)
        assert [error.code for error in errors] == [UnreadableInputError.code]

    @given(st.lists(st.tuples(st.integers(0, 20_000), st.binary(max_size=4)), max_size=8))
    @settings(max_examples=100)
    def test_no_damage_raises(self, damage: list[tuple[int, bytes]]) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = make_tar(Path(folder) / "t", [(member(f"{number}/kern.log"), LOG * 9) for number in range(5)])
            data = bytearray(path.read_bytes())
            for at, change in damage:
                data[at % len(data) : at % len(data) + len(change)] = change
            path.write_bytes(data)
            contents, errors = read(path)
            assert contents or errors


def make_zip(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


class TestZip:
    def test_paths_that_climb_out_are_names_and_nothing_else(self, tmp_path: Path) -> None:
        path = make_zip(tmp_path / "z", {"../../kern.log": LOG, "/etc/kern.log": LOG, "logs/": b"", "logs/syslog.txt": LOG})
        contents, errors = read(path)
        assert set(contents.values()) == {LOG}
        assert len(contents) == 3
        assert errors == []
        assert sorted(tmp_path.rglob("*")) == [path]

    def test_a_damaged_member_is_an_error_and_the_next_one_is_read(self, tmp_path: Path) -> None:
        path = make_zip(tmp_path / "z", {"a/kern.log": LOG, "b/kern.log": LOG + LOG})
        data = bytearray(path.read_bytes())
        at = data.index(b"a/kern.log") + len("a/kern.log")
        data[at : at + 20] = bytes(20)
        path.write_bytes(data)
        contents, errors = read(path)
        assert contents.get(f"{path}:b/kern.log") == LOG + LOG
        assert ["a/kern.log: damaged" in error.message for error in errors] == [True]

    def test_a_password_is_an_error_in_words(self, tmp_path: Path) -> None:
        path = make_zip(tmp_path / "z", {"kern.log": LOG})
        data = bytearray(path.read_bytes())
        data[6] |= 1  # the flag "encrypted", in the member's own header and in the table
        data[data.index(b"PK\x01\x02") + 8] |= 1
        path.write_bytes(data)
        _, errors = read(path)
        assert ["password" in error.message for error in errors] == [True]

    def test_a_cut_archive_is_an_error_in_words(self, tmp_path: Path) -> None:
        path = make_zip(tmp_path / "z", {"kern.log": LOG * 100})
        path.write_bytes(path.read_bytes()[:-30])
        assert [error.code for error in read(path)[1]] == [UnreadableInputError.code]

    def test_a_table_that_claims_too_much_is_refused_before_it_is_read(self, tmp_path: Path) -> None:
        path = make_zip(tmp_path / "z", {"kern.log": LOG})
        data = bytearray(path.read_bytes())
        at = data.rindex(b"PK\x05\x06")
        data[at + 12 : at + 16] = (1 << 30).to_bytes(4, "little")
        path.write_bytes(data)
        assert ["members" in error.message for error in read(path)[1]] == [True]

    @given(st.lists(st.tuples(st.integers(0, 20_000), st.binary(max_size=4)), max_size=8))
    @settings(max_examples=100)
    def test_no_damage_raises(self, damage: list[tuple[int, bytes]]) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = make_zip(Path(folder) / "z", {f"{number}/kern.log": LOG * 9 for number in range(5)})
            data = bytearray(path.read_bytes())
            for at, change in damage:
                data[at % len(data) : at % len(data) + len(change)] = change
            path.write_bytes(data)
            contents, errors = read(path)
            assert contents or errors


class TestNames:
    @pytest.mark.parametrize(
        "path",
        [
            "var/log/kern.log", "var/log/kern.log.2.gz", "var/log/messages-20250330.xz", "var/log/syslog.1", "dmesg", "dmesg.0",
            "dmesg.1.gz",
            "sosreport-nas1/sos_commands/kernel/dmesg_-T", "sosreport-nas1/sos_commands/logs/journalctl_--no-pager_--boot_-1",
            "scc_nas1_250401_1200/boot.txt", "scc_nas1_250401_1200/messages.txt", "scc_nas1/crash.txt", "CurrentDmesg.txt", "KernLog",
            "BootDmesg.txt",
            "var/crash/127.0.0.1-2025-04-01-12:00:31/vmcore-dmesg.txt", "var/crash/202504011200/dmesg.202504011200", "sys/fs/pstore/dmesg-efi-170",
            "console-ramoops-0", "var/log/xen/console/guest-sys-net.log", "system@4f-1-2.journal~", "user-1000.journal",
            "diagnostics/logs/syslog.txt",
        ],
    )  # fmt: skip
    def test_collectors_names_of_kernel_logs_are_known(self, path: str) -> None:
        assert is_log_name(path)

    @pytest.mark.parametrize(
        "path", ["etc/passwd", "kexec-dmesg.log", "var/log/lastlog", "var/log/wtmp", "kern.log/readme.md", "my-messages.py"]
    )
    def test_other_files_are_not_taken_for_logs(self, path: str) -> None:
        assert not is_log_name(path)


@pytest.fixture(autouse=True)
def _no_files_left(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Temporary copies are gone when their reading is over; in a folder of their own, for other tests run beside them."""
    folder = tmp_path_factory.mktemp("tmp")
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    yield
    assert not list(folder.iterdir())
