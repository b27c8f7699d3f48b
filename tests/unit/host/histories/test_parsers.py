# SPDX-License-Identifier: GPL-2.0-or-later
"""Each reader of history, on files as the real programs write them, and on damaged ones."""

import datetime
import gzip
import random
import sqlite3
import struct
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nicmedic.evidence.history.sighting import Sighting
from nicmedic.host.histories import HostHistories
from nicmedic.host.histories.apt import parse_apt_history
from nicmedic.host.histories.dpkg import parse_dpkg_log
from nicmedic.host.histories.file_dates import parse_status
from nicmedic.host.histories.journal import parse_boot_list
from nicmedic.host.histories.last_text import parse_last
from nicmedic.host.histories.logins import LoginKind, build_boots
from nicmedic.host.histories.pacman import parse_pacman_log
from nicmedic.host.histories.rpm import parse_installed
from nicmedic.host.histories.wtmp import parse_wtmp
from nicmedic.host.histories.yum import parse_rpm_log
from nicmedic.host.histories.zypp import parse_zypp_history
from nicmedic.model.history import BootEnd, PackageChange, Source
from nicmedic.ports.histories import HistoryItem
from nicmedic.testing.histories import MadeBoot, render_wtmp

UTC = datetime.UTC
BEGIN = datetime.datetime(2016, 1, 1, tzinfo=UTC).timestamp()
BOOTS = (
    MadeBoot(began=BEGIN, ran_s=5000),
    MadeBoot(began=BEGIN + 6000, ran_s=900, crashed=True),
    MadeBoot(began=BEGIN + 8000, ran_s=900),
)


def told(change: PackageChange) -> tuple[str, str, str | None, str | None]:
    return change.time, change.package, change.before, change.after


def read(*paths: Path) -> list[HistoryItem]:
    return list(HostHistories().read_history([str(path) for path in paths]))


def changes_of(items: Sequence[HistoryItem]) -> list[PackageChange]:
    return [item for item in items if isinstance(item, PackageChange)]


# wtmp ---------------------------------------------------------------------------------------------------------------------------


def test_wtmp_tells_boots_shutdowns_and_crashes_as_last_does() -> None:
    records, bad = parse_wtmp(render_wtmp(BOOTS))
    boots = build_boots(records, "wtmp")
    assert bad == 0
    assert [(boot.began, boot.end, boot.kernel_release) for boot in boots] == [
        (BEGIN + 8, BootEnd.CLEAN, "3.2.0-4-amd64"),
        (BEGIN + 6008, BootEnd.CRASH, "3.2.0-4-amd64"),
        (BEGIN + 8008, BootEnd.CLEAN, "3.2.0-4-amd64"),
    ]
    assert boots[0].seen == (BEGIN + 8, BEGIN + 5000)


def test_without_any_shutdown_in_it_a_missing_one_means_nothing() -> None:
    records = [record for record in parse_wtmp(render_wtmp(BOOTS))[0] if record.kind is not LoginKind.SHUTDOWN]
    assert {boot.end for boot in build_boots(records, "wtmp")} == {BootEnd.UNKNOWN}


def test_a_list_that_begins_in_the_middle_of_a_boot_shows_it_without_a_beginning() -> None:
    boots = build_boots(parse_wtmp(render_wtmp(BOOTS)[384:])[0], "wtmp")
    assert (boots[0].began, len(boots)) == (None, 3)


def test_wtmp_of_machines_without_32_bit_programs_and_times_beyond_2038_are_read() -> None:
    long = struct.pack("<hxxi32s4s32s256shhqQq16s24x", 2, 0, b"~", b"~~", b"reboot", b"6.1.0", 0, 0, 0, 1451606400, 5, bytes(16))
    assert len(long) == 400
    (record,), bad = parse_wtmp(long)
    assert (record.moment, record.release, bad) == (1451606400.000005, "6.1.0", 0)
    late = struct.pack("<hxxi32s4s32s256shhiIi16s20x", 2, 0, b"~", b"~~", b"reboot", b"6.1.0", 0, 0, 0, 2_500_000_000, 0, bytes(16))
    assert parse_wtmp(late)[0][0].moment == 2_500_000_000


