# SPDX-License-Identifier: GPL-2.0-or-later
"""How a ladder was climbed, for a person: what holds now, what was tried, how sure one may be."""

from collections.abc import Iterator, Sequence

from nicmedic.model.attempt import Attempt
from nicmedic.model.durations import say_duration
from nicmedic.report.escape import escape_terminal
from nicmedic.report.style import Style

__all__ = ["render_attempts", "render_certainty"]


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
    return f"{held}; by the hangs seen before, the chance of such a quiet without any cure is {shown}"
