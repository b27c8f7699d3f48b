# SPDX-License-Identifier: GPL-2.0-or-later
"""What is kept holds: after a real boot, after a flap of the link, under each network manager; and once released there is no trace of it.

Each setting is asked with the host's own tools, not with nicmedic. The lines that it prints make the table in docs/keep.md (``keep_table.py``).
"""

import dataclasses
import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from lab import disk, faults
from lab.disk_vm import DiskVM
from lab.errors import LabError
from lab.fixtures import DiskMaker
from tests.lab.inside import Inside
from tests.lab.keep_table import HELD

SOURCE = Path(__file__).parents[2] / "src/nicmedic"
PROGRAM = "#!/usr/bin/python3\nimport sys\nfrom nicmedic.__main__ import start\nsys.exit(start())\n"
CARD = "e1000"
"""Has all settings that the cards of QEMU have, but for a speed that can be forced."""
FORCED = "e1000e-intx"
"""Has that one, and is not told of its cable: its link is taken down and up by hand."""
LINK_OF_IFUPDOWN2 = "[ ! -d /usr/share/ifupdown2 ] || ln -sfn /run/network /etc/network/run"
"""As ifupdown2 itself makes it at its first boot (/usr/share/ifupdown2/sbin/start-networking)."""
PATIENCE_S = 600  # an emulated processor is twenty times slower, and other machines run beside it
POWER_SAVING = 'ACTION=="add|bind", SUBSYSTEM=="pci", ATTR{class}=="0x020000", ATTR{power/control}="auto"\n'
"""Of a host that saves power: it must be there for runtime-pm-off to have something to do."""
LOOK = r"""
find /etc /boot /root /usr/local/bin -xdev -printf '%p %y %m %u:%g %l\n' | sort
find /etc /boot /root /usr/local/bin -xdev -type f -print0 | sort -z | xargs -0 sha256sum
until units=$(systemctl list-unit-files --no-legend --no-pager); do sleep 1; done; echo "$units"
systemctl list-units --all --no-legend --plain 'nicmedic*'
"""
"""All files that somebody may have edited or made, folders and links too, and all units; not when they were written."""


RECOVERED = """
while systemctl is-enabled -q nicmedic-verify.service && grep -qs '"state": "writing"' /var/lib/nicmedic/kept/[0-9]*/kept.json; do sleep 1; done
"""
"""The service that looks after a boot takes up what was half-written; where it is not there yet, nothing else was touched."""
IDLE = "ls /etc/systemd/system/nicmedic-verify.service* && ! systemctl is-enabled -q nicmedic-verify.service"
"""Its file was being written or there, and it was not enabled any more: the next command is to take it away."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A remedy, how the host's own tools are asked for it, and what they say while it is in force."""

    remedy: str
    read: str
    kept: str


FIRST = (
    Case(
        remedy="link-advertise-100",
        read="ethtool {nic} | sed -n '/Advertised link/,/Advertised pause/p' | grep -o '[0-9]*base[^ ]*' | xargs",
        kept="100baseT/Full",
    ),
    Case(
        remedy="offload-off:tso,gso",
        read=r"ethtool -k {nic} | sed -nE 's/^\s*(tx-tcp-segmentation|generic-segmentation-offload): //p' | xargs",
        kept="off off",
    ),
    Case(remedy="mtu:1400", read="ip -o link show dev {nic} | grep -o 'mtu [0-9]*'", kept="mtu 1400"),
    Case(remedy="ring:128", read="ethtool -g {nic} | sed -n 's/^TX:[[:space:]]*//p' | tail -n 1", kept="128"),
    Case(remedy="runtime-pm-off", read="cat /sys/class/net/{nic}/device/power/control", kept="on"),
    Case(remedy="interrupt-mode:irqpoll", read="grep -c -w irqpoll /proc/cmdline || true", kept="1"),
)
SECOND = (Case(remedy="link-force-100", read="ethtool {nic} | sed -n 's/.*Auto-negotiation: //p'", kept="off"),)
LINE = 'GRUB_CMDLINE_LINUX="$GRUB_CMDLINE_LINUX e1000e.IntMode=0"\n'
"""The interrupt line: over MSI-X QEMU's e1000e hears nothing of its cable, and stays without a link when its speed is forced while it negotiates."""
NOT_THERE = ("eee-off", "aspm-off")
"""What no card of QEMU's that a disk VM can have lets anybody set."""


def install(machine: DiskVM) -> None:
    """As a package would: the code where Debian's Python looks for it, with what Python compiled of it here, and a program on the path."""
    machine.sh(f"cp -a {machine.mount_host()}{SOURCE} /usr/local/lib/python3.11/dist-packages/", timeout_s=PATIENCE_S)
    machine.put("/usr/local/bin/nicmedic", PROGRAM)
    machine.sh("chmod 755 /usr/local/bin/nicmedic")


