# SPDX-License-Identifier: GPL-2.0-or-later
"""An issue on GitHub, in its Markdown: the title as a heading, what is long folded in details blocks."""

import shlex

from nicmedic.model.bug_report import BugReport
from nicmedic.report.bug.form import Form
from nicmedic.report.bug.harmless import defuse, defuse_markdown
from nicmedic.report.bug.markdown import render_markdown
from nicmedic.report.bug.sections import list_sections
from nicmedic.report.bug.words import say_title

__all__ = ["GITHUB"]


def _render(report: BugReport) -> str:
    lines = [f"# {defuse_markdown(say_title(report))}", "", *render_markdown(list_sections(report))]
    return "\n".join(lines).rstrip("\n") + "\n"


def _list_steps(report: BugReport, file: str) -> tuple[str, ...]:
    return (
        f"gh issue create --repo OWNER/NAME --title {shlex.quote(defuse(say_title(report)))} --body-file {file}",
        "or paste it: the first line becomes the title, the rest the description",
    )


GITHUB = Form("github", "an issue in Markdown", _render, _list_steps)
