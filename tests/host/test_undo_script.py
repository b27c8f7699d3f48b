# SPDX-License-Identifier: GPL-2.0-or-later
"""The undo script for real: in namespaces of its own, under three shells, killed and used in every way that an operator may meet."""

import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from nicmedic.model.finding import RemedyId
from nicmedic.model.nic import Bus
from nicmedic.model.plan import Change, Identity, Plan
from nicmedic.model.step import INTERFACE, AwaitNic, Pause, Rename, Run, Shown, Step, Write
from nicmedic.remedy.recipe import FLAP, NONE
from tests.rooms import DEVICE, Room, wait_for
from tests.undo_folders import BOOT, CARD, MTU_BACK, PLAN, TSO_ON, Make, change, plan_of


def test_script_is_clean_for_shellcheck_and_every_shell(make: Make, shell: tuple[str, ...]) -> None:
    hostile = "a'b\"$(x)\\`*"
    steps: tuple[Step, ...] = (
        TSO_ON, AwaitNic(), Pause(seconds=1), Rename(name=hostile), Write(path=f"/sys/{INTERFACE}/{hostile}", text=hostile),
        Run(argv=("ip", hostile), otherwise=(hostile,), unless=Shown(argv=(hostile,), text=hostile), tries=4, needed=False),
    )  # fmt: skip
    file = make(plan_of(*steps, put_back=steps)).path / "undo.sh"
    subprocess.run([*shell, "-n", file], check=True)
    checker = Path(sys.executable).with_name("shellcheck")
    done = subprocess.run([checker, "--shell=sh", file], capture_output=True, text=True, check=False)
    assert done.stdout == ""


def test_changes_that_were_begun_are_undone_and_a_second_undo_does_nothing(room: Room, make: Make, shell: tuple[str, ...]) -> None:
    before = room.look()
    folder = make()
    change(room)
    done = folder.undo(shell=shell)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "nicmedic: undone: card0 is as it was before transaction 7\n"
    assert room.look() == before
    assert folder.words() == ["undoing operator", "undone"]
    assert (folder.path / "decided").readlink() == Path("undo")
    assert sorted(file.name for file in folder.path.iterdir()) == ["decided", "journal", "plan.json", "undo.sh"]
    again = folder.undo("switch", shell)
    assert (again.returncode, folder.words()) == (3, ["undoing operator", "undone"])


def test_a_change_that_was_not_begun_is_left_alone(room: Room, make: Make) -> None:
    change(room)
    assert make(PLAN, 1).undo().returncode == 0
    assert room.read("cat", "/sys/class/net/card0/mtu") == "1500\n"
    assert "tcp-segmentation-offload: off" in room.look()


def test_everything_is_undone_where_the_journal_cannot_be_read(room: Room, make: Make) -> None:
    before = room.look()
    folder = make()
    (folder.path / "journal").unlink()
    change(room)
    assert folder.undo().returncode == 0
    assert room.look() == before


def test_a_torn_line_counts_as_begun_and_does_not_swallow_what_is_written_after_it(room: Room, make: Make, shell: tuple[str, ...]) -> None:
    before = room.look()
    folder = make(PLAN, 0)
    with (folder.path / "journal").open("a") as file:
        file.write(f"2.00 2026-01-01T00:00:00Z {BOOT} applying 1 mt")
    change(room)
    assert folder.undo(shell=shell).returncode == 0
    assert room.look() == before
    assert folder.words() == ["undoing operator", "undone"]


def test_changes_are_undone_newest_first_then_the_stack_is_put_back(room: Room, make: Make, tmp_path: Path) -> None:
    def mark(word: str) -> tuple[Step, ...]:
        return (Run(argv=("sh", "-c", f"echo {word} >> {tmp_path}/order")),)

    changes = tuple(
        Change(remedy=RemedyId.MTU, title="", steps=(), undo=mark(str(index)), disruption=NONE, takes_stack=index == 1)
        for index in range(3)
    )
    assert make(Plan(nic=CARD, boot_id=BOOT, changes=changes, put_back=mark("stack"))).undo().returncode == 0
    assert (tmp_path / "order").read_text().split() == ["2", "1", "0", "stack"]


