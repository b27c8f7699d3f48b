# SPDX-License-Identifier: GPL-2.0-or-later
"""A kernel on trial, with GRUB on a real disk: it is promoted, or the machine is back on the old one by itself, whatever goes wrong and whenever.

A boot ends QEMU, and ``DiskVM.follow`` starts it again, so all boots but the first are those that the guest makes by itself. Each begins on Debian's
present kernel, which the image boots and GRUB prefers, and tries an older one: to which of the two a machine returns makes no difference to GRUB.
"""

import contextlib
import json
import re
import subprocess
import time
from collections.abc import Callable
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from lab import kernels
from lab.disk_vm import DiskVM
from lab.errors import LabError
from lab.fixtures import DiskMaker, FaultSetter
from lab.probe import Probe
from lab.segment import GATEWAY, Segment
from tests.lab.inside import Inside

CARD = "e1000"
PATIENCE_S = 600  # an emulated processor is twenty times slower, and other machines run beside it
TRIAL_S = 1500
OUTAGE_S = 2.0
TRIALS = "/var/lib/nicmedic/trials"
NEWEST = f"$(ls -d {TRIALS}/[0-9]* 2>/dev/null | sort -t / -k 6 -n | tail -n 1)"
LOOK = rf"""
find /etc /boot /boot/grub -xdev -printf '%p %y %m %u:%g %l\n' | sort
find /etc /boot /boot/grub -xdev -type f -print0 | sort -z | xargs -0 sha256sum
ls {TRIALS} 2>/dev/null | grep -v -x lock
true
"""
"""All files that a trial may touch, its units among them, and all trials."""

CUTTER = r"""
import glob, os, sys, time
folder, phase, after_s = sys.argv[1:]
head = ""
while f'"{phase}"' not in head:
    if '"ended"' in head:
        sys.exit(1)
    time.sleep(0.01)
    newest = max(glob.glob(f"{folder}/[0-9]*/trial.json"), key=lambda path: int(path.split("/")[-2]))
    with open(newest) as file:
        head = file.read(40)
time.sleep(float(after_s))
os.pwrite(os.open("/dev/port", os.O_WRONLY), b"\0", 0xF4)
"""
"""Cuts the power (as ``lab/guest/power-cut``) when the newest record says that phase. A shell would take too long to look."""


class Tried:
    """A machine with two kernels and nicmedic on its disk; ``old`` runs, ``new`` is to be tried."""

    def __init__(self, disk_vm: DiskMaker, *, watchdog: bool = False) -> None:
        self.new, self.old = next(version for version in kernels.available() if version.startswith("6.1.")), kernels.default_version()
        self.machine = disk_vm("ifupdown", nic=CARD, kernel_releases=(self.new, self.old), watchdog=watchdog)
        self.machine.wait_up(PATIENCE_S)
        self.machine.install_nicmedic()
        assert self.release() == self.old

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
        text = self.machine.sh(f"file={NEWEST}/trial.json; [ ! -e $file ] || cat $file")
        trial: dict[str, Any] = json.loads(text)["trial"] if text else {}
        return trial

    def phase(self) -> str:
        """Where it stands, by its record."""
        return str(self.record().get("phase", "none"))

    def follow(self, *phases: str) -> int:
        """Follow it through its boots until it stands in one of these; returns how many there were."""
        return self.machine.follow(lambda: self.phase() in phases, TRIAL_S)

    def follow_home(self) -> int:
        """Follow it until the trial has ended, and the machine stays."""
        boots = self.follow("ended")
        self.machine.wait_up(PATIENCE_S)
        return boots

    def verdict(self) -> str:
        """How the last boot on trial ended."""
        return str(self.record()["legs"][-1]["result"]["verdict"])

    def check_disarmed(self) -> None:
        """Nothing asks GRUB for the new kernel any more."""
        assert not re.search(r"nicmedic_trial=\d", self.machine.check("grub-editenv", "/boot/grub/grubenv", "list"))

    def check_home(self, verdict: str) -> None:
        """It is on the old kernel, says so, keeps to it, and has kept what it saw."""
        assert self.release() == self.old
        result = self.record()["legs"][-1]["result"]
        assert result["verdict"] == verdict, result
        first = self.nicmedic("trial", "status").splitlines()[0]
        assert self.old in first, first
        assert result["evidence"] is not None, result
        kept = self.machine.sh(f"cd {result['evidence']} && find . -type f -size +0 -printf '%P %s\n' | sort")
        assert re.search(r"kernel|journal|dmesg", kept), kept
        print(f"{first}\nkept: {' '.join(kept.split())}")  # noqa: T201  # for people
        self.check_disarmed()


