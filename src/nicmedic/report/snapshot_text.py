# SPDX-License-Identifier: GPL-2.0-or-later
"""What was saved, for a person: the path first, for it goes into the next command."""

from collections.abc import Iterator

from nicmedic.model.archive import Written
from nicmedic.report.escape import escape_terminal, quote_file_name
from nicmedic.report.style import Style
from nicmedic.report.words import say_count

__all__ = ["render_snapshot_text"]

_MOST_MISSING = 12


def _missing(written: Written, style: Style) -> Iterator[str]:
    if not written.missing:
        return
    yield style.title(f"Could not be had ({len(written.missing)}); MANIFEST.json in the archive lists all")
    for what, why in written.missing[:_MOST_MISSING]:
        yield style.wrap(f"{what}: {why}", first="  - ", rest="    ")
    if len(written.missing) > _MOST_MISSING:
        yield f"  … and {len(written.missing) - _MOST_MISSING} more"


def render_snapshot_text(written: Written, style: Style) -> str:
    """The whole answer, ready to be printed."""
    name = quote_file_name(written.path)
    place = "in memory only: copy it away before a reboot" if written.is_in_memory else "on disk"
    lines = [f"{escape_terminal(written.path)}: {written.bytes / 1e6:.1f} MB, {say_count(written.members, 'file')}, {place}", ""]
    if written.map_path is not None:
        lines += [style.wrap(f"{written.map_path}: what was replaced by what; keep it to yourself"), ""]
    missing = list(_missing(written, style))
    lines += [*missing, ""] if missing else []
    lines += [style.title("What to type next, here or on another machine"), f"  nicmedic check --from {escape_terminal(name)}"]
    return "\n".join([*lines, f"  nicmedic explain {escape_terminal(name)}", ""])
