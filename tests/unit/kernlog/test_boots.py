# SPDX-License-Identifier: GPL-2.0-or-later
"""Where one boot ends and the next begins, and which jumps of a clock are none."""

import datetime

import pytest

from nicmedic.kernlog.boots import BootTracker
from nicmedic.kernlog.order import restore_order
from nicmedic.kernlog.reader import LogReader
from nicmedic.model.boot import Boot
from nicmedic.model.record import Record

BANNER = "Linux version 6.1.0-13-amd64 (debian-kernel@lists.debian.org) #1 SMP PREEMPT_DYNAMIC Debian 6.1.55-1 (2023-09-29)"
MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]


def read_records(text: str) -> list[Record]:
    reader = LogReader()
    return restore_order([*reader.read(text.encode()), *reader.finish()])


def find_boots(text: str, written: tuple[int, int, int] | None = None) -> list[Boot]:
    tracker = BootTracker()
    for record in read_records(text):
        tracker.track(record)
    return tracker.finish(0, written)


def started(text: str) -> list[str]:
    return [boot.started for boot in find_boots(text)]


def dmesg(*lines: tuple[float, str]) -> str:
    return "".join(f"[{uptime_s:12.6f}] {text}\n" for uptime_s, text in lines)


def syslog(moment: str, text: str, uptime_s: float | None = None, host: str = "nas1", tag: str = "kernel") -> str:
    """A line of kern.log at a moment like ``2025-04-01 12:00:00``; the year is not printed."""
    at = datetime.datetime.fromisoformat(moment)
    stamp = f"[{uptime_s:12.6f}] " if uptime_s is not None else ""
    return f"{MONTHS[at.month - 1]} {at.day:2d} {at:%H:%M:%S} {host} {tag}: {stamp}{text}\n"


class TestUptimeAlone:
    def test_one_ring_buffer_is_one_boot(self) -> None:
        assert started(dmesg((0.0, BANNER), (1.0, "a"), (99_999.9, "b"), (100_000.1, "c"))) == ["first"]

    def test_two_dmesg_after_each_other_are_two_boots_by_banner(self) -> None:
        assert started(dmesg((0.0, BANNER), (900.0, "a"), (0.0, BANNER), (5.0, "b"))) == ["first", "banner"]

    def test_an_uptime_that_falls_is_a_boot_where_the_banner_is_lost(self) -> None:
        assert started(dmesg((400.0, "a"), (900.0, "b"), (20.0, "c"), (30.0, "d"))) == ["first", "uptime"]

    @pytest.mark.parametrize("back_s", [0.000_004, 0.3, 3.5])
    def test_two_cpus_that_print_out_of_order_are_no_boot(self, back_s: float) -> None:
        """3.5 s were seen in a register dump of bnx2."""
        assert started(dmesg((400.0, "a"), (400.0 - back_s, "b"), (400.1, "c"))) == ["first"]

    def test_several_lines_out_of_order_do_not_add_up_to_a_boot(self) -> None:
        assert started(dmesg((400.0, "a"), (398.0, "b"), (396.5, "c"), (401.0, "d"))) == ["first"]

    def test_a_line_before_the_banner_is_of_the_same_boot(self) -> None:
        """Arm boards print the CPU first."""
        assert started(dmesg((0.0, "Booting Linux on physical CPU 0x0"), (0.0, BANNER), (0.0, "Machine model: x"))) == ["first"]

    def test_three_boots_in_a_serial_capture_with_login_prompts_and_carriage_returns(self) -> None:
        one = dmesg((0.0, BANNER), (2.0, "a"), (60.0, "b")).replace("\n", "\r\n") + "nas1 login: \r\n\r\nU-Boot 2023.01\r\n"
        assert started(one * 3) == ["first", "banner", "banner"]

    def test_a_panic_in_the_first_seconds_of_each_boot_is_told_apart(self) -> None:
        """A loop of reboots: each boot dies at 3 s, so the stamps fall by less than what two CPUs may."""
        one = dmesg((0.0, BANNER), (1.0, "a"), (3.0, "Kernel panic - not syncing: Fatal exception"))
        assert started(one * 3) == ["first", "banner", "banner"]

    def test_newest_first_is_turned_over_before_boots_are_told(self) -> None:
        lines = dmesg(*((float(up), "a") for up in (1, 2, 3, 4, 300, 500, 5, 6, 7, 70, 75, 80)))
        boots = find_boots("\n".join(reversed(lines.splitlines())) + "\n")
        assert [(boot.started, boot.first_uptime_s, boot.last_uptime_s) for boot in boots] == [("first", 1.0, 500.0), ("uptime", 5.0, 80.0)]

    def test_one_line_of_each_of_many_boots_is_not_turned_over_where_the_date_rises(self) -> None:
        """``grep NETDEV kern.log``, and each boot happened to hang sooner than the one before."""
        text = "".join(syslog(f"2025-04-{day:02d} 12:00:00", "a", 900.0 - 50 * day) for day in range(1, 9))
        assert [record.line for record in read_records(text)] == list(range(1, 9))
        assert len(find_boots(text)) == 8

    def test_a_gap_in_a_sparse_reading_is_no_boot(self) -> None:
        reader, tracker = LogReader(), BootTracker()
        records = list(reader.read(dmesg((10.0, "a")).encode()))
        records += reader.read(dmesg((90_000.0, "b")).encode(), 5000, gap=True)
        records += reader.finish()
        assert [record.gap for record in records] == [False, True]
        assert [record.line for record in records] == [1, 5000]
        for record in records:
            tracker.track(record)
        assert len(tracker.finish(0, None)) == 1

    def test_a_second_boot_behind_a_gap_is_seen(self) -> None:
        reader, tracker = LogReader(), BootTracker()
        records = list(reader.read(dmesg((90_000.0, "a")).encode()))
        records += reader.read(dmesg((100.0, "b")).encode(), 5000, gap=True)
        records += reader.finish()
        for record in records:
            tracker.track(record)
        assert [boot.started for boot in tracker.finish(0, None)] == ["first", "uptime"]