def tell_outages(what: str, probe: Probe, machine: DiskVM) -> None:
    """Print how long it did not answer each time, seen from outside: ten pings a second."""
    machine.wait_up(PATIENCE_S)
    probe.wait_back(60)
    gaps = [after - before for before, after in pairwise(probe.answers) if after - before >= OUTAGE_S]
    print(f"{what}: no answer for {', '.join(f'{gap:.0f} s' for gap in gaps)} (emulated)", flush=True)  # noqa: T201  # a figure


def test_a_good_kernel_is_promoted_and_stays(disk_vm: DiskMaker, segment: Segment) -> None:
    tried = Tried(disk_vm)
    with segment.probe() as probe:
        probe.wait_back(60)
        tried.start("--soak", "20s", "--traffic", f"20k@{GATEWAY}")
        assert tried.follow_home() == 1
        tell_outages("good, promoted", probe, tried.machine)
    assert tried.release() == tried.new
    record = tried.record()
    assert (tried.verdict(), record["promoted"]) == ("good", True)
    figures = record["legs"][-1]["result"]["figures"]
    assert figures["soaked_s"] >= 20
    assert min(figures["rx_bytes"], figures["tx_bytes"]) >= 20 * 20_000 / 8
    tried.machine.reboot()
    assert tried.release() == tried.new
    assert "nicmedic.trial" not in tried.machine.read("/proc/cmdline")
    assert tried.machine.sh("find /etc/systemd -name '*nicmedic*'") == ""


def test_a_card_that_hangs_in_the_soak_brings_the_old_kernel_back(disk_vm: DiskMaker, segment: Segment, fault: FaultSetter) -> None:
    tried = Tried(disk_vm)
    machine = tried.machine
    tried.start("--soak", "20m")
    assert tried.follow("soaking") == 1
    assert tried.release() == tried.new
    machine.sh("until ls /run/nicmedic/trial-*.json; do sleep 1; done", timeout_s=PATIENCE_S)  # all is reached, and the soak counts
    with segment.probe() as probe:
        probe.wait_back(60)
        machine.flood(GATEWAY, seconds=600)
        with fault("bus-master-off", machine):
            hung = time.monotonic()
            machine.wait_off(PATIENCE_S)
            print(f"down for the reboot {time.monotonic() - hung:.1f} s after the hang")  # noqa: T201  # a figure for people
        assert tried.follow_home() == 1
        tell_outages("hung in its soak, the old kernel again", probe, machine)
    tried.check_home("hung")
    assert tried.record()["legs"][-1]["result"]["hung"] == machine.interface


def break_boot(tried: Tried) -> None:
    """An initrd with nothing in it: the kernel finds no root file system, and panics."""
    tried.machine.sh(f"printf '' | cpio --quiet -o -H newc >/boot/initrd.img-{tried.new}; sync")


def break_network(tried: Tried) -> None:
    """The card's driver is not there."""
    folder = f"/lib/modules/{tried.new}"
    tried.machine.sh(f"rm {folder}/kernel/drivers/net/ethernet/intel/e1000/e1000.ko && depmod {tried.new} && sync", timeout_s=PATIENCE_S)


def replace_old(tried: Tried) -> None:
    """A point release that boots nowhere takes the place of the running kernel's files."""
    tried.machine.sh(
        f"cd /boot && : >vmlinuz-{tried.old} && : >initrd.img-{tried.old} && rm -r /lib/modules/{tried.old}/kernel/drivers/net && sync"
    )


