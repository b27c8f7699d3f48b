# SPDX-License-Identifier: GPL-2.0-or-later
"""Incidents as text and as JSON: the first line says what is wrong now."""

import dataclasses
import json
import re
from pathlib import Path

import jsonschema
import pytest

from nicmedic.model.incident import Action, ActionState, Evidence, EvidenceKind, Incident, IncidentVerdict
from nicmedic.report.incidents_json import build_incident, render_incidents_json
from nicmedic.report.incidents_text import Moment, is_open, read_seconds_down, render_incident, render_incidents, render_unwatched
from nicmedic.report.style import Style

SCHEMA = json.loads((Path(__file__).parents[3] / "docs/schema/incidents-1.json").read_text(encoding="utf-8"))
STYLE = Style(width=100, one_line=True)
NOW = Moment(boot_id="b2", uptime_s=500.0)
V = IncidentVerdict
RESTORED = "2026-11-23T03:00:04+01:00"


def make(number: int | None = 3, **changes: object) -> Incident:
    plain = Incident(
        id=number,
        boot_id="b2",
        interface="eth0",
        driver="e1000e",
        bus="pci",
        bus_address="0000:02:00.0",
        verdict=IncidentVerdict.NIC_HUNG,
        reasons=("queue 0 holds 196 bytes and completes nothing for 0.5 s", "the carrier is there"),
        began="2026-11-23T02:59:59.500+01:00",
        began_uptime_s=260.0,
        detected="2026-11-23T03:00:00.100+01:00",
        detected_uptime_s=260.6,
        kernel_package="#1 SMP Debian 6.1.177-1",
    )
    return dataclasses.replace(plain, **changes)  # type: ignore[arg-type]  # names of its fields


HELPED = Action(
    what="restore", state=ActionState.HELPED, began="2026-11-23T03:00:01+01:00", ended=RESTORED, transactions=(4, 5), detail="link-bounce"
)
ENDED = make(2, restored=RESTORED, restored_uptime_s=264.5, ended=RESTORED, ended_why="restored", actions=(HELPED,))
PIECES = (
    Evidence(kind=EvidenceKind.SAMPLES, at="2026-11-23T03:00:00+01:00", data=b"[]" * 2000, thinned=True),
    Evidence(kind=EvidenceKind.KERNEL_LOG, at="2026-11-23T03:00:00+01:00", data=b"x\n"),
    Evidence(kind=EvidenceKind.HOST, at="2026-11-23T03:00:00+01:00", data=b"", thinned=True),
    Evidence(kind=EvidenceKind.CHANGES, at="2026-11-23T03:00:00+01:00", data=b""),
)


def first(*known: Incident) -> str:
    return render_incidents(known, NOW, STYLE, shown=known).partition("\n")[0]


# Text ------------------------------------------------------------------------------------------------------------------------


def test_the_first_line_says_what_is_wrong_now() -> None:
    assert first() == "no incidents: nothing that is watched here has stood still"
    assert first(ENDED) == ("no incident is open; the last one, 2: eth0 (e1000e) hung at 2026-11-23 02:59:59, restored after 4.5 s")
    assert first(make(), ENDED) == (
        "eth0 (e1000e) hangs since 2026-11-23 02:59:59, for 240 s (incident 3): queue 0 holds 196 bytes and completes nothing for 0.5 s"
    )
    assert first(make(3), make(4, interface="eth1", verdict=IncidentVerdict.LINK, reasons=())) == (
        "2 incidents open: 3: eth0 (e1000e) hangs since 2026-11-23 02:59:59, for 240 s; "
        "4: eth1 (e1000e) has no link that works since 2026-11-23 02:59:59, for 240 s"
    )
    assert "nicmedic install-service" in render_unwatched()