class TestSeparatorsAndIds:
    A, B = "0123456789abcdef" * 2, "fedcba9876543210" * 2

    @pytest.mark.parametrize(("mark", "boot_id"), [(f"-- Boot {B} --", B), ("-- Reboot --", None)])
    def test_a_mark_of_journalctl_begins_a_boot(self, mark: str, boot_id: str | None) -> None:
        boots = find_boots(f"Apr 01 12:00:00 nas1 kernel: a\n{mark}\nApr 01 12:05:00 nas1 kernel: b\n")
        assert [(boot.started, boot.boot_id) for boot in boots] == [("first", None), ("separator", boot_id)]

    def test_a_mark_and_the_banner_after_it_are_one_boot(self) -> None:
        text = (
            f"Apr 01 12:00:00 nas1 kernel: a\n-- Boot {self.B} --\nApr 01 12:05:00 nas1 kernel: {BANNER}\nApr 01 12:05:00 nas1 kernel: b\n"
        )
        assert started(text) == ["first", "separator"]

    def test_a_mark_before_the_first_line_begins_nothing_new(self) -> None:
        boots = find_boots(f"-- Boot {self.A} --\nApr 01 12:05:00 nas1 kernel: b\n")
        assert [(boot.started, boot.boot_id) for boot in boots] == [("first", self.A)]

    def test_boots_that_are_mixed_up_are_told_by_their_ids(self) -> None:
        entry = '{{"_BOOT_ID":"{}","_TRANSPORT":"kernel","_SOURCE_MONOTONIC_TIMESTAMP":"{}","MESSAGE":"a"}}\n'
        text = entry.format(self.A, 5_000_000) + entry.format(self.B, 6_000_000) + entry.format(self.A, 7_000_000)
        assert [(boot.boot_id, boot.last_uptime_s) for boot in find_boots(text)] == [(self.A, 7.0), (self.B, 6.0)]

    def test_an_uptime_that_falls_within_one_id_is_no_boot(self) -> None:
        """Entries of one boot may come in any order out of merged files."""
        entry = '{{"_BOOT_ID":"{}","_TRANSPORT":"kernel","_SOURCE_MONOTONIC_TIMESTAMP":"{}","MESSAGE":"a"}}\n'
        assert started(entry.format(self.A, 900_000_000) + entry.format(self.A, 7_000_000)) == ["first"]