@pytest.mark.long
def test_a_kernel_that_does_not_come_so_far_ends_on_the_old_one_saved_or_not(disk_vm: DiskMaker, segment: Segment) -> None:
    tried = Tried(disk_vm)
    machine = tried.machine
    with segment.probe() as probe:
        probe.wait_back(60)
        tried.nicmedic("trial", "prepare")
        break_network(tried)
        tried.nicmedic("trial", "start", tried.new, "--soak", "20s", "--reach", "60s", "--no-reboot")
        machine.sh("rm -r /boot/nicmedic/* && sync")  # what was saved is lost: there are the package's files
        machine.start("systemctl", "reboot")
        machine.wait_off(PATIENCE_S)
        assert tried.follow_home() == 2
        tell_outages("no network, the old kernel again", probe, machine)
    assert "BOOT_IMAGE=/boot/vmlinuz-" in machine.read("/proc/cmdline")
    tried.check_home("unreached")
    with segment.probe() as probe:
        probe.wait_back(60)
        tried.nicmedic("trial", "prepare")
        replace_old(tried)
        break_boot(tried)
        tried.start("--soak", "20s", "--reach", "60s")
        assert tried.follow_home() == 2
        tell_outages("panic at boot, the old kernel again", probe, machine)
    assert "BOOT_IMAGE=/boot/nicmedic/" in machine.read("/proc/cmdline")
    tried.check_home("crashed")


@pytest.mark.long
def test_a_process_1_that_stands_still_is_ended_by_the_hardware(disk_vm: DiskMaker) -> None:
    tried = Tried(disk_vm, watchdog=True)
    machine = tried.machine
    state = "cat /sys/class/watchdog/watchdog0/state"
    assert machine.sh(f"modprobe i6300esb; {state}") == "inactive\n"
    told = re.search(
        r"6300ESB[^:]*resets\s+the\s+host\s+when\s+process\s+1\s+stands\s+still\s+for\s+(\d+)\s+s",
        tried.nicmedic("trial", "start", tried.new, "--dry-run"),
    )
    assert told is not None
    tried.start("--soak", "40m")
    assert tried.follow("soaking") == 1
    assert tried.release() == tried.new
    assert machine.sh(state) == "active\n"
    machine.start("kill", "-SEGV", "1")  # it says so, and stands still; all else goes on
    began = time.monotonic()
    machine.wait_off(TRIAL_S)
    print(f"reset {time.monotonic() - began:.0f} s after process 1 stood still; {told[1]} s were told")  # noqa: T201  # a figure for people
    assert time.monotonic() - began > int(told[1]) / 2
    assert tried.follow_home() == 1
    tried.check_home("crashed")
    assert machine.sh(f"{state}; ls /etc/systemd/system.conf.d | grep nicmedic; true") == "inactive\n"


@pytest.mark.long
def test_kernels_in_turn_end_on_the_old_one(disk_vm: DiskMaker) -> None:
    tried = Tried(disk_vm)
    tried.machine.start("nicmedic", "trial", "aba", tried.old, tried.new, "--hours", "0.02", "--boots", "3", "--yes")
    tried.machine.wait_off(PATIENCE_S)
    assert tried.follow_home() == 3
    record = tried.record()
    legs = [(leg["kernel"]["release"], leg["result"]["verdict"]) for leg in record["legs"]]
    assert legs == [(tried.old, "good"), (tried.new, "good"), (tried.old, "good")]
    assert record["promoted"] is False
    assert tried.release() == tried.old
    tried.check_disarmed()
    print(tried.nicmedic("history"), tried.nicmedic("blame"), sep="\n")  # noqa: T201  # for people


def make_package(machine: DiskVM, name: str, script: str) -> str:
    """A package with nothing in it but what it does when it is installed, as a file of the machine."""
    tree = f"/root/{name}"
    machine.put(
        f"{tree}/DEBIAN/control",
        f"Package: {name}\nVersion: 1\nArchitecture: all\nMaintainer: lab <root@localhost>\nDescription: of the lab\n",
    )
    machine.put(f"{tree}/DEBIAN/postinst", f"#!/bin/sh -e\n{script}\n")
    machine.sh(f"chmod 755 {tree}/DEBIAN/postinst && dpkg-deb -Znone --build {tree} {tree}.deb", timeout_s=PATIENCE_S)
    return f"{tree}.deb"


