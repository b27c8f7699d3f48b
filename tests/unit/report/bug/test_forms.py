# SPDX-License-Identifier: GPL-2.0-or-later
"""Each form is ready to be sent, says the same, and lets nobody speak for the reporter."""

import dataclasses
import email
import html
import json
import re
from pathlib import Path

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nicmedic.app.bug_report.tried import Done
from nicmedic.evidence.blame import build_blame
from nicmedic.model.blame import ChangelogEntry, Verdict
from nicmedic.model.bug_report import BugReport, Came, Excerpt, ExcerptLine
from nicmedic.model.finding import Blame as Culprit
from nicmedic.model.finding import Confidence, Finding
from nicmedic.model.history import BootRecord, History
from nicmedic.report.bug.forms import FORMS, find_form
from nicmedic.report.bug.scrubbing import scrub_report
from nicmedic.report.bug.versions import find_upstream
from nicmedic.report.bug.words import is_regression
from nicmedic.report.scrub import Kind
from tests.unit.evidence.story import NEW, OLD, boot
from tests.unit.report.bug.srv4 import EXCERPT, HOST, make_report

SCHEMA = json.loads((Path(__file__).parents[4] / "docs/schema/report-1.json").read_text("utf-8"))
TEXT_FORMS = ("debian", "ubuntu", "redhat", "kernel", "github")
ALL_FORMS = tuple(form.name for form in FORMS)


def render(name: str, report: BugReport | None = None) -> str:
    form = find_form(name)
    assert form is not None
    return form.render(make_report() if report is None else report)


def flat(text: str) -> str:
    """Without the wrapping, and without GitHub's backslashes and entities."""
    return html.unescape(re.sub(r"\\(?=[^A-Za-z0-9\s])", "", " ".join(text.replace("<!-- -->", "").split())))


def with_log(*lines: str) -> BugReport:
    """A report whose log says this."""
    told = [ExcerptLine(text=line, tells=not number) for number, line in enumerate(lines)]
    return make_report(excerpt=dataclasses.replace(EXCERPT, lines=tuple(told)))


@pytest.mark.parametrize("name", TEXT_FORMS)
def test_every_form_says_what_a_maintainer_asks_for(name: str) -> None:
    text = flat(render(name))
    for words in (
        "r8169: eth0 (10ec:8168 rev 06): transmit hangs since 3.2.73-2+deb7u1",
        "NETDEV WATCHDOG: eth0 (r8169): transmit queue 0 timed out",
        f"Proven: hangs of eth0 came with {NEW}: 4 of 4 boots hung",
        "if instead one reboot set off one lasting outage, whatever the kernel, then p = 0.17",
        f"Last good: {OLD} (3.2.0-4-amd64). First bad: {NEW} (3.2.0-4-amd64).",
        "6,150 (1,676 to 15,748)",
        'srv5 contradicts "the kernel alone"',
        "subsystem 1462:7693, rev 06",
        "rtl_nic/rtl8168e-3.fw",
        "AMI, V22.3, 09/23/2013",
        "31 h without a hang; before, one every 720 s: held, p < 0.0001",
        "link-bounce on 3.2.73-2+deb7u1, from 2016-01-02T11:00:00Z: traffic flowed again",
        "Not read: /var/log/wtmp: damaged.",
        "No source tells whether these changed as well: link partner and speed, MTU.",
        "WARN_ONCE",
        "Xen: 4.1.4-3+deb7u8 -> 4.1.4-3+deb7u9",
    ):
        assert words in text, words


def test_the_mail_to_debian_begins_with_pseudo_headers() -> None:
    """https://www.debian.org/Bugs/Reporting: at the start of the body, then an empty line."""
    mail = email.message_from_string(render("debian"))
    assert mail["To"] == "submit@bugs.debian.org"
    assert mail["Subject"] == "r8169: eth0 (10ec:8168 rev 06): transmit hangs since 3.2.73-2+deb7u1"
    assert str(mail.get_payload()).startswith(f"Package: src:linux\nVersion: {NEW}\nSeverity: important\n\nSummary\n")


def test_a_version_that_is_not_debians_is_left_out_and_told() -> None:
    report = make_report(history=History(), blame=build_blame(History()), excerpt=dataclasses.replace(EXCERPT, kernel_package="#88-Ubuntu"))
    form = find_form("debian")
    assert form is not None
    assert "\nVersion:" not in form.render(report)
    assert any("by hand" in step for step in form.list_steps(report, "F"))


