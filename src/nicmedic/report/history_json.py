# SPDX-License-Identifier: GPL-2.0-or-later
"""``nicmedic.history/1``: a host's past for scripts, and for ``blame`` on another machine. Described in ``docs/history-json.md``."""

import json
from collections.abc import Mapping, Sequence

from nicmedic.model.errors import NicmedicError
from nicmedic.model.history import History
from nicmedic.model.plain import to_plain

__all__ = ["SCHEMA", "build_history_document", "render_history_json"]

SCHEMA = "nicmedic.history/1"


def build_history_document(history: History, errors: Sequence[NicmedicError] = ()) -> Mapping[str, object]:
    """The document as plain values."""
    return {
        "schema": SCHEMA,
        "history": to_plain(history),
        "errors": [{"slug": error.slug, "code": error.code, "message": error.message} for error in errors],
    }


def render_history_json(history: History, errors: Sequence[NicmedicError] = ()) -> str:
    """One JSON document, ASCII only."""
    return json.dumps(build_history_document(history, errors), ensure_ascii=True, indent=1, allow_nan=False)
