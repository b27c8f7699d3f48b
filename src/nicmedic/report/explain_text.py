# SPDX-License-Identifier: GPL-2.0-or-later
"""The explanation for a person: the verdict in the first line, then what happened, why, what to try, what is not known."""

from collections.abc import Iterator

from nicmedic.knowledge.base import KnowledgeBase
from nicmedic.model.explanation import Explanation
from nicmedic.model.finding import Blame
from nicmedic.report.advice import render_advice, render_command
from nicmedic.report.style import Style
from nicmedic.report.timeline import render_timeline
from nicmedic.report.verdict import group_findings, render_verdict
from nicmedic.report.words import say_count

__all__ = ["render_explain_text", "render_verdict"]

_MOST_FINDINGS = 3
_MOST_REASONS = 5
_MOST_UNKNOWNS = 3
_MOST_COMMANDS = 3


def render_explain_text(explanation: Explanation, knowledge: KnowledgeBase, style: Style) -> str:
    """The whole answer, ready to be printed."""
    sections = [
        _verdict(explanation, style),
        *render_timeline(explanation, style),
        *_why(explanation, style),
        *render_advice(explanation, knowledge, style),
        *_unknown(explanation, style),
    ]
    return "\n\n".join(section for section in sections if section) + "\n"


def _verdict(explanation: Explanation, style: Style) -> str:
    paint = ("bold", "red") if explanation.findings else ("bold", "green")
    return style.line(render_verdict(explanation), *paint)


def _why(explanation: Explanation, style: Style) -> Iterator[str]:
    if not explanation.findings:
        return
    groups = group_findings(explanation.findings)
    shown = groups if style.more else groups[:_MOST_FINDINGS]
    lines = [style.title("Why")]
    for number, group in enumerate(shown, 1):
        finding = group.finding
        blames = f"{finding.blames}, {finding.confidence} confidence"
        if finding.blames is Blame.UNKNOWN:
            blames = (
                "cause unknown" if finding.cause.endswith("/unexplained") else f"whose fault is unknown, {finding.confidence} confidence"
            )
        lead = f"{number}. " if len(shown) > 1 else ""
        lines.append(style.wrap(f"{lead}{group.title}: {finding.title} [{blames}]", first="  ", rest="     ", paint=("yellow",)))
        reasons = finding.reasons if style.more else finding.reasons[:_MOST_REASONS]
        lines += [style.wrap(reason, first="     + ", rest="       ") for reason in reasons]
        if len(reasons) < len(finding.reasons):
            more = f"… {say_count(len(finding.reasons) - len(reasons), 'more reason')}: --all shows all"
            lines.append(style.wrap(more, first="     ", rest="       "))
        lines += [style.wrap(reason, first="     - ", rest="       ") for reason in finding.against]
        if finding.explains and (number == 1 or style.more):
            lines.append(style.wrap(finding.explains, first="     "))
    if len(shown) < len(groups):
        lines.append(style.wrap(f"… {say_count(len(groups) - len(shown), 'more finding')}: --all shows all", first="  ", rest="    "))
    yield "\n".join(lines)


def _unknown(explanation: Explanation, style: Style) -> Iterator[str]:
    settle = list(dict.fromkeys(command for group in group_findings(explanation.findings)[:2] for command in group.finding.settle))
    # Where nothing was found, only what may have hidden something is worth a word: those unknowns have no command.
    unknowns = [unknown for unknown in explanation.unknowns if explanation.findings or not unknown.command]
    if not (unknowns or settle or explanation.notes):
        return
    lines = [style.title("What the log does not say, and what would settle it")]
    if settle:
        lines.append("  - Whether this is the cause:")
        lines += [render_command(command.partition("   # ")[0]) for command in (settle if style.more else settle[:_MOST_COMMANDS])]
    for unknown in unknowns if style.more else unknowns[:_MOST_UNKNOWNS]:
        command, _, remark = unknown.command.partition("   # ")
        text = f"{unknown.text} ({remark})" if remark else unknown.text
        lines.append(style.wrap(text, first="  - ", rest="    "))
        if command:
            lines.append(render_command(command))
    lines += [style.wrap(note, first="  - ", rest="    ") for note in explanation.notes]
    yield "\n".join(lines)