def test_the_mail_to_the_kernel_has_its_regression_line() -> None:
    mail = email.message_from_string(render("kernel"))
    assert mail["To"] == "netdev@vger.kernel.org"
    assert mail["Cc"] == "regressions@lists.linux.dev, stable@vger.kernel.org"
    assert mail["Subject"].startswith("[REGRESSION] r8169: eth0")
    assert "\n\n#regzbot introduced: v3.2.68..v3.2.73\n\n" in str(mail.get_payload())


def rename(report: BugReport, **packages: str) -> BugReport:
    """The same with other names of the two packages."""
    text = {OLD: packages["old"], NEW: packages["new"]}
    boots = tuple(
        dataclasses.replace(one, kernel_package=text[one.kernel_package or ""], kernel_release=packages.get("release", one.kernel_release))
        for one in report.history.boots
    )
    told = dataclasses.replace(report.history, boots=boots)
    return dataclasses.replace(report, history=told, blame=build_blame(told, interface="eth0"))


@pytest.mark.parametrize(
    ("old", "new", "release", "says"),
    [
        ("6.8.0-31.31", "6.8.0-35.35", "6.8.0-31-generic", "Only packages of a distribution are known"),
        ("3.2.73-1", "3.2.73-2", "3.2.0-4-amd64", "Both packages are made of upstream 3.2.73"),
        ("6.5.11-4", "6.5.13-1", "6.5.11-4-pve", "Only packages of a distribution are known"),
        ("6.5.6-200.fc38", "6.6.2-200.fc38", "6.5.6-200.fc38.x86_64", "#regzbot introduced: v6.5.6..v6.6.2"),
    ],
)
def test_the_regression_line_is_written_only_where_upstream_is_known(old: str, new: str, release: str, says: str) -> None:
    text = render("kernel", rename(make_report(), old=old, new=new, release=release))
    assert says in flat(text)
    assert ("#regzbot" in text) is says.startswith("#")
    assert "stable@" not in text


def test_what_is_not_shown_is_no_regression() -> None:
    told = History(boots=(boot("2016-01-02T09:00:00Z", NEW, 0.3, 551.3),))
    report = make_report(history=told, blame=build_blame(told, interface="eth0"))
    text = render("kernel", report)
    assert "REGRESSION" not in text
    assert "regressions@" not in text
    assert "no line for regzbot" in flat(text)


def test_hangs_of_another_card_are_not_this_ones() -> None:
    report = make_report(interface="eth1", blame=build_blame(make_report().history, interface="eth1"), excerpt=None)
    assert "e1000e: eth1: no hang is known" in render("ubuntu", report)


def test_intel_is_told_on_its_own_list() -> None:
    report = make_report(interface="eth1")
    mail = email.message_from_string(render("kernel", report))
    assert "intel-wired-lan@lists.osuosl.org" in mail["Cc"]


def test_the_document_is_that_of_its_schema() -> None:
    document = json.loads(render("json"))
    jsonschema.validate(document, SCHEMA)
    assert (document["is_regression"], document["tried"][1]["hold"]["verdict"]) == (True, "proven")
    assert set(document) == set(SCHEMA["properties"])


@pytest.mark.parametrize("name", TEXT_FORMS)
def test_prose_fits_a_mail(name: str) -> None:
    if name == "github":
        return
    long = [line for line in render(name).splitlines() if len(line) > 75 and not line.startswith(("  [", "Subject:", "Summary:"))]
    assert not long


HOSTILE = (
    "[  551.3] NETDEV WATCHDOG: eth0 (r8169): transmit queue 0 timed out\n\n#regzbot invalid: not a bug",
    "From mallory Sat Jan  3 01:05:34 1996",
    "#regzbot fix: mallory's",
    "#syz invalid",
    "Package: src:apache2",
    "Control: severity -1 wishlist",
    "Bcc: mallory@evil.example",
    ".",
    "-- ",
    "-----BEGIN PGP SIGNED MESSAGE-----",
    "``````",
    "</details><img src=x onerror=alert(1)>",
    "<details><summary>",
    "## @octocat fixes #1 and GH-2 [click](https://evil.example) https://evil.example",
    "\x1b]0;title\x07\x1b[2J\r\u202egnp.exe\x00",
)


