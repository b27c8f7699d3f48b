# SPDX-License-Identifier: GPL-2.0-or-later
"""``nicmedic`` commands within a machine, in quick succession, and what the machine is like before and after them."""

import contextlib
import dataclasses
import json
import sys
import time
from pathlib import Path

from lab.disk_vm import DiskVM
from lab.errors import LabError
from lab.machine import Machine
from lab.segment import GUEST6

__all__ = ["PATIENCE_S", "Answer", "Inside", "Standing", "read_state", "wait_up6"]

SERVER = Path(__file__).with_name("nicmedic_server.py")
PATIENCE_S = 420  # an emulated processor is twenty times slower, and other machines run beside it
STATE = r"""
exec 2>&1
ip -d link show dev {nic} | sed -E 's/^[0-9]+: //; s/ state [A-Z]+ / /; s/(designated|topology|hello|forward|hold|age|timer)[a-z_]* +[0-9.]+//g'
for show in 'address' '-6 address'; do
    ip -d $show show dev {nic} | grep -w -e inet -e inet6 | sed -E 's/valid_lft.*//'
done
for family in -4 -6; do
    ip -d $family route show table all | grep -v -w cache | sed -E 's/ expires [0-9]+sec//'
    ip $family rule; ip -d $family neighbour show nud permanent
done
ethtool {nic} | grep -v -e 'Link detected' -e 'Current message level' -e 'Unknown!' -e 'Speed:' -e 'Duplex:' -e 'Link partner'
for what in -k -g -a -c --show-eee -P; do ethtool $what {nic}; done
tc qdisc show dev {nic} | sed -E 's/qdisc ([a-z_]+) [0-9a-f]+:/qdisc \1/; s/parent [0-9a-f]+:/parent :/'
for file in mtu tx_queue_len ifalias device/power/control; do echo "$file: $(cat /sys/class/net/{nic}/$file)"; done
grep . /sys/class/net/{nic}/device/link/*_aspm
bridge vlan show dev {nic}
"""


@dataclasses.dataclass(frozen=True, repr=False)
class Answer:
    """How one command ended."""

    status: int
    out: str
    err: str
    calls: tuple[str, ...]
    seconds: float

    @property
    def first(self) -> str:
        """The first line that the operator sees."""
        return (self.out or self.err).partition("\n")[0]

    def __repr__(self) -> str:
        """What a failing test shows."""
        return f"status {self.status} after {self.seconds:.1f} s\n{self.out}\n{self.err}"


class Inside:
    """A server in a machine that carries out commands; the first one waits until it is ready."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.number = 0
        command = [sys.executable, str(SERVER)]
        if isinstance(machine, DiskVM):
            command = [*machine.nicmedic()[:-2], f"{machine.mount_host()}{SERVER}"]
        self.job = machine.start(*command)

    def ask(self, *arguments: str, kill_at: int | None = None, cut_at: int | None = None, copies: bool = False) -> str:
        """Begin a command; returns its number, for ``wait``."""
        self.number += 1
        self._ask({"arguments": arguments, "kill_at": kill_at, "cut_at": cut_at, "copies": copies}, str(self.number))
        return str(self.number)

    def _ask(self, ask: dict[str, object], number: str) -> None:
        script = 'mkdir -p /run/nm; printf %s "$1" >/run/nm/tmp; mv /run/nm/tmp "/run/nm/ask-$2"'
        self.machine.run("sh", "-c", script, "sh", json.dumps(ask), number)

    def stand_still(self, *arguments: str) -> "Standing":
        """Begin a command that reads all it needs and then stands still before it first writes something, for copies of it to go on."""
        return Standing(self, self.ask(*arguments, copies=True))

    def wait(self, number: str, timeout_s: float = PATIENCE_S) -> Answer:
        """The answer to a command that was begun."""
        until = time.monotonic() + timeout_s
        while time.monotonic() < until:
            assert self.job.poll() is None, "the server ended"
            with contextlib.suppress(ValueError):
                return Answer(**json.loads(self.machine.run("cat", f"/run/nm/answer-{number}").out))
            time.sleep(0.1)
        raise AssertionError(f"no answer within {timeout_s} s; so far: " + self.machine.run("sh", "-c", f"cat /run/nm/*-{number}").out)

    def has_ended(self, number: str) -> bool:
        """Whether a command that was begun has its answer; False too where the machine does not answer any more."""
        try:
            return self.machine.run("test", "-e", f"/run/nm/answer-{number}").status == 0
        except LabError:
            return False

    def nicmedic(self, *arguments: str, kill_at: int | None = None, timeout_s: float = PATIENCE_S) -> Answer:
        """Carry out a command to its end."""
        return self.wait(self.ask(*arguments, kill_at=kill_at), timeout_s)


class Standing:
    """A command that stands still before its first write; each time that it is called a copy of it goes on."""

    def __init__(self, inside: Inside, number: str) -> None:
        self.inside, self.number, self.turn = inside, number, 0

    def ask(self, *, kill_at: int | None = None, cut_at: int | None = None) -> str:
        """Let a copy go on; returns its number, for ``Inside.wait``."""
        self.turn += 1
        number = f"{self.number}.{self.turn}"
        self.inside._ask({"kill_at": kill_at, "cut_at": cut_at}, number)  # the other half of it
        return number

    def __call__(self, *, kill_at: int | None = None) -> Answer:
        """Let a copy go on to its end."""
        return self.inside.wait(self.ask(kill_at=kill_at))


def wait_up6(machine: DiskVM) -> None:
    """Until it has its IPv6 address too, which a manager gives it after that of IPv4."""
    machine.wait_up()
    machine.sh(f"until ip -6 address show dev {machine.interface} -tentative | grep -q ' {GUEST6}/64 '; do sleep 0.2; done", timeout_s=60)


def read_state(machine: Machine, nic: str = "eth0") -> str:
    """All that a change may not leave behind, as ``ip -d``, ``ethtool``, ``tc`` and sysfs print it, without what time alone changes."""
    return machine.run("sh", "-c", STATE.replace("{nic}", nic), timeout_s=60).out
