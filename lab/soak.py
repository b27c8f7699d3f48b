# SPDX-License-Identifier: GPL-2.0-or-later
"""Everything that is no hang, for minutes each, before one watcher: none of it may be called one. ``make soak`` runs it and prints a table.

The card is an e1000e over a line interrupt, for QEMU tells it of its cable. It only observes. What a scenario allows to be said stands beside it:
with nothing in parentheses it may also be passed over in silence.
"""

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from lab import faults, nics
from lab.errors import LabError
from lab.kernel_vm import KernelVM
from lab.machine import NIC_SLOT
from lab.segment import GATEWAY, GUEST, PARTNER, Segment
from lab.watching import PATIENCE_S, Watching

__all__ = ["run"]

NEVER = "nic_hung"
CARDS = 8
CALM_S = 15
"""After each scenario: what it caused is told by then."""
SETTING_S = 8
SUSPEND = "echo freezer >/sys/power/pm_test; echo mem >/sys/power/state; echo none >/sys/power/pm_test"
"""All processes are frozen for five seconds and thawed, as by a suspend (Documentation/power/basic-pm-debugging.rst). Devices stay on: the
guest's file system hangs on one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One thing that goes on for a while.

    Attributes:
        name: For the table.
        body: Lets it go on until a moment (``time.monotonic``), and ends it.
        right: What may be said of it.
        must: Whether something has to be said.
        quiet: Whether nothing else is sent meanwhile.
    """

    name: str
    body: Callable[[KernelVM, float], None]
    right: tuple[str, ...] = ()
    must: bool = False
    quiet: bool = False


def _wait(until_s: float) -> None:
    time.sleep(max(0.0, until_s - time.monotonic()))


def _idle(_machine: KernelVM, until_s: float) -> None:
    _wait(until_s)


def _full(machine: KernelVM, until_s: float) -> None:
    seconds = max(1.0, until_s - time.monotonic())
    inward = machine.segment.start("ping", "-q", "-f", "-l", "50", "-s", "1400", "-w", str(int(seconds)), GUEST)
    outward = machine.flood(PARTNER, seconds=seconds)
    _wait(until_s)
    outward.kill()
    inward.kill()
    inward.wait()


def _fault(name: str, **arguments: object) -> Callable[[KernelVM, float], None]:
    def body(machine: KernelVM, until_s: float) -> None:
        fault = faults.find(name)(**arguments)
        fault.set(machine)
        try:
            _wait(until_s)
        finally:
            fault.clear(machine)

    return body


def _paused(machine: KernelVM, until_s: float) -> None:
    """A minute at least."""
    fault = faults.find("paused")()
    fault.set(machine)
    _wait(max(until_s, time.monotonic() + 60))
    fault.clear(machine)


def _again(step: Callable[[KernelVM], None]) -> Callable[[KernelVM, float], None]:
    """Over and over."""

    def body(machine: KernelVM, until_s: float) -> None:
        while time.monotonic() < until_s:
            step(machine)

    return body


def _suspend(machine: KernelVM) -> None:
    machine.start("sh", "-c", SUSPEND)  # the agent sleeps too
    time.sleep(2 * SETTING_S)


def _down_and_up(machine: KernelVM) -> None:
    machine.check("ip", "link", "set", machine.interface, "down")
    time.sleep(SETTING_S)
    machine.configure()
    time.sleep(2 * SETTING_S)


def _reload(machine: KernelVM) -> None:
    fault = faults.find("driver-reload")()
    fault.set(machine)
    time.sleep(1)
    fault.clear(machine)
    machine.configure()
    time.sleep(2 * SETTING_S)


def _settings(machine: KernelVM) -> None:
    """The carrier goes for some seconds each time, so a link that flaps may be told."""
    name = machine.interface
    for change in (
        f"ip link set {name} mtu 1400",
        f"ethtool -G {name} tx 512",
        f"ip link set {name} mtu 1500",
        f"ethtool -G {name} tx 256",
    ):
        machine.sh(change)
        time.sleep(SETTING_S)
    machine.configure()


def _come_and_go(machine: KernelVM, until_s: float) -> None:
    """Other cards are plugged in, used, pulled out under traffic without a word in the kernel log, and are there at the end."""
    cards: dict[str, dict[str, object]] = {}
    for number in range(1, CARDS + 1):
        place = {"addr": f"0x{NIC_SLOT + number:x}"}
        wire = machine.plug(nics.find("virtio-net"), machine.segment, **place)
        cards[wire] = {"driver": "virtio-net-pci", "id": wire, "netdev": f"{wire}-wire", **place}
    machine.sh("modprobe virtio_net; for path in /sys/class/net/eth[1-9]*; do ip link set ${path##*/} up; done")
    there = True
    while time.monotonic() < until_s or not there:
        time.sleep(SETTING_S)
        for wire, properties in cards.items():
            if there:
                machine.qemu.ask("device_del", id=wire)
            else:
                _plug_again(machine, properties)
        there = not there
        time.sleep(SETTING_S)
        machine.sh("for path in /sys/class/net/eth[1-9]*; do [ ! -e $path ] || ip link set ${path##*/} up; done")