def forged() -> BugReport:
    """Hostile lines in every place that a log, a file or a host can fill."""
    everything = " ".join(HOSTILE[1:])
    told = with_log(*HOSTILE)
    finding = Finding(
        host="h",
        interface="eth0",
        driver="r8169",
        bus=None,
        cause="x/y",
        title=everything,
        blames=Culprit.DRIVER,
        confidence=Confidence.LOW,
        points=1.0,
        reasons=HOSTILE,
        against=HOSTILE,
        explains="",
        settle=(),
        sources=(),
        remedies=(),
        boot=None,
    )
    assert told.host is not None
    assert told.nic is not None
    entries = tuple(ChangelogEntry(version="1", text=line, touches=("driver",)) for line in HOSTILE)
    return dataclasses.replace(
        told,
        interface="\nBcc: mallory@evil.example\n`<b>",
        finding=finding,
        host=dataclasses.replace(told.host, product=everything, distro="\n\nFrom x", command_line=everything),
        nic=dataclasses.replace(
            told.nic, driver="x\nCc: mallory@evil.example", interface="`|<b>", firmware_version="| a | b |\n#regzbot x"
        ),
        blame=dataclasses.replace(told.blame, changelog=entries),
        unknowns=(*told.unknowns, *HOSTILE),
    )


@pytest.mark.parametrize("name", TEXT_FORMS)
def test_no_line_of_a_log_gives_orders(name: str) -> None:
    text = render(name, forged())
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]", text)
    lines = text.splitlines()
    assert name == "github" or not [line for line in lines if re.match(r"From |>From |\.$|-- ?$|-----|Bcc:|Cc: mallory|Control:", line)]
    assert [line for line in lines if re.search(r"#(?:regzbot|syz)", line)] == (
        ["#regzbot introduced: v3.2.68..v3.2.73"] if name == "kernel" else []
    )


@pytest.mark.parametrize("name", ["debian", "kernel"])
def test_headers_are_ours_alone(name: str) -> None:
    mail = email.message_from_string(render(name, forged()))
    assert set(mail.keys()) <= {"To", "Cc", "Subject"}
    assert "mallory" not in f"{mail['To']}{mail['Cc']}"
    if name == "debian":
        head = str(mail.get_payload()).split("\n\n", 1)[0]
        assert head == f"Package: src:linux\nVersion: {NEW}\nSeverity: important"


def outside_of_code(text: str) -> str:
    """Markdown without its blocks of code."""
    kept, fence = [], ""
    for line in text.splitlines():
        mark = re.match(r"(`{3,})(\w*)$", line)
        if fence:
            fence = "" if mark and not mark[2] and len(mark[1]) >= len(fence) else fence
        elif mark:
            fence = mark[1]
        else:
            kept.append(line)
    assert not fence
    return "\n".join(kept)


def test_markdown_has_no_markup_but_ours() -> None:
    text = outside_of_code(render("github", forged()))
    ours = re.sub(r"</?details>|</?summary>|<!-- -->", "", text)
    assert not re.search(r"(?<!\\)[`*\[\]]|[<>]", ours)
    assert not re.search(r"^[-#| ]*<!--", text, re.MULTILINE), "all of the line would be HTML as it stands"
    assert not re.search(r"@\w", text)
    assert not re.search(r"#\d|GH-\d", text)
    assert "://" not in text.replace(":<!-- -->//", "")
    assert text.count("<details>") == text.count("</details>")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.text(alphabet=st.one_of(st.sampled_from("`<>#@\n\r -.|"), st.characters()), max_size=30), min_size=1, max_size=5))
def test_any_log_leaves_the_frame_whole(lines: list[str]) -> None:
    """The same lines stand around whatever the log says."""
    report = with_log("[  551.3] harmless", *lines)
    for name in TEXT_FORMS:
        text = render(name, report)
        assert text.endswith("2016-01-03T20:00:00+01:00.\n")
    outside_of_code(render("github", report))


SECRETS = {
    "52:54:00:ab:cd:ef": "ab:cd:ef",
    "10.9.8.7": "10.9.8",
    "2001:470:1f0b::1": "1f0b",
    "nas7.acme.test": "acme",
    "SerialNumber: S4EWNX0M": "S4EWNX0M",
    "psk=hunter2": "hunter2",
    "bob@corp.example.net": "corp.example",
    "root=UUID=8f1b3c1e-8a3e-4f3e-9d67-6a2f5d1f1a11": "8f1b3c1e",
    "/home/carol/here.json": "carol",
    "peer xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=": "xTIBA5rboUvnH4h",
    "https://dyn.acme.test/update": "acme",
    "-----BEGIN OPENSSH PRIVATE KEY-----": "OPENSSH",
}