@pytest.mark.long
def test_apt_prepares_before_it_installs_a_kernel_and_for_nothing_else(disk_vm: DiskMaker) -> None:
    tried = Tried(disk_vm)
    machine = tried.machine
    copies = " && ".join(f"cp /boot/{name}-{tried.new} /boot/{name}-6.9.9-lab" for name in ("vmlinuz", "initrd.img"))
    tool = make_package(machine, "lab-tool", "true")
    kernel = make_package(machine, "linux-image-6.9.9-lab", f"{copies} && update-grub")
    folders = machine.sh("find /etc/apt /etc/dnf 2>/dev/null | sort; true")
    tried.nicmedic("trial", "prepare", "--install-hook")
    install = "apt-get install -y -q {} 2>&1"
    assert "nicmedic" not in machine.sh(install.format(tool), timeout_s=PATIENCE_S)
    assert tried.phase() == "none"
    said = machine.sh(install.format(kernel), timeout_s=PATIENCE_S)
    assert re.search(rf"^nicmedic: every reboot is of {tried.old} .* until you say otherwise", said, re.MULTILINE), said
    assert tried.phase() == "prepared"
    machine.reboot()
    assert tried.release() == tried.old
    assert "BOOT_IMAGE=/boot/nicmedic/1/" in machine.read("/proc/cmdline")
    tried.nicmedic("trial", "prepare", "--remove-hook")
    assert machine.sh("find /etc/apt /etc/dnf 2>/dev/null | sort; true") == folders
    tried.nicmedic("trial", "abort", "--yes")
    machine.reboot()
    assert "BOOT_IMAGE=/boot/vmlinuz-6.9.9-lab" in machine.read("/proc/cmdline")  # so it would have been without the hook