@pytest.mark.parametrize("junk", [b"\xff" * 100, bytes(range(1, 201)), b"\x07\x07" * 4])
def test_a_damaged_wtmp_is_taken_up_again_behind_the_damage(junk: bytes) -> None:
    data = render_wtmp(BOOTS)
    records, bad = parse_wtmp(data[:768] + junk + data[768:])
    assert bad >= len(junk) - len(junk) % 4
    assert [record.kind for record in records].count(LoginKind.BOOT) >= 2


def test_a_block_of_zeros_after_a_crash_hides_nothing_behind_it() -> None:
    data = render_wtmp(BOOTS)
    records, bad = parse_wtmp(data[:384] + bytes(384 * 3) + data[384:])
    assert (len(records), bad) == (len(parse_wtmp(data)[0]), 0)


@given(st.binary(max_size=2000), st.integers(0, 2**16))
def test_no_bytes_break_the_reader_of_wtmp(junk: bytes, seed: int) -> None:
    data = bytearray(render_wtmp(BOOTS) + junk)
    chance = random.Random(seed)
    for _ in range(20):
        data[chance.randrange(len(data))] = chance.randrange(256)
    build_boots(parse_wtmp(bytes(data))[0], "wtmp")


def test_rotations_of_wtmp_are_one_list_compressed_or_not(tmp_path: Path) -> None:
    data = render_wtmp(BOOTS)
    (tmp_path / "wtmp.1.gz").write_bytes(gzip.compress(data[: 3 * 384]))
    (tmp_path / "wtmp").write_bytes(data[3 * 384 :])
    boots = [item for item in read(tmp_path) if isinstance(item, Sighting)]
    assert [boot.end for boot in boots] == [BootEnd.CLEAN, BootEnd.CRASH, BootEnd.CLEAN]


def test_wtmpdb_tells_the_same_and_a_soft_reboot_is_none(tmp_path: Path) -> None:
    path = tmp_path / "wtmp.db"
    with sqlite3.connect(path) as database:
        database.execute(
            "CREATE TABLE wtmp(ID INTEGER PRIMARY KEY, Type INTEGER, User TEXT NOT NULL, Login INTEGER, Logout INTEGER, TTY TEXT, "
            "RemoteHost TEXT, Service TEXT)"
        )
        rows = [
            (1, "reboot", BEGIN, BEGIN + 5000, "6.12.1"),
            (3, "root", BEGIN + 50, BEGIN + 60, "198.51.100.7"),
            (1, "soft-reboot", BEGIN + 100, None, "6.12.1"),
            (1, "reboot", BEGIN + 6000, None, "6.12.1"),
            (3, "root", BEGIN + 6500, None, None),
            (1, "reboot", BEGIN + 8000, None, "6.12.2"),
        ]
        for kind, user, login, logout, remote in rows:
            values = (kind, user, int(login * 1e6), None if logout is None else int(logout * 1e6), remote)
            database.execute("INSERT INTO wtmp (Type, User, Login, Logout, RemoteHost) VALUES (?,?,?,?,?)", values)
    database.close()
    boots = [item for item in read(path) if isinstance(item, Sighting)]
    assert [(boot.began, boot.end, boot.kernel_release) for boot in boots] == [
        (BEGIN, BootEnd.CLEAN, "6.12.1"), (BEGIN + 6000, BootEnd.CRASH, "6.12.1"), (BEGIN + 8000, BootEnd.UNKNOWN, "6.12.2"),
    ]  # fmt: skip
    assert boots[1].seen == (BEGIN + 6000, BEGIN + 6500)


@pytest.mark.parametrize("name", ["wtmp.db", "history.sqlite"])
def test_a_database_that_is_none_or_damaged_is_a_source_with_trouble(name: str, tmp_path: Path) -> None:
    for content in (b"", b"SQLite format 3\0" + bytes(200), b"x" * 5000):
        (tmp_path / name).write_bytes(content)
        (item,) = read(tmp_path / name)
        assert isinstance(item, Source)
        assert item.trouble