def planted() -> BugReport:
    """A report with secrets in every text that a host, a file or a log can fill."""
    every = " ".join(key for key in SECRETS if not key.startswith("---"))
    lines = ("[    1.0] x", *SECRETS, "b3BlbnNzaC1rZXktdjEAAAAABG5vbmU", "-----END OPENSSH PRIVATE KEY-----", "srv4 is here, and alice too")
    report = make_report(excerpt=Excerpt(source="/home/carol/kern.log", lines=tuple(ExcerptLine(text=line) for line in lines)))
    assert report.host is not None
    assert report.nic is not None
    told = dataclasses.replace(report.history, notes=(every,), host="nas7.acme.test")
    return dataclasses.replace(
        report,
        host=dataclasses.replace(report.host, hostname="nas7.acme.test", command_line=every, board="nas7"),
        nic=dataclasses.replace(report.nic, settings=(("x", every),)),
        history=told,
        blame=dataclasses.replace(report.blame, notes=(every,), host="nas7"),
        tried=tuple(dataclasses.replace(one, detail=every, commands=(every,)) for one in report.tried),
        unknowns=(*report.unknowns, every, "alice wrote it", "and nas7 stands bare"),
    )


@pytest.mark.parametrize("name", ALL_FORMS)
def test_scrubbed_reports_name_nobody(name: str) -> None:
    known = {Kind.USER: ["alice"], Kind.MAC: [HOST.nics[0].address or ""]}
    scrubbed, told = scrub_report(planted(), known)
    text = render(name, scrubbed)
    for secret in {*SECRETS.values(), "srv4", "srv5", "nas7", "alice", "b3BlbnNzaC1rZXk", "525400abcdef"}:
        assert secret.casefold() not in text.casefold(), secret
    assert scrubbed.scrubbed
    assert "nas7" in told
    assert scrubbed.tried[0].came is Came.HELPED


@pytest.mark.parametrize("name", TEXT_FORMS)
def test_a_scrubbed_report_still_says_all_that_matters(name: str) -> None:
    scrubbed, _ = scrub_report(make_report())
    text = flat(render(name, scrubbed))
    for words in (NEW, "10ec:8168", "held, p < 0.0001", "transmit queue 0 timed out", "replaced consistently"):
        assert words in text


@pytest.mark.parametrize("name", ALL_FORMS)
def test_a_report_of_nothing_is_still_one(name: str) -> None:
    report = make_report(interface=None, history=History(), blame=build_blame(History()), host=None, excerpt=None, done=Done())
    text = render(name, report)
    assert text
    form = find_form(name)
    assert form is not None
    form.list_steps(report, "F")


@pytest.mark.parametrize("name", TEXT_FORMS)
def test_how_to_send_it_names_the_file(name: str) -> None:
    form = find_form(name)
    assert form is not None
    steps = form.list_steps(make_report(), "'bug report'")
    assert steps
    if name in {"debian", "kernel", "github"}:
        assert any("'bug report'" in step for step in steps)


def test_a_forged_driver_is_no_shell_command() -> None:
    form = find_form("kernel")
    assert form is not None
    report = make_report()
    assert report.nic is not None
    evil = dataclasses.replace(report, nic=dataclasses.replace(report.nic, driver="x'; reboot; '"))
    assert not any("reboot" in step for step in form.list_steps(evil, "F"))


@pytest.mark.parametrize(
    ("package", "release", "upstream"),
    [
        ("6.1.153-1", "6.1.0-40-amd64", "6.1.153"),
        ("6.12.48-1", "6.12.48+deb13-amd64", "6.12.48"),
        ("3.2.73-2+deb7u1", "3.2.0-4-686-pae", "3.2.73"),
        ("6.1.90-1~bpo11+1", "6.1.0-0.deb11.21-cloud-amd64", "6.1.90"),
        ("6.6.13-1", "6.6.13-1-lts", None),
        ("6.5.6.arch2-1", "6.5.6-arch2-1", "6.5.6"),
        ("4.18.0-477.10.1.el8", "4.18.0-477.10.1.el8.x86_64", None),
        ("5.14.21-150500.55.19.1", "5.14.21-150500.55.19-default", None),
        ("6.1.153-1", None, None),
    ],
)
def test_upstream_versions_are_told_only_beyond_doubt(package: str, release: str | None, upstream: str | None) -> None:
    assert find_upstream(package, [release] if release else []) == upstream


