# SPDX-License-Identifier: GPL-2.0-or-later
"""``nicmedic.watch/1``: whether watching would work here, for scripts. Described in ``docs/watch-json.md``."""

import json

from nicmedic.model.self_test import CardTest, SelfTest

__all__ = ["SCHEMA", "render_self_test_json"]

SCHEMA = "nicmedic.watch/1"


def _build_card(one: CardTest) -> dict[str, object]:
    card = one.card
    return {
        "interface": card.interface,
        "driver": card.driver,
        "bus": card.bus,
        "bus_address": card.bus_address,
        "permanent_address": card.permanent_address,
        "tx_queues": card.tx_queues,
        "mode": str(one.mode),
        "readable": one.readable,
        "has_bql": one.has_bql,
        "gateway_answers": one.gateway,
    }


def render_self_test_json(test: SelfTest) -> str:
    """One JSON document, ASCII only."""
    document = {
        "schema": SCHEMA,
        "works": not test.faults,
        "policy": {"path": test.policy_path, "found": test.policy_found},
        "cards": [_build_card(one) for one in test.cards],
        "faults": list(test.faults),
        "blind_spots": list(test.blind_spots),
    }
    return json.dumps(document, ensure_ascii=True, indent=1, allow_nan=False)