def test_what_last_printed_is_read_in_both_its_forms() -> None:
    text = """\
reboot   system boot  3.2.0-4-amd64    Sat Jan  2 12:10:00 2016   still running
shutdown system down  3.2.0-4-amd64    2016-01-02T12:00:00+01:00 - 2016-01-02T12:05:00+01:00  (00:05)
root     pts/0        198.51.100.7     Sat Jan  2 10:00:10 2016 - Sat Jan  2 11:00:00 2016  (00:59)
reboot   system boot  3.2.0-4-amd64    Sat Jan  2 10:00:00 2016 - Sat Jan  2 12:00:00 2016  (02:00)
reboot   system boot  3.2.0-4-amd64    Sat Jan  2 09:00 - 09:30 (00:30)
"""
    records, zoned = parse_last(text, None)
    assert [record.kind for record in records] == [LoginKind.BOOT, LoginKind.SHUTDOWN, LoginKind.BOOT]
    assert not zoned
    assert parse_last(text, UTC)[1]


# Packages -----------------------------------------------------------------------------------------------------------------------


def test_dpkg_log() -> None:
    lines = [
        "2016-01-01 10:00:00 startup archives unpack",
        "2016-01-01 10:00:01 upgrade linux-image-3.2.0-4-amd64:amd64 3.2.68-1 3.2.73-2",
        "2016-01-01 10:00:02 status half-configured linux-image-3.2.0-4-amd64:amd64 3.2.73-2",
        "2016-01-01 10:00:03 install libx:amd64 <none> 1.0-1",
        "2016-01-01 10:00:04 remove liby:all 2.0-1 <none>",
        "2016-01-01 10:00:05 upgrade libz:amd64 1.0 1.0",
        "2016-13-01 10:00:05 upgrade libz:amd64 1.0 1.1",
        "\x00\x00\x00 2016-01-01",
    ]
    assert list(map(told, parse_dpkg_log(lines, UTC, "dpkg.log"))) == [
        ("2016-01-01T10:00:01+00:00", "linux-image-3.2.0-4-amd64", "3.2.68-1", "3.2.73-2"),
        ("2016-01-01T10:00:03+00:00", "libx", None, "1.0-1"),
        ("2016-01-01T10:00:04+00:00", "liby", "2.0-1", None),
    ]
    assert parse_dpkg_log(lines, None, "dpkg.log")[0].time == "2016-01-01T10:00:01"


def test_apt_history_names_the_transaction() -> None:
    lines = """
Start-Date: 2016-01-01  10:00:00
Commandline: apt-get upgrade
Install: libx:amd64 (1.0-1, automatic)
Upgrade: linux-image-3.2.0-4-amd64:amd64 (3.2.68-1, 3.2.73-2), xen-hypervisor-4.1-amd64:amd64 (4.1.4-3, 4.1.4-4)
Remove: liby:amd64 (2.0-1)
End-Date: 2016-01-01  10:01:00
""".splitlines()
    found = parse_apt_history(lines, UTC, "apt history")
    assert {change.transaction for change in found} == {"2016-01-01T10:00:00+00:00"}
    assert [told(change)[1:] for change in found] == [
        ("libx", None, "1.0-1"),
        ("linux-image-3.2.0-4-amd64", "3.2.68-1", "3.2.73-2"),
        ("xen-hypervisor-4.1-amd64", "4.1.4-3", "4.1.4-4"),
        ("liby", "2.0-1", None),
    ]


