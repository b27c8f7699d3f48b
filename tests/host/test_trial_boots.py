# SPDX-License-Identifier: GPL-2.0-or-later
"""Which boot this is, what is kept of it, and how it is ended: the real kernel log of this machine, and programs that only take note of a reboot."""

import dataclasses
import os
import subprocess
import sys
import tarfile
import time
from pathlib import Path

import pytest

from nicmedic.app.snapshot import take_snapshot
from nicmedic.host import trial_boots
from nicmedic.host.archive_writer import HostArchives
from nicmedic.host.clock import HostClock
from nicmedic.host.machine import HostMachine
from nicmedic.host.owners import with_owners
from nicmedic.host.trial_boots import HostBoots
from nicmedic.model.boot_trial import BootTrial, Card, KernelChoice, TrialPhase
from nicmedic.model.errors import StateError, UnwritableOutputError
from nicmedic.model.plan import Identity

pytestmark = pytest.mark.host

CARDS = (Card(nic=Identity(interface="lo"), interface="lo", before=()),)
TRIAL = BootTrial(id=3, phase=TrialPhase.SOAKING, old=KernelChoice(release="6.1.0", image="/boot/vmlinuz-6.1.0"), made_at="")
ROOM = """
set -e
mount --make-rprivate /
mount -t proc proc /proc
[ ! -e /proc/sysrq-trigger ] || mount --bind /dev/null /proc/sysrq-trigger
mount -t tmpfs tmpfs /run
install -m 755 /dev/stdin /run/fake
mkdir -p /run/systemd/system
touch /run/calls
mount --bind /run/fake /usr/bin/systemctl
exec "$@"
"""
REBOOT = """
import sys, time
from nicmedic.host.trial_boots import HostBoots
begin = time.monotonic()
HostBoots(print, proc=sys.argv[1]).reboot("it hangs")
print(time.monotonic() - begin < 30)
time.sleep(2)
print(open("/run/calls").read(), end="")
"""


def show_nothing(_folder: str) -> None:
    """No picture."""


def boots_of(folder: Path, command_line: str) -> HostBoots:
    (folder / "proc/sys/kernel/random").mkdir(parents=True, exist_ok=True)
    (folder / "proc/sys/kernel/random/boot_id").write_text("b3a1\n", encoding="utf-8")
    (folder / "proc/cmdline").write_text(command_line + "\n", encoding="utf-8")
    return HostBoots(show_nothing, proc=f"{folder}/proc")


@pytest.mark.parametrize(
    ("command_line", "trial"),
    [
        ("ro quiet nicmedic.trial=12 panic=30", 12),
        ("ro quiet", None),
        ("ro nicmedic.trial=0", None),
        ("ro nicmedic.trial=x nicmedic.trial=-1 nicmedic.saved=4", None),
        ("ro -- nicmedic.trial=12", None),
        ("nicmedic.trial=1 nicmedic.trial=2", 2),
    ],
)
def test_the_command_line_tells_the_trial(command_line: str, trial: int | None, tmp_path: Path) -> None:
    boots = boots_of(tmp_path, command_line)
    assert boots.read_trial() == trial
    assert boots.read_boot_id() == "b3a1"


def test_what_runs_and_whether_a_reboot_comes(tmp_path: Path) -> None:
    boots = boots_of(tmp_path, "ro")
    (tmp_path / "proc/sys/kernel/osrelease").write_text("6.1.0-56-amd64\n", encoding="utf-8")
    assert boots.read_release() == "6.1.0-56-amd64"
    asked = HostBoots(show_nothing, units=str(tmp_path))
    assert not asked.is_rebooting()
    (tmp_path / "nicmedic-trial-reboot.service").touch()
    assert asked.is_rebooting()


def test_without_proc_it_is_told(tmp_path: Path) -> None:
    with pytest.raises(StateError, match="boot_id"):
        HostBoots(show_nothing, proc=str(tmp_path)).read_boot_id()


def test_this_machine_tells_its_boot() -> None:
    assert len(HostBoots(show_nothing).read_boot_id()) == 36


