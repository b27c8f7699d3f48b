# SPDX-License-Identifier: GPL-2.0-or-later
"""Numbers and names read as a person would say them."""

import pytest

from nicmedic.model.durations import say_duration
from nicmedic.report import words


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0.4, "0 s"), (551.3, "551 s"), (999, "999 s"), (1500, "25 min"), (5969, "99 min"), (7200, "2.0 h"), (172_800, "2.0 days")],
)
def test_durations_keep_two_or_three_digits(seconds: float, said: str) -> None:
    assert say_duration(seconds) == said


@pytest.mark.parametrize(("count", "said"), [(0, "0 boots"), (1, "1 boot"), (2, "2 boots")])
def test_one_is_singular_and_all_else_is_plural(count: int, said: str) -> None:
    assert words.say_count(count, "boot") == said


@pytest.mark.parametrize(("count", "said"), [(1, "once"), (2, "twice"), (3, "3 times")])
def test_once_and_twice_have_words(count: int, said: str) -> None:
    assert words.say_times(count) == said


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ([], ""),
        (["a"], "a"),
        (["a", "b"], "a and b"),
        (["a", "b", "c", "d"], "a, b, c and d"),
        (["a", "b", "c", "d", "e"], "a, b, c and 2 more"),
    ],
)
def test_of_many_names_three_are_told(names: list[str], said: str) -> None:
    assert words.join_names(names) == said


@pytest.mark.parametrize(
    ("interface", "driver", "bus", "said"),
    [
        ("eth0", "igb", "0000:01:00.0", "eth0 (igb)"),
        ("eth0", None, None, "eth0"),
        (None, "igb", "0000:01:00.0:", "0000:01:00.0 (igb)"),
        ("(unnamed net_device) (uninitialized)", "igc", "0000:70:00.0", "0000:70:00.0 (igc)"),
        (None, "igb", None, "a NIC of igb"),
        (None, None, None, "the host"),
    ],
)
def test_a_nic_is_called_by_the_best_name_there_is(interface: str | None, driver: str | None, bus: str | None, said: str) -> None:
    assert words.name_nic(interface, driver, bus) == said


@pytest.mark.parametrize(
    ("title", "within"),
    [
        ("The link sleeps", "the link sleeps"),
        ("A CPU stood still", "a CPU stood still"),
        ("TSO hangs", "TSO hangs"),
        ("IPoIB reports early", "IPoIB reports early"),
        ("iavf's reset leaves queues stopped", "iavf's reset leaves queues stopped"),
        ("Google's host reset the device", "Google's host reset the device"),
    ],
)
def test_a_title_within_a_sentence_keeps_names_and_abbreviations(title: str, within: str) -> None:
    assert words.lower_first(title, frozenset({"Google"})) == within
