# SPDX-License-Identifier: GPL-2.0-or-later
"""A plan for a person: first what would be done, then each change with its commands, its undo and its risk, then what is refused and why."""

from collections.abc import Iterator, Sequence

from nicmedic.model.finding import RemedyId
from nicmedic.model.plan import Change, Ladder, Plan, Refusal
from nicmedic.model.step import Step
from nicmedic.remedy.changes.boot import REFUSED
from nicmedic.remedy.ladder import name_change
from nicmedic.remedy.recipe import FLAP, NONE, PAUSE, REBOOT
from nicmedic.remedy.script.words import quote_word, render_step
from nicmedic.report.escape import escape_terminal
from nicmedic.report.style import Style
from nicmedic.report.words import name_nic, say_count

__all__ = ["render_command", "render_first_line", "render_plan_overview", "render_plan_text"]

_AWAY = {
    NONE: "Traffic goes on",
    FLAP: "The link drops for 2 to 5 s",
    PAUSE: "Traffic stops for seconds",
    REBOOT: "The host boots",
}
_UNTOUCHED = "Nothing has been changed."
_INDENT = "     "


def render_command(command: str) -> str:
    """A command on a line of its own, never wrapped: it is there to be copied."""
    return f"       {escape_terminal(command)}"


def _name(plan: Plan) -> str:
    return name_nic(plan.nic.interface, plan.nic.driver)


def _wanted(one: Change | Refusal) -> str:
    return f"{one.remedy}:{one.argument}" if one.argument else str(one.remedy)


def render_first_line(plan: Plan) -> str:
    """What would be done, in one sentence; not escaped."""
    if not plan.changes:
        first = plan.refusals[0] if len(plan.refusals) == 1 else None
        why = f"{_wanted(first)} is refused." if first else "all that was asked for is refused."
        return f"Nothing would be done on {_name(plan)}: {why} {_UNTOUCHED}"
    if plan.ladder is Ladder.RESTORE:
        return f"On {_name(plan)} {say_count(len(plan.changes), 'rung')} would be tried until traffic flows. {_UNTOUCHED}"
    if plan.ladder is Ladder.PREVENT:
        factors = say_count(len(plan.changes), "setting")
        return f"On {_name(plan)} {factors} would be tried, one at a time, until no hang comes any more. {_UNTOUCHED}"
    refused = f", {len(plan.refusals)} refused" if plan.refusals else ""
    return f"On {_name(plan)} {say_count(len(plan.changes), 'change')} would be made{refused}. {_UNTOUCHED}"


def _own_steps(change: Change, plan: Plan) -> Sequence[Step]:
    """Without those that put back what stood on the card: they are told once."""
    count = len(plan.put_back)
    return change.steps[:-count] if count and change.steps[-count:] == plan.put_back else change.steps


def _say_away(change: Change) -> str:
    if change.boots:
        return "The host boots: treat does not carry it out, type it yourself."
    away = _AWAY.get(change.disruption, change.disruption)
    return f"{away}." if change.disruption == NONE else f"{away}; treat gives it {change.settle_s} s to come back."


def _change_lines(number: int, change: Change, plan: Plan, style: Style) -> Iterator[str]:
    interface = plan.nic.interface
    yield style.wrap(f"{number}. {name_change(change)}: {change.title}", first="  ", rest=_INDENT, paint=("green",))
    yield from (render_command(render_step(step, interface)) for step in _own_steps(change, plan))
    yield style.wrap(" ".join((_say_away(change), *change.risks)), first=_INDENT, rest=_INDENT)
    if change.undo:
        yield style.wrap("Undo:", first=_INDENT)
        yield from (render_command(render_step(step, interface)) for step in change.undo)
    elif change.takes_stack:
        yield style.wrap("Undo: none needed, for no setting changes; what stood on the card is put back.", first=_INDENT, rest=_INDENT)
    elif not change.boots:
        yield style.wrap("Undo: none needed, for no setting changes.", first=_INDENT, rest=_INDENT)


