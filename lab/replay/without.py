# SPDX-License-Identifier: GPL-2.0-or-later
"""The first half: the server is upgraded as servers are, hangs, and is brought back, understood, prevented from hanging, kept so, and reported."""

import time
from typing import Any

from lab.errors import LabError
from lab.replay.package import fetch_package
from lab.replay.play import FACTOR, Outage, Play
from lab.replay.srv4 import AFTER_S, NEW, OLD

__all__ = ["play_without", "upgrade"]

POLICY = f"""\
[default]
mode = "restore"
quiet_after_boot = {120 // FACTOR}
cool_down = {60 // FACTOR}
"""
HOLD_S = 900 // FACTOR
CALM_S = 3 * AFTER_S // 2
PATIENCE_S = 600
CLIMB_S = 3600


def upgrade(play: Play) -> None:
    """Put the package where a download would, and install it with the server's own apt and dpkg."""
    file = f"linux-image-{NEW}.deb"
    play.srv4.sh(f"cp {play.srv4.mount_host()}{fetch_package(NEW)} /root/{file}", timeout_s=PATIENCE_S)
    done = play.type(f"apt-get install -y -q ./{file} 2>&1 | tail -n 12", most=12, timeout_s=1500)
    if play.srv4.run("test", "-e", f"/boot/initrd.img-{NEW}").status:
        raise LabError(f"the new kernel was not installed: {done.out[-500:]}")
    play.srv4.sh(f"rm /root/{file}; sync", timeout_s=PATIENCE_S)


def play_without(play: Play) -> dict[str, str]:
    """Play it; returns figures for the table."""
    page, srv4 = play.page, play.srv4
    figures: dict[str, str] = {}
    page.head("Before")
    page.tell(f"The server runs {OLD}. The watcher is installed; its policy lets it bring traffic back.")
    srv4.power_on()
    srv4.wait_up()
    play.probe.wait_back(120)
    play.type("uname -r; bridge link show")
    srv4.put("/etc/nicmedic/policy.toml", POLICY)
    play.type("cat /etc/nicmedic/policy.toml; nicmedic install-service | tail -n 3", most=12)
    play.type("nicmedic check", most=6)
    play.stay(CALM_S)
    page.head("The upgrade")
    upgrade(play)
    away = play.reboot()
    figures["reboot into the new kernel, away"] = f"{away.lasted_s:.0f} s"
    play.type("uname -r")
    figures |= _hang(play)
    _explain(play)
    _prevent(play)
    figures |= _keep(play)
    _blame(play)
    return figures


def _hang(play: Play) -> dict[str, str]:
    """It hangs, and comes back by itself."""
    page = play.page
    page.head("The hang, and the way back")
    began = time.time()
    hang = _wait_hang(play, began)
    page.seen("no answer any more, of the server and its guests", hang.lost)
    page.seen(f"answers again, after {hang.lasted_s:.1f} s", hang.back)
    play.srv4.sh('until nicmedic incidents 1 --json | grep -q \'"restored": "\'; do sleep 2; done', timeout_s=PATIENCE_S)
    play.type("dmesg | grep -E 'Link is|NETDEV WATCHDOG' | tail -n 8")
    play.type("nicmedic incidents")
    play.type("journalctl -t nicmedic -o cat -b | head -n 8")
    incident: dict[str, Any] = play.type_json("nicmedic incidents --json")["incidents"][-1]
    noticed = incident["detected_uptime_s"] - incident["began_uptime_s"]
    restored = incident["restored_uptime_s"] - incident["began_uptime_s"]
    for address in play.probes:
        longest = max(play.list_outages(hang.lost - 1, address), key=lambda one: one.lasted_s, default=None)
        page.seen(f"{address} was away for {longest.lasted_s:.1f} s" if longest else f"{address} was never away")
    return {
        "hang until it was noticed, by the watcher": f"{noticed:.1f} s",
        "hang until traffic flowed, by the watcher": f"{restored:.1f} s",
        "outage seen from outside": f"{hang.lasted_s:.1f} s",
    }


def _wait_hang(play: Play, since: float) -> Outage:
    """The outage of the first hang, when it is over. That the card has hung, and was cured, it says itself."""
    for what in ("hangs", "cures"):
        play.srv4.sh(f"until ethtool -S eth0 2>&1 | grep -q '{what}: [1-9]'; do sleep 3; done", timeout_s=PATIENCE_S)
    play.probe.wait_back(PATIENCE_S)
    return max(play.list_outages(since), key=lambda one: one.lasted_s)


def _explain(play: Play) -> None:
    play.page.head("Why")
    play.type("nicmedic explain", most=24)


def _prevent(play: Play) -> None:
    page = play.page
    page.head("So that it does not come back")
    page.tell(
        f"The watcher would be in the way: it brings back what the ladder wants to see hang. {HOLD_S} s stand for {HOLD_S * FACTOR // 60} minutes."
    )
    play.type("systemctl stop nicmedic-watch")
    began = time.time()
    done = play.type(f"nicmedic treat eth0 --ladder prevent --hold {HOLD_S}s --timeout 300s 2>climb.log", most=40, timeout_s=CLIMB_S)
    if done.status:
        raise LabError(f"the ladder did not end well: {play.srv4.read('/root/climb.log')[-800:]}")
    away = play.list_outages(began)
    page.seen(f"away {len(away)} times while it looked for the setting, {_sum(away):.0f} s in all; the longest {_most(away):.0f} s")
    play.type("systemctl start nicmedic-watch; ethtool eth0 | grep -E 'Speed|Advertised link'")


def _keep(play: Play) -> dict[str, str]:
    page = play.page
    page.head("For good")
    play.type("nicmedic keep", most=30)
    play.type("cat /etc/network/interfaces", most=40)
    play.reboot()
    play.type("uname -r; ethtool eth0 | grep Speed")
    done = play.type("nicmedic verify")
    if done.status:
        raise LabError(f"what was kept is not in force: {done.out}")
    began = time.time()
    play.stay(CALM_S)
    away = play.list_outages(began)
    return {f"away in {CALM_S} s on the new kernel at 100 Mb/s": f"{_sum(away):.1f} s"}


def _blame(play: Play) -> None:
    page = play.page
    page.head("Whose fault, and who is told")
    play.type("nicmedic blame", most=24)
    play.type("nicmedic report eth0 --for debian -o bug.mail", most=12)
    play.type("head -n 40 bug.mail", most=40)


def _sum(outages: tuple[Outage, ...]) -> float:
    return sum(one.lasted_s for one in outages)


def _most(outages: tuple[Outage, ...]) -> float:
    return max((one.lasted_s for one in outages), default=0.0)
