# SPDX-License-Identifier: GPL-2.0-or-later
"""What a person reads of a ladder that was climbed."""

from nicmedic.model.attempt import Attempt, Came
from nicmedic.report.ladder_text import render_attempts, render_certainty
from nicmedic.report.style import Style


def test_each_rung_has_a_line_with_its_end_and_what_was_seen() -> None:
    attempts = [
        Attempt(names=("link-bounce",), outcome=Came.FAILED, reason="", detail="no answer\x1b[2J", seconds=12.4),
        Attempt(names=("mtu:1400", "eee-off"), outcome=Came.SKIPPED, reason=""),
    ]
    assert list(render_attempts(attempts, Style(width=100))) == [
        "  link-bounce        failed after 12 s: no answer\\x1b[2J",
        "  mtu:1400, eee-off  skipped",
    ]


def test_how_sure_one_may_be_is_told_as_the_chance_of_being_fooled() -> None:
    assert "the chance that one is quiet by accident is 5 %" in render_certainty(0.95, 60.0)
    assert "less than 1 %" in render_certainty(0.9999, 60.0)
    assert "proves little" in render_certainty(None, 60.0)
