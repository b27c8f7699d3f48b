# SPDX-License-Identifier: GPL-2.0-or-later
"""``nicmedic.incidents/1``: what was watched and stood still, for scripts. Described in ``docs/incidents-json.md``."""

import json
from collections.abc import Mapping, Sequence

from nicmedic.model.incident import Action, Evidence, Incident
from nicmedic.report.incidents_text import is_open, read_seconds_down

__all__ = ["SCHEMA", "build_document", "build_incident", "render_incidents_json"]

SCHEMA = "nicmedic.incidents/1"


def _action(action: Action) -> dict[str, object]:
    return {
        "what": action.what,
        "state": str(action.state),
        "began": action.began,
        "ended": action.ended,
        "transactions": list(action.transactions),
        "detail": action.detail,
    }


def _piece(number: int, evidence: Evidence) -> dict[str, object]:
    return {"number": number, "kind": str(evidence.kind), "at": evidence.at, "bytes": len(evidence.data), "thinned": evidence.thinned}


def build_incident(incident: Incident, boot_id: str | None, evidence: Sequence[Evidence] | None = None) -> Mapping[str, object]:
    """One of them as plain values.

    Args:
        incident: as it was kept.
        boot_id: of this boot: an incident of another one is not open any more.
        evidence: its pieces; None: not looked at.
    """
    return {
        "id": incident.id,
        "interface": incident.interface,
        "driver": incident.driver,
        "bus": incident.bus,
        "bus_address": incident.bus_address,
        "permanent_address": incident.permanent_address,
        "verdict": str(incident.verdict),
        "open": is_open(incident, boot_id),
        "reasons": list(incident.reasons),
        "began": incident.began,
        "began_uptime_s": incident.began_uptime_s,
        "detected": incident.detected,
        "detected_uptime_s": incident.detected_uptime_s,
        "restored": incident.restored,
        "restored_uptime_s": incident.restored_uptime_s,
        "seconds_down": read_seconds_down(incident),
        "ended": incident.ended,
        "ended_why": incident.ended_why,
        "boot_id": incident.boot_id,
        "kernel_release": incident.kernel_release,
        "kernel_package": incident.kernel_package,
        "actions": [_action(action) for action in incident.actions],
        "evidence": None if evidence is None else [_piece(number, piece) for number, piece in enumerate(evidence, 1)],
    }


def build_document(
    incidents: Sequence[Incident], boot_id: str | None, *, database: str | None, evidence: Mapping[int, Sequence[Evidence]] | None = None
) -> Mapping[str, object]:
    """The document as plain values.

    Args:
        incidents: oldest first.
        boot_id: of this boot.
        database: where they are kept; None: there is none, and nobody has watched.
        evidence: pieces, by the number of their incident.
    """
    pieces = evidence or {}
    return {
        "schema": SCHEMA,
        "database": database,
        "incidents": [build_incident(one, boot_id, None if one.id is None else pieces.get(one.id)) for one in incidents],
    }


def render_incidents_json(
    incidents: Sequence[Incident], boot_id: str | None, *, database: str | None, evidence: Mapping[int, Sequence[Evidence]] | None = None
) -> str:
    """One JSON document, ASCII only; arguments as ``build_document``."""
    document = build_document(incidents, boot_id, database=database, evidence=evidence)
    return json.dumps(document, ensure_ascii=True, indent=1, allow_nan=False)
