# SPDX-License-Identifier: GPL-2.0-or-later
"""Which sightings are of one boot, where their clocks or their sources leave doubts."""

import dataclasses

from nicmedic.evidence.history.join import find_zone_shift, group_sightings, order_groups
from nicmedic.evidence.history.log_boots import LogBoots
from nicmedic.evidence.history.sighting import Sighting, render_moment
from nicmedic.kernlog.events import EventCollector
from nicmedic.kernlog.match import SignalIndex
from nicmedic.kernlog.reader import LogReader
from nicmedic.model.history import BootEnd, Gap

T = 1_450_000_000.0


def seen(source: str, began: float | None = None, **known: object) -> Sighting:
    return dataclasses.replace(Sighting(source=source, order=0, began=began), **known)  # type: ignore[arg-type]  # fields of it


def count(*sightings: Sighting) -> int:
    return len(group_sightings(sightings))


def test_the_moment_joins_and_an_id_a_kernel_a_host_or_the_same_source_keep_apart() -> None:
    one = seen("journal", T, boot_id="a", kernel_release="6.1", kernel_package="1", host="srv4")
    assert count(one, seen("wtmp", T + 100)) == 1
    assert count(one, seen("wtmp", T + 1000)) == 2
    assert count(one, seen("x", T, boot_id="b")) == 2
    assert count(one, seen("x", T, kernel_release="6.2")) == 2
    assert count(one, seen("x", T, kernel_package="2")) == 2
    assert count(one, seen("x", T, host="other")) == 2
    assert count(one, seen("x", T, host="SRV4.example.org")) == 1
    assert count(one, seen("x", T, host="192.0.2.1")) == 1
    assert count(one, seen("journal", T + 30, order=1)) == 2


def test_of_two_boots_in_quick_succession_each_finds_its_own() -> None:
    pairs = [seen(source, T + number * 60 + off, order=number) for source, off in (("wtmp", 9.0), ("log", 0.0)) for number in range(4)]
    groups = group_sightings(pairs)
    assert [sorted(each.order for each in group) for group in groups] == [[number, number] for number in range(4)]


def test_a_source_that_begins_in_the_middle_belongs_to_the_boot_that_ran_then() -> None:
    boot = seen("wtmp", T, seen=(T, T + 5000))
    assert count(boot, seen("log", None, seen=(T + 1000, T + 4000))) == 1
    assert count(boot, seen("log", None, seen=(T + 9000, T + 9500))) == 2
    assert count(boot, seen("log", None, seen=(T - 9000, T - 8000))) == 2


def test_a_whole_zone_off_is_one_boot_only_if_no_other_comes_near() -> None:
    first, second = (seen("wtmp", T + off, kernel_release="6.1", order=number) for number, off in enumerate((3600.0, 7200.0)))
    log = seen("journal", T, kernel_release="6.1")
    assert count(log, first) == 1
    assert count(log, first, second) == 3
    assert count(log, dataclasses.replace(first, kernel_release=None)) == 2


def test_the_running_kernel_without_a_moment_is_that_of_the_last_boot() -> None:
    running = seen("running kernel", None, end=BootEnd.RUNNING, kernel_release="6.1")
    groups = group_sightings([seen("wtmp", T), seen("wtmp", T + 5000, order=1, kernel_release="6.1"), running])
    assert [len(group) for group in groups] == [1, 2]


def test_a_zone_is_found_by_most_and_not_if_two_are_as_good() -> None:
    local = [seen("log", T + day * 86_400 + 7200, zoned=False, order=day) for day in range(3)]
    known = [seen("wtmp", T + day * 86_400, order=day) for day in range(3)]
    assert find_zone_shift([*local, *known]) == -7200
    assert find_zone_shift(local) is None
    assert find_zone_shift([local[0], known[0], seen("wtmp", T + 3600, order=9)]) is None


def test_boots_without_a_date_stand_where_their_source_has_them() -> None:
    groups = [[seen("a", T, order=0)], [seen("a", None, order=1)], [seen("a", T + 500, order=2)], [seen("b", None, order=0)]]
    ordered = order_groups(groups, lambda group: group[0].began)
    assert [(group[0].source, group[0].order) for group in ordered] == [("b", 0), ("a", 0), ("a", 1), ("a", 2)]


def test_a_moment_beyond_the_calendar_has_no_text() -> None:
    assert render_moment(1e30) is None


def test_two_boots_that_say_a_few_lines_at_the_same_microsecond_are_not_one() -> None:
    """Early lines come at the same microsecond in every boot; only most of the messages show that two logs have the same boot."""
    own = [frozenset((2000 + number, boot) for number in range(40)) for boot in range(2)]
    common = frozenset({(1, 1), (3, 3), (5, 5), (7, 7), (9, 9), (11, 11)})
    first = seen("kern.log", T, prints=own[0] | common)
    second = seen("kern.log", T + 4 * 86_400, order=1, prints=own[1] | common)
    copy = seen("syslog", T + 4 * 86_400, prints=own[1] | common)
    groups = group_sightings((first, second, copy))
    assert [[each.source for each in group] for group in groups] == [["kern.log"], ["kern.log", "syslog"]]
    assert count(first, copy) == 2
    off = seen("dmesg", T + 3600, prints=own[0])
    assert count(first, off) == 1  # another zone
    far = dataclasses.replace(off, began=T + 86_400)
    assert count(first, far) == 2
    assert count(first, dataclasses.replace(far, gaps=(Gap(began_uptime_s=60.0, hours=24.0, why="clock jump"),))) == 1
    assert count(seen("a", prints=frozenset(list(own[0])[:4])), seen("b", prints=frozenset(list(own[0])[:4]))) == 2


def test_messages_of_the_first_millisecond_mark_no_boot() -> None:
    log = LogBoots("kern.log", EventCollector(index=SignalIndex((), lambda _: ()), source="kern.log"))
    lines = (
        b"[    0.000003] clocksource: kvm-clock\n[    0.000123] DMI: X\n[    1.000123] probe\n[    2.000000] whole\n[    3.001000] milli\n"
    )
    reader = LogReader()
    for record in (*reader.read(lines), *reader.finish()):
        log.add(record)
    (sighting,) = log.finish(None)
    assert {micro for micro, _ in sighting.prints} == {1_000_123}