class Cut(Tried):
    """Its power goes at some moment of a trial."""

    def __init__(self, disk_vm: DiskMaker, segment: Segment) -> None:
        super().__init__(disk_vm)
        self.segment = segment
        self.calls = 0
        self.inside: Inside | None = None
        self.armed = False

    def count_calls(self) -> None:
        """That write, of a start that only arms."""
        self.inside = Inside(self.machine)
        done = self.inside.nicmedic("trial", "start", self.new, "--yes", "--soak", "20s", "--no-reboot")
        assert done.status == 0, done
        self.calls = len(done.calls)
        self.nicmedic("trial", "abort", "--yes")

    def in_start(self, share: float) -> str:
        """While the trial is being started, before so much of its calls that write; 1: all is armed, and the reboot is to be asked for."""
        if not self.calls:
            self.count_calls()
        at = int(share * self.calls)
        inside, self.inside = self.inside or Inside(self.machine), None
        number = inside.ask("trial", "start", self.new, "--yes", "--soak", "20s", cut_at=at)
        until = time.monotonic() + PATIENCE_S
        while self.machine.qemu.alive:
            assert time.monotonic() < until, f"the power did not go before call {at} of {self.calls}"
            if inside.has_ended(number):  # it took fewer calls than the first time
                done = inside.wait(number)
                assert done.status == 0, done
                self.machine.qemu.kill()
                return "right after start"
            time.sleep(0.1)
        return f"before call {at} of {self.calls} of start"

    def in_boot(self, word: str, after_s: float) -> str:
        """So long after GRUB said that on the console, of the kernel on trial."""
        self.switch_on_armed()
        console, until = self.machine.qemu.console, time.monotonic() + PATIENCE_S
        while not (console.exists() and word in console.read_text(errors="replace")):
            assert time.monotonic() < until, f"GRUB did not say {word!r}"
            time.sleep(0.02)
        time.sleep(after_s)
        self.machine.qemu.kill()
        return f"{after_s:g} s after GRUB said {word!r} of the new kernel"

    def in_phase(self, phase: str, after_s: float, *, cut_off: bool = False) -> str:
        """So long after its record says so, by the guest itself; ``cut_off``: the gateway is away meanwhile."""
        self.switch_on_armed()
        self.segment.set_gateway(there=not cut_off)
        self.machine.take_up(PATIENCE_S)
        job = self.machine.start("python3", "-c", CUTTER, TRIALS, phase, str(after_s))
        until = time.monotonic() + TRIAL_S
        while self.machine.qemu.alive:
            assert time.monotonic() < until, f"it did not come to {phase}"
            with contextlib.suppress(LabError):  # the power is gone
                assert job.poll() is None, f"{phase} was over before it was seen"
            time.sleep(0.5)
        self.segment.set_gateway(there=True)
        return f"{after_s:g} s into {phase}"

    def twice(self, after_s: float) -> str:
        """In the soak, and again on the way back."""
        first = self.in_phase("soaking", 3)
        self.machine.switch_on()
        time.sleep(after_s)
        self.machine.qemu.kill()
        return f"{first}, and again {after_s:g} s after it was switched on"

    def switch_on_armed(self) -> None:
        """For the boot of the new kernel: each time with the disk that a start has left."""
        if not self.armed:
            self.start("--soak", "20s", "--reach", "20s")
            self.machine.keep_disk()
            self.armed = True
        elif self.machine.qemu.alive:
            self.machine.qemu.kill()
        self.machine.put_disk_back()
        self.machine.switch_on()

    def check_after(self) -> str:
        """The old kernel, or a promotion that is finished; nothing asks for another one."""
        boots = self.machine.follow(lambda: self.phase() in {"ended", "prepared", "none"}, TRIAL_S)
        self.machine.wait_up(PATIENCE_S)
        self.check_disarmed()
        record, release = self.record(), self.release()
        if not record.get("promoted"):
            assert release == self.old, record
            verdicts = [leg["result"]["verdict"] for leg in record.get("legs", ()) if leg["result"] is not None]
            return f"old kernel, {' '.join((record.get('phase', 'no record'), *verdicts))}, after {boots} boots"
        assert (record["phase"], self.verdict()) == ("ended", "good"), record
        if release == self.old or "nicmedic.trial" in self.machine.read("/proc/cmdline"):
            self.machine.reboot()
            self.machine.wait_up(PATIENCE_S)
        assert self.release() == self.new
        return f"promoted, on {release} after {boots} boots"


STARTING = tuple(partial(Cut.in_start, share=share) for share in (0.1, 0.4, 0.7, 0.9, 1.0))
TRYING = (
    partial(Cut.in_boot, word="Booting", after_s=0),
    partial(Cut.in_boot, word="Loading Linux", after_s=0),
    partial(Cut.in_boot, word="Loading initial ramdisk", after_s=0),
    partial(Cut.in_boot, word="Loading initial ramdisk", after_s=15),
    partial(Cut.in_phase, phase="soaking", after_s=0),
    partial(Cut.twice, after_s=10),
    partial(Cut.in_phase, phase="returning", after_s=0, cut_off=True),
    partial(Cut.in_phase, phase="promoting", after_s=0),
)


@pytest.mark.long
@pytest.mark.parametrize(
    "moments", [pytest.param(STARTING, id="five while it is started"), pytest.param(TRYING, id="nine while it boots, soaks and ends")]
)
def test_a_power_cut_at_any_moment_ends_on_the_old_kernel_or_a_finished_promotion(
    moments: tuple[Callable[[Cut], str], ...], disk_vm: DiskMaker, segment: Segment
) -> None:
    cut = Cut(disk_vm, segment)
    for cut_somewhere in moments:
        moment = cut_somewhere(cut)
        cut.machine.switch_on()
        print(f"power cut {moment}: {cut.check_after()}", flush=True)  # noqa: T201  # a figure for people


def bring(machine: DiskVM, folder: Path, packages: tuple[str, ...]) -> None:
    """Put what is in these packages of Debian on the machine's disk."""
    tree = folder / "tree"
    subprocess.run(["apt-get", "-q", "download", *packages], cwd=folder, check=True, capture_output=True)
    for file in folder.glob("*.deb"):
        subprocess.run(["dpkg-deb", "-x", file, tree], check=True)
    machine.sh(
        f"tar -C {machine.mount_host()}{tree} -cf - . | tar -C / -xf - --keep-directory-symlink --no-overwrite-dir", timeout_s=PATIENCE_S
    )


