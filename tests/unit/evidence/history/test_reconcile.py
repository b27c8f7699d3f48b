# SPDX-License-Identifier: GPL-2.0-or-later
"""Many sources, one history: whatever their order and cut, and less of them only makes things unknown."""

import dataclasses
import datetime
import random
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nicmedic.app.history import collect_history
from nicmedic.evidence.history.sighting import read_time
from nicmedic.host.histories.dpkg import parse_dpkg_log
from nicmedic.host.histories.logins import build_boots
from nicmedic.host.histories.wtmp import parse_wtmp
from nicmedic.model.history import BootEnd, BootRecord, History
from nicmedic.model.incident import Incident, IncidentVerdict
from nicmedic.ports.histories import HistoryItem
from nicmedic.testing.answers import shipped_knowledge
from nicmedic.testing.histories import (
    FakeHistories,
    MadeBoot,
    MadeChange,
    render_dpkg_log,
    render_journal,
    render_syslog,
    render_wtmp,
)

BEGIN = datetime.datetime(2016, 1, 1, tzinfo=datetime.UTC).timestamp()
DAY = 86_400.0
OLD, NEW = "3.2.68-1+deb7u1", "3.2.73-2+deb7u1"


def text(lines: Sequence[str]) -> bytes:
    return ("\n".join(lines) + "\n").encode() if lines else b""


def logins(boots: Sequence[MadeBoot], *, offset_h: float = 0.0) -> list[HistoryItem]:
    return list(build_boots(parse_wtmp(render_wtmp(boots, offset_h=offset_h))[0], "wtmp"))


def packages(changes: Sequence[MadeChange]) -> list[HistoryItem]:
    return list(parse_dpkg_log(render_dpkg_log(changes), datetime.UTC, "dpkg.log"))


def collect(
    *,
    items: Sequence[HistoryItem] = (),
    zone: datetime.tzinfo | None = datetime.UTC,
    incidents: Sequence[Incident] = (),
    **logs: Sequence[bytes],
) -> History:
    return collect_history(
        FakeHistories(items, logs, zone=zone, telling=("journal",)), shipped_knowledge(), (), incidents=incidents
    ).history


def plain(history: History) -> History:
    """Without the names of sources, which do change."""
    boots = tuple(
        dataclasses.replace(boot, sources=(), hangs=tuple(dataclasses.replace(hang, sources=()) for hang in boot.hangs))
        for boot in history.boots
    )
    return dataclasses.replace(history, boots=boots, sources=(), notes=tuple(sorted(history.notes)))


STORY = (
    MadeBoot(began=BEGIN - 100 * DAY, ran_s=50 * DAY, every_s=7200, package=OLD),
    MadeBoot(began=BEGIN - 49 * DAY, ran_s=48 * DAY, every_s=7200, package=OLD),
    MadeBoot(began=BEGIN, ran_s=900, package=NEW, hangs_s=(551.3,)),
    MadeBoot(began=BEGIN + 1200, ran_s=700, package=NEW, hangs_s=(560.1,), crashed=True),
    MadeBoot(began=BEGIN + 2400, ran_s=900, package=NEW, hangs_s=(540.2,)),
)
UPGRADE = MadeChange(moment=BEGIN - 600, package="linux-image-3.2.0-4-amd64", before=OLD, after=NEW)
XEN = MadeChange(moment=BEGIN - 600, package="xen-hypervisor-4.1-amd64", before="4.1.4-3", after="4.1.4-4")


def moment(record: BootRecord) -> float:
    assert record.began is not None
    return read_time(record.began)[0]


def test_the_story_is_found_in_the_journal_alone() -> None:
    history = collect(journal=[text(render_journal(STORY))])
    assert [boot.kernel_package for boot in history.boots] == [OLD, OLD, NEW, NEW, NEW]
    assert [len(boot.hangs) for boot in history.boots] == [0, 0, 1, 1, 1]
    assert [boot.hangs[0].uptime_s for boot in history.boots[2:]] == pytest.approx([551.3, 560.1, 540.2], abs=0.01)
    assert [boot.hangs[0].warn_once for boot in history.boots[2:]] == [True] * 3
    for made, boot in zip(STORY, history.boots, strict=True):
        assert moment(boot) == pytest.approx(made.began, abs=2)
        assert boot.boot_id == made.boot_id
        assert boot.covered_h == pytest.approx(made.ran_s / 3600, abs=0.01)
    assert any("once a boot only" in note for note in history.notes)