class TestWallClock:
    def test_wall_less_uptime_tells_boots_apart_whose_uptime_does_not_fall(self) -> None:
        """Both lines were cut out with grep: 551 s on the first of April, 9000 s on the third."""
        assert started(syslog("2025-04-01 12:00:00", "a", 551.3) + syslog("2025-04-03 15:00:00", "b", 9000.1)) == ["first", "clock"]

    def test_a_log_without_stamps_is_divided_by_banners(self) -> None:
        text = "".join(
            syslog(f"2025-04-0{day} 12:00:00", BANNER) + syslog(f"2025-04-0{day} 12:00:03", "a") + syslog(f"2025-04-0{day} 12:10:00", "b")
            for day in (1, 2, 3)
        )
        assert started(text) == ["first", "banner", "banner"]

    def test_suspend_is_no_boot(self) -> None:
        """The machine sleeps for nine hours; the kernel's clock stands still."""
        text = (
            syslog("2025-04-01 22:00:00", "PM: suspend entry (deep)", 5000.0)
            + syslog("2025-04-02 07:00:00", "PM: suspend exit", 5002.5)
            + syslog("2025-04-02 09:00:00", "a", 12_202.5)
        )
        assert started(text) == ["first"]

    @pytest.mark.parametrize("after", ["2025-03-30 06:00:00", "2025-03-30 04:00:00"])
    def test_daylight_saving_is_no_boot(self, after: str) -> None:
        assert started(syslog("2025-03-30 01:00:00", "a", 5000.0) + syslog(after, "b", 5000.0 + 4 * 3600)) == ["first"]

    def test_the_hour_that_comes_twice_is_one_boot(self) -> None:
        """26 October 2025 in Berlin: 02:00 to 03:00 comes twice."""
        moments = (("02:40", 5000.0), ("02:10", 6800.0), ("02:50", 9200.0))
        assert started("".join(syslog(f"2025-10-26 {clock}:00", "a", uptime_s) for clock, uptime_s in moments)) == ["first"]

    def test_a_board_without_clock_chip_jumps_by_months_when_ntp_answers(self) -> None:
        text = (
            syslog("2025-01-01 00:00:41", BANNER, 0.0)
            + syslog("2025-01-01 00:01:41", "a", 70.0)
            + syslog("2025-04-01 12:00:00", "b", 551.3)
            + syslog("2025-04-01 13:00:00", "c", 4151.3)
        )
        assert started(text) == ["first"]

    def test_a_board_jumps_also_where_only_the_time_service_tells_of_it(self) -> None:
        text = (
            syslog("2025-01-01 00:01:41", "a", 70.0)
            + "Apr  1 11:55:00 nas1 systemd-timesyncd[311]: Initial clock synchronization to Tue 2025-04-01 11:55:00.123 CEST.\n"
            + syslog("2025-04-01 12:00:00", "b", 551.3)
        )
        assert started(text) == ["first"]

    def test_a_clock_that_is_set_by_less_than_the_uptime_is_no_boot(self) -> None:
        """The hardware clock held local time, and the clock was set two hours ahead; no boot fits in between."""
        assert started(syslog("2025-04-01 10:00:00", "a", 100.0) + syslog("2025-04-01 12:30:00", "b", 30_000.0)) == ["first"]

    def test_a_clock_that_is_set_back_is_no_boot(self) -> None:
        assert started(syslog("2025-04-01 12:00:00", "a", 100.0) + syslog("2025-04-01 10:10:00", "b", 700.0)) == ["first"]

    def test_the_turn_of_the_year_is_no_boot(self) -> None:
        assert started(syslog("2024-12-31 23:59:50", "a", 5000.0) + syslog("2025-01-01 00:00:10", "b", 5020.0)) == ["first"]

    def test_times_that_dmesg_computed_make_no_boot(self) -> None:
        assert started("[Tue Apr  1 12:00:00 2025] a\n[Tue Apr  1 09:00:00 2025] b\n[Tue Apr  1 12:00:01 2025] c\n") == ["first"]