def test_stack_is_not_put_back_for_changes_that_leave_it_alone_nor_after_a_confirmation(room: Room, make: Make, tmp_path: Path) -> None:
    stack = (Run(argv=("touch", f"{tmp_path}/stack")),)
    assert make(plan_of(put_back=stack)).undo().returncode == 0
    shutil.rmtree(tmp_path / "7")
    folder = make(plan_of(put_back=stack, disruption=FLAP))
    (folder.path / "decided").symlink_to("confirmed")
    assert folder.undo().returncode == 0
    assert not (tmp_path / "stack").exists()


def test_switch_waits_until_a_deadline_that_may_be_extended(room: Room, make: Make, shell: tuple[str, ...]) -> None:
    before = room.look()
    folder = make()
    change(room)
    folder.set_deadline(2)
    began = time.monotonic()
    with folder.start("switch", shell) as switch:
        time.sleep(1)
        folder.set_deadline(4)
        assert switch.wait(20) == 0
    assert 3.9 < time.monotonic() - began < 9
    assert room.look() == before
    assert folder.words() == ["undoing switch", "undone"]


def test_switch_ends_when_somebody_confirms(room: Room, make: Make, shell: tuple[str, ...]) -> None:
    folder = make()
    change(room)
    after = room.look()
    folder.set_deadline(60)
    with folder.start("switch", shell) as switch:
        time.sleep(0.5)
        (folder.path / "decided").symlink_to("confirmed")
        assert switch.wait(5) == 3
    assert (room.look(), folder.words()) == (after, [])


def test_switch_that_never_finds_a_deadline_undoes(room: Room, make: Make) -> None:
    folder = make()
    change(room)
    assert folder.undo("switch", within_s=20).returncode == 0


def test_clock_that_jumps_changes_nothing(room: Room, make: Make, tmp_path: Path) -> None:
    date = tmp_path / "date"
    date.write_text("#!/bin/sh\necho 1970-01-01T00:00:00Z\n")
    date.chmod(0o755)
    room.run("mount", "--bind", str(date), shutil.which("date") or "")
    folder = make()
    folder.set_deadline(3)
    began = time.monotonic()
    assert folder.undo("switch").returncode == 0
    assert 2.9 < time.monotonic() - began < 20


@pytest.mark.parametrize("why", ["switch", "probes", "failure", "boot"])
def test_what_is_confirmed_stays_unless_the_operator_says_otherwise(room: Room, make: Make, why: str) -> None:
    before = room.look()
    folder = make()
    change(room)
    after = room.look()
    (folder.path / "decided").symlink_to("confirmed")
    assert folder.undo(why).returncode == 3
    assert (room.look(), folder.words()) == (after, [])
    assert folder.undo("operator").returncode == 0
    assert room.look() == before
    assert (folder.path / "decided").readlink() == Path("undo")


def test_confirming_and_undoing_at_once_has_exactly_one_winner(room: Room, make: Make, tmp_path: Path, shell: tuple[str, ...]) -> None:
    won = {"confirmed": 0, "undo": 0}
    folder = make(plan_of(Run(argv=("touch", f"{tmp_path}/undone"))))
    journal = (folder.path / "journal").read_text()
    for turn in range(50):
        with folder.start("probes", shell) as undo:
            time.sleep(turn * turn * 0.0002)
            try:
                (folder.path / "decided").symlink_to("confirmed")
                winner = "confirmed"
            except FileExistsError:
                winner = "undo"
            status = undo.wait(20)
        assert (status, (tmp_path / "undone").exists()) == ((3, False) if winner == "confirmed" else (0, True))
        assert (folder.path / "decided").readlink() == Path(winner)
        won[winner] += 1
        (tmp_path / "undone").unlink(missing_ok=True)
        (folder.path / "decided").unlink()
        (folder.path / "journal").write_text(journal)
    assert all(won.values()), won


