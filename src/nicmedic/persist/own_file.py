# SPDX-License-Identifier: GPL-2.0-or-later
"""Files that are wholly nicmedic's: their first lines, and how they go when somebody has edited them since."""

import re
from collections.abc import Sequence

from nicmedic.model.keeping import FileEdit, NoPlace

__all__ = ["head_lines", "take_out_own"]

_ODD = re.compile(r"[^ -~]")
"""YAML takes no control characters, not even in comments."""


def head_lines(number: int, title: str) -> tuple[str, ...]:
    """What every file of ours begins with, in formats that take ``#`` for a comment.

    >>> head_lines(3, "mtu:1400")[0]
    '# Written by nicmedic: mtu:1400'
    """
    return (f"# Written by nicmedic: {_ODD.sub('?', ' '.join(title.split()))}", f"# nicmedic release {number} takes this file away.")


def _says(line: bytes) -> bool:
    return bool(line) and not line.startswith(b"#")


def _is_header(line: bytes) -> bool:
    """A section's name, or a key that only leads to others."""
    return line.startswith(b"[") or line.endswith(b":")


def take_out_own(back_end: str, edit: FileEdit, now: bytes, *, frame: Sequence[str] = ()) -> bytes | NoPlace | None:
    """What shall stand in a file of ours that is not as it was written; None: nothing, it goes.

    Comments of somebody else stay, and the file with them. Where lines that say something were changed or added, a person must see to it.

    Args:
        back_end: which wrote it.
        edit: as it was written.
        now: as it is.
        frame: lines that say nothing without others.
    """
    ours = [line.strip() for line in (edit.after or b"").splitlines()]
    there = [line.strip() for line in now.splitlines()]
    said, kept = [line for line in ours if _says(line)], [line for line in there if _says(line)]
    if said == kept:
        return b"".join(raw for raw in now.splitlines(keepends=True) if (line := raw.strip()) and line not in ours) or None
    telling = {line for line in ours if line and not _is_header(line) and line.decode("utf-8", "replace") not in frame}
    if not telling & set(there):
        return now
    added = [number for number, line in enumerate(there, 1) if _says(line) and line not in said]
    missing = [line.decode("utf-8", "replace") for line in said if line not in kept]
    told = [f"{edit.path} was edited since"]
    told += [f"not of nicmedic: line {', '.join(map(str, added))}"] if added else []
    told += [f"gone: {'; '.join(missing)}"] if missing else []
    return NoPlace(back_end=back_end, reasons=(": ".join((told[0], "; ".join(told[1:]) or "its lines stand in another order")),))
