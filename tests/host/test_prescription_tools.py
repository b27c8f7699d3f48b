# SPDX-License-Identifier: GPL-2.0-or-later
"""The prescription where tools are old or missing, and at a terminal."""

import os
import pty
import subprocess
from pathlib import Path

from nicmedic.model.finding import RemedyId
from nicmedic.model.step import INTERFACE, Run
from nicmedic.remedy.recipe import FLAP
from tests.papers import ENV, MTU_1400, TSO_OFF, Paper, change_of, fake, hide, plan_of
from tests.rooms import Room

ADVERTISE = change_of(
    RemedyId.LINK_ADVERTISE_100, Run(argv=("ethtool", "-s", INTERFACE, "autoneg", "on", "advertise", "0x008")), disruption=FLAP
)


def test_old_ethtool_is_understood_and_what_was_advertised_comes_back(room: Room, paper: Paper, tmp_path: Path) -> None:
    """What ethtool 3.4 prints of an Intel card, with ports of a tenth."""
    script = """
case $1 in
-s) shift 2; echo "$*" >> LOG; echo "$*" > /run/mode; exit ;;
-*) exit 1 ;;
esac
modes='10baseT/Half 10baseT/Full
TAB                        100baseT/Half 100baseT/Full
TAB                        1000baseT/Full'
case $(cat /run/mode 2>/dev/null) in *0x008*) modes='100baseT/Full' ;; esac
cat <<END
Settings for $1:
TABSupported ports: [ TP ]
TABSupported link modes:   10baseT/Half 10baseT/Full
TAB                        100baseT/Half 100baseT/Full
TAB                        1000baseT/Full
TABSupported pause frame use: No
TABSupports auto-negotiation: Yes
TABAdvertised link modes:  $modes
TABAdvertised pause frame use: No
TABAdvertised auto-negotiation: Yes
TABLink partner advertised link modes:  10000baseT/Full
TAB                                     1000baseKX/Full
TABSpeed: 1000Mb/s
TABDuplex: Full
TABAuto-negotiation: on
TABLink detected: yes
END
"""
    log = fake(room, tmp_path, "ethtool", script.replace("TAB", "\t"))
    assert paper.write(plan_of(ADVERTISE)).apply().returncode == 0
    assert room.read("cat", f"{paper.folder()}/before/link") == "autoneg on advertise 0x2f\n"
    assert paper.use("undo").returncode == 0
    assert log.read_text().splitlines() == ["autoneg on advertise 0x008", "autoneg on advertise 0x2f"]


def test_mii_tool_takes_the_place_of_ethtool(room: Room, paper: Paper, tmp_path: Path) -> None:
    hide(room, "ethtool")
    script = """
case $1 in
-v) ;;
*) echo "$*" >> LOG; exit ;;
esac
modes='1000baseT-FD 100baseTx-FD 100baseTx-HD 10baseT-FD 10baseT-HD flow-control'
[ "$(wc -l < LOG)" != 1 ] || modes=100baseTx-FD
cat <<END
$2: negotiated 1000baseT-FD flow-control, link ok
  product info: vendor 00:07:32, model 17 rev 2
  basic mode:   autonegotiation enabled
  basic status: autonegotiation complete, link ok
  capabilities: 1000baseT-HD 1000baseT-FD 100baseTx-FD 100baseTx-HD 10baseT-FD 10baseT-HD
  advertising:  $modes
  link partner: 1000baseT-FD 100baseTx-FD 100baseTx-HD 10baseT-FD 10baseT-HD flow-control
END
"""
    log = fake(room, tmp_path, "mii-tool", script)
    done = paper.write(plan_of(ADVERTISE)).apply()
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert "no ethtool here: mii-tool does it" in done.stdout
    assert paper.use("undo").returncode == 0
    modes = "1000baseT-FD,100baseTx-FD,100baseTx-HD,10baseT-FD,10baseT-HD"
    assert log.read_text().splitlines() == ["--advertise=100baseTx-FD card0", f"--advertise={modes} card0"]


