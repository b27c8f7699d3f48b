# SPDX-License-Identifier: GPL-2.0-or-later
"""Documents that were handed in: several parts of one past, and quantities that are none."""

import dataclasses
import json

import pytest

from nicmedic.evidence.saved_history import SCHEMA, merge_histories, parse_history
from nicmedic.model.errors import NotAHistoryError, UsageError
from nicmedic.model.history import BootEnd, BootRecord, Gap, HangRecord, History
from nicmedic.model.plain import to_plain

HANG = HangRecord(interface="eth0", driver="r8169", began=None, uptime_s=600.0, lines=1)
BOOT = BootRecord(began="2026-01-01T00:00:00Z", began_within_s=5.0, kernel_release="6.1.0-18-amd64", covered_h=3.0, hangs=(HANG,))
A, B = "a" * 32, "b" * 32


def changed(boot: BootRecord = BOOT, **known: object) -> BootRecord:
    return dataclasses.replace(boot, **known)  # type: ignore[arg-type]  # fields of it


def merged(*boots: BootRecord) -> tuple[BootRecord, ...]:
    """Of one document each; in whatever order they are named."""
    parts = [History(host="h", boots=(boot,)) for boot in boots]
    there, back = merge_histories(parts).boots, merge_histories(parts[::-1]).boots
    assert sorted(there, key=str) == sorted(back, key=str)
    return there


def test_one_boot_is_counted_once_whether_its_id_is_known_or_not() -> None:
    (boot,) = merged(BOOT, changed(boot_id=A, began="2026-01-01T00:00:02Z"))
    assert (boot.boot_id, len(boot.hangs)) == (A, 1)
    assert len(merged(BOOT, changed(began="2026-01-01T00:01:50Z"))) == 2
    assert len(merged(BOOT, changed(kernel_release="6.1.0-19-amd64"))) == 2
    assert len(merged(changed(boot_id=A), changed(boot_id=B))) == 2
    assert len(merged(changed(began=None), changed(began=None))) == 1
    assert len(merged(changed(began=None), changed(began=None, covered_h=4.0))) == 2


def test_two_boots_of_one_document_are_never_one() -> None:
    soon = changed(began="2026-01-01T00:01:00Z")
    both = History(host="h", boots=(BOOT, soon))
    assert len(merge_histories((both, History(host="h", boots=(soon,)))).boots) == 2


def test_the_later_look_at_a_boot_wins_in_either_order_and_no_hang_is_lost() -> None:
    late = dataclasses.replace(HANG, uptime_s=18_000.0)
    early = changed(boot_id=A, covered_h=1.0, ran_h=1.0, sources=("x",), end=BootEnd.RUNNING)
    later = changed(boot_id=A, covered_h=9.0, ran_h=9.0, sources=("y",), hangs=(late,), firmware="1.2", end=BootEnd.CLEAN)
    (boot,) = merged(early, later)
    assert (boot.covered_h, boot.ran_h, boot.end, boot.sources, boot.firmware) == (9.0, 9.0, BootEnd.CLEAN, ("x", "y"), "1.2")
    assert boot.hangs == (HANG, late)


def test_a_host_has_a_short_name_and_a_long_one() -> None:
    assert merge_histories((History(host="h1"), History(host="H1.example.org"))).host
    with pytest.raises(UsageError, match="different hosts: h1, h2"):
        merge_histories((History(host="h1"), History(host="h2")))


@pytest.mark.parametrize(
    ("boot", "place"),
    [
        (changed(covered_h=-0.5), "boots.0.covered_h: -0.5"),
        (changed(ran_h=1e300), "boots.0.ran_h"),
        (changed(suspends=-1), "boots.0.suspends"),
        (changed(hangs=(dataclasses.replace(HANG, uptime_s=-5.0),)), "boots.0.hangs.0.uptime_s"),
        (changed(gaps=(Gap(began_uptime_s=5.0, hours=-1.0, why="no log"),)), "boots.0.gaps.0.hours"),
    ],
)
def test_a_quantity_that_is_none_is_told_with_its_place(boot: BootRecord, place: str) -> None:
    text = json.dumps({"schema": SCHEMA, "history": to_plain(History(boots=(boot,)))})
    with pytest.raises(NotAHistoryError, match=f"x.json: {place}"):
        parse_history(text, "x.json")


def test_a_clock_may_go_back() -> None:
    history = History(boots=(changed(gaps=(Gap(began_uptime_s=5.0, hours=-1.0, why="clock jump"),)),))
    assert parse_history(json.dumps({"schema": SCHEMA, "history": to_plain(history)}), "x.json") == history