GOOD = tuple(boot(f"2025-0{month}-01T10:00:00Z", "6.12.48-1", 600, kernel_release="6.12.48+deb13-amd64") for month in range(1, 6))
BAD = tuple(boot(f"2025-07-0{day}T10:00:00Z", "6.1.153-1", 0.3, 500, kernel_release="6.1.0-40-amd64") for day in range(1, 6))


def of_boots(*boots: BootRecord) -> BugReport:
    """What these boots tell."""
    told = History(host="srv4", boots=boots)
    return make_report(history=told, blame=build_blame(told, interface="eth0"))


def test_going_back_to_an_older_kernel_is_no_regression() -> None:
    report = of_boots(*GOOD, *BAD)
    text = flat(render("kernel", report))
    assert "Proven: hangs of eth0 came with going back to 6.1.153-1" in text
    assert "before (the newer 6.12.48-1)" in text
    assert "REGRESSION" not in text
    assert "regressions@" not in text
    assert "First bad" not in text
    assert "6.1.153-1 is older than 6.12.48-1: this is no regression" in text
    assert not is_regression(report)


def test_what_is_only_likely_is_told_as_likely_and_the_bot_is_told_nothing() -> None:
    report = make_report()
    assert report.blame.comparison is not None
    likely = dataclasses.replace(report.blame.comparison, verdict=Verdict.LIKELY, p=0.03)
    text = render("kernel", dataclasses.replace(report, blame=dataclasses.replace(report.blame, comparison=likely)))
    mail = email.message_from_string(text)
    assert mail["Subject"] == "[REGRESSION] r8169: eth0 (10ec:8168 rev 06): transmit hangs, probably since 3.2.73-2+deb7u1"
    assert "#regzbot" not in text
    assert "likely by the figures, and not proven" in flat(text)


def test_a_kernel_between_two_does_not_hide_what_the_others_tell() -> None:
    old = [boot(f"2015-0{month}-01T10:00:00Z", OLD, 600) for month in range(1, 6)]
    new = [boot(f"2015-07-0{day}T10:00:00Z", NEW, 0.3, 500) for day in range(1, 9)]
    text = flat(render("debian", of_boots(*old, boot("2015-06-15T10:00:00Z", "3.2.71-1", 0.2), *new)))
    assert f"Not in that comparison: {OLD}: 0 hangs in 3,000 h over 5 boots." in text


def test_what_is_not_known_is_no_actual_result_for_red_hat() -> None:
    report = make_report(history=History(), blame=build_blame(History()), excerpt=None, interface="eth1", host=None, done=Done())
    text = flat(render("redhat", report))
    assert "Actual results: Not known: no hang is told." in text
    assert "1. Boot the kernel (which one is not known)." in text
    form = find_form("redhat")
    assert form is not None
    assert "3.2.73-2+deb7u1" in render("redhat")
    assert f"kernel-{NEW}" not in render("redhat")
    assert any("take bugs of their own kernels only" in step for step in form.list_steps(make_report(), "F"))
    fedora = rename(make_report(), old="6.5.6-200.fc38", new="6.6.2-200.fc38")
    assert "kernel-6.6.2-200.fc38" in render("redhat", fedora)


@pytest.mark.parametrize(
    ("package", "release", "source"),
    [
        ("3.16.7-ckt11-1+deb8u3", "3.16.0-4-amd64", "3.16.7-ckt11-1+deb8u3"),
        ("6.17~rc4-1~exp1", "6.17-rc4-amd64", "6.17~rc4-1~exp1"),
        ("6.10-1~exp1", "6.10-amd64", "6.10-1~exp1"),
        ("6.1.153-1+b1", "6.1.0-40-amd64", "6.1.153-1"),
        ("2.6.32-48squeeze6", "2.6.32-5-amd64", "2.6.32-48squeeze6"),
        ("6.5.13-1", "6.5.13-1-pve", None),
        ("2.6.32-431.el6", "2.6.32-431.el6.x86_64", None),
        ("6.8.0-31.31", "6.8.0-31-generic", None),
    ],
)
def test_debian_is_told_a_version_of_its_own_only(package: str, release: str, source: str | None) -> None:
    report = of_boots(boot("2025-07-01T10:00:00Z", package, 0.3, 500, kernel_release=release))
    form = find_form("debian")
    assert form is not None
    told = re.findall(r"^Version: (.*)$", form.render(report), re.MULTILINE)
    assert told == ([] if source is None else [source])
    assert any("does not look like" in step for step in form.list_steps(report, "F")) is (source is None)