def test_nmcli_takes_the_place_of_ethtool_and_what_its_profile_held_comes_back(room: Room, paper: Paper, tmp_path: Path) -> None:
    hide(room, "ethtool", "mii-tool")
    script = """
case "$*" in
'-g GENERAL.CON-UUID device show card0') echo 1b2c-uuid ;;
'-g ethtool.feature-gso connection show 1b2c-uuid') echo on ;;
-g*) echo ;;
*) echo "$*" >> LOG ;;
esac
"""
    log = fake(room, tmp_path, "nmcli", script)
    change = change_of(RemedyId.OFFLOAD_OFF, Run(argv=("ethtool", "-K", INTERFACE, "tso", "off", "gso", "off")))
    done = paper.write(plan_of(change)).apply()
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert paper.use("undo").returncode == 0
    modify = "connection modify --temporary 1b2c-uuid ethtool.feature-"
    assert log.read_text().splitlines() == [
        f"{modify}tso off", f"{modify}gso off", "connection up 1b2c-uuid ifname card0",
        f"{modify}tso ", f"{modify}gso on", "connection up 1b2c-uuid ifname card0",
    ]  # fmt: skip


def test_tool_that_nothing_replaces_is_told_before_anything_is_changed(room: Room, paper: Paper) -> None:
    hide(room, "ethtool", "mii-tool", "nmcli")
    before = room.read("ip", "-d", "address")
    done = paper.write(plan_of(TSO_OFF)).apply()
    assert done.returncode == 15
    assert done.stderr == "nicmedic: nothing was changed:\n  neither ethtool nor nmcli is here, and offload-off needs one of them\n"
    assert paper.write(plan_of(MTU_1400)).apply().returncode == 0, "what needs none is done"
    assert paper.use("undo").returncode == 0
    assert room.read("ip", "-d", "address") == before


def test_switch_starts_without_setsid_and_without_nohup(room: Room, paper: Paper) -> None:
    hide(room, "setsid", "nohup")
    before = room.look()
    done = paper.write(plan_of()).apply()
    if paper.shell[0] != "busybox":  # has them built in
        assert "(switch: background shell)" in done.stdout
    paper.end_time()
    paper.await_end()
    assert room.look() == before


def converse(room: Room, paper: Paper, *answers: str) -> tuple[int, str]:
    """At a terminal; an empty answer hangs up."""
    master, slave = pty.openpty()
    with subprocess.Popen(
        room.command(*paper.shell, str(paper.file), "apply"),
        stdin=slave,
        stdout=slave,
        stderr=slave,
        env={**os.environ, **ENV},
        start_new_session=True,
    ) as apply:
        os.close(slave)
        said = b""
        for answer in answers:
            while not said.endswith(b"> "):
                said += os.read(master, 4096)
            if answer:
                os.write(master, f"{answer}\n".encode())
                said += b"\n"
        if "" in answers:
            os.close(master)
            return apply.wait(30), said.decode()
        while True:
            try:
                part = os.read(master, 4096)
            except OSError:
                break
            if not part:
                break
            said += part
        os.close(master)
        return apply.wait(30), said.decode()


def test_operator_at_a_terminal_is_asked_and_may_keep_it(room: Room, paper: Paper) -> None:
    paper.write(plan_of())
    status, said = converse(room, paper, "what?", "extend 100", "keep")
    assert status == 0
    assert "keep, undo, or extend SECONDS" in said
    assert "nicmedic: kept until the next boot" in said
    assert paper.words()[-2:] == ["extended", "confirmed"]


def test_operator_at_a_terminal_may_undo_it(room: Room, paper: Paper) -> None:
    before = room.look()
    paper.write(plan_of())
    status, said = converse(room, paper, "undo")
    assert (status, room.look()) == (0, before)
    assert "nicmedic: undone" in said


def test_session_that_dies_does_not_confirm(room: Room, paper: Paper) -> None:
    before = room.look()
    paper.write(plan_of())
    status, _ = converse(room, paper, "")
    assert status == 42
    assert paper.words()[-1] == "probed"
    paper.end_time()
    paper.await_end()
    assert room.look() == before
