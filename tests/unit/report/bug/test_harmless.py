# SPDX-License-Identifier: GPL-2.0-or-later
"""Text that somebody else wrote stays text, and every form stays within what its reader takes."""

import dataclasses
import re

import pytest

from nicmedic.evidence.blame import build_blame
from nicmedic.model.blame import Confounder
from nicmedic.model.bug_report import BugReport, ExcerptLine
from nicmedic.model.history import History
from nicmedic.report.bug.forms import find_form
from nicmedic.report.bug.harmless import defuse_markdown
from tests.unit.evidence.story import NEW, OLD, boot
from tests.unit.report.bug.srv4 import EXCERPT, make_report

HTML = "<img src=//evil.example/x.png> </details><h1>approved</h1>"
FROM = "From mallory Sat Jan  3 01:05:34 1996"


def render(name: str, report: BugReport) -> str:
    form = find_form(name)
    assert form is not None
    return form.render(report)


@pytest.mark.parametrize("begin", ["1. ", "2) ", "- ", "+ ", "    ", "www.x ", "\\", "--- ", "<!-- ", "&lt;"])
def test_no_beginning_makes_the_rest_of_a_line_html(begin: str) -> None:
    """CommonMark 4.6: a line that begins with a comment is HTML as it stands, and backslashes are none there."""
    text = defuse_markdown(f"{begin}{HTML}")
    assert not text.startswith("<")
    assert not re.search("[<>]", text.replace("<!-- -->", ""))
    assert not re.match(r"[-+] |\d+[.)] | ", text)


def test_a_host_and_an_interface_with_odd_names_write_no_html_on_github() -> None:
    report = make_report(excerpt=dataclasses.replace(EXCERPT, lines=(ExcerptLine(text=f"NETDEV WATCHDOG: www.x {HTML}", tells=True),)))
    differs = (Confounder(what="x", before="a", after="b"),)
    twins = tuple(dataclasses.replace(one, host=f"1. {HTML}", differences=differs) for one in report.blame.twins)
    evil = dataclasses.replace(report, interface="www.x", blame=dataclasses.replace(report.blame, twins=twins))
    outside = re.sub(r"^```text.*?^```$", "", render("github", evil), flags=re.DOTALL | re.MULTILINE)
    assert "h1&gt;" in outside
    assert "<h1" not in outside
    assert not re.search(r"^[-#| ]*<!--", outside, re.MULTILINE)


@pytest.mark.parametrize(
    "text", ["www.evil.example", "_www.evil.example/x", "x WWW.evil.example", "https://evil.example", "@octocat", "o/r#5"]
)
def test_nothing_links_or_calls_somebody(text: str) -> None:
    """What GitHub and cmark-gfm look for stands nowhere in one piece."""
    assert not re.search(r"www\.|://|@\w|#\d", defuse_markdown(text), re.IGNORECASE)


def test_an_issue_is_never_longer_than_github_takes() -> None:
    lines = tuple(ExcerptLine(text="\u202e" * 240) for _ in range(60))
    entries = tuple(f"{number} {'<' * 4000}" for number in range(20))
    report = make_report(excerpt=dataclasses.replace(EXCERPT, lines=lines))
    text = render("github", dataclasses.replace(report, unknowns=entries))
    assert len(text) + text.count("\n") <= 65_536
    assert text.count("The rest is left out") == 2
    assert text.count("\n```") == 2 * text.count("\n```text")
    assert text.count("<details>") == text.count("</details>")
    assert text.endswith("2016-01-03T20:00:00+01:00.\n")
    assert "## What was tried" in text


@pytest.mark.parametrize("name", ["debian", "kernel"])
def test_no_line_of_a_mail_is_longer_than_servers_pass_on(name: str) -> None:
    """RFC 5322 2.1.1: 998 octets, after every letter has become ASCII."""
    report = make_report(excerpt=dataclasses.replace(EXCERPT, lines=(ExcerptLine(text="\U0001f600" * 240, tells=True),)))
    assert report.host is not None
    assert report.nic is not None
    host = dataclasses.replace(report.host, command_line="a" * 3000)
    nic = dataclasses.replace(report.nic, driver="\U0001f600" * 200)
    text = render(name, dataclasses.replace(report, host=host, nic=nic))
    assert max(len(line.encode()) for line in text.splitlines()) <= 998
    assert max(len(line) for line in text.splitlines() if line.startswith("Subject:")) <= 130
    assert re.sub(r"\s", "", text).count("a" * 3000) == 1


def test_no_package_begins_the_next_mail_of_an_mbox() -> None:
    """Wherever the line is broken."""
    base = make_report()
    for length in range(70):
        package = f"{'x' * length} {FROM}"
        kernels = tuple(dataclasses.replace(one, package=package) if one.package == OLD else one for one in base.blame.kernels)
        text = render("kernel", dataclasses.replace(base, blame=dataclasses.replace(base.blame, kernels=kernels, before=package)))
        assert not [line for line in text.splitlines() if line.startswith("From ")]


def test_kernels_that_fit_no_table_have_a_sentence_each() -> None:
    old, new = "3.2.68-1+deb7u6", "6.12.48+deb13-amd64-unsigned"
    boots = (*(boot(f"2015-0{month}-01T10:00:00Z", old, 620) for month in range(1, 6)), boot("2016-01-02T09:00:00Z", new, 0.3, 551.3))
    told = History(boots=boots)
    text = render("debian", make_report(history=told, blame=build_blame(told, interface="eth0")))
    assert "\n  3.2.68-1+deb7u6: 0 of 5 hung, 0 (0 to 52) %; at risk 3,100 h;" in text


def test_kernels_of_ordinary_names_stand_in_a_table() -> None:
    told = History(boots=(boot("2015-01-01T10:00:00Z", "6.1.147-1", 620), boot("2016-01-02T09:00:00Z", "6.1.153-1", 0.3, 551.3)))
    text = render("kernel", make_report(history=told, blame=build_blame(told, interface="eth0")))
    assert re.search(r"^  package    hung    % +at risk +per 1000 h\n  6\.1\.147-1  0 of 1  ", text, re.MULTILINE)


@pytest.mark.parametrize(
    ("driver", "source"),
    [("hv_netvsc", "'drivers/net/hyperv'"), ("xen_netfront", "'drivers/net/xen-netfront.c'"), ("ice", "'drivers/net/*/ice/*'")],
)
def test_the_maintainers_are_sought_by_the_drivers_own_files(driver: str, source: str) -> None:
    """And never without any file, for get_maintainer.pl would then wait for a patch on standard input."""
    report, form = make_report(), find_form("kernel")
    assert report.nic is not None
    assert form is not None
    steps = form.list_steps(dataclasses.replace(report, nic=dataclasses.replace(report.nic, driver=driver)), "F")
    step = next(one for one in steps if "get_maintainer" in one)
    assert source in step
    assert "*ice*" not in step
    assert "-f drivers/net $(git ls-files" in step


def test_boots_that_hung_at_once_can_be_drawn() -> None:
    told = History(boots=(boot("2016-01-02T09:00:00Z", NEW, 0.3, 0.0),))
    text = render("html", make_report(history=told, blame=build_blame(told, interface="eth0")))
    assert "Time to the first hang" in text
