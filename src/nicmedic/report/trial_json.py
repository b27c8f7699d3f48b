# SPDX-License-Identifier: GPL-2.0-or-later
"""``nicmedic.trial/1``: how a kernel on trial stands, for scripts. Described in ``docs/schema/trial-1.json``."""

import json

from nicmedic.model.boot_trial import BootTrial, Leg, Standing
from nicmedic.model.plain import Plain, to_plain
from nicmedic.report.trial_text import list_commands, summarize_standing

__all__ = ["SCHEMA", "render_trial_json"]

SCHEMA = "nicmedic.trial/1"


def _leg(leg: Leg) -> dict[str, Plain]:
    return {"kernel": to_plain(leg.kernel), "soak_s": leg.soak_s, "expect": leg.expect or None, "result": to_plain(leg.result)}


def _trial(trial: BootTrial) -> dict[str, Plain]:
    return {
        "id": trial.id,
        "phase": str(trial.phase),
        "made_at": trial.made_at,
        "old": to_plain(trial.old),
        "legs": [_leg(leg) for leg in trial.legs],
        "wanted": to_plain(trial.wanted),
        "cards": [{"interface": card.interface, "driver": card.nic.driver, "before": to_plain(card.before)} for card in trial.cards],
        "armed_boot_id": trial.armed_boot_id,
        "promoted": trial.promoted,
        "pinned": trial.pinned,
        "folder": trial.folder or None,
    }


def render_trial_json(standing: Standing) -> str:
    """One JSON document, ASCII only."""
    document = {
        "schema": SCHEMA,
        "summary": summarize_standing(standing)[0],
        "live": bool(standing.trials) and standing.trials[-1].phase.is_live,
        "running": standing.running,
        "boot_id": standing.boot_id,
        "on_trial": standing.on_trial,
        "armed": standing.armed,
        "held": standing.held,
        "rebooting": standing.rebooting,
        "progress": to_plain(standing.progress),
        "trials": [_trial(trial) for trial in standing.trials],
        "commands": [command for command, _ in list_commands(standing)],
        "notes": list(standing.notes),
    }
    return json.dumps(document, ensure_ascii=True, indent=1, allow_nan=False)
