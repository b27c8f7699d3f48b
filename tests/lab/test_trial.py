# SPDX-License-Identifier: GPL-2.0-or-later
"""A kernel on trial, with GRUB on a real disk: it is promoted, or the machine is back on the old one by itself, whatever goes wrong and whenever.

A boot ends QEMU, and ``DiskVM.follow`` starts it again, so all boots but the first are those that the guest makes by itself. Most tests begin on
Debian's present kernel, which the image boots, and try the older one: to which of the two a machine returns makes no difference to GRUB.
"""

import json
import re
import subprocess
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from lab import kernels
from lab.disk_vm import DiskVM
from lab.fixtures import DiskMaker, FaultSetter
from lab.segment import GATEWAY
from tests.lab.inside import Inside

CARD = "e1000"
PATIENCE_S = 420  # an emulated processor is twenty times slower, and other machines run beside it
TRIAL_S = 900
OLDER, PRESENT = next(version for version in kernels.available() if version.startswith("6.1.")), kernels.default_version()
LOOK = r"""
find /etc /boot /boot/grub -xdev -printf '%p %y %m %u:%g %l\n' | sort
find /etc /boot /boot/grub -xdev -type f -print0 | sort -z | xargs -0 sha256sum
systemctl list-unit-files --no-legend --no-pager
"""
"""All files that a trial may touch, and all units."""


class Tried:
    """A machine with two kernels and nicmedic on its disk, which runs ``old``."""

    def __init__(self, machine: DiskVM, old: str, new: str) -> None:
        self.machine, self.old, self.new = machine, old, new
        machine.wait_up(PATIENCE_S)
        machine.install_nicmedic()
        if self.release() != old:
            machine.check("grub-reboot", f"Advanced options for Debian GNU/Linux>Debian GNU/Linux, with Linux {old}")
            machine.reboot()
            machine.wait_up(PATIENCE_S)

    def release(self) -> str:
        """The kernel that runs."""
        return self.machine.check("uname", "-r").strip()

    def nicmedic(self, *arguments: str, status: int = 0) -> str:
        """Type a command; returns what it says."""
        done = self.machine.run("nicmedic", *arguments, timeout_s=PATIENCE_S)
        assert done.status == status, f"status {done.status}: {done.out}{done.err}"
        return done.out or done.err

    def start(self, *options: str) -> None:
        """Try the new kernel; the machine goes down by itself."""
        self.machine.start("nicmedic", "trial", "start", self.new, "--yes", *options)
        self.machine.wait_off(PATIENCE_S)

    def record(self) -> dict[str, Any]:
        """What stands on the disk of the newest trial; nothing if there is none."""
        newest = "ls -d /var/lib/nicmedic/trials/[0-9]* 2>/dev/null | sort -t / -k 6 -n | tail -n 1"
        text = self.machine.sh(f"file=$({newest})/trial.json; [ ! -e $file ] || cat $file")
        trial: dict[str, Any] = json.loads(text)["trial"] if text else {}
        return trial

    def phase(self) -> str:
        """Where it stands, by its record."""
        return str(self.record().get("phase", "none"))

    def follow(self, phase: str, within_s: float = TRIAL_S) -> int:
        """Follow it through its boots until it stands there; returns how many there were."""
        return self.machine.follow(lambda: self.phase() == phase, within_s)

    def follow_home(self, within_s: float = TRIAL_S) -> int:
        """Follow it until the trial has ended, and the machine stays."""
        boots = self.follow("ended", within_s)
        self.machine.wait_up(PATIENCE_S)
        return boots

    def verdict(self) -> str:
        """How the last boot on trial ended."""
        return str(self.record()["legs"][-1]["result"]["verdict"])

    def check_home(self, verdict: str) -> None:
        """It is on the old kernel, says so, keeps to it, and has kept what it saw."""
        assert self.release() == self.old
        record = self.record()
        result = record["legs"][-1]["result"]
        assert result["verdict"] == verdict, result
        first = self.nicmedic("trial", "status").splitlines()[0]
        assert verdict.replace("_", " ") in first or result["reason"] in first or self.old in first, first
        assert result["evidence"] is not None, result
        assert int(self.machine.sh(f"find {result['evidence']} -type f -size +0 | wc -l")) > 0
        assert not re.search(r"nicmedic_trial=\d", self.machine.check("grub-editenv", "/boot/grub/grubenv", "list"))


@pytest.fixture
def tried(disk_vm: DiskMaker) -> Tried:
    return Tried(disk_vm("ifupdown", nic=CARD, kernel_releases=(OLDER, PRESENT)), PRESENT, OLDER)


