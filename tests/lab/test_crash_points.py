# SPDX-License-Identifier: GPL-2.0-or-later
"""Killed at any write, sync or command of a treatment, a machine ends as it was before, or as was confirmed; never between."""

import collections
from collections.abc import Callable

import pytest

from lab.fixtures import MachineMaker
from lab.kernel_vm import KernelVM
from lab.segment import Segment
from tests.lab.inside import Answer, Inside, read_state

GRACE_S = 10  # by the machine's own clock, which counts its instructions: whatever runs beside it changes nothing
GRACE_BUSY_S = 30
"""By a clock that goes on while the machine waits for its processor."""
PATIENCE = 20
"""A second of that clock may take so many of ours, while the machine is busy."""
LEAST_S = 12
REMEDY = ("treat", "eth0", "--remedy", "offload-off:tso,gso", "--hold", "1s")
STATE = "ethtool -k eth0; ip -d -o address show dev eth0 | sed 's/valid_lft.*//'; ip route show table all; cat /sys/class/net/eth0/mtu"
LAST = "cd /var/lib/nicmedic/transactions && cd $(ls -d [0-9]* | sort -n | tail -n 1) &&"
ENDED = f'{LAST} while pgrep -f "$PWD/undo.sh" >/dev/null; do sleep 0.5; done; cat deadline; echo =; readlink decided; echo =; cat journal'
SLOW_ETHTOOL = r"""
cp /usr/sbin/ethtool /run/ethtool
printf '#!/bin/sh\ncase $1 in -K) sleep 5 ;; esac\nexec /run/ethtool "$@"\n' >/run/slow-ethtool
chmod 755 /run/slow-ethtool
mount --bind /run/slow-ethtool /usr/sbin/ethtool
"""
"""It must be seen at work by a program that itself takes long to start there."""
CLOSED = {"confirmed", "undone", "abandoned"}
STEP = 20
"""The short run takes every so-manieth call, and those right after the change and the decision."""
TURNS = ("ethtool', '-K'", "symlink", "undo.sh', 'operator'")


class Ward:
    """A machine in which transactions are begun and killed."""

    def __init__(self, machine: KernelVM) -> None:
        self.machine = machine
        self.inside = Inside(machine)
        machine.sh("while ip -6 address show dev eth0 tentative | grep -q .; do sleep 0.2; done", timeout_s=PATIENCE * LEAST_S)
        self.whole_before = read_state(machine)
        self.before = self.read()
        self.ends: collections.Counter[str] = collections.Counter()
        self.over_s: list[float] = []
        tried = self.inside.nicmedic(*REMEDY, "--timeout", "300s", "--confirm", "probes")
        assert (tried.status, self.inside.nicmedic("undo").status) == (0, 0), tried
        self.short_s = max(LEAST_S, int(1.5 * tried.seconds))
        """Just enough to carry it out at the pace that this machine has among others; ``long_s``: and for the command after that as well."""
        self.long_s = 2 * self.short_s
        self.treat = self.inside.stand_still(*REMEDY, "--timeout", f"{self.short_s}s", "--confirm", "probes")
        self.open = self.inside.stand_still(*REMEDY, "--timeout", f"{self.long_s}s")
        self.open_shortly = self.inside.stand_still(*REMEDY, "--timeout", f"{self.short_s}s")

    def read(self) -> str:
        """What the remedy changes, and what it may not touch."""
        return self.machine.sh(STATE)

    def begin(self) -> None:
        """A transaction that waits for the operator."""
        opened = self.open()
        assert opened.status == 0, opened

    def wait_end(self, told: str) -> str:
        """Wait until nobody works on the last transaction any more; returns the last word of its journal."""
        deadline, decided, journal = (part.strip() for part in self.machine.sh(ENDED, timeout_s=PATIENCE * self.long_s).split("=\n", 2))
        lines = [line.split() for line in journal.splitlines()]
        words = [line[3] for line in lines]
        if words[-1] in CLOSED or decided == "confirmed":
            if any(line[3:5] == ["undoing", "switch"] for line in lines):
                self.over_s.append(float(lines[-1][0]) - float(deadline))
            return "confirmed" if decided == "confirmed" else words[-1]
        assert "armed" not in words, f"{told}: nobody ends it: {journal}"
        listed = self.inside.nicmedic("transactions")
        assert "preparing" not in listed.out, f"{told}: {listed}"
        return "never armed"

    def check_end(self, told: str) -> None:
        """It is as before, or as confirmed; the next one begins with it as before."""
        word = self.wait_end(told)
        state = self.read()
        assert (state == self.before) is (word != "confirmed"), f"{told}: {word}\n{state}"
        self.ends["after" if word == "confirmed" else "before"] += 1
        if word == "confirmed":
            undone = self.inside.nicmedic("undo")
            assert (undone.status, self.read()) == (0, self.before), f"{told}: {undone}"


