# SPDX-License-Identifier: GPL-2.0-or-later
"""A bug report as one HTML file: it asks for nothing from outside, runs no script, and is read on a phone, at a desk and on paper.

The order is that of a reader who may stop at any line: the verdict first, then what it rests on, then the evidence, then what to do.
"""

import dataclasses
import xml.etree.ElementTree as ET  # only the type of an element
from collections.abc import Iterator
from typing import Final

from nicmedic.evidence.spells import find_card
from nicmedic.model.blame import Blame, Leg, NextSteps
from nicmedic.model.bug_report import BugReport, Excerpt
from nicmedic.model.history import History
from nicmedic.report.blame_words import is_backwards, say_hours, say_number, say_p
from nicmedic.report.bug.html_figures import build_rate_figures, build_timeline_figures, find_suspects
from nicmedic.report.bug.html_parts import bullets, commands, paragraph, section, subsection
from nicmedic.report.bug.html_style import STYLE
from nicmedic.report.bug.html_summary import build_cause, build_head, build_machine, build_meaning
from nicmedic.report.bug.html_tables import (
    table_changelog,
    table_confounders,
    table_kernels,
    table_packages,
    table_periods,
    table_quiet,
    table_sources,
)
from nicmedic.report.bug.html_tree import tag, write_document
from nicmedic.report.bug.html_tried import table_tried
from nicmedic.report.bug.words import say_title
from nicmedic.report.words import say_count

__all__ = ["render_html"]

_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
_MOST_LEGS: Final = 10


def _of_card(report: BugReport) -> History:
    """The history without hangs that are of another card beyond doubt."""
    card = find_card(report.history, report.interface)
    boots = (
        dataclasses.replace(boot, hangs=tuple(hang for hang in boot.hangs if card.owns(hang) is not False)) for boot in report.history.boots
    )
    return dataclasses.replace(report.history, boots=tuple(boots))


def _tests(blame: Blame) -> Iterator[str]:
    compared = blame.comparison
    if compared is None:
        return
    times = f", at least {say_number(compared.ratio.low)} times as often" if compared.ratio is not None and compared.ratio.low > 1 else ""
    where = f"on {blame.before}" if is_backwards(blame) else "before"
    outages = f"{say_count(compared.outages_suspect, 'outage')} against {compared.outages_control} {where}"
    yield f"Outages per hour at risk: {outages}{times}; exact, {say_p(compared.p_rate)}."
    yield f"Time to the first hang: log-rank test over all ways to deal out the boots, {say_p(compared.p_survival)}."
    within = "" if compared.horizon_h is None else f" (hung within {say_hours(compared.horizon_h)} or not)"
    yield f"If boots are good or bad by themselves{within}: exact, {say_p(compared.p_boots)}."
    looks = f"; it was multiplied by {compared.looks}, the changes among which this one was chosen" if compared.looks > 1 else ""
    yield f"The larger of the first and the last counts{looks}; proven is up to 0.01, likely up to 0.05."


def _build_rates(report: BugReport) -> ET.Element:
    blame = report.blame
    if not blame.kernels:
        return section("rates", "How often it hung", paragraph("Of no boot it is known which kernel ran, or there is none."))
    tests = bullets(_tests(blame))
    return section(
        "rates",
        "How often it hung",
        build_rate_figures(report),
        table_kernels(blame.kernels),
        table_quiet(blame.kernels),
        None if tests is None else subsection("Tests", tests),
    )


def _build_timeline(report: BugReport) -> ET.Element:
    if not report.history.boots:
        return section("timeline", "Timeline", paragraph("Nothing that was kept tells of a boot."))
    figures, periods = build_timeline_figures(report), table_periods(report.history, find_suspects(report.blame))
    return section("timeline", "Timeline", figures, periods, table_packages(report.history))