def take_picture(folder: str) -> None:
    take_snapshot(HostMachine(), HostClock(), HostArchives(), with_owners, path=folder)


def test_evidence_is_the_kernel_log_the_counters_and_a_picture(tmp_path: Path) -> None:
    trial = dataclasses.replace(TRIAL, folder=str(tmp_path / "trials/3"))
    boots = HostBoots(take_picture)
    assert boots.keep_evidence(trial, 1, CARDS) == f"{tmp_path}/trials/3/leg-1"
    folder = tmp_path / "trials/3/leg-1"
    assert (folder / "log/ring-buffer.kmsg").stat().st_size > 1000
    assert '"lo"' in (folder / "counters.json").read_text(encoding="utf-8")
    (picture,) = folder.glob("*.tar.gz")
    with tarfile.open(picture) as archive:
        assert {"host.json", "looks.json", "MANIFEST.json"} <= set(archive.getnames())
    assert boots.keep_evidence(trial, 1, ()) == str(folder)  # once more, into the same


def test_a_picture_that_cannot_be_taken_or_stands_does_not_take_the_rest_along(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial_boots, "_PICTURE_S", 0.3)

    def fail(_folder: str) -> None:
        raise UnwritableOutputError("no")

    for number, picture in enumerate((fail, lambda _folder: time.sleep(5))):
        trial = dataclasses.replace(TRIAL, folder=str(tmp_path))
        assert HostBoots(picture).keep_evidence(trial, number, CARDS) == f"{tmp_path}/leg-{number}"
        assert (tmp_path / f"leg-{number}/log/ring-buffer.kmsg").exists()


def test_where_nothing_can_be_written_there_is_none(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert HostBoots(show_nothing).keep_evidence(dataclasses.replace(TRIAL, folder=f"{tmp_path}/file"), 0, CARDS) is None


def test_on_a_full_disk_there_is_none(tmp_path: Path) -> None:
    script = f"""
import dataclasses
from tests.host.test_trial_boots import CARDS, TRIAL, HostBoots, take_picture
print(HostBoots(take_picture).keep_evidence(dataclasses.replace(TRIAL, folder="{tmp_path}/full"), 0, CARDS))
"""
    mount = f"mkdir {tmp_path}/full; mount -t tmpfs -o size=4k tmpfs {tmp_path}/full; head -c 4096 /dev/zero >{tmp_path}/full/x"
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-ec", f'{mount}; exec "$@"', "sh", sys.executable, "-c", script],
        capture_output=True, text=True, check=True, timeout=120, env={**os.environ, "PYTHONPATH": str(Path.cwd())},
    )  # fmt: skip
    assert done.stdout == "None\n"


def reboot(folder: Path, command_line: str, systemctl: str) -> str:
    """In a room where nothing can reach the machine: a namespace of processes ends with its first, and the kernel's trigger is covered."""
    boots_of(folder, command_line)
    done = subprocess.run(
        ["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", ROOM, "sh", sys.executable, "-c", REBOOT, f"{folder}/proc"],
        input=f'#!/bin/sh\necho "$*" >>/run/calls\n{systemctl}\n',
        capture_output=True, text=True, check=True, timeout=120, env={**os.environ, "PYTHONPATH": str(Path.cwd())},
    )  # fmt: skip
    return done.stdout


@pytest.mark.parametrize(("command_line", "polite_s"), [("ro", 900), ("ro nicmedic.trial=3", 60)])
def test_a_reboot_is_begun_by_process_1(command_line: str, polite_s: int, tmp_path: Path) -> None:
    show = "grep -o -m 1 'begin + [0-9]*));' /run/systemd/system/nicmedic-trial-reboot.service >>/run/calls"
    asked = f"begin + {polite_s}));\n"
    assert reboot(tmp_path, command_line, show) == (f"True\ndaemon-reload\n{asked}start --no-block nicmedic-trial-reboot.service\n{asked}")


def test_where_process_1_does_not_begin_it_we_do(tmp_path: Path) -> None:
    told = reboot(tmp_path, "ro", "[ $1 = reboot ]")
    assert told == "True\ndaemon-reload\nstart --no-block nicmedic-trial-reboot.service\nreboot\n"
