# SPDX-License-Identifier: GPL-2.0-or-later
"""The power goes in the middle of a treatment: the machine boots as it was configured, and nothing of the treatment is open any more."""

import collections
import time
from pathlib import Path

import pytest

from lab import faults
from lab.disk_vm import DiskVM
from lab.fixtures import DiskMaker
from lab.segment import Segment
from tests.lab.inside import PATIENCE_S, Inside

ROOT = Path(__file__).parents[2]
TREAT = ("treat", "{nic}", "--remedy", "offload-off:tso,gso", "--timeout", "120s", "--hold", "1s")
STATE = "ethtool -k {nic}; ip -o address show dev {nic} | sed 's/valid_lft.*//'; ip route show table all; cat /sys/class/net/{nic}/mtu"
FOLDER = "/var/lib/nicmedic/transactions"
WORDS = f"cd {FOLDER} && for number in $(ls | grep -x '[0-9]*' | sort -n); do tail -n 1 $number/journal | cut -d' ' -f4; done"
LAST = f"cd {FOLDER} && cd $(ls | grep -x '[0-9]*' | sort -n | tail -n 1) &&"
PROGRAM = "import sys\nfrom nicmedic.__main__ import start\nsys.exit(start())\n"
OUTSIDE = -1
"""Not at a call but while the undo script works, from outside."""
SHORT = (("treat", 0.85), ("confirm", 0.5))
TEN = (
    *(("confirm", 0.3), ("undo", OUTSIDE), ("treat", 0.9), ("treat", 0.3), ("treat", 0.7), ("treat", 0.6), ("confirm", 0.9)),
    *(("treat", 0.97), ("treat", 0.1), ("undo", OUTSIDE)),
)
TEN_MORE = (
    *(("treat", 0.8), ("treat", 0.5), ("treat", 0.75), ("treat", 0.2), ("undo", OUTSIDE), ("treat", 0.65), ("confirm", 0.0)),
    *(("treat", 0.4), ("undo", 0.0), ("treat", 0.0)),
)
"""Where in its calls a command is cut off."""


class Host:
    """A machine with nicmedic and its service on its disk, whose power goes now and then."""

    def __init__(self, machine: DiskVM) -> None:
        self.machine, self.nic = machine, machine.interface
        machine.wait_up()
        source = f"{machine.mount_host()}{ROOT}"
        machine.sh(f"cp -r {source}/src/nicmedic /usr/local/lib/python3.11/dist-packages/", timeout_s=120)
        machine.put("/usr/local/bin/nicmedic", f"#!/usr/bin/python3\n{PROGRAM}")
        machine.sh("chmod 755 /usr/local/bin/nicmedic && nicmedic install-service --no-watch && sync", timeout_s=120)
        self.treat = tuple(word.replace("{nic}", self.nic) for word in TREAT)
        self.before = self.read()
        self.inside = Inside(machine)
        self.calls = {"treat": self.carry_out("treat"), "confirm": self.carry_out("confirm"), "undo": self.carry_out("undo")}

    def read(self) -> str:
        """What the remedy changes, and what it may not touch."""
        return self.machine.sh(STATE.replace("{nic}", self.nic))

    def find_words(self, command: str) -> tuple[str, ...]:
        """How it is typed."""
        return {"treat": self.treat, "confirm": ("confirm", "--out-of-band"), "undo": ("undo",)}[command]

    def carry_out(self, command: str) -> int:
        """To its end; returns how many calls it took."""
        done = self.inside.nicmedic(*self.find_words(command))
        assert done.status == 0, done
        return len(done.calls)

    def cut(self, command: str, share: float) -> str:
        """Cut the power in the middle of a command; returns where."""
        if command != "treat":
            self.carry_out("treat")
        if share == OUTSIDE:
            self.inside.ask(*self.find_words(command))
            self.machine.sh(f"{LAST} until grep -q ' undoing' journal; do sleep 0.1; done", timeout_s=60)
            self.machine.qemu.kill()
            return f"{command}, while its script works"
        at = int(share * self.calls[command])
        number = self.inside.ask(*self.find_words(command), cut_at=at)
        until = time.monotonic() + PATIENCE_S
        while self.machine.qemu.alive:
            assert time.monotonic() < until, f"{command}: the power did not go at call {at}"
            if self.inside.has_ended(number):  # it took fewer calls than the first time
                self.machine.qemu.kill()
                return f"{command}, right after its end"
            time.sleep(0.1)
        return f"{command}, before call {at} of {self.calls[command]}"

    def power_on(self, told: str) -> str:
        """Boot; the settings are as configured, and its service has ended what was open. Returns the last word of the last transaction."""
        faults.find("power-cut")().clear(self.machine)
        self.machine.wait_up(120)
        self.machine.run("systemctl", "is-system-running", "--wait", timeout_s=120)
        assert self.read() == self.before, told
        assert self.machine.check("systemctl", "show", "-P", "Result", "nicmedic-recover.service").strip() == "success"
        words = self.machine.sh(WORDS).split()
        assert set(words) <= {"rebooted", "undone"}, f"{told}: {words}"
        self.inside = Inside(self.machine)
        listed = self.inside.nicmedic("transactions")
        assert (listed.status, listed.first[:22]) == (0, "no transaction is open"), f"{told}: {listed}"
        assert ".new-" not in self.machine.sh(f"ls -A {FOLDER}"), told
        return f"{len(words)} {words[-1]}"


@pytest.mark.parametrize(
    "cuts", [SHORT, *(pytest.param(cuts, marks=pytest.mark.long) for cuts in (TEN, TEN_MORE))], ids=["two", "ten", "ten more"]
)
def test_after_a_power_cut_nothing_is_open(cuts: tuple[tuple[str, float], ...], disk_vm: DiskMaker, segment: Segment) -> None:
    host = Host(disk_vm("ifupdown"))
    ends: collections.Counter[str] = collections.Counter()
    for command, share in cuts:
        told = host.cut(command, share)
        word = host.power_on(told)
        ends[command] += 1
        print(f"cut in {told}: transaction {word}; {dict(ends)}", flush=True)  # noqa: T201  # a figure for people
