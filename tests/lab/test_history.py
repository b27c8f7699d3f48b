# SPDX-License-Identifier: GPL-2.0-or-later
"""A whole Debian that is upgraded, hangs and loses its power: ``nicmedic history`` finds afterwards what the lab wrote down, boot by boot."""

import dataclasses
import datetime
import json
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from lab import faults, kernels
from lab.disk_vm import DiskVM
from lab.fixtures import DiskMaker, FaultSetter
from lab.segment import GATEWAY

WITHIN_S = 60.0


@dataclasses.dataclass(slots=True)
class Truth:
    """One boot as the lab saw it from outside."""

    boot_id: str
    release: str
    package: str
    began: float
    ended: float = 0.0
    end: str = "running"
    hung: float | None = None


def look(machine: DiskVM) -> Truth:
    """A boot that has just begun."""
    release = machine.check("uname", "-r").strip()
    return Truth(
        boot_id=machine.read("/proc/sys/kernel/random/boot_id").replace("-", ""),
        release=release,
        package=machine.check("dpkg-query", "--show", "--showformat=${Version}", f"linux-image-{release}"),
        began=time.time() - float(machine.read("/proc/uptime").split()[0]),
    )


def reboot(machine: DiskVM, truth: Truth) -> Truth:
    machine.start("systemctl", "reboot")
    until = time.monotonic() + 180
    while machine.qemu.alive:
        assert time.monotonic() < until, "it does not go down"
        time.sleep(0.2)
    truth.ended, truth.end = time.time(), "clean"
    machine.power_on()
    return look(machine)


def hang(machine: DiskVM, truth: Truth, fault: FaultSetter) -> None:
    machine.wait_up()
    flood = machine.flood(GATEWAY, seconds=60)
    with fault("bus-master-off", machine):
        truth.hung = time.time()
        machine.wait_log("NETDEV WATCHDOG", 90)
    flood.kill()


def choose_once(machine: DiskVM, release: str) -> None:
    """The next boot is to be of that kernel, as of a person who tries it."""
    machine.check("grub-reboot", f"Advanced options for Debian GNU/Linux>Debian GNU/Linux, with Linux {release}")


def cut_power(machine: DiskVM, truth: Truth) -> Truth:
    machine.sh("logger 'the power goes'; journalctl --sync; sync")
    machine.start("sh", f"{machine.guest_files}/power-cut")
    until = time.monotonic() + 30
    while machine.qemu.alive:
        assert time.monotonic() < until
        time.sleep(0.1)
    truth.ended, truth.end = time.time(), "crash"
    faults.find("power-cut")().clear(machine)
    return look(machine)


def seconds(text: str) -> float:
    return datetime.datetime.fromisoformat(text).timestamp()


def check(told: dict[str, Any], truth: Truth) -> None:
    """One boot, to the minute."""
    assert told["boot_id"] == truth.boot_id
    assert (told["kernel_release"], told["kernel_package"]) == (truth.release, truth.package)
    assert told["end"] == truth.end
    assert seconds(told["began"]) == pytest.approx(truth.began, abs=WITHIN_S)
    assert seconds(told["ended"]) == pytest.approx(truth.ended, abs=WITHIN_S)
    assert told["ran_h"] * 3600 == pytest.approx(truth.ended - truth.began, abs=WITHIN_S)
    assert told["covered_h"] * 3600 == pytest.approx(truth.ended - truth.began, abs=2 * WITHIN_S)
    assert [each["interface"] for each in told["hangs"]] == ([] if truth.hung is None else [DiskVM.interface])
    if truth.hung is not None:
        assert seconds(told["hangs"][0]["began"]) == pytest.approx(truth.hung, abs=WITHIN_S)
        assert told["hangs"][0]["uptime_s"] == pytest.approx(truth.hung - truth.began, abs=WITHIN_S)


def install(machine: DiskVM, package: str, folder: Path) -> tuple[str, float, float]:
    """Install a package of Debian in the guest with its own dpkg; returns its version, and between which moments."""
    subprocess.run(["apt-get", "-q", "download", package], cwd=folder, check=True, capture_output=True)
    (file,) = folder.glob("*.deb")
    began = time.time()
    machine.sh(f"dpkg -i {machine.mount_host()}{file} >/root/dpkg 2>&1", timeout_s=1500)
    return machine.check("dpkg-query", "--show", "--showformat=${Version}", package), began, time.time()


@pytest.mark.parametrize(
    "inside",
    [
        pytest.param(False, id="both kernels are in the image"),
        # Ten minutes of unpacking on an emulated processor.
        pytest.param(True, id="the new kernel is installed in the guest", marks=pytest.mark.long),
    ],
)
def test_the_past_is_found_boot_by_boot(inside: bool, disk_vm: DiskMaker, fault: FaultSetter, tmp_path: Path) -> None:
    old, new = next(version for version in kernels.available() if version.startswith("6.1.")), kernels.default_version()
    machine = disk_vm("ifupdown", kernel_releases=(old,) if inside else (old, new), booted=False)
    boots = [look(machine)]
    package = f"linux-image-{new}" if inside else "bridge-utils"
    version, began, ended = install(machine, package, tmp_path)
    if not inside:
        choose_once(machine, old)
    boots.append(reboot(machine, boots[-1]))
    hang(machine, boots[-1], fault)
    boots.append(reboot(machine, boots[-1]))
    if inside:
        choose_once(machine, old)
    boots.append(cut_power(machine, boots[-1]))
    assert [boot.release for boot in boots] == ([old, new, new, old] if inside else [new, old, new, new])
    done = machine.run(*machine.nicmedic("history", "--json"), timeout_s=300)
    boots[-1].ended = time.time()
    assert done.status == 1, done.err
    history = json.loads(done.out)["history"]
    assert [told["boot_id"] for told in history["boots"]] == [truth.boot_id for truth in boots], done.out
    for told, truth in zip(history["boots"], boots, strict=True):
        check(told, truth)
    (change,) = [each for each in history["changes"] if each["package"] == package]
    assert (change["before"], change["after"]) == (None, version)
    assert began - WITHIN_S <= seconds(change["time"]) <= ended + WITHIN_S
    kernel = [each for each in history["changes"] if each["package"] == f"linux-image-{new}"]
    assert [each["after"] for each in kernel] == [next(boot.package for boot in boots if boot.release == new)]
    text = machine.run(*machine.nicmedic("history"), timeout_s=300).out
    assert "; hangs in 1 boot, on " in text.splitlines()[0]
