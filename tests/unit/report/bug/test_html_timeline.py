# SPDX-License-Identifier: GPL-2.0-or-later
"""What a timeline shows: pieces of boots, of which too short ones are told together."""

from datetime import UTC, datetime, timedelta

import pytest

from nicmedic.model.history import Gap, History
from nicmedic.report.bug.html_periods import count_periods
from nicmedic.report.bug.html_timeline import OTHERS, Cover, plan_timeline
from tests.unit.evidence.story import NEW, OLD, boot, here


def at(hours: float) -> str:
    return (datetime(2016, 1, 1, tzinfo=UTC) + timedelta(hours=hours)).isoformat()


def kinds(history: History) -> list[tuple[Cover, float]]:
    """Pieces of the first lane, with their hours."""
    timeline = plan_timeline(history)
    assert timeline is not None
    return [(span.cover, round(span.length / timedelta(hours=1), 6)) for span in timeline.lanes[0].spans]


def test_a_hole_in_the_log_is_where_it_was() -> None:
    gap = Gap(began_uptime_s=20 * 3600.0, hours=30.0, why="no log")
    holed = boot(at(0), OLD, 100.0, covered_h=70.0, gaps=(gap,), ended=at(100))
    assert kinds(History(boots=(holed,))) == [(Cover.WATCHED, 20.0), (Cover.UNWATCHED, 30.0), (Cover.WATCHED, 50.0)]


def test_a_hole_of_which_nothing_tells_the_place_is_somewhere() -> None:
    assert kinds(History(boots=(boot(at(0), OLD, 100.0, covered_h=70.0),))) == [(Cover.PARTLY, 100.0)]
    assert kinds(History(boots=(boot(at(0), OLD, 100.0, covered_h=0.0),))) == [(Cover.UNWATCHED, 100.0)]


def test_what_is_too_short_to_be_told_apart_is_told_together() -> None:
    short = [boot(at(number), OLD, 0.9, covered_h=0.9 * (number % 2)) for number in range(4)]
    assert kinds(History(boots=(*short, boot(at(5000), NEW, 5000.0)))) == [(Cover.PARTLY, 3.9)]


@pytest.mark.parametrize("began", ["1970-01-01T00:00:10Z", "9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z", "soon", None])
def test_a_boot_at_an_impossible_time_is_counted_and_not_drawn(began: str | None) -> None:
    odd = boot(began, NEW, 5.0, 60.0)  # type: ignore[arg-type]  # None is what is not known
    timeline = plan_timeline(History(boots=(*here().boots, odd)))
    assert timeline is not None
    assert (timeline.undated, timeline.begin.year) == (1, 2015)
    assert plan_timeline(History(boots=(odd,))) is None


def test_many_kernels_share_a_lane_but_not_those_that_are_compared() -> None:
    boots = tuple(boot(at(10 * number), f"6.1.{number % 30}-1", 9.0) for number in range(300))
    timeline = plan_timeline(History(boots=boots), ("6.1.29-1",))
    assert timeline is not None
    names = [lane.kernel for lane in timeline.lanes]
    assert len(names) == 8
    assert {OTHERS, "6.1.29-1"} <= set(names)


@pytest.mark.parametrize(
    ("number", "word"), [(8, "one boot"), (300, "the boots of one kernel in one month"), (30_000, "all boots of one kernel")]
)
def test_a_row_stands_for_as_little_as_a_reader_can_bear(number: int, word: str) -> None:
    boots = tuple(boot(at(40 * one), f"6.1.{one % 3}-1", 9.0, 60.0 if one % 7 == 0 else None) for one in range(number))
    told, periods = count_periods(History(boots=boots))
    assert told == word
    assert sum(period.boots for period in periods) == number
    assert sum(period.hung for period in periods) == len(range(0, number, 7))
