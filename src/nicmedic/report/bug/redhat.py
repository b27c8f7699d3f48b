# SPDX-License-Identifier: GPL-2.0-or-later
"""A bug in Red Hat's Bugzilla (Fedora), in the headings of its own template; for RHEL the same text goes to issues.redhat.com.

The headings are those that bugzilla.redhat.com puts into the description: "Description of problem", "Version-Release number of selected component",
"How reproducible", "Steps to Reproduce", "Actual results", "Expected results", "Additional info". RHEL moved to issues.redhat.com in 2023
(https://gitlab.com/redhat/centos-stream/src/kernel/centos-stream-9/-/merge_requests/3387).
"""

from collections.abc import Iterator

from nicmedic.model.bug_report import BugReport
from nicmedic.report.blame_words import say_arm
from nicmedic.report.bug.form import Form
from nicmedic.report.bug.harmless import defuse, guard_line
from nicmedic.report.bug.plain import render_plain, wrap
from nicmedic.report.bug.sections import list_sections
from nicmedic.report.bug.words import find_reported_package, list_summary, say_title

__all__ = ["REDHAT"]


def _reproducible(report: BugReport) -> str:
    package = find_reported_package(report)
    kernel = next((one for one in report.blame.kernels if one.package == package and package is not None), None)
    return f"On kernel {package}: {say_arm(kernel.figures)}." if kernel is not None else "Not known."


def _answers(report: BugReport) -> Iterator[str]:
    """The template's questions, each with its answer."""
    yield "Description of problem:"
    for text in list_summary(report):
        yield from wrap(text, "- ")
    yield from ("", "Version-Release number of selected component (if applicable):")
    yield from wrap(f"kernel-{package}" if (package := find_reported_package(report)) else "not known")
    yield from ("", "How reproducible:", *wrap(_reproducible(report)))
    yield from ("", "Steps to Reproduce:", "1. Boot this kernel.", "2. Let the host run under its usual load.")
    yield from ("", "Actual results:", "The card stops transmitting; see the log below.")
    yield from ("", "Expected results:", "It goes on transmitting.")
    yield from ("", "Additional info:", "")


def _render(report: BugReport) -> str:
    rest = [section for section in list_sections(report) if section.title != "Summary"]
    lines = [f"Summary: {defuse(say_title(report))}", "", *map(guard_line, _answers(report)), *render_plain(rest)]
    return "\n".join(lines) + "\n"


def _list_steps(report: BugReport, _file: str) -> tuple[str, ...]:
    host = report.host
    if host is not None and host.distro_id == "fedora":
        version = host.distro_version or "VERSION"
        where = f"https://bugzilla.redhat.com/enter_bug.cgi?product=Fedora&version={defuse(version)}&component=kernel"
    else:
        where = "Fedora: https://bugzilla.redhat.com/enter_bug.cgi?product=Fedora&component=kernel; RHEL and CentOS Stream: https://issues.redhat.com"
    return (f"open {where}", "the line Summary: becomes the summary, all below it the description; component: kernel")


REDHAT = Form("redhat", "a bug in Red Hat's Bugzilla", _render, _list_steps)