class Host:
    """A machine with nicmedic on its disk, which saves power."""

    def __init__(self, machine: DiskVM, manager: str) -> None:
        self.machine, self.nic, self.manager = machine, machine.interface, manager
        machine.wait_up(PATIENCE_S)
        install(machine)
        machine.sh(LINK_OF_IFUPDOWN2)
        machine.put("/etc/udev/rules.d/60-lab.rules", POWER_SAVING)
        machine.sh(f"echo auto >/sys/class/net/{self.nic}/device/power/control; sync")
        self.before = self.look()
        self.route = machine.sh("ip route show default | xargs").strip()
        assert self.route
        self.inside = Inside(machine)
        self.places: dict[str, str] = {}
        self.numbers: dict[str, int] = {}

    def look(self) -> str:
        """The files and units of the host."""
        return self.machine.sh(LOOK, timeout_s=PATIENCE_S)

    def read(self, cases: Sequence[Case]) -> dict[str, str]:
        """What the host's own tools say."""
        return {case.remedy: self.machine.sh(case.read.replace("{nic}", self.nic)).strip() for case in cases}

    def say(self, remedy: str, result: str) -> None:
        """A line of the table."""
        print(f"kept | {self.manager} | {remedy} | {self.places.get(remedy, '')} | {result}", flush=True)  # noqa: T201  # it is one

    def keep(self, cases: Sequence[Case]) -> None:
        """Each remedy by itself; the card stays as it is."""
        card = self.read(cases)
        for case in cases:
            done = self.inside.nicmedic("keep", self.nic, "--remedy", case.remedy, "--json")
            assert done.status == 0, done
            (kept,) = json.loads(done.out)["kept"]
            self.numbers[case.remedy] = kept["id"]
            self.places[case.remedy] = ", ".join(dict.fromkeys(file["back_end"] for file in kept["files"]))
        assert self.read(cases) == card

    def reboot(self) -> None:
        """For real."""
        self.machine.reboot()
        self.machine.wait_up(PATIENCE_S)
        self.machine.run("systemctl", "is-system-running", "--wait", timeout_s=PATIENCE_S)
        self.wait_route()
        self.inside = Inside(self.machine)

    def flap(self) -> None:
        """Pull the cable out and put it in again, or have the link go and come."""
        carrier = f"/sys/class/net/{self.nic}/carrier"
        if self.machine.nic.sees_link:
            cable = faults.find("link-down")()
            cable.set(self.machine)
            self.machine.sh(f"until grep -q 0 {carrier}; do sleep 0.2; done", timeout_s=60)
            cable.clear(self.machine)
        else:
            self.machine.sh(f"ip link set dev {self.nic} down && sleep 2 && ip link set dev {self.nic} up")
        self.machine.sh(f"until grep -q 1 {carrier}; do sleep 0.2; done", timeout_s=60)
        self.machine.wait_up(PATIENCE_S)
        self.wait_route()

    def wait_route(self) -> None:
        """The way out of its network is what it was."""
        self.machine.sh(f'until [ "$(ip route show default | xargs)" = "{self.route}" ]; do sleep 0.5; done', timeout_s=PATIENCE_S)

    def wait_checked(self, occasion: str) -> dict[str, str]:
        """What the service that looks after a boot has found."""
        until = time.monotonic() + PATIENCE_S
        while True:
            words: dict[str, str] = {}
            for remedy, number in self.numbers.items():
                lines = self.machine.run("cat", f"/var/lib/nicmedic/kept/{number}/checks").out.splitlines()
                found = [check["word"] for check in map(json.loads, lines) if check["occasion"] == occasion]
                words |= dict.fromkeys([remedy], found[-1]) if found else {}
            if len(words) == len(self.numbers):
                return words
            if time.monotonic() > until:
                raise LabError(f"no check of occasion {occasion}: {words}")
            time.sleep(2)

    def verify(self) -> dict[str, str]:
        """What ``nicmedic verify`` says now."""
        done = self.inside.nicmedic("verify", "--json")
        words = {found["id"]: found["check"]["word"] for found in json.loads(done.out)["verified"]}
        assert done.status == int(set(words.values()) != {"in_force"}), done
        return {remedy: words[number] for remedy, number in self.numbers.items()}

    def release(self) -> None:
        """All of it, in the order in which it was kept."""
        for number in self.numbers.values():
            done = self.inside.nicmedic("release", str(number))
            assert done.status == 0, done


def find_faults(cases: Sequence[Case], stages: Mapping[str, tuple[Mapping[str, str], Mapping[str, str]]]) -> dict[str, list[str]]:
    """What did not hold: for each remedy the stages, with what the tools said and what nicmedic said."""
    found: dict[str, list[str]] = {case.remedy: [] for case in cases}
    for stage, (read, words) in stages.items():
        for case in cases:
            if read[case.remedy] != case.kept or words[case.remedy] != "in_force":
                found[case.remedy].append(f"{stage}: {read[case.remedy]!r}, {words[case.remedy]}")
    return found


