# SPDX-License-Identifier: GPL-2.0-or-later
"""What ``nicmedic history --json`` has printed, here or elsewhere, as a value again."""

import json

from nicmedic.model.errors import NotAHistoryError
from nicmedic.model.history import History
from nicmedic.model.plain import PlainError, from_plain

__all__ = ["SCHEMA", "parse_history"]

SCHEMA = "nicmedic.history/1"


def parse_history(text: str, name: str) -> History:
    """The history in a document.

    Raises:
        NotAHistoryError: it is no such document; ``name`` stands in the message.
    """
    hint = f"nicmedic history --json > {name}   # on the host that it is about"
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise NotAHistoryError(f"{name}: no JSON: {error}", hint=hint) from None
    if not isinstance(document, dict) or document.get("schema") != SCHEMA:
        found = document.get("schema") if isinstance(document, dict) else None
        raise NotAHistoryError(f"{name}: its schema is {found!r}, not {SCHEMA}", hint=hint)
    try:
        return from_plain(History, document.get("history"))
    except PlainError as error:
        raise NotAHistoryError(f"{name}: {error}", hint=hint) from None
