# SPDX-License-Identifier: GPL-2.0-or-later
"""A JSON Schema out of frozen dataclasses and what their docstrings say, for documents that tell every fact of a value. Used by ``make docs`` only.

Two hundred fields written by hand a second time would differ from the first soon.
"""

import ast
import dataclasses
import inspect
import re
import textwrap
import types
import typing
from collections.abc import Mapping
from enum import Enum

from nicmedic.model.bug_report import BugReport
from nicmedic.model.checkup import NicVerdict, Reason, Risk
from nicmedic.model.explanation import Unknown
from nicmedic.model.host import Host
from nicmedic.model.nic import Nic
from nicmedic.report.bug.document import SCHEMA as REPORT_SCHEMA
from nicmedic.report.check_json import SCHEMA

__all__ = ["build_check_schema", "build_report_schema"]

Schema = dict[str, object]
_PLAIN: Mapping[object, str] = {str: "string", int: "integer", float: "number", bool: "boolean"}
_REQUIRED_OF_REPORT = ["schema", "title", "summary", "is_regression", "made", "interface", "history", "blame", "tried", "unknowns"]
_REQUIRED_OF_NIC = ["interface", "driver", "bus", "verdict", "reasons", "manager"]


def _field_docs(cls: type) -> Mapping[str, str]:
    """The string below each field."""
    body = ast.parse(textwrap.dedent(inspect.getsource(cls))).body[0]
    assert isinstance(body, ast.ClassDef)  # noqa: S101  # source of a class
    found: dict[str, str] = {}
    name = None
    for statement in body.body:
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            name = statement.target.id
        elif name is not None and isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
            found[name] = " ".join(str(statement.value.value).replace("``", "`").split())
            name = None
    return found


def _in_words(name: str) -> str:
    return name.replace("_", " ").capitalize() + "."


class _Builder:
    """Collects the classes that are met."""

    def __init__(self) -> None:
        self.parts: dict[str, Schema] = {}

    def build(self, cls: type, *, left_out: frozenset[str] = frozenset()) -> Schema:
        hints, docs = typing.get_type_hints(cls), _field_docs(cls)
        properties = {
            field.name: {**self._of(hints[field.name]), "description": docs.get(field.name, _in_words(field.name))}
            for field in dataclasses.fields(cls)
            if field.name not in left_out
        }
        summary = " ".join((cls.__doc__ or cls.__name__).replace("``", "`").split())
        return {"type": "object", "description": summary, "properties": properties}

    def _of(self, hint: object) -> Schema:
        origin, inner = typing.get_origin(hint), typing.get_args(hint)
        if origin in (typing.Union, types.UnionType):
            return self._union(inner)
        if origin is tuple:
            return {"type": "array", "items": self._of(inner[0])}
        if origin is Mapping:
            return {"type": "object", "additionalProperties": self._of(inner[1])}
        if hint in _PLAIN:
            return {"type": _PLAIN[hint]}
        assert isinstance(hint, type)  # noqa: S101  # nothing else stands in the values
        if issubclass(hint, Enum):
            return {"enum": [member.value for member in hint]}
        name = re.sub(r"(?<!^)(?=[A-Z])", "-", hint.__name__).lower()
        if name not in self.parts:
            self.parts[name] = {}
            self.parts[name] = self.build(hint)
        return {"$ref": f"#/$defs/{name}"}

    def _union(self, hints: tuple[object, ...]) -> Schema:
        made = [self._of(hint) for hint in hints if hint is not type(None)]
        nullable = type(None) in hints
        if all(set(one) <= {"type", "items", "additionalProperties"} for one in made):
            names = [str(one["type"]) for one in made] + (["null"] if nullable else [])
            merged = {key: value for one in made for key, value in one.items()}
            return {**merged, "type": names if len(names) > 1 else names[0]}
        if len(made) == 1 and "enum" in made[0]:
            return {"enum": [*typing.cast("list[object]", made[0]["enum"]), None]} if nullable else made[0]
        return {"anyOf": [*made, {"type": "null"}]} if nullable else {"anyOf": made}


def build_check_schema() -> Schema:
    """``nicmedic.check/1``."""
    builder = _Builder()
    host = builder.build(Host, left_out=frozenset({"nics"}))
    nic, verdict = builder.build(Nic), builder.build(NicVerdict)
    for cls in (Reason, Risk, Unknown):
        builder.parts[cls.__name__.lower()] = builder.build(cls)
    fields = {**typing.cast("Schema", nic["properties"]), **typing.cast("Schema", verdict["properties"])}
    nic = {**nic, "description": "One network card: every fact, and the verdict.", "required": _REQUIRED_OF_NIC, "properties": fields}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:nicmedic:schema:check:1",
        "title": "nicmedic check --json",
        "description": (
            "One JSON document on standard output, in ASCII. Unknown is null, never a guess, and `notes` say why. "
            "Units stand in the names: `_s` seconds, `_ms` milliseconds, `_mbps` Mb/s. "
            "Fields are added freely, so ignore what you do not know; a field is changed or removed only with a new number in `schema`. "
            "Rely on the fields marked as required; the others are there as well, and may go with a new number only."
        ),
        "type": "object",
        "required": ["schema", "host", "nics"],
        "properties": {
            "schema": {"const": SCHEMA, "description": "Name and number of this schema."},
            "host": {"$ref": "#/$defs/host", "description": "The host, without its cards."},
            "nics": {"type": "array", "items": {"$ref": "#/$defs/nic"}, "description": "The cards; one only, if one was asked for."},
            "seconds_between_looks": {
                "type": ["number", "null"],
                "description": "From the first look to the last; null: there was one only.",
            },
            "notes": {"type": "array", "items": {"type": "string"}, "description": "What limits the answer."},
            "lost": {
                "type": "array",
                "items": {"$ref": "#/$defs/reason"},
                "description": "What the log of this boot tells of hangs and losses, where no card is there any more.",
            },
            "kept_absent": {
                "type": "array",
                "items": {"$ref": "#/$defs/kept-here"},
                "description": "What is kept for cards that are not there; empty, too, where it was not read, which only root may.",
            },
        },
        "$defs": {"host": host, "nic": nic, **builder.parts},
    }


def build_report_schema() -> Schema:
    """``nicmedic.report/1``."""
    builder = _Builder()
    report = builder.build(BugReport)
    said: Schema = {
        "schema": {"const": REPORT_SCHEMA, "description": "Name and number of this schema."},
        "title": {"type": "string", "description": "One line, in English."},
        "summary": {
            "type": "array",
            "items": {"type": "string"},
            "description": "What a maintainer reads first, a sentence each, in English.",
        },
        "is_regression": {
            "type": "boolean",
            "description": "Whether the figures show, proven or likely, that hangs came with a newer kernel package.",
        },
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:nicmedic:schema:report:1",
        "title": "nicmedic report --for json",
        "description": (
            "One JSON document, in ASCII: all values that the other forms of a bug report are made of. Unknown is null, never a guess. "
            "Texts are as they were read, so escape them where you show them. Units stand in the names: `_s` seconds, `_h` hours. "
            "Fields are added freely, so ignore what you do not know; a field is changed or removed only with a new number in `schema`. "
            "Rely on the fields marked as required; the others are there as well, and may go with a new number only."
        ),
        "type": "object",
        "required": _REQUIRED_OF_REPORT,
        "properties": {**said, **typing.cast("Schema", report["properties"])},
        "$defs": builder.parts,
    }
