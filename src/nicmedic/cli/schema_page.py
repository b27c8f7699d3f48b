# SPDX-License-Identifier: GPL-2.0-or-later
"""A page for people out of a JSON Schema: each field with its type, whether one may rely on it, and what it means."""

from collections.abc import Iterator, Mapping, Sequence
from typing import cast

__all__ = ["render_schema_page"]

Schema = Mapping[str, object]


def _maps(schema: Schema, key: str) -> Mapping[str, Schema]:
    return cast("Mapping[str, Schema]", schema.get(key, {}))


def _or_null(kind: object) -> str:
    return " or null" if isinstance(kind, list) and "null" in kind else ""


def _type(field: Schema) -> str:
    if "const" in field:
        return f"`{field['const']}`"
    if "enum" in field:
        values = cast("Sequence[str | None]", field["enum"])
        return ", ".join("null" if value is None else f"`{value}`" for value in values)
    if "$ref" in field:
        name = str(field["$ref"]).rpartition("/")[2]
        return f"[{name}](#{name})"
    if "anyOf" in field:
        return " or ".join(_type(one) for one in cast("Sequence[Schema]", field["anyOf"]))
    kind = field["type"]
    if "additionalProperties" in field:
        return f"object of {_type(cast('Schema', field['additionalProperties']))}" + _or_null(kind)
    if "items" in field:
        return f"list of {_type(cast('Schema', field['items']))}" + _or_null(kind)
    return " or ".join(cast("Sequence[str]", kind)) if not isinstance(kind, str) else kind


def _fields(schema: Schema, path: str = "") -> Iterator[str]:
    required = cast("Sequence[str]", schema.get("required", ()))
    for name, field in _maps(schema, "properties").items():
        meaning = str(field.get("description", "")).replace("|", "\\|")
        yield f"| `{path}{name}` | {_type(field)} | {'yes' if name in required else ''} | {meaning} |"
        inner = cast("Schema", field.get("items", {}))
        if inner.get("type") == "object":
            yield from _fields(inner, f"{path}{name}[].")


def _table(schema: Schema) -> Iterator[str]:
    yield from ("| field | type | required | meaning |", "|---|---|---|---|")
    yield from _fields(schema)
    yield ""


def render_schema_page(schema: Schema, made: str, file: str) -> str:
    """The page, in Markdown.

    Args:
        schema: a JSON Schema with a description at each field.
        made: the remark that it is made.
        file: where the schema stands, from the page.
    """
    lines = [f"# {schema['title']}", "", made, ""]
    lines += [f"{sentence}." for sentence in str(schema["description"]).rstrip(".").split(". ")]
    lines += ["", f"For programs the same stands in [{file}]({file}) (JSON Schema, draft 2020-12).", "", "## The document", ""]
    lines += _table(schema)
    for name, part in _maps(schema, "$defs").items():
        lines += [f"## {name}", "", str(part["description"]), "", *_table(part)]
    return "\n".join(lines).rstrip("\n") + "\n"
