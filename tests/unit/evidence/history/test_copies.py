# SPDX-License-Identifier: GPL-2.0-or-later
"""A message that two logs hold is found in both, however many messages read alike."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nicmedic.evidence.boots import build_boot
from nicmedic.evidence.history import copies as module
from nicmedic.evidence.history.copies import Copies
from nicmedic.evidence.history.sighting import Sighting
from nicmedic.model.event import Event, EventKind

FLOOD = 2000
WATCHDOG = "NETDEV WATCHDOG: eth0 (r8169): transmit queue 0 timed out"


def hang(text: str = WATCHDOG, uptime_s: float | None = None, time: str | None = None, local_time: str | None = None) -> Event:
    """A line of the watchdog."""
    return Event(
        kind=EventKind.TX_TIMEOUT, signal="core/netdev-watchdog", hang=True, interface="eth0", driver="r8169", bus=None, queue=0, stall_ms=None,
        uptime_s=uptime_s, time=time, local_time=local_time, boot=0, source="log", line=1, text=text,
    )  # fmt: skip


seconds = st.integers(0, 3)
events = st.builds(
    hang,
    text=st.sampled_from(["one", "other"]),
    uptime_s=st.none() | st.integers(0, 20).map(lambda step: 1 + step * 0.0007),
    time=st.none() | seconds.map(lambda second: f"2026-01-02T03:04:0{second}.5+00:00"),
    local_time=st.none() | seconds.map(lambda second: f"2026-01-02T03:04:0{second}"),
)


@given(known=st.lists(events, max_size=12), event=events, gone=st.sets(st.integers(0, 11)))
def test_the_first_copy_is_found_as_if_all_were_compared(known: list[Event], event: Event, gone: set[int]) -> None:
    copies = Copies(enumerate(known))
    for place in gone & set(range(len(known))):
        copies.drop(place)
    alike = [place for place, other in enumerate(known) if place not in gone and module._is_copy(other, event)]
    assert copies.find(event) == min(alike, default=None)


def test_stamps_of_two_logs_may_be_rounded_apart() -> None:
    copies = Copies([(7, hang(uptime_s=1.0019))])
    assert copies.find(hang(uptime_s=1.0021)) == 7
    assert copies.find(hang(uptime_s=1.0045)) is None


@pytest.mark.parametrize("stamped", [True, False], ids=["both have uptimes", "one has a wall clock only"])
def test_a_flood_of_hangs_in_two_logs_is_compared_in_no_time(monkeypatch: pytest.MonkeyPatch, *, stamped: bool) -> None:
    """Each line was held against all lines before it: 32,000 of them, all in one stall, took half a minute."""
    compared = 0
    plain = module._is_copy

    def count(first: Event, second: Event) -> bool:
        nonlocal compared
        compared += 1
        return plain(first, second)

    monkeypatch.setattr(module, "_is_copy", count)
    told = tuple(hang(uptime_s=100 + number / 100, local_time=f"2026-01-02T03:04:{number // 100:02}") for number in range(FLOOD))
    again = told if stamped else tuple(dataclasses.replace(event, uptime_s=None) for event in told)
    group = [Sighting(source=name, order=0, began=1.7e9, events=each) for name, each in (("kern", told), ("syslog", again))]
    (found,) = build_boot(group, lambda *_: None).hangs
    assert (found.lines, found.sources) == (FLOOD, ("kern", "syslog"))
    assert compared < 4 * FLOOD
