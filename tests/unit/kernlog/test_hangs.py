# SPDX-License-Identifier: GPL-2.0-or-later
"""Many lines may tell of one stall, and one line may hide many."""

import dataclasses
from collections.abc import Mapping

import pytest

from nicmedic.kernlog.hangs import find_began_s, group_hangs, is_warn_once
from nicmedic.model.event import Event, EventKind

EVENT = Event(
    kind=EventKind.TX_TIMEOUT, signal="core/watchdog", hang=True, interface="eth0", driver="r8169", bus=None, queue=0, stall_ms=None,
    uptime_s=551.3, time=None, local_time=None, boot=0, source="log", line=1, text="NETDEV WATCHDOG: eth0 (r8169): transmit queue 0 timed out",
)  # fmt: skip


def events(*changes: Mapping[str, object]) -> list[Event]:
    return [dataclasses.replace(EVENT, **change) for change in changes]  # type: ignore[arg-type]  # fields by name


def sizes(*changes: Mapping[str, object]) -> list[int]:
    return [len(hang.events) for hang in group_hangs(events(*changes))]


def test_reports_every_few_seconds_are_one_hang() -> None:
    assert sizes(*({"uptime_s": 551.0 + 5 * number} for number in range(20))) == [20]


def test_a_report_after_a_minute_is_another_hang() -> None:
    assert sizes({"uptime_s": 551.0}, {"uptime_s": 611.0}) == [1, 1]


def test_ages_that_grow_with_the_clock_are_one_hang_however_far_apart() -> None:
    """A sample reaches 32584140 ms, nine hours."""
    grown = [{"uptime_s": 551.0 + later, "stall_ms": 5120 + 1000 * later} for later in (0, 60, 3600, 32_400)]
    assert sizes(*grown) == [4]
    (hang,) = group_hangs(events(*grown))
    assert hang.began_uptime_s == pytest.approx(545.88)
    assert hang.stall_ms == 5120 + 32_400_000


def test_ages_that_do_not_grow_are_hangs_of_their_own() -> None:
    assert sizes(*({"uptime_s": 551.0 + 60 * number, "stall_ms": 5120} for number in range(3))) == [1, 1, 1]


@pytest.mark.parametrize("change", [{"interface": "eth1"}, {"boot": 1}, {"driver": "igb"}])
def test_another_nic_or_boot_is_another_hang(change: Mapping[str, object]) -> None:
    assert sizes({}, change) == [1, 1]


def test_copies_are_not_counted_again_and_repeats_are() -> None:
    (hang,) = group_hangs(events({"repeated": 3}, {"same_as": 0, "line": 9}))
    assert (hang.events, hang.messages) == ((0,), 4)


def test_queues_of_one_hang_are_listed_once_in_order() -> None:
    (hang,) = group_hangs(events({"queue": 3}, {"queue": 0}, {"queue": 3}))
    assert hang.queues == (0, 3)


def test_without_stamps_lines_that_stand_near_each_other_are_one_hang() -> None:
    assert sizes({"uptime_s": None, "line": 1}, {"uptime_s": None, "line": 50}, {"uptime_s": None, "line": 900}) == [2, 1]


def test_what_means_no_standstill_is_no_hang() -> None:
    assert sizes({"hang": False}) == []


@pytest.mark.parametrize(
    ("text", "once"),
    [
        ("NETDEV WATCHDOG: eth0 (r8169): transmit queue 0 timed out", True),
        ("NETDEV WATCHDOG: eth0 (r8169): transmit queue 0 timed out 5120 ms", True),
        ("NETDEV WATCHDOG: eth0: transmit timed out", False),
        ("r8169 0000:02:00.0 eth0: NETDEV WATCHDOG: CPU: 3: transmit queue 0 timed out 5120 ms", False),
    ],
)
def test_the_wordings_of_warn_once_are_known(text: str, once: bool) -> None:
    assert is_warn_once(dataclasses.replace(EVENT, text=text)) is once


def test_a_stall_cannot_begin_before_the_boot() -> None:
    assert find_began_s(dataclasses.replace(EVENT, uptime_s=3.0, stall_ms=5120)) == 0.0
