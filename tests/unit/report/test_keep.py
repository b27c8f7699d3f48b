# SPDX-License-Identifier: GPL-2.0-or-later
"""Kept remedies as text and as JSON: what stands first, what is withheld, and what the schemas say."""

import dataclasses
import json
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nicmedic.model.checkup import Checkup, KeptHere, NicVerdict, Verdict
from nicmedic.model.finding import RemedyId
from nicmedic.model.host import Host
from nicmedic.model.keeping import Check, CheckWord, FileEdit, Kept, KeptState, MadeFor, OnDrift, Placement, Wish
from nicmedic.model.nic import Nic
from nicmedic.model.plan import Identity, Setting
from nicmedic.report.check_json import render_check_json
from nicmedic.report.check_text import render_check_text
from nicmedic.report.file_diff import render_diff, render_diffs
from nicmedic.report.keep_json import render_kept_json, render_verify_json
from nicmedic.report.keep_text import (
    render_kept,
    render_kept_list,
    render_notes,
    render_recovered_kept,
    render_released,
    render_verified,
    render_written,
)
from nicmedic.report.style import Style

SCHEMAS = Path(__file__).parents[3] / "docs/schema"
KEPT_SCHEMA = json.loads((SCHEMAS / "kept-1.json").read_text(encoding="utf-8"))
VERIFY_SCHEMA = json.loads((SCHEMAS / "verify-1.json").read_text(encoding="utf-8"))
EDIT = FileEdit(
    path="/etc/network/interfaces", before=b"iface eth0\n\twpa-psk hunter2\n", after=b"iface eth0\n\twpa-psk hunter2\n\tmtu 1400\n"
)
CHECK = Check(
    time="2026-11-23T06:00:00+00:00",
    boot_id="b",
    kernel_package="6.1.150-1",
    word=CheckWord.DRIFTED,
    differences=("mtu is 1500, not 1400",),
    occasion="boot",
)
KEPT = Kept(
    id=2,
    nic=Identity(interface="eth0", driver="r8169", chip="10ec:8168"),
    wishes=(
        Wish(remedy=RemedyId.MTU, argument="1400", settings=(Setting(name="mtu", value="1400"),)),
        Wish(remedy=RemedyId.EEE_OFF, settings=(Setting(name="eee.enabled", value="off"),)),
    ),
    placements=(
        Placement(
            back_end="ifupdown",
            settings=("mtu", "eee.enabled"),
            edits=(EDIT,),
            refresh=(("update-grub",),),
            takes_hold="at the next ifup",
        ),
    ),
    made_for=MadeFor(driver="r8169", chip="10ec:8168", kernel_package="6.1.148-1", kernel_release="6.1.0-40-amd64"),
    on_drift=OnDrift.ALARM,
    kept_at="2026-11-22T06:00:00+00:00",
    state=KeptState.KEPT,
    transaction=3,
    checks=(CHECK,),
    folder="/var/lib/nicmedic/kept/2",
)
EXPIRY = "kept for kernel 6.1.148-1, this is 6.1.150-1"
STYLE = Style()


def test_a_diff_shows_tabs_and_withholds_secrets() -> None:
    assert render_diff(EDIT).splitlines()[3:] == [" iface eth0", " \twpa-psk <withheld>", "+\tmtu 1400"]


def test_files_that_are_made_emptied_or_removed_are_told() -> None:
    made, empty, gone = (FileEdit(path="/etc/a", before=before, after=after) for before, after in ((None, b"x"), (None, b""), (b"", None)))
    assert render_diff(made).splitlines() == ["--- /dev/null", "+++ /etc/a", "@@ -0,0 +1,2 @@", "+x", "\\ No newline at end of file"]
    assert render_diffs((empty, gone)) == "/etc/a: an empty file is made\n/etc/a: an empty file is removed"


@given(before=st.none() | st.binary(max_size=200), after=st.none() | st.binary(max_size=200))
def test_no_bytes_break_a_diff_or_a_terminal(before: bytes | None, after: bytes | None) -> None:
    told = render_diff(FileEdit(path="/etc/\x1b[2J", before=before, after=after))
    assert not [letter for letter in told if ord(letter) < 32 and letter not in "\n\t"]
    told.encode("utf-8")


def test_what_is_to_be_written_is_shown_with_what_follows() -> None:
    text = render_written(KEPT, (), STYLE, planned=True)
    assert text.startswith("eth0: mtu:1400, eee-off is to be kept (number 2)\n")
    assert "+\tmtu 1400" in text
    assert "  update-grub" in text


def test_what_is_kept_says_where_and_how_to_be_rid_of_it() -> None:
    text = render_written(KEPT, ("A note.",), STYLE, planned=False)
    assert text.startswith("eth0: mtu:1400, eee-off is kept (number 2)\n")
    assert "  mtu, eee.enabled: ifupdown, /etc/network/interfaces; it takes hold at the next ifup\n  A note.\n" in text
    assert "nicmedic release 2" in text
    assert render_notes((), STYLE) == ""


