# SPDX-License-Identifier: GPL-2.0-or-later
"""Real drivers: ``check`` tells a card that hangs from one that is loaded, idle, cut off or behind a dead gateway, within a second or two.

What is read agrees with ip, tc, ethtool and lspci: ``test_read_host`` shows that.
"""

import base64
import contextlib
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lab.fixtures import FaultSetter, MachineMaker
from lab.kernel_vm import KernelVM
from lab.segment import GATEWAY, PARTNER, Segment

CHECKER = Path(__file__).with_name("checker.py")
HANG = "/sys/module/hangsim/parameters/hang"
PATIENCE_S = 180  # an emulated processor is twenty times slower, and other machines run beside it


class Checker:
    """``check`` within a machine."""

    def __init__(self, machine: KernelVM) -> None:
        self.machine = machine
        self.number = 0
        self.job = machine.start(sys.executable, str(CHECKER))

    def check(self, wait_s: float = 1.0) -> dict[str, Any]:
        """The card under test, as ``nicmedic check --json`` has it."""
        self.number += 1
        number = self.number
        assert self.job.poll() is None, "the checker ended"
        self.machine.sh(
            f"mkdir -p /run/check; echo {wait_s} >/run/check/tmp; mv /run/check/tmp /run/check/ask-{number};"
            f" until [ -e /run/check/answer-{number} ]; do sleep 0.05; done",
            timeout_s=PATIENCE_S,
        )
        document = json.loads(self.machine.check("cat", f"/run/check/answer-{number}"))
        assert document["schema"] == "nicmedic.check/1"
        nics = {card["interface"]: card for card in document["nics"]}
        card: dict[str, Any] = nics[self.machine.interface]
        return card

    def verdict(self) -> str:
        """Its word."""
        return str(self.check()["verdict"])


@contextlib.contextmanager
def hanging(machine: KernelVM, fault: FaultSetter) -> Iterator[None]:
    """The card hangs, by its own driver's rule or because it may not reach memory."""
    if machine.nic.name == "hangsim":
        machine.sh(f"echo 1 >{HANG}")
        yield
        machine.sh(f"echo 0 >{HANG}")
    else:
        with fault("bus-master-off", machine):
            yield


def make(nic: str, vm: MachineMaker) -> KernelVM:
    """A machine with that card; hangsim hangs only when told."""
    if nic == "hangsim":
        return vm(nic, memory_mb=768, after_s=-1)
    return vm(nic, memory_mb=768)


def sources(card: dict[str, Any]) -> str:
    return "; ".join(reason["source"] for reason in card["reasons"])


@pytest.mark.parametrize("nic", ["e1000e", "8139cp", "virtio-net", "vmxnet3", "hangsim"])
def test_a_card_that_hangs_is_told_from_one_that_is_idle_or_fully_loaded(
    nic: str, vm: MachineMaker, segment: Segment, fault: FaultSetter
) -> None:
    machine = make(nic, vm)
    checker = Checker(machine)
    idle = checker.check()
    assert idle["verdict"] == "healthy", idle["reasons"]
    assert idle["driver"] == machine.nic.driver
    flood = machine.flood(PARTNER, seconds=120)
    loaded = checker.check()
    assert loaded["verdict"] == "healthy", loaded["reasons"]
    assert "statistics/tx_packets" in sources(loaded)
    flood.kill()
    time.sleep(0.5)
    with hanging(machine, fault):
        machine.run("ping", "-n", "-q", "-c", "1", "-W", "1", PARTNER)
        quiet = checker.check()
        assert quiet["verdict"] == "hung", quiet["reasons"]
        if nic in {"e1000e", "8139cp", "hangsim"}:  # virtio_net and vmxnet3 have no byte queue limits in 6.1
            assert "byte_queue_limits/inflight" in sources(quiet)
        assert "WATCHDOG" not in machine.kernel_log(), "it is seen before, and without, the kernel's own report"
        machine.start("python3", f"{machine.guest_files}/flood.py", PARTNER, "30")
        loud = checker.check()
        assert loud["verdict"] == "hung", loud["reasons"]
        if nic in {"virtio-net", "vmxnet3"}:  # on a busy machine the kernel has spoken before the check has ended
            assert {"tc -s qdisc", "tx_packets", "queues/tx-*/tx_timeout"} & {reason["source"] for reason in loud["reasons"]}


def test_what_goes_wrong_elsewhere_is_no_hang(vm: MachineMaker, segment: Segment, fault: FaultSetter) -> None:
    machine = make("8139cp", vm)
    checker = Checker(machine)
    with fault("gateway-gone", machine):
        machine.run("ping", "-n", "-q", "-c", "4", "-i", "0.5", "-W", "1", GATEWAY)
        machine.sh(f"ip neighbour flush to {GATEWAY}; ping -n -q -c 2 -W 2 {GATEWAY} || true")
        answered = machine.start("ping", "-n", "-q", "-i", "0.2", PARTNER)  # without it nothing shows that this card works
        gone = checker.check()
        answered.kill()
        assert gone["verdict"] == "elsewhere", gone["reasons"]
        assert f"the gateway {GATEWAY} does not answer" in gone["headline"]
    machine.wait_reaches(GATEWAY)
    with fault("partner-gone", machine):
        machine.start("ping", "-n", "-q", "-i", "0.1", "-c", "100", PARTNER)
        assert checker.verdict() in {"healthy", "elsewhere"}
    machine.flood(PARTNER, seconds=60)
    with fault("paused", machine):
        time.sleep(2)
    assert checker.verdict() in {"healthy", "elsewhere"}
    with fault("cpu-starved", machine, left_percent=30):
        assert checker.verdict() in {"healthy", "elsewhere", "unknown"}
    with fault("link-down", machine):
        machine.sh("until [ $(cat /sys/class/net/eth0/carrier) = 0 ]; do sleep 0.1; done", timeout_s=10)
        assert checker.verdict() == "link_down"


def test_a_snapshot_of_a_card_that_hangs_explains_itself_elsewhere(
    vm: MachineMaker, segment: Segment, fault: FaultSetter, tmp_path: Path
) -> None:
    machine = make("e1000e", vm)
    program = (sys.executable, "-m", "nicmedic")
    flood = machine.flood(PARTNER, seconds=60)
    with hanging(machine, fault):
        machine.wait_log("NETDEV WATCHDOG", 30)
        flood.kill()
        told = machine.run(*program, "snapshot", "-o", "/run/s.tar.gz", timeout_s=PATIENCE_S)
        assert told.status == 0, told.err
    archive = tmp_path / "s.tar.gz"
    archive.write_bytes(base64.b64decode(machine.check("base64", "/run/s.tar.gz")))
    checked = subprocess.run([*program, "check", "--from", str(archive), "--json"], capture_output=True, text=True, check=False)
    assert checked.returncode == 1, checked.stderr
    card = json.loads(checked.stdout)["nics"][0]
    assert (card["verdict"], card["driver"]) == ("hung", "e1000e"), card["reasons"]
    explained = subprocess.run([*program, "explain", str(archive)], capture_output=True, text=True, check=False)
    assert explained.returncode == 1, explained.stderr
    assert explained.stdout.startswith("eth0 (e1000e) hung")
