# SPDX-License-Identifier: GPL-2.0-or-later
"""News of an incident as one sentence for the journal and for messages. Resident: imports little."""

from dataclasses import dataclass

from nicmedic.model.incident import Action, ActionState, Incident, IncidentVerdict
from nicmedic.report.escape import escape_terminal

__all__ = ["PHRASES", "News", "Urgency", "find_latest_action", "render_host_news", "render_news"]

PHRASES = {
    IncidentVerdict.NIC_HUNG: "hangs",
    IncidentVerdict.LINK: "has no link that works",
    IncidentVerdict.UPSTREAM: "sends, and nothing behind it answers",
    IncidentVerdict.HOST: "gets no time from this host",
    IncidentVerdict.ADMINISTRATOR: "was taken away by somebody",
    IncidentVerdict.UNSURE: "stands still, and nothing tells why",
}
"""What it is while it goes on; after the name of the card."""
_ENDS = {"gone": "the card went", "boot": "the host was booted"}
_STATES = {
    ActionState.RUNNING: "begun",
    ActionState.HELPED: "helped",
    ActionState.FAILED: "failed; the card is as it was",
    ActionState.CHANGED: "FAILED, and the card is CHANGED",
    ActionState.HELD_BACK: "held back",
}


class Urgency:
    """As the journal counts (man sd-daemon)."""

    CRITICAL = 2
    ERROR = 3
    WARNING = 4
    NOTICE = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """What is told."""

    what: str
    """``began``, ``verdict``, ``restored``, ``action``, ``ended``; ``host``: of the watcher itself."""
    title: str
    """A few words, for the subject of a message."""
    text: str
    """One sentence; fit for a terminal."""
    urgency: int
    worth_a_message: bool
    """Whether somebody should be woken: not for what is about to end by itself, or was told already."""


def _say_reasons(incident: Incident) -> str:
    return f": {'; '.join(incident.reasons[:3])}" if incident.reasons else ""


def _say_down(incident: Incident) -> str:
    if incident.restored_uptime_s is None:
        return ""
    return f" after {max(0.0, incident.restored_uptime_s - incident.began_uptime_s):.1f} s"


def find_latest_action(incident: Incident) -> Action | None:
    """The one that began or ended last: an earlier one may end after a later one has begun."""
    return max(incident.actions, key=lambda action: action.ended or action.began, default=None)


def _tell_action(name: str, action: Action, number: str) -> News:
    detail = f": {escape_terminal(action.detail)}" if action.detail else ""
    if action.transactions:
        detail += f" (transaction {', '.join(map(str, action.transactions))})"
    is_bad = action.state in {ActionState.FAILED, ActionState.CHANGED}
    urgency = Urgency.CRITICAL if action.state is ActionState.CHANGED else Urgency.ERROR if is_bad else Urgency.NOTICE
    state = _STATES[action.state]
    return News(
        what="action",
        title=f"{name}: {action.what} {state}",
        text=f"{name}: {action.what} {state}{detail}{number}",
        urgency=urgency,
        worth_a_message=action.state is not ActionState.RUNNING,
    )


def render_news(incident: Incident, what: str) -> News:
    """What became of an incident."""
    name = escape_terminal(incident.interface) + (f" ({escape_terminal(incident.driver)})" if incident.driver else "")
    number = f" [incident {incident.id}]" if incident.id is not None else " [incident not on disk]"
    phrase, reasons = PHRASES[incident.verdict], _say_reasons(incident)
    action = find_latest_action(incident)
    if what == "action" and action is not None:
        return _tell_action(name, action, number)
    if what == "restored":
        title = f"{name} works again{_say_down(incident)}"
        return News(what=what, title=title, text=title + number, urgency=Urgency.NOTICE, worth_a_message=True)
    if what == "ended":
        why = incident.ended_why or ""
        title = f"{name}: it is over" + (f": {_ENDS[why]}" if why in _ENDS else "")
        return News(what=what, title=title, text=title + number, urgency=Urgency.NOTICE, worth_a_message=why != "restored")
    urgency = {IncidentVerdict.NIC_HUNG: Urgency.CRITICAL, IncidentVerdict.ADMINISTRATOR: Urgency.NOTICE}.get(
        incident.verdict, Urgency.WARNING
    )
    title = f"{name} {phrase}" if what == "began" else f"{name}: after all it {phrase}"
    return News(what=what, title=title, text=title + reasons + number, urgency=urgency, worth_a_message=True)


def render_host_news(text: str, *, bad: bool) -> News:
    """Something about the watcher itself; may have several lines."""
    first = text.splitlines()[0] if text else ""
    urgency = Urgency.ERROR if bad else Urgency.NOTICE
    return News(what="host", title=f"nicmedic: {first}"[:200], text=text, urgency=urgency, worth_a_message=bad)