def test_of_several_open_ones_the_worst_is_told_first_and_is_the_one_to_type() -> None:
    verdicts = (V.NIC_HUNG, V.ADMINISTRATOR, V.LINK, V.HOST, V.UNSURE, V.UPSTREAM)
    known = [make(number, verdict=verdict) for number, verdict in enumerate(verdicts, 1)]
    told = render_incidents(known, NOW, STYLE, shown=known)
    line = told.partition("\n")[0]
    assert re.findall(r"(\d): eth0", line) == ["1", "5", "3", "6"]
    assert line.startswith("6 incidents open: 1: eth0 (e1000e) hangs since ")
    assert line.endswith("; and 2 more")
    assert "  nicmedic incidents 1   # all of it" in told


def test_where_nobody_watches_now_nothing_is_told_as_if_it_were_known() -> None:
    dead = dataclasses.replace(NOW, is_watched=False, last_sign="2026-11-23T03:05:00+01:00")

    def show(*known: Incident) -> list[str]:
        return render_incidents(known, dead, STYLE, shown=known).splitlines()

    lead = "nobody watches now (last sign of life 2026-11-23 03:05:00): "
    assert show() == [f"{lead}no incidents were noted", "", "  systemctl status nicmedic-watch   # why nobody watches"]
    assert show(ENDED)[0] == f"{lead}no incident was open; the last one, 2: eth0 (e1000e) hung at 2026-11-23 02:59:59, restored after 4.5 s"
    told = f"{lead}eth0 (e1000e) hung at 2026-11-23 02:59:59, open when the watcher ended (incident 3): "
    assert show(make()) == [
        f"{told}queue 0 holds 196 bytes and completes nothing for 0.5 s",
        "",
        "     3  2026-11-23 02:59:59  eth0        nic_hung       open when watch ended",
        "",
        "  systemctl status nicmedic-watch   # why nobody watches",
        "  nicmedic incidents 3   # all of it, with its evidence",
    ]
    assert show(make(3), make(4, verdict=V.LINK))[0].startswith(f"{lead}2 incidents: 3: eth0 (e1000e) hung at ")
    one = render_incident(make(), (), dead, STYLE)
    assert one.startswith(f"{lead}eth0 (e1000e) hung at 2026-11-23 02:59:59, open when the watcher ended (incident 3)\n")
    assert one.index("systemctl status nicmedic-watch") < one.index("nicmedic check eth0")
    assert "watch" not in render_incident(ENDED, (), dead, STYLE)
    assert render_incidents((), dataclasses.replace(dead, last_sign=None), STYLE, shown=()).startswith("nobody watches now: no incidents")
    for unsaid in (True, None):
        assert "nobody" not in render_incidents([make()], dataclasses.replace(dead, is_watched=unsaid), STYLE, shown=())


def test_what_cannot_be_read_is_counted() -> None:
    assert "\n  2 rows of the database cannot be read\n" in render_incidents((ENDED,), NOW, STYLE, shown=(ENDED,), count=1, unreadable=2)
    assert "\n  1 piece more cannot be read\n" in render_incident(ENDED, (), NOW, STYLE, unreadable=1)


def test_of_thousands_the_open_ones_and_the_newest_are_enough() -> None:
    told = render_incidents((make(3), ENDED), NOW, STYLE, shown=(ENDED,), count=9000)
    assert told.startswith("eth0 (e1000e) hangs since")
    assert "\n  8999 more: nicmedic incidents --last 9000\n" in told


def test_each_has_a_line_the_newest_first() -> None:
    known = (
        ENDED,
        make(3, boot_id="b1"),
        make(4, ended=RESTORED, ended_why="gone"),
        make(5, ended=RESTORED, ended_why="boot"),
        make(6),
    )
    assert render_incidents(known, NOW, STYLE, shown=known).splitlines()[2:] == [
        "     6  2026-11-23 02:59:59  eth0        nic_hung       open",
        "     5  2026-11-23 02:59:59  eth0        nic_hung       ended by a boot",
        "     4  2026-11-23 02:59:59  eth0        nic_hung       ended: the card went",
        "     3  2026-11-23 02:59:59  eth0        nic_hung       its end was not seen",
        "     2  2026-11-23 02:59:59  eth0        nic_hung       restored after 4.5 s      restore helped",
        "",
        "  nicmedic incidents 6   # all of it, with its evidence",
    ]
    assert "  4 more: nicmedic incidents --last 5\n" in render_incidents(known, NOW, STYLE, shown=known[-1:])


