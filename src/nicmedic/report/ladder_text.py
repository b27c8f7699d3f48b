# SPDX-License-Identifier: GPL-2.0-or-later
"""How a ladder was climbed, for a person: what holds now, what was tried, how sure one may be."""

from collections.abc import Iterator, Sequence

from nicmedic.model.attempt import Ascent, Attempt
from nicmedic.model.durations import say_duration
from nicmedic.model.transaction import Transaction
from nicmedic.report.escape import escape_terminal
from nicmedic.report.style import Style

__all__ = ["render_attempts", "render_certainty", "render_climbed"]


def render_attempts(attempts: Sequence[Attempt], style: Style) -> Iterator[str]:
    """A line a rung, in the order of trying."""
    wide = max((len(", ".join(attempt.names)) for attempt in attempts), default=0)
    for attempt in attempts:
        names = escape_terminal(", ".join(attempt.names))
        took = f" after {say_duration(attempt.seconds)}" if attempt.seconds else ""
        detail = f": {escape_terminal(attempt.detail)}" if attempt.detail else ""
        yield style.wrap(f"{names:<{wide}}  {attempt.outcome}{took}{detail}", first="  ", rest=" " * (wide + 4))


def render_certainty(certainty: float | None, hold_s: float) -> str:
    """How sure *prevent* is, in a sentence."""
    held = f"no hang came in the {say_duration(hold_s)} that it was held"
    if certainty is None:
        return f"{held}; how long this card takes to hang is not known, so that proves little: watch it"
    chance = 100 * (1 - certainty)
    shown = f"{chance:.0f} %" if chance >= 1 else "less than 1 %"
    return f"{held}; by the hangs seen, and by how many settings were tried, the chance that one is quiet by accident is {shown}"


def render_climbed(outcome: Ascent, name: str, transaction: Transaction | None, style: Style) -> str:
    """A ladder that ended well.

    Args:
        outcome: how.
        name: of the card.
        transaction: that is in force; None: nothing was changed.
        style: of the terminal.
    """
    shown = escape_terminal(name)
    if transaction is None:
        return style.line(f"{shown} was not changed: {outcome.reason}", "bold", "green", rest="  ") + "\n"
    kept = escape_terminal(" and ".join(outcome.kept))
    became = {
        "restore": f"{shown} is back: traffic flows since {kept}",
        "prevent": f"{shown} holds with {kept}, which is in force until the next boot",
    }[outcome.ladder]
    lines = [style.line(f"{became} (transaction {transaction.id})", "bold", "green", rest="  "), style.wrap(outcome.reason, first="  ")]
    if outcome.hold_s is not None:
        lines.append(style.wrap(render_certainty(outcome.certainty, outcome.hold_s), first="  "))
    lines += ["", style.title("What was tried"), *render_attempts(outcome.attempts, style), "", style.title("What to type")]
    if outcome.ladder == "restore":
        lines.append(f"  nicmedic explain --interface {shown}          # why it hung")
        lines.append(f"  nicmedic treat {shown} --ladder prevent       # find what keeps it from hanging again")
    lines.append(f"  nicmedic undo {transaction.id}   # take it back")
    return "\n".join([*lines, ""])
