# SPDX-License-Identifier: GPL-2.0-or-later
"""``nicmedic.plan/1``: a plan for scripts, its steps as commands. Described in ``docs/plan-json.md`` and ``docs/schema``."""

import json
from collections.abc import Iterable, Mapping

from nicmedic.model.plain import Plain, to_plain
from nicmedic.model.plan import Change, Plan, Setting
from nicmedic.model.step import Step
from nicmedic.remedy.script.words import render_step

__all__ = ["SCHEMA", "build_plan_document", "render_plan_json"]

SCHEMA = "nicmedic.plan/1"


def _commands(steps: Iterable[Step], interface: str) -> list[Plain]:
    return [render_step(step, interface) for step in steps]


def _settings(settings: Iterable[Setting]) -> dict[str, Plain]:
    return {setting.name: setting.value for setting in settings}


def _change(change: Change, interface: str) -> dict[str, Plain]:
    return {
        "remedy": str(change.remedy),
        "argument": change.argument or None,
        "title": change.title,
        "commands": _commands(change.steps, interface),
        "undo": _commands(change.undo, interface),
        "before": _settings(change.before),
        "wanted": _settings(change.wanted),
        "disruption": change.disruption,
        "settle_s": change.settle_s,
        "takes_stack": change.takes_stack,
        "boots": change.boots,
        "risks": list(change.risks),
    }


def build_plan_document(plan: Plan) -> Mapping[str, Plain]:
    """The document as plain values."""
    interface = plan.nic.interface
    return {
        "schema": SCHEMA,
        "nic": to_plain(plan.nic),
        "hostname": plan.hostname,
        "machine_id": plan.machine_id,
        "boot_id": plan.boot_id,
        "kernel_package": plan.kernel_package,
        "kernel_release": plan.kernel_release,
        "ladder": None if plan.ladder is None else str(plan.ladder),
        "changes": [_change(change, interface) for change in plan.changes],
        "refusals": [{**_fields(refusal), "argument": refusal.argument or None} for refusal in plan.refusals],
        "put_back": _commands(plan.put_back, interface),
        "losses": list(plan.losses),
    }


def _fields(value: object) -> dict[str, Plain]:
    plain = to_plain(value)
    assert isinstance(plain, dict)  # noqa: S101  # a dataclass
    return plain


def render_plan_json(plan: Plan) -> str:
    """One JSON document, ASCII only."""
    return json.dumps(build_plan_document(plan), ensure_ascii=True, indent=1, allow_nan=False)
