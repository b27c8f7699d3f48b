# SPDX-License-Identifier: GPL-2.0-or-later
"""Transactions as text and as JSON: the first line says what became of the machine."""

import dataclasses
import json
from pathlib import Path

import jsonschema
import pytest

from nicmedic.app.treat import Stage
from nicmedic.model.finding import RemedyId
from nicmedic.model.plan import Change, Identity, Plan, Setting
from nicmedic.model.step import INTERFACE, Run
from nicmedic.model.transaction import Confirm, Entry, ProbeResult, ProbeState, State, Transaction, Word, find_state
from nicmedic.report.style import Style
from nicmedic.report.transactions_json import render_transactions_json
from nicmedic.report.transactions_text import (
    render_decided,
    render_left,
    render_recovered,
    render_stage,
    render_transaction,
    render_transactions,
)

SCHEMA = json.loads((Path(__file__).parents[3] / "docs/schema/transactions-1.json").read_text(encoding="utf-8"))
STYLE = Style(width=100, one_line=True)
CHANGE = Change(
    remedy=RemedyId.MTU,
    argument="1400",
    title="Set the MTU to 1400",
    steps=(Run(argv=("ip", "link", "set", "dev", INTERFACE, "mtu", "1400")),),
    undo=(Run(argv=("ip", "link", "set", "dev", INTERFACE, "mtu", "1500")),),
    before=(Setting(name="mtu", value="1500"),),
    wanted=(Setting(name="mtu", value="1400"),),
)
RESULTS = (
    ProbeResult(probe="carrier", state=ProbeState.PASSED),
    ProbeResult(probe="ping 192.0.2.1", state=ProbeState.FAILED, detail="no answer\x1b[2J"),
)
WORDS = {
    State.PREPARING: (Word.PLANNED, Word.ARMED),
    State.APPLYING: (Word.PLANNED, Word.APPLYING),
    State.WAITING: (Word.PLANNED, Word.APPLYING, Word.APPLIED, Word.PROBED, Word.EXTENDED),
    State.CONFIRMED: (Word.APPLIED, Word.CONFIRMED),
    State.UNDOING: (Word.APPLIED, Word.UNDOING),
    State.UNDONE: (Word.UNDOING, Word.UNDONE),
    State.UNDO_FAILED: (Word.UNDOING, Word.UNDO_FAILED),
    State.REBOOTED: (Word.APPLIED, Word.REBOOTED),
    State.ABANDONED: (Word.PLANNED, Word.ABANDONED),
}


def make(state: State, number: int = 3, name: str = "eth0") -> Transaction:
    entries = tuple(Entry(uptime_s=1.5, time="2026-01-31T12:00:00+00:00", boot_id="b", word=word, detail="d") for word in WORDS[state])
    plan = Plan(nic=Identity(interface=name), boot_id="b", changes=(CHANGE,))
    return Transaction(
        id=number, plan=plan, confirm=Confirm.OPERATOR, timeout_s=120, entries=entries, before=RESULTS, folder=f"/var/lib/nicmedic/{number}"
    )


BECAME = {
    State.PREPARING: "eth0 is not changed yet",
    State.APPLYING: "eth0 is being changed",
    State.WAITING: "eth0 is changed, and is undone in 65 s unless you confirm",
    State.CONFIRMED: "eth0 is changed: mtu:1400 is confirmed; it lasts until the next boot",
    State.UNDOING: "eth0 is being undone",
    State.UNDONE: "eth0 is as it was before: undone",
    State.UNDO_FAILED: "eth0 is CHANGED: undoing failed",
    State.REBOOTED: "eth0 is as after the boot, which ended all changes: rebooted",
    State.ABANDONED: "eth0 was not changed: abandoned",
}


@pytest.mark.parametrize("state", State)
def test_the_first_line_says_what_became_of_the_machine(state: State) -> None:
    transaction = make(state)
    assert find_state(transaction) is state
    assert render_decided(transaction, state, STYLE, left_s=65).splitlines()[0] == f"{BECAME[state]} (transaction 3)"
    assert render_transaction(transaction, 65, STYLE).splitlines()[0] == f"{BECAME[state]} (transaction 3)"
    listed = render_transactions((make(State.UNDONE, 1), transaction), {3: 65.0}, STYLE).splitlines()
    counted = "1 transaction open: 3: " if state.is_open else "no transaction is open; the last one, 3: "
    assert listed[0] == f"{counted}{BECAME[state]}"
    assert [line.split()[0] for line in listed[2:4]] == ["3", "1"]


def test_on_a_narrow_terminal_first_line_and_list_keep_to_its_width() -> None:
    known = (make(State.UNDONE, 1), make(State.WAITING))
    told = render_transactions(known, {3: 65.0}, Style(width=60)).partition("  nicmedic confirm")[0]
    assert max(map(len, told.splitlines())) <= 60
    assert render_decided(known[1], State.WAITING, Style(width=60), left_s=65).splitlines()[1].startswith("  ")


def test_what_to_type_stands_below() -> None:
    waiting = render_decided(make(State.WAITING), State.WAITING, STYLE, left_s=65, results=RESULTS, detail="fine", warnings=("a step",))
    assert waiting == (
        "eth0 is changed, and is undone in 65 s unless you confirm (transaction 3)\n"
        "  fine\n"
        "  did not matter: a step\n"
        "  passed   carrier\n"
        "  failed   ping 192.0.2.1: no answer\\x1b[2J\n"
        "\n"
        "What to type\n"
        "  nicmedic confirm 3               # keep it\n"
        "  nicmedic undo 3                  # take it back now\n"
        "  nicmedic confirm 3 --extend 5m   # decide later\n"
    )
    assert "nicmedic undo 3" in render_decided(make(State.CONFIRMED), State.CONFIRMED, STYLE)
    assert "cat /var/lib/nicmedic/3/failed" in render_transaction(make(State.UNDO_FAILED), None, STYLE)
    assert "type" not in render_decided(make(State.UNDONE), State.UNDONE, STYLE)


