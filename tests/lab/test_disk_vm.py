# SPDX-License-Identifier: GPL-2.0-or-later
"""Disk VMs: each network manager brings its card up, reboots and power cuts leave the disk, GRUB's one-shot boot is real."""

import json
import time

import pytest

from lab import disk, faults, kernels
from lab.fixtures import DiskMaker, FaultSetter
from lab.segment import Segment
from tests.lab.inside import wait_up6


@pytest.mark.parametrize("manager", [manager.name for manager in disk.MANAGERS])
def test_a_manager_brings_its_card_up(manager: str, disk_vm: DiskMaker, segment: Segment) -> None:
    machine = disk_vm(manager)
    wait_up6(machine)
    with segment.probe() as probe:
        probe.wait_back(10)
    assert segment.run(*machine.ssh("hostname")).stdout == machine.check("hostname")
    done = machine.run(*machine.nicmedic("check", machine.interface, "--json", "--wait", "0"), timeout_s=120)
    (nic,) = json.loads(done.out)["nics"]
    owner, _, renderer = manager.partition("-")
    assert (nic["manager"]["manager"], nic["manager"]["renderer"] or "") == (owner, renderer)
    assert any(machine.interface in machine.read(file["path"]) for file in nic["manager"]["files"])


def test_a_reboot_keeps_the_disk_and_a_power_cut_keeps_what_was_synced(disk_vm: DiskMaker, segment: Segment) -> None:
    machine = disk_vm("ifupdown", booted=False)
    machine.wait_up()
    first = machine.read("/proc/sys/kernel/random/boot_id")
    machine.sh("echo one >/root/one")
    machine.reboot()
    machine.wait_up()
    assert machine.read("/root/one") == "one"
    second = machine.read("/proc/sys/kernel/random/boot_id")
    with segment.probe() as probe:
        probe.wait_back(10)
        machine.start("sh", "-c", f"echo two >/root/two; sync; echo three >/root/three; sh {machine.guest_files}/power-cut; sync")
        probe.wait_lost(15)
        assert not machine.qemu.alive
        faults.find("power-cut")().clear(machine)
        machine.wait_up()
        probe.wait_back(10)
    assert machine.read("/root/two") == "two"
    assert machine.run("test", "-s", "/root/three").status == 1
    assert len({first, second, machine.read("/proc/sys/kernel/random/boot_id")}) == 3
    assert int(machine.check("journalctl", "--list-boots", "--no-pager").count("\n")) >= 3


def test_grub_boots_another_kernel_once(disk_vm: DiskMaker) -> None:
    offered = [version for version in kernels.available() if version.startswith("6.1.")]
    old, new = offered[0], kernels.default_version()
    machine = disk_vm("ifupdown", kernel_releases=(old, new), booted=False)
    assert machine.check("uname", "-r").strip() == new
    machine.check("grub-reboot", f"Advanced options for Debian GNU/Linux>Debian GNU/Linux, with Linux {old}")
    machine.reboot()
    assert machine.check("uname", "-r").strip() == old
    machine.reboot()
    assert machine.check("uname", "-r").strip() == new


def test_an_operators_session_lives_while_the_card_does(disk_vm: DiskMaker, fault: FaultSetter) -> None:
    machine = disk_vm("ifupdown")
    machine.wait_up()
    session = machine.ssh_session()
    try:
        assert session.stdout
        assert abs(float(session.stdout.readline()) - time.time()) < 10
        with fault("bus-master-off", machine):
            time.sleep(3)
        machine.rebind()
        machine.wait_up()
        seen = float(session.stdout.readline())
        assert seen
    finally:
        session.kill()
        session.wait()
        for pipe in (session.stdin, session.stdout):
            if pipe:
                pipe.close()


def test_this_trees_nicmedic_runs_with_debians_own_libraries(disk_vm: DiskMaker) -> None:
    machine = disk_vm("ifupdown")
    machine.wait_up()
    done = machine.run(*machine.nicmedic("explain", "--json"), timeout_s=60)
    assert done.status in {0, 1}, done.err
    assert f'"kernel_release": "{machine.check("uname", "-r").strip()}"' in done.out
