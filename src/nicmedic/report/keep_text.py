# SPDX-License-Identifier: GPL-2.0-or-later
"""Kept remedies for a person: the first line says how it stands, then which files, then what to type."""

from collections.abc import Iterator, Mapping, Sequence

from nicmedic.model.keeping import Check, CheckWord, FileEdit, Kept, KeptState
from nicmedic.persist.choosing import name_wish
from nicmedic.persist.expiry import name_kernel
from nicmedic.report.escape import escape_terminal
from nicmedic.report.file_diff import render_diffs
from nicmedic.report.style import Style

__all__ = [
    "KEPT_PAINT",
    "KEPT_WORDS",
    "name_remedies",
    "render_kept",
    "render_kept_list",
    "render_notes",
    "render_recovered_kept",
    "render_released",
    "render_verified",
    "render_written",
]

KEPT_WORDS = {
    CheckWord.IN_FORCE: "is in force",
    CheckWord.DRIFTED: "is NOT in force",
    CheckWord.REPAIRED: "was not in force, and is again",
    CheckWord.UNKNOWN: "cannot be told",
}
"""How a kept remedy stands, as the rest of a sentence that begins with it."""
KEPT_PAINT = {
    CheckWord.IN_FORCE: ("bold", "green"),
    CheckWord.DRIFTED: ("bold", "red"),
    CheckWord.REPAIRED: ("bold", "yellow"),
    CheckWord.UNKNOWN: ("bold", "yellow"),
}
"""The colours of that."""


def name_remedies(kept: Kept) -> str:
    """As ``--remedy`` takes them."""
    return ", ".join(name_wish(wish) for wish in kept.wishes)


def _subject(kept: Kept) -> str:
    return escape_terminal(f"{kept.nic.interface}: {name_remedies(kept)}")


def _render_edits(edits: Sequence[FileEdit]) -> Iterator[str]:
    if edits:
        yield from ("", render_diffs(edits))


def _list_edits(kept: Kept) -> list[FileEdit]:
    return [edit for placement in kept.placements for edit in placement.edits]


def render_notes(notes: Sequence[str], style: Style) -> str:
    """What the operator should know."""
    return "".join(style.wrap(note, first="  ", rest="    ") + "\n" for note in notes)


def render_written(kept: Kept, notes: Sequence[str], style: Style, *, planned: bool) -> str:
    """What will be written (``planned``), or that it was.

    Args:
        kept: with its files.
        notes: what the operator should know.
        style: of the terminal.
        planned: nothing is written yet; the files are shown.
    """
    if planned:
        lines = [style.paint(f"{_subject(kept)} is to be kept (number {kept.id})", "bold"), *_render_edits(_list_edits(kept)), ""]
        lines += [f"  {' '.join(argv)}" for placement in kept.placements for argv in placement.refresh]
        return "\n".join([*lines, ""])
    lines = [style.paint(f"{_subject(kept)} is kept (number {kept.id})", "bold", "green")]
    for placement in kept.placements:
        files = ", ".join(edit.path for edit in placement.edits)
        when = f"; it takes hold {placement.takes_hold}" if placement.takes_hold else ""
        lines.append(style.wrap(f"{', '.join(placement.settings)}: {placement.back_end}, {files}{when}", first="  ", rest="    "))
    lines += [render_notes(notes, style).rstrip("\n")] if notes else []
    commands = ["  nicmedic verify              # is it in force?", f"  nicmedic release {kept.id}           # take it away again"]
    return "\n".join([*lines, "", style.title("What to type"), *commands, ""])


def render_released(kept: Kept, edits: Sequence[FileEdit], notes: Sequence[str], style: Style, *, planned: bool) -> str:
    """What will be put back, or that it was."""
    if planned:
        lines = [style.paint(f"{_subject(kept)} is to be released (number {kept.id})", "bold"), *_render_edits(edits)]
        lines += [] if edits else ["  every file is as it was already"]
        return "\n".join([*lines, ""])
    if kept.state is KeptState.RELEASED:
        lines = [style.paint(f"{_subject(kept)} is not kept any more (number {kept.id})", "bold", "green")]
    else:
        lines = [
            style.paint(f"{_subject(kept)}: its files are back, and something of nicmedic is left (number {kept.id})", "bold", "yellow")
        ]
    lines += [style.wrap(note, first="  ", rest="    ") for note in notes]
    lines.append(style.wrap("What is set on the running card stays so until the next boot, or until you set it otherwise.", first="  "))
    return "\n".join([*lines, ""])


