# SPDX-License-Identifier: GPL-2.0-or-later
"""``nicmedic blame`` as a person and as a script get it."""

import dataclasses
import json
from pathlib import Path

import jsonschema
import pytest

from nicmedic.evidence.blame import build_blame
from nicmedic.evidence.compare import judge_hold, summarize_arm
from nicmedic.evidence.statistics.spell import Arm, Spell
from nicmedic.model.blame import Blame, ChangelogEntry, Estimate
from nicmedic.model.history import History, PackageChange
from nicmedic.report.blame_json import render_blame_json
from nicmedic.report.blame_text import render_blame_text
from nicmedic.report.blame_words import say_hold, say_interval, say_twin, summarize_blame
from nicmedic.report.style import Style
from tests.unit.evidence.story import NEW, OLD, boot, here, twin

SCHEMA = json.loads((Path(__file__).parents[3] / "docs/schema/blame-1.json").read_text("utf-8"))
STORY = (
    f"Proven: hangs of eth0 came with {NEW}: 3 of 3 boots hung, the first hang after 544 s on average; before ({OLD}): "
    "0 hangs in 3,100 h over 5 boots; p = 0.005."
)


def the_story() -> Blame:
    entries = tuple(ChangelogEntry(version=NEW, text=f"net: change {number}", touches=("core networking",)) for number in range(20))
    return dataclasses.replace(build_blame(here(), interface="eth0", twins=(twin(),)), changelog=entries)


def test_the_first_line_says_it_all() -> None:
    assert summarize_blame(the_story()) == STORY
    assert render_blame_text(the_story(), Style(one_line=True)).splitlines()[0] == STORY


def test_the_story_as_text() -> None:
    text = render_blame_text(the_story(), Style(width=100))
    flat = " ".join(text.split())
    assert "This is a change in time; the cause is whatever changed then. With the kernel came also: Xen, load," in flat
    assert "Not known whether they changed: link partner and speed, MTU." in flat
    assert (
        f'srv5 contradicts "the kernel alone": 0 hangs in 200 h over 1 boot on {NEW}; '
        "if it has such a card and hung as often as this host, p = 0.00077." in flat
    )
    assert "outages per hour at risk: 1 outage against 0 before" in flat
    assert "- load: 2 guests -> 5 guests (from one boot to the next)" in flat
    assert f" linux-image-3.2.0-4-amd64={OLD} && apt-mark hold linux-image-3.2.0-4-amd64 && reboot\n" in text
    assert "and 8 more: --json has them all" in flat
    assert "WARN_ONCE" in flat
    assert "and 8 more" not in render_blame_text(the_story(), Style(more=True))


@pytest.mark.parametrize(
    ("history", "line"),
    [
        (History(), "Not shown: no boot is covered by a log, so nothing is known of hangs."),
        (
            History(boots=(boot("2016-01-01T00:00:00Z", OLD, 5.0, 60.0),)),
            "Not shown: only one kernel package is known here; 1 of 1 watched boot hung.",
        ),
        (
            History(boots=(boot("2016-01-01T00:00:00Z", None, 5.0),)),
            "Not shown: of no boot the kernel package is known; 0 of 1 watched boot hung.",
        ),
        (
            History(boots=(boot("2016-01-01T00:00:00Z", OLD, 5.0), boot("2016-01-02T00:00:00Z", NEW, 5.0, 60.0))),
            (
                f"Not shown: that hangs came with {NEW}: 1 of 1 boot hung, the first hang after 60 s; before ({OLD}): "
                "0 hangs in 5.0 h over 1 boot; p = 0.25."
            ),
        ),
    ],
)
def test_first_lines_where_little_is_known(history: History, line: str) -> None:
    assert summarize_blame(build_blame(history)) == line
    assert " ".join(render_blame_text(build_blame(history), Style()).split()).startswith(line)


def test_on_a_narrow_terminal_the_table_of_kernels_becomes_paragraphs() -> None:
    told = render_blame_text(the_story(), Style(width=60)).partition("Kernels\n")[2].partition("\n\n")[0]
    assert max(map(len, told.splitlines())) <= 60
    assert f"  {OLD}: boots " in told
    assert f"  {NEW}: boots " in told
    assert render_blame_text(the_story(), Style(width=60, one_line=True)).partition("Kernels\n")[2].startswith("  package ")


def test_long_plans_are_cut_and_hands_in_twins_are_told() -> None:
    short = dataclasses.replace(here(), boots=here().boots[4:6])
    supporting = History(host="srv6", boots=(boot("2016-01-02T09:00:00Z", NEW, 3.0, 900.0),))
    silent = History(host=None, boots=(boot("2016-01-02T09:00:00Z", NEW, 0.01),))
    nothing = History(host="srv8")
    answer = build_blame(short, twins=(supporting, silent, nothing))
    flat = " ".join(render_blame_text(answer, Style()).split())
    assert "and so on, 7 boots in all" in flat
    assert (
        "srv6 hangs on 3.2.73-2+deb7u1 as well (1 of 1 boot hung, the first hang after 900 s), but was not watched on 3.2.68-1+deb7u6: that says "
        "nothing of the change." in flat
    )
    assert "the twin has not hung on 3.2.73-2+deb7u1, but was not watched long enough to say more" in flat
    assert "srv8 says nothing: no watched boot of it ran 3.2.73-2+deb7u1." in flat
    assert "and so on" not in render_blame_text(answer, Style(more=True))


