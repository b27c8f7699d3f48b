# SPDX-License-Identifier: GPL-2.0-or-later
"""What is given up first when evidence takes more room than it may, and how a piece is made smaller. Not for the database.

Step by step, the oldest first within each; incidents themselves are kept, and so are the pieces of the newest ones.
"""

import json
from dataclasses import dataclass

from nicmedic.model.incident import EvidenceKind, IncidentVerdict

__all__ = ["STEPS", "Step", "cut_log", "thin_samples"]

_LAST_LINES = 60
_LAST_SAMPLES = 10
_EVERY = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """Pieces that one step takes, as a condition on ``evidence`` (e) and ``incident`` (i)."""

    where: str
    gives_up: bool
    """The piece goes, and only its line stays; else it is made smaller, once."""


_HUNG = f"i.verdict IS '{IncidentVerdict.NIC_HUNG}'"
_LOGS = f"e.kind IN ('{EvidenceKind.KERNEL_LOG}', '{EvidenceKind.KERNEL_LOG_AFTER}')"

STEPS: tuple[Step, ...] = (
    Step(where=f"e.stage = 0 AND e.kind = '{EvidenceKind.HOST}' AND NOT {_HUNG}", gives_up=True),
    Step(where=f"e.stage = 0 AND e.kind = '{EvidenceKind.HOST}'", gives_up=True),
    Step(where=f"e.stage = 0 AND {_LOGS} AND NOT {_HUNG}", gives_up=False),
    Step(where=f"e.stage = 0 AND {_LOGS}", gives_up=False),
    Step(where=f"e.stage = 0 AND e.kind = '{EvidenceKind.SAMPLES}'", gives_up=False),
    Step(where=f"e.stage < 2 AND NOT {_HUNG}", gives_up=True),
    Step(where="e.stage < 2", gives_up=True),
)
"""Bounded is bounded: the last two take everything there is."""


def cut_log(data: bytes, names: tuple[str, ...]) -> bytes:
    """Of a kernel log the lines that speak of the card, and the last ones; how many went stands where they stood."""
    lines = data.splitlines(keepends=True)
    wanted = [name.encode("utf-8", "replace") for name in names if len(name) > 1]
    kept: list[bytes] = []
    gone = 0
    for index, line in enumerate(lines):
        if index >= len(lines) - _LAST_LINES or any(word in line for word in wanted):
            if gone:
                kept.append(b"[%d lines were given up here]\n" % gone)
            kept.append(line)
            gone = 0
        else:
            gone += 1
    return b"".join(kept)


def _thin(value: object) -> object:
    if isinstance(value, dict):
        return {key: _thin(inner) if isinstance(inner, list) else inner for key, inner in value.items()}
    if isinstance(value, list) and len(value) > _LAST_SAMPLES:
        return [*value[:-_LAST_SAMPLES:_EVERY], *value[-_LAST_SAMPLES:]]
    return value


def thin_samples(data: bytes) -> bytes:
    """Every tenth of them, and the last ten. What is no JSON stays as it is."""
    try:
        return json.dumps(_thin(json.loads(data)), separators=(",", ":")).encode()
    except (ValueError, RecursionError):
        return data
