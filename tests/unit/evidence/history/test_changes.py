# SPDX-License-Identifier: GPL-2.0-or-later
"""Each package change once, and the kernel that stood in /boot."""

import datetime

import pytest

from nicmedic.evidence.history.changes import FILE_DATES, find_kernel_package, is_kernel_or_xen, merge_changes, spell_package
from nicmedic.evidence.history.reconcile import Told, reconcile
from nicmedic.evidence.history.sighting import Sighting
from nicmedic.model.history import PackageChange

DAY = datetime.datetime(2016, 1, 1, tzinfo=datetime.UTC).timestamp()
IMAGE = "linux-image-3.2.0-4-amd64"


def change(
    time: str,
    package: str = IMAGE,
    before: str | None = "1",
    after: str | None = "2",
    source: str = "dpkg.log",
    transaction: str | None = None,
) -> PackageChange:
    return PackageChange(time=f"2016-01-01T{time}", package=package, before=before, after=after, source=source, transaction=transaction)


def told(*changes: PackageChange, shift: float | None = None) -> list[tuple[str, str, str | None]]:
    return [(each.change.time, each.change.source, each.change.transaction) for each in merge_changes(changes, shift)]


def test_dpkg_has_the_moment_and_apt_the_transaction() -> None:
    apt = change("10:00:00Z", source="apt history", transaction="2016-01-01T10:00:00Z")
    for order in ((apt, change("10:20:00Z")), (change("10:20:00Z"), apt)):
        assert told(*order) == [("2016-01-01T10:20:00Z", "dpkg.log", "2016-01-01T10:00:00Z")]


def test_the_same_from_a_copy_is_one_and_again_later_is_another() -> None:
    assert len(told(change("10:00:00Z"), change("10:00:00Z"))) == 1
    assert len(told(change("10:00:00Z"), change("11:00:00Z"))) == 2
    first, second = (change(f"{hour}:00:00Z", source="dnf history", transaction=str(hour)) for hour in (10, 11))
    assert len(told(first, second)) == 2
    near = change("10:05:00Z", source="yum.log", transaction="x")
    assert len(told(first, near)) == 1


def test_dates_of_files_count_only_where_no_log_tells() -> None:
    dated = change("10:00:00Z", before=None, source=FILE_DATES)
    assert told(dated, change("10:00:00Z")) == [("2016-01-01T10:00:00Z", "dpkg.log", None)]
    assert told(dated) == [("2016-01-01T10:00:00Z", FILE_DATES, None)]


def test_a_time_that_is_none_is_left_out() -> None:
    assert told(change("whenever")) == []


def find(release: str, hour: float, *changes: PackageChange, shift: float | None = None, within_s: float = 5.0) -> tuple[str, str] | None:
    return find_kernel_package(release, DAY + hour * 3600, within_s, merge_changes(changes, shift))


def test_what_stood_in_boot_before_between_and_after() -> None:
    changes = (change("10:00:00Z", before="1", after="2"), change("12:00:00Z", before="2", after="3"))
    assert [find("3.2.0-4-amd64", hour, *changes) for hour in (9, 11, 13)] == [("1", "dpkg.log"), ("2", "dpkg.log"), ("3", "dpkg.log")]
    assert find("3.2.0-4-amd64", 10, *changes) is None
    assert find("3.2.0-5-amd64", 11, *changes) is None


def test_nothing_is_said_of_a_time_before_the_package_was_there_or_after_it_went() -> None:
    assert find("3.2.0-4-amd64", 9, change("10:00:00Z", before=None)) is None
    assert find("3.2.0-4-amd64", 11, change("10:00:00Z", after=None)) is None
    assert find("3.2.0-4-amd64", 9, change("10:00:00Z", before="0", source=FILE_DATES)) is None


def test_a_log_without_zone_tells_of_a_boot_half_a_day_away_only() -> None:
    local = change("10:00:00")
    assert find("3.2.0-4-amd64", 12, local) is None
    assert find("3.2.0-4-amd64", 40, local) == ("2", "dpkg.log")
    assert find("3.2.0-4-amd64", 12, local, shift=0.0) == ("2", "dpkg.log")


