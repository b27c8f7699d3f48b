# SPDX-License-Identifier: GPL-2.0-or-later
"""Incidents, actions and evidence as rows, and back. Not for which rows are wanted."""

import dataclasses
import json
import zlib
from collections.abc import Mapping, Sequence

from nicmedic.model.incident import Action, Evidence, EvidenceKind, Incident
from nicmedic.model.plain import PlainError, from_plain, to_plain

__all__ = [
    "ACTION_COLUMNS",
    "EVIDENCE_COLUMNS",
    "INCIDENT_COLUMNS",
    "Packed",
    "UnreadableRowError",
    "build_action",
    "build_evidence",
    "build_facts",
    "build_incident",
    "list_action_values",
    "list_incident_values",
    "pack_evidence",
    "render_facts",
]

Packed = tuple[str, str, int, int, int, int, bytes]
"""``EVIDENCE_COLUMNS`` without the number of the incident."""

INCIDENT_COLUMNS = tuple(field.name for field in dataclasses.fields(Incident) if field.name != "actions")
ACTION_COLUMNS = ("incident", "place", *(field.name for field in dataclasses.fields(Action)))
EVIDENCE_COLUMNS = ("incident", "kind", "at", "stage", "thinned", "packed", "stored", "data")
_LISTS = frozenset({"reasons", "transactions"})
_PACKED_BY_ITSELF = b"\x1f\x8b"  # gzip


class UnreadableRowError(Exception):
    """SQLite reads it without complaint, and it is not what was written. The others are none the worse for it."""


def _to_cell(value: object) -> object:
    """What SQLite holds; names may have bytes that are no UTF-8."""
    plain = to_plain(value)
    if isinstance(plain, list):
        return json.dumps(plain)
    return plain.encode("utf-8", "backslashreplace").decode() if isinstance(plain, str) else plain


def _from_row(cls: type[Incident] | type[Action], names: Sequence[str], row: Sequence[object], **more: object) -> Incident | Action:
    try:
        data = {name: json.loads(str(cell)) if name in _LISTS else cell for name, cell in zip(names, row, strict=True)}
        return from_plain(cls, {**data, **more})
    except (PlainError, ValueError, RecursionError) as error:
        raise UnreadableRowError(f"a row of {cls.__name__.lower()} is not what was written: {error}") from None


def list_incident_values(incident: Incident) -> list[object]:
    """In the order of ``INCIDENT_COLUMNS``."""
    return [_to_cell(getattr(incident, name)) for name in INCIDENT_COLUMNS]


def build_incident(row: Sequence[object], actions: Sequence[Action]) -> Incident:
    """Out of ``INCIDENT_COLUMNS``.

    Raises:
        UnreadableRowError: it is none.
    """
    built = _from_row(Incident, INCIDENT_COLUMNS, row)
    assert isinstance(built, Incident)  # noqa: S101  # of from_plain
    return dataclasses.replace(built, actions=tuple(actions))


def list_action_values(number: int, place: int, action: Action) -> list[object]:
    """In the order of ``ACTION_COLUMNS``."""
    return [number, place, *(_to_cell(getattr(action, name)) for name in ACTION_COLUMNS[2:])]


def build_action(row: Sequence[object]) -> Action:
    """Out of ``ACTION_COLUMNS``.

    Raises:
        UnreadableRowError: it is none.
    """
    built = _from_row(Action, ACTION_COLUMNS[2:], row[2:])
    assert isinstance(built, Action)  # noqa: S101  # of from_plain
    return built


def pack_evidence(evidence: Evidence, stage: int = 0) -> Packed:
    """A piece as it is kept. The quickest compression: in the moment of a hang a few bytes matter less than milliseconds."""
    data, packed = evidence.data, 0
    if not data.startswith(_PACKED_BY_ITSELF):
        smaller = zlib.compress(data, 1)
        if len(smaller) < len(data):
            data, packed = smaller, 1
    return str(evidence.kind), str(_to_cell(evidence.at)), stage, int(evidence.thinned), packed, len(data), data


def build_evidence(row: Sequence[object]) -> Evidence:
    """Out of ``EVIDENCE_COLUMNS``.

    Raises:
        UnreadableRowError: it is none, or its bytes are not those that were kept, as far as zlib's checksum tells.
    """
    _, kind, at, _, thinned, packed, _, data = row
    try:
        if not isinstance(data, bytes) or not isinstance(at, str):
            raise UnreadableRowError(f"a piece of evidence holds {type(data).__name__} at {type(at).__name__}")
        return Evidence(kind=EvidenceKind(str(kind)), at=at, data=zlib.decompress(data) if packed else data, thinned=bool(thinned))
    except (zlib.error, ValueError) as error:
        raise UnreadableRowError(f"a piece of evidence is not what was written: {error}") from None


def render_facts(facts: Mapping[str, str]) -> str:
    """Facts of a boot."""
    return json.dumps(dict(facts))


def build_facts(cell: object) -> Mapping[str, str]:
    """The facts again.

    Raises:
        UnreadableRowError: they are none.
    """
    try:
        facts = json.loads(str(cell))
    except (ValueError, RecursionError) as error:
        raise UnreadableRowError(f"facts of a boot are not what was written: {error}") from None
    if not isinstance(facts, dict):
        raise UnreadableRowError("facts of a boot are not what was written")
    return {str(name): str(value) for name, value in facts.items()}
