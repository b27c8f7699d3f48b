# SPDX-License-Identifier: GPL-2.0-or-later
"""``nicmedic watch`` on real kernels with cards that hang: on disk before the kernel says a word, restored as the policy allows, and never lost.

How long it takes is measured by ``bench/watch.py``; here it is only told.
"""

import re

import pytest

from lab.fixtures import MachineMaker
from lab.kernel_vm import KernelVM
from lab.segment import PARTNER, Segment
from lab.watching import PATIENCE_S, Watching

WATCHDOG = r"NETDEV WATCHDOG"
DISK = "mkdir /run/state && truncate -s 24M /run/disk && mkfs.ext4 -q /run/disk && modprobe loop && mount -o loop /run/disk /run/state"
"""One of its own for the watcher's state."""


def make(nic: str, vm: MachineMaker) -> KernelVM:
    return vm(nic, memory_mb=768)


def ping_hard(machine: KernelVM) -> None:
    """A full queue, at little cost for the emulated processor."""
    machine.start("ping", "-n", "-q", "-f", "-l", "100", "-s", "1400", PARTNER, capture=False)


def kernel_says_s(machine: KernelVM) -> float | None:
    """When its watchdog spoke, in seconds since the boot."""
    found = re.search(rf"\[ *(\d+\.\d+)\].*{WATCHDOG}", machine.kernel_log())
    return None if found is None else float(found[1])


@pytest.mark.parametrize("nic", ["e1000e", "8139cp"])
def test_a_card_that_hangs_under_load_is_on_disk_before_the_kernel_speaks_and_comes_back(
    nic: str, vm: MachineMaker, segment: Segment
) -> None:
    machine = make(nic, vm)
    watching = Watching(machine, mode="restore")
    watching.start()
    with segment.probe() as probe:
        probe.wait_back(30)
        ping_hard(machine)
        probe.wait_back(30)
        assert watching.told() == []
        stall = watching.stall(60)
        first = kernel_says_s(machine)
        lost = probe.answers[-1]
        back = probe.wait_back(PATIENCE_S, after=lost + 0.5)
    restored = watching.wait_told("restored")
    print(f"{nic}: {stall}, back after {back - lost:.1f} s, the kernel's line: {first}")  # noqa: T201  # a figure for people
    assert first is None or stall.written_s is not None
    assert restored["incident"]["verdict"] == "nic_hung"
    (incident,) = watching.incidents()
    assert (incident["verdict"], incident["interface"], incident["driver"]) == ("nic_hung", "eth0", nic)
    assert incident["ended_why"] == "restored"
    assert stall.stalled_s <= incident["detected_uptime_s"] <= (stall.written_s or 0.0)
    actions = [(action["what"], action["state"]) for action in incident["actions"]]
    assert actions == [("restore", "helped")], incident["actions"]
    print(f"verdict after {incident['detected_uptime_s'] - stall.stalled_s:.2f} s, {incident['reasons']}")  # noqa: T201  # a figure for people
    assert incident["actions"][0]["transactions"] != "[]"
    assert {"samples", "kernel_log"} <= set(incident["evidence"])
    watching.kill("TERM")


def test_a_hang_of_which_the_kernel_never_says_a_word_outlives_the_watcher_that_saw_it(vm: MachineMaker, segment: Segment) -> None:
    machine = make("e1000e", vm)
    watching = Watching(machine)
    watching.start()
    machine.run("ping", "-n", "-q", "-f", "-c", "400", "-l", "50", "-s", "1400", PARTNER)  # else one frame stops the queue: lab/README.md
    stall = watching.stall(60, target=PARTNER)
    print(f"one frame: {stall}")  # noqa: T201  # a figure for people
    watching.wait_told("began")
    watching.kill("KILL")
    (incident,) = watching.incidents()
    assert (incident["verdict"], incident["ended"]) == ("nic_hung", None), incident["reasons"]
    watching.start()
    assert kernel_says_s(machine) is None
    machine.rebind()
    machine.configure()
    with segment.probe() as probe:
        probe.wait_back(60)
        watching.wait_told("restored")
    (incident,) = watching.incidents()
    assert (incident["verdict"], incident["ended_why"], incident["actions"]) == ("nic_hung", "restored", [])
    assert len([told for told in watching.told() if told["news"] == "began"]) == 1
    watching.kill("TERM")


def hang(machine: KernelVM, watching: Watching) -> None:
    """One that the watcher sees, whether it can write it down or not."""
    machine.run("ping", "-n", "-q", "-f", "-c", "100", "-l", "50", "-s", "1400", PARTNER)
    watching.stall(0, target=PARTNER)


def mend(machine: KernelVM) -> None:
    machine.rebind()
    machine.configure()
    machine.wait_reaches(PARTNER)


def test_a_full_disk_and_a_flooded_log_lose_nothing(vm: MachineMaker, segment: Segment) -> None:
    machine = make("e1000e", vm)
    machine.sh(DISK)
    watching = Watching(machine)
    watching.start()
    machine.sh("cat /dev/zero >/run/state/full 2>/dev/null || true; echo on >/proc/sys/kernel/printk_devkmsg")
    noise = machine.start("timeout", "60", "sh", "-c", "while :; do echo noise; done >/dev/kmsg", capture=False)
    hang(machine, watching)
    watching.wait(lambda: "eth0 (e1000e) hangs" in watching.said())  # on disk where the log of the database has room left, else in memory
    noise.kill()
    machine.sh("rm /run/state/full")
    watching.wait(lambda: [one["verdict"] for one in watching.incidents()] == ["nic_hung"], step_s=3)
    mend(machine)
    watching.wait(lambda: watching.incidents()[0]["ended"], step_s=3)
    watching.kill("TERM")


@pytest.mark.long
def test_a_disk_that_goes_read_only_and_a_damaged_database_lose_nothing_that_was_told(vm: MachineMaker, segment: Segment) -> None:
    machine = make("e1000e", vm)
    machine.sh(DISK)
    watching = Watching(machine)
    watching.start()
    machine.sh("echo u >/proc/sysrq-trigger; until grep -q ' /run/state ext4 ro' /proc/mounts; do sleep 0.1; done")
    hang(machine, watching)
    watching.wait(lambda: "eth0 (e1000e) hangs" in watching.said())
    machine.sh("mount -o remount,rw /run/state")
    watching.wait(lambda: [one["verdict"] for one in watching.incidents()] == ["nic_hung"], step_s=3)
    mend(machine)
    watching.wait(lambda: watching.incidents()[0]["ended"], step_s=3)
    watching.kill("TERM")

    machine.sh(
        f"rm -f {watching.database}-wal {watching.database}-shm; dd if=/dev/urandom of={watching.database} bs=512 count=4 conv=notrunc"
    )
    watching.start()
    watching.wait(lambda: "the incidents were damaged: they are kept as" in watching.said())
    hang(machine, watching)
    watching.wait(lambda: [one["verdict"] for one in watching.incidents()][-1:] == ["nic_hung"], step_s=3)
    machine.sh(f"ls {watching.database}.damaged-*")
    watching.kill("TERM")