def test_a_log_with_a_zone_wtmp_and_dpkg_agree_on_every_boot() -> None:
    lines = render_syslog(STORY, offset_h=1, rfc3339=True)
    history = collect(items=[*logins(STORY), *packages([UPGRADE, XEN])], messages=[text(lines)])
    assert len(history.boots) == 5
    assert [boot.end for boot in history.boots] == [BootEnd.CLEAN, BootEnd.CLEAN, BootEnd.CLEAN, BootEnd.CRASH, BootEnd.CLEAN]
    assert all(set(boot.sources) == {"messages", "wtmp"} for boot in history.boots)
    for made, boot in zip(STORY, history.boots, strict=True):
        assert boot.ran_h == pytest.approx(made.ran_s / 3600, abs=1 / 60)
    assert [change.package for change in history.changes] == [UPGRADE.package, XEN.package]


def test_without_a_banner_the_package_is_what_stood_in_boot_and_that_is_told() -> None:
    history = collect(items=[*logins(STORY), *packages([UPGRADE])])
    assert [(boot.kernel_package, boot.kernel_evidence) for boot in history.boots] == [(OLD, "dpkg.log")] * 2 + [(NEW, "dpkg.log")] * 3
    assert all(boot.covered_h == 0 for boot in history.boots)


def test_a_package_that_changed_while_the_machine_was_booted_is_not_guessed() -> None:
    near = dataclasses.replace(UPGRADE, moment=BEGIN + 30)
    history = collect(items=[*logins(STORY), *packages([near])])
    assert [boot.kernel_package for boot in history.boots] == [OLD, OLD, None, NEW, NEW]


def test_a_log_without_zone_finds_it_by_comparison_with_another_source() -> None:
    lines = render_syslog(STORY, offset_h=-5)
    dated = [line.replace(line[:15], stamp) for line, stamp in zip(lines, _iso(STORY, -5), strict=True)]
    history = collect(items=logins(STORY), messages=[text(dated)], zone=None)
    assert len(history.boots) == 5
    assert any("UTC-5 h" in note for note in history.notes)
    assert moment(history.boots[2]) == pytest.approx(BEGIN, abs=60)


def _iso(boots: Sequence[MadeBoot], offset_h: float) -> list[str]:
    return [line.split(" ", 1)[0][:19] for line in render_syslog(boots, offset_h=offset_h, rfc3339=True)]


def test_a_log_without_zone_and_without_company_says_how_wrong_it_may_be() -> None:
    lines = [line.replace(line[:15], stamp) for line, stamp in zip(render_syslog(STORY), _iso(STORY, 0), strict=True)]
    history = collect(messages=[text(lines)], zone=None)
    assert all((boot.began_within_s or 0) >= 14 * 3600 for boot in history.boots)
    assert any("14 hours" in note for note in history.notes)


def test_a_log_without_years_keeps_its_boots_and_their_order_and_claims_no_date() -> None:
    history = collect(messages=[text(render_syslog(STORY))])
    assert [boot.began for boot in history.boots] == [None] * 5
    assert [len(boot.hangs) for boot in history.boots] == [0, 0, 1, 1, 1]
    assert history.boots[2].hangs[0].began is None
    assert any(note.startswith("5 boots have no date: ") for note in history.notes)
    alone = collect(messages=[text(render_syslog(STORY[:1]))])
    assert any(note.startswith("1 boot has no date: ") for note in alone.notes)


def test_a_hardware_clock_in_local_time_makes_no_second_boot() -> None:
    history = collect(items=logins(STORY, offset_h=1), journal=[text(render_journal(STORY))])
    assert len(history.boots) == 5
    assert moment(history.boots[0]) == pytest.approx(STORY[0].began, abs=2)


def test_two_logs_of_one_boot_are_known_by_their_messages_when_their_clocks_differ() -> None:
    late = render_syslog([dataclasses.replace(boot, began=boot.began) for boot in STORY], offset_h=0.37, rfc3339=True)
    late = [line.replace("+00:22", "+00:00") for line in late]  # a clock that is wrong by 22 minutes
    history = collect(journal=[text(render_journal(STORY))], messages=[text(late)])
    assert len(history.boots) == 5