def test_on_a_narrow_terminal_no_line_of_the_list_is_longer_than_that() -> None:
    known = (ENDED, make(4, verdict=IncidentVerdict.UPSTREAM, reasons=("our frames leave, and the gateway does not answer",)))
    told = render_incidents(known, NOW, Style(width=60), shown=known).splitlines()
    assert max(map(len, told)) <= 60
    assert told[-3].startswith("        ")
    assert told[-3].endswith("restore helped")


def test_what_was_held_back_has_no_end() -> None:
    held = dataclasses.replace(HELPED, state=ActionState.HELD_BACK, ended=HELPED.began, transactions=(), detail="the host booted 5 s ago")
    shown = render_incident(make(actions=(held,)), (), NOW, STYLE)
    assert "restore: held back: the host booted 5 s ago" in shown
    assert "its end" not in shown


def test_an_incident_of_an_earlier_boot_is_not_open() -> None:
    assert [is_open(make(), boot_id) for boot_id in ("b2", "b1", None)] == [True, False, True]
    assert not is_open(ENDED, "b2")


def test_how_long_it_was_down_is_told_by_the_uptime() -> None:
    assert read_seconds_down(ENDED) == 4.5
    assert read_seconds_down(make()) is None
    assert read_seconds_down(make(restored_uptime_s=1.0)) == 0


def test_one_of_them_is_told_with_all_that_is_kept() -> None:
    shown = render_incident(ENDED, PIECES, NOW, STYLE)
    assert shown.splitlines() == [
        "eth0 (e1000e) hung at 2026-11-23 02:59:59, restored after 4.5 s (incident 2)",
        "",
        "What shows it",
        "  - queue 0 holds 196 bytes and completes nothing for 0.5 s",
        "  - the carrier is there",
        "",
        "When",
        "  2026-11-23T02:59:59.500+01:00  last seen to work, or the first sign",
        "  2026-11-23T03:00:00.100+01:00  noticed, 0.6 s later",
        "  2026-11-23T03:00:04+01:00  traffic flows again, 4.5 s after it began",
        "",
        "What was done",
        "  2026-11-23T03:00:01+01:00  restore: helped (transaction 4, 5): link-bounce",
        "  2026-11-23T03:00:04+01:00  restore: its end",
        "",
        "The card, then",
        "  driver   e1000e",
        "  bus      pci 0000:02:00.0",
        "  address  (unknown)",
        "  kernel   #1 SMP Debian 6.1.177-1",
        "  boot     b2",
        "",
        "Evidence",
        "  1  samples           counters of the minute before; 3 KiB, part of it given up; 2026-11-23",
        "                       03:00:00",
        "  2  kernel_log        kernel log before and at the moment; 1 KiB; 2026-11-23 03:00:00",
        "  3  host              all that was known of host and card, for nicmedic check --from; given up:",
        "                       there was no room for it; 2026-11-23 03:00:00",
        "  4  changes           what is not as at the last healthy boot; empty; 2026-11-23 03:00:00",
        "  nicmedic incidents 2 --evidence kernel_log",
        "",
        "What to type",
        "  nicmedic transactions 4   # what was changed",
        "  nicmedic transactions 5   # what was changed",
    ]


def test_of_an_open_one_it_is_told_what_to_type() -> None:
    shown = render_incident(make(reasons=()), (), Moment(), STYLE)
    assert shown.startswith("eth0 (e1000e) hangs since 2026-11-23 02:59:59 (incident 3)\n")
    assert "(nothing was noted)" in shown
    assert "\nWhat was done\n  nothing\n" in shown
    assert "\nEvidence\n  none\n" in shown
    assert "nicmedic check eth0 " in shown
    assert "nicmedic treat eth0 --ladder restore " in shown
    assert "treat" not in render_incident(make(verdict=IncidentVerdict.UPSTREAM), (), Moment(), STYLE)
    assert "nicmedic check IFACE " in render_incident(make(interface="eth0;reboot"), (), Moment(), STYLE)
    assert "--evidence samples" in render_incident(make(), PIECES[:1], Moment(), STYLE)


