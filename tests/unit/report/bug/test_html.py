# SPDX-License-Identifier: GPL-2.0-or-later
"""The HTML form: one file that asks for nothing, shows no text of a log as markup, and can be read by whoever sees no charts."""

import dataclasses
import enum
import re
import sys
import types
import typing
from collections.abc import Callable, Iterator, Mapping
from html.parser import HTMLParser

import pytest

from nicmedic.evidence.blame import build_blame
from nicmedic.model.blame import Blame, Verdict
from nicmedic.model.bug_report import BugReport
from nicmedic.model.history import History
from nicmedic.report.bug.html import render_html
from nicmedic.report.bug.html_figures import NO_CHARTS
from tests.unit.evidence.story import NEW, OLD, boot, here, twin
from tests.unit.report.bug.srv4 import make_report

EVIL = """</title></style><script>alert(1)</script><img src="x" onerror='a'>&amp;$\\frac$ ]]>--><svg onload=a>\x1b[2J\u202e\x00"""
VOID = {"meta"}
SHORTENED = {"history.sources.covers_from", "history.sources.covers_to", "blame.kernels.first", "blame.kernels.last"}
REPLACED = {
    "history.boots.began",
    "history.boots.ended",
    "history.boots.hangs.began",
    "history.changes.time",
    "history.changes.transaction",
}
TOLD_BY_OTHERS = {
    *("blame.drivers", "blame.host", "blame.interface", "finding.driver", "finding.host", "finding.interface", "history.host"),
    *("history.boots.host", "history.boots.kernel_release", "history.boots.hangs.driver", "history.boots.hangs.interface"),
    *("host.distro_id", "host.distro_version", "tried.titles"),
    *(f"history.boots.{name}" for name in ("circumstances", "circumstances.key", "command_line", "firmware", "xen")),  # if they differ
}
FOR_MACHINES = {
    *("finding.bus", "finding.cause", "history.boots.boot_id", "history.boots.gaps.why", "tried.boot_id"),
    *(f"history.{name}" for name in ("boots.hangs.sources", "boots.kernel_evidence", "boots.sources", "changes.source")),
}
ADVICE = {f"finding.remedies.{name}" for name in ("arguments", "cautions", "reasons", "sources")}
LEFT_OUT = SHORTENED | REPLACED | TOLD_BY_OTHERS | FOR_MACHINES | ADVICE


class Page(HTMLParser):
    """What a browser sees of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)

    def attributes(self, name: str) -> list[str]:
        """Of all elements."""
        return [attributes[name] or "" for _, attributes in self.tags if name in attributes]

    def of(self, tag: str) -> list[dict[str, str | None]]:
        """Attributes of all elements of a kind."""
        return [attributes for name, attributes in self.tags if name == tag]

    def said(self) -> str:
        """All text, blanks as one."""
        return " ".join("".join(self.text).split())


def report_of(history: History, blame: Blame | None = None, **more: object) -> BugReport:
    known = {"made": "2016-01-04T08:00:00Z", "nicmedic": "0.1.0", "interface": "eth0", "history": history, **more}
    return BugReport(blame=blame or build_blame(history, interface="eth0", twins=(twin(),)), **known)  # type: ignore[arg-type]  # as given


def fill(hint: object, say: Callable[[str], str], place: str = "") -> object:
    """A value of a type in which every string is what is said of its place, every field is set, and every list has a member."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return fill(next(one for one in arguments if one is not type(None)), say, place)
    if origin is tuple:
        kinds = arguments[:1] if arguments[1:] == (...,) else arguments
        return tuple(fill(one, say, f"{place}.{number}" if len(kinds) > 1 else place) for number, one in enumerate(kinds))
    if origin is Mapping:
        return {fill(arguments[0], say, f"{place}.key"): fill(arguments[1], say, place)}
    assert isinstance(hint, type), hint
    if dataclasses.is_dataclass(hint):
        return hint(**{name: fill(kind, say, f"{place}.{name}".lstrip(".")) for name, kind in typing.get_type_hints(hint).items()})
    if issubclass(hint, enum.Enum):
        return list(hint)[-1 if hint is Verdict else 0]
    return say(place) if hint is str else {bool: True, int: 3, float: 1.5}[hint]