def _count(number: int) -> str:
    return f"{number} {'remedy' if number == 1 else 'remedies'}"


def _say_check(check: Check) -> str:
    told = "".join(f": {words}" for words in (", ".join(check.differences), check.note) if words)
    return f"{check.time} ({check.occasion}): {check.word}{told}"


def _next_of_expiry(kept: Kept, expiry: str) -> str:
    return f"{expiry}; is it still needed?   nicmedic release {kept.id} --trial"


def _render_one(kept: Kept, expiry: str | None, style: Style) -> Iterator[str]:
    states = {
        KeptState.WRITING: "  half written: put back by the next nicmedic kept",
        KeptState.RELEASING: "  half released: ended by the next nicmedic kept",
    }
    yield style.paint(f"{kept.id:>3}  {_subject(kept)}{states.get(kept.state, '')}", "bold")
    made_for = name_kernel(kept.made_for.kernel_package, kept.made_for.kernel_release)
    tried = f"tried in transaction {kept.transaction}" if kept.transaction is not None else "never tried on this host"
    yield style.wrap(f"kept at {kept.kept_at} for kernel {made_for}, {tried}; on drift: {kept.on_drift}", first="     ")
    for placement in kept.placements:
        for edit in placement.edits:
            yield style.wrap(f"{edit.path} ({placement.back_end}: {', '.join(placement.settings)})", first="     ", rest="       ")
    yield style.wrap(f"last check {_say_check(kept.checks[-1])}" if kept.checks else "not checked yet", first="     ", rest="       ")
    if expiry is not None:
        yield style.wrap(_next_of_expiry(kept, expiry), first="     ", rest="       ", paint=("yellow",))


def render_kept_list(known: Sequence[Kept], expiries: Mapping[int, str | None], style: Style) -> str:
    """All that are kept; of the released ones their number.

    Args:
        known: oldest first.
        expiries: what each was made for and is another now.
        style: of the terminal.
    """
    live = [kept for kept in known if kept.state is not KeptState.RELEASED]
    released = len(known) - len(live)
    if not live:
        told = f"; {_count(released)} released" if released else ""
        return f"nothing is kept{told}\n"
    lines = [style.paint(f"{_count(len(live))} kept", "bold"), ""]
    for kept in live:
        lines += [*_render_one(kept, expiries.get(kept.id), style), ""]
    return "\n".join(lines)


def render_kept(kept: Kept, expiry: str | None, style: Style) -> str:
    """One of them, with its files and all checks."""
    lines = [*_render_one(kept, expiry, style), *_render_edits(_list_edits(kept)), "", style.title("Checks")]
    lines += [style.wrap(_say_check(check), first="  ", rest="    ") for check in kept.checks] or ["  none yet"]
    if kept.released_at is not None:
        lines.append(f"  released at {kept.released_at}")
    return "\n".join([*lines, "", f"  {escape_terminal(kept.folder)}", ""])


def render_verified(found: Sequence[tuple[Kept, Check, str | None, Sequence[str]]], style: Style) -> str:
    """What a check found: of each the remedy, the check, what expired, and what went wrong."""
    if not found:
        return "nothing is kept, so there is nothing to check\n"
    lines = []
    for kept, check, expiry, trouble in found:
        lines.append(style.paint(f"{_subject(kept)} {KEPT_WORDS[check.word]} (number {kept.id})", *KEPT_PAINT[check.word]))
        lines += [style.wrap(one, first="  ", rest="    ") for one in (*check.differences, *trouble)]
        if check.word is CheckWord.DRIFTED:
            lines.append("  nicmedic verify --repair   # set it again, with the probes to confirm it")
        if expiry is not None:
            lines.append(style.wrap(_next_of_expiry(kept, expiry), first="  ", rest="    ", paint=("yellow",)))
    return "\n".join([*lines, ""])


def render_recovered_kept(kept: Kept, trouble: Sequence[str], left: str) -> str:
    """One that a crash has left behind, in a line or two."""
    what = "keeping" if kept.state is KeptState.WRITING else "releasing"
    if not trouble:
        ended = "every file is as it was" if kept.state is KeptState.WRITING else "it is released"
        return f"nicmedic: {what} {_subject(kept)} (number {kept.id}) was interrupted; {ended}\n"
    told = escape_terminal("; ".join(trouble))
    line = f"nicmedic: CHANGED: {what} {_subject(kept)} (number {kept.id}) was interrupted, and cannot be ended: {told}\n"
    return line + "".join(f"          {escape_terminal(command)}\n" for command in left.splitlines())