def _plug_again(machine: KernelVM, properties: dict[str, object]) -> None:
    """The guest lets the last one go when it can."""
    until = time.monotonic() + 60
    while True:
        try:
            machine.qemu.ask("device_add", **properties)
        except LabError:
            if time.monotonic() > until:
                raise
            time.sleep(1)
        else:
            return


SCENARIOS = (
    Scenario(name="full load both ways", body=_full, quiet=True),
    Scenario(name="idle", body=_idle, quiet=True),
    Scenario(name="light traffic", body=_idle),
    Scenario(name="link flapping", body=_fault("link-flapping", down_s=3.0, up_s=6.0), right=("link",)),
    Scenario(name="cable out", body=_fault("link-down"), right=("link",), must=True),
    Scenario(name="partner silent", body=_fault("partner-gone"), right=("upstream",), must=True),
    Scenario(name="gateway gone", body=_fault("gateway-gone"), right=("upstream",), must=True),
    Scenario(name="5 % of the processor left", body=_fault("cpu-starved", left_percent=5), right=("host", "unsure")),
    Scenario(name="paused for a minute", body=_paused, right=("host",)),
    Scenario(name="suspend (processes frozen)", body=_again(_suspend), right=("host",)),
    Scenario(name="ifdown, ifup", body=_again(_down_and_up), right=("administrator",), must=True),
    Scenario(name="driver reload", body=_again(_reload), right=("administrator",)),
    Scenario(name="MTU and ring changes", body=_again(_settings), right=("administrator", "link")),
    Scenario(name=f"{CARDS} cards come and go", body=_come_and_go, right=("administrator", "unsure")),
)


@contextlib.contextmanager
def _traffic(machine: KernelVM, *, on: bool) -> Iterator[None]:
    """Five pings a second to the gateway."""
    job = machine.start("ping", "-n", "-q", "-i", "0.2", GATEWAY, capture=False) if on else None
    try:
        yield
    finally:
        if job is not None:
            job.kill()


def _read_said(watching: Watching, since: int) -> tuple[str, ...]:
    """Verdicts told since, in their order, each once."""
    told = [news["incident"] for news in watching.told()[since:] if news["incident"] is not None and news["news"] in ("began", "verdict")]
    return tuple(dict.fromkeys(str(incident["verdict"]) for incident in told))


def _judge(scenario: Scenario, said: tuple[str, ...], *, alive: bool) -> bool:
    return alive and NEVER not in said and set(said) <= set(scenario.right) and (bool(said) or not scenario.must)


def run(minutes: float, only: str = "") -> int:
    """Carry them out, and print a row each.

    Args:
        minutes: Of each.
        only: Those whose names hold this.

    Returns:
        0: all was called what it is; 1: something was not.
    """
    wrong = 0
    with Segment() as segment, KernelVM(memory_mb=1024) as machine:
        machine.add_nic(nics.find("e1000e-intx"), segment)
        watching = Watching(machine)
        watching.start()
        with _traffic(machine, on=True):
            time.sleep(CALM_S)
        print(f"{'scenario':30}{'minutes':>8}  {'said':28}{'right would be':24}", flush=True)
        for scenario in SCENARIOS:
            if only not in scenario.name:
                continue
            since, began_s = len(watching.told()), time.monotonic()
            with _traffic(machine, on=not scenario.quiet):
                scenario.body(machine, began_s + minutes * 60)
                time.sleep(CALM_S)
            with _traffic(machine, on=True), contextlib.suppress(LabError):  # what stays open is told below
                watching.wait(lambda: all(one["ended"] for one in watching.incidents()), PATIENCE_S, step_s=5)
            said = _read_said(watching, since)
            right = _judge(scenario, said, alive=machine.run("kill", "-0", str(watching.pid)).status == 0)
            wrong += not right
            shown = ", ".join(scenario.right) or "nothing"
            lasted = (time.monotonic() - began_s) / 60
            print(
                f"{scenario.name:30}{lasted:8.1f}  {', '.join(said) or 'nothing':28}{shown:24}{'right' if right else 'WRONG'}", flush=True
            )
            if not right:
                print(*(incident["reasons"] for incident in watching.incidents()[-3:]), sep="\n", flush=True)
        incidents = watching.incidents()
    hung, still_open = sum(one["verdict"] == NEVER for one in incidents), sum(one["ended"] is None for one in incidents)
    print("pause-frame storm: not possible here, for no card of QEMU's obeys pause frames")
    print(f"incidents called {NEVER}: {hung}; that never ended: {still_open}; scenarios that were called wrong: {wrong}")
    return int(bool(hung or wrong or still_open))