def test_what_it_was_kept_for_names_the_release_where_the_package_is_a_mere_number() -> None:
    assert "for kernel 6.1.148-1, tried in" in render_kept_list((KEPT,), {}, STYLE)
    kept = dataclasses.replace(KEPT, made_for=MadeFor(kernel_package="#49-Ubuntu", kernel_release="6.8.0-49-generic"))
    assert "for kernel 6.8.0-49-generic (#49-Ubuntu), tried in" in render_kept_list((kept,), {}, STYLE)


def test_a_release_says_whether_something_is_left() -> None:
    assert "is to be released" in render_released(KEPT, (EDIT,), (), STYLE, planned=True)
    assert "every file is as it was already" in render_released(KEPT, (), (), STYLE, planned=True)
    released = dataclasses.replace(KEPT, state=KeptState.RELEASED)
    assert render_released(released, (), ("Told.",), STYLE, planned=False).startswith("eth0: mtu:1400, eee-off is not kept any more")
    assert "something of nicmedic is left" in render_released(KEPT, (), (), STYLE, planned=False)


def test_the_list_tells_what_expired_and_what_was_released() -> None:
    assert render_kept_list((), {}, STYLE) == "nothing is kept\n"
    released = dataclasses.replace(KEPT, id=1, state=KeptState.RELEASED, released_at="2026-11-23T00:00:00+00:00")
    assert render_kept_list((released,), {}, STYLE) == "nothing is kept; 1 remedy released\n"
    text = render_kept_list((released, KEPT, dataclasses.replace(KEPT, id=3, checks=(), transaction=None)), {2: EXPIRY}, STYLE)
    assert text.startswith("2 remedies kept\n")
    assert f"{EXPIRY}; is it still needed? nicmedic release 2 --trial" in " ".join(text.split())
    assert "never tried on this host" in text
    assert "not checked yet" in text


def test_one_is_shown_with_its_files_and_checks() -> None:
    text = render_kept(dataclasses.replace(KEPT, released_at="then"), EXPIRY, STYLE)
    assert "+\tmtu 1400" in text
    assert "(boot): drifted: mtu is 1500, not 1400" in text
    assert "  released at then\n" in text
    tried = dataclasses.replace(CHECK, word=CheckWord.IN_FORCE, differences=(), occasion="trial", note="still needed")
    assert "(trial): in_force: still needed\n" in render_kept(dataclasses.replace(KEPT, checks=(tried,)), None, STYLE)
    assert "  none yet" in render_kept(dataclasses.replace(KEPT, checks=()), None, STYLE)


@pytest.mark.parametrize(
    ("word", "first"),
    [
        (CheckWord.IN_FORCE, "is in force"),
        (CheckWord.DRIFTED, "is NOT in force"),
        (CheckWord.REPAIRED, "was not in force, and is again"),
        (CheckWord.UNKNOWN, "cannot be told"),
    ],
)
def test_a_check_says_first_how_it_stands(word: CheckWord, first: str) -> None:
    text = render_verified([(KEPT, dataclasses.replace(CHECK, word=word), EXPIRY, ("Trouble.",))], STYLE)
    assert text.startswith(f"eth0: mtu:1400, eee-off {first} (number 2)\n  mtu is 1500, not 1400\n  Trouble.\n")
    assert ("--repair" in text) is (word is CheckWord.DRIFTED)
    assert "nothing is kept" in render_verified([], STYLE)


def test_what_was_interrupted_is_told_in_a_line() -> None:
    writing = dataclasses.replace(KEPT, state=KeptState.WRITING)
    releasing = dataclasses.replace(KEPT, state=KeptState.RELEASING)
    assert render_recovered_kept(writing, (), "").endswith("was interrupted; every file is as it was\n")
    assert render_recovered_kept(releasing, (), "").endswith("was interrupted; it is released\n")
    told = render_recovered_kept(writing, ("lines 3 to 5 were edited",), "ls -l /x\nnicmedic kept")
    assert told.startswith(
        "nicmedic: CHANGED: keeping eth0: mtu:1400, eee-off (number 2) was interrupted, and cannot be ended: lines 3 to 5"
    )
    assert told.endswith("          ls -l /x\n          nicmedic kept\n")


def test_check_shows_what_is_kept_beside_the_facts_of_a_card() -> None:
    here = KeptHere(id=2, remedies=("mtu:1400", "eee-off"), kept_at="2026-11-22", expiry=EXPIRY)
    verdict = NicVerdict(
        interface="eth0", verdict=Verdict.HEALTHY, headline="works", kept=(here, dataclasses.replace(here, id=3, expiry=None))
    )
    text = render_check_text(Checkup(host=Host(nics=(Nic(interface="eth0"),)), verdicts=(verdict,)), STYLE)
    assert "  kept: mtu:1400, eee-off, since 2026-11-22 (number 2)\n" in text
    assert f"{EXPIRY}; is it still needed? nicmedic release 2 --trial" in " ".join(text.split())
    assert "nicmedic release 3" not in text


def make_checkup(*kept: KeptHere, absent: tuple[KeptHere, ...] = (), verdict: Verdict = Verdict.HEALTHY) -> Checkup:
    one = NicVerdict(interface="eth0", verdict=verdict, headline="works", kept=kept)
    return Checkup(host=Host(nics=(Nic(interface="eth0", driver="r8169"),)), verdicts=(one,), kept_absent=absent)