def test_several_undos_at_once_do_it_once_and_all_tell_how_it_ended(room: Room, make: Make, tmp_path: Path, shell: tuple[str, ...]) -> None:
    folder = make(plan_of(Run(argv=("sh", "-c", f"echo once >> {tmp_path}/count; sleep 1"))))
    undos = [folder.start("operator", shell) for _ in range(4)]
    statuses = [undo.wait(30) for undo in undos]
    for undo in undos:
        undo.communicate()
    assert (tmp_path / "count").read_text() == "once\n"
    assert statuses.count(0) >= 1
    assert set(statuses) <= {0, 3}
    assert folder.words() == ["undoing operator", "undone"]


@pytest.mark.parametrize("after_s", [0.0, 0.05, 0.1, 0.2, 0.4, 0.8])
def test_undo_that_was_killed_is_done_by_the_next(room: Room, make: Make, after_s: float, shell: tuple[str, ...]) -> None:
    before = room.look()
    slow = Run(argv=("sleep", "0.3"))
    folder = make(plan_of(MTU_BACK, slow, TSO_ON, slow, put_back=(slow,), disruption=FLAP))
    change(room)
    with folder.start("operator", shell) as undo:
        time.sleep(after_s)
        os.killpg(undo.pid, signal.SIGKILL)
    assert folder.undo("switch", shell).returncode in {0, 3}
    assert room.look() == before
    assert folder.words()[-1] == "undone"


def test_applier_and_its_children_are_stopped_for_good(room: Room, make: Make, shell: tuple[str, ...]) -> None:
    folder = make()
    with room.start("sh", "-c", "sleep 600 & sh -c 'sleep 601 & echo $!; wait' & wait") as applier:
        assert applier.stdout is not None
        grandchild = int(applier.stdout.readline())
        start = Path(f"/proc/{applier.pid}/stat").read_text().rpartition(") ")[2].split()[19]
        (folder.path / "applier").write_text(f"{applier.pid} {start}\n")
        assert folder.undo("switch", shell).returncode == 0
        assert applier.wait(5) == -signal.SIGKILL
        wait_for(lambda: not Path(f"/proc/{grandchild}").exists())


def test_process_that_only_has_the_number_of_the_applier_lives_on(room: Room, make: Make) -> None:
    folder = make()
    with room.start("sleep", "600") as stranger:
        (folder.path / "applier").write_text(f"{stranger.pid} 17\n")
        assert folder.undo().returncode == 0
        assert stranger.poll() is None
        stranger.kill()


def test_applier_that_calls_the_undo_itself_lives_on(room: Room, make: Make) -> None:
    folder = make()
    start = f"set -- $(cut -d' ' -f22 /proc/$$/stat); echo $$ $1 > {folder.path}/applier"
    call = f"{start}; sh {folder.path}/undo.sh failure; echo lives $?"
    assert room.read("sh", "-c", call).endswith("lives 0\n")


def test_folder_that_takes_no_writing_does_not_keep_it_from_undoing(room: Room, make: Make, shell: tuple[str, ...]) -> None:
    before = room.look()
    folder = make()
    change(room)
    room.run("mount", "--bind", str(folder.path), str(folder.path))
    room.run("mount", "-o", "remount,ro,bind", str(folder.path))
    assert folder.undo("switch", shell).returncode == 0
    assert room.look() == before
    assert folder.words() == []
    assert folder.words("/run/nicmedic/7.outcome") == ["undone"]
    assert folder.undo("operator", shell).returncode == 3, "what stands in /run counts"


