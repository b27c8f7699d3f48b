# SPDX-License-Identifier: GPL-2.0-or-later
"""A history as a person and as a script read it."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import jsonschema

from nicmedic.model.errors import UnreadableInputError
from nicmedic.model.history import BootEnd, BootRecord, Gap, HangRecord, History, PackageChange, Source
from nicmedic.model.plain import from_plain
from nicmedic.report.history_json import build_history_document, render_history_json
from nicmedic.report.history_text import render_history_text
from nicmedic.report.style import Style

SCHEMA = Path(__file__).parents[3] / "docs/schema/history-1.json"
STYLE = Style(width=120)
OLD, NEW = "3.2.68-1+deb7u1", "3.2.73-2+deb7u1"


def boot(day: int, package: str | None, **known: object) -> BootRecord:
    values: dict[str, Any] = {
        "began": f"2016-01-{day:02d}T10:00:00Z", "began_within_s": 5.0, "ended": f"2016-01-{day:02d}T20:00:00Z", "end": BootEnd.CLEAN,
        "kernel_release": "3.2.0-4-amd64", "kernel_package": package, "ran_h": 10.0, "covered_h": 10.0, "sources": ("journal",),
    }  # fmt: skip
    return BootRecord(**{**values, **known})


HANG = HangRecord(interface="eth0", driver="r8169", began="2016-01-03T10:09:11Z", uptime_s=551.0, lines=1, warn_once=True)
HISTORY = History(
    host="srv4",
    boots=(
        boot(1, OLD),
        boot(2, OLD, gaps=(Gap(began_uptime_s=5.0, hours=2.0, why="suspended"),)),
        boot(3, NEW, hangs=(HANG,), end=BootEnd.CRASH),
        boot(4, NEW, hangs=(dataclasses.replace(HANG, uptime_s=300.0),), covered_h=4.0),
    ),
    changes=(
        PackageChange(time="2016-01-02T19:00:00Z", package="linux-image-3.2.0-4-amd64", before=OLD, after=NEW, source="dpkg.log"),
        PackageChange(
            time="2016-01-02T19:00:01Z", package="xen-hypervisor-4.1-amd64", before="4.1.4-3", after="4.1.4-4", source="dpkg.log"
        ),
        PackageChange(time="2016-01-01T11:00:00Z", package="bash", before="4.2-1", after="4.2-2", source="dpkg.log"),
    ),
    sources=(Source(name="/var/log/wtmp", trouble="damaged: 12 bytes of it are no records"),),
    notes=("the host has had several names",),
)


def text(history: History, **style: bool) -> str:
    return render_history_text(history, dataclasses.replace(STYLE, **style))


def test_the_first_line_says_the_essential() -> None:
    assert text(HISTORY).splitlines()[0] == f"srv4: 4 boots since 2016-01-01 on 2 kernels; hangs in 2 boots, all on {NEW}."
    calm = dataclasses.replace(HISTORY, boots=HISTORY.boots[:2])
    assert text(calm).splitlines()[0] == "srv4: 2 boots since 2016-01-01 on 1 kernel; no hang in the 20.0 h that a kernel log covers."
    dark = dataclasses.replace(HISTORY, boots=(boot(1, OLD, covered_h=0.0),))
    assert text(dark).splitlines()[0].endswith("whether any of them hung is not known: no kernel log covers them.")
    assert text(History()).splitlines()[0] == "Nothing that was kept tells of a boot."
    both = dataclasses.replace(HISTORY, boots=(boot(1, OLD, hangs=(HANG,)), *HISTORY.boots[2:]))
    assert f"hangs in 3 boots, on {OLD} and {NEW}." in text(both).splitlines()[0]


def test_a_line_a_boot_newest_first_with_how_it_ended_and_when_it_hung() -> None:
    lines = text(HISTORY).splitlines()
    assert lines[3] == f"  2016-01-04 10:00  {NEW}  ran 10.0 h; shut down; a log covers 4.0 h; eth0 (r8169) HUNG after 300 s"
    assert lines[4] == f"  2016-01-03 10:00  {NEW}  ran 10.0 h; ended without a shutdown; eth0 (r8169) HUNG after 551 s"
    assert lines[5].endswith("ran 10.0 h; shut down; suspended once, 2.0 h")


def test_what_changed_with_the_kernel_is_told_and_nothing_else() -> None:
    shown = text(HISTORY)
    assert f"  2016-01-03 10:00  {OLD} -> {NEW}" in shown
    assert "xen-hypervisor-4.1-amd64 4.1.4-3 -> 4.1.4-4" in shown
    assert "bash" not in shown


def test_a_change_is_told_across_boots_of_which_the_kernel_is_not_known() -> None:
    dark = (boot(2, None, kernel_release=None), boot(3, None))
    shown = text(History(boots=(boot(1, OLD), *dark, boot(4, NEW)))).partition("Where the kernel changed\n")[2]
    assert shown.splitlines()[0] == f"  2016-01-04 10:00  {OLD} -> {NEW}"
    assert "Where the kernel changed" not in text(History(boots=(*dark, boot(4, NEW))))
    other = text(History(boots=(boot(1, OLD), boot(2, None, kernel_release="6.1.0-9-amd64"))))
    assert f"{OLD} -> 6.1.0-9-amd64 (package not known)" in other


def test_what_is_not_known_is_told_as_such() -> None:
    nameless = boot(5, None, began=None, ran_h=None, end=BootEnd.UNKNOWN, covered_h=0.0, ended=None)
    shown = text(dataclasses.replace(HISTORY, boots=(*HISTORY.boots, nameless)))
    assert "date not known" in shown
    assert "3.2.0-4-amd64 (package not known)" in shown
    assert "1 boot no kernel log covers" in shown
    assert "6.0 h of the other boots are in no kernel log: unknown exposure" in shown
    assert "how 1 boot ended is not told" in shown
    assert "/var/log/wtmp: damaged" in shown
    assert "several names" in shown
    assert "(package not known)" not in shown.partition("Where the kernel changed")[2].partition("Not known")[0]


def test_a_date_that_may_be_wrong_by_half_a_day_has_no_clock() -> None:
    assert "2016-01-01 (?)" in text(History(boots=(boot(1, OLD, began_within_s=50_405.0),)))


def test_many_boots_and_packages_are_shortened_and_told_in_full_when_asked() -> None:
    many = History(boots=tuple(boot(1 + number % 28, OLD) for number in range(60)))
    assert "20 older boots: nicmedic history --all" in text(many)
    assert "older boots" not in text(many, more=True)
    changes = tuple(dataclasses.replace(HISTORY.changes[0], package=f"lib{number}") for number in range(30))
    crowded = dataclasses.replace(HISTORY, changes=changes)
    assert "and 18 further packages" in text(crowded)
    assert "lib29" in text(crowded, more=True)


def test_text_of_a_log_cannot_reach_the_terminal() -> None:
    bad = History(host="a\x1b[2J", boots=(boot(1, "1\x1b]0;x\x07"),), notes=("\x1b[31m",))
    for one_line in (False, True):
        assert "\x1b" not in text(bad, one_line=one_line)


def schema() -> dict[str, Any]:
    read: dict[str, Any] = json.loads(SCHEMA.read_text(encoding="utf-8"))
    return read


def test_the_document_follows_the_schema_and_comes_back_as_the_value() -> None:
    jsonschema.Draft202012Validator.check_schema(schema())
    for history in (HISTORY, History()):
        document = json.loads(render_history_json(history, [UnreadableInputError("no\u00e9", hint="x")]))
        jsonschema.Draft202012Validator(schema()).validate(document)
        assert from_plain(History, document["history"]) == history
    assert render_history_json(HISTORY).isascii()


def test_the_schema_names_every_field_of_the_document() -> None:
    parts, document = schema()["$defs"], build_history_document(HISTORY)
    assert set(document) == set(schema()["properties"])
    for name, cls in (("history", History), ("boot-record", BootRecord), ("gap", Gap), ("hang-record", HangRecord),
                      ("package-change", PackageChange), ("source", Source)):  # fmt: skip
        assert set(parts[name]["properties"]) == {field.name for field in dataclasses.fields(cls)}