def choose(calls: tuple[str, ...], *, all_of_them: bool) -> list[int]:
    """Before which calls to kill."""
    after = {number + 1 for number, call in enumerate(calls) if any(turn in call for turn in TURNS)}
    return [number for number in range(len(calls)) if all_of_them or number % STEP == 0 or number in after]


def test_killed_at_any_call_the_machine_is_before_or_after(vm: MachineMaker, segment: Segment, pytestconfig: pytest.Config) -> None:
    steady: bool = pytestconfig.option.long  # which takes thrice as long
    ward = Ward(vm("e1000e", memory_mb=768, steady=steady))
    ways: dict[str, Callable[[int | None], Answer]] = {
        "treat --confirm probes": lambda kill_at: ward.treat(kill_at=kill_at),
        "confirm": lambda kill_at: ward.inside.nicmedic("confirm", "--out-of-band", kill_at=kill_at),
        "undo": lambda kill_at: ward.inside.nicmedic("undo", kill_at=kill_at),
    }
    for number in range(4):  # the folder of all transactions is made once only
        ward.machine.sh("rm -rf /var/lib/nicmedic")
        assert (ward.treat(kill_at=number).status, ward.read()) == (-9, ward.before)
    assert ward.treat(kill_at=4).status == -9
    for name, carry_out in ways.items():
        if not name.startswith("treat"):
            ward.begin()
        whole = carry_out(None)
        assert whole.status == 0, whole
        ward.check_end(name)
        ward.ends.clear()
        ward.over_s.clear()
        chosen = choose(whole.calls, all_of_them=pytestconfig.option.long)
        for number in chosen:
            told = f"{name}, killed before call {number}, {whole.calls[number]}"
            if not name.startswith("treat"):
                ward.begin()
            killed = carry_out(number)
            assert killed.status == -9, f"{told}: {killed}"
            ward.check_end(told)
            print(f"{told}: {dict(ward.ends)}, {ward.over_s[-1:]} s over", flush=True)  # noqa: T201  # a figure for people
        longest = f"; {max(ward.over_s):.1f} s over the deadline at most" if ward.over_s else ""
        print(f"{name}: killed at {len(chosen)} of {len(whole.calls)} calls: {dict(ward.ends)}{longest}", flush=True)  # noqa: T201  # a figure for people
        assert max(ward.over_s, default=0) <= (GRACE_S if steady else GRACE_BUSY_S)
    assert read_state(ward.machine) == ward.whole_before


@pytest.mark.long
def test_an_undo_that_is_killed_is_begun_again(vm: MachineMaker, segment: Segment) -> None:
    """Though nobody may be there to type the next command."""
    ward = Ward(vm("e1000e", memory_mb=768, steady=True))
    moments = {"decided": "[ -h decided ]", "undoing": "grep -q undoing journal", "ethtool": "pgrep -f '[e]thtool -K' >/dev/null"}
    for moment, seen in moments.items():
        ward.over_s.clear()
        opened = ward.open_shortly()
        assert opened.status == 0, opened
        if moment == "ethtool":
            ward.machine.sh(SLOW_ETHTOOL)
        script = f'{LAST} until {seen}; do :; done; kill -9 $(pgrep -f "^/bin/sh $PWD/undo.sh switch"); cat journal'
        journal = ward.machine.sh(script, timeout_s=PATIENCE * ward.short_s)
        assert " undone" not in journal, moment
        assert ward.wait_end(moment) == "undone"
        assert ward.read().splitlines() == ward.before.splitlines()
        print(f"killed at {moment}: undone {ward.over_s[-1]:.1f} s over the deadline", flush=True)  # noqa: T201  # a figure for people
        assert ward.over_s[-1] <= GRACE_S
    assert read_state(ward.machine) == ward.whole_before