def _build_differences(blame: Blame) -> ET.Element:
    parts = [table_confounders(f"What changed with {blame.after}, beside the kernel.", blame.confounders)] if blame.confounders else []
    for twin in blame.twins:
        if twin.differences:
            host = twin.host or "the twin"
            parts.append(table_confounders(f"Where {host} differs from this host.", twin.differences, ("There", "Here")))
    unknown = f"Not known whether they changed: {', '.join(blame.unknown_factors)}." if blame.unknown_factors else None
    nothing = None if parts or unknown else paragraph("No source tells of anything else that changed.")
    return section("differences", "What else changed", nothing, *parts, None if unknown is None else paragraph(unknown))


def _build_changelog(blame: Blame) -> ET.Element | None:
    entries = table_changelog(blame)
    trouble = None if blame.changelog_trouble is None else paragraph(blame.changelog_trouble)
    return None if entries is None and trouble is None else section("changelog", "Changelog", trouble, entries)


def _build_tried(report: BugReport) -> ET.Element:
    return section("tried", "Remedies tried", table_tried(report.tried) or paragraph("None that nicmedic knows of."))


def _build_excerpt(excerpt: Excerpt | None) -> ET.Element:
    if excerpt is None or not excerpt.lines:
        return section("log", "Kernel log", paragraph("No log of a hang was read."))
    of = f", of a boot of {excerpt.kernel_package}" if excerpt.kernel_package is not None else ""
    more = f" {say_count(excerpt.left_out, 'further line')} of hangs or faults of this card left out." if excerpt.left_out else ""
    lines = (child for line in excerpt.lines for child in (tag("mark", line.text) if line.tells else line.text, "\n"))
    head = paragraph(f"From {excerpt.source}{of}. Lines that tell of the hang stand out.{more}", "small")
    return section("log", "Kernel log", head, tag("pre", tag("code", *lines)))


def _build_leg(leg: Leg) -> ET.Element:
    head = f"{leg.package}: {say_count(leg.boots, 'boot')} of {leg.hours:g} h. Expected: {leg.expect}"
    return tag("li", tag("p", head), commands(leg.commands))


def _build_next(steps: NextSteps) -> ET.Element:
    legs = [_build_leg(leg) for leg in steps.legs[:_MOST_LEGS]]
    more = paragraph(f"And so on, {len(steps.legs)} boots in all.") if len(steps.legs) > _MOST_LEGS else None
    whole = () if steps.command is None else (paragraph("All of it as one command:"), commands((steps.command,)))
    return section("next", "What to do next", paragraph(steps.summary), *whole, tag("ol", *legs) if legs else None, more)


def _build_unknown(report: BugReport) -> ET.Element:
    told = dict.fromkeys([*report.unknowns, *report.blame.notes, *report.history.notes])
    return section(
        "unknown", "What is not known", bullets(told) or paragraph("Nothing that would matter is missing."), table_sources(report.history)
    )


def _build_links(sections: list[ET.Element]) -> ET.Element:
    links = (tag("li", tag("a", part[0].text, href=f"#{part.get('id')}")) for part in sections)
    return tag("nav", tag("ul", *links), aria_label="Sections")


def render_html(report: BugReport) -> str:
    """The whole file; ends with a line feed. The same report gives the same bytes, with the same matplotlib or without."""
    report = dataclasses.replace(report, history=_of_card(report))
    sections = [
        section("summary", "Summary", build_meaning(report), build_cause(report), build_machine(report)),
        _build_timeline(report),
        _build_rates(report),
        _build_differences(report.blame),
        _build_changelog(report.blame),
        _build_tried(report),
        _build_excerpt(report.excerpt),
        _build_unknown(report),
        _build_next(report.blame.next_steps),
    ]
    shown = [part for part in sections if part is not None]
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=_POLICY),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("title", say_title(report)),
        tag("style", STYLE),
    )
    return write_document(tag("html", head, tag("body", build_head(report), _build_links(shown), tag("main", *shown)), lang="en"))
