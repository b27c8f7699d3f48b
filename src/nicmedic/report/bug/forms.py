# SPDX-License-Identifier: GPL-2.0-or-later
"""All forms. A new one is a module and a line here."""

from nicmedic.model.bug_report import BugReport
from nicmedic.report.bug.debian import DEBIAN
from nicmedic.report.bug.document import DOCUMENT
from nicmedic.report.bug.form import Form
from nicmedic.report.bug.github import GITHUB
from nicmedic.report.bug.kernel import KERNEL
from nicmedic.report.bug.redhat import REDHAT
from nicmedic.report.bug.ubuntu import UBUNTU

__all__ = ["FORMS", "find_form"]


def _render_html(report: BugReport) -> str:
    from nicmedic.report.bug.html import render_html  # with its charts the heaviest, and the others do not need it

    return render_html(report)


_HTML = Form("html", "one page with a timeline and charts, for people", _render_html)

FORMS: tuple[Form, ...] = (DEBIAN, UBUNTU, REDHAT, KERNEL, GITHUB, _HTML, DOCUMENT)


def find_form(name: str) -> Form | None:
    """By its name."""
    return next((form for form in FORMS if form.name == name), None)
