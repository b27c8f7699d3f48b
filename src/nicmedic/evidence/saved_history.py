# SPDX-License-Identifier: GPL-2.0-or-later
"""What ``nicmedic history --json`` has printed, here or elsewhere, as a value again."""

import dataclasses
import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from nicmedic.evidence.moments import parse_moment
from nicmedic.model.errors import NotAHistoryError, UsageError
from nicmedic.model.history import BootRecord, HangRecord, History
from nicmedic.model.plain import PlainError, from_plain

__all__ = ["SCHEMA", "merge_histories", "parse_history"]

SCHEMA = "nicmedic.history/1"
_MOST = 1e11
"""Seconds of three thousand years; whatever is more is no quantity of a boot."""
_SAME_BEGIN_S = 90.0
_SAME_HANG_S = 60.0


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
        history = from_plain(History, document.get("history"))
        for place, value in _quantities(history):
            if value is not None and not 0 <= value <= _MOST:
                raise PlainError(f"{place}: {value:g} is none")  # one message for all that is wrong
    except PlainError as error:
        raise NotAHistoryError(f"{name}: {error}", hint=hint) from None
    return history


def _quantities(history: History) -> Iterator[tuple[str, float | None]]:
    """Every hour, second and count that cannot be negative, with its place."""
    for number, boot in enumerate(history.boots):
        place = f"boots.{number}"
        yield from ((f"{place}.{name}", getattr(boot, name)) for name in ("covered_h", "ran_h", "began_within_s", "suspends"))
        for order, hang in enumerate(boot.hangs):
            yield f"{place}.hangs.{order}.uptime_s", hang.uptime_s
            yield f"{place}.hangs.{order}.lines", hang.lines
        for order, gap in enumerate(boot.gaps):
            yield f"{place}.gaps.{order}.began_uptime_s", gap.began_uptime_s
            if gap.why != "clock jump":  # which may go back
                yield f"{place}.gaps.{order}.hours", gap.hours


def merge_histories(histories: Sequence[History]) -> History:
    """Several documents of one host as one history: parts of its past, which may overlap.

    Raises:
        UsageError: they are of different hosts.
    """
    hosts = {history.host.partition(".")[0].lower(): history.host for history in histories if history.host is not None}
    if len(hosts) > 1:
        message = f"--history: these are of different hosts: {', '.join(sorted(hosts.values()))}"
        raise UsageError(message, hint="name the host that hangs with --history, and the others with --twin")
    if len(histories) == 1:
        return histories[0]
    boots: list[BootRecord] = []
    for history in histories:
        boots = _add_boots(boots, history.boots)
    return History(
        host=next(iter(hosts.values()), None),
        boots=tuple(sorted(boots, key=_began)),
        changes=tuple(dict.fromkeys(change for one in histories for change in one.changes)),
        sources=tuple(dict.fromkeys(source for one in histories for source in one.sources)),
        notes=tuple(dict.fromkeys(note for one in histories for note in one.notes)),
    )


def _add_boots(known: Sequence[BootRecord], more: Sequence[BootRecord]) -> list[BootRecord]:
    """Of two documents; two boots of one document are never the same. What has the same id is found first."""
    united, taken = list(known), set[int]()
    for same in (_has_same_id, _may_be_same):
        left = []
        for boot in more:
            place = next((each for each, other in enumerate(known) if each not in taken and same(other, boot)), None)
            if place is None:
                left.append(boot)
            else:
                taken.add(place)
                united[place] = _unite(united[place], boot)
        more = left
    return [*united, *more]


def _has_same_id(first: BootRecord, second: BootRecord) -> bool:
    return first == second or (first.boot_id is not None and first.boot_id == second.boot_id)


def _may_be_same(first: BootRecord, second: BootRecord) -> bool:
    if first.boot_id is not None and second.boot_id is not None:
        return False
    for one, other in ((first.kernel_release, second.kernel_release), (first.kernel_package, second.kernel_package)):
        if one is not None and other is not None and one != other:
            return False
    begins = parse_moment(first.began), parse_moment(second.began)
    if begins[0] is None or begins[1] is None:
        return False
    within_s = (first.began_within_s or 0.0) + (second.began_within_s or 0.0)
    return abs((begins[1] - begins[0]).total_seconds()) <= within_s + _SAME_BEGIN_S


def _unite(first: BootRecord, second: BootRecord) -> BootRecord:
    """The one of which more is covered, with the hangs of both and with what only the other knows."""
    most, other = sorted((first, second), key=lambda boot: (-boot.covered_h, -(boot.ran_h or 0.0), boot.began or "", boot.boot_id or ""))
    hangs = list(most.hangs)
    hangs += [hang for hang in other.hangs if not any(_is_same_hang(hang, known) for known in most.hangs)]
    filled = {
        field.name: getattr(other, field.name)
        for field in dataclasses.fields(BootRecord)
        if getattr(most, field.name) is None and field.name != "ran_h"
    }
    return dataclasses.replace(
        most,
        **filled,
        hangs=tuple(sorted(hangs, key=lambda hang: (hang.uptime_s is None, hang.uptime_s or 0.0))),
        sources=tuple(sorted({*first.sources, *second.sources})),
    )


def _is_same_hang(first: HangRecord, second: HangRecord) -> bool:
    if first.interface is not None and second.interface is not None and first.interface != second.interface:
        return False
    if first.uptime_s is not None and second.uptime_s is not None:
        return abs(first.uptime_s - second.uptime_s) <= _SAME_HANG_S
    begins = parse_moment(first.began), parse_moment(second.began)
    if begins[0] is None or begins[1] is None:
        return first == second
    return abs((begins[1] - begins[0]).total_seconds()) <= _SAME_HANG_S


def _began(boot: BootRecord) -> datetime:
    """Boots of which nothing tells when they were stand first."""
    return parse_moment(boot.began) or datetime.min.replace(tzinfo=UTC)
