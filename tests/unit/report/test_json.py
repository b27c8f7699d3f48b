# SPDX-License-Identifier: GPL-2.0-or-later
"""What scripts read follows the published schemas."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from nicmedic.model.event import EventKind
from nicmedic.model.finding import Blame, RemedyId
from nicmedic.remedy.recipe import DISRUPTIONS
from nicmedic.report.explain_json import build_document, render_explain_json
from nicmedic.report.knowledge_text import render_driver_json, render_driver_list_json
from nicmedic.testing.answers import explain_bytes, explain_sample, shipped_knowledge
from nicmedic.testing.samples import SAMPLES

ROOT = Path(__file__).parents[3]
REQUIRED = {
    "source": "name container records boots unread_lines",
    "boot": "index host kernel_release kernel_package distro virtualization first_time last_time last_uptime_s",
    "event": "kind interface driver bus queue stall_ms uptime_s time boot source line text",
    "finding": "interface driver cause title blames confidence reasons remedies",
    "remedy": "id title commands undo disruption worked failed sources caution",
}


def load(name: str) -> dict[str, Any]:
    """A published schema."""
    schema: dict[str, Any] = json.loads((ROOT / "docs/schema" / name).read_text(encoding="utf-8"))
    return schema


def validator(name: str) -> jsonschema.Draft202012Validator:
    """A published schema, with its formats checked."""
    schema = load(name)
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema, format_checker=jsonschema.FormatChecker())


def complaints(name: str, text: str) -> list[str]:
    """What is wrong with a document."""
    return [f"{error.json_path}: {error.message}" for error in validator(name).iter_errors(json.loads(text))]


@pytest.mark.parametrize("name", SAMPLES)
def test_the_answer_to_every_made_up_log_follows_the_schema(name: str) -> None:
    assert complaints("explain-1.json", render_explain_json(explain_sample(name), shipped_knowledge())) == []


def test_the_answer_to_the_example_follows_the_schema() -> None:
    explanation = explain_bytes((ROOT / "examples/srv4-kern.log").read_bytes())
    assert complaints("explain-1.json", render_explain_json(explanation, shipped_knowledge())) == []
    assert [event.kind for event in explanation.events] == ["tx_timeout"]


def test_what_the_design_promises_is_required_by_the_schema() -> None:
    parts = load("explain-1.json")["$defs"]
    assert {name: set(parts[name]["required"]) for name in REQUIRED} == {name: set(words.split()) for name, words in REQUIRED.items()}


@pytest.mark.parametrize("file", ["check-1.json", "explain-1.json", "knowledge-show-1.json", "snapshot-1.json"])
def test_every_field_of_the_schema_says_its_type_and_what_it_means(file: str) -> None:
    schema = load(file)
    poor = [
        f"{name}.{key}"
        for name, part in {"": schema, **schema["$defs"]}.items()
        for key, field in part["properties"].items()
        if not field.get("description") or not {"type", "const", "enum", "anyOf", "$ref"} & field.keys()
    ]
    assert poor == []


def test_the_schema_names_every_field_of_the_document() -> None:
    schema = load("explain-1.json")
    document = json.loads(json.dumps(build_document(explain_sample("debian-12-r8169"), shipped_knowledge())))
    parts = schema["$defs"]
    shown = {
        "source": document["sources"][0],
        "boot": document["boots"][0],
        "event": document["events"][0],
        "hang": document["hangs"][0],
        "finding": document["findings"][0],
        "remedy": document["findings"][0]["remedies"][0],
    }
    assert set(document) == set(schema["properties"])
    assert {name: set(value) for name, value in shown.items()} == {name: set(parts[name]["properties"]) for name in shown}


def test_hostile_text_stays_within_ascii_and_json() -> None:
    text = render_explain_json(explain_sample("hostile-names"), shipped_knowledge())
    assert text.isascii()
    assert "\x1b" not in text


def test_events_in_several_boots_refer_to_boots_that_are_there() -> None:
    document = json.loads(render_explain_json(explain_sample("many-boots"), shipped_knowledge()))
    assert {event["boot"] for event in document["events"]} == {boot["index"] for boot in document["boots"]} == set(range(6))


def test_errors_stand_in_the_document_with_slug_and_code() -> None:
    document = json.loads(render_explain_json(explain_sample("empty"), shipped_knowledge()))
    assert [(error["slug"], error["code"]) for error in document["errors"]] == [("empty-input", 12)]
    assert document["findings"] == []


@pytest.mark.parametrize("name", shipped_knowledge().file_names)
def test_what_is_known_of_a_driver_follows_the_schema(name: str) -> None:
    assert complaints("knowledge-show-1.json", render_driver_json(shipped_knowledge().read_file(name))) == []


def test_the_list_of_drivers_follows_the_schema() -> None:
    drivers = [shipped_knowledge().read_file(name) for name in shipped_knowledge().file_names]
    text = render_driver_list_json(drivers)
    assert complaints("knowledge-show-1.json", text) == []
    assert {"r8169", "core", "platform"} <= {row["name"] for row in json.loads(text)["drivers"]}


def test_the_words_of_the_schema_are_those_of_the_code() -> None:
    parts = load("explain-1.json")["$defs"]
    assert parts["remedy"]["properties"]["id"]["enum"] == list(RemedyId)
    assert parts["remedy"]["properties"]["disruption"]["enum"] == list(DISRUPTIONS)
    assert parts["event"]["properties"]["kind"]["enum"] == list(EventKind)
    assert parts["finding"]["properties"]["blames"]["enum"] == list(Blame)
    driver = load("knowledge-show-1.json")["$defs"]["driver"]["properties"]
    assert driver["tried"]["items"]["properties"]["remedy"]["enum"] == list(RemedyId)
    assert driver["signals"]["items"]["properties"]["kind"]["enum"] == [*EventKind, None]


def test_the_page_on_knowledge_lists_every_remedy() -> None:
    page = (ROOT / "docs/knowledge.md").read_text(encoding="utf-8")
    listed = page[page.index("The ids: `") :].split("`")[1].split()
    assert sorted(listed) == sorted(RemedyId)