def test_full_disk_does_not_keep_it_from_undoing(room: Room, make: Make, tmp_path: Path, shell: tuple[str, ...]) -> None:
    before = room.look()
    folder = make()
    with (folder.path / "journal").open("a") as file:  # to the end of its block
        file.write(f"1.00 2026-01-01T00:00:00Z {BOOT} planned ".ljust(4095 - file.tell(), ".") + "\n")
    full = tmp_path / "full"
    full.mkdir()
    room.run("mount", "-t", "tmpfs", "-o", "size=128k,nr_inodes=6", "tmpfs", str(full))
    room.run("sh", "-c", f"cp -a {folder.path} {full}/; cat /dev/zero > {full}/fill", check=False)
    change(room)
    done = room.run(*shell, f"{full}/7/undo.sh", "switch", check=False)
    assert done.returncode == 0
    assert room.look() == before
    assert folder.words("/run/nicmedic/7.outcome") == ["undone"]


def test_nothing_at_all_can_be_written_and_it_is_undone_all_the_same(room: Room, make: Make, shell: tuple[str, ...]) -> None:
    before = room.look()
    folder = make()
    change(room)
    for place in (str(folder.path), "/run"):
        room.run("sh", "-c", f"mount --bind {place} {place} && mount -o remount,ro,bind {place}")
    assert folder.undo("switch", shell).returncode == 0
    assert room.look() == before


def test_step_that_fails_is_tried_three_times_and_told_as_a_command(room: Room, make: Make, tmp_path: Path, shell: tuple[str, ...]) -> None:
    before = room.look()
    script = f"echo once >> {tmp_path}/count; echo it was refused >&2; exit 7"
    folder = make(plan_of(MTU_BACK, Run(argv=("sh", "-c", script)), TSO_ON, Run(argv=("false",), needed=False)))
    change(room)
    done = folder.undo(shell=shell)
    line = f"sh -c {shlex.quote(script)}"
    assert done.returncode == 1
    assert done.stdout.splitlines()[-2:] == ["nicmedic: CHANGED: not all of transaction 7 could be undone. Type:", line]
    assert f"failed: {line} (status 7: it was refused)" in done.stdout
    assert (tmp_path / "count").read_text() == "once\n" * 3
    assert (folder.path / "failed").read_text() == f"{line}\n"
    assert folder.words() == ["undoing operator", f"undo-failed {line} (status 7: it was refused)"]
    assert room.look() == before, "what follows was done"


def test_undo_that_failed_may_be_tried_again(room: Room, make: Make, tmp_path: Path) -> None:
    folder = make(plan_of(Run(argv=("test", "-e", f"{tmp_path}/mended"))))
    assert folder.undo().returncode == 1
    (tmp_path / "mended").touch()
    assert folder.undo().returncode == 0
    assert not (folder.path / "failed").exists()
    assert folder.words()[-1] == "undone"


def test_step_of_several_tries_is_tried_so_often(room: Room, make: Make, tmp_path: Path) -> None:
    script = f"echo once >> {tmp_path}/count; test $(wc -l < {tmp_path}/count) -ge 5"
    assert make(plan_of(Run(argv=("sh", "-c", script), tries=5))).undo().returncode == 0


def test_step_that_is_not_needed_any_more_is_left_out(room: Room, make: Make, tmp_path: Path, shell: tuple[str, ...]) -> None:
    def step(text: str, name: str) -> Run:
        return Run(argv=("touch", f"{tmp_path}/{name}"), unless=Shown(argv=("ethtool", "-k", INTERFACE), text=text))

    steps = (step("tx-tcp-segmentation: on", "no"), step("tx-tcp-segmentation: o", "yes"), step("x-tcp-segmentation: on", "also"))
    assert make(plan_of(*steps)).undo(shell=shell).returncode == 0
    assert [name for name in ("no", "yes", "also") if (tmp_path / name).exists()] == ["yes", "also"]


def test_other_way_is_taken_where_the_first_is_not_installed(room: Room, make: Make, tmp_path: Path, shell: tuple[str, ...]) -> None:
    folder = make(plan_of(Run(argv=("no-such-program", INTERFACE), otherwise=("touch", f"{tmp_path}/{INTERFACE}"))))
    assert folder.undo(shell=shell).returncode == 0
    assert (tmp_path / "card0").exists()