@pytest.mark.parametrize(
    ("release", "package", "version", "found"),
    [
        ("5.14.0-70.el9.x86_64", "kernel-core", "5.14.0-70.el9", "5.14.0-70.el9"),
        ("5.14.0-70.el9.x86_64", "kernel-core", "1:5.14.0-70.el9", "1:5.14.0-70.el9"),
        ("5.14.0-70.el9.x86_64", "kernel-core", "5.14.0-71.el9", None),
        ("6.1.4-arch1-1", "linux", "6.1.4.arch1-1", "6.1.4.arch1-1"),
        ("6.1.4-1-lts", "linux-lts", "6.1.4-1", "6.1.4-1"),
        ("6.1.4-1-lts", "bash", "6.1.4-1", None),
        ("6.1.4-zen1-1-zen", "linux-zen", "6.1.4.zen1-1", "6.1.4.zen1-1"),
        ("5.14.21-150400.24.38-default", "kernel-default", "5.14.21-150400.24.38.1", "5.14.21-150400.24.38.1"),
        ("5.14.21-150400.24.38-default", "kernel-default", "5.14.21-150400.24.381.1", None),
        ("5.14.21-150400.24.38-default", "kernel-rt", "5.14.21-150400.24.38.1", None),
        ("6.4.11-1-default", "kernel-default", "6.4.11-1.1", "6.4.11-1.1"),
    ],
)
def test_a_release_that_holds_the_version_finds_its_package(release: str, package: str, version: str, found: str | None) -> None:
    coming = change("10:00:00Z", package=package, before=None, after=version, source="log")
    going = change("10:00:00Z", package=package, before=version, after=None, source="log")
    for each in (coming, going):
        assert find(release, 11, each) == (None if found is None else (found, "log"))


def test_of_two_rebuilds_nobody_knows_which_one_ran() -> None:
    rebuilt = [change("10:00:00Z", package="kernel-default", before=None, after=f"6.4.11-1.{number}", source="log") for number in (1, 2)]
    assert find("6.4.11-1-default", 11, rebuilt[0]) == ("6.4.11-1.1", "log")
    assert find("6.4.11-1-default", 11, *rebuilt) is None


@pytest.mark.parametrize(
    ("release", "package", "spelled"),
    [
        ("5.4.0-42-generic", "#46-Ubuntu", "5.4.0-42.46"),
        ("5.15.0-46-generic", "#49~20.04.1-Ubuntu", "5.15.0-46.49~20.04.1"),
        ("5.4.0-1029-aws", "#30-Ubuntu", "5.4.0-1029.30"),
        ("6.1.4-arch1-1", "6.1.4-arch1-1", "6.1.4.arch1-1"),
        ("6.1.4-zen1-1-zen", "6.1.4-zen1-1-zen", "6.1.4.zen1-1"),
        ("6.1.4-1-lts", "6.1.4-1-lts", "6.1.4-1"),
        ("4.8.13-1-ARCH", "4.8.13-1-ARCH", "4.8.13-1"),
        ("6.2.9-300.fc38.x86_64", "6.2.9-300.fc38", "6.2.9-300.fc38"),
        ("6.1.0-18-amd64", "6.1.76-1", "6.1.76-1"),
    ],
)
def test_a_banner_is_spelled_as_the_package_manager_does(release: str, package: str, spelled: str) -> None:
    assert spell_package(release, package) == spelled
    told = Told(sightings=[Sighting(source="x", order=0, began=1e9, kernel_release=release, kernel_package=package)])
    assert reconcile(told).boots[0].kernel_package == spelled


def test_kernels_and_hypervisors_are_known_by_their_names() -> None:
    assert all(map(is_kernel_or_xen, (IMAGE, "kernel-core", "linux-lts", "xen-hypervisor-4.1-amd64", "pve-kernel-5.15.30-2-pve")))
    assert not any(map(is_kernel_or_xen, ("linux-libc-dev", "kernel-tools", "bash")))