def full(say: Callable[[str], str]) -> BugReport:
    """Everything is told, by such texts; and once more with dates, where the drawing wants some."""
    report = typing.cast("BugReport", fill(BugReport, say))
    (one,), (tried,), (change,) = report.history.boots, report.tried, report.history.changes
    dated = dataclasses.replace(one, began="2016-01-02T09:00:00Z", ended="2016-01-02T12:00:00Z", began_within_s=1.0)
    history = dataclasses.replace(
        report.history, boots=(one, dated), changes=(change, dataclasses.replace(change, time="2016-01-02T10:00:00Z", transaction=None))
    )
    later = dataclasses.replace(tried, began="2016-01-02T10:00:00Z", ended="2016-01-02T11:00:00Z")
    return dataclasses.replace(report, history=history, tried=(tried, later))


def hostile(place: str) -> str:
    return EVIL


def harmless(place: str) -> str:
    return "harmless"


@pytest.fixture(params=["charts", "tables"])
def drawn(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    """With matplotlib, and as if it were not installed."""
    if request.param == "tables":
        monkeypatch.setitem(sys.modules, "matplotlib", None)
    return str(request.param) == "charts"


def test_no_text_becomes_markup(drawn: bool) -> None:
    plain, evil = Page(render_html(full(harmless))), Page(render_html(full(hostile)))
    assert [name for name, _ in evil.tags] == [name for name, _ in plain.tags]
    assert [sorted(one) for _, one in evil.tags] == [sorted(one) for _, one in plain.tags]
    assert plain.open == evil.open == []
    assert "<script>alert(1)</script>" in evil.said()
    assert bool(evil.of("svg")) == drawn


def test_no_control_or_direction_character_comes_through() -> None:
    text = render_html(full(hostile))
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", text)
    assert "\\x1b[2J\\u202e\\x00" in text


def test_each_text_of_the_report_is_on_the_page_unless_there_is_a_reason() -> None:
    places: list[str] = []

    def note(place: str) -> str:
        places.append(place)
        return f"<{place}>"

    said = Page(render_html(full(note))).said()
    missing = {place for place in places if f"<{place}" not in said}
    assert missing == LEFT_OUT


def find_addresses(page: Page) -> Iterator[str]:
    for name in ("src", "href", "xlink:href", "action", "data", "poster", "srcset", "background", "formaction"):
        yield from page.attributes(name)
    for style in page.attributes("style"):
        yield from re.findall(r"url\(([^)]*)\)", style)


def test_it_asks_for_nothing_and_runs_nothing(drawn: bool) -> None:
    text = render_html(report_of(here()))
    page = Page(text)
    assert all(address.startswith("#") for address in find_addresses(page))
    assert not {name for name, _ in page.tags} & {"script", "link", "iframe", "object", "embed", "form", "img", "base"}
    assert not [name for _, attributes in page.tags for name in attributes if name.startswith("on")]
    assert "@import" not in text
    (policy,) = [one for one in page.of("meta") if "http-equiv" in one]
    assert policy == {
        "http-equiv": "Content-Security-Policy",
        "content": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'",
    }


def test_it_says_the_verdict_first_and_has_its_parts_in_order(drawn: bool) -> None:
    said = Page(render_html(report_of(here()))).said()
    links = said.index("What to do next")
    assert said.index("Proven: hangs of eth0 came with") < links
    titles = (
        "Summary",
        "Timeline",
        "How often it hung",
        "What else changed",
        "Remedies tried",
        "Kernel log",
        "What is not known",
        "What to do next",
    )
    places = [said.index(title, links + 1) for title in titles]
    assert places == sorted(places)


def test_who_sees_no_charts_has_the_same_figures(drawn: bool) -> None:
    text = render_html(report_of(here()))
    page, said = Page(text), Page(text).said()
    assert (NO_CHARTS in said) is not drawn
    assert len(page.of("caption")) == len(page.of("table")) > 3
    assert all(one.get("scope") in ("col", "row") for one in page.of("th"))
    for svg in page.of("svg"):
        title, description = (svg["aria-labelledby"] or "").split()
        assert {title, description} <= set(page.attributes("id"))
    for word in ("6,620 (1,365 to 19,348)", "0 (0 to 1.2)", "2015-12-01 10:00", "551 s", "3,100 h of 3,100 h"):
        assert word in said


def test_headings_and_links_fit() -> None:
    page = Page(render_html(report_of(here())))
    ids = page.attributes("id")
    assert len(ids) == len(set(ids))
    for reference in [*page.attributes("href"), *page.attributes("xlink:href"), *(f"#{one}" for one in page.attributes("for"))]:
        assert reference[1:] in ids
    assert [name for name, _ in page.tags].count("h1") == 1
    assert page.of("html") == [{"lang": "en"}]


def test_the_same_report_gives_the_same_bytes(drawn: bool) -> None:
    assert render_html(report_of(here())) == render_html(report_of(here()))


def test_what_nobody_watched_is_not_called_quiet() -> None:
    """A boot that no log covers has no zero in its row."""
    dark = boot("2015-07-01T10:00:00Z", OLD, 800, covered_h=0.0)
    rows = render_html(report_of(History(boots=(dark,)))).split("<tr")
    (row,) = [one for one in rows if "2015-07-01 10:00" in one]
    assert Page(f"<tr{row.partition('</tr>')[0]}</tr>").said() == f"2015-07-01 10:00{OLD}1not knownnot known800 h0 s"


def test_hangs_of_another_card_are_left_out() -> None:
    other = boot("2016-01-03T10:00:00Z", NEW, 5.0, 300.0)
    other = dataclasses.replace(other, hangs=(dataclasses.replace(other.hangs[0], interface="eth1"),))
    history = dataclasses.replace(here(), boots=(*here().boots, other))
    rows = render_html(report_of(history)).split("<tr")
    (row,) = [one for one in rows if "2016-01-03 10:00" in one]
    assert "bad" not in row


def test_little_is_known() -> None:
    said = Page(render_html(report_of(History()))).said()
    assert "Nothing that was kept tells of a boot." in said
    assert "No log of a hang was read." in said


def test_thousands_of_boots_make_a_small_page() -> None:
    boots = []
    for number in range(2000):
        year, day, hour = 2010 + number // 500, number // 2 % 250, number % 2 * 12
        began = f"{year}-{1 + day // 25:02}-{1 + day % 25:02}T{hour:02}:00:00Z"
        package = f"6.1.{number % 12}-1"
        hours = 1.0 + number % 9
        boots.append(boot(began, package, hours, 600.0 if number % 5 == 0 else None, covered_h=hours * (number % 3) / 2))
    history = History(boots=tuple(boots))
    kernels = build_blame(dataclasses.replace(history, boots=tuple(boots[:200])), interface="eth0")
    text = render_html(report_of(history, kernels))
    assert len(text) < 3_000_000
    assert len(Page(text).of("tr")) < 250


def test_moments_are_in_utc_whatever_zone_they_were_written_in() -> None:
    report = make_report()
    local = tuple(dataclasses.replace(one, began="2016-01-02T14:00:00+01:00", ended="2016-01-02T23:30:00+01:00") for one in report.tried)
    page = render_html(dataclasses.replace(report, tried=local))
    assert "2016-01-02 13:00 to 2016-01-02 22:30" in page
    assert "2016-01-02 14:00" not in page


def test_a_log_that_names_no_cause_was_read_all_the_same() -> None:
    assert "The log that shows the hang names no cause." in render_html(make_report())
    assert "No log was read" in render_html(make_report(excerpt=None))
