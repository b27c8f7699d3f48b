# SPDX-License-Identifier: GPL-2.0-or-later
"""Wall clocks with parts missing: differences, years, and what may be told as a time."""

import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nicmedic.kernlog.clock import TimeLine, Upper, find_seconds_between, render_local_time, render_time
from nicmedic.kernlog.stamps import parse_epoch_us
from nicmedic.model.record import WallTime

BERLIN = 120
DAY_S = 86_400


def wall(text: str, *, year: bool = False, offset: int | None = None) -> WallTime:
    at = datetime.datetime.fromisoformat(text)
    return WallTime(at.year if year else None, at.month, at.day, at.hour, at.minute, at.second, at.microsecond, offset)


def years(stamps: list[str], upper: Upper | None = None, built: Upper | None = None) -> list[int | None]:
    """Years that are found for stamps whose own are hidden."""
    timeline = TimeLine()
    if built is not None:
        timeline.note_built(built)
    followed = [(wall(stamp), timeline.follow(wall(stamp))) for stamp in stamps]
    return [timeline.find_year(stamp, epoch, upper) for stamp, epoch in followed]


class TestYears:
    def test_without_any_help_the_year_is_unknown(self) -> None:
        assert years(["2025-04-01 12:00", "2025-04-02 12:00"]) == [None, None]

    def test_a_file_date_alone_is_only_an_upper_bound(self) -> None:
        assert years(["2025-04-01 12:00"], upper=(2025, 4, 2)) == [None]

    def test_file_date_and_build_date_that_leave_one_year_tell_it(self) -> None:
        assert years(["2025-04-01 12:00"], upper=(2025, 4, 2), built=(2024, 9, 29)) == [2025]

    def test_file_date_and_build_date_that_leave_two_years_tell_nothing(self) -> None:
        assert years(["2025-04-01 12:00"], upper=(2025, 4, 2), built=(2023, 9, 29)) == [None]

    def test_december_to_january_is_one_year_more(self) -> None:
        found = years(["2024-12-30 12:00", "2024-12-31 23:59", "2025-01-01 00:01"], upper=(2025, 1, 2), built=(2024, 6, 1))
        assert found == [2024, 2024, 2025]

    def test_january_back_to_december_for_a_moment_is_no_eleven_months(self) -> None:
        """Two writers at midnight: the line of the old year comes last."""
        stamps = ["2024-12-31 23:59:59", "2025-01-01 00:00:00", "2024-12-31 23:59:59", "2025-01-01 00:00:01"]
        assert years(stamps, upper=(2025, 1, 2), built=(2024, 6, 1)) == [2024, 2025, 2024, 2025]

    def test_what_stands_before_the_banner_may_be_older_than_the_kernel(self) -> None:
        """The kernel was upgraded, and the log goes on: its first lines were written by the old one."""
        timeline = TimeLine()
        before, banner = wall("2025-02-01 12:00"), wall("2025-04-01 12:00")
        first = timeline.follow(before)
        second = timeline.follow(banner)
        timeline.note_built((2025, 3, 1))
        assert [timeline.find_year(before, first, (2025, 4, 2)), timeline.find_year(banner, second, (2025, 4, 2))] == [2025, 2025]

    def test_the_29th_of_february_is_a_day_like_others(self) -> None:
        assert years(["2024-02-28 12:00", "2024-02-29 12:00", "2024-03-01 12:00"], upper=(2024, 3, 2), built=(2023, 8, 1)) == [2024] * 3

    def test_a_stamp_with_year_tells_those_around_it(self) -> None:
        timeline = TimeLine()
        stamps = [wall("2024-12-31 23:00"), wall("2025-01-01 01:00", year=True), wall("2025-06-01 01:00")]
        followed = [(stamp, timeline.follow(stamp)) for stamp in stamps]
        assert [timeline.find_year(stamp, epoch, None) for stamp, epoch in followed] == [2024, 2025, 2025]

    @pytest.mark.parametrize(
        ("stamp", "told", "year"), [("01-01 00:30", (2024, 12), 2025), ("12-31 23:30", (2025, 1), 2024), ("04-01 12:00", (2025, 4), 2025)]
    )
    def test_the_hardware_clocks_line_may_lie_across_new_year(self, stamp: str, told: tuple[int, int], year: int) -> None:
        """It is in UTC, the stamp in local time."""
        timeline = TimeLine()
        at = wall("2000-" + stamp)
        epoch = timeline.follow(at)
        timeline.note_year(*told)
        assert timeline.find_year(at, epoch, None) == year

    def test_a_log_of_three_years_counts_them(self) -> None:
        stamps = [f"{year}-{month:02d}-05 12:00" for year in (2022, 2023, 2024) for month in (1, 4, 7, 10, 12)]
        timeline = TimeLine()
        followed = [(wall(stamp), timeline.follow(wall(stamp))) for stamp in stamps]
        timeline.note_year(2024, 12)
        assert [timeline.find_year(at, epoch, None) for at, epoch in followed] == [int(stamp[:4]) for stamp in stamps]