def test_program_that_ignores_signals_is_killed_with_its_children_and_the_rest_goes_on(
    room: Room, make: Make, shell: tuple[str, ...], tmp_path: Path
) -> None:
    before = room.look()
    stubborn = Run(
        argv=("sh", "-c", f"trap '' TERM HUP INT; sleep 300 & echo $! > {tmp_path}/child; while :; do sleep 1; done"),
        within_s=1,
        needed=False,
    )
    folder = make(plan_of(MTU_BACK, stubborn, TSO_ON))
    change(room)
    began = time.monotonic()
    assert folder.undo(shell=shell).returncode == 0
    assert time.monotonic() - began < 10
    assert room.look() == before
    child = (tmp_path / "child").read_text().strip()
    wait_for(lambda: not Path(f"/proc/{child}").exists())


def test_write_that_the_kernel_refuses_has_failed(room: Room, make: Make, shell: tuple[str, ...]) -> None:
    folder = make(plan_of(Write(path=f"/sys/class/net/{INTERFACE}/mtu", text="17 feet")))
    done = folder.undo(shell=shell)
    assert done.returncode == 1
    assert (folder.path / "failed").read_text() == "echo '17 feet' > /sys/class/net/card0/mtu\n"


def test_card_is_found_under_another_name_and_renamed_and_its_former_name_is_not_trusted(
    room: Room, make: Make, shell: tuple[str, ...]
) -> None:
    # The kernel names the folder of a card anew together with it; here somebody has to, and needs a moment for that.
    folder = make(
        plan_of(MTU_BACK, Rename(name="card0"), Pause(seconds=3), TSO_ON, Run(argv=("ip", "link", "set", "dev", INTERFACE, "up")))
    )
    change(room)
    room.run("sh", "-c", "ip link set dev card0 down; ip link set dev card0 name moved; ip link add dev card0 type veth peer name other")
    room.run("ip", "link", "set", "dev", "card0", "mtu", "1300")
    room.name_card("moved")
    done = folder.undo(shell=shell)
    assert done.returncode == 1, "the name is taken"
    assert room.read("cat", "/sys/class/net/card0/mtu") == "1300\n"
    assert room.read("cat", "/sys/class/net/moved/mtu") == "1500\n"
    room.run("ip", "link", "delete", "dev", "card0")
    room.name_card("moved")
    wait = folder.start(shell=shell)
    wait_for(lambda: "card0" in room.list_interfaces())
    room.name_card("card0")
    assert wait.wait(30) == 0
    wait.communicate()


def test_card_that_comes_later_is_waited_for(room: Room, make: Make, shell: tuple[str, ...]) -> None:
    before = room.look()
    folder = make(plan_of(TSO_ON, MTU_BACK, put_back=(AwaitNic(within_s=20),)))
    change(room)
    room.name_card()
    with folder.start("failure", shell) as undo:
        time.sleep(1)
        room.name_card("card0")
        assert undo.wait(30) == 0
    assert room.look() == before


def test_card_that_is_gone_is_told_with_what_brings_it_back(room: Room, make: Make) -> None:
    nic = Identity(interface="card0", bus=Bus.PCI, bus_address="0000:7f:1e.7", sysfs_path=DEVICE, driver="nosuchdriver")
    folder = make(plan_of(TSO_ON, MTU_BACK, nic=nic))
    room.name_card()
    began = time.monotonic()
    done = folder.undo()
    assert time.monotonic() - began < 40
    assert done.returncode == 1
    assert (folder.path / "failed").read_text().splitlines() == [
        "echo 0000:7f:1e.7 > /sys/bus/pci/drivers/nosuchdriver/bind", "ethtool -K card0 tso on", "ip link set dev card0 mtu 1500",
    ]  # fmt: skip