def test_suspension_is_no_exposure_and_no_clock_jump() -> None:
    made = MadeBoot(began=BEGIN, ran_s=4 * 3600, slept=((3600.0, 6 * 3600.0), (7300.0, 1800.0)))
    for lines in (render_journal([made]), render_syslog([made], rfc3339=True)):
        (boot,) = collect(log=[text(lines)]).boots
        assert [(gap.why, round(gap.hours or 0, 1)) for gap in boot.gaps] == [("suspended", 6.0), ("suspended", 0.5)]
        assert (boot.suspends, round(boot.covered_h, 1)) == (2, 4.0)
        assert moment(boot) == pytest.approx(BEGIN, abs=3)


def test_a_clock_that_a_time_service_mends_is_a_jump_and_the_beginning_is_by_the_clock_that_was_mended() -> None:
    made = MadeBoot(began=BEGIN, ran_s=3 * 3600, every_s=300)
    wrong = dataclasses.replace(made, began=BEGIN - 5 * DAY)
    lines = render_syslog([wrong], rfc3339=True, programs=False)[:9] + render_syslog([made], rfc3339=True, programs=False)[9:]
    (boot,) = collect(log=[text(lines)]).boots
    assert moment(boot) == pytest.approx(BEGIN, abs=3)
    assert [gap.why for gap in boot.gaps] == ["clock jump"]


