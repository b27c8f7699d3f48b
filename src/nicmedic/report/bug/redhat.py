# SPDX-License-Identifier: GPL-2.0-or-later
"""A bug in Red Hat's Bugzilla (Fedora), in the headings of its own template; for RHEL the same text goes to issues.redhat.com.

The headings are those that bugzilla.redhat.com puts into the description: "Description of problem", "Version-Release number of selected component",
"How reproducible", "Steps to Reproduce", "Actual results", "Expected results", "Additional info". RHEL moved to issues.redhat.com in 2023
(https://gitlab.com/redhat/centos-stream/src/kernel/centos-stream-9/-/merge_requests/3387).
"""

import re
from collections.abc import Iterator
from typing import Final

from nicmedic.model.bug_report import BugReport
from nicmedic.report.blame_words import say_arm
from nicmedic.report.bug.form import Form
from nicmedic.report.bug.harmless import defuse, guard_line
from nicmedic.report.bug.plain import render_plain, wrap
from nicmedic.report.bug.sections import list_sections
from nicmedic.report.bug.words import find_reported_package, list_summary, say_actual, say_title

__all__ = ["REDHAT"]

_RPM: Final = re.compile(r"\.(?:fc|el|eln|amzn)\d+", re.ASCII)
"""In a version of Fedora's or of Red Hat's kin."""
_KIN: Final = frozenset({"fedora", "rhel", "centos", "rocky", "almalinux", "ol"})


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
    package = find_reported_package(report)
    yield from wrap("not known" if package is None else f"kernel-{package}" if _RPM.search(package) else package)
    yield from ("", "How reproducible:", *wrap(_reproducible(report)))
    yield from (
        "",
        "Steps to Reproduce:",
        f"1. Boot {'this kernel' if package else 'the kernel (which one is not known)'}.",
        "2. Let the host run under its usual load.",
    )
    yield from ("", "Actual results:", *wrap(say_actual(report)))
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
    steps = [f"open {where}", "the line Summary: becomes the summary, all below it the description; component: kernel"]
    if host is not None and host.distro_id is not None and host.distro_id not in _KIN:
        steps.insert(0, f"this host runs {defuse(host.distro or host.distro_id)}: Fedora and Red Hat take bugs of their own kernels only")
    return tuple(steps)


REDHAT = Form("redhat", "a bug in Red Hat's Bugzilla", _render, _list_steps)
