# SPDX-License-Identifier: GPL-2.0-or-later
"""``nicmedic.kept/1`` and ``nicmedic.verify/1``: what is kept, and whether it is in force, for scripts. Described in ``docs/schema``."""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence

from nicmedic.model.keeping import Check, FileEdit, Kept
from nicmedic.model.plain import Plain, to_plain
from nicmedic.persist.choosing import name_wish
from nicmedic.report.file_diff import render_diff

__all__ = ["KEPT_SCHEMA", "VERIFY_SCHEMA", "render_kept_json", "render_verify_json"]

KEPT_SCHEMA = "nicmedic.kept/1"
VERIFY_SCHEMA = "nicmedic.verify/1"


def _edit(edit: FileEdit, back_end: str | None = None) -> dict[str, Plain]:
    what = "removed" if edit.after is None else "made" if edit.before is None else "changed"
    fields: dict[str, Plain] = {"path": edit.path, "what": what, "diff": render_diff(edit)}
    return fields if back_end is None else {**fields, "back_end": back_end}


def _kept(kept: Kept, expiry: str | None) -> dict[str, Plain]:
    return {
        "id": kept.id,
        "state": str(kept.state),
        "nic": to_plain(kept.nic),
        "remedies": [name_wish(wish) for wish in kept.wishes],
        "settings": {setting.name: setting.value for wish in kept.wishes for setting in wish.settings},
        "files": [_edit(edit, placement.back_end) for placement in kept.placements for edit in placement.edits],
        "takes_hold": {name: placement.takes_hold for placement in kept.placements for name in placement.settings},
        "made_for": to_plain(kept.made_for),
        "expiry": expiry,
        "on_drift": str(kept.on_drift),
        "transaction": kept.transaction,
        "kept_at": kept.kept_at,
        "released_at": kept.released_at,
        "checks": [to_plain(check) for check in kept.checks],
        "folder": kept.folder or None,
    }


def _dump(document: Mapping[str, object]) -> str:
    return json.dumps(document, ensure_ascii=True, indent=1, allow_nan=False)


def render_kept_json(
    known: Iterable[Kept],
    expiries: Mapping[int, str | None],
    *,
    edits: Sequence[FileEdit] | None = None,
    notes: Sequence[str] = (),
    dry_run: bool = False,
) -> str:
    """One JSON document, ASCII only.

    Args:
        known: oldest first.
        expiries: what each was made for and is another now.
        edits: what this command wrote, or would; None: it only looked.
        notes: what the operator should know.
        dry_run: nothing was written.
    """
    return _dump(
        {
            "schema": KEPT_SCHEMA,
            "kept": [_kept(kept, expiries.get(kept.id)) for kept in known],
            "edits": None if edits is None else [_edit(edit) for edit in edits],
            "dry_run": dry_run,
            "notes": list(notes),
        }
    )


def render_verify_json(found: Sequence[tuple[Kept, Check, str | None, Sequence[str]]], *, busy: Collection[int] = ()) -> str:
    """One JSON document, ASCII only.

    Args:
        found: of each the remedy, the check, what expired, and what went wrong.
        busy: numbers of those on whose card a transaction is open.
    """
    return _dump(
        {
            "schema": VERIFY_SCHEMA,
            "verified": [
                {
                    "id": kept.id,
                    "interface": kept.nic.interface,
                    "remedies": [name_wish(wish) for wish in kept.wishes],
                    "check": to_plain(check),
                    "expiry": expiry,
                    "trouble": list(trouble),
                    "busy": kept.id in busy,
                }
                for kept, check, expiry, trouble in found
            ],
        }
    )
