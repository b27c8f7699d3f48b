# SPDX-License-Identifier: GPL-2.0-or-later
"""The list of all links that cannot be had at first, and messages that are lost while it is made."""

import time

import pytest

from nicmedic.host.watching import senses
from nicmedic.host.watching.child import Child
from nicmedic.host.watching.senses import HostSenses
from nicmedic.host.watching.survey import begin_survey


def test_a_list_that_failed_is_asked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[float] = []

    def begin(virtual: tuple[str, ...]) -> Child:
        made.append(time.monotonic())
        return Child(lambda tell: tell({"speeds": {}})) if len(made) == 1 else begin_survey(virtual)

    monkeypatch.setattr(senses, "begin_survey", begin)
    monkeypatch.setattr(senses, "_SURVEY_FAILED_S", 0.3)
    with HostSenses() as ours:
        until = time.monotonic() + 10
        while ours._links.find("lo") is None and time.monotonic() < until:
            ours.wait_signals(time.monotonic() + 0.1)
        assert ours._links.find("lo") is not None
        assert ours._survey_due_s is None
    assert len(made) == 2


def test_what_is_lost_while_a_list_is_made_has_another_one_made() -> None:
    with HostSenses() as ours:
        ours._begin_survey()
        ours._survey_due_s = time.monotonic()  # as messages that were dropped set it
        assert ours._survey is not None
        ours._survey.wait(10)
        ours._end_survey(time.monotonic())
        assert ours._survey_due_s is not None