def keep_and_release(host: Host, cases: Sequence[Case]) -> None:
    """Kept, booted, the cable pulled, released, booted."""
    card = host.read(cases)
    assert not [case for case in cases if card[case.remedy] == case.kept], card
    host.keep(cases)
    host.reboot()
    words = host.wait_checked("boot")
    stages = {"boot": (host.read(cases), words)}
    host.flap()
    words = host.wait_checked("link flap")
    stages["flap"] = (host.read(cases), words)
    stages["verify"] = (host.read(cases), host.verify())
    wrong = find_faults(cases, stages)
    host.release()
    host.reboot()
    left, again = host.look(), host.read(cases)
    for case in cases:
        back = [] if left == host.before and again[case.remedy] == card[case.remedy] else [f"left: {again[case.remedy]}"]
        host.say(case.remedy, "; ".join((*wrong[case.remedy], *back)) or HELD)
    assert not any(wrong.values()), wrong
    assert left.splitlines() == host.before.splitlines()
    assert again == card


@pytest.mark.long
@pytest.mark.parametrize("manager", [known.name for known in disk.MANAGERS])
def test_what_is_kept_holds_and_what_is_released_leaves_nothing(manager: str, disk_vm: DiskMaker) -> None:
    keep_and_release(Host(disk_vm(manager, nic=CARD), manager), FIRST)


@pytest.mark.long
@pytest.mark.parametrize("manager", [known.name for known in disk.MANAGERS])
def test_a_forced_speed_holds_and_what_a_card_has_not_is_told(manager: str, disk_vm: DiskMaker) -> None:
    machine = disk_vm(manager, nic=FORCED)
    machine.wait_up(PATIENCE_S)
    machine.put("/etc/default/grub.d/zz-line.cfg", LINE)
    machine.sh("update-grub && sync", timeout_s=PATIENCE_S)
    machine.reboot()
    assert "e1000e.IntMode=0" in machine.read("/proc/cmdline")
    host = Host(machine, manager)
    for remedy in NOT_THERE:
        done = host.inside.nicmedic("keep", host.nic, "--remedy", remedy)
        assert done.status == 23, done
        host.say(remedy, "not on this card")
    assert host.look() == host.before
    keep_and_release(host, SECOND)


class Cut(Host):
    """Its power goes while a remedy in several places is being kept."""

    keeping = ("keep", disk.INTERFACE, "--remedy", "mtu:1400", "--remedy", "ring:128", "--remedy", "interrupt-mode:irqpoll")

    def list_calls(self) -> tuple[str, ...]:
        """The calls that write, or start a program; it is released again."""
        done = self.inside.nicmedic(*self.keeping)
        assert done.status == 0, done
        self.kept = self.look()
        assert self.kept != self.before
        self.release_first()
        return done.calls

    def release_first(self) -> None:
        """The one that is kept, if one is."""
        done = self.inside.nicmedic("kept", "--json")
        for kept in json.loads(done.out)["kept"]:
            if kept["state"] == "kept":
                released = self.inside.nicmedic("release", str(kept["id"]))
                assert released.status == 0, released
        assert self.look() == self.before

    def cut(self, at: int) -> str:
        """Right before that call; then boot, and let what looks after a boot do so. Says whether it is kept."""
        number = self.inside.ask(*self.keeping, cut_at=at)
        until = time.monotonic() + PATIENCE_S
        while self.machine.qemu.alive:
            assert time.monotonic() < until, f"the power did not go at call {at}"
            if self.inside.has_ended(number):  # it took fewer calls than the first time
                self.machine.qemu.kill()
            time.sleep(0.1)
        faults.find("power-cut")().clear(self.machine)
        self.machine.wait_up(PATIENCE_S)
        self.machine.sh(RECOVERED, timeout_s=PATIENCE_S)
        self.inside = Inside(self.machine)
        idle = self.machine.run("sh", "-c", IDLE).status == 0
        if idle:
            assert self.inside.nicmedic("kept").status == 0
        left = self.look()
        assert left in {self.before, self.kept}, left
        return "kept" if left == self.kept else "as before" + ", by the next command" * idle


MOMENTS = [(0.5, 0.9), tuple(step / 16 for step in range(16))]


@pytest.mark.long
@pytest.mark.parametrize("shares", MOMENTS, ids=["two", "sixteen"])
def test_power_that_goes_while_a_remedy_is_kept_leaves_all_of_it_or_nothing(shares: tuple[float, ...], disk_vm: DiskMaker) -> None:
    host = Cut(disk_vm("ifupdown"), "ifupdown")
    host.list_calls()  # the first time makes folders that stay
    calls = host.list_calls()
    for share in shares:
        at = int(share * len(calls))
        print(f"power cut before call {at} of {len(calls)}, {calls[at]}: {host.cut(at)}", flush=True)  # noqa: T201  # a figure for people
        host.release_first()
