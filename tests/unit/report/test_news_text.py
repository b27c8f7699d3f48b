# SPDX-License-Identifier: GPL-2.0-or-later
"""What is said of an incident, in the journal and in messages."""

import dataclasses

import pytest

from nicmedic.model.incident import Action, ActionState, Incident, IncidentVerdict
from nicmedic.report.news_text import render_host_news, render_news

INCIDENT = Incident(
    id=7,
    boot_id="b",
    interface="eth0",
    driver="e1000e",
    verdict=IncidentVerdict.NIC_HUNG,
    reasons=("196 bytes in flight since 2.1 s", "carrier is there"),
    began="2026-11-23T02:59:50+00:00",
    began_uptime_s=100.0,
    detected="2026-11-23T02:59:51+00:00",
    detected_uptime_s=101.0,
)


def test_what_began_says_why() -> None:
    news = render_news(INCIDENT, "began")
    assert news.text == "eth0 (e1000e) hangs: 196 bytes in flight since 2.1 s; carrier is there [incident 7]"
    assert (news.title, news.urgency, news.worth_a_message) == ("eth0 (e1000e) hangs", 2, True)


@pytest.mark.parametrize("verdict", IncidentVerdict)
def test_each_verdict_has_words(verdict: IncidentVerdict) -> None:
    incident = dataclasses.replace(INCIDENT, verdict=verdict, id=None, driver=None)
    assert render_news(incident, "verdict").text.startswith("eth0: after all it ")
    assert render_news(incident, "began").text.endswith("[incident not on disk]")
    assert render_news(incident, "began").urgency == {"nic_hung": 2, "administrator": 5}.get(verdict, 4)


def test_what_came_back_says_after_how_long() -> None:
    over = dataclasses.replace(INCIDENT, restored_uptime_s=103.25)
    assert render_news(over, "restored").text == "eth0 (e1000e) works again after 3.2 s [incident 7]"
    assert render_news(INCIDENT, "restored").title == "eth0 (e1000e) works again"


@pytest.mark.parametrize(("why", "told", "wakes"), [("restored", "", False), ("gone", ": the card went", True), (None, "", True)])
def test_what_ended_wakes_nobody_who_knows_that_it_was_restored(why: str | None, told: str, wakes: bool) -> None:
    news = render_news(dataclasses.replace(INCIDENT, ended_why=why), "ended")
    assert (news.text, news.worth_a_message) == (f"eth0 (e1000e): it is over{told} [incident 7]", wakes)


@pytest.mark.parametrize(
    ("state", "text", "urgency", "wakes"),
    [
        (ActionState.RUNNING, "restore begun", 5, False),
        (ActionState.HELPED, "restore helped: ok (transaction 3, 4)", 5, True),
        (ActionState.FAILED, "restore failed; the card is as it was: ok (transaction 3, 4)", 3, True),
        (ActionState.CHANGED, "restore FAILED, and the card is CHANGED: ok (transaction 3, 4)", 2, True),
        (ActionState.HELD_BACK, "restore held back: ok (transaction 3, 4)", 5, True),
    ],
)
def test_what_was_done_says_how_it_ended(state: ActionState, text: str, urgency: int, wakes: bool) -> None:
    known = {} if state is ActionState.RUNNING else {"detail": "ok", "transactions": (3, 4)}
    action = Action(what="restore", state=state, began="2026-11-23T02:59:52+00:00", **known)  # type: ignore[arg-type]  # as named
    news = render_news(dataclasses.replace(INCIDENT, actions=(action,)), "action")
    assert (news.text, news.urgency, news.worth_a_message) == (f"eth0 (e1000e): {text} [incident 7]", urgency, wakes)


def test_names_and_details_are_harmless_for_a_terminal() -> None:
    action = Action(what="restore", state=ActionState.FAILED, began="", detail="\x1b[2J")
    incident = dataclasses.replace(INCIDENT, interface="e\x1b[2Jth", actions=(action,))
    assert "\x1b" not in render_news(incident, "action").text + render_news(incident, "began").title


def test_the_action_that_ended_last_is_told() -> None:
    first = Action(what="restore", state=ActionState.FAILED, began="2026-11-23T02:59:52+00:00", ended="2026-11-23T03:01:00+00:00")
    second = Action(what="reboot", state=ActionState.HELD_BACK, began="2026-11-23T03:00:00+00:00", ended="2026-11-23T03:00:00+00:00")
    assert render_news(dataclasses.replace(INCIDENT, actions=(first, second)), "action").title.startswith("eth0 (e1000e): restore failed")


def test_news_of_the_watcher_have_a_first_line_for_a_title() -> None:
    news = render_host_news("database damaged\nkept aside", bad=True)
    assert (news.title, news.urgency, news.worth_a_message) == ("nicmedic: database damaged", 3, True)
    assert render_host_news("", bad=False).title == "nicmedic: "
