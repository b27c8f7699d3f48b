# SPDX-License-Identifier: GPL-2.0-or-later
"""Points in time as people type them."""

import contextlib
import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nicmedic.cli.since import parse_since
from nicmedic.model.errors import UsageError

ZONE = datetime.timezone(datetime.timedelta(hours=2))
NOW = datetime.datetime(2026, 3, 10, 15, 30, 20, tzinfo=ZONE)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("today", "2026-03-10T00:00:00+02:00"),
        ("Yesterday", "2026-03-09T00:00:00+02:00"),
        ("2h", "2026-03-10T13:30:20+02:00"),
        ("-90 min", "2026-03-10T14:00:20+02:00"),
        ("3 days ago", "2026-03-07T15:30:20+02:00"),
        ("1w", "2026-03-03T15:30:20+02:00"),
        ("20 seconds ago", "2026-03-10T15:30:00+02:00"),
        ("2026-01-31", "2026-01-31T00:00:00+02:00"),
        ("2026-01-31 12:00", "2026-01-31T12:00:00+02:00"),
        ("2026-01-31T12:00:00Z", "2026-01-31T12:00:00+00:00"),
    ],
)
def test_a_date_an_age_and_a_word_are_understood(typed: str, meant: str) -> None:
    assert parse_since(typed, NOW) == datetime.datetime.fromisoformat(meant)


@pytest.mark.parametrize("typed", ["", "soon", "2h30", "31.01.2026", "9999999h", "999999w", "2026-13-01"])
def test_anything_else_is_a_usage_error_with_an_example(typed: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_since(typed, NOW)
    assert repr(typed) in caught.value.message
    assert "nicmedic explain --since" in caught.value.hint


@given(st.text() | st.from_regex(r"-?\d{1,6} ?[smhdw]( ago)?", fullmatch=True))
def test_no_text_does_more_than_be_refused(typed: str) -> None:
    with contextlib.suppress(UsageError):
        assert parse_since(typed, NOW).tzinfo is not None
