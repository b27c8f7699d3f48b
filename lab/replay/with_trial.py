# SPDX-License-Identifier: GPL-2.0-or-later
"""The second half: the same upgrade of the same server, with ``nicmedic trial`` in front of it."""

import contextlib
import datetime
import json
import time
from typing import Any

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
    play.type_last(f"nicmedic trial start {NEW} --soak {SOAK_S}s --yes", most=24)
    down = time.time()
    page.tell("Nobody types anything from here on.")
    boots = srv4.follow(lambda: _has_ended(play), PATIENCE_S)
    srv4.wait_up()
    play.probe.wait_back(120)
    away = play.list_outages(began)
    for outage in away:
        page.seen("no answer any more", outage.lost)
        page.seen(f"answers again, after {outage.lasted_s:.1f} s", outage.back)
    page.seen(f"the trial has ended, after {boots} boots")
    play.type("uname -r; nicmedic trial status", most=24)
    if srv4.check("uname", "-r").strip() != OLD:
        raise LabError(f"the trial did not end on {OLD}")
    play.type("nicmedic blame", most=24)
    return _figures(play, away, down)


def _has_ended(play: Play) -> bool:
    with contextlib.suppress(ValueError):
        return bool(json.loads(play.srv4.read(RECORD))["phase"] == "ended")
    return False


def _figures(play: Play, away: tuple[Outage, ...], down: float) -> dict[str, str]:
    """Of the two boots: the first is the one during which the machine was seen to be off."""
    there = next((one for one in away if one.lost <= down <= one.back), None)
    later = [one for one in away if there is not None and one.lost >= there.back]
    if there is None or not later:
        raise LabError(f"two boots were expected, and these outages were seen: {away}")
    back = max(later, key=lambda one: one.lasted_s)
    result: dict[str, Any] = json.loads(play.srv4.read(RECORD))["trial"]["legs"][0]["result"]
    noticed = datetime.datetime.fromisoformat(result["ended"]).timestamp() - back.lost
    longest = max(away, key=lambda one: one.lasted_s)
    return {
        "with trial: reboot into the new kernel, away": f"{there.lasted_s:.0f} s",
        "with trial: hang until it was noticed, by the server's clock": f"{noticed:.0f} s",
        "with trial: hang until the old kernel answered": f"{back.lasted_s:.0f} s",
        "with trial: longest outage": f"{longest.lasted_s:.0f} s, {'that one' if longest is back else 'another one'}",
    }