def test_a_good_kernel_is_promoted_and_stays(disk_vm: DiskMaker) -> None:
    tried = Tried(disk_vm("ifupdown", nic=CARD, kernel_releases=(OLDER, PRESENT)), OLDER, PRESENT)
    tried.nicmedic("trial", "prepare")
    tried.start("--soak", "20s")
    tried.follow_home()
    assert tried.release() == PRESENT
    assert tried.verdict() == "good"
    assert tried.record()["promoted"]
    tried.machine.reboot()
    assert tried.release() == PRESENT
    assert "nicmedic.trial" not in tried.machine.read("/proc/cmdline")
    assert "nicmedic-trial" not in tried.machine.sh("systemctl list-unit-files --no-legend --no-pager 'nicmedic*'")


def test_a_card_that_hangs_in_the_soak_brings_the_old_kernel_back(tried: Tried, fault: FaultSetter) -> None:
    tried.start("--soak", "20m")
    assert tried.follow("soaking") == 1
    machine = tried.machine
    assert tried.release() == tried.new
    machine.wait_up(PATIENCE_S)
    machine.flood(GATEWAY, seconds=600)
    with fault("bus-master-off", machine):
        hung = time.monotonic()
        machine.wait_off(PATIENCE_S)
        away = time.monotonic() - hung
    tried.follow_home()
    print(f"on its way back {away:.1f} s after the hang; on the old kernel {time.monotonic() - hung:.1f} s after it")  # noqa: T201  # a figure
    tried.check_home("hung")


def break_boot(tried: Tried) -> None:
    """An initrd with nothing in it: the kernel finds no root file system, and panics."""
    tried.machine.sh(f"printf '' | cpio --quiet -o -H newc >/boot/initrd.img-{tried.new}; sync")


def break_network(tried: Tried) -> None:
    """The card's driver is not there."""
    folder = f"/lib/modules/{tried.new}"
    tried.machine.sh(f"rm {folder}/kernel/drivers/net/ethernet/intel/e1000/e1000.ko && depmod {tried.new} && sync", timeout_s=PATIENCE_S)


@pytest.mark.parametrize(
    ("spoil", "verdict"),
    [pytest.param(break_boot, "crashed", id="panics at boot"), pytest.param(break_network, "unreached", id="never reaches the network")],
)
def test_a_kernel_that_does_not_come_so_far_ends_on_the_old_one(spoil: Callable[[Tried], None], verdict: str, tried: Tried) -> None:
    tried.nicmedic("trial", "prepare")
    spoil(tried)
    began = time.monotonic()
    tried.start("--soak", "20s", "--reach", "60s")
    tried.follow_home()
    print(f"on the old kernel again after {time.monotonic() - began:.0f} s")  # noqa: T201  # a figure for people
    tried.check_home(verdict)


class Cut(Tried):
    """Its power goes at some moment of a trial."""

    def in_start(self, share: float) -> str:
        """While the trial is being started, before so much of its calls that write."""
        inside = Inside(self.machine)
        number = inside.ask("trial", "start", self.new, "--yes", "--soak", "20s", cut_at=int(share * self.calls))
        until = time.monotonic() + PATIENCE_S
        while self.machine.qemu.alive:
            assert time.monotonic() < until, f"the power did not go at {share:.0%} of {self.calls} calls"
            if inside.has_ended(number):  # it took fewer calls than the first time
                self.machine.qemu.kill()
            time.sleep(0.1)
        return f"before call {int(share * self.calls)} of {self.calls} of start"

    def count_calls(self) -> None:
        """That write, of a start that only arms."""
        inside = Inside(self.machine)
        done = inside.nicmedic("trial", "start", self.new, "--yes", "--soak", "20s", "--no-reboot")
        assert done.status == 0, done
        self.calls = len(done.calls)
        self.nicmedic("trial", "abort", "--yes")

    def in_boot(self, seconds: float) -> str:
        """So long after the machine was switched on for the kernel on trial."""
        self.start("--soak", "20s")
        self.machine.switch_on()
        time.sleep(seconds)
        self.machine.qemu.kill()
        return f"{seconds:.0f} s after it was switched on for the new kernel"

    def in_phase(self, phase: str, after_s: float) -> str:
        """So long after its record says so."""
        self.start("--soak", "40s")
        self.machine.follow(lambda: self.phase() in {phase, "ended"}, TRIAL_S, step_s=0.1)
        time.sleep(after_s)
        self.machine.qemu.kill()
        return f"{after_s:.0f} s into {phase}"

    def check_after(self) -> str:
        """The old kernel, or a promotion that is finished; and a further boot ends there too."""
        boots = self.machine.follow(lambda: self.phase() in {"ended", "prepared", "none"}, TRIAL_S)
        self.machine.wait_up(PATIENCE_S)
        record, release = self.record(), self.release()
        if record.get("promoted"):
            assert (release, record["phase"]) == (self.new, "ended"), record
            assert "nicmedic.trial" not in self.machine.read("/proc/cmdline") or record["legs"][-1]["result"]["verdict"] == "good"
            return f"promoted, after {boots} boots"
        assert release == self.old, record
        assert not re.search(r"nicmedic_trial=\d", self.machine.check("grub-editenv", "/boot/grub/grubenv", "list"))
        return f"old kernel, after {boots} boots"


