# SPDX-License-Identifier: GPL-2.0-or-later
"""The prescription for real: in namespaces of its own, under three shells, killed, forgotten, and used twice at once."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from nicmedic.model.finding import RemedyId
from nicmedic.model.plan import Change, Identity
from nicmedic.model.step import INTERFACE, AwaitNic, Rename, Run, Write
from nicmedic.remedy.recipe import PAUSE
from tests.papers import BASE, ENV, FLUSH, HOST, MTU_1400, TSO_OFF, Paper, change_of, fake, plan_of
from tests.rooms import DEVICE, Room, wait_for


def dress(room: Room) -> None:
    """Let much stand on the card."""
    room.run(
        "sh",
        "-ec",
        """
        ip link set dev card0 down
        ip link set dev card0 address 02:00:00:00:00:aa
        ip link set dev card0 up
        ip address add 10.9.0.1/24 brd + dev card0
        ip address add 10.9.0.7/24 dev card0 label card0:7
        ip address add 10.8.0.1 peer 10.8.0.2/32 dev card0
        ip address add fd09::1/64 dev card0
        ip route add default via 10.9.0.2 metric 50
        ip route add 10.77.0.0/16 via 10.9.0.2 table 77
        ip route add 10.78.0.0/16 dev card0 table 78 src 10.9.0.1
        ip -6 route add default via fd09::2
        ip -6 route add fd77::/32 via fd09::2 table 77
        ip rule add from 10.9.0.1 lookup 77
        ip neighbour add 10.9.0.9 lladdr 02:00:00:00:00:09 nud permanent dev card0
        ip link set dev card0 txqueuelen 555
        sysctl -qw net.ipv4.conf.card0.rp_filter=2 net.ipv6.conf.card0.accept_ra=0
        """,
    )


def look(room: Room) -> str:
    """Without what a new interface has anew."""
    text = re.sub(r"(?m)^\d+: |_timer +[\d.]+|designated_\w+ \S+", "", room.look())
    return "\n".join(sorted(line for line in text.splitlines() if "fe80" not in line))


def test_script_is_clean_for_shellcheck_and_every_shell(paper: Paper) -> None:
    hostile = "a'b\"$(x)\\`*\n"
    steps = (Run(argv=("ip", hostile), otherwise=(hostile,)), Write(path=f"/sys/{hostile}", text=hostile), AwaitNic(), Rename(name=hostile))
    changes = [change_of(remedy, *steps, disruption=PAUSE) for remedy in RemedyId]
    paper.write(plan_of(*changes, nic=Identity(interface=hostile)))
    subprocess.run([*paper.shell, "-n", paper.file], check=True)
    if paper.shell == ("dash",):
        checker = Path(sys.executable).with_name("shellcheck")
        done = subprocess.run([checker, "--shell=sh", paper.file], capture_output=True, text=True, check=False)
        assert done.stdout == ""


def test_without_a_word_it_only_tells_what_it_would_do(room: Room, paper: Paper) -> None:
    before = room.look()
    told = paper.write(plan_of()).use()
    assert (told.returncode, told.stderr) == (0, "")
    assert "      ethtool -K card0 tso off\n" in told.stdout
    checked = paper.use("check")
    assert checked.stdout.splitlines()[0] == "nicmedic: this is the host, and card0 is the card; apply would:"
    assert (checked.returncode, checked.stderr) == (0, "")
    assert room.look() == before
    assert room.read("ls", BASE) == ""
    assert paper.use("status").stdout.startswith("nicmedic: never applied here: ")


def test_change_that_nobody_keeps_is_taken_back(room: Room, paper: Paper) -> None:
    dress(room)
    before = room.look()
    paper.write(plan_of())
    done = paper.apply()
    assert (done.returncode, done.stderr) == (0, "")
    assert "  now: card0 mtu 1400\n" in done.stdout
    assert room.read("cat", "/sys/class/net/card0/mtu", "/sys/class/net/card0/gro_flush_timeout").split() == ["1400", "17"]
    assert "tcp-segmentation-offload: off" in room.look()
    assert paper.words()[-1] == "probed"
    paper.end_time()
    paper.await_end()
    assert room.look() == before
    assert room.read("cat", "/sys/class/net/card0/gro_flush_timeout") == "0\n"
    assert paper.use("confirm").returncode == 28
    assert paper.use("undo").returncode == 28


def test_change_that_is_kept_stays_until_it_is_undone(room: Room, paper: Paper) -> None:
    before = room.look()
    paper.write(plan_of()).apply()
    after = room.look()
    kept = paper.use("confirm")
    assert (kept.returncode, kept.stdout.startswith("nicmedic: kept until the next boot: ")) == (0, True)
    switch = int(room.read("cat", f"{paper.folder()}/switch").split()[0])
    wait_for(lambda: not Path(f"/proc/{switch}").exists())
    assert room.look() == after
    assert paper.use("extend", "300").returncode == 28
    assert paper.use("undo").stdout.startswith("nicmedic: undone: card0 is as it was")
    assert room.look() == before
    assert paper.apply().returncode == 0, "it may be used again"
    assert paper.use("undo").returncode == 0
    assert room.look() == before


def test_time_can_be_extended_and_status_tells_it(room: Room, paper: Paper) -> None:
    paper.write(plan_of()).apply("--timeout", "100")
    assert re.fullmatch(r"nicmedic: \d+ s left\n", paper.use("extend", "300").stdout)
    left = int(re.search(r"(\d+) s left; the switch runs", paper.use("status").stdout)[1])  # type: ignore[index]
    assert 380 < left <= 400
    assert paper.use("extend", "soon").stdout == "nicmedic: extend needs a number of seconds, such as 300\n"
    assert paper.use("undo").returncode == 0


@pytest.mark.parametrize("after_s", [0.05, 0.15, 0.3, 0.5, 1.0, 2.5])
def test_apply_that_is_killed_leaves_the_card_as_before(room: Room, paper: Paper, after_s: float) -> None:
    slow = change_of(RemedyId.RING, Run(argv=("sleep", "0.2")))
    before = room.look()
    paper.write(plan_of(TSO_OFF, slow, MTU_1400, slow, FLUSH))
    with subprocess.Popen(
        room.command(*paper.shell, str(paper.file), "apply"), env={**os.environ, **ENV}, stdout=subprocess.DEVNULL, start_new_session=True
    ) as apply:
        time.sleep(after_s)
        os.killpg(apply.pid, signal.SIGKILL)
    if room.run("test", "-e", f"{paper.folder()}/deadline", check=False).returncode == 0 and "armed" in paper.words():
        assert paper.use("confirm").returncode == (0 if "probed" in paper.words() else 28)
        if "confirmed" in paper.words():
            return
        paper.end_time()
        paper.await_end()
    else:
        assert "applying" not in room.read("sh", "-c", f"cat {BASE}/prescriptions/*/journal 2>/dev/null || :")
    assert room.look() == before


def remake(room: Room, tmp_path: Path) -> Change:
    """What a new binding of the driver does: the interface goes, and comes back new and bare, under another name first."""
    script = tmp_path / "remake.sh"
    script.write_text(
        """
        address=$(cat /sys/class/net/card0/address)
        ip link delete dev card0
        rm -r /run/net/card0
        sleep 0.5
        ip link add dev fresh0 address "$address" type veth peer name switch0
        ip link set dev switch0 up
        mkdir /run/net/fresh0
        for f in /sys/devices/virtual/net/fresh0/*; do ln -s "$f" /run/net/fresh0/; done
        ln -s DEVICE /run/net/fresh0/device
        ( while [ ! -e /sys/devices/virtual/net/card0 ]; do sleep 0.05; done
          mkdir /run/net/card0
          for f in /sys/devices/virtual/net/card0/* /sys/devices/virtual/net/card0/master /sys/devices/virtual/net/card0/brport; do
              ln -sfn "$f" /run/net/card0/
          done
          ln -s DEVICE /run/net/card0/device
          rm -r /run/net/fresh0 ) > /dev/null 2>&1 &
    """.replace("DEVICE", DEVICE)
    )
    again = Run(argv=("sh", "-c", "until [ -e /sys/class/net/card0/device ]; do sleep 0.05; done"))
    steps = (Run(argv=("sh", str(script))), AwaitNic(within_s=10), Rename(name="card0"), again)
    return change_of(RemedyId.DRIVER_REBIND, *steps, disruption=PAUSE)


def test_everything_that_stood_on_the_card_is_put_back_after_a_restart(room: Room, paper: Paper, tmp_path: Path) -> None:
    dress(room)
    room.run("ip", "link", "set", "dev", "card0", "mtu", "1450")
    room.run("ethtool", "-K", "card0", "gso", "off")
    before = look(room)
    tuned = room.read("sh", "-c", "cat /proc/sys/net/ipv4/conf/card0/rp_filter /proc/sys/net/ipv6/conf/card0/accept_ra")
    done = paper.write(plan_of(remake(room, tmp_path))).apply()
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert look(room) == before
    assert room.read("sh", "-c", "cat /proc/sys/net/ipv4/conf/card0/rp_filter /proc/sys/net/ipv6/conf/card0/accept_ra") == tuned
    assert paper.use("undo").returncode == 0
    assert look(room) == before


def test_bridge_port_is_one_again_after_a_restart(room: Room, paper: Paper, tmp_path: Path) -> None:
    room.run(
        "sh", "-ec", "ip link add br0 type bridge; ip link set br0 up; ip address add 10.9.0.1/24 dev br0; ip link set card0 master br0"
    )
    room.run("sh", "-ec", "ip route add default via 10.9.0.2; echo 77 > /sys/devices/virtual/net/card0/brport/path_cost")
    room.name_card("card0")
    before = look(room)
    done = paper.write(plan_of(remake(room, tmp_path))).apply()
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert look(room) == before
    assert room.read("cat", "/sys/devices/virtual/net/card0/brport/path_cost") == "77\n"


def test_what_would_be_lost_with_the_interface_is_told_before(room: Room, paper: Paper, tmp_path: Path) -> None:
    room.run("sh", "-ec", "ip link add link card0 name upper0 type macvlan")
    room.name_card("card0")
    done = paper.write(plan_of(remake(room, tmp_path))).apply()
    assert done.returncode == 23
    assert "upper0 on top of card0 would be lost" in done.stderr
    assert done.stderr.startswith("nicmedic: nothing was changed:")
    assert paper.use("check", "--accept-losses").returncode == 0


def test_step_that_fails_is_taken_back_at_once(room: Room, paper: Paper) -> None:
    before = room.look()
    broken = change_of(
        RemedyId.RING, Run(argv=("ip", "link", "set", "dev", INTERFACE, "mtu", "nonsense")), Run(argv=("touch", f"{BASE}/no"))
    )
    done = paper.write(plan_of(TSO_OFF, MTU_1400, broken)).apply()
    assert done.returncode == 40
    assert "nicmedic: undone: card0 is as it was" in done.stdout
    assert room.look() == before
    assert room.run("test", "-e", f"{BASE}/no", check=False).returncode == 1


def test_program_that_never_ends_is_taken_back_too(room: Room, paper: Paper) -> None:
    before = room.look()
    hang = change_of(RemedyId.RING, Run(argv=("sh", "-c", "trap '' TERM INT HUP; while :; do sleep 1; done"), within_s=1))
    began = time.monotonic()
    assert paper.write(plan_of(MTU_1400, hang)).apply().returncode == 40
    assert time.monotonic() - began < 30
    assert room.look() == before


def make_far(room: Room) -> None:
    """The other end of the cable in a namespace of its own, which answers as a gateway."""
    room.run(
        "sh",
        "-ec",
        """
        ip netns add far
        ip link set dev switch0 netns far
        ip -n far address add 10.9.0.2/24 dev switch0
        ip -n far link set dev switch0 up
        ip address add 10.9.0.1/24 dev card0
        ip route add default via 10.9.0.2
        """,
    )


def test_gateway_that_answers_no_more_takes_it_back(room: Room, paper: Paper) -> None:
    make_far(room)
    before = room.look()
    deaf = change_of(RemedyId.MTU, Run(argv=("ip", "-n", "far", "address", "flush", "dev", "switch0")), *MTU_1400.steps)
    done = paper.write(plan_of(deaf)).apply()
    assert done.returncode == 41
    assert "nicmedic: the gateway 10.9.0.2 does not answer; taking it back" in done.stdout
    assert room.look() == before


def test_gateway_that_answers_lets_it_wait_for_confirmation(room: Room, paper: Paper) -> None:
    make_far(room)
    done = paper.write(plan_of()).apply()
    assert done.returncode == 0
    assert "-4/10.9.0.2/card0" in room.read("cat", f"{paper.folder()}/journal")
    assert paper.use("undo").returncode == 0


def test_what_did_not_pass_before_fails_nothing(room: Room, dash: Paper) -> None:
    room.run("sh", "-ec", "ip address add 10.9.0.1/24 dev card0; ip route add default via 10.9.0.2; ip link set switch0 down")
    done = dash.write(plan_of()).apply()
    assert done.returncode == 0
    assert "No probe passed before the change" in done.stdout


def test_another_host_is_refused_unless_told(room: Room, paper: Paper) -> None:
    before = room.look()
    paper.write(plan_of(hostname="elsewhere"))
    for word in ("check", "apply"):
        refused = paper.use(word)
        assert refused.returncode == 23
        assert f"this host is called {HOST}, and this was written for elsewhere" in refused.stdout + refused.stderr
    assert room.look() == before
    assert paper.use("check", "--this-host").returncode == 0
    paper.write(plan_of(hostname=None))
    assert paper.use("check").returncode == 23


def test_machine_id_counts_for_more_than_the_name(room: Room, paper: Paper, tmp_path: Path) -> None:
    (tmp_path / "id").write_text("0123456789abcdef0123456789abcdef\n")
    room.run("sh", "-c", f"[ -e /etc/machine-id ] || exit 0; mount --bind {tmp_path}/id /etc/machine-id")
    if not Path("/etc/machine-id").exists():
        pytest.skip("this machine has no machine-id")
    assert paper.write(plan_of(hostname="renamed", machine_id="0123456789abcdef0123456789abcdef")).use("check").returncode == 0
    assert paper.write(plan_of(machine_id="f" * 32)).use("check").returncode == 23


def test_card_that_is_not_there_is_refused(room: Room, paper: Paper) -> None:
    room.name_card()
    done = paper.write(plan_of()).apply()
    assert done.returncode == 22
    assert "has no interface here" in done.stderr


def test_nobody_but_root_may(room: Room, paper: Paper) -> None:
    paper.write(plan_of())
    copy = "/run/rx.sh"
    room.run("sh", "-c", f"cp {paper.file} {copy}; chmod 755 {copy} /run")
    done = room.run("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", *paper.shell, copy, "apply", check=False, env=ENV)
    assert (done.returncode, done.stderr) == (24, "nicmedic: nothing was changed: only root may do this\n")


def test_place_that_takes_nothing_is_refused_or_another_is_taken(room: Room, paper: Paper) -> None:
    before = room.look()
    paper.write(plan_of())
    room.run("sh", "-c", f"mount --bind {BASE} {BASE} && mount -o remount,ro,bind {BASE}")
    done = paper.apply()
    assert done.returncode == 27
    assert done.stderr.startswith("nicmedic: nothing was changed: no place takes what must be kept")
    assert room.look() == before


def test_state_that_turns_read_only_midway_does_not_keep_it_from_undoing(room: Room, paper: Paper) -> None:
    before = room.look()
    paper.write(plan_of()).apply()
    paper.end_time()
    room.run("sh", "-c", f"mount --bind {BASE} {BASE} && mount -o remount,ro,bind {BASE}")
    wait_for(lambda: room.look() == before)


def test_two_at_once_do_not_stand_in_each_others_way(room: Room, paper: Paper, tmp_path: Path) -> None:
    before = room.look()
    assert paper.write(plan_of()).apply().returncode == 0
    other = Paper(room, tmp_path / "other.sh", paper.shell).write(plan_of(TSO_OFF))
    for one in (paper, other):
        refused = one.apply()
        assert refused.returncode == 25
        assert "is open: neither confirmed nor undone" in refused.stderr
    assert paper.use("undo").returncode == 0
    assert room.look() == before


def test_confirming_and_undoing_at_once_has_exactly_one_winner(room: Room, paper: Paper) -> None:
    paper.write(plan_of(MTU_1400)).apply()
    journal = room.read("cat", f"{paper.folder()}/journal")
    won = {"kept": 0, "undone": 0}
    for turn in range(50):
        room.run("ip", "link", "set", "dev", "card0", "mtu", "1400")
        commands = [room.command(*paper.shell, f"{paper.folder()}/prescription.sh", word) for word in ("run-switch", "confirm")]
        room.run("sh", "-c", f"rm -f {paper.folder()}/decided; echo 1 > {paper.folder()}/deadline")
        both = []
        for argv in commands:
            both.append(subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ, **ENV}))
            time.sleep(turn * 0.01)
        for one in both:
            one.wait(30)
        mtu = room.read("cat", "/sys/class/net/card0/mtu").strip()
        decided = room.read("readlink", f"{paper.folder()}/decided").strip()
        assert (mtu, decided) in {("1400", "confirmed"), ("1500", "undo")}
        won["kept" if mtu == "1400" else "undone"] += 1
        room.run("sh", "-c", f'printf "%s" "$1" > {paper.folder()}/journal', "sh", journal)
    assert all(won.values()), won


def test_boot_has_undone_it_already(room: Room, paper: Paper) -> None:
    paper.write(plan_of()).apply()
    after = room.look()
    paper.use("confirm")
    room.run(
        "sh", "-c", f"cd {paper.folder()} && echo other > boot && sed -i 's/ [0-9a-f-]* \\([a-z]*\\)/ other \\1/' journal && rm -f decided"
    )
    assert "the machine was booted since" in paper.use("status").stdout
    assert paper.use("undo").returncode == 28
    assert paper.use("confirm").returncode == 28
    assert room.look() == after


def test_card_that_was_renamed_meanwhile_is_found(room: Room, paper: Paper) -> None:
    paper.write(plan_of(MTU_1400)).apply()
    room.run("sh", "-c", "ip link set dev card0 down; ip link set dev card0 name moved; ip link set dev moved up")
    room.name_card("moved")
    assert paper.use("undo").returncode == 0
    assert room.read("cat", "/sys/devices/virtual/net/moved/mtu") == "1500\n"


@pytest.mark.parametrize("name", ["$(id>pwn)'\"*", "-K`id>pwn`", "a;b&c|d\\n[x]"])
def test_no_name_of_an_interface_is_ever_carried_out(room: Room, paper: Paper, tmp_path: Path, name: str) -> None:
    room.run(
        "sh",
        "-c",
        'ip link set dev card0 down; ip link set dev card0 name "$1"; ip link set dev "$1" up; ip address add 10.9.0.1/24 dev "$1"',
        "sh",
        name,
    )
    room.name_card(name)
    before = look_at_mtu(room, name)
    paper.write(
        plan_of(
            change_of(RemedyId.MTU, Write(path=f"/sys/class/net/{INTERFACE}/mtu", text="1400")),
            nic=Identity(interface=name, sysfs_path=DEVICE),
        )
    )
    inside = ("sh", "-c", f'cd {tmp_path} && exec "$@"', "sh", *paper.shell, str(paper.file))
    assert room.run(*inside, "apply", env=ENV, check=False).returncode == 0
    assert look_at_mtu(room, name) == "1400\n"
    assert room.run(*inside, "undo", env=ENV, check=False).returncode == 0
    assert look_at_mtu(room, name) == before
    assert not list(tmp_path.rglob("*pwn"))


def look_at_mtu(room: Room, name: str) -> str:
    return room.read("cat", f"/sys/devices/virtual/net/{name}/mtu")


@pytest.mark.parametrize(
    "words", [("applies",), ("apply", "--timout", "60"), ("apply", "--timeout", "soon"), ("apply", "--timeout", "5"), ("check", "x")]
)
def test_typing_error_changes_nothing(room: Room, dash: Paper, words: tuple[str, ...]) -> None:
    before = room.look()
    assert dash.write(plan_of()).use(*words).returncode == 2
    assert room.look() == before


def test_use_that_was_cut_short_while_it_read_the_state_is_not_in_the_way(room: Room, dash: Paper) -> None:
    dash.write(plan_of(MTU_1400))
    room.run("mkdir", "-p", "-m", "700", f"{BASE}/prescriptions", dash.folder())
    assert dash.apply().returncode == 0
    assert dash.words(2)[-1] == "probed"


def test_second_apply_is_refused_while_the_first_begins(room: Room, dash: Paper) -> None:
    dash.write(plan_of(MTU_1400))
    both = [room.start("env", f"NICMEDIC_STATE={BASE}", "dash", str(dash.file), "apply") for _ in range(2)]
    told = [one.communicate(timeout=60)[0] for one in both]
    assert sorted(one.returncode for one in both) == [0, 25], told
    assert dash.words()[-1] == "probed"


def test_copy_in_a_folder_means_its_own_use_and_else_what_was_undone_is_passed_over(room: Room, dash: Paper) -> None:
    dash.write(plan_of(MTU_1400))
    for end in ("confirm", "undo"):
        assert dash.apply().returncode == 0
        assert dash.use(end).returncode == 0
    copy = f"{dash.folder(2)}/prescription.sh"
    assert "undone" in room.run("dash", copy, "status", env=ENV).stdout
    assert ".1: kept" in dash.use("status").stdout
    assert dash.use("undo").returncode == 0
    assert dash.words(1)[-1] == "undone"


def test_extension_starts_a_switch_that_is_gone_and_takes_leading_zeros_for_none(room: Room, dash: Paper) -> None:
    dash.write(plan_of(MTU_1400)).apply("--timeout", "0120")
    os.kill(int(room.read("cat", f"{dash.folder()}/switch").split()[0]), signal.SIGKILL)
    assert "THE SWITCH DOES NOT RUN" in dash.use("status").stdout
    extended = dash.use("extend", "0100")
    assert extended.returncode == 0
    assert 150 < int(extended.stdout.split()[1]) <= 220
    assert "the switch runs" in dash.use("status").stdout
    dash.end_time()
    dash.await_end()


def test_check_tells_another_card_in_the_same_slot(room: Room, dash: Paper, tmp_path: Path) -> None:
    fake(room, tmp_path, "ethtool", "echo Permanent address: 52:54:00:00:00:01")
    dash.write(plan_of(MTU_1400, nic=Identity(interface="card0", sysfs_path=DEVICE, permanent_address="52:54:00:00:00:02")))
    checked = dash.use("check")
    assert (checked.returncode, "is another one" in checked.stdout) == (23, True)
    assert dash.apply().returncode == 22