def _dnf(path: Path, generation: int) -> None:
    with sqlite3.connect(path) as database:
        action, name = ("action_id", "name_id INTEGER") if generation == 5 else ("action", "name TEXT")
        database.executescript(
            "CREATE TABLE trans (id INTEGER PRIMARY KEY, dt_begin INTEGER);"
            f"CREATE TABLE trans_item (id INTEGER PRIMARY KEY, trans_id INTEGER, item_id INTEGER, {action} INTEGER);"
            f"CREATE TABLE rpm (item_id INTEGER, {name}, epoch INTEGER, version TEXT, release TEXT);"
            "CREATE TABLE pkg_name (id INTEGER PRIMARY KEY, name TEXT);"
        )
        database.execute("INSERT INTO trans VALUES (7, 1451606400)")
        come, go = (2, 6) if generation == 5 else (6, 7)
        rows = [("openssl", 1, "3.0.7", "2", come), ("openssl", 1, "3.0.5", "1", go), ("kernel-core", 0, "5.14.0", "70.el9", 1),
                ("kernel-core", 0, "5.14.0", "60.el9", 5 if generation == 5 else 8)]  # fmt: skip
        for number, (package, epoch, version, release, what) in enumerate(rows):
            database.execute("INSERT INTO pkg_name VALUES (?,?)", (number, package))
            database.execute(
                "INSERT INTO rpm VALUES (?,?,?,?,?)", (number, number if generation == 5 else package, epoch, version, release)
            )
            database.execute(f"INSERT INTO trans_item (trans_id, item_id, {action}) VALUES (7,?,?)", (number, what))  # noqa: S608  # ours
    database.close()


@pytest.mark.parametrize(("generation", "name"), [(4, "history.sqlite"), (5, "transaction_history.sqlite")])
def test_dnf_history_pairs_what_came_and_went_but_kernels_stand_beside_each_other(generation: int, name: str, tmp_path: Path) -> None:
    _dnf(tmp_path / name, generation)
    found = changes_of(read(tmp_path / name))
    assert [told(change)[1:] for change in found] == [
        ("openssl", "1:3.0.5-1", "1:3.0.7-2"),
        ("kernel-core", None, "5.14.0-70.el9"),
        ("kernel-core", "5.14.0-60.el9", None),
    ]
    assert {(change.transaction, change.time) for change in found} == {("7", "2016-01-01T00:00:00Z")}


def test_yum_log_has_its_years_from_the_day_it_was_written() -> None:
    lines = [
        "Dec 30 10:00:00 Installed: kernel-3.10.0-1062.el7.x86_64",
        "Jan 02 10:00:00 Updated: 1:openssl-1.0.2k-19.el7.x86_64",
        "Jan 02 10:00:09 Erased: foo",
    ]
    found = parse_rpm_log(lines, UTC, datetime.date(2016, 1, 3), "yum.log")
    assert list(map(told, found)) == [
        ("2015-12-30T10:00:00+00:00", "kernel", None, "3.10.0-1062.el7"),
        ("2016-01-02T10:00:00+00:00", "openssl", None, "1:1.0.2k-19.el7"),
    ]
    assert parse_rpm_log(lines, UTC, None, "yum.log") == []


def test_yum_log_of_a_leap_year_keeps_its_29_february() -> None:
    lines = [
        f"{day} 10:00:00 Installed: {name}-1.0-1.el7.x86_64"
        for day, name in (("Feb 29", "a"), ("Feb 30", "b"), ("Dec 30", "c"), ("Feb 01", "d"))
    ]
    found = parse_rpm_log(lines, UTC, datetime.date(2021, 2, 1), "yum.log")
    assert [told(change)[:2] for change in found] == [
        ("2020-02-29T10:00:00+00:00", "a"),
        ("2020-12-30T10:00:00+00:00", "c"),
        ("2021-02-01T10:00:00+00:00", "d"),
    ]


def test_dnf_rpm_log() -> None:
    lines = [
        "2023-01-05T10:00:00+0100 SUBDEBUG Upgrade: openssl-1:3.0.7-1.el9.x86_64",
        "2023-01-05T10:00:03+0100 SUBDEBUG Upgraded: openssl-1:3.0.5-1.el9.x86_64",
    ]
    (change,) = parse_rpm_log(lines, None, None, "dnf.rpm.log")
    assert told(change) == ("2023-01-05T10:00:00+01:00", "openssl", "1:3.0.5-1.el9", "1:3.0.7-1.el9")