def _refusal_lines(refusal: Refusal, plan: Plan, style: Style) -> Iterator[str]:
    yield style.wrap(f"{_wanted(refusal)}: {'; '.join(refusal.reasons)}", first="  ", rest=_INDENT, paint=("yellow",))
    if plan.ladder is None:
        yield from map(render_command, refusal.settle)
    if refusal.may_be_told:
        yield style.wrap("It is carried out all the same with --accept-losses.", first=_INDENT, rest=_INDENT)


def _put_back_lines(plan: Plan, style: Style) -> Iterator[str]:
    if plan.losses:
        yield style.title("What could not be put back")
        yield from (style.wrap(loss, first="  ", rest="    ") for loss in plan.losses)
    if not plan.put_back:
        return
    if plan.ladder is not None:
        count = say_count(len(plan.put_back), "command")
        yield style.title(
            f"What stood on the card is put back by {count}, each of which does nothing where it still stands (--json tells them)."
        )
        return
    yield style.title("What stood on the card is put back by these, each of which does nothing where it still stands")
    yield from (render_command(render_step(step, plan.nic.interface)) for step in plan.put_back)


def _next_lines(plan: Plan, style: Style, *, accepted: bool) -> Iterator[str]:
    usable = [change for change in plan.changes if not change.boots]
    if not usable:
        return
    asked = (
        f"--ladder {plan.ladder}"
        if plan.ladder is not None
        else " ".join(f"--remedy {quote_word(name_change(change))}" for change in usable)
    )
    yield style.wrap("To carry it out, with an undo that comes by itself unless it is confirmed in time:")
    yield render_command(f"nicmedic treat {quote_word(plan.nic.interface)} {asked}" + (" --accept-losses" if accepted else ""))


def render_plan_text(plan: Plan, style: Style, *, accepted: bool = False) -> str:
    """The whole plan.

    Args:
        plan: what would be done.
        style: the reader's terminal.
        accepted: it was made with ``--accept-losses``.
    """
    lines = [style.wrap(render_first_line(plan), paint=("bold",))]
    for number, change in enumerate(plan.changes, 1):
        lines += _change_lines(number, change, plan, style)
    if any(change.takes_stack for change in plan.changes):
        lines += _put_back_lines(plan, style)
    if plan.refusals:
        lines.append(style.title("Refused, and why"))
        lines += [line for refusal in plan.refusals for line in _refusal_lines(refusal, plan, style)]
    lines += _next_lines(plan, style, accepted=accepted)
    return "\n".join(lines) + "\n"


def render_plan_overview(plan: Plan, style: Style) -> str:
    """A plan of every remedy: one line each."""
    name = _name(plan)
    of = f"{len(plan.changes)} of {len(plan.changes) + len(plan.refusals)} remedies"
    lines = [style.wrap(f"{of} can be carried out on {name} as it is now. {_UNTOUCHED}", paint=("bold",))]
    width = max(map(len, RemedyId))
    for change in plan.changes:
        away = "by hand: the host boots" if change.boots else _AWAY.get(change.disruption, change.disruption).lower()
        lines.append(style.wrap(f"{change.remedy:<{width}}  {change.title} ({away})", first="  ", rest=" " * (width + 4)))
    here = [refusal for refusal in plan.refusals if refusal.remedy not in REFUSED]
    if here:
        lines.append(style.title("Not like this, and why"))
        lines += [style.wrap(f"{one.remedy:<{width}}  {'; '.join(one.reasons)}", first="  ", rest=" " * (width + 4)) for one in here]
    lines.append(style.wrap(f"By hand only: {', '.join(one.remedy for one in plan.refusals if one.remedy in REFUSED)}", rest="  "))
    shown = quote_word(plan.nic.interface)
    lines.append(style.wrap("The commands of one, its undo and its risks, or how to do it by hand:"))
    lines.append(render_command(f"nicmedic plan {shown} --remedy {plan.changes[0].remedy if plan.changes else 'hardware'}"))
    return "\n".join(lines) + "\n"
