# SPDX-License-Identifier: GPL-2.0-or-later
"""What ``nicmedic watch --once`` says."""

import json
from pathlib import Path

import jsonschema
import pytest

from nicmedic.model.policy import Mode
from nicmedic.model.self_test import CardTest, SelfTest
from nicmedic.model.watched import Card
from nicmedic.report.self_test_json import render_self_test_json
from nicmedic.report.self_test_text import render_self_test
from nicmedic.report.style import Style

SCHEMA = json.loads((Path(__file__).parents[3] / "docs/schema/watch-1.json").read_text(encoding="utf-8"))
HOSTILE = "eth\x1b[2J"


def card(name: str, mode: Mode = Mode.OBSERVE, *, readable: bool = True, bql: bool | None = True, gateway: bool | None = True) -> CardTest:
    return CardTest(card=Card(interface=name, ifindex=2, driver="e1000e"), mode=mode, readable=readable, has_bql=bql, gateway=gateway)


def outcome(*cards: CardTest, faults: tuple[str, ...] = (), blind: tuple[str, ...] = (), found: bool = True) -> SelfTest:
    return SelfTest(policy_path="/etc/nicmedic/policy.toml", policy_found=found, cards=cards, faults=faults, blind_spots=blind)


def test_what_works_is_said_first() -> None:
    text = render_self_test(outcome(card("eth0"), card("eth1", Mode.RESTORE, bql=None, gateway=None), card("eth2", Mode.IGNORE)), Style())
    assert text.startswith("watching works here: 2 cards\n")
    assert "eth0 (e1000e): observed" in text
    assert "bytes in flight are told; its gateway answers" in text
    assert "eth1 (e1000e): restored when it hangs" in text
    assert "nothing was sent over it yet; no gateway behind it" in text
    assert "eth2 (e1000e): not watched" in text
    assert text.endswith("policy: /etc/nicmedic/policy.toml\n")


def test_what_does_not_work_is_said_first() -> None:
    text = render_self_test(outcome(faults=("a", "b"), blind=("no tracepoint: mount it",), found=False), Style())
    assert text.startswith("watching would not work here: 2 faults\n  a\n  b\n")
    assert "there is no /etc/nicmedic/policy.toml, so everything is only observed" in text
    assert "no tracepoint: mount it" in text


def test_nothing_but_a_path_is_longer_than_the_terminal_is_wide() -> None:
    text = render_self_test(outcome(card("eth0"), blind=("no tracepoint: " + "mount it " * 9,), found=False), Style(width=60))
    assert max(map(len, text.splitlines())) <= 60


def test_names_are_harmless() -> None:
    hostile = outcome(card(HOSTILE, readable=False), faults=(HOSTILE,), blind=(HOSTILE,))
    assert "\x1b" not in render_self_test(hostile, Style())
    assert "\x1b" not in render_self_test_json(hostile)


@pytest.mark.parametrize("faults", [(), ("no room",)])
def test_the_json_is_as_its_schema_says(faults: tuple[str, ...]) -> None:
    known = outcome(card("eth0"), card("eth1", bql=None, gateway=None, readable=False), faults=faults, blind=("x",))
    document = json.loads(render_self_test_json(known))
    jsonschema.validate(document, SCHEMA)
    assert document["works"] is not bool(faults)
    assert [one["gateway_answers"] for one in document["cards"]] == [True, None]
