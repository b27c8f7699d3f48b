# SPDX-License-Identifier: GPL-2.0-or-later
"""A mail to the kernel's developers.

By Documentation/admin-guide/reporting-issues.rst and reporting-regressions.rst of Linux 6.1: plain text; what matters in the subject and the first
paragraph; the kernel, the distribution, ``uname -mi``, the card and its driver; log lines that show it. A regression's subject begins with
``[REGRESSION]``, names the last kernel that worked and the first broken one, is copied to regressions@lists.linux.dev, within one stable series also
to stable@vger.kernel.org, and has a paragraph ``#regzbot introduced: v5.13..v5.14-rc1``. That line is written only where the figures show a
regression beyond doubt, and both upstream versions are known; the bot takes it at its word.
"""

from collections.abc import Iterator

from nicmedic.model.bug_report import BugReport
from nicmedic.report.blame_words import find_kernel, is_downgrade
from nicmedic.report.bug.form import Form
from nicmedic.report.bug.harmless import defuse, to_ascii, to_mail, to_word
from nicmedic.report.bug.lists import REGRESSIONS, STABLE, find_lists, find_sources
from nicmedic.report.bug.plain import render_plain, wrap
from nicmedic.report.bug.sections import list_sections
from nicmedic.report.bug.versions import find_range, find_upstream
from nicmedic.report.bug.words import find_driver, is_proven_regression, is_regression, say_title

__all__ = ["KERNEL"]

_LONGEST_SUBJECT = 120


def _find_upstream(report: BugReport, package: str | None) -> str | None:
    kernel = find_kernel(report.blame, package)
    return None if kernel is None else find_upstream(kernel.package, kernel.releases)


def _find_range(report: BugReport) -> tuple[str, str] | None:
    if not is_proven_regression(report):
        return None
    return find_range(_find_upstream(report, report.blame.before), _find_upstream(report, report.blame.after))


def _series(version: str) -> list[str]:
    return version.lstrip("v").split(".")[:2]


def _copies(report: BugReport) -> Iterator[str]:
    yield from find_lists(find_driver(report))[1:]
    if is_regression(report):
        yield REGRESSIONS
        found = _find_range(report)
        if found is not None and _series(found[0]) == _series(found[1]):
            yield STABLE


def _subject(report: BugReport) -> str:
    mark = "[REGRESSION] " if is_regression(report) else ""
    return to_ascii(f"Subject: {mark}{defuse(say_title(report))}")[:_LONGEST_SUBJECT]


def _say_range(report: BugReport) -> Iterator[str]:
    """The line for the bot; or why there is none."""
    blame, found = report.blame, _find_range(report)
    if found is not None:
        yield f"#regzbot introduced: {found[0]}..{found[1]}"
        yield ""
        yield from wrap(
            f"These are the upstream versions of the distribution's packages {blame.before} and {blame.after}; whether the vanilla kernels differ "
            "in the same way was not tried, and nothing was bisected."
        )
    elif is_downgrade(blame):
        yield from wrap(
            f"{blame.after} is older than {blame.before}: this is no regression from one to the other, and there is no line for regzbot."
        )
    elif not is_regression(report):
        yield from wrap("That this is a regression is not shown by the figures, so there is no line for regzbot.")
    elif not is_proven_regression(report):
        yield from wrap("That this is a regression is likely by the figures, and not proven, so there is no line for regzbot.")
    else:
        upstream = _find_upstream(report, blame.before), _find_upstream(report, blame.after)
        if None not in upstream and upstream[0] == upstream[1]:
            yield from wrap(
                f"Both packages are made of upstream {upstream[0]}: the difference is in the distribution's patches, or elsewhere."
            )
        else:
            yield from wrap(
                f"Only packages of a distribution are known ({blame.before} and {blame.after}), not the upstream versions that they are made of; so "
                "there is no line for regzbot."
            )
    yield ""


def _render(report: BugReport) -> str:
    copies = list(_copies(report))
    head = [f"To: {find_lists(None)[0]}", *([f"Cc: {', '.join(copies)}"] if copies else []), _subject(report), ""]
    summary, *rest = list_sections(report)
    body = [*render_plain([summary]), "", *_say_range(report), *render_plain(rest)]
    return to_mail([*head, *body])


def _list_steps(report: BugReport, file: str) -> tuple[str, ...]:
    sources = " ".join(f"'{path}'" for path in find_sources(to_word(find_driver(report), r"[\w-]{1,40}") or "DRIVER"))
    return (
        "search first: https://lore.kernel.org/netdev/ and https://lore.kernel.org/regressions/",
        "developers will ask for the newest mainline kernel, vanilla and not tainted: try it before you send, and say so",
        f"scripts/get_maintainer.pl -f drivers/net $(git ls-files {sources})   # in a tree of the kernel: add the persons to To:",
        f"sendmail -t -i < {file}   # as plain text; lines must not be wrapped on the way",
    )


KERNEL = Form("kernel", "a mail to the kernel's developers", _render, _list_steps)