class TestHosts:
    def test_two_hosts_in_a_central_log_have_boots_of_their_own(self) -> None:
        text = (
            syslog("2025-04-01 12:00:00", "a", 90_000.0, "nas1")
            + syslog("2025-04-01 12:00:01", "b", 20.0, "nas2")
            + syslog("2025-04-01 12:00:02", "c", 90_002.0, "nas1")
            + syslog("2025-04-01 12:00:03", "d", 22.0, "nas2")
        )
        assert [(boot.host, boot.started, boot.last_uptime_s) for boot in find_boots(text)] == [
            ("nas1", "first", 90_002.0),
            ("nas2", "first", 22.0),
        ]

    def test_one_host_that_reboots_leaves_the_other_ones_boot_alone(self) -> None:
        text = (
            syslog("2025-04-01 12:00:00", "a", 90_000.0, "nas1")
            + syslog("2025-04-01 12:00:01", "b", 5000.0, "nas2")
            + syslog("2025-04-01 12:02:00", BANNER, 0.0, "nas1")
            + syslog("2025-04-01 12:03:00", "d", 5179.0, "nas2")
            + syslog("2025-04-01 12:03:00", "e", 60.0, "nas1")
        )
        assert [(boot.host, boot.started) for boot in find_boots(text)] == [("nas1", "first"), ("nas2", "first"), ("nas1", "banner")]

    def test_a_line_without_host_belongs_to_the_host_before_it(self) -> None:
        text = syslog("2025-04-01 12:00:00", "a", 500.0) + "[  501.000000] b\n" + syslog("2025-04-01 12:00:02", "c", 502.0)
        assert [boot.host for boot in find_boots(text)] == ["nas1"]


class TestWhatABootTells:
    def test_the_banner_tells_release_and_package(self) -> None:
        (boot,) = find_boots(dmesg((0.0, BANNER), (1.0, "Hypervisor detected: KVM"), (2.0, "DMI: QEMU Standard PC, BIOS 1.16 04/01/2014")))
        assert (boot.kernel_release, boot.kernel_package, boot.distro) == ("6.1.0-13-amd64", "6.1.55-1", "Debian")
        assert (boot.virtualization, boot.hardware) == ("kvm-guest", "QEMU Standard PC, BIOS 1.16 04/01/2014")

    def test_what_a_process_writes_is_not_believed(self) -> None:
        (boot,) = find_boots(syslog("2025-04-01 12:00:00", "a", 5.0) + f"Apr  1 12:00:01 nas1 logger: {BANNER}\n")
        assert boot.kernel_release is None

    def test_first_and_last_times_are_those_of_the_log(self) -> None:
        text = "2025-04-01T12:00:00.5+02:00 nas1 kernel: [  100.000000] a\n2025-04-01T10:00:10Z nas1 kernel: [  109.500000] b\n"
        (boot,) = find_boots(text)
        assert (boot.first_time, boot.last_time) == ("2025-04-01T12:00:00.5+02:00", "2025-04-01T10:00:10Z")
        assert (boot.first_uptime_s, boot.last_uptime_s) == (100.0, 109.5)

    def test_a_file_date_and_the_day_on_which_the_kernel_was_built_may_tell_the_year(self) -> None:
        text = syslog("2023-12-31 23:00:00", BANNER, 0.0) + syslog("2024-01-01 01:00:00", "a", 7200.0)
        (boot,) = find_boots(text, (2024, 1, 2))
        assert (boot.first_time, boot.last_time) == (None, None), "no zone, so no time"
        tracker = BootTracker()
        stamps = [(record.wall, tracker.track(record)[2]) for record in read_records(text)]
        assert [tracker.render_times(wall, epoch, (2024, 1, 2))[1] for wall, epoch in stamps] == [
            "2023-12-31T23:00:00",
            "2024-01-01T01:00:00",
        ]