MOMENTS = (
    *(partial(Cut.in_start, share=share) for share in (0.1, 0.4, 0.7, 0.9, 0.99)),
    *(partial(Cut.in_boot, seconds=seconds) for seconds in (1, 4, 10, 25)),
    *(partial(Cut.in_phase, phase=phase, after_s=after_s) for phase, after_s in (("soaking", 0), ("soaking", 20), ("promoting", 0))),
)
QUICK = (MOMENTS[3], MOMENTS[9])


@pytest.mark.parametrize("moments", [pytest.param(QUICK, id="two"), pytest.param(MOMENTS, id="twelve", marks=pytest.mark.long)])
def test_a_power_cut_at_any_moment_ends_on_the_old_kernel_or_a_finished_promotion(
    moments: tuple[Callable[[Cut], str], ...], disk_vm: DiskMaker
) -> None:
    cut = Cut(disk_vm("ifupdown", nic=CARD, kernel_releases=(OLDER, PRESENT)), PRESENT, OLDER)
    cut.count_calls()
    for cut_somewhere in moments:
        moment = cut_somewhere(cut)
        if not cut.machine.qemu.alive:
            cut.machine.switch_on()
        print(f"power cut {moment}: {cut.check_after()}", flush=True)  # noqa: T201  # a figure for people
        if cut.record().get("promoted"):
            return  # the last moment; the old kernel is no more what it was
        if cut.record():
            cut.nicmedic("trial", "abort", "--yes")


def on_raid(machine: DiskVM, folder: Path) -> None:
    """GRUB's folder is on a RAID 1 of md, which GRUB reads and never writes."""
    subprocess.run(["apt-get", "-q", "download", "mdadm"], cwd=folder, check=True, capture_output=True)
    (file,) = folder.glob("*.deb")
    subprocess.run(["dpkg-deb", "-x", file, folder / "mdadm"], check=True)
    disk = folder / "second.raw"
    with disk.open("wb") as made:
        made.truncate(64 << 20)
    subprocess.run(["mkfs.ext4", "-q", "-F", disk, "60M"], check=True)  # the superblock of md 1.0 stands behind it
    machine.qemu.ask("blockdev-add", driver="raw", node_name="second", file={"driver": "file", "filename": str(disk)})
    machine.qemu.ask("device_add", driver="virtio-blk-pci", drive="second", id="disk1", addr="0xb")
    program = f"{machine.mount_host()}{folder}/mdadm/sbin/mdadm"
    machine.sh(
        "until [ -b /dev/vdb ]; do sleep 0.1; done; modprobe raid1;"
        f" {program} --create /dev/md0 --run --metadata=1.0 --level=1 --raid-devices=2 /dev/vdb missing"
        " && mkdir /run/grub && mount /dev/md0 /run/grub && cp -a /boot/grub/. /run/grub && umount /run/grub && mount /dev/md0 /boot/grub",
        timeout_s=PATIENCE_S,
    )


def read_only(machine: DiskVM, _folder: Path) -> None:
    """Not even the running system can write GRUB's variables."""
    machine.sh("cd /boot/grub && mount --bind grubenv grubenv && mount -o remount,bind,ro grubenv")


@pytest.mark.parametrize(
    ("prevent", "words"),
    [pytest.param(on_raid, ("RAID", "diskfilter", "mdraid"), id="RAID"), pytest.param(read_only, ("grubenv",), id="read-only")],
)
def test_where_grub_cannot_write_it_is_refused_before_anything_is_changed(
    prevent: Callable[[DiskVM, Path], None], words: tuple[str, ...], disk_vm: DiskMaker, tmp_path: Path
) -> None:
    tried = Tried(disk_vm("ifupdown", nic=CARD, kernel_releases=(OLDER, PRESENT)), PRESENT, OLDER)
    prevent(tried.machine, tmp_path)
    before = tried.machine.sh(LOOK, timeout_s=PATIENCE_S)
    for command in (("prepare",), ("start", OLDER, "--yes", "--soak", "20s")):
        done = tried.machine.run("nicmedic", "trial", *command, timeout_s=PATIENCE_S)
        assert 10 <= done.status < 40, f"{done.out}{done.err}"
        print(done.err.splitlines()[0])  # noqa: T201  # for people
        assert any(word in done.out + done.err for word in words), f"{done.out}{done.err}"
    assert tried.machine.sh(LOOK, timeout_s=PATIENCE_S) == before
    assert tried.machine.qemu.alive