def test_check_says_first_what_is_not_in_force_and_names_the_card_that_is_gone() -> None:
    good = KeptHere(id=2, remedies=("eee-off",), kept_at="then", interface="eth0", word=CheckWord.IN_FORCE)
    drifted = dataclasses.replace(good, id=3, remedies=("mtu:1400",), word=CheckWord.DRIFTED, differences=("mtu is 1500, not 1400",))
    gone = dataclasses.replace(good, id=4, interface="eth7", word=CheckWord.UNKNOWN, differences=("the card is not there",))
    text = render_check_text(make_checkup(good, drifted, absent=(gone,)), STYLE)
    assert text.startswith("eth0 (r8169) is healthy, but what is kept for it is not in force: mtu:1400.\n")
    assert (
        "What is kept, and not seen to be in force\n"
        "  eth0: mtu:1400 is NOT in force (number 3): mtu is 1500, not 1400\n"
        "  eth7: eee-off cannot be told (number 4): the card is not there\n"
    ) in text
    assert "  kept: eee-off, since then (number 2)\n  kept: mtu:1400, since then (number 3), NOT in force\n" in text
    assert text.endswith("What to type next\n  nicmedic verify --repair   # sets what is kept again, with the probes to confirm it\n")
    assert "not in force: mtu:1400 (and 1 more)." in render_check_text(make_checkup(drifted, drifted), STYLE)
    assert "\x1b[1;31m  eth0: mtu:1400 is NOT in force" in render_check_text(make_checkup(drifted), Style(colour=True))


def test_check_says_nothing_more_of_what_is_in_force() -> None:
    good = KeptHere(id=2, remedies=("eee-off",), kept_at="then", interface="eth0", word=CheckWord.IN_FORCE)
    just_now = dataclasses.replace(good, word=None)
    text = render_check_text(make_checkup(good, just_now), STYLE)
    assert text.startswith("Nothing wrong is seen: eth0 is healthy.\n")
    assert "in force" not in text
    drifted = dataclasses.replace(good, word=CheckWord.DRIFTED, differences=("eee.enabled is on, not off",))
    hung = render_check_text(make_checkup(drifted, verdict=Verdict.HUNG), STYLE)
    assert hung.startswith("eth0 (r8169) works.\n")
    assert "  nicmedic explain --interface eth0\n  nicmedic verify --repair " in hung


def test_the_json_of_check_tells_it_by_its_schema() -> None:
    gone = KeptHere(
        id=4, remedies=("eee-off",), kept_at="then", interface="eth7", word=CheckWord.UNKNOWN, differences=("the card is not there",)
    )
    document = json.loads(render_check_json(make_checkup(dataclasses.replace(gone, word=None), absent=(gone,))))
    jsonschema.Draft202012Validator(json.loads((SCHEMAS / "check-1.json").read_text(encoding="utf-8"))).validate(document)
    assert document["kept_absent"] == [
        {
            "id": 4,
            "remedies": ["eee-off"],
            "kept_at": "then",
            "interface": "eth7",
            "word": "unknown",
            "differences": ["the card is not there"],
            "expiry": None,
        }
    ]
    assert document["nics"][0]["kept"][0]["word"] is None


def test_json_keeps_to_its_schemas() -> None:
    for text in (
        render_kept_json([], {}),
        render_kept_json([KEPT], {2: EXPIRY}, edits=[EDIT], notes=["x"], dry_run=True),
        render_kept_json([dataclasses.replace(KEPT, folder="")], {}, edits=[]),
    ):
        jsonschema.Draft202012Validator(KEPT_SCHEMA).validate(json.loads(text))
    text = render_verify_json([(KEPT, CHECK, None, ())])
    jsonschema.Draft202012Validator(VERIFY_SCHEMA).validate(json.loads(text))
    assert json.loads(text)["verified"][0]["busy"] is False
    assert json.loads(render_verify_json([(KEPT, CHECK, None, ())], busy=[KEPT.id]))["verified"][0]["busy"] is True


def test_the_schemas_name_every_field() -> None:
    kept, verified = json.loads(render_kept_json([KEPT], {}, edits=[EDIT])), json.loads(render_verify_json([(KEPT, CHECK, None, ())]))
    one, parts = kept["kept"][0], KEPT_SCHEMA["$defs"]
    for value, schema in (
        (kept, KEPT_SCHEMA),
        (one, parts["kept"]),
        (one["nic"], parts["nic"]),
        (one["made_for"], parts["made-for"]),
        (one["files"][0], parts["file"]),
        (one["checks"][0], parts["check"]),
        (kept["edits"][0], parts["edit"]),
        (verified, VERIFY_SCHEMA),
        (verified["verified"][0], VERIFY_SCHEMA["$defs"]["verified"]),
        (verified["verified"][0]["check"], VERIFY_SCHEMA["$defs"]["check"]),
    ):
        assert set(value) == set(schema["properties"]) == set(schema["required"])