def test_a_log_whose_first_half_was_rotated_away_covers_the_rest_only() -> None:
    lines = render_syslog([MadeBoot(began=BEGIN, ran_s=10 * 3600, every_s=600)], rfc3339=True)
    (boot,) = collect(log=[text(lines[len(lines) // 2 :])]).boots
    assert moment(boot) == pytest.approx(BEGIN, abs=3)
    assert boot.kernel_package is None
    assert boot.covered_h == pytest.approx(5, abs=0.5)
    assert boot.gaps[0].why == "no log"


def test_a_renamed_host_is_told_and_keeps_all_its_boots() -> None:
    renamed = [*STORY[:2], *(dataclasses.replace(boot, host="srv9") for boot in STORY[2:])]
    history = collect(journal=[text(render_journal(renamed))])
    assert len(history.boots) == 5
    assert history.host == "srv9"
    assert any("srv4, srv9" in note for note in history.notes)


def test_dual_boot_leaves_a_gap_and_no_claim() -> None:
    """Another system ran for a day: neither its hours nor a boot of its are told."""
    apart = [STORY[0], dataclasses.replace(STORY[1], began=STORY[0].ended + DAY)]
    history = collect(items=logins(apart), journal=[text(render_journal(apart))])
    assert sum(boot.ran_h or 0 for boot in history.boots) == pytest.approx(98 * 24, abs=0.1)


def incident(uptime_s: float, made: MadeBoot, verdict: IncidentVerdict = IncidentVerdict.NIC_HUNG) -> Incident:
    began = datetime.datetime.fromtimestamp(made.moment(uptime_s), datetime.UTC).isoformat()
    return Incident(
        id=1, boot_id=made.boot_id, interface="eth0", driver="r8169", verdict=verdict, reasons=("x",), began=began, began_uptime_s=uptime_s,
        detected=began, detected_uptime_s=uptime_s, kernel_release=made.release, kernel_package=f"#1 SMP Debian {made.package}",
    )  # fmt: skip


def test_our_own_incidents_count_once_beside_the_log_and_stand_where_no_log_is() -> None:
    told = collect(incidents=[incident(550, STORY[2])], journal=[text(render_journal(STORY))])
    assert [len(boot.hangs) for boot in told.boots] == [0, 0, 1, 1, 1]
    assert "incidents" in told.boots[2].hangs[0].sources
    alone = collect(incidents=[incident(550, STORY[2]), incident(600, STORY[4], IncidentVerdict.LINK)])
    assert [(boot.kernel_package, len(boot.hangs)) for boot in alone.boots] == [(NEW, 1)]


def test_a_wedge_of_64_lines_is_one_hang() -> None:
    made = MadeBoot(began=BEGIN, ran_s=3600, hangs_s=tuple(551.0 + 5 * number for number in range(64)))
    (boot,) = collect(journal=[text(render_journal([made]))], messages=[text(render_syslog([made], rfc3339=True))]).boots
    assert [hang.lines for hang in boot.hangs] == [64]


# Whatever the sources ---------------------------------------------------------------------------------------------------------


@st.composite
def pasts(draw: st.DrawFn) -> list[MadeBoot]:
    made: list[MadeBoot] = []
    began = BEGIN
    for _ in range(draw(st.integers(1, 4))):
        ran_s = draw(st.sampled_from([400.0, 3_700.0, 20_000.0, 200_000.0]))
        slept = ((ran_s / 2 + 0.5, draw(st.sampled_from([900.0, 40_000.0]))),) if ran_s > 3000 and draw(st.booleans()) else ()
        hangs = (draw(st.floats(100, 300)),) if draw(st.booleans()) else ()
        made.append(
            MadeBoot(
                began=began,
                ran_s=ran_s,
                package=draw(st.sampled_from([OLD, NEW])),
                crashed=draw(st.booleans()),
                hangs_s=hangs,
                slept=slept,
                every_s=900.0,
            )
        )
        began = made[-1].ended + draw(st.sampled_from([200.0, 5_000.0, 90_000.0]))
    return made


@given(made=pasts(), seed=st.integers(0, 2**16))
@settings(max_examples=12)
def test_order_copies_and_cuts_of_sources_change_nothing(made: list[MadeBoot], seed: int) -> None:
    chance = random.Random(seed)
    journal, messages = render_journal(made), render_syslog(made, rfc3339=True)
    items = [*logins(made), *packages([UPGRADE])]
    whole = plain(collect(items=items, journal=[text(journal)], messages=[text(messages)]))
    shuffled = list(items)
    chance.shuffle(shuffled)
    cut, other = chance.randrange(len(messages) + 1), chance.randrange(len(journal) + 1)
    parts: dict[str, Any] = {
        "messages": [text(messages[:cut]), text(messages[cut:])],
        "journal": [text(journal[:other]), text(journal[other:])],
    }
    assert plain(collect(items=shuffled, **parts)) == whole
    assert plain(collect(items=shuffled, journal=[text(journal)], messages=[text(messages)], zweitschrift=[text(messages)])) == whole


@given(made=pasts(), gone=st.sampled_from(["journal", "messages", "wtmp", "dpkg.log"]))
@settings(max_examples=25)
def test_less_sources_only_make_things_unknown(made: list[MadeBoot], gone: str) -> None:
    items = [*([] if gone == "wtmp" else logins(made)), *([] if gone == "dpkg.log" else packages([UPGRADE]))]
    logs: dict[str, Any] = {"journal": [text(render_journal(made))], "messages": [text(render_syslog(made, rfc3339=True))]}
    whole = collect(items=[*logins(made), *packages([UPGRADE])], **logs)
    logs.pop(gone, None)
    less = collect(items=items, **logs)
    assert len(whole.boots) == len(made)
    for boot in less.boots:
        (same,) = [each for each in whole.boots if abs(moment(each) - moment(boot)) <= 90]
        assert boot.covered_h <= same.covered_h + 0.001
        assert boot.boot_id in (None, same.boot_id)
        assert boot.kernel_package in (None, same.kernel_package)
        assert boot.end in (BootEnd.UNKNOWN, same.end)
        assert [hang for hang in boot.hangs if not any(abs((hang.uptime_s or 0) - (each.uptime_s or 0)) < 1 for each in same.hangs)] == []


@given(made=pasts())
@settings(max_examples=25)
def test_the_truth_is_found_again(made: list[MadeBoot]) -> None:
    history = collect(items=logins(made), journal=[text(render_journal(made))])
    assert len(history.boots) == len(made)
    for true, boot in zip(made, history.boots, strict=True):
        assert abs(moment(boot) - true.began) <= 60
        assert boot.kernel_package == true.package
        assert bool(boot.hangs) == bool(true.hangs_s)
        if not true.crashed:
            assert boot.end is BootEnd.CLEAN
            assert boot.ran_h == pytest.approx(true.ran_s / 3600, abs=1 / 60)
        elif true is not made[-1]:
            assert boot.end is BootEnd.CRASH
