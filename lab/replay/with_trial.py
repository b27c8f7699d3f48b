# SPDX-License-Identifier: GPL-2.0-or-later
"""The second half: the same upgrade of the same server, with ``nicmedic trial`` in front of it."""

import contextlib
import json
import time

from lab.errors import LabError
from lab.replay.play import FACTOR, Outage, Play
from lab.replay.srv4 import NEW, OLD
from lab.replay.without import upgrade

__all__ = ["play_with_trial"]

SOAK_S = 1800 // FACTOR
PATIENCE_S = 1800
RECORD = "/var/lib/nicmedic/trials/1/trial.json"


def play_with_trial(play: Play) -> dict[str, str]:
    """Play it; returns figures for the table."""
    page, srv4 = play.page, play.srv4
    srv4.begin_again()
    page.head("The same upgrade, with nicmedic trial in front of it")
    page.tell(
        f"The server's disk is what it was in the beginning: {OLD}, and no watcher. {SOAK_S} s of soak stand for {SOAK_S * FACTOR // 60} minutes."
    )
    srv4.power_on()
    srv4.wait_up()
    play.probe.wait_back(120)
    play.type("uname -r; nicmedic trial prepare", most=12)
    upgrade(play)
    began = time.time()
    play.type_last(f"nicmedic trial start {NEW} --soak {SOAK_S}s --yes", most=16)
    boots = srv4.follow(lambda: _has_ended(play), PATIENCE_S)
    srv4.wait_up()
    play.probe.wait_back(120)
    page.seen(f"the trial has ended after {boots} boots that nobody asked for by hand")
    away = play.list_outages(began)
    for outage in away:
        page.seen(f"no answer for {outage.lasted_s:.1f} s", outage.lost)
    play.type("uname -r; nicmedic trial status", most=16)
    if srv4.check("uname", "-r").strip() != OLD:
        raise LabError(f"the trial did not end on {OLD}")
    play.type("nicmedic blame", most=12)
    return _figures(away)


def _has_ended(play: Play) -> bool:
    with contextlib.suppress(ValueError):
        return bool(json.loads(play.srv4.read(RECORD))["phase"] == "ended")
    return False


def _figures(away: tuple[Outage, ...]) -> dict[str, str]:
    """Of the two boots."""
    if len(away) < 2:
        raise LabError(f"two reboots were expected, and {len(away)} outages were seen")
    there, back = away[0], max(away[1:], key=lambda one: one.lasted_s)
    return {
        "with trial: reboot into the new kernel, away": f"{there.lasted_s:.0f} s",
        "with trial: from the hang until the old kernel answered": f"{back.lasted_s:.0f} s",
    }
