# SPDX-License-Identifier: GPL-2.0-or-later
"""A prescription in a room, for the tests that use it."""

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from nicmedic.model.finding import RemedyId
from nicmedic.model.plan import Change, Identity, Plan
from nicmedic.model.step import INTERFACE, Run, Step, Write
from nicmedic.remedy.recipe import FLAP, NONE, PAUSE
from nicmedic.remedy.script import render_prescription
from tests.rooms import DEVICE, Room, wait_for

__all__ = ["BASE", "CARD", "ENV", "FLUSH", "HOST", "MTU_1400", "TSO_OFF", "Paper", "change_of", "fake", "hide", "plan_of"]

CARD = Identity(interface="card0", sysfs_path=DEVICE)
HOST = Path("/proc/sys/kernel/hostname").read_text().strip()
BASE = "/run/state"
ENV = {"NICMEDIC_STATE": BASE}


def change_of(remedy: RemedyId, *steps: Step, disruption: str = NONE, settle_s: int = 0) -> Change:
    return Change(
        remedy=remedy, title=f"Try {remedy}", steps=steps, disruption=disruption, settle_s=settle_s, takes_stack=disruption == PAUSE
    )


TSO_OFF = change_of(RemedyId.OFFLOAD_OFF, Run(argv=("ethtool", "-K", INTERFACE, "tso", "off")))
MTU_1400 = change_of(RemedyId.MTU, Run(argv=("ip", "link", "set", "dev", INTERFACE, "mtu", "1400")), disruption=FLAP)
FLUSH = change_of(RemedyId.RUNTIME_PM_OFF, Write(path=f"/sys/class/net/{INTERFACE}/gro_flush_timeout", text="17"))


def plan_of(*changes: Change, nic: Identity = CARD, hostname: str | None = HOST, machine_id: str | None = None) -> Plan:
    return Plan(nic=nic, hostname=hostname, machine_id=machine_id, changes=changes or (TSO_OFF, MTU_1400, FLUSH))


class Paper:
    """A prescription in a room."""

    def __init__(self, room: Room, file: Path, shell: Sequence[str]) -> None:
        self.room = room
        self.file = file
        self.shell = tuple(shell)

    def write(self, plan: Plan) -> "Paper":
        self.file.write_text(render_prescription(plan))
        return self

    def use(self, *words: str, within_s: float = 60) -> subprocess.CompletedProcess[str]:
        """Run it to its end."""
        return self.room.run(*self.shell, str(self.file), *words, check=False, within_s=within_s, env=ENV)

    def apply(self, *words: str) -> subprocess.CompletedProcess[str]:
        return self.use("apply", *words)

    def folder(self, number: int = 1) -> str:
        """Where it keeps things."""
        name = next(line for line in self.file.read_text().splitlines() if line.startswith("prescription=")).partition("=")[2]
        return f"{BASE}/prescriptions/{name}.{number}"

    def words(self, number: int = 1) -> list[str]:
        """The words of its journal."""
        return [line.split(" ")[3] for line in self.room.read("cat", f"{self.folder(number)}/journal").splitlines()]

    def end_time(self, number: int = 1) -> None:
        """Its time is over."""
        self.room.run("sh", "-c", f"echo 1 > {self.folder(number)}/new; mv {self.folder(number)}/new {self.folder(number)}/deadline")

    def await_end(self, number: int = 1) -> None:
        """Until it is undone."""
        wait_for(lambda: self.words(number)[-1] in {"undone", "undo-failed"})


def hide(room: Room, *programs: str) -> None:
    """As if they were not installed."""
    for program in programs:
        path = shutil.which(program)
        if path:
            room.run("mount", "--bind", "/dev/null", os.path.realpath(path))


def fake(room: Room, tmp_path: Path, program: str, script: str) -> Path:
    """A program that this machine cannot have for real; what it was asked to do is in the file."""
    log = tmp_path / f"{program}.log"
    log.touch()
    file = tmp_path / program
    file.write_text(f"#!/bin/sh\n{script.replace('LOG', str(log))}")
    file.chmod(0o755)
    room.run("sh", "-c", f"touch /run/{program}; cp {file} /run/{program}; mkdir -p /run/bin; cp {file} /run/bin/")
    room.run("mount", "--bind", "/run/bin", "/usr/local/sbin")
    return log
