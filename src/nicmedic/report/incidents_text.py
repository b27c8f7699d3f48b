# SPDX-License-Identifier: GPL-2.0-or-later
"""Incidents for a person: the first line says what is wrong now, then a line for each, the newest first."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from nicmedic.model.durations import say_duration
from nicmedic.model.incident import Action, ActionState, Evidence, EvidenceKind, Incident, IncidentVerdict
from nicmedic.model.names import shell_name
from nicmedic.report.escape import escape_terminal
from nicmedic.report.news_text import PHRASES
from nicmedic.report.style import Style
from nicmedic.report.words import name_nic, say_count

__all__ = ["Moment", "is_open", "read_seconds_down", "render_incident", "render_incidents", "render_unwatched"]

_WAS = {
    IncidentVerdict.NIC_HUNG: "hung",
    IncidentVerdict.UNSURE: "stood still, and nothing told why",
    IncidentVerdict.LINK: "had no link that worked",
    IncidentVerdict.UPSTREAM: "sent, and nothing behind it answered",
    IncidentVerdict.HOST: "got no time from this host",
    IncidentVerdict.ADMINISTRATOR: "was taken away by somebody",
}
"""What it was, as ``PHRASES`` has what it is; the worst first."""
_RANKS = tuple(_WAS)
_MOST_NAMED = 4
_ENDS = {"restored": "restored", "gone": "ended: the card went", "boot": "ended by a boot"}
_WHAT = {
    EvidenceKind.SAMPLES: "counters of the minute before",
    EvidenceKind.KERNEL_LOG: "kernel log before and at the moment",
    EvidenceKind.KERNEL_LOG_AFTER: "kernel log afterwards",
    EvidenceKind.HOST: "all that was known of host and card, for nicmedic check --from",
    EvidenceKind.CHANGES: "what is not as at the last healthy boot",
}
_KIB = 1024
_WHY_UNWATCHED = "  systemctl status nicmedic-watch   # why nobody watches"


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """Now, as far as incidents are concerned."""

    boot_id: str | None = None
    uptime_s: float | None = None
    is_watched: bool | None = None
    """Whether somebody watches now: else nobody knows what became of open ones. None: unknown."""
    last_sign: str | None = None
    """When a watcher last said that it lives (ISO 8601)."""


def is_open(incident: Incident, boot_id: str | None) -> bool:
    """Whether it goes on now, as far as is known. One of an earlier boot does not, whoever saw its end."""
    return incident.ended is None and (boot_id is None or incident.boot_id == boot_id)


def read_seconds_down(incident: Incident) -> float | None:
    """From when it was last seen to work until traffic flowed again; None: not seen."""
    return None if incident.restored_uptime_s is None else max(0.0, incident.restored_uptime_s - incident.began_uptime_s)


def _clock(time: str | None) -> str:
    """To the second, as the wall clock of the host said."""
    return escape_terminal(time.replace("T", " ")[:19]) if time else "(unknown)"


def _name(incident: Incident) -> str:
    return escape_terminal(name_nic(incident.interface, incident.driver, incident.bus_address))


def _say_short(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < 10 else say_duration(seconds)


def _say_open(incident: Incident, now: Moment) -> str:
    """One that is open, or was when the watcher ended."""
    if now.is_watched is False:
        return f"{_name(incident)} {_WAS[incident.verdict]} at {_clock(incident.began)}, open when the watcher ended"
    ago = "" if now.uptime_s is None else f", for {_say_short(max(0.0, now.uptime_s - incident.began_uptime_s))}"
    return f"{_name(incident)} {PHRASES[incident.verdict]} since {_clock(incident.began)}{ago}"


def _say_end(incident: Incident) -> str:
    """How one that is not open went."""
    down = read_seconds_down(incident)
    if down is not None:
        return f"restored after {_say_short(down)}"
    return "its end was not seen" if incident.ended is None else escape_terminal(_ENDS.get(incident.ended_why or "", "ended"))


def _say_past(incident: Incident) -> str:
    return f"{_name(incident)} {_WAS[incident.verdict]} at {_clock(incident.began)}, {_say_end(incident)}"


def _list_open(known: Sequence[Incident], now: Moment) -> list[Incident]:
    """The worst first, and the newest of those alike."""
    opened = [incident for incident in reversed(known) if is_open(incident, now.boot_id)]
    return sorted(opened, key=lambda incident: _RANKS.index(incident.verdict))


def _say_unwatched(now: Moment) -> str:
    """What is ahead of everything else where nobody watches."""
    if now.is_watched is not False:
        return ""
    last = f" (last sign of life {_clock(now.last_sign)})" if now.last_sign else ""
    return f"nobody watches now{last}: "


def _say_all(known: Sequence[Incident], now: Moment) -> str:
    opened = _list_open(known, now)
    if len(opened) == 1:
        why = f": {escape_terminal(opened[0].reasons[0])}" if opened[0].reasons else ""
        return f"{_say_open(opened[0], now)} (incident {opened[0].id}){why}"
    if opened:
        named = [f"{one.id}: {_say_open(one, now)}" for one in opened[:_MOST_NAMED]]
        more = [f"and {len(opened) - _MOST_NAMED} more"] if len(opened) > _MOST_NAMED else []
        return f"{len(opened)} incidents{'' if now.is_watched is False else ' open'}: " + "; ".join([*named, *more])
    was = "was" if now.is_watched is False else "is"
    if not known:
        return "no incidents were noted" if now.is_watched is False else "no incidents: nothing that is watched here has stood still"
    return f"no incident {was} open; the last one, {known[-1].id}: {_say_past(known[-1])}"


def _say_actions(incident: Incident) -> str:
    """What was done, the last of each kind."""
    last = {action.what: action.state for action in incident.actions}
    return escape_terminal(", ".join(f"{what} {state.replace('_', ' ')}" for what, state in last.items()))


def _line(incident: Incident, now: Moment, style: Style) -> str:
    still = "open when watch ended" if now.is_watched is False else "open"
    how = still if is_open(incident, now.boot_id) else _say_end(incident)
    lead = f"{incident.id:>4}  {_clock(incident.began):<19}  {escape_terminal(incident.interface):<10}  {incident.verdict:<13}  {how:<24}"
    return style.line(f"{lead}  {_say_actions(incident)}", first="  ", rest=" " * 8)


def render_unwatched() -> str:
    """Nothing was ever kept on this host."""
    return "no incidents: nobody has watched this host yet\n\n  nicmedic install-service   # begins to\n"


def render_incidents(
    known: Sequence[Incident], now: Moment, style: Style, *, shown: Sequence[Incident], count: int | None = None, unreadable: int = 0
) -> str:
    """All of them, the newest first.

    Args:
        known: oldest first, at least the open ones and the newest: the first line is about these.
        now: this boot.
        style: of the terminal.
        shown: those that get a line, oldest first.
        count: of all that there are; None: no more than known.
        unreadable: rows of them that are not what was written.
    """
    count = len(known) if count is None else count
    lines = [style.line(_say_unwatched(now) + _say_all(known, now), "bold", rest="  ")]
    if known:
        lines.append("")
    lines += [_line(incident, now, style) for incident in reversed(shown)]
    if len(shown) < count:
        lines.append(f"  {count - len(shown)} more: nicmedic incidents --last {count}")
    if unreadable:
        lines.append(f"  {say_count(unreadable, 'row')} of the database cannot be read")
    commands = [_WHY_UNWATCHED] if now.is_watched is False else []
    first = (*_list_open(known, now), *known[-1:])[:1]
    commands += [f"  nicmedic incidents {one.id}   # all of it, with its evidence" for one in first]
    return "\n".join([*lines, *(["", *commands] if commands else []), ""])


def _render_times(incident: Incident, style: Style) -> Iterator[str]:
    late = max(0.0, incident.detected_uptime_s - incident.began_uptime_s)
    yield style.wrap(f"{incident.began}  last seen to work, or the first sign", first="  ", rest="    ")
    yield style.wrap(f"{incident.detected}  noticed, {_say_short(late)} later", first="  ", rest="    ")
    down = read_seconds_down(incident)
    if incident.restored is not None:
        after = "" if down is None else f", {_say_short(down)} after it began"
        yield style.wrap(f"{incident.restored}  traffic flows again{after}", first="  ", rest="    ")
    if incident.ended is not None and (incident.ended != incident.restored or incident.ended_why != "restored"):
        yield style.wrap(f"{incident.ended}  {_ENDS.get(incident.ended_why or '', 'ended')}", first="  ", rest="    ")


def _render_card(incident: Incident, style: Style) -> Iterator[str]:
    card = [
        ("driver", incident.driver),
        ("bus", " ".join(part for part in (incident.bus, incident.bus_address) if part)),
        ("address", incident.permanent_address),
        ("kernel", incident.kernel_package or incident.kernel_release),
        ("boot", incident.boot_id),
    ]
    for name, value in card:
        yield style.wrap(f"{name:<8} {value or '(unknown)'}", first="  ", rest=" " * 11)


def _render_action(action: Action, style: Style) -> Iterator[str]:
    transactions = f" (transaction {', '.join(map(str, action.transactions))})" if action.transactions else ""
    state = "CHANGED: it failed, and could not be undone" if action.state is ActionState.CHANGED else action.state.replace("_", " ")
    told = f"{action.began}  {action.what}: {state}{transactions}{': ' if action.detail else ''}{action.detail}"
    yield style.wrap(told, first="  ", rest="    ")
    if action.ended is not None and action.state is not ActionState.HELD_BACK:
        yield style.wrap(f"{action.ended}  {action.what}: its end", first="  ", rest="    ")


def _render_evidence(number: int | None, evidence: Sequence[Evidence], style: Style) -> Iterator[str]:
    for place, piece in enumerate(evidence, 1):
        if piece.data:
            size = f"{max(1, len(piece.data) // _KIB)} KiB{', part of it given up' if piece.thinned else ''}"
        else:
            size = "given up: there was no room for it" if piece.thinned else "empty"
        yield style.wrap(f"{place}  {piece.kind:<16}  {_WHAT[piece.kind]}; {size}; {_clock(piece.at)}", first="  ", rest=" " * 23)
    if any(piece.data for piece in evidence):
        kinds = [piece.kind for piece in evidence if piece.data]
        chosen = EvidenceKind.KERNEL_LOG if EvidenceKind.KERNEL_LOG in kinds else kinds[0]
        yield f"  nicmedic incidents {number} --evidence {chosen}"


def _say_changed(incident: Incident) -> str:
    """Ahead of everything else: what nobody but a person can put right."""
    changed = [action for action in incident.actions if action.state is ActionState.CHANGED]
    if not changed:
        return ""
    numbers = [str(number) for action in changed for number in action.transactions]
    where = f" (transaction {', '.join(numbers)})" if numbers else ""
    names = ", ".join(dict.fromkeys(escape_terminal(action.what) for action in changed))
    return f"{names} failed and could not be undone, the card was left CHANGED{where}; "


def _type_next(incident: Incident, now: Moment) -> Iterator[str]:
    for action in incident.actions:
        if action.state is ActionState.CHANGED:
            for number in action.transactions or ("",):
                yield f"  nicmedic transactions {number}".rstrip() + "   # its undo failed: what is left to type"
    interface = shell_name(incident.interface, "IFACE")
    if now.is_watched is False and is_open(incident, now.boot_id):
        yield _WHY_UNWATCHED
    if is_open(incident, now.boot_id) and incident.verdict is IncidentVerdict.NIC_HUNG:
        yield f"  nicmedic check {interface}                     # what it does now"
        yield f"  nicmedic treat {interface} --ladder restore    # have it send again; undone unless it helps"
    elif is_open(incident, now.boot_id):
        yield f"  nicmedic check {interface}   # what it does now"
    for action in incident.actions:
        if action.state is not ActionState.CHANGED:
            yield from (f"  nicmedic transactions {number}   # what was changed" for number in action.transactions)


def render_incident(incident: Incident, evidence: Sequence[Evidence], now: Moment, style: Style, *, unreadable: int = 0) -> str:
    """One of them, with all that is kept of it; ``unreadable``: so many pieces of evidence are not what was written."""
    told = _say_unwatched(now) + _say_open(incident, now) if is_open(incident, now.boot_id) else _say_past(incident)
    lines = [style.line(f"{_say_changed(incident)}{told} (incident {incident.id})", "bold", rest="  "), "", style.title("What shows it")]
    lines += [style.wrap(reason, first="  - ") for reason in incident.reasons] or ["  (nothing was noted)"]
    lines += ["", style.title("When"), *_render_times(incident, style)]
    lines += ["", style.title("What was done")]
    lines += [line for action in incident.actions for line in _render_action(action, style)] or ["  nothing"]
    lines += ["", style.title("The card, then"), *_render_card(incident, style)]
    lines += ["", style.title("Evidence"), *(list(_render_evidence(incident.id, evidence, style)) or ["  none"])]
    if unreadable:
        lines.append(f"  {say_count(unreadable, 'piece')} more cannot be read")
    commands = list(_type_next(incident, now))
    return "\n".join([*lines, *(["", style.title("What to type"), *commands] if commands else []), ""])
