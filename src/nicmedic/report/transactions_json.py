# SPDX-License-Identifier: GPL-2.0-or-later
"""``nicmedic.transactions/1``: what was changed, by whose leave, and how it ended, for scripts. Described in ``docs/transactions-json.md``."""

import json
from collections.abc import Collection, Mapping, Sequence

from nicmedic.model.attempt import Ascent
from nicmedic.model.plain import Plain, to_plain
from nicmedic.model.plan import Change
from nicmedic.model.transaction import ProbeResult, State, Transaction, find_state
from nicmedic.remedy.ladder import name_change
from nicmedic.remedy.script.words import render_step

__all__ = ["SCHEMA", "build_document", "render_transactions_json"]

SCHEMA = "nicmedic.transactions/1"


def _change(change: Change, interface: str) -> dict[str, Plain]:
    return {
        "remedy": name_change(change),
        "title": change.title,
        "commands": [render_step(step, interface) for step in change.steps],
        "undo": [render_step(step, interface) for step in change.undo],
        "before": {setting.name: setting.value for setting in change.before},
        "wanted": {setting.name: setting.value for setting in change.wanted},
        "takes_stack": change.takes_stack,
    }


_IN_FORCE = {State.WAITING: True, State.CONFIRMED: True, State.APPLYING: None, State.UNDOING: None, State.UNDO_FAILED: None}


def _transaction(transaction: Transaction, left_s: float | None, *, past: bool) -> dict[str, Plain]:
    plan, state = transaction.plan, find_state(transaction)
    return {
        "id": transaction.id,
        "state": str(state),
        "open": state.is_open,
        "in_force": False if past else _IN_FORCE.get(state, False),
        "nic": to_plain(plan.nic),
        "ladder": None if plan.ladder is None else str(plan.ladder),
        "lifts": plan.lifts,
        "confirm": str(transaction.confirm),
        "decided": transaction.decided,
        "timeout_s": transaction.timeout_s,
        "seconds_left": None if left_s is None or not state.is_open else left_s,
        "boot_id": plan.boot_id,
        "kernel_package": plan.kernel_package,
        "kernel_release": plan.kernel_release,
        "changes": [_change(change, plan.nic.interface) for change in plan.changes],
        "probes_before": [to_plain(result) for result in transaction.before],
        "journal": [to_plain(entry) for entry in transaction.entries],
        "folder": transaction.folder,
    }


def build_document(
    known: Sequence[Transaction],
    left: Mapping[int, float | None],
    *,
    results: Sequence[ProbeResult] | None = None,
    warnings: Sequence[str] = (),
    ladder: Ascent | None = None,
    past: Collection[int] = (),
) -> Mapping[str, object]:
    """The document as plain values.

    Args:
        known: oldest first.
        left: seconds until the switch undoes, by number.
        results: of the last round of probes, right after a treatment.
        warnings: what went wrong and did not matter.
        ladder: that was climbed, ending in the last of them.
        past: numbers of those of an earlier boot, of which nothing is in force.
    """
    return {
        "schema": SCHEMA,
        "transactions": [_transaction(transaction, left.get(transaction.id), past=transaction.id in past) for transaction in known],
        "probes_now": None if results is None else [to_plain(result) for result in results],
        "warnings": list(warnings),
        "ladder": None if ladder is None else to_plain(ladder),
    }


def render_transactions_json(
    known: Sequence[Transaction],
    left: Mapping[int, float | None],
    *,
    results: Sequence[ProbeResult] | None = None,
    warnings: Sequence[str] = (),
    ladder: Ascent | None = None,
    past: Collection[int] = (),
) -> str:
    """One JSON document, ASCII only."""
    return json.dumps(
        build_document(known, left, results=results, warnings=warnings, ladder=ladder, past=past),
        ensure_ascii=True,
        indent=1,
        allow_nan=False,
    )
