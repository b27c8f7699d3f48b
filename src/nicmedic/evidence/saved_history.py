# SPDX-License-Identifier: GPL-2.0-or-later
"""What ``nicmedic history --json`` has printed, here or elsewhere, as a value again."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime

from nicmedic.evidence.moments import parse_moment
from nicmedic.model.errors import NotAHistoryError, UsageError
from nicmedic.model.history import BootRecord, History
from nicmedic.model.plain import PlainError, from_plain

__all__ = ["SCHEMA", "merge_histories", "parse_history"]

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


def merge_histories(histories: Sequence[History]) -> History:
    """Several documents of one host as one history: parts of its past, which may overlap.

    Raises:
        UsageError: they are of different hosts.
    """
    hosts = {history.host for history in histories if history.host is not None}
    if len(hosts) > 1:
        message = f"--history: these are of different hosts: {', '.join(sorted(hosts))}"
        raise UsageError(message, hint="name the host that hangs with --history, and the others with --twin")
    if len(histories) == 1:
        return histories[0]
    boots = {
        boot.boot_id or boot.began or f"{number} {place}": boot
        for number, one in enumerate(histories)
        for place, boot in enumerate(one.boots)
    }
    return History(
        host=next(iter(hosts), None),
        boots=tuple(sorted(boots.values(), key=_began)),
        changes=tuple(dict.fromkeys(change for one in histories for change in one.changes)),
        sources=tuple(dict.fromkeys(source for one in histories for source in one.sources)),
        notes=tuple(dict.fromkeys(note for one in histories for note in one.notes)),
    )


def _began(boot: BootRecord) -> datetime:
    """Boots of which nothing tells when they were stand first."""
    return parse_moment(boot.began) or datetime.min.replace(tzinfo=UTC)