def test_of_two_ports_of_a_device_the_right_one_is_taken(room: Room, make: Make, shell: tuple[str, ...]) -> None:
    change(room)
    room.run("ip", "link", "set", "dev", "switch0", "mtu", "1300")
    room.name_card("card0", "switch0")
    room.run("sh", "-c", "rm /run/net/*/dev_port; echo 1 > /run/net/card0/dev_port; echo 0 > /run/net/switch0/dev_port")
    nic = Identity(interface="renamed", sysfs_path=DEVICE, dev_port=0)
    assert make(plan_of(MTU_BACK, nic=nic)).undo(shell=shell).returncode == 0
    assert room.read("cat", "/sys/class/net/switch0/mtu") == "1500\n"
    assert room.read("cat", "/sys/class/net/card0/mtu") == "1400\n"


def test_another_card_in_the_same_slot_is_left_alone(room: Room, make: Make, tmp_path: Path, shell: tuple[str, ...]) -> None:
    answer = tmp_path / "ethtool"
    answer.write_text("#!/bin/sh\necho Permanent address: 52:54:00:00:00:01\n")
    answer.chmod(0o755)
    room.run("mount", "--bind", str(answer), shutil.which("ethtool") or "")
    room.run("ip", "link", "set", "dev", "card0", "mtu", "1400")
    folder = make(plan_of(MTU_BACK, nic=Identity(interface="card0", sysfs_path=DEVICE, permanent_address="52:54:00:00:00:02")))
    assert folder.undo(shell=shell).returncode == 1
    assert room.read("cat", "/sys/class/net/card0/mtu") == "1400\n"
    folder = make(plan_of(MTU_BACK, nic=Identity(interface="card0", sysfs_path=DEVICE, permanent_address="52:54:00:00:00:01")))
    assert folder.undo(shell=shell).returncode == 0
    assert room.read("cat", "/sys/class/net/card0/mtu") == "1500\n"


def test_another_boot_undid_it_already(room: Room, make: Make, shell: tuple[str, ...]) -> None:
    change(room)
    after = room.look()
    other = "00000000-0000-4000-8000-000000000000"
    folder = make(Plan(nic=CARD, boot_id=other, changes=PLAN.changes), boot=other)
    for _ in range(2):
        assert folder.undo("switch", shell).returncode == 3
    assert (room.look(), folder.words()) == (after, ["rebooted"])


@pytest.mark.parametrize("name", ["$(id>pwn)", "a'b\"c", "`id>pwn`", "-K", "*", "a;b&c|d", "a\\nb", "~", "x$IFS#", "é", "[a-z]"])
def test_no_name_of_an_interface_is_ever_carried_out(room: Room, make: Make, tmp_path: Path, name: str, shell: tuple[str, ...]) -> None:
    room.run("sh", "-c", 'ip link set dev card0 down; ip link set dev card0 name "$1"', "sh", name)
    room.run("sh", "-c", 'echo 1400 > "/sys/devices/virtual/net/$1/mtu"', "sh", name)
    room.name_card(name)
    steps = (
        Write(path=f"/sys/class/net/{INTERFACE}/mtu", text="1500"),
        Run(argv=("touch", f"{tmp_path}/saw {INTERFACE}"), unless=Shown(argv=("echo", "no"), text=INTERFACE)),
        Rename(name=name),
        Run(argv=("printf", "%s", name, "a\nb", "")),
    )
    folder = make(plan_of(*steps, nic=Identity(interface=name, sysfs_path=DEVICE)))
    done = room.run("sh", "-c", 'cd "$1" && shift && exec "$@"', "sh", str(tmp_path), *shell, str(folder.path / "undo.sh"))
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / f"saw {name}").exists()
    assert not list(tmp_path.rglob("*pwn"))
    assert room.read("cat", f"/sys/devices/virtual/net/{name}/mtu") == "1500\n"