@pytest.mark.parametrize("left", [None, 0.0, -3.0])
def test_what_is_overdue_is_being_undone(left: float | None) -> None:
    assert render_decided(make(State.WAITING), State.WAITING, STYLE, left_s=left).startswith("eth0 is changed, and is being undone now (")


def test_one_is_shown_with_its_commands_its_probes_and_its_journal() -> None:
    shown = render_transaction(make(State.WAITING), 65, STYLE)
    assert "    done: ip link set dev eth0 mtu 1400\n    undo: ip link set dev eth0 mtu 1500" in shown
    assert "Probes before" in shown
    assert "  2026-01-31T12:00:00+00:00  applied      d" in shown
    bare = dataclasses.replace(make(State.WAITING), before=())
    assert "Probes before" not in render_transaction(bare, 65, STYLE)


def test_nothing_is_listed_where_nothing_was_changed() -> None:
    assert render_transactions((), {}, STYLE) == "no transactions: nicmedic has changed nothing here\n"
    assert "(unknown)" in render_transactions((dataclasses.replace(make(State.WAITING), entries=()),), {}, STYLE)


def test_hostile_names_do_nothing_to_a_terminal() -> None:
    hostile = make(State.WAITING, name="e\x1b[2J")
    everything = (
        render_transaction(hostile, 1, STYLE) + render_decided(hostile, State.WAITING, STYLE) + render_transactions((hostile,), {}, STYLE)
    )
    assert "\x1b" not in everything


@pytest.mark.parametrize("stage", Stage)
def test_each_stage_has_its_words(stage: Stage) -> None:
    assert render_stage(stage, "x\n").startswith("nicmedic: ")
    assert render_stage(stage, "x\n").endswith(": x\\x0a")
    assert render_stage(stage, "") != f"nicmedic: {stage}" or stage is Stage.UNDOING


def test_what_was_left_behind_is_told_in_a_line() -> None:
    assert render_recovered(make(State.UNDOING), Word.UNDO_FAILED, "its time was over", ("ip link",)) == (
        "nicmedic: eth0 is CHANGED: undoing failed (transaction 3): its time was over\n          ip link\n"
    )
    assert render_left(59.6) == "60 s left, then it is undone. Type keep, undo, or extend 5m (Ctrl-C undoes it now): "
    assert render_left(-1).startswith("0 s left")


def test_json_keeps_to_its_schema() -> None:
    known = tuple(make(state, number) for number, state in enumerate(State))
    for text in (
        render_transactions_json(known, {2: 65.5, 3: 7.0}),
        render_transactions_json(known[:1], {}, results=RESULTS, warnings=("a",)),
    ):
        jsonschema.Draft202012Validator(SCHEMA).validate(json.loads(text))
        assert text.isascii()
    document = json.loads(render_transactions_json(known, {2: 65.5, 3: 7.0}))
    assert [one["seconds_left"] for one in document["transactions"]][2:4] == [65.5, None]
    assert document["transactions"][0]["changes"][0]["commands"] == ["ip link set dev eth0 mtu 1400"]
    assert document["probes_now"] is None


def test_a_lift_for_a_trial_is_no_remedy_in_force() -> None:
    lift = dataclasses.replace(make(State.CONFIRMED), plan=dataclasses.replace(make(State.CONFIRMED).plan, lifts=1))
    assert "is changed: the lift of mtu:1400 is confirmed" in render_transaction(lift, None, STYLE)
    assert "the lift of mtu:1400" in render_transactions((lift,), {}, STYLE).splitlines()[-1]
    assert json.loads(render_transactions_json((lift,), {}))["transactions"][0]["lifts"] == 1


def test_the_schema_names_every_field() -> None:
    document = json.loads(render_transactions_json((make(State.WAITING),), {}, results=RESULTS))
    (one,) = document["transactions"]
    definitions = SCHEMA["$defs"]
    for value, schema in (
        (document, SCHEMA),
        (one, definitions["transaction"]),
        (one["nic"], definitions["nic"]),
        (one["changes"][0], definitions["change"]),
        (one["journal"][0], definitions["entry"]),
        (one["probes_before"][0], definitions["probe"]),
    ):
        assert set(value) == set(schema["properties"]) == set(schema["required"])


@pytest.mark.parametrize(
    ("state", "told"), [(State.CONFIRMED, "mtu:1400 was confirmed, and ended with it"), (State.UNDO_FAILED, "undoing had")]
)
def test_what_an_earlier_boot_confirmed_is_not_in_force_any_more(state: State, told: str) -> None:
    transaction = make(state)
    shown = render_transaction(transaction, None, STYLE, past=True)
    listed = render_transactions((transaction,), {}, STYLE, past=(3,))
    for text in (shown, listed):
        assert f"eth0 is as after the boot: {told}" in text.splitlines()[0]
        assert "nicmedic undo" not in text
    assert "(ended with the boot)" in listed
    assert [json.loads(render_transactions_json((transaction,), {}, past=past))["transactions"][0]["in_force"] for past in ((), (3,))] == [
        True if state is State.CONFIRMED else None,
        False,
    ]
