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

_MOST = 62_000
"""Letters: GitHub refuses a longer description ("body is too long (maximum is 65536 characters)"); a browser sends two for each end of a line."""
_MOST_OF_SECTION = 20_000
"""So that one with a hostile log leaves room for the others."""
_LONGEST_TITLE = 240


def _render(report: BugReport) -> str:
    *sections, made = list_sections(report)
    lines = [f"# {defuse_markdown(say_title(report)[:_LONGEST_TITLE])}", ""]
    last = render_markdown(made)
    left = _MOST - sum(len(line) + 1 for line in [*lines, *last])
    for section in sections:
        shown = render_markdown(section, min(left, _MOST_OF_SECTION))
        length = sum(len(line) + 1 for line in shown)
        if length <= left:
            lines, left = [*lines, *shown], left - length
    return "\n".join([*lines, *last]).rstrip("\n") + "\n"


def _list_steps(report: BugReport, file: str) -> tuple[str, ...]:
    return (
        f"gh issue create --repo OWNER/NAME --title {shlex.quote(defuse(say_title(report)))} --body-file {file}",
        "or paste it: the first line becomes the title, the rest the description",
    )


GITHUB = Form("github", "an issue in Markdown", _render, _list_steps)