def test_terminal_that_takes_nothing_does_not_hold_it_up(room: Room, make: Make, shell: tuple[str, ...]) -> None:
    before = room.look()
    folder = make()
    change(room)
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    try:
        while True:
            os.write(writer, b"x" * 4096)
    except BlockingIOError:
        os.set_blocking(writer, True)
    done = subprocess.run(room.command(*shell, f"{folder.path}/undo.sh"), stdout=writer, stdin=subprocess.DEVNULL, check=False, timeout=30)
    os.close(reader)
    os.close(writer)
    assert done.returncode == 0
    assert room.look() == before


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGINT, signal.SIGTERM])
def test_signals_do_not_end_it(room: Room, make: Make, number: int, shell: tuple[str, ...]) -> None:
    folder = make(plan_of(Run(argv=("sleep", "1")), MTU_BACK))
    change(room)
    with folder.start("probes", shell) as undo:
        wait_for(lambda: "undoing probes" in folder.words())
        os.killpg(undo.pid, number)
        assert undo.wait(20) == 0


def test_script_that_stands_elsewhere_refuses(room: Room, make: Make, tmp_path: Path, shell: tuple[str, ...]) -> None:
    copy = tmp_path / "copy.sh"
    copy.write_bytes((make().path / "undo.sh").read_bytes())
    done = room.run(*shell, str(copy), check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("nicmedic: nothing was undone: which transaction?")


def test_word_that_is_none_is_refused(make: Make) -> None:
    assert make().undo("--help").returncode == 2


def test_what_was_probed_or_extended_after_the_undo_does_not_open_it_again(room: Room, make: Make) -> None:
    folder = make()
    assert folder.undo().returncode == 0
    with (folder.path / "journal").open("a") as file:
        file.write(f"2.00 2026-01-01T00:00:00Z {BOOT} probed ok\n3.00 2026-01-01T00:00:00Z {BOOT} extended by 300 s\n")
    change(room)
    after = room.look()
    assert folder.undo("failure").returncode == 3
    assert room.look() == after


def test_nothing_is_said_to_be_changed_where_nothing_was_begun(room: Room, make: Make) -> None:
    folder = make(plan_of(TSO_ON, nic=Identity(interface="gone", sysfs_path="/run/devices/none")), 9)
    (folder.path / "journal").write_text(f"1.00 2026-01-01T00:00:00Z {BOOT} planned\n")
    began = time.monotonic()
    assert folder.undo("boot").returncode == 0
    assert time.monotonic() - began < 3
    assert folder.words() == ["undoing boot", "undone"]


def test_undo_of_a_confirmed_one_that_was_cut_short_leaves_the_stack_to_the_operator(room: Room, make: Make, tmp_path: Path) -> None:
    folder = make(plan_of(put_back=(Run(argv=("touch", f"{tmp_path}/stack")),), disruption=FLAP))
    (folder.path / "decided").symlink_to("undo")
    with (folder.path / "journal").open("a") as file:
        file.write(f"2.00 2026-01-01T00:00:00Z {BOOT} confirmed\n3.00 2026-01-01T00:00:00Z {BOOT} undoing operator\n")
    assert folder.undo("boot").returncode == 0
    assert not (tmp_path / "stack").exists()


def test_what_a_step_starts_can_be_ended(room: Room, make: Make, tmp_path: Path, shell: tuple[str, ...]) -> None:
    look = Run(argv=("sh", "-c", f"grep SigIgn /proc/self/status >{tmp_path}/ignored"))
    assert make(plan_of(look)).undo(shell=shell).returncode == 0
    ignored = int((tmp_path / "ignored").read_text().split()[1], 16)
    assert not ignored & 1 << signal.SIGTERM - 1


def test_name_that_is_taken_does_not_leave_the_card_down(room: Room, make: Make, shell: tuple[str, ...]) -> None:
    assert make(plan_of(Rename(name="switch0"))).undo(shell=shell).returncode == 1
    assert int(room.read("cat", "/sys/class/net/card0/flags"), 16) & 1