class TestDifferences:
    @given(
        first=st.integers(978_307_200, 4_000_000_000).map(lambda second: datetime.datetime.fromtimestamp(second, datetime.UTC)),
        seconds=st.integers(-10_000_000, 10_000_000),
    )
    def test_with_years_they_are_those_of_the_calendar(self, first: datetime.datetime, seconds: int) -> None:
        second = first + datetime.timedelta(seconds=seconds)
        assert find_seconds_between(wall(first.isoformat(), year=True), wall(second.isoformat(), year=True)) == seconds

    @given(start=st.integers(0, 360 * DAY_S), seconds=st.integers(-30 * DAY_S, 30 * DAY_S))
    def test_without_years_the_shorter_way_round_is_taken(self, start: int, seconds: int) -> None:
        first = datetime.datetime(2000, 1, 1, tzinfo=datetime.UTC) + datetime.timedelta(seconds=start)
        second = first + datetime.timedelta(seconds=seconds)
        found = find_seconds_between(wall(first.isoformat()), wall(second.isoformat()))
        assert found is not None
        assert abs(found - seconds) in (0, DAY_S), "a day is the doubt whether there was a 29th of February"

    def test_the_end_of_february_of_a_leap_year(self) -> None:
        assert find_seconds_between(wall("2024-02-28 12:00", year=True), wall("2024-03-01 12:00", year=True)) == 2 * DAY_S
        assert find_seconds_between(wall("2025-02-28 12:00", year=True), wall("2025-03-01 12:00", year=True)) == DAY_S

    def test_offsets_count(self) -> None:
        one, other = wall("2025-04-01 12:00", year=True, offset=BERLIN), wall("2025-04-01 10:00", year=True, offset=0)
        assert find_seconds_between(one, other) == 0

    def test_a_zone_and_none_cannot_be_compared(self) -> None:
        assert find_seconds_between(wall("2025-04-01 12:00", year=True, offset=0), wall("2025-04-01 12:00", year=True)) is None

    def test_a_year_and_none_cannot_be_compared(self) -> None:
        assert find_seconds_between(wall("2025-04-01 12:00", year=True), wall("2025-04-01 12:00")) is None


class TestRendering:
    @pytest.mark.parametrize(
        ("offset", "zone"), [(0, "Z"), (120, "+02:00"), (-180, "-03:00"), (345, "+05:45"), (-210, "-03:30"), (840, "+14:00")]
    )
    def test_a_time_carries_its_offset(self, offset: int, zone: str) -> None:
        assert render_time(wall("2025-04-01 12:00", offset=offset), 2025) == f"2025-04-01T12:00:00{zone}"

    def test_no_zone_or_no_year_is_no_time(self) -> None:
        assert render_time(wall("2025-04-01 12:00"), 2025) is None
        assert render_time(wall("2025-04-01 12:00", offset=0), None) is None

    def test_an_unknown_year_is_two_dashes(self) -> None:
        assert render_local_time(wall("2025-04-01 12:00:00.25"), None) == "--04-01T12:00:00.25"

    @given(st.integers(0, 253_402_300_799_999_999))
    def test_epochs_and_the_calendar_agree(self, microseconds: int) -> None:
        stamp = parse_epoch_us(microseconds)
        assert stamp is not None
        told = render_time(stamp, stamp.year)
        assert told is not None
        epoch = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
        assert datetime.datetime.fromisoformat(told) == epoch + datetime.timedelta(microseconds=microseconds)

    @pytest.mark.parametrize("microseconds", [-1, 253_402_300_800_000_000, 10**30])
    def test_what_is_no_date_is_none(self, microseconds: int) -> None:
        assert parse_epoch_us(microseconds) is None