def test_zypp_and_pacman_and_installed_rpms() -> None:
    zypp = [
        "# 2023-01-05 10:11:12 kernel-default-5.14 installed ok",
        "2023-01-05 10:11:12|install|kernel-default|5.14.21-150400.24.38.1|x86_64|root@h|repo|sum|",
        "2023-01-05 10:11:13|install|zlib|1.2-1|x86_64|root@h|repo|sum|",
        "2023-01-06 10:11:13|install|zlib|1.3-1|x86_64|root@h|repo|sum|",
        "2023-01-06 10:11:20|remove |kernel-default|5.14.21-150400.22.1|x86_64|root@h|",
    ]
    assert [told(change)[1:] for change in parse_zypp_history(zypp, None, "zypp")] == [
        ("kernel-default", None, "5.14.21-150400.24.38.1"),
        ("zlib", None, "1.2-1"),
        ("zlib", "1.2-1", "1.3-1"),
        ("kernel-default", "5.14.21-150400.22.1", None),
    ]
    pacman = [
        "[2013-01-05 10:00] upgraded linux (3.6.11-1 -> 3.7.1-2)",
        "[2023-01-05T10:00:00+0100] [ALPM] transaction started",
        "[2023-01-05T10:00:01+0100] [ALPM] upgraded linux (6.1.3.arch1-1 -> 6.1.4.arch1-1)",
        "[2023-01-05T10:00:02+0100] [ALPM] installed foo (1-1)",
        "[2023-01-05T10:00:03+0100] [ALPM] removed bar (2-1)",
    ]
    found = parse_pacman_log(pacman, None, "pacman.log")
    assert [told(change) for change in found] == [
        ("2013-01-05T10:00:00", "linux", "3.6.11-1", "3.7.1-2"),
        ("2023-01-05T10:00:01+01:00", "linux", "6.1.3.arch1-1", "6.1.4.arch1-1"),
        ("2023-01-05T10:00:02+01:00", "foo", None, "1-1"),
        ("2023-01-05T10:00:03+01:00", "bar", "2-1", None),
    ]
    assert [change.transaction for change in found] == [None] + ["2023-01-05T10:00:00+0100"] * 3
    rpms = ["kernel-core-5.14.0-70.el9.x86_64          Wed Jan  4 10:00:00 2023", "bash-5.1-1.x86_64   Wed Jan  4 10:00:00 2023"]
    assert [told(change) for change in parse_installed(rpms, UTC)] == [("2023-01-04T10:00:00+00:00", "kernel-core", None, "5.14.0-70.el9")]


def test_dpkg_status_names_installed_kernels_only() -> None:
    text = """\
Package: linux-image-6.1.0-18-amd64
Status: install ok installed
Architecture: amd64
Version: 6.1.76-1

Package: linux-image-6.1.0-17-amd64
Status: deinstall ok config-files
Version: 6.1.69-1

Package: bash
Status: install ok installed
Version: 5.2-1
"""
    assert list(parse_status(text)) == [("linux-image-6.1.0-18-amd64", "6.1.76-1", "amd64")]


def test_the_list_of_boots_of_old_and_new_journalctl() -> None:
    text = f"""\
IDX BOOT ID                          FIRST ENTRY                 LAST ENTRY
 -1 {"a" * 32} Fri 2016-01-01 00:00:00 UTC Fri 2016-01-01 01:00:00 UTC
  0 {"b" * 32} Fri 2016-01-01 02:00:00 UTC\u2014Fri 2016-01-01 03:00:00 UTC
"""
    boots = list(parse_boot_list(text, "journal", "j"))
    assert [(boot.boot_id, boot.seen) for boot in boots] == [
        ("a" * 32, (BEGIN, BEGIN + 3600)),
        ("b" * 32, (BEGIN + 7200, BEGIN + 10800)),
    ]


@given(st.lists(st.text(max_size=120), max_size=20))
def test_no_text_breaks_a_parser(lines: list[str]) -> None:
    for parse in (parse_dpkg_log, parse_apt_history, parse_zypp_history, parse_pacman_log):
        parse(lines, UTC, "x")
    parse_rpm_log(lines, None, datetime.date(2016, 2, 29), "x")
    parse_installed(lines, None)
    parse_last("\n".join(lines), None)
    list(parse_status("\n".join(lines)))
    list(parse_boot_list("\n".join(lines), "x", "j"))
