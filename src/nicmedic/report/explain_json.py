# SPDX-License-Identifier: GPL-2.0-or-later
"""``nicmedic.explain/1``: the explanation for scripts. The schema is described in ``docs/explain-json.md`` and ``docs/schema/explain-1.json``."""

import json
from collections.abc import Mapping, Sequence

from nicmedic.knowledge.base import KnowledgeBase
from nicmedic.model.boot import Boot
from nicmedic.model.event import Event
from nicmedic.model.explanation import Explanation, SourceReport
from nicmedic.model.finding import Finding, Hang, RankedRemedy
from nicmedic.remedy.catalog import describe_remedy, fitting_remedies, join_cautions
from nicmedic.remedy.target import Target, build_target

__all__ = ["SCHEMA", "build_document", "render_explain_json"]

SCHEMA = "nicmedic.explain/1"


def _source(source: SourceReport) -> dict[str, object]:
    return {
        "name": source.name,
        "container": source.container,
        "containers": list(source.containers),
        "records": source.records,
        "boots": source.boots,
        "lines": source.lines,
        "unread_lines": source.unread_lines,
    }


def _boot(boot: Boot) -> dict[str, object]:
    names = (
        "index host kernel_release kernel_package distro virtualization hardware boot_id "
        "first_time last_time first_uptime_s last_uptime_s started"
    )
    return {name: getattr(boot, name) for name in names.split()}


def _event(event: Event) -> dict[str, object]:
    names = (
        "kind interface driver bus queue stall_ms uptime_s time local_time boot source line text signal hang repeated "
        "same_as speed_mbps duplex process"
    )
    return {**{name: getattr(event, name) for name in names.split()}, "dump": sorted(event.dump)}


def _hang(hang: Hang) -> dict[str, object]:
    names = "interface driver boot events began_uptime_s stall_ms queues messages warn_once"
    return {name: list(value) if isinstance(value := getattr(hang, name), tuple) else value for name in names.split()}


def _remedy(remedy: RankedRemedy, target: Target) -> dict[str, object]:
    made = describe_remedy(remedy, target)
    return {
        "id": remedy.id,
        "arguments": list(remedy.arguments),
        "title": made.title,
        "commands": list(made.commands),
        "undo": list(made.undo),
        "disruption": made.disruption,
        "worked": remedy.worked,
        "failed": remedy.failed,
        "partial": remedy.partial,
        "sources": list(remedy.sources),
        "caution": join_cautions(remedy, made),
        "look": list(made.look),
        "steps": list(made.steps),
        "undo_note": made.undo_note,
        "reasons": list(remedy.reasons),
    }


def _finding(finding: Finding, boots: Sequence[Boot], knowledge: KnowledgeBase) -> dict[str, object]:
    target = build_target(finding, boots, knowledge)
    return {
        "host": finding.host,
        "interface": finding.interface,
        "driver": finding.driver,
        "bus": finding.bus,
        "cause": finding.cause,
        "title": finding.title,
        "blames": finding.blames,
        "confidence": finding.confidence,
        "reasons": list(finding.reasons),
        "against": list(finding.against),
        "explains": finding.explains,
        "settle": list(finding.settle),
        "sources": list(finding.sources),
        "boot": finding.boot,
        "remedies": [_remedy(remedy, target) for remedy in fitting_remedies(finding.remedies, target)],
    }


def build_document(explanation: Explanation, knowledge: KnowledgeBase) -> Mapping[str, object]:
    """The document as plain values."""
    return {
        "schema": SCHEMA,
        "sources": [_source(source) for source in explanation.sources],
        "boots": [_boot(boot) for boot in explanation.boots],
        "events": [_event(event) for event in explanation.events],
        "hangs": [_hang(hang) for hang in explanation.hangs],
        "findings": [_finding(finding, explanation.boots, knowledge) for finding in explanation.findings],
        "unknowns": [{"text": unknown.text, "command": unknown.command} for unknown in explanation.unknowns],
        "notes": list(explanation.notes),
        "errors": [{"slug": error.slug, "code": error.code, "message": error.message, "hint": error.hint} for error in explanation.errors],
        "knowledge_problems": list(explanation.knowledge_problems),
    }


def render_explain_json(explanation: Explanation, knowledge: KnowledgeBase) -> str:
    """One JSON document, ASCII only: no control character of a log gets through."""
    return json.dumps(build_document(explanation, knowledge), ensure_ascii=True, indent=1)
