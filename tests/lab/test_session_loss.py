# SPDX-License-Identifier: GPL-2.0-or-later
"""The session dies right after a change, and the wire with it: the host comes back by itself, as it was, within the time that was given.

So it does when the treatment is killed, when somebody sets the clock, and when the machine stands still meanwhile.
"""

import shlex
import time

import pytest

from lab.disk_vm import DiskVM
from lab.fixtures import DiskMaker, FaultSetter
from lab.segment import Segment
from tests.lab.inside import read_state, wait_up6

TIMEOUT_S = 40
GRACE_S = 30  # ten are promised; an emulated processor that shares its own with another machine gets more, and what was measured is printed
JOURNAL = "/var/lib/nicmedic/transactions/1/journal"


def wait_word(machine: DiskVM, word: str, within_s: float) -> None:
    """Wait until the journal tells of it."""
    machine.sh(f"until grep -qs ' {word}' {JOURNAL}; do sleep 0.2; done", timeout_s=within_s)


@pytest.mark.parametrize("remedy", ["offload-off:tso", "link-bounce", "driver-rebind"])
def test_a_session_that_dies_right_after_the_change_leaves_the_host_as_before(remedy: str, disk_vm: DiskMaker, segment: Segment) -> None:
    machine = disk_vm("ifupdown")
    wait_up6(machine)
    name = machine.interface
    machine.sh(f"ip route add 10.99.0.0/16 via 10.77.0.254 metric 7; ip address add fd00:77::7/64 dev {name} nodad")
    before = read_state(machine, name)
    words = machine.nicmedic("treat", name, "--remedy", remedy, "--timeout", f"{TIMEOUT_S}s")
    with segment.start(*machine.ssh("-tt", *words)) as session:
        wait_word(machine, "applying", 120)
        segment.set_silent(silent=True)
        session.kill()
    machine.run("pkill", "-HUP", "-f", "sshd: root@pts")  # as sshd does when the line stays dead
    wait_word(machine, "undone", TIMEOUT_S + 60)
    segment.set_silent(silent=False)
    with segment.probe() as probe:
        probe.wait_back(60)
    deadline = time.monotonic() + 30
    while read_state(machine, name) != before and time.monotonic() < deadline:
        time.sleep(1)
    assert read_state(machine, name) == before


def begin_and_kill(machine: DiskVM) -> None:
    """Nobody but the switch is left of a treatment that has changed something."""
    words = machine.nicmedic("treat", machine.interface, "--remedy", "offload-off:tso", "--timeout", f"{TIMEOUT_S}s")
    machine.start("sh", "-c", f"exec {shlex.join(words)}")
    wait_word(machine, "applied", 120)
    machine.check("pkill", "-KILL", "-f", "nicmedic treat")


def read_over_s(machine: DiskVM) -> float:
    """How long after its deadline it was undone."""
    undone, deadline = machine.sh(f"tail -n 1 {JOURNAL}; cat {JOURNAL.replace('journal', 'deadline')}").splitlines()
    assert undone.split()[3] == "undone"
    return float(undone.split()[0]) - float(deadline)


def test_a_treatment_that_is_killed_is_undone_by_systemd_and_so_is_an_undo_that_is_killed(disk_vm: DiskMaker, segment: Segment) -> None:
    machine = disk_vm("networkd")
    machine.wait_up()
    before = read_state(machine, machine.interface)
    begin_and_kill(machine)
    assert read_state(machine, machine.interface) != before
    assert "nicmedic-undo-1" in machine.check("systemctl", "list-timers", "--all", "--no-pager")
    moment = f"until grep -qs ' undoing' {JOURNAL}; do :; done; kill -9 $(pgrep -f '^/bin/sh .*undo.sh switch'); cat {JOURNAL}"
    assert " undone" not in machine.sh(moment, timeout_s=TIMEOUT_S + 60)
    wait_word(machine, "undone", 60)
    over_s = read_over_s(machine)
    print(f"killed, and its undo too: undone {over_s:.1f} s over the deadline")  # noqa: T201  # a figure for people
    assert read_state(machine, machine.interface) == before
    assert over_s <= GRACE_S


def test_who_sets_the_clock_neither_hastens_nor_hinders_the_switch(disk_vm: DiskMaker, segment: Segment, fault: FaultSetter) -> None:
    machine = disk_vm("networkd")
    machine.wait_up()
    before = read_state(machine, machine.interface)
    begin_and_kill(machine)
    machine.sh("date -s '+3 hours'")
    time.sleep(3)
    assert "undoing" not in machine.read(JOURNAL)
    machine.sh("date -s '-2 days'")
    with fault("paused", machine):
        time.sleep(TIMEOUT_S)
    wait_word(machine, "undone", TIMEOUT_S + 60)
    over_s = read_over_s(machine)
    print(f"clock set, machine stopped: undone {over_s:.1f} s over the deadline")  # noqa: T201  # a figure for people
    assert read_state(machine, machine.interface) == before
    assert -1 <= over_s <= GRACE_S