@pytest.mark.parametrize(("why", "told"), [("boot", "ended by a boot"), ("gone", "ended: the card went"), (None, "ended")])
def test_an_end_that_nobody_restored_is_told(why: str | None, told: str) -> None:
    shown = render_incident(make(ended=RESTORED, ended_why=why), (), NOW, STYLE)
    assert f"  {RESTORED}  {told}\n" in shown


def test_what_failed_and_stayed_changed_is_told_loudly() -> None:
    action = dataclasses.replace(HELPED, state=ActionState.CHANGED, transactions=(), detail="", ended=None)
    assert "restore: CHANGED: it failed, and could not be undone\n" in render_incident(make(actions=(action,)), (), NOW, STYLE)


def test_an_undo_that_failed_is_told_before_all_else_and_typed_first() -> None:
    changed = dataclasses.replace(HELPED, state=ActionState.CHANGED, transactions=(12,))
    told = render_incident(make(actions=(HELPED, changed)), (), NOW, STYLE)
    assert told.startswith("restore failed and could not be undone, the card was left CHANGED (transaction 12); eth0 (e1000e) hangs since ")
    assert told.partition("What to type\n")[2].splitlines() == [
        "  nicmedic transactions 12   # its undo failed: what is left to type",
        "  nicmedic check eth0                     # what it does now",
        "  nicmedic treat eth0 --ladder restore    # have it send again; undone unless it helps",
        "  nicmedic transactions 4   # what was changed",
        "  nicmedic transactions 5   # what was changed",
    ]
    unnumbered = dataclasses.replace(changed, transactions=())
    assert "\n  nicmedic transactions   # its undo failed" in render_incident(make(actions=(unnumbered,)), (), NOW, STYLE)


def test_nothing_of_a_log_reaches_the_terminal_as_it_is() -> None:
    bad = "x\x1b[2J\u202e"
    action = dataclasses.replace(HELPED, what=bad, detail=bad, began=bad)
    incident = make(
        interface=bad, driver=bad, bus_address=bad, permanent_address=bad, reasons=(bad,), began=bad, detected=bad, restored=bad, ended=bad,
        ended_why=bad, kernel_package=bad, boot_id=bad, actions=(action,),
    )  # fmt: skip
    piece = Evidence(kind=EvidenceKind.SAMPLES, at=bad, data=b"x")
    for told in (
        render_incident(incident, (piece,), NOW, STYLE),
        render_incidents((incident,), NOW, STYLE, shown=(incident,)),
        render_incidents((make(interface=bad, reasons=(bad,)),), NOW, STYLE, shown=()),
    ):
        assert "\x1b" not in told
        assert "\u202e" not in told


# JSON ------------------------------------------------------------------------------------------------------------------------


def test_the_document_fits_its_schema() -> None:
    validator = jsonschema.Draft202012Validator(SCHEMA)
    for text in (
        render_incidents_json((), None, database=None),
        render_incidents_json((ENDED, make()), "b2", database="/var/lib/nicmedic/incidents.db"),
        render_incidents_json((ENDED, make(None, reasons=("\x1b[2J",))), "b2", database="/x", evidence={2: PIECES}),
    ):
        validator.validate(json.loads(text))
        assert text.isascii()
    document = json.loads(text)
    assert [one["open"] for one in document["incidents"]] == [False, True]
    assert document["incidents"][0]["seconds_down"] == 4.5
    assert [(piece["number"], piece["kind"], piece["bytes"]) for piece in document["incidents"][0]["evidence"]][:2] == [
        (1, "samples", 4000),
        (2, "kernel_log", 2),
    ]
    assert document["incidents"][1]["evidence"] is None
    assert set(build_incident(make(), None)) == set(SCHEMA["$defs"]["incident"]["required"])
