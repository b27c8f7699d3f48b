# SPDX-License-Identifier: GPL-2.0-or-later
"""The description of a bug on Launchpad.

``ubuntu-bug linux`` opens it with Ubuntu's own data on the running kernel (apport-bug(1)); ``apport-collect NUMBER`` adds them later. Launchpad shows
plain text as it is, and makes links of addresses and ``LP: #1``. The tags ``kernel-bug`` and ``regression-update`` are those of
https://wiki.ubuntu.com/Bugs/Tags; the second means: what worked broke with an update of a stable release.
"""

from nicmedic.model.bug_report import BugReport
from nicmedic.report.bug.form import Form
from nicmedic.report.bug.harmless import defuse
from nicmedic.report.bug.plain import render_plain
from nicmedic.report.bug.sections import list_sections
from nicmedic.report.bug.words import is_regression, say_title

__all__ = ["UBUNTU"]


def _render(report: BugReport) -> str:
    return "\n".join([f"Summary: {defuse(say_title(report))}", "", *render_plain(list_sections(report))]) + "\n"


def _list_steps(report: BugReport, _file: str) -> tuple[str, ...]:
    tags = "kernel-bug regression-update" if is_regression(report) else "kernel-bug"
    steps = [
        "search first: https://bugs.launchpad.net/ubuntu/+source/linux",
        "ubuntu-bug linux   # on the host that hangs, with the bad kernel running; it opens Launchpad",
        "there the line Summary: becomes the summary, all below it the description",
        f"tags: {tags}",
        "apport-collect NUMBER   # adds Ubuntu's own data later, if the bug was opened from elsewhere",
    ]
    host = report.host
    if host is not None and host.distro_id not in (None, "ubuntu"):
        steps.insert(0, f"this host runs {defuse(host.distro or host.distro_id or '')}, not Ubuntu")
    return tuple(steps)


UBUNTU = Form("ubuntu", "a bug on Launchpad", _render, _list_steps)