def test_what_limits_the_verdict_stands_below_it() -> None:
    text = " ".join(render_blame_text(the_story(), Style()).split())
    caveat = "Between these hangs less than an hour of quiet was watched."
    assert f"p = 0.005. {caveat}" in text
    assert text.count(caveat) == 1
    assert json.loads(render_blame_json(the_story()))["notes"][0].startswith(caveat)


def test_a_kernel_that_nobody_watched_is_not_said_to_be_quiet() -> None:
    dark = boot("2016-01-03T00:00:00Z", NEW, 9.0, 600.0, covered_h=0.0)
    assert f"came with {NEW}: no boot was watched; before" in summarize_blame(build_blame(History(boots=(*here().boots[:5], dark))))


def test_hangs_that_are_not_shown_are_not_painted_green() -> None:
    green = ";32m"
    bad = History(boots=(boot("2016-01-01T00:00:00Z", OLD, 5.0, 60.0), boot("2016-01-02T00:00:00Z", NEW, 5.0, 60.0)))
    assert green not in render_blame_text(build_blame(bad), Style(colour=True)).splitlines()[0]
    quiet = History(boots=(boot("2016-01-01T00:00:00Z", OLD, 5.0), boot("2016-01-02T00:00:00Z", NEW, 5.0)))
    assert green in render_blame_text(build_blame(quiet), Style(colour=True)).splitlines()[0]


def test_what_came_later_is_not_called_before() -> None:
    answer = build_blame(here(), before=NEW, after=OLD)
    assert f"; on {NEW}: 3 of 3 boots hung" in summarize_blame(answer)
    assert f"0 outages against 1 on {NEW}" in " ".join(render_blame_text(answer, Style()).split())


def test_the_one_warning_a_boot_is_told_once() -> None:
    note = "these kernels print the watchdog's line once a boot only: further hangs of the same boot may be missing"
    answer = build_blame(dataclasses.replace(here(), notes=(note, "other")))
    assert note not in answer.notes
    assert answer.notes[-1] == "other"


def test_twins_that_hang_in_words() -> None:
    bad = boot("2016-01-02T09:00:00Z", NEW, 3.0, 900.0, host="srv6")
    good, worse = boot("2015-12-02T09:00:00Z", OLD, 30.0, host="srv6"), boot("2015-12-02T09:00:00Z", OLD, 3.0, 500.0, host="srv6")
    answer = build_blame(here(), twins=(History(host="srv6", boots=(good, bad)), History(host="srv7", boots=(worse, worse, bad))))
    first, second = (say_twin(one, OLD, NEW) for one in answer.twins)
    assert first.endswith(
        f'(1 of 1 boot hung, the first hang after 900 s; on {OLD}: 0 hangs in 30 h over 1 boot): that supports "the kernel".'
    )
    assert second.endswith(
        f"and on {OLD} no less (2 of 2 boots hung, the first hang after 500 s on average): that says nothing of the change."
    )


def test_text_out_of_a_log_cannot_reach_the_terminal() -> None:
    nasty = "\x1b[2J"
    boots = tuple(dataclasses.replace(one, kernel_package=f"{one.kernel_package}{nasty}", kernel_release=nasty, firmware=nasty * place)
                  for place, one in enumerate(here().boots))  # fmt: skip
    changes = (PackageChange(time="2015-12-30T00:00:00Z", package=nasty, before=nasty, after=nasty),)
    answer = build_blame(
        History(host=nasty, boots=boots, changes=changes, notes=(nasty,)), twins=(dataclasses.replace(twin(), host=f"srv5{nasty}"),)
    )
    answer = dataclasses.replace(answer, changelog_trouble=nasty)
    for style in (Style(), Style(one_line=True)):
        assert "\x1b" not in render_blame_text(answer, style)
    assert "\x1b" not in render_blame_json(answer)


@pytest.mark.parametrize(
    "history", [here(), History(), History(boots=here().boots[:2]), dataclasses.replace(here(), boots=here().boots[3:6])]
)
def test_the_json_follows_its_schema(history: History) -> None:
    answer = dataclasses.replace(build_blame(history, twins=(twin(),)), changelog=the_story().changelog)
    document = json.loads(render_blame_json(answer))
    jsonschema.validate(document, SCHEMA)
    assert document["summary"] == summarize_blame(answer)
    for name, part in (("comparison", document["comparison"]), ("next-steps", document["next_steps"])):
        assert part is None or set(part) == set(SCHEMA["$defs"][name]["properties"])
    for kernel in document["kernels"]:
        assert set(kernel) == set(SCHEMA["$defs"]["kernel"]["properties"])
    assert set(document) == set(SCHEMA["properties"])


def test_whether_it_held_in_words() -> None:
    before, after = [Spell(arm=Arm.SUSPECT, hours=0.2, hung=True)] * 10, [Spell(arm=Arm.CONTROL, hours=31.0, hung=False)]
    found = judge_hold(before, after, same_boot=True)
    assert say_hold(found, summarize_arm(before), summarize_arm(after)) == "31 h without a hang; before, one every 720 s: held, p < 0.0001"
    none = judge_hold([], after)
    assert (
        say_hold(none, summarize_arm([]), summarize_arm(after))
        == "31 h without a hang; before, none was seen: too early to tell, p unknown"
    )
    back = judge_hold(before, before[:2], same_boot=True)
    assert say_hold(back, summarize_arm(before), summarize_arm(before[:2])).startswith(
        "2 hangs in 24 min; before, one every 720 s: it did not hold"
    )


def test_intervals_without_an_end() -> None:
    assert say_interval(None) == "unknown"
    assert say_interval(Estimate(value=0.5, low=0.012, high=None)) == "500 (12 to more)"