def plug_disk(machine: DiskVM, folder: Path) -> None:
    """One more disk, /dev/vdb, of three parts."""
    file = folder / "second.raw"
    with file.open("wb") as made:
        made.truncate(768 << 20)
    subprocess.run(["sfdisk", "-q", file], input=b",256M\n,256M\n,\n", check=True)
    machine.qemu.ask("blockdev-add", driver="raw", node_name="second", file={"driver": "file", "filename": str(file)})
    machine.qemu.ask("device_add", driver="virtio-blk-pci", drive="second", id="disk1", addr="0xb")
    machine.sh("until [ -b /dev/vdb3 ]; do sleep 0.1; done")


MOVE = "mkdir -p /run/new && mount $on /run/new && cp -a /boot/grub/. /run/new && umount /run/new && mount $on /boot/grub"
KINDS = {
    "read-only /boot": ("mount --bind /boot /boot && mount -o remount,bind,ro /boot", "umount /boot", ("/boot", "read-only")),
    "immutable grubenv": ("chattr +i /boot/grub/grubenv", "chattr -i /boot/grub/grubenv", ("/boot/grub/grubenv",)),
    "md RAID": (
        (
            "modprobe raid1 && mdadm --create /dev/md0 --run --metadata=1.0 --level=1 --raid-devices=2 /dev/vdb1 missing"
            f" && mkfs.ext4 -q /dev/md0 && on=/dev/md0 && {MOVE}"
        ),
        "umount /boot/grub",
        ("software RAID",),
    ),
    "LVM": (
        (
            "modprobe dm_mod && pvcreate -q /dev/vdb2 && vgcreate -q group /dev/vdb2 && lvcreate -q -y -W n -l 100%FREE -n boot group"
            f" && mkfs.ext4 -q /dev/group/boot && on=/dev/group/boot && {MOVE}"
        ),
        "umount /boot/grub",
        ("LVM",),
    ),
    "btrfs": (f"modprobe btrfs && mkfs.btrfs -q /dev/vdb3 && on=/dev/vdb3 && {MOVE}", "umount /boot/grub", ("btrfs",)),
}
"""Where GRUB cannot write its variables: how /boot/grub comes to be there, how it comes back, and words of the refusal."""
QUICK = ("read-only /boot",)
PACKAGES = (
    *("e2fsprogs", "libext2fs2", "libss2", "mdadm", "btrfs-progs", "liblzo2-2"),
    *("lvm2", "libdevmapper-event1.02.1", "liblvm2cmd2.03", "libaio1"),
)


@pytest.mark.parametrize(
    "kinds", [QUICK, pytest.param(tuple(name for name in KINDS if name not in QUICK), marks=pytest.mark.long)], ids=", ".join
)
def test_where_grub_cannot_write_it_is_refused_before_anything_is_changed(
    kinds: tuple[str, ...], disk_vm: DiskMaker, tmp_path: Path
) -> None:
    tried = Tried(disk_vm)
    machine = tried.machine
    if kinds != QUICK:
        bring(machine, tmp_path, PACKAGES)
        plug_disk(machine, tmp_path)
    for kind in kinds:
        make, undo, words = KINDS[kind]
        machine.sh(make, timeout_s=PATIENCE_S)
        before = machine.sh(LOOK, timeout_s=PATIENCE_S)
        for command in (("prepare",), ("start", tried.new, "--yes", "--soak", "20s")):
            said = tried.nicmedic("trial", *command, status=23)
            print(f"{kind}: {said.splitlines()[0]}", flush=True)  # noqa: T201  # for people
            assert all(word in said for word in words), said
        assert machine.sh(LOOK, timeout_s=PATIENCE_S) == before
        machine.sh(undo, timeout_s=PATIENCE_S)
    assert machine.qemu.alive
